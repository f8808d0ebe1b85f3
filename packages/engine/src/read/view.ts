/**
 * The views of flows and tasks for apps. Internal fields of the rows are left out: no lease, no token, no bucket key.
 */
import { canonicalButtonName, TILE_ACTION } from "@mjflow/core/button";
import { withoutEndSlashes } from "@mjflow/core/end-slash";
import { COPY_FAILURES } from "@mjflow/core/error";
import { archivesLater, type EventType } from "@mjflow/core/event";
import { countsOf, type Flow, flowStatus, rootOf } from "@mjflow/core/flow";
import { depthOf, parentPath, retriedPath, rootPath, taskIdOf } from "@mjflow/core/id";
import { textResultOf } from "@mjflow/core/mj-task";
import { type PlanStep, planSteps } from "@mjflow/core/plan-step";
import { estimateUsd } from "@mjflow/core/price";
import { countSubmissions } from "@mjflow/core/relocation";
import { type CopyFailure, isEnded, type Task } from "@mjflow/core/task";
import { isInWaitList, type WaitPlace, type WaitReason } from "@mjflow/core/wait-list";
import { isoOf } from "../date.ts";

/** Returns the link to the archived image with this bucket key. */
export type MediaUrl = (key: string) => string;

/** Where the links of a view lead. */
export interface Links {
  /** Base URL of the API. */
  api: string;
  /** URL of the console; unset: none. */
  console?: string;
  media: MediaUrl;
  /** Returns the URL of a flow's event stream. Unset: the caller does not know it. */
  events?(flowId: string): string | null;
}

/** @param setting absolute URL of the console, or its path at the host of the API; unset: there is none */
export function linksOf(api: string, setting: string | undefined, media: MediaUrl, events?: Links["events"]): Links {
  const console = setting === undefined ? undefined : new URL(setting, api).href;
  return { api: withoutEndSlashes(api), media, ...(console && { console }), ...(events && { events }) };
}

/** The URLs of a flow. `events` and `console`: null if there is none, or if it is not known here. */
function flowUrls(id: string, { api, console, events }: Links) {
  const get = `${api}/v1/flows/${id}`;
  return {
    get,
    cancel: `${get}/cancel`,
    events: events?.(id) ?? null,
    console: console === undefined ? null : `${console}#/flows/${id}`,
  };
}

function taskUrls({ flowId, path }: Task, { api, console }: Links) {
  const id = taskIdOf(flowId, path);
  const get = `${api}/v1/tasks/${id}`;
  return {
    get,
    actions: `${get}/actions`,
    flow: `${api}/v1/flows/${flowId}`,
    console: console === undefined ? null : `${console}#/flows/${flowId}/${id}`,
  };
}

export function flowView(flow: Flow, tasks: readonly Task[], links: Links) {
  const ordered = tasks.toSorted(compareByPath);
  return {
    id: flow.id,
    status: flowStatus(tasks),
    state: flow.state ?? null,
    action: flow.action,
    provider: rootOf(tasks)?.provider ?? flow.provider,
    account: rootOf(tasks)?.account ?? flow.account,
    prompt: flow.prompt ?? null,
    originalPrompt: flow.originalPrompt ?? null,
    /** The images of the request that vendors get scaled down; empty if there are none. */
    reducedImages: flow.reducedImages ?? [],
    mode: flow.mode ?? null,
    notifyHook: flow.notifyHook ?? null,
    events: flow.events ?? null,
    createdAt: isoOf(flow.createdAt),
    endedAt: isoOf(flow.endedAt),
    /** Time of the cancellation; nothing of the flow is submitted after it. */
    canceledAt: isoOf(flow.canceledAt),
    /** Name of the template whose plan the flow has; null if there is none. */
    template: flow.template ?? null,
    /** Id of the flow whose request was used again; null if there is none. */
    rerunOf: flow.rerunOf ?? null,
    /**
     * `restartOf`: the flow that this one replaces after a vendor loss. `restartedAs`: the flow that replaces this one.
     */
    restartOf: flow.restartOf ?? null,
    restartedAs: flow.restartedAs ?? null,
    /** The steps of the plan, also those whose tasks do not exist yet. */
    plan: planSteps(flow, ordered).map((step) => stepView(flow.id, step)),
    tasks: ordered.map((task) => taskView(task, links, flow)),
    counts: countsOf(flow, tasks),
    urls: flowUrls(flow.id, links),
  };
}

function stepView(flowId: string, { path, parentPath, press, modal, status }: PlanStep) {
  return {
    /** Id that the task has, or will have. */
    taskId: taskIdOf(flowId, path),
    parentId: taskIdOf(flowId, parentPath),
    press,
    prompt: modal?.prompt ?? null,
    originalPrompt: modal?.originalPrompt ?? null,
    hasMask: modal?.mask !== undefined,
    status,
  };
}

export type FlowView = ReturnType<typeof flowView>;

/** How a client can follow a flow. `eventsUrl`: absolute URL of its event stream; null if there is none. */
export interface FlowFollowing {
  follow: "stream" | "read";
  eventsUrl: string | null;
}

/** A flow that its app reads, with what a client needs to follow it. The read hint is added to the response. */
export function followedFlowView(
  flow: Flow,
  tasks: readonly Task[],
  links: Links,
  { follow, eventsUrl }: FlowFollowing,
) {
  return { ...flowView(flow, tasks, links), follow, eventsUrl };
}

/** An entry of a list, without the tasks; `GET /v1/flows/{id}` returns them. */
export function flowSummary(flow: Flow, links: Links) {
  const { id, status, action, provider, account } = flow;
  const { createdAt, endedAt } = flow;
  return {
    id,
    status,
    state: flow.state ?? null,
    action,
    provider,
    account,
    prompt: flow.prompt ?? null,
    originalPrompt: flow.originalPrompt ?? null,
    createdAt: isoOf(createdAt),
    endedAt: isoOf(endedAt),
    template: flow.template ?? null,
    rerunOf: flow.rerunOf ?? null,
    restartOf: flow.restartOf ?? null,
    restartedAs: flow.restartedAs ?? null,
    urls: flowUrls(id, links),
  };
}

/** A newer version may have stored a code that this version does not know. */
function copyFailureText({ code }: CopyFailure): string {
  return COPY_FAILURES[code] ?? code;
}

/** @param flow its flow, which has the prompts of the root; a task that is no root needs none */
export function taskView(task: Task, links: Links, flow?: Pick<Flow, "originalPrompt">) {
  const parent = parentPath(task.path);
  const retried = retriedPath(task.path);
  const { result, failure } = task;
  const copies = (task.copies ?? []).map(({ key, ...copy }) => ({ url: links.media(key), ...copy }));
  return {
    id: taskIdOf(task.flowId, task.path),
    flowId: task.flowId,
    parentId: parent === undefined ? null : taskIdOf(task.flowId, parent),
    rootId: taskIdOf(task.flowId, rootPath(task.path)),
    /** Id of the failed task that this task retries; null if it is not a retry. */
    retryOf: retried === undefined ? null : taskIdOf(task.flowId, retried),
    depth: depthOf(task.path),
    press: task.press ?? null,
    action: task.action,
    status: task.status,
    progress: task.progress,
    provider: task.provider,
    account: task.account,
    providerTaskId: task.vendorTaskId ?? null,
    customId: task.customId ?? null,
    /** The vendor's link, which may expire within a day; a tile has only our link. */
    imageUrl: result?.imageUrl ?? (task.action === TILE_ACTION ? (copies[0]?.url ?? null) : null),
    /** The vendor's link to the picture while it draws, if progress is stored. It expires soon and is never archived. */
    previewUrl: isEnded(task) ? null : (task.previewUrl ?? null),
    images: result?.images ?? [],
    videos: result?.videos ?? [],
    /** Archived copies, if the flow requested them. The links work as long as the copies are stored. */
    copies,
    /** What could not be archived, and why. Empty if nothing failed, or if the flow did not request copies. */
    copyFailures: (task.copyFailures ?? []).map((failed) => ({ ...failed, message: copyFailureText(failed) })),
    buttons: (result?.buttons ?? []).map((button) => ({
      ...button,
      name: canonicalButtonName(button.customId) ?? null,
    })),
    /** The prompt of the app for this task, before its translation; null if it was not translated. */
    originalPrompt: task.modal?.originalPrompt ?? (parent === undefined ? flow?.originalPrompt : undefined) ?? null,
    finalPrompt: result?.finalPrompt ?? null,
    /** Text result of describe and shorten. */
    text: textResultOf(task.action, result) ?? result?.promptEn ?? result?.prompt ?? null,
    seed: result?.seed ?? null,
    /** The last status word of the vendor that mjflow does not know; null if there is none. */
    unknownStatus: task.unknownStatus ?? null,
    failReason: failure ? (failure.vendor?.description ?? failure.message) : null,
    failure: failure ?? null,
    attempts: countSubmissions(task),
    modals: task.modals,
    /** True if the vendor made the task without the prompt or mask that the request had for a modal. */
    modalIgnored: isModalIgnored(task),
    callbacks: task.callbacks,
    duplicates: task.duplicates,
    lookups: task.lookups,
    /** True if the vendor may or may not have the current attempt (status UNCLEAR). */
    unclear: task.status === "UNCLEAR",
    /** Why the task waits for its account; null if it does not. A read adds how many tasks come first (wait-place.ts). */
    waits: waitsView(task),
    /** Further submissions of this task that the vendor accepted: they are paid, with our estimated price. */
    orphans: (task.orphans ?? []).map(({ at, ...orphan }) => ({
      ...orphan,
      at: isoOf(at),
      estimatedUsd: estimateUsd(task),
    })),
    late: task.late
      ? { status: task.late.status, at: isoOf(task.late.at), imageUrl: task.late.result?.imageUrl ?? null }
      : null,
    createdAt: isoOf(task.createdAt),
    /** When the last call to the vendor began; null before, while the task waits for the next one, and in rows of earlier versions. */
    submittingAt: task.status === "PENDING" ? null : isoOf(task.submittingAt),
    submittedAt: isoOf(task.submittedAt),
    endedAt: isoOf(task.endedAt),
    urls: taskUrls(task, links),
  };
}

/**
 * True for a success whose modal answer was never sent, because the vendor opened no modal. A video request has the prompt
 * itself (`customId` of mjflow).
 */
function isModalIgnored({ status, modal, modals, customId }: Task): boolean {
  return status === "SUCCESS" && modal !== undefined && modals === 0 && !customId?.startsWith("mjflow::video::");
}

/** @property ahead number of tasks that come first; null if it was not read */
export interface WaitsView extends Pick<WaitPlace, "atLeast"> {
  reason: WaitReason;
  ahead: number | null;
}

function waitsView(task: Task): WaitsView | null {
  return task.waits && isInWaitList(task) ? { reason: task.waits, ahead: null, atLeast: false } : null;
}

/** Created once, at the first use. `localeCompare` would create a collator for each comparison. */
let collator: Intl.Collator | undefined;

/** Orders tasks by the numbers in their paths, as in the plan: press 10 comes after press 2. */
export function compareByPath(a: Task, b: Task): number {
  collator ??= new Intl.Collator("en", { numeric: true });
  return collator.compare(a.path, b.path);
}

export type TaskView = ReturnType<typeof taskView>;

/**
 * The data of an event. A task event has the task view and the flow's `state`. A flow event has the flow without its
 * tasks.
 */
export function eventView(flow: Flow, tasks: readonly Task[], task: Task | undefined, type: EventType, links: Links) {
  if (!task) return { ...flowSummary(flow, links), counts: countsOf(flow, tasks) };
  const told = hasCopiesToldLater(task, type) ? { ...task, copies: undefined, copyFailures: undefined } : task;
  return { ...taskView(told, links, flow), state: flow.state ?? null };
}

/**
 * True for an event that must not contain the copies, because `task.archived` tells them. A later attempt of the event would
 * otherwise have another body under the same id (D10). A tile has no other link than its copy.
 */
function hasCopiesToldLater({ action, eventMask }: Task, type: EventType): boolean {
  return type !== "task.archived" && action !== TILE_ACTION && archivesLater(eventMask);
}
