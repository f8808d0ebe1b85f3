/**
 * What a new task or flow takes over from an earlier one. The lists name every field, so the compiler asks for a decision when a
 * field is added. A forgotten field would be lost without a sign, for example a mask that was paid for.
 */
import type { Flow } from "./flow.ts";
import type { NewTask, Task } from "./task.ts";

const OF_EVERY_HEIR = ["appId", "pace", "resubmit"] as const satisfies readonly (keyof NewTask)[];
/** Where the task runs, and who is notified of it. */
const OF_FLOW = ["flowId", "provider", "account", "eventMask", "archive"] as const satisfies readonly (keyof NewTask)[];
/** What the task asks of a vendor, and its plan. */
const OF_TASK = [
  ...(["action", "inputsRef", "linkField", "optionalFields"] as const),
  ...(["then", "taskCount"] as const),
] as const satisfies readonly (keyof NewTask)[];
const OF_PRESS = ["press", "modal"] as const satisfies readonly (keyof NewTask)[];
/** A new task has its own. The id of a button is read from the parent again: another attempt can have another one (T6). */
type OwnOfTask = "path" | "customId" | "mjTaskId" | "flowDue";

/** What happened to a flow, and where it runs. The account of the request can be lost. */
type OwnOfFlow =
  | ("id" | "rev" | "status" | "provider" | "account" | "createdAt" | "endedAt" | "canceledAt" | "endCount")
  | (
      | "hasCreditHold"
      | "credit"
      | "reopened"
      | "restartOf"
      | "restartedAs"
      | "pendingEffects"
      | "due"
      | "deletedAt"
      | "rerunOf"
    );
const OF_REQUEST = [
  ...([
    "appId",
    "action",
    "anyProvider",
    "onVendorLoss",
    "prompt",
    "originalPrompt",
    "reducedImages",
    "dimensions",
    "video",
    "mode",
  ] as const),
  ...(["botType", "accountFilter", "state", "notifyHook", "events", "eventMask", "logRows", "template"] as const),
  ...(["archive", "progress"] as const),
] as const satisfies readonly (keyof Flow)[];

type None<T extends never> = T;
type Listed<T extends readonly string[]> = T[number];

/** An error here names a field that no list has. */
export type Undecided = [
  None<
    Exclude<keyof NewTask, Listed<typeof OF_EVERY_HEIR | typeof OF_FLOW | typeof OF_TASK | typeof OF_PRESS> | OwnOfTask>
  >,
  None<Exclude<keyof Flow, Listed<typeof OF_REQUEST> | OwnOfFlow>>,
];

/** A press on the result of the task. */
export function inheritedByChild(task: Task) {
  return pick(task as NewTask, [...OF_EVERY_HEIR, ...OF_FLOW]);
}

/** The same task again, at the same account. */
export function inheritedByRetry(task: Task) {
  return pick(task as NewTask, [...OF_EVERY_HEIR, ...OF_FLOW, ...OF_TASK, ...OF_PRESS]);
}

/** The root of the flow that replaces a flow after a vendor loss, at another account. */
export function inheritedByRestart(root: Task) {
  return pick(root as NewTask, [...OF_EVERY_HEIR, ...OF_TASK]);
}

/** Returns the fields with which the app requested the flow. */
export function requestFieldsOf(flow: Flow) {
  return pick(flow, OF_REQUEST);
}

function pick<T extends object, Field extends keyof T>(row: T, fields: readonly Field[]): Pick<T, Field> {
  const given = fields.filter((field) => row[field] !== undefined);
  return Object.fromEntries(given.map((field) => [field, row[field]])) as Pick<T, Field>;
}
