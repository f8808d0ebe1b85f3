/** What all commands that create a flow have in common: their options, the request, and following the flow. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { FileFlow, FlowHandle, FlowInput, KeyedOptions, PlanInput } from "@mjflow/client";
import { EVENT_TYPES } from "@mjflow/core/event";
import type { Invocation, Option } from "./command.ts";
import type { Context } from "./context.ts";
import { EXIT } from "./exit.ts";
import { parseChoice, parseEvents, parseTimeout, WAIT_OPTIONS } from "./option.ts";
import { parseThen } from "./plan.ts";
import { UsageError } from "./usage-error.ts";
import { waitForFlow } from "./wait.ts";

const MODES = ["fast", "relax", "turbo"] as const;

/** Options of every command that creates a flow. */
export const FLOW_OPTIONS = {
  then: {
    type: "string",
    multiple: true,
    value: "PRESSES",
    help: "buttons to press on the result: upscale:all, 'U2>zoom:2', V1",
  },
  plan: { type: "string", value: "FILE", help: "the plan as JSON, in the form of the API's `then`" },
  template: { type: "string", value: "NAME", help: "the plan of this template; see `mjflow templates`" },
  provider: { type: "string", value: "ID", help: "provider id; default: MJFLOW_PROVIDER, then simulator" },
  mode: { type: "string", value: "MODE", help: "fast, relax or turbo", choices: MODES },
  niji: { type: "boolean", help: "draw with Niji Journey" },
  state: { type: "string", help: "text of your own; every event of the flow contains it" },
  archive: { type: "boolean", help: "copy the images to the bucket of the server; --no-archive turns this off" },
  translate: {
    type: "boolean",
    help: "translate all prompts into English first; --no-translate turns this off; default: that of the app",
  },
  "archive-later": { type: "boolean", help: "as --archive, but the success does not wait for the copies" },
  progress: {
    type: "boolean",
    help: "store each progress report; --no-progress turns this off; default: on while progress is shown",
  },
  "notify-hook": { type: "string", value: "URL", help: "URL that receives the webhooks of this flow" },
  events: {
    type: "string",
    multiple: true,
    value: "TYPES",
    help: "event types for --notify-hook; default: all except task.progress",
    choices: EVENT_TYPES,
  },
  "idempotency-key": {
    type: "string",
    value: "KEY",
    help: "idempotency key: repeating the command with it creates no second flow",
  },
  strict: { type: "boolean", help: "exit code 1 also if only a branch failed" },
  ...WAIT_OPTIONS,
} as const satisfies Record<string, Option>;

export type FlowValues = Invocation<typeof FLOW_OPTIONS>["values"];

/**
 * Creates a flow and follows it.
 * @param own the fields of the request that only this command has
 * @throws UsageError before any request is sent
 */
export async function createFlow(context: Context, values: FlowValues, own: Partial<FileFlow>): Promise<number> {
  const input = { provider: providerOf(context), ...fieldsOf(context, values), ...own };
  return followNew(context, values, (options) => context.mjflow.flows.create(input, options));
}

/**
 * Sends the request of a new flow, and follows the flow.
 * @throws UsageError before any request is sent
 */
export async function followNew(
  context: Context,
  values: FlowValues,
  send: (options: KeyedOptions) => Promise<FlowHandle>,
): Promise<number> {
  // Parsed before the request, so that a mistyped time is reported before anything is paid.
  parseTimeout(values.timeout);
  const { id, flow } = await send(keyedOptions(context, values));
  if (values.wait === false) {
    context.show(flow, () => [id, context.paint("dim", `  mjflow watch ${id}`)]);
    return EXIT.ok;
  }
  context.note(context.paint("dim", id));
  return waitForFlow(context, id, values);
}

/** Signal and idempotency key of a request that creates flows. */
export function keyedOptions({ signal }: Context, values: Pick<FlowValues, "idempotency-key">): KeyedOptions {
  const idempotencyKey = values["idempotency-key"];
  return { signal, ...(idempotencyKey !== undefined && { idempotencyKey }) };
}

/** The provider of flows whose command names none. */
export function providerOf({ platform }: Context): string {
  return platform.env["MJFLOW_PROVIDER"]?.trim() || "simulator";
}

/**
 * Returns the fields that the options set, and `progress` while it is shown.
 * @throws UsageError
 */
export function fieldsOf(context: Context, values: FlowValues): FlowInput {
  const { cwd } = context.platform;
  const { mode, state, provider, template, "notify-hook": notifyHook } = values;
  const archive = values["archive-later"] ? "later" : values.archive;
  const isDrawn = !context.json && values.wait !== false;
  const progress = values.progress ?? (isDrawn || undefined);
  const then = thenOf(values, cwd);
  const events = parseEvents(values.events);
  return {
    ...(provider !== undefined && { provider }),
    ...(mode !== undefined && { mode: parseChoice("--mode", mode, MODES) }),
    ...(values.niji && { botType: "NIJI_JOURNEY" as const }),
    ...(state !== undefined && { state }),
    ...(archive !== undefined && { archive }),
    ...(values.translate !== undefined && { translate: values.translate }),
    ...(progress !== undefined && { progress }),
    ...(notifyHook !== undefined && { notifyHook }),
    ...(events && { events }),
    ...(template !== undefined && { template }),
    ...(then.length > 0 && { then }),
  };
}

/**
 * Returns the plan of `--then` or `--plan`.
 * @throws UsageError if both are given, or if a plan cannot be read
 */
export function thenOf({ plan, then }: Pick<FlowValues, "plan" | "then">, cwd: string): PlanInput[] {
  if (plan !== undefined && then.length > 0) throw new UsageError("Give either --plan or --then, not both.");
  return [...planOf(plan, cwd), ...parseThen(then)];
}

function planOf(path: string | undefined, cwd: string): PlanInput[] {
  if (path === undefined) return [];
  let plan: unknown;
  try {
    plan = JSON.parse(readFileSync(path === "-" ? 0 : resolve(cwd, path), "utf8"));
  } catch {
    throw new UsageError("--plan: the file cannot be read or is not JSON.");
  }
  // The API validates the content and names the invalid field.
  if (!Array.isArray(plan)) throw new UsageError("--plan must be a JSON array, in the form of the API's `then`.");
  return plan as PlanInput[];
}
