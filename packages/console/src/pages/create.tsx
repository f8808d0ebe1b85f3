/** A new flow: the prompt with its images and parameters, the plan with its price, and the same request as code. */
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { CopyButton } from "../components/copy.tsx";
import { ImageInput } from "../components/image-input.tsx";
import { PlanEditor } from "../components/plan-editor.tsx";
import { Problem } from "../components/problem.tsx";
import { PromptSettings } from "../components/prompt-settings.tsx";
import { RecentFlows } from "../components/recent-flows.tsx";
import { TreeView } from "../components/tree-view.tsx";
import { useConfirm } from "../kit/confirm.tsx";
import { Icon } from "../kit/icon.tsx";
import { Tabs } from "../kit/tabs.tsx";
import { clearDraft, storeDraft, storedDraft } from "../lib/draft.ts";
import { NO_FILTER } from "../lib/filter.ts";
import { usd } from "../lib/money.ts";
import {
  EMPTY_FORM,
  type FlowForm,
  isComplete,
  maxImages,
  preview,
  promptsOf,
  type Step,
  takesPrompt,
  toFlowInput,
} from "../lib/plan.ts";
import { pressLabel, rootKind } from "../lib/press.ts";
import { hrefOf, type Query } from "../lib/route.ts";
import { cliOf, curlOf, sdkOf } from "../lib/snippet.ts";
import { layout } from "../lib/tree.ts";
import { useAction, useApiCapabilities, useFlowList, useProviders } from "../queries.ts";
import { apiUrl, useMjflow } from "../session.ts";

/** From this number of prompts on, the page asks before it sends them. */
const MANY_PROMPTS = 8;

export default function CreatePage({ query }: { query: Query }) {
  const known = useKnownProviders();
  const [form, setForm] = useState<FlowForm>(storedDraft);
  const set = (change: Partial<FlowForm>) => setForm((before) => ({ ...before, ...change }));
  useEffect(() => storeDraft(form), [form]);
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
      <h1 className="unseen">Create</h1>
      <form className="new" onSubmit={submit} onKeyDown={onKeyDown}>
        <div className="form">
          {query["from"] && (
            <p className="note">
              Based on <a href={hrefOf({ page: "flow", id: query["from"] })}>an earlier flow</a>. Its images stay unless
              you choose others.
            </p>
          )}
          <div className="card composer">
            <RootAction value={form.action} onChange={(action) => set({ action, then: [] })} />
            {takesPrompt(form.action) && <PromptInput value={form.prompt} onChange={(prompt) => set({ prompt })} />}
            {form.action !== "shorten" && (
              <ImageInput max={maxImages(form.action)} images={form.images} onChange={(images) => set({ images })} />
            )}
            {form.action === "video" && <VideoInput form={form} onChange={set} />}
            <PromptSettings form={form} providers={known} onChange={set} />
          </div>
          <details className="more-options">
            <summary>More options</summary>
            <MoreFields form={form} onChange={set} />
          </details>
          <RecentFlows />
        </div>
        <div className="side">
          <div className="card plan-card">
            <Tabs
              label="The plan"
              segmented
              selected={tab}
              onSelect={setTab}
              tabs={[
                { id: "steps", name: "Steps" },
                { id: "tree", name: "Tree" },
                { id: "code", name: "Code" },
              ]}
            >
              {tab === "steps" && (
                <>
                  <p className="faint small">
                    What happens when the first result is there. The steps run by themselves.
                  </p>
                  <PlanEditor drafts={form.then} kind={rootKind(form.action)} onChange={(then) => set({ then })} />
                </>
              )}
              {tab === "tree" && <PreviewTree steps={plan.steps} />}
              {tab === "code" && <Snippets input={input} />}
            </Tabs>
            <div className="total">
              <span className="faint small">
                {prompts.count > 1 && `${prompts.count} prompts, each with `}
                {plan.paid} paid {plan.paid === 1 ? "call" : "calls"}
              </span>
              <strong className="cost">≤ {usd(price)}</strong>
              <span className="faint small">Estimated from published prices. Prices differ between vendors.</span>
            </div>
            {(plan.problem ?? prompts.problem) && (
              <p className="problem" role="alert">
                {(plan.problem ?? prompts.problem)!.detail}
              </p>
            )}
            <Problem error={error} />
            <button type="submit" className="primary send" disabled={!canSend}>
              <Icon name="sparkles" />
              {busy ? "Sending…" : "Create"}
            </button>
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
            Clear the form
          </button>
        </div>
      </form>
    </section>
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
    const question = { title: `Create ${count} flows?`, body: `They cost at most ${usd(price)}.`, action: "Create" };
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

const ROOTS: readonly (readonly [FlowForm["action"], string, string])[] = [
  ["imagine", "Imagine", "sparkles"],
  ["blend", "Blend", "layout-grid"],
  ["describe", "Describe", "eye"],
  ["shorten", "Shorten", "scissors"],
  ["video", "Video", "film"],
  ["edit", "Edit", "brush"],
  ["retexture", "Retexture", "refresh-cw"],
];

function RootAction(props: { value: FlowForm["action"]; onChange: (action: FlowForm["action"]) => void }) {
  const { value, onChange } = props;
  return (
    <fieldset className="root-action">
      <legend className="unseen">Root action</legend>
      {ROOTS.map(([action, name, icon]) => (
        <button
          key={action}
          type="button"
          className="chip"
          aria-pressed={value === action}
          onClick={() => onChange(action)}
        >
          <Icon name={icon} />
          {name}
        </button>
      ))}
    </fieldset>
  );
}

function PromptInput({ value, onChange }: { value: string; onChange: (prompt: string) => void }) {
  return (
    <label>
      <span className="unseen">Prompt</span>
      <textarea
        rows={3}
        dir="auto"
        className="prompt-input"
        value={value}
        placeholder="What do you want to see? Try a paper boat on calm water --ar 16:9"
        onChange={(event) => onChange(event.target.value)}
      />
    </label>
  );
}

function VideoInput({ form, onChange }: { form: FlowForm; onChange: (change: Partial<FlowForm>) => void }) {
  return (
    <div className="row">
      <label>
        Motion
        <select
          value={form.motion}
          onChange={(event) => onChange({ motion: event.target.value as FlowForm["motion"] })}
        >
          <option value="low">low</option>
          <option value="high">high</option>
        </select>
      </label>
      <label>
        <span>
          Videos <span className="faint small">not at every provider</span>
        </span>
        <select
          value={form.batchSize}
          onChange={(event) => onChange({ batchSize: event.target.value as FlowForm["batchSize"] })}
        >
          <option value="">default</option>
          <option value="1">1</option>
          <option value="2">2</option>
          <option value="4">4</option>
        </select>
      </label>
      <p className="faint small">
        The first image is the first frame, a second one the last frame. It must be one image, not a grid.
      </p>
    </div>
  );
}

function MoreFields({ form, onChange }: { form: FlowForm; onChange: (change: Partial<FlowForm>) => void }) {
  return (
    <div className="more-fields">
      <label>
        <span>
          state <span className="faint small">your text, returned with every event</span>
        </span>
        <input value={form.state} onChange={(event) => onChange({ state: event.target.value })} />
      </label>
      <label>
        <span>
          notifyHook <span className="faint small">URL that receives the signed webhooks of this flow</span>
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
        Archive the images: copy them to storage where links do not expire
      </label>
    </div>
  );
}

function PreviewTree({ steps }: { steps: Step[] }) {
  const tree = useMemo(() => layout(steps), [steps]);
  const [selected, setSelected] = useState<string>();
  return (
    <TreeView
      label="The plan as a tree"
      layout={tree}
      selected={selected}
      onSelect={setSelected}
      compact
      toneOf={({ free }) => (free ? "off" : "wait")}
    >
      {({ press, action, prompt, free }) => (
        <span className="node-words">
          <span className="press">{press === null ? action.toLowerCase() : pressLabel(press)}</span>
          {prompt && press !== null ? (
            <span className="faint small clip" dir="auto">
              {prompt}
            </span>
          ) : (
            free && <span className="faint small">cut by mjflow, free</span>
          )}
        </span>
      )}
    </TreeView>
  );
}

function Snippets({ input }: { input: ReturnType<typeof toFlowInput> }) {
  const [tab, setTab] = useState("curl");
  // Data URIs of images are megabytes of text, so the snippets show only their start.
  const { base64Array, image, endImage } = input;
  const shown = {
    ...input,
    ...(base64Array && { base64Array: base64Array.map(shortened) }),
    ...(image && { image: shortened(image) }),
    ...(endImage && { endImage: shortened(endImage) }),
  };
  const forms: Record<string, string | undefined> = {
    curl: curlOf(shown, apiUrl()),
    TypeScript: sdkOf(shown),
    CLI: cliOf(shown),
  };
  const text = forms[tab];
  return (
    <Tabs
      label="This request as code"
      selected={tab}
      onSelect={setTab}
      tabs={Object.keys(forms).map((id) => ({ id, name: id }))}
    >
      {text === undefined ? (
        <p className="faint">The command line cannot express this plan as options. Use --plan with the JSON.</p>
      ) : (
        <>
          <pre className="code">{text}</pre>
          <CopyButton text={text} />
        </>
      )}
    </Tabs>
  );
}

function shortened(image: string): string {
  return image.length > 80 ? `${image.slice(0, 40)}…` : image;
}

/** Returns the configured providers and the providers of earlier flows. */
function useKnownProviders(): string[] {
  const { data } = useProviders();
  const { flows } = useFlowList(NO_FILTER, false);
  const used = flows.map(({ provider }) => provider).join(" ");
  const listed = data?.map(({ id }) => id).join(" ");
  return useMemo(() => [...new Set(`${used} ${listed ?? ""}`.split(" ").filter(Boolean))], [used, listed]);
}
