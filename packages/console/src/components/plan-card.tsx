/**
 * The plan of a new flow with its price, and the button that sends it. It is loaded after the form, which is the first view of the
 * page.
 */
import { useQueryClient } from "@tanstack/react-query";
import { lazy, type RefObject, useEffect, useImperativeHandle, useMemo, useRef, useState } from "react";
import { useConfirm } from "../kit/confirm.tsx";
import { Icon } from "../kit/icon.tsx";
import { Part } from "../kit/part.tsx";
import { Tabs } from "../kit/tabs.tsx";
import { clearDraft } from "../lib/draft.ts";
import { type Draft, type FlowForm, isComplete, toFlowInput, toPlanInput } from "../lib/form.ts";
import { usd } from "../lib/money.ts";
import { preview, promptsOf } from "../lib/plan.ts";
import { rootKind } from "../lib/press.ts";
import { hrefOf, type Query } from "../lib/route.ts";
import { draftsOf } from "../lib/template.ts";
import { useAction, useApiCapabilities, useTemplates } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/create-text.ts";
import { CancelLimited, SendsIn } from "./limited.tsx";
import { PlanEditor } from "./plan-editor.tsx";
import { Problem } from "./problem.tsx";

// What is behind a tab or a button is loaded when it is opened.
const TemplateDialog = lazy(() =>
  import("./template-dialog.tsx").then(({ TemplateDialog: component }) => ({ default: component })),
);
const PlanTree = lazy(() => import("./plan-views.tsx").then(({ PlanTree: component }) => ({ default: component })));
const Snippets = lazy(() => import("./plan-views.tsx").then(({ Snippets: component }) => ({ default: component })));

/** From this number of prompts on, the page asks before it sends them. */
const MANY_PROMPTS = 8;

/** Sends the form if it can be sent. */
export type Submit = () => void;

export interface PlanCardProps {
  form: FlowForm;
  query: Query;
  onChange(change: Partial<FlowForm>): void;
  /** Gets the function that sends the form, for the keys of the form around the card. */
  submit: RefObject<Submit>;
}

export default function PlanCard({ form, query, onChange, submit }: PlanCardProps) {
  const input = useMemo(() => toFlowInput(form), [form]);
  const plan = useMemo(() => preview(input), [input]);
  const prompts = useMemo(() => promptsOf(form), [form]);
  const [tab, setTab] = useState("steps");
  const { send, busy, off, error } = useSend(form, query["from"]);
  const price = plan.usd * prompts.count;
  const canSend = isComplete(form) && !off.disabled && plan.problem === undefined && prompts.problem === undefined;
  useImperativeHandle(submit, () => () => {
    if (canSend) void send(prompts.count, price);
  });
  return (
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
            <TemplateBar form={form} chosen={query["template"]} onChange={(then) => onChange({ then })} />
            <PlanEditor
              drafts={form.then}
              kind={rootKind(form.action)}
              mode={form.mode}
              onChange={(then) => onChange({ then })}
            />
          </>
        )}
        <Part>
          {tab === "tree" && <PlanTree steps={plan.steps} />}
          {tab === "code" && <Snippets input={input} />}
        </Part>
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
      <button type="submit" className="primary send" title={off.title} disabled={!canSend}>
        <Icon name="sparkles" />
        {busy ? <SendsIn otherwise={t.common.sending} /> : t.create.submit}
      </button>
      {busy && <CancelLimited />}
    </div>
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
        <Part>
          <TemplateDialog then={then} onClose={() => setSaving(false)} />
        </Part>
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
  const { act, busy, off, error } = useAction();
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
  return { send, busy, off, error };
}
