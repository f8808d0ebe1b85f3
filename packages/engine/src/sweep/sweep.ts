/**
 * The sweeper processes exactly the rows whose due time has passed, with the same steps as the other entry points (T4).
 * For an account that sends callbacks, these are the tasks whose callback or message was lost. For a silent account
 * every task ends here, with one batched look-up per account and interval.
 */
import { postponeOverdue } from "@mjflow/core/delivery";
import { DUE_CLASSES, type DueClass, type DuePartition } from "@mjflow/core/due";
import { failure } from "@mjflow/core/error";
import { hasDeliveryLog } from "@mjflow/core/event";
import { type Flow, flowStatus, needsFlowDue, nextFlowDue } from "@mjflow/core/flow";
import { ROOT_PATH } from "@mjflow/core/id";
import { LOOKUP_BATCH } from "@mjflow/core/limit";
import { outgoingDelivery } from "@mjflow/core/message";
import { type Due, type DueCursor, LookupError, type QueueDepths, type WebhookStore } from "@mjflow/core/port";
import type { Report } from "@mjflow/core/report";
import { isPastDeadline } from "@mjflow/core/state";
import { isEnded, type Task } from "@mjflow/core/task";
import { runningSince } from "@mjflow/core/task-duration";
import { isInWaitList } from "@mjflow/core/wait-list";
import type { Accounts } from "../account/account.ts";
import { restartLostFlow } from "../change/restart.ts";
import { repairCredit } from "../credit/credit-repair.ts";
import { contextOf, type EngineDeps } from "../deps.ts";
import { type AppliedSignal, applySignal, effectsOf } from "../step/apply-signal.ts";
import { recordFlowEnd, resendFlowEndNotification } from "../step/record-flow-end.ts";
import { runEffects } from "../step/run-effects.ts";
import { vendorStateOf } from "../submit/submit.ts";
import { ensureInWaitList, openUsedLists, sweepWaitList } from "../submit/wait-list.ts";
import { sweepLog } from "./sweep-log.ts";
import { type SweepReplayDeps, sweepEndpoint, sweepReplay } from "./sweep-replay.ts";

export type SweepDeps = Omit<EngineDeps, "blobs" | "callbackTokens"> & {
  accounts: Accounts;
  webhookStore: Pick<WebhookStore, "delivery" | "saveDelivery" | "deliveryLog"> & SweepReplayDeps["webhookStore"];
  /** Depths of the queues. Unset: the submit queue counts as empty. */
  queueDepths?: QueueDepths;
};

export interface SweepResult {
  /** Number of tasks, deliveries and flow ends whose due time had passed. */
  overdue: number;
  /** Number of look-up requests to vendors. One request can cover many tasks. */
  requests: number;
  /** Number of items that failed. They stay due, so the next run processes them. */
  failed: number;
  /** True if more items may be due than this run has read. */
  more: boolean;
}

/** Number of entries that are read at once from a partition. */
export const SWEEP_PAGE = 200;
const PARALLEL = 16;
/** Number of collected tasks from which they are looked up before the next page is read. */
const LOOKUPS_AT_ONCE = 500;
/**
 * Messages in the submit queue from which it is late. The messages of the tasks are then most likely still in it, and more
 * copies would only make it longer.
 */
const LATE_QUEUE = 100;

/**
 * When each class may begin its last page, ms after the start of a run. A class leaves its unused time to the next ones, and
 * none can take all of it. The rest of the function's time is for look-ups.
 */
const CLASS_END_MS: Record<DueClass, number> = { repair: 20_000, flow: 30_000, poll: 35_000, delivery: 40_000 };

/** One run of the sweeper: what it has counted, and the tasks whose vendor is still to be asked. */
export interface SweepRun {
  swept: SweepResult;
  startedAt: number;
  toLookUp: Task[];
  /** Whether the submit queue is late; asked once, when a run first needs it. */
  isSubmitLate(): Promise<boolean>;
}

export function startRun(deps: SweepDeps): SweepRun {
  let late: Promise<boolean> | undefined;
  return {
    swept: { overdue: 0, requests: 0, failed: 0, more: false },
    startedAt: deps.clock.now(),
    toLookUp: [],
    isSubmitLate() {
      late ??= isSubmitLate(deps);
      return late;
    },
  };
}

async function isSubmitLate({ queueDepths, log }: SweepDeps): Promise<boolean> {
  try {
    return (await queueDepths?.())?.some(({ name, waiting }) => name === "submit" && waiting > LATE_QUEUE) ?? false;
  } catch (error) {
    log.warn("sweep.depth-unknown", { error: String(error) });
    return false;
  }
}

/**
 * Handles everything that is due, in one process: the sweeper of the local server. A deployment hands the partitions out to
 * workers (sweep-job.ts).
 */
export async function sweep(deps: SweepDeps): Promise<SweepResult> {
  const run = startRun(deps);
  const partitions = await deps.store.duePartitions(run.startedAt);
  if (partitions.length > 0) await deps.providers.refresh?.("force");
  // The heartbeat metric. If the sweeper has stopped, the metric is missing and an alarm fires.
  deps.log.count("Sweeps");
  await openUsedLists(deps);
  for (const dueClass of DUE_CLASSES) {
    const ofClass = partitions.filter((partition) => partition.dueClass === dueClass);
    await sweepPartitions(deps, run, ofClass, { until: run.startedAt + CLASS_END_MS[dueClass] });
  }
  await lookUpCollected(deps, run);
  return run.swept;
}

export interface Part {
  /** No page is read after this time, epoch ms. */
  until: number;
  /** Selects the entries of a slice. Unset: all. */
  selects?(due: Due): boolean;
  /** The sweeper calls it before it handles a page that is not the last one. The number of the page counts from 0. */
  onFullPage?(page: number): Promise<void>;
}

/** Handles the due entries of partitions, one page of each at a time. */
export async function sweepPartitions(
  deps: SweepDeps,
  run: SweepRun,
  partitions: readonly DuePartition[],
  part: Part,
): Promise<void> {
  let cursors: { name: string; after?: DueCursor }[] = partitions.map(({ name }) => ({ name }));
  for (let page = 0; cursors.length > 0; page++) {
    if (page > 0 && deps.clock.now() >= part.until) {
      run.swept.more = true;
      return;
    }
    const pages = await Promise.all(
      cursors.map(({ name, after }) => deps.store.due(name, run.startedAt, SWEEP_PAGE, after)),
    );
    if (pages.some(({ next }) => next)) await part.onFullPage?.(page);
    const due = pages.flatMap((each) => each.due).filter((each) => part.selects?.(each) ?? true);
    await sweepEntries(deps, run, due);
    if (run.toLookUp.length >= LOOKUPS_AT_ONCE) await lookUpCollected(deps, run);
    cursors = cursors.flatMap(({ name }, i) => (pages[i]!.next ? [{ name, after: pages[i]!.next }] : []));
  }
}

async function sweepEntries(deps: SweepDeps, run: SweepRun, due: readonly Due[]): Promise<void> {
  countOverdue(deps, run.swept, due.filter(({ kind }) => kind === "task" || kind === "delivery").length);
  await forEachIsolated(deps, run.swept, due, async (ref) => {
    if (ref.kind === "delivery") return sweepDelivery(deps, ref.deliveryId);
    if (ref.kind === "replay") return sweepReplay(deps, ref.appId, ref.replayId);
    if (ref.kind === "endpoint") return sweepEndpoint(deps, ref.appId, ref.endpointId);
    if (ref.kind === "credit") return repairCredit(deps, ref.appId);
    if (ref.kind === "waitList") return sweepWaitList(deps, ref);
    if (ref.kind === "flow") return sweepFlow(deps, run, ref.flowId);
    await sweepTaskEntry(deps, run, ref.flowId, ref.path);
  });
}

/** Looks up the collected tasks, with the requests of each account one after the other. */
export async function lookUpCollected(deps: SweepDeps, run: SweepRun): Promise<void> {
  const tasks = run.toLookUp.splice(0);
  const byAccount = Map.groupBy(tasks, (task) => `${task.provider}/${task.account}`);
  await forEachIsolated(deps, run.swept, [...byAccount.values()], (each) => lookUpTasks(deps, run.swept, each));
}

/**
 * Processes items independently: an item that fails stays due, and the others continue. An item that crashes the whole
 * process would crash every following run too, and each crash would leave the items of the same run half done.
 * Therefore the order is random and the first item runs alone. Each processed item allows one more in parallel.
 *
 * @returns number of failed items
 */
async function forEachIsolated<T>(
  deps: SweepDeps,
  swept: SweepResult,
  items: readonly T[],
  work: (item: T) => Promise<void>,
) {
  let failed = 0;
  const rest = shuffled(items, deps.random);
  let lanes = 1;
  async function lane(): Promise<void> {
    const item = rest.pop();
    if (item === undefined) return;
    await work(item).catch((error: unknown) => {
      failed++;
      deps.log.error("sweep.item-failed", { error: String(error) });
    });
    const mayAddLane = lanes < PARALLEL && rest.length > 1;
    if (mayAddLane) lanes++;
    await Promise.all(mayAddLane ? [lane(), lane()] : [lane()]);
  }
  await lane();
  swept.failed += failed;
  return failed;
}

function shuffled<T>(items: readonly T[], { chance }: SweepDeps["random"]): T[] {
  const mixed = [...items];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = Math.min(i, Math.floor(chance() * (i + 1)));
    [mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!];
  }
  return mixed;
}

/**
 * Counts overdue items. A flow that is due only because its tasks still run is not overdue; otherwise every long plan
 * would trigger the alarm.
 */
function countOverdue(deps: SweepDeps, swept: SweepResult, overdue: number): void {
  swept.overdue += overdue;
  deps.log.count("Overdue", overdue);
}

/** Processes a task that has its own entry in the due index. */
async function sweepTaskEntry(deps: SweepDeps, run: SweepRun, flowId: string, path: string): Promise<void> {
  const { flow, tasks } = await deps.store.load(flowId, [path]);
  const task = tasks[0];
  if (!task) return;
  if (flow) {
    await sweepTask(deps, run, flow, task);
    return;
  }
  // Earlier versions gave a root its own entry. If their API function crashed before it stored the flow, the root is
  // deleted.
  const isAbandoned = path === ROOT_PATH && task.attempt === 0 && (task.due ?? 0) <= deps.clock.now();
  if (isAbandoned) await deps.store.deleteTask(task);
}

/** @returns the task after all changes */
async function sweepTask(deps: SweepDeps, run: SweepRun, { canceledAt }: Flow, task: Task): Promise<Task> {
  const {
    searchByState: canSearch = false,
    endOnly = false,
    idempotencyKey = false,
  } = deps.providers.get(task.provider)?.provider.capabilities ?? {};
  const canRepeat = idempotencyKey && canceledAt === undefined;
  const askAt = await deps.accounts.nextLookupAt(task.provider, task.account);
  const waitsForMessage = task.status === "PENDING" || (task.status === "SUCCESS" && task.flowDue !== undefined);
  const queueLate = waitsForMessage && (await run.isSubmitLate());
  const applied = await applySignal(deps, task, { kind: "due", canSearch, canRepeat, endOnly, askAt, queueLate });
  noteResubmission(deps, task, applied, "not-searchable");
  await runEffects(deps, applied);
  if (effectsOf(applied.decision).some((effect) => effect.kind === "lookup")) run.toLookUp.push(applied.task);
  return applied.task;
}

/**
 * Records the end of the flow if it is missing. While the flow runs, processes the due tasks that the flow's own index
 * entry covers.
 */
async function sweepFlow(deps: SweepDeps, run: SweepRun, flowId: string): Promise<void> {
  const { swept } = run;
  if (await recordFlowEnd(deps, flowId)) {
    countOverdue(deps, swept, 1);
    const restarted = await restartLostFlow(deps, flowId);
    return restarted ? undefined : resendFlowEndNotification(deps, flowId);
  }
  // We read the clock before the rows. A task that is stored meanwhile is then due no earlier than the flow's new due
  // time below.
  const now = deps.clock.now();
  const { flow, tasks } = await deps.store.loadFlow(flowId);
  if (!flow || flowStatus(tasks) !== "running") return;
  // The flow was reopened, and the notification of its earlier end is still pending.
  if (flow.pendingEffects) return resendFlowEndNotification(deps, flowId);
  const isDue = (task: Task) => needsFlowDue(task, tasks) && task.due! <= now;
  const current = tasks.filter((task) => !isDue(task));
  // A worker may have crashed before it added its task to the list.
  for (const task of current) if (isInWaitList(task)) await ensureInWaitList(deps, task);
  const dueTasks = tasks.filter(isDue);
  countOverdue(deps, swept, dueTasks.length);
  const failed = await forEachIsolated(deps, swept, dueTasks, async (task) => {
    current.push(await sweepTask(deps, run, flow, task));
  });
  if (hasDeliveryLog(flow.eventMask)) await sweepLog(deps, flow, tasks);
  // If a task failed, the flow keeps its passed due time. The other tasks have later due times of their own by now.
  if (failed === 0) await deps.store.saveFlow({ ...flow, due: nextFlowDue(flow, current, now, deps.timings) });
}

/**
 * Sends a message for a delivery attempt that is due or was never made. A worker claims the delivery, so a second
 * message has no effect.
 */
async function sweepDelivery(deps: SweepDeps, deliveryId: string): Promise<void> {
  const delivery = await deps.webhookStore.delivery(deliveryId);
  if (delivery?.status !== "pending") return;
  const saved = await deps.webhookStore.saveDelivery(postponeOverdue(delivery, deps.clock.now()));
  if (saved.ok) await deps.queue.send([outgoingDelivery(delivery)]);
}

// ── look-ups ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Looks up all overdue tasks of one account, in as few requests as the vendor allows. */
async function lookUpTasks(deps: SweepDeps, swept: SweepResult, tasks: readonly Task[]): Promise<void> {
  const { provider: providerId, account } = tasks[0]!;
  const vendor = deps.providers.get(providerId);
  const config = vendor?.account(account);
  if (!vendor || !config) return endTasksWithoutVendor(deps, tasks);
  const found = new Map<Task, Report>();
  const lookedUp = new Set<Task>();
  const absent = new Set<Task>();
  let unanswered = 0;
  // A vendor whose look-ups fail is asked by one worker, not by each one that has tasks of the account.
  if (!(await deps.accounts.claimLookup(providerId, account)))
    return applyLookupResults(deps, tasks, { lookedUp, found, absent });
  try {
    const named = tasks.filter((task) => task.vendorTaskId !== undefined);
    for (let i = 0; i < named.length; i += LOOKUP_BATCH) {
      const batch = named.slice(i, i + LOOKUP_BATCH);
      const ids = [...new Set(batch.map((t) => t.vendorTaskId!))];
      const { reports, requests, failed = [] } = await vendor.provider.lookup(ids, config);
      swept.requests += requests;
      deps.log.count("Lookups", requests);
      if (failed.length > 0) deps.log.count("LookupFailures", failed.length);
      const byId = new Map(reports.map((report) => [report.vendorTaskId, report]));
      for (const task of batch) {
        // The look-up works, and says nothing about this task.
        if (failed.includes(task.vendorTaskId!)) {
          unanswered++;
          continue;
        }
        lookedUp.add(task);
        const report = byId.get(task.vendorTaskId);
        if (report) found.set(task, report);
        else absent.add(task);
      }
    }
    const unnamed = tasks.filter((task) => task.vendorTaskId === undefined);
    if (unnamed.length > 0) {
      const byState = new Map(unnamed.map((task) => [vendorStateOf(task, task.attempt), task]));
      const { reports, requests, completeSince } = await vendor.provider.search([...byState.keys()], config);
      swept.requests += requests;
      deps.log.count("Lookups", requests);
      for (const report of reports) {
        const task = byState.get(report.state ?? "");
        if (task) found.set(task, report);
      }
      for (const task of unnamed) {
        lookedUp.add(task);
        if (!found.has(task) && reachesBackTo(task, completeSince, deps)) absent.add(task);
      }
    }
  } catch (error) {
    if (!(error instanceof LookupError)) throw error;
    const fault = error.unauthorized ? "unauthorized" : error.unreachable ? "unreachable" : "failed";
    await deps.accounts.recordLookup(providerId, account, fault);
    deps.log.count("LookupFailures");
    if (fault === "unauthorized") deps.log.count("LookupsRefused");
    deps.log.warn("sweep.lookup-failed", { provider: providerId, account, fault, error: error.message });
  }
  if (lookedUp.size + unanswered === tasks.length) await deps.accounts.recordLookup(providerId, account, "worked");
  await applyLookupResults(deps, tasks, { lookedUp, found, absent });
}

interface LookupResults {
  /** Tasks whose look-up was possible. */
  lookedUp: ReadonlySet<Task>;
  found: ReadonlyMap<Task, Report>;
  /** Tasks of which the look-up proves that the vendor's answer did not have them. */
  absent: ReadonlySet<Task>;
}

/**
 * Applies the look-up results first and checks the deadline afterwards. A task that finished late then still counts as
 * finished.
 */
async function applyLookupResults(deps: SweepDeps, tasks: readonly Task[], { lookedUp, found, absent }: LookupResults) {
  const missedCallbacks: Task[] = [];
  for (const task of tasks) {
    const report = found.get(task);
    let current = task;
    if (report) {
      const { attempt } = task;
      const applied = await applySignal(deps, task, { kind: "report", attempt, from: "lookup", rev: task.rev, report });
      await runEffects(deps, applied);
      current = applied.task;
      if (applied.decision.kind === "move" && isEnded(current)) {
        if (current.callbacks === 0) missedCallbacks.push(current);
        await deps.accounts.recordDuration(current);
      }
    } else if (lookedUp.has(task) && countsMisses(task)) {
      const unproven = !absent.has(task);
      const applied = await applySignal(deps, task, { kind: "lookupMiss", rev: task.rev, unproven });
      noteResubmission(deps, task, applied, unproven ? "unproven" : "absent");
      await runEffects(deps, applied);
      current = applied.task;
    }
    // A task that the response misses ends after `missingLimit` of such responses.
    const hasResponse = report !== undefined || (lookedUp.has(task) && !countsMisses(task));
    await endIfPastDeadline(deps, current, { hasResponse });
  }
  await recordMissedCallbacks(deps, missedCallbacks);
}

/**
 * Records tasks whose end a look-up has found before any callback. At an account that sends callbacks, a look-up for the progress may
 * be faster than the callback of the end. Such a task has missed nothing yet.
 */
async function recordMissedCallbacks({ accounts, clock, timings }: SweepDeps, found: readonly Task[]): Promise<void> {
  const [first] = found;
  if (!first) return;
  const { provider, account } = first;
  const { callbacks } = await accounts.callbacks(provider, account);
  const isQuiet = (task: Task) => clock.now() - runningSince(task) >= timings.quietMs[task.pace] / 2;
  const missed = callbacks === "calling" ? found.filter(isQuiet) : found;
  if (missed.length > 0)
    await accounts.recordMissedCallbacks(provider, account, missed.length, Math.min(...missed.map(runningSince)));
}

/**
 * Returns true if a look-up without this task is a signal. A look-up by vendor id always is. A list of recent tasks may
 * omit a task that exists. For an UNCLEAR task without vendor id the list is the only source and the grace period is over.
 * For an accepted task without vendor id the list says nothing.
 */
function countsMisses(task: Task): boolean {
  return task.vendorTaskId !== undefined || task.status === "UNCLEAR";
}

/**
 * Returns true if the vendor's answer contains every submission of this task: the vendor searched by the mark itself, or
 * its list begins before the task existed. A busy account cuts its list at its newest tasks, and a task that is older than
 * the list was perhaps accepted and is then paid (docs/decisions/0019).
 */
function reachesBackTo({ createdAt }: Task, completeSince: number | undefined, { timings }: SweepDeps): boolean {
  return completeSince !== undefined && completeSince <= createdAt - timings.clockSkewMs;
}

/** Shows that an unclear submission is sent again, which is paid again if the vendor has accepted the first one. */
function noteResubmission(
  { log }: SweepDeps,
  before: Task,
  { decision, task }: AppliedSignal,
  why: "absent" | "unproven" | "not-searchable",
): void {
  if (decision.kind !== "move" || before.status !== "UNCLEAR" || task.status !== "PENDING") return;
  const { flowId: flow, path, attempt, provider, account } = before;
  log.count("Resubmitted");
  if (why === "unproven") log.count("ResubmittedUnproven");
  log[why === "absent" ? "info" : "warn"]("task.resubmitted", { flow, path, attempt, provider, account, why });
}

/**
 * The provider or its account was removed. No look-up will ever show its tasks, so they expire at their deadline.
 */
async function endTasksWithoutVendor(deps: SweepDeps, tasks: readonly Task[]): Promise<void> {
  for (const task of tasks) await endIfPastDeadline(deps, task, { hasResponse: true });
}

/**
 * Ends a task that has passed its deadline (P6). Its image may be paid as long as no look-up says anything about it. So a task
 * without a response has another day (`lookupFailedMs`).
 *
 * @param hasResponse whether a look-up that the vendor has just answered says that the task has not ended
 */
async function endIfPastDeadline(
  deps: SweepDeps,
  task: Task,
  { hasResponse }: { hasResponse: boolean },
): Promise<void> {
  const extraMs = hasResponse ? 0 : deps.timings.lookupFailedMs;
  if (!isPastDeadline(task, contextOf(deps), 1, extraMs)) return;
  const message = hasResponse ? undefined : await whyNoResponse(deps, task);
  const why = failure("deadline_passed", message === undefined ? {} : { message });
  await runEffects(deps, await applySignal(deps, task, { kind: "abandon", failure: why }));
}

async function whyNoResponse({ accounts }: SweepDeps, { provider, account }: Task): Promise<string> {
  const { lookupFault } = await accounts.health(provider, account);
  const until = "until the end of the waiting time";
  return lookupFault === "unauthorized"
    ? `The vendor refused our key in every look-up ${until}.`
    : `The vendor answered no look-up ${until}.`;
}
