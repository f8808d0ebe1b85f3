/** A new flow: the prompt with its images and parameters, the plan with its price, and the same request as code. */
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type KeyboardEvent, lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { ImageInput } from "../components/image-input.tsx";
import { CancelLimited, SendsIn } from "../components/limited.tsx";
import { PlanEditor } from "../components/plan-editor.tsx";
import { Problem } from "../components/problem.tsx";
import { PromptSettings } from "../components/prompt-settings.tsx";
import { useConfirm } from "../kit/confirm.tsx";
import { Icon } from "../kit/icon.tsx";
import { Rich } from "../kit/rich.tsx";
import { Tabs } from "../kit/tabs.tsx";
import { clearDraft, onOpenedDraft, storeDraft, storedDraft } from "../lib/draft.ts";
import { NO_FILTER } from "../lib/filter.ts";
import { usd } from "../lib/money.ts";
import {
  type Draft,
  EMPTY_FORM,
  type FlowForm,
  isComplete,
  maxImages,
  preview,
  promptsOf,
  takesPrompt,
  toFlowInput,
  toPlanInput,
} from "../lib/plan.ts";
import { rootKind } from "../lib/press.ts";
import { hrefOf, type Query } from "../lib/route.ts";
import { draftsOf } from "../lib/template.ts";
import { useAction, useApiCapabilities, useCaller, useFlowList, useProviders, useTemplates } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/create-text.ts";

// The first view is the form. What is below it, or behind a tab, is loaded after it.
const TemplateDialog = lazy(() =>
  import("../components/template-dialog.tsx").then(({ TemplateDialog: component }) => ({ default: component })),
);
const RecentFlows = lazy(() =>
  import("../components/recent-flows.tsx").then(({ RecentFlows: component }) => ({ default: component })),
);
const PlanTree = lazy(() =>
  import("../components/plan-views.tsx").then(({ PlanTree: component }) => ({ default: component })),
);
const Snippets = lazy(() =>
  import("../components/plan-views.tsx").then(({ Snippets: component }) => ({ default: component })),
);

/** From this number of prompts on, the page asks before it sends them. */
const MANY_PROMPTS = 8;

export default function CreatePage({ query }: { query: Query }) {
  const known = useKnownProviders();
  const caller = useCaller();
  const [form, setForm] = useState<FlowForm>(storedDraft);
  const set = (change: Partial<FlowForm>) => setForm((before) => ({ ...before, ...change }));
  useEffect(() => storeDraft(form), [form]);
  useEffect(() => onOpenedDraft(() => setForm(storedDraft())), []);
  const input = useMemo(() => toFlowInput(form), [form]);
  const plan = useMemo(() => preview(input), [input]);
  const prompts = useMemo(() => promptsOf(form), [form]);
  const [tab, setTab] = useState("steps");
  const { send, busy, error } = useSend(form, query["from"]);
  const price = plan.usd * prompts.count;
  const canSend = isComplete(form) && !busy && plan.problem === undefined && prompts.problem === undefined;

  function submit(event?: FormEvent) {
    event?.preventDefault();
    if (canSend) void send(prompts.count, price);
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.metaKey || event.ctrlKey)) return;
    event.preventDefault();
    submit();
  };

  return (
    <section className="page wide">
      <h1 className="unseen">{t.pages.create}</h1>
      <form className="new" onSubmit={submit} onKeyDown={onKeyDown}>
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
          <Suspense fallback={null}>
            <RecentFlows />
          </Suspense>
        </div>
        <div className="side">
          <div className="card plan-card">
            <Tabs
              label={t.create.plan}
              segmented
              selected={tab}
              onSelect={setTab}
              tabs={[
                { id: "steps", name: t.create.steps },
                { id: "tree", name: t.create.tree },
                { id: "code", name: t.create.code },
              ]}
            >
              {tab === "steps" && (
                <>
                  <p className="faint small">{t.create.stepsHint}</p>
                  <TemplateBar form={form} chosen={query["template"]} onChange={(then) => set({ then })} />
                  <PlanEditor
                    drafts={form.then}
                    kind={rootKind(form.action)}
                    mode={form.mode}
                    onChange={(then) => set({ then })}
                  />
                </>
              )}
              <Suspense fallback={null}>
                {tab === "tree" && <PlanTree steps={plan.steps} />}
                {tab === "code" && <Snippets input={input} />}
              </Suspense>
            </Tabs>
            <div className="total">
              <span className="faint small">{t.create.paidCalls(prompts.count, plan.paid)}</span>
              <strong className="cost">≤ {usd(price)}</strong>
              <span className="faint small">{t.create.estimated}</span>
            </div>
            {(plan.problem ?? prompts.problem) && (
              <p className="problem" role="alert">
                {(plan.problem ?? prompts.problem)!.detail}
              </p>
            )}
            <Problem error={error} />
            <button type="submit" className="primary send" disabled={!canSend}>
              <Icon name="sparkles" />
              {busy ? <SendsIn otherwise={t.common.sending} /> : t.create.submit}
            </button>
            {busy && <CancelLimited />}
          </div>
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

/** Uses a template of the app as the plan, and saves the plan as a template. */
function TemplateBar(props: { form: FlowForm; chosen: string | undefined; onChange: (then: Draft[]) => void }) {
  const { form, chosen, onChange } = props;
  const { data } = useTemplates();
  const [isSaving, setSaving] = useState(false);
  const then = toPlanInput(form.then);
  const use = (name: string) => {
    const template = data?.find((each) => each.name === name);
    if (template) onChange(draftsOf(template.then, () => crypto.randomUUID()));
  };
  // The template of the address is used once, when it is known.
  const used = useRef<string>(undefined);
  useEffect(() => {
    if (!chosen || used.current === chosen || !data) return;
    used.current = chosen;
    use(chosen);
  });
  if (!data || (data.length === 0 && then.length === 0)) return null;
  return (
    <div className="template-bar">
      {data.length > 0 && (
        <select aria-label={t.create.template} value="" onChange={(event) => use(event.target.value)}>
          <option value="">{t.create.useTemplate}</option>
          {data.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      )}
      {then.length > 0 && (
        <button type="button" className="quiet" onClick={() => setSaving(true)}>
          <Icon name="bookmark" />
          {t.create.saveAsTemplate}
        </button>
      )}
      {isSaving && (
        <Suspense fallback={null}>
          <TemplateDialog then={then} onClose={() => setSaving(false)} />
        </Suspense>
      )}
    </div>
  );
}

/** Sends the form: as one flow, as one flow for each permutation of the prompt, or as changes of an earlier flow. */
function useSend(form: FlowForm, from: string | undefined) {
  const mjflow = useMjflow();
  const queries = useQueryClient();
  const confirm = useConfirm();
  const { can } = useApiCapabilities();
  const { act, busy, error } = useAction();
  // One Idempotency-Key per request: a request that is sent twice creates one flow, and a changed one gets a new key.
  const sent = useRef<{ body: string; key: string }>(undefined);

  async function send(count: number, price: number): Promise<void> {
    const input = toFlowInput(form);
    const body = JSON.stringify([from, input]);
    if (sent.current?.body !== body) sent.current = { body, key: crypto.randomUUID() };
    const options = { idempotencyKey: sent.current.key };
    const isMuch = count > MANY_PROMPTS;
    const { manyTitle, manyBody, submit: action } = t.create;
    const question = { title: manyTitle(count), body: manyBody(usd(price)), action };
    if (isMuch && !(await confirm(question))) return;
    await act("create", async () => {
      let next: string;
      if (from && can("POST", "/v1/flows/{id}/rerun")) {
        const changes = { ...input, then: input.then ?? null };
        next = hrefOf({ page: "flow", id: (await mjflow.flows.rerun(from, changes, options)).id });
      } else if (count > 1) {
        const { failed, data } = await mjflow.flows.createMany([{ ...input, permutations: "expand" }], options);
        const first = data.find(({ error: refused }) => refused)?.error;
        if (failed === data.length && first) throw new Error(first.detail);
        next = hrefOf({ page: "flows" });
      } else {
        next = hrefOf({ page: "flow", id: (await mjflow.flows.create(input, options)).id });
      }
      void queries.invalidateQueries({ queryKey: ["flows"] });
      clearDraft();
      location.hash = next;
    });
  }
  return { send, busy, error };
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
