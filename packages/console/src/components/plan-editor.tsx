/** Editor for the presses of a plan, to any depth. */
import { canonicalPress, modalKindOfPress } from "@mjflow/core/button";
import { lazy, useState } from "react";
import { Icon } from "../kit/icon.tsx";
import { Part } from "../kit/part.tsx";
import { priceOfPress } from "../lib/flow-plan.ts";
import { type Draft, type FlowForm, toggleDraft, updateDraft } from "../lib/form.ts";
import { usd } from "../lib/money.ts";
import {
  groupedButtons,
  type Kind,
  pressesFor,
  pressIcon,
  pressLabel,
  pressNeedsMask,
  pressNeedsModal,
  resultKind,
} from "../lib/press.ts";
import { t } from "../text/create-text.ts";

/** Few plans have a region. */
const MaskDialog = lazy(() =>
  import("./mask-dialog.tsx").then(({ MaskDialog: component }) => ({ default: component })),
);

const newKey = () => crypto.randomUUID();

interface PlanEditorProps {
  drafts: Draft[];
  kind: Kind;
  /** Speed of the flow, which decides the prices. */
  mode: FlowForm["mode"];
  onChange: (drafts: Draft[]) => void;
}

export function PlanEditor({ drafts, kind, mode, onChange }: PlanEditorProps) {
  return (
    <div className="plan">
      <PressChips drafts={drafts} kind={kind} mode={mode} onChange={onChange} />
      {drafts.length > 0 && (
        <ul>
          {drafts.map((draft) => (
            <li key={draft.key} className="step-place">
              <Step
                draft={draft}
                mode={mode}
                onChange={(next) => onChange(updateDraft(drafts, draft.key, () => next))}
              />
              {/* It is no part of the summary, because one control must not be inside of another. */}
              <RemoveStep
                name={pressLabel(draft.press)}
                onRemove={() => onChange(updateDraft(drafts, draft.key, () => undefined))}
              />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function PressChips({ drafts, kind, mode, onChange }: PlanEditorProps) {
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
    <>
      {groupedButtons(pressesFor(kind).map((name) => ({ name }))).map(([group, all]) => (
        <fieldset key={group} className="press-group">
          <legend>
            {t.press.groups[group]}{" "}
            <span className="price">
              {priceOfGroup(
                all.map(({ name }) => name),
                mode,
              )}
            </span>
          </legend>
          <div className="chips">
            {all.map(({ name }) => (
              <button
                key={name}
                type="button"
                className="chip"
                aria-pressed={isChosen(name)}
                onClick={() => onChange(toggleDraft(drafts, name, newKey))}
              >
                {pressLabel(name)}
              </button>
            ))}
          </div>
        </fieldset>
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
    </>
  );
}

/** The price of one step, if all presses of the group cost the same. */
function priceOfGroup(presses: readonly string[], mode: FlowForm["mode"]): string {
  const prices = new Set(presses.map((press) => priceOfPress(press, mode || null)));
  const [price = 0] = prices;
  return prices.size === 1 && price > 0 ? t.create.eachStep(usd(price)) : "";
}

function RemoveStep({ name, onRemove }: { name: string; onRemove: () => void }) {
  const words = t.create.removeStep(name);
  return (
    <button type="button" className="quiet icon-button remove" aria-label={words} title={words} onClick={onRemove}>
      <Icon name="x" />
    </button>
  );
}

interface StepProps {
  draft: Draft;
  mode: FlowForm["mode"];
  onChange: (draft: Draft) => void;
}

function Step({ draft, mode, onChange }: StepProps) {
  const [isMasking, setMasking] = useState(false);
  const kind = resultKind(draft.press);
  const label = pressLabel(draft.press);
  const price = priceOfPress(draft.press, mode || null);
  return (
    <details className="step" open={draft.then.length > 0 || undefined}>
      <summary>
        <Icon name={pressIcon(draft.press)} />
        <span className="press">{label}</span>
        {draft.then.length > 0 && <span className="faint small">{t.create.then(draft.then.length)}</span>}
        {pressNeedsModal(draft.press) && !draft.prompt && !draft.maskBase64 && (
          <span className="status ask">{t.create.needsInput}</span>
        )}
        <span className="price">{price > 0 && usd(price)}</span>
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
        <Part>
          <MaskDialog
            onClose={() => setMasking(false)}
            onDone={(maskBase64) => {
              const { maskBase64: _, ...rest } = draft;
              onChange(maskBase64 ? { ...rest, maskBase64 } : rest);
              setMasking(false);
            }}
          />
        </Part>
      )}
      {kind !== "none" && (
        <PlanEditor drafts={draft.then} kind={kind} mode={mode} onChange={(then) => onChange({ ...draft, then })} />
      )}
    </details>
  );
}
