/** `mjflow imagine`: a plan, sent and watched. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { FlowInput, PlanInput } from "@mjflow/client";
import { command, type Invocation, type Option } from "../command.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit.ts";
import { imageOf } from "../image.ts";
import { parseChoice, parseEvents, parseTimeout, WAIT_OPTIONS } from "../option.ts";
import { parseThen } from "../plan.ts";
import { UsageError } from "../usage-error.ts";
import { waitForFlow } from "../wait.ts";

const OPTIONS = {
  then: {
    type: "string",
    multiple: true,
    value: "PRESSES",
    help: "what to press on the result: upscale:all, 'U2>zoom:2', V1",
  },
  plan: { type: "string", value: "FILE", help: "the same as JSON, as the API's `then`" },
  provider: { type: "string", value: "ID", help: "which vendor; else MJFLOW_PROVIDER, else the simulator" },
  mode: { type: "string", value: "MODE", help: "fast, relax or turbo" },
  image: { type: "string", multiple: true, value: "FILE|URL", help: "a picture the prompt is about" },
  state: { type: "string", help: "yours: comes back with every event" },
  archive: { type: "boolean", help: "copy the pictures to where they do not expire (--no-archive: do not)" },
  progress: { type: "boolean", help: "store progress as it comes (--no-progress: do not); default: while it is drawn" },
  "notify-hook": { type: "string", value: "URL", help: "where to post the flow's events" },
  events: { type: "string", multiple: true, value: "TYPES", help: "which of them; default: all but task.progress" },
  "idempotency-key": { type: "string", value: "KEY", help: "make a retry of this command the same call" },
  strict: { type: "boolean", help: "end with 1 also when only a branch failed" },
  ...WAIT_OPTIONS,
} as const satisfies Record<string, Option>;

export const imagine = command({
  name: "imagine",
  summary: "send a prompt and what to press on the result, and watch it",
  usage: ['"prompt" [--then PRESSES]…'],
  words: [1, 1],
  options: OPTIONS,
  notes: `
A path of presses reads from left to right: 'U2>zoom:2' presses U2, and zoom:2 on what comes of it. A comma presses
several: 'U1,U2>zoom:2'. A prompt for a press that opens a window stands behind =: 'zoom:custom=a boat --zoom 1.6'.
Several --then are one plan.

  mjflow imagine "a paper boat" --then upscale:all --then 'U2>zoom:2'`,
  async run(context, invocation) {
    const { values } = invocation;
    const input = inputOf(context, invocation);
    // Before anything is paid for: a mistyped time must not be found out afterwards.
    parseTimeout(values.timeout);
    const { mjflow, signal } = context;
    const idempotencyKey = values["idempotency-key"];
    const { id, flow } = await mjflow.flows.create(input, {
      signal,
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    });
    if (values.wait === false) {
      context.show(flow, () => [id, context.paint("dim", `  mjflow watch ${id}`)]);
      return EXIT.ok;
    }
    context.note(context.paint("dim", id));
    return waitForFlow(context, id, values);
  },
});

/** @throws UsageError before anything is sent */
function inputOf(context: Context, { values, positionals }: Invocation<typeof OPTIONS>): FlowInput {
  const { env, cwd } = context.platform;
  const { mode, state, archive, "notify-hook": notifyHook } = values;
  const isDrawn = !context.json && values.wait !== false;
  const progress = values.progress ?? (isDrawn || undefined);
  const then = [...planOf(values.plan, cwd), ...parseThen(values.then)];
  const events = parseEvents(values.events);
  if (values.plan !== undefined && values.then.length > 0) {
    throw new UsageError("Give either --plan or --then.", "imagine");
  }
  return {
    provider: values.provider ?? (env["MJFLOW_PROVIDER"]?.trim() || "simulator"),
    prompt: positionals[0]!,
    ...(mode !== undefined && { mode: parseChoice("--mode", mode, ["fast", "relax", "turbo"]) }),
    ...(values.image.length > 0 && { base64Array: values.image.map((image) => imageOf(image, cwd, "--image")) }),
    ...(state !== undefined && { state }),
    ...(archive !== undefined && { archive }),
    ...(progress !== undefined && { progress }),
    ...(notifyHook !== undefined && { notifyHook }),
    ...(events && { events }),
    ...(then.length > 0 && { then }),
  };
}

function planOf(path: string | undefined, cwd: string): PlanInput[] {
  if (path === undefined) return [];
  let plan: unknown;
  try {
    plan = JSON.parse(readFileSync(path === "-" ? 0 : resolve(cwd, path), "utf8"));
  } catch {
    throw new UsageError("--plan: the file cannot be read, or is not JSON.", "imagine");
  }
  // The API says what is wrong inside it, by name.
  if (!Array.isArray(plan)) throw new UsageError("--plan must be a list, as the API's `then`.", "imagine");
  return plan as PlanInput[];
}
