/** `mjflow.run`: from a prompt to its pictures in one call. */
import { MjflowError } from "./error.ts";
import type { FlowEvent } from "./event-replay.ts";
import type { Flows, KeyedOptions } from "./flow.ts";
import type { Flow, PressName, RootAction, Task } from "./types.ts";
import type { FileFlow, FilePlan } from "./upload.ts";
import type { WaitOptions } from "./wait.ts";

/** Actions whose result is a text. */
export type TextAction = "describe" | "shorten";

/** The fields of a flow without its prompt. Images may be files: a Blob or bytes. `then` may also be the names of buttons. */
export interface RunInput<Action extends RootAction = RootAction> extends Omit<FileFlow, "prompt" | "then" | "action"> {
  action?: Action;
  /** Buttons to press on the result: `"upscale:all"`, `["U1", "U2"]`, or steps with their own `then`. */
  then?: PressName | FilePlan | readonly (PressName | FilePlan)[];
}

export interface RunOptions extends WaitOptions, KeyedOptions {
  /** True: failed branches of the plan are left out. Default: each failure rejects, with the finished results in the error. */
  partial?: boolean | undefined;
}

/** An image or a video. */
export interface Output {
  kind: "image" | "video";
  /** URL of mjflow's own copy if there is one, otherwise the vendor's, which expires. */
  url: string;
  /** The task that made it: its buttons can be pressed. */
  task: Task;
}

/** The result of describe and shorten. */
export interface TextResult {
  text: string;
  task: Task;
}

/**
 * The flow or one of its branches failed; `code` is "flow_failed". What was finished before is in `outputs` and `flow`, and it
 * is paid.
 */
export class FlowFailedError extends MjflowError {
  override readonly name = "FlowFailedError";
  readonly flow: Flow;
  readonly outputs: Output[];
  /** The failed tasks. `failure.code` of a task is the reason. Empty if the flow was canceled before any task failed. */
  readonly failed: Task[];

  constructor(flow: Flow, failed: Task[]) {
    const reasons = failed.map((task) => `${task.press ?? task.action.toLowerCase()}: ${reasonOf(task)}`);
    super({
      code: "flow_failed",
      detail: `The flow ${flow.id} is ${flow.status}${reasons.length > 0 ? ` (${reasons.join("; ")})` : ""}.`,
    });
    this.flow = flow;
    this.failed = failed;
    this.outputs = outputsOf(flow);
  }
}

function inputOf(prompt: string | undefined, { then, ...fields }: RunInput): FileFlow {
  return {
    ...fields,
    ...(prompt !== undefined && { prompt }),
    ...(then !== undefined && { then: stepsOf(then) }),
  };
}

function stepsOf(then: NonNullable<RunInput["then"]>): FilePlan[] {
  const steps = (Array.isArray(then) ? then : [then]) as readonly (PressName | FilePlan)[];
  return steps.map((step) => (typeof step === "string" ? { press: step } : step));
}

/** @throws FlowFailedError, and the errors of `flows.create` and `flows.wait` */
export async function run(
  flows: Flows,
  prompt: string | undefined,
  input: RunInput = {},
  { partial = false, idempotencyKey, ...waiting }: RunOptions = {},
): Promise<(Output | TextResult)[]> {
  const { signal } = waiting;
  const flow = await flows.create(inputOf(prompt, input), { idempotencyKey, signal }).wait(waiting);
  const failed = failedTasks(flow);
  const isRejected = flow.status !== "completed" || (failed.length > 0 && !partial);
  if (isRejected) throw new FlowFailedError(flow, failed);
  return input.action === "describe" || input.action === "shorten" ? textsOf(flow) : outputsOf(flow);
}

/** Creates a flow and yields its events until it ends, with the progress of its tasks. */
export async function* streamRun(
  flows: Flows,
  prompt: string | undefined,
  input: RunInput = {},
  { idempotencyKey, signal, follow }: Pick<RunOptions, "idempotencyKey" | "signal" | "follow"> = {},
): AsyncGenerator<FlowEvent, void> {
  const created = flows.create({ progress: true, ...inputOf(prompt, input) }, { idempotencyKey, signal });
  yield* created.events({ signal, follow });
}

/** The results at the ends of the branches: a grid whose buttons were pressed is not one of them. */
function outputsOf({ tasks }: Flow): Output[] {
  const parents = new Set(tasks.filter(hasResult).map(({ parentId }) => parentId));
  return tasks.filter((task) => hasResult(task) && !parents.has(task.id)).flatMap(outputsOfTask);
}

function hasResult({ status }: Task): boolean {
  return status === "SUCCESS";
}

function outputsOfTask(task: Task): Output[] {
  const { videos, images, imageUrl, copies } = task;
  const kind = videos.length > 0 ? "video" : "image";
  const media = (videos.length > 0 ? videos : images).map(({ url }) => url);
  if (media.length === 0 && imageUrl !== null) media.push(imageUrl);
  return media.map((url) => ({ kind, url: copies.find(({ source }) => source === url)?.url ?? url, task }));
}

function textsOf({ tasks }: Flow): TextResult[] {
  return tasks.flatMap((task) => (task.text === null ? [] : [{ text: task.text, task }]));
}

/** Failed tasks that were not retried. */
function failedTasks({ tasks }: Flow): Task[] {
  const retried = new Set(tasks.map(({ retryOf }) => retryOf));
  return tasks.filter((task) => !hasResult(task) && !retried.has(task.id));
}

function reasonOf({ failure, failReason, status }: Task): string {
  return failure ? `${failure.code}, ${failure.message}` : (failReason ?? status);
}
