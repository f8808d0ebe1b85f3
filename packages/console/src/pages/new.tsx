import * as Tabs from "@radix-ui/react-tabs";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useMemo, useRef, useState } from "react";
import { CopyButton } from "../components/copy.tsx";
import { ImageInput } from "../components/image-input.tsx";
import { PlanEditor } from "../components/plan-editor.tsx";
import { Problem } from "../components/problem.tsx";
import { TreeView } from "../components/tree-view.tsx";
import { NO_FILTER } from "../lib/filter.ts";
import { PARAMETERS, withParameter } from "../lib/parameter.ts";
import {
  EMPTY_FORM,
  type FlowForm,
  isComplete,
  maxImages,
  preview,
  type Step,
  takesPrompt,
  toFlowInput,
} from "../lib/plan.ts";
import { pressLabel, rootKind } from "../lib/press.ts";
import { hrefOf } from "../lib/route.ts";
import { cliOf, curlOf, sdkOf } from "../lib/snippet.ts";
import { layout } from "../lib/tree.ts";
import { useAction, useFlowList, useProviders } from "../queries.ts";
import { apiUrl, useMjflow } from "../session.ts";

export function NewPage() {
  const mjflow = useMjflow();
  const queries = useQueryClient();
  const { act, busy, error } = useAction();
  const known = useKnownProviders();
  const [form, setForm] = useState<FlowForm>(EMPTY_FORM);
  const set = (change: Partial<FlowForm>) => setForm((before) => ({ ...before, ...change }));
  const input = useMemo(() => toFlowInput(form), [form]);
  const plan = useMemo(() => preview(input), [input]);
  // One Idempotency-Key per plan: a plan that is sent twice creates one flow, and a changed plan gets a new key.
  const sent = useRef<{ body: string; key: string }>(undefined);

  function submit(event: FormEvent) {
    event.preventDefault();
    const body = JSON.stringify(input);
    if (sent.current?.body !== body) sent.current = { body, key: crypto.randomUUID() };
    const { key: idempotencyKey } = sent.current;
    void act("create", async () => {
      const { id } = await mjflow.flows.create(input, { idempotencyKey });
      void queries.invalidateQueries({ queryKey: ["flows"] });
      location.hash = hrefOf({ page: "flow", id, task: undefined });
    });
  }

  return (
    <section className="page wide">
      <h1>New flow</h1>
      <form className="new" onSubmit={submit}>
        <div className="card form">
          <div className="row">
            <label>
              Root action
              <select
                value={form.action}
                onChange={(event) => set({ action: event.target.value as FlowForm["action"], then: [] })}
              >
                <option value="imagine">imagine</option>
                <option value="blend">blend 2 to 5 images</option>
                <option value="describe">describe an image</option>
                <option value="shorten">shorten a prompt</option>
                <option value="video">video of an image</option>
                <option value="edit">edit an image</option>
                <option value="retexture">retexture an image</option>
              </select>
            </label>
            <label>
              Provider
              <input
                list="providers"
                value={form.provider}
                placeholder="default"
                onChange={(event) => set({ provider: event.target.value })}
              />
              <datalist id="providers">
                <option value="auto">automatic (auto)</option>
                {known.map((id) => (
                  <option key={id} value={id} />
                ))}
              </datalist>
            </label>
            <label>
              Mode
              <select value={form.mode} onChange={(event) => set({ mode: event.target.value as FlowForm["mode"] })}>
                <option value="">default</option>
                <option value="relax">relax</option>
                <option value="fast">fast</option>
                <option value="turbo">turbo</option>
              </select>
            </label>
          </div>
          {takesPrompt(form.action) && <PromptInput value={form.prompt} onChange={(prompt) => set({ prompt })} />}
          {form.action === "video" && <VideoInput form={form} onChange={set} />}
          {form.action !== "shorten" && (
            <ImageInput max={maxImages(form.action)} images={form.images} onChange={(images) => set({ images })} />
          )}
          <fieldset>
            <legend>Then press, when the root is done</legend>
            <PlanEditor drafts={form.then} kind={rootKind(form.action)} onChange={(then) => set({ then })} />
          </fieldset>
          <details>
            <summary>More</summary>
            <div className="more-fields">
              <label>
                <span>
                  state <span className="faint small">your text, returned with every event</span>
                </span>
                <input value={form.state} onChange={(event) => set({ state: event.target.value })} />
              </label>
              <label>
                <span>
                  notifyHook <span className="faint small">URL that receives the signed webhooks of this flow</span>
                </span>
                <input
                  type="url"
                  value={form.notifyHook}
                  placeholder="https://"
                  onChange={(event) => set({ notifyHook: event.target.value })}
                />
              </label>
              <label className="check">
                <input
                  type="checkbox"
                  checked={form.archive}
                  onChange={(event) => set({ archive: event.target.checked })}
                />
                Archive the images: copy them to storage where links do not expire
              </label>
            </div>
          </details>
        </div>
        <div className="side">
          <div className="card">
            <header>
              <h2>The plan</h2>
              <span className="cost">
                {plan.paid} paid {plan.paid === 1 ? "call" : "calls"} · about ${plan.usd.toFixed(2)}
              </span>
            </header>
            <PreviewTree steps={plan.steps} />
            <p className="faint small">
              Estimate from published prices if every branch succeeds. Prices differ between vendors.
            </p>
            {plan.problem && (
              <p className="problem" role="alert">
                {plan.problem.detail}
              </p>
            )}
            <Problem error={error} />
            <button
              type="submit"
              className="primary"
              disabled={!isComplete(form) || !!busy || plan.problem !== undefined}
            >
              {busy ? "Sending…" : "Send the plan"}
            </button>
          </div>
          <Snippets input={input} />
        </div>
      </form>
    </section>
  );
}

function PromptInput({ value, onChange }: { value: string; onChange: (prompt: string) => void }) {
  return (
    <div>
      <label>
        Prompt
        <textarea
          rows={3}
          dir="auto"
          value={value}
          placeholder="a paper boat on calm water --ar 16:9"
          onChange={(event) => onChange(event.target.value)}
        />
      </label>
      <details className="small">
        <summary>Parameters</summary>
        <ul className="parameters">
          {PARAMETERS.map((parameter) => (
            <li key={parameter.name}>
              <button type="button" className="chip mono" onClick={() => onChange(withParameter(value, parameter))}>
                {parameter.example}
              </button>
              <span>{parameter.help}</span>
            </li>
          ))}
        </ul>
      </details>
    </div>
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
  // Data URIs of images are megabytes of text, so the snippets show only their start.
  const { base64Array, image, endImage } = input;
  const shown = {
    ...input,
    ...(base64Array && { base64Array: base64Array.map(shortened) }),
    ...(image && { image: shortened(image) }),
    ...(endImage && { endImage: shortened(endImage) }),
  };
  const cli = cliOf(shown);
  const forms: [string, string | undefined][] = [
    ["curl", curlOf(shown, apiUrl())],
    ["TypeScript", sdkOf(shown)],
    ["CLI", cli],
  ];
  return (
    <Tabs.Root className="card" defaultValue="curl">
      <header>
        <Tabs.List className="tabs" aria-label="This request as code">
          {forms.map(([name]) => (
            <Tabs.Trigger key={name} value={name}>
              {name}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
      </header>
      {forms.map(([name, text]) => (
        <Tabs.Content key={name} value={name}>
          {text === undefined ? (
            <p className="faint">The command line cannot express this plan as options. Use --plan with the JSON.</p>
          ) : (
            <>
              <pre className="code">{text}</pre>
              <CopyButton text={text} />
            </>
          )}
        </Tabs.Content>
      ))}
    </Tabs.Root>
  );
}

function shortened(image: string): string {
  return image.length > 80 ? `${image.slice(0, 40)}…` : image;
}

/** Returns the configured providers and the providers of earlier flows. */
function useKnownProviders(): string[] {
  const { data } = useProviders();
  const { flows } = useFlowList(NO_FILTER);
  const used = flows.map(({ provider }) => provider).join(" ");
  const listed = data?.map(({ id }) => id).join(" ");
  return useMemo(() => [...new Set(`${used} ${listed ?? ""}`.split(" ").filter(Boolean))], [used, listed]);
}
