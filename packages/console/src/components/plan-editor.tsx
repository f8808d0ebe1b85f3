/** Editor for the presses of a plan, to any depth. */
import { canonicalPress, modalKindOfPress } from "@mjflow/core/button";
import { lazy, Suspense, useState } from "react";
import { type Draft, toggleDraft, updateDraft } from "../lib/plan.ts";
import { type Kind, pressesFor, pressLabel, pressNeedsMask, pressNeedsModal, resultKind } from "../lib/press.ts";
import { t } from "../text/create-text.ts";

/** Few plans have a region. */
const MaskDialog = lazy(() =>
  import("./mask-dialog.tsx").then(({ MaskDialog: component }) => ({ default: component })),
);

const newKey = () => crypto.randomUUID();

export function PlanEditor(props: { drafts: Draft[]; kind: Kind; onChange: (drafts: Draft[]) => void }) {
  const { drafts, kind, onChange } = props;
  return (
    <div className="plan">
      <PressChips drafts={drafts} kind={kind} onChange={onChange} />
      {drafts.length > 0 && (
        <ul>
          {drafts.map((draft) => (
            <li key={draft.key}>
              <Step
                draft={draft}
                onChange={(next) => onChange(updateDraft(drafts, draft.key, () => next))}
                onRemove={() => onChange(updateDraft(drafts, draft.key, () => undefined))}
              />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function PressChips(props: { drafts: Draft[]; kind: Kind; onChange: (drafts: Draft[]) => void }) {
  const { drafts, kind, onChange } = props;
  const [other, setOther] = useState("");
  const has = (name: string) => drafts.some((draft) => canonicalPress(draft.press) === name);
  const isChosen = (press: string) => {
    const all = /^(\w+):all$/.exec(press)?.[1];
    return all ? [1, 2, 3, 4].every((n) => has(`${all}:${n}`)) : has(press);
  };
  const add = () => {
    if (other.trim() && !has(canonicalPress(other))) onChange(toggleDraft(drafts, other, newKey));
    setOther("");
  };
  return (
    <div className="chips">
      {pressesFor(kind).map((press) => (
        <button
          key={press}
          type="button"
          className="chip"
          aria-pressed={isChosen(press)}
          onClick={() => onChange(toggleDraft(drafts, press, newKey))}
        >
          {pressLabel(press)}
        </button>
      ))}
      <input
        className="other"
        aria-label={t.create.otherButton}
        placeholder={t.create.otherButtonHint}
        value={other}
        onChange={(event) => setOther(event.target.value)}
        onBlur={add}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          // Enter adds the press. It must not submit the form, because a submitted plan costs money.
          event.preventDefault();
          add();
        }}
      />
    </div>
  );
}

function Step(props: { draft: Draft; onChange: (draft: Draft) => void; onRemove: () => void }) {
  const { draft, onChange, onRemove } = props;
  const [isMasking, setMasking] = useState(false);
  const kind = resultKind(draft.press);
  const label = pressLabel(draft.press);
  return (
    <details className="step" open={draft.then.length > 0 || undefined}>
      <summary>
        <span className="press">{label}</span>
        {draft.then.length > 0 && <span className="faint small">{t.create.then(draft.then.length)}</span>}
        {pressNeedsModal(draft.press) && !draft.prompt && !draft.maskBase64 && (
          <span className="status ask">{t.create.needsInput}</span>
        )}
        <button type="button" className="quiet" aria-label={t.create.removeStep(label)} onClick={onRemove}>
          ✕
        </button>
      </summary>
      {(modalKindOfPress(draft.press) !== "never" || draft.prompt !== "") && (
        <label>
          {t.create.stepPrompt}
          <input
            dir="auto"
            value={draft.prompt}
            onChange={(event) => onChange({ ...draft, prompt: event.target.value })}
          />
        </label>
      )}
      {pressNeedsMask(draft.press) && (
        <button type="button" onClick={() => setMasking(true)}>
          {draft.maskBase64 ? t.create.editRegion : t.create.drawRegion}
        </button>
      )}
      {isMasking && (
        <Suspense fallback={null}>
          <MaskDialog
            onClose={() => setMasking(false)}
            onDone={(maskBase64) => {
              const { maskBase64: _, ...rest } = draft;
              onChange(maskBase64 ? { ...rest, maskBase64 } : rest);
              setMasking(false);
            }}
          />
        </Suspense>
      )}
      {kind !== "none" && (
        <PlanEditor drafts={draft.then} kind={kind} onChange={(then) => onChange({ ...draft, then })} />
      )}
    </details>
  );
}
