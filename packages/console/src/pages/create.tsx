/** A new flow: the prompt with its images and parameters, the plan with its price, and the same request as code. */
import { type FormEvent, type KeyboardEvent, lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { ImageInput } from "../components/image-input.tsx";
import type { Submit } from "../components/plan-card.tsx";
import { PromptSettings } from "../components/prompt-settings.tsx";
import { Icon } from "../kit/icon.tsx";
import { Part } from "../kit/part.tsx";
import { Rich } from "../kit/rich.tsx";
import { clearDraft, onOpenedDraft, storeDraft, storedDraft } from "../lib/draft.ts";
import { NO_FILTER } from "../lib/filter.ts";
import { EMPTY_FORM, type FlowForm, maxImages, takesPrompt } from "../lib/form.ts";
import { hrefOf, type Query } from "../lib/route.ts";
import { useCaller, useFlowList, useProviders } from "../queries.ts";
import { t } from "../text/create-text.ts";

// The first view is the form. The plan next to it and the results below it are loaded after it, at once.
const planCard = import("../components/plan-card.tsx");
const PlanCard = lazy(() => planCard);
const RecentFlows = lazy(() =>
  import("../components/recent-flows.tsx").then(({ RecentFlows: component }) => ({ default: component })),
);

export default function CreatePage({ query }: { query: Query }) {
  const known = useKnownProviders();
  const caller = useCaller();
  const [form, setForm] = useState<FlowForm>(storedDraft);
  const set = (change: Partial<FlowForm>) => setForm((before) => ({ ...before, ...change }));
  useEffect(() => storeDraft(form), [form]);
  useEffect(() => onOpenedDraft(() => setForm(storedDraft())), []);
  const submit = useRef<Submit>(() => {});
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.metaKey || event.ctrlKey)) return;
    event.preventDefault();
    submit.current();
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    submit.current();
  };

  return (
    <section className="page wide">
      <h1 className="unseen">{t.pages.create}</h1>
      <form className="new" onSubmit={onSubmit} onKeyDown={onKeyDown}>
        <div className="form">
          {query["from"] && (
            <p className="note">
              <Rich
                text={t.create.basedOn}
                parts={{ flow: <a href={hrefOf({ page: "flow", id: query["from"] })}>{t.create.earlierFlow}</a> }}
              />
            </p>
          )}
          <div className="card composer">
            <RootAction value={form.action} onChange={(action) => set({ action, then: [] })} />
            {takesPrompt(form.action) && <PromptInput value={form.prompt} onChange={(prompt) => set({ prompt })} />}
            {form.action !== "shorten" && (
              <ImageInput
                max={maxImages(form.action)}
                images={form.images}
                action={form.action}
                onChange={(images, action = form.action) => set({ images, action })}
              />
            )}
            {takesPrompt(form.action) && (caller?.canTranslate || form.translate) && (
              <label className="check">
                <input
                  type="checkbox"
                  checked={form.translate}
                  onChange={(event) => set({ translate: event.target.checked })}
                />
                {t.create.translate}
              </label>
            )}
            {form.action === "video" && <VideoInput form={form} onChange={set} />}
            <PromptSettings form={form} providers={known} onChange={set} />
          </div>
          <details className="more-options">
            <summary>{t.create.moreOptions}</summary>
            <MoreFields form={form} onChange={set} />
          </details>
          <Part>
            <RecentFlows />
          </Part>
        </div>
        <div className="side">
          <Suspense fallback={<div className="card plan-card" aria-busy="true" />}>
            <PlanCard form={form} query={query} onChange={set} submit={submit} />
          </Suspense>
          <button
            type="button"
            className="quiet"
            onClick={() => {
              clearDraft();
              setForm(EMPTY_FORM);
              location.replace(hrefOf({ page: "create" }));
            }}
          >
            {t.create.clear}
          </button>
        </div>
      </form>
    </section>
  );
}

const ROOTS: readonly (readonly [FlowForm["action"], icon: string])[] = [
  ["imagine", "sparkles"],
  ["blend", "layout-grid"],
  ["describe", "eye"],
  ["shorten", "scissors"],
  ["video", "film"],
  ["edit", "brush"],
  ["retexture", "refresh-cw"],
];

function RootAction(props: { value: FlowForm["action"]; onChange: (action: FlowForm["action"]) => void }) {
  const { value, onChange } = props;
  return (
    <fieldset className="root-action">
      <legend className="unseen">{t.create.rootAction}</legend>
      {ROOTS.map(([action, icon]) => (
        <button
          key={action}
          type="button"
          className="chip"
          aria-pressed={value === action}
          onClick={() => onChange(action)}
        >
          <Icon name={icon} />
          {t.create.roots[action]}
        </button>
      ))}
    </fieldset>
  );
}

function PromptInput({ value, onChange }: { value: string; onChange: (prompt: string) => void }) {
  return (
    <label>
      <span className="unseen">{t.create.prompt}</span>
      <textarea
        rows={3}
        dir="auto"
        className="prompt-input"
        value={value}
        placeholder={t.create.promptHint}
        onChange={(event) => onChange(event.target.value)}
      />
    </label>
  );
}

function VideoInput({ form, onChange }: { form: FlowForm; onChange: (change: Partial<FlowForm>) => void }) {
  return (
    <div className="row">
      <label>
        {t.create.motion}
        <select
          value={form.motion}
          onChange={(event) => onChange({ motion: event.target.value as FlowForm["motion"] })}
        >
          <option value="low">{t.create.low}</option>
          <option value="high">{t.create.high}</option>
        </select>
      </label>
      <label>
        <span>
          {t.create.videos} <span className="faint small">{t.create.notEverywhere}</span>
        </span>
        <select
          value={form.batchSize}
          onChange={(event) => onChange({ batchSize: event.target.value as FlowForm["batchSize"] })}
        >
          <option value="">{t.common.default}</option>
          <option value="1">1</option>
          <option value="2">2</option>
          <option value="4">4</option>
        </select>
      </label>
      <p className="faint small">{t.create.frames}</p>
    </div>
  );
}

function MoreFields({ form, onChange }: { form: FlowForm; onChange: (change: Partial<FlowForm>) => void }) {
  return (
    <div className="more-fields">
      <label>
        <span>
          {t.create.state} <span className="faint small">{t.create.stateHelp}</span>
        </span>
        <input value={form.state} onChange={(event) => onChange({ state: event.target.value })} />
      </label>
      <label>
        <span>
          notifyHook <span className="faint small">{t.create.hookHelp}</span>
        </span>
        <input
          type="url"
          value={form.notifyHook}
          placeholder="https://"
          onChange={(event) => onChange({ notifyHook: event.target.value })}
        />
      </label>
      <label className="check">
        <input
          type="checkbox"
          checked={form.archive}
          onChange={(event) => onChange({ archive: event.target.checked })}
        />
        {t.create.archive}
      </label>
    </div>
  );
}

/** Returns the configured providers and the providers of earlier flows. */
function useKnownProviders(): string[] {
  const { data } = useProviders();
  const { flows } = useFlowList(NO_FILTER, false);
  const used = flows.map(({ provider }) => provider).join(" ");
  const listed = data?.map(({ id }) => id).join(" ");
  return useMemo(() => [...new Set(`${used} ${listed ?? ""}`.split(" ").filter(Boolean))], [used, listed]);
}
