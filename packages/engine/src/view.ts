/** What apps are shown. Rows stop here: nothing of the store, no lease, no token, no bucket key. */
import { canonicalButtonName, TILE_ACTION } from "@mjflow/core/button";
import { countsOf, type Flow, flowStatus, rootOf } from "@mjflow/core/flow";
import { depthOf, parentPath, retriedPath, rootPath, taskIdOf } from "@mjflow/core/id";
import { estimateUsd } from "@mjflow/core/price";
import { countSubmissions } from "@mjflow/core/relocation";
import type { Task } from "@mjflow/core/task";

/** Where our copy under a key is to be had. */
export type MediaUrl = (key: string) => string;

export function flowView(flow: Flow, tasks: readonly Task[], mediaUrl: MediaUrl) {
  return {
    id: flow.id,
    status: flowStatus(tasks),
    state: flow.state ?? null,
    action: flow.action,
    provider: rootOf(tasks)?.provider ?? flow.provider,
    prompt: flow.prompt ?? null,
    mode: flow.mode ?? null,
    notifyHook: flow.notifyHook ?? null,
    events: flow.events ?? null,
    createdAt: time(flow.createdAt),
    endedAt: time(flow.endedAt),
    /** Since when nothing more of it is submitted. */
    canceledAt: time(flow.canceledAt),
    /** The flow in whose place it was begun, whose vendor was lost; and the one that was begun in its own. */
    restartOf: flow.restartOf ?? null,
    restartedAs: flow.restartedAs ?? null,
    tasks: tasks.toSorted(compareByPath).map((task) => taskView(task, mediaUrl)),
    counts: countsOf(flow, tasks),
  };
}

export type FlowView = ReturnType<typeof flowView>;

/** A row of a list: the tasks are left to `GET /v1/flows/{id}`. */
export function flowSummary(flow: Flow) {
  const { id, status, action, provider } = flow;
  const { createdAt, endedAt } = flow;
  return {
    id,
    status,
    state: flow.state ?? null,
    action,
    provider,
    prompt: flow.prompt ?? null,
    createdAt: time(createdAt),
    endedAt: time(endedAt),
    restartOf: flow.restartOf ?? null,
    restartedAs: flow.restartedAs ?? null,
  };
}

export function taskView(task: Task, mediaUrl: MediaUrl) {
  const parent = parentPath(task.path);
  const retried = retriedPath(task.path);
  const { result, failure } = task;
  const copies = (task.copies ?? []).map(({ key, ...copy }) => ({ url: mediaUrl(key), ...copy }));
  return {
    id: taskIdOf(task.flowId, task.path),
    flowId: task.flowId,
    parentId: parent === undefined ? null : taskIdOf(task.flowId, parent),
    rootId: taskIdOf(task.flowId, rootPath(task.path)),
    /** The task in whose place this one stands: it had failed, and was tried again. */
    retryOf: retried === undefined ? null : taskIdOf(task.flowId, retried),
    depth: depthOf(task.path),
    press: task.press ?? null,
    action: task.action,
    status: task.status,
    progress: task.progress,
    provider: task.provider,
    providerTaskId: task.vendorTaskId ?? null,
    customId: task.customId ?? null,
    /** The vendor's link, which may die in a day; a tile has only ours. */
    imageUrl: result?.imageUrl ?? (task.action === TILE_ACTION ? (copies[0]?.url ?? null) : null),
    images: result?.images ?? [],
    videos: result?.videos ?? [],
    /** Our own copies, where the flow asked for them; their links last as long as they do. */
    copies,
    buttons: (result?.buttons ?? []).map((button) => ({
      ...button,
      name: canonicalButtonName(button.customId) ?? null,
    })),
    finalPrompt: result?.finalPrompt ?? null,
    /** Text answers: describe's and shorten's. */
    text: result?.promptEn ?? result?.prompt ?? null,
    seed: result?.seed ?? null,
    failReason: failure ? (failure.vendor?.description ?? failure.message) : null,
    failure: failure ?? null,
    attempts: countSubmissions(task),
    modals: task.modals,
    callbacks: task.callbacks,
    duplicates: task.duplicates,
    lookups: task.lookups,
    /** The vendor may or may not have this attempt; see docs: unclear submissions. */
    unclear: task.status === "UNCLEAR",
    /** Further submissions of this task that turned out to have been taken: paid, by our estimate. */
    orphans: (task.orphans ?? []).map(({ at, ...orphan }) => ({
      ...orphan,
      at: time(at),
      estimatedUsd: estimateUsd(task),
    })),
    late: task.late
      ? { status: task.late.status, at: time(task.late.at), imageUrl: task.late.result?.imageUrl ?? null }
      : null,
    createdAt: time(task.createdAt),
    submittedAt: time(task.submittedAt),
    endedAt: time(task.endedAt),
  };
}

/** Made when a flow is first shown, and once: `localeCompare` makes one for each two that it compares. */
let collator: Intl.Collator | undefined;

/** As the plan has them: the tenth press after the second. */
function compareByPath(a: Task, b: Task): number {
  collator ??= new Intl.Collator("en", { numeric: true });
  return collator.compare(a.path, b.path);
}

export type TaskView = ReturnType<typeof taskView>;

function time(ms: number): string;
function time(ms: number | undefined): string | null;
function time(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}

/** What an event says: the task as it is read, with its flow's `state`; of a flow, all but its tasks. */
export function eventView(flow: Flow, tasks: readonly Task[], task: Task | undefined, mediaUrl: MediaUrl) {
  if (!task) return { ...flowSummary(flow), counts: countsOf(flow, tasks) };
  return { ...taskView(task, mediaUrl), state: flow.state ?? null };
}
