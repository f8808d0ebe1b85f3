/**
 * The sweeper: whatever is overdue, and nothing else, goes back through the same doors (T4). On a calling vendor that is
 * what was lost; on a silent one it is how every task ends, with one batched look-up per account and interval.
 */
import { postponeOverdue } from "@mjflow/core/delivery";
import { failure } from "@mjflow/core/error";
import { flowStatus, nextFlowDue } from "@mjflow/core/flow";
import { ROOT_PATH } from "@mjflow/core/id";
import { DUE_SHARDS, LOOKUP_BATCH } from "@mjflow/core/limit";
import { deliverMessage } from "@mjflow/core/message";
import { LookupError, type WebhookStore } from "@mjflow/core/port";
import type { Report } from "@mjflow/core/report";
import { isPastDeadline } from "@mjflow/core/state";
import { hasOwnDueEntry, isEnded, type Task } from "@mjflow/core/task";
import type { Accounts } from "./account.ts";
import { applySignal, effectsOf } from "./apply-signal.ts";
import { contextOf, type EngineDeps } from "./deps.ts";
import { recordFlowEnd, resendFlowEndNotification } from "./record-flow-end.ts";
import { restartLostFlow } from "./restart.ts";
import { runEffects } from "./run-effects.ts";
import { vendorStateOf } from "./submit.ts";

type SweepDeps = Omit<EngineDeps, "blobs" | "callbackTokens"> & {
  accounts: Accounts;
  webhookStore: Pick<WebhookStore, "delivery" | "saveDelivery">;
};

export interface SweepResult {
  /** Tasks, deliveries, and ends of flows that should have been seen to by then. */
  overdue: number;
  /** Requests to vendors, however many tasks each settled. */
  requests: number;
  /** Items that failed and stay due: the next run takes them up. */
  failed: number;
  /** More was due than one run takes. */
  more: boolean;
}

/** Per shard and run. What is beyond it stays due, earliest first. */
const SHARD_LIMIT = 200;
const PARALLEL = 16;

export async function sweep(deps: SweepDeps): Promise<SweepResult> {
  const now = deps.clock.now();
  const shards = Array.from({ length: DUE_SHARDS }, (_, shard) => deps.store.due(shard, now, SHARD_LIMIT));
  const refs = (await Promise.all(shards)).flat();
  if (refs.length > 0) await deps.providers.refresh?.("anew");
  const swept: SweepResult = { overdue: 0, requests: 0, failed: 0, more: refs.length >= SHARD_LIMIT };
  // The heartbeat: a sweeper that has stopped counts none, and an alarm listens for that.
  deps.log.count("Sweeps");
  countOverdue(deps, swept, refs.filter(({ kind }) => kind !== "flow").length);

  const toAsk: Task[] = [];
  const ask = (task: Task) => void toAsk.push(task);
  await forEachIsolated(deps, swept, refs, async (ref) => {
    if (ref.kind === "delivery") return sweepDelivery(deps, ref.deliveryId);
    if (ref.kind === "flow") return sweepFlow(deps, swept, ref.flowId, ask);
    await sweepTaskEntry(deps, ref.flowId, ref.path, ask);
  });
  const byAccount = Map.groupBy(toAsk, (task) => `${task.provider}/${task.account}`);
  await forEachIsolated(deps, swept, [...byAccount.values()], (tasks) => lookUpTasks(deps, swept, tasks));
  return swept;
}

/**
 * Isolates items from one another: one that fails stays due, the rest go on. One that kills the sweeper would be met again
 * by the next, with all that was begun beside it left halfway, for ever. So they are taken in no order, and the first
 * alone: each that is dealt with makes room for one more at once.
 *
 * @returns how many failed
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
    const isRoom = lanes < PARALLEL && rest.length > 1;
    if (isRoom) lanes++;
    await Promise.all(isRoom ? [lane(), lane()] : [lane()]);
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

/** A flow that is looked at because it still runs is not overdue: what an alarm listens for would ring on a long plan. */
function countOverdue(deps: SweepDeps, swept: SweepResult, overdue: number): void {
  swept.overdue += overdue;
  deps.log.count("Overdue", overdue);
}

/** Those tasks that the vendor must be asked about are given to `ask`: one request tells of many. */
type QueueLookup = (task: Task) => void;

/** A task that has an entry of its own in the index. */
async function sweepTaskEntry(deps: SweepDeps, flowId: string, path: string, ask: QueueLookup): Promise<void> {
  const { flow, tasks } = await deps.store.load(flowId, [path]);
  const task = tasks[0];
  if (!task) return;
  if (flow) {
    await sweepTask(deps, task, ask);
    return;
  }
  // An earlier version's root, whose API died before the flow was stored; this one's have no entry of their own.
  const isLeft = path === ROOT_PATH && task.attempt === 0 && (task.due ?? 0) <= deps.clock.now();
  if (isLeft) await deps.store.deleteTask(task);
}

/** @returns the task as it was left */
async function sweepTask(deps: SweepDeps, task: Task, ask: QueueLookup): Promise<Task> {
  const canSearch = deps.providers.get(task.provider)?.provider.capabilities.searchByState ?? false;
  const askAt = await deps.accounts.nextLookupAt(task.provider, task.account);
  const applied = await applySignal(deps, task, { kind: "due", canSearch, askAt });
  await runEffects(deps, applied);
  // A vendor that is left alone for a while does not stretch its tasks' deadlines.
  if (askAt !== undefined) await endIfPastDeadline(deps, applied.task);
  if (effectsOf(applied.decision).some((effect) => effect.kind === "lookup")) ask(applied.task);
  return applied.task;
}

/** The flow's end, should it not have been recorded; while it runs, the tasks whose due time its own stands for. */
async function sweepFlow(deps: SweepDeps, swept: SweepResult, flowId: string, ask: QueueLookup): Promise<void> {
  if (await recordFlowEnd(deps, flowId)) {
    countOverdue(deps, swept, 1);
    const restarted = await restartLostFlow(deps, flowId);
    return restarted ? undefined : resendFlowEndNotification(deps, flowId);
  }
  // Before the rows are read: a task that is stored meanwhile is due after the time that is set by this one.
  const now = deps.clock.now();
  const { flow, tasks } = await deps.store.loadFlow(flowId);
  if (!flow || flowStatus(tasks) !== "running") return;
  // Ended, gone on with by hand, and the end of before is still to be announced.
  if (flow.pendingEffects) return resendFlowEndNotification(deps, flowId);
  const isDue = (task: Task) => task.due !== undefined && task.due <= now && !hasOwnDueEntry(task);
  const left = tasks.filter((task) => !isDue(task));
  const found = tasks.filter(isDue);
  countOverdue(deps, swept, found.length);
  const failed = await forEachIsolated(deps, swept, found, async (task) => {
    left.push(await sweepTask(deps, task, ask));
  });
  // One that failed keeps the flow due; the others have due times of their own now.
  if (failed === 0) await deps.store.saveFlow({ ...flow, due: nextFlowDue(flow, left, now, deps.timings) });
}

/** A try that is due, or was due and never made: a worker claims it, so that a second message does nothing. */
async function sweepDelivery(deps: SweepDeps, deliveryId: string): Promise<void> {
  const delivery = await deps.webhookStore.delivery(deliveryId);
  if (delivery?.status !== "pending") return;
  const saved = await deps.webhookStore.saveDelivery(postponeOverdue(delivery, deps.clock.now()));
  if (saved.ok) await deps.queue.send([{ message: deliverMessage(deliveryId) }]);
}

// ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** All overdue tasks of one account, in as few requests as the vendor allows. */
async function lookUpTasks(deps: SweepDeps, swept: SweepResult, tasks: readonly Task[]): Promise<void> {
  const { provider: providerId, account } = tasks[0]!;
  const known = deps.providers.get(providerId);
  const config = known?.account(account);
  if (!known || !config) return endTasksWithoutVendor(deps, tasks);
  const found = new Map<Task, Report>();
  const asked = new Set<Task>();
  try {
    const named = tasks.filter((task) => task.vendorTaskId !== undefined);
    for (let i = 0; i < named.length; i += LOOKUP_BATCH) {
      const batch = named.slice(i, i + LOOKUP_BATCH);
      const { reports, requests } = await known.provider.lookup(
        [...new Set(batch.map((t) => t.vendorTaskId!))],
        config,
      );
      swept.requests += requests;
      deps.log.count("Lookups", requests);
      const byId = new Map(reports.map((report) => [report.vendorTaskId, report]));
      for (const task of batch) {
        asked.add(task);
        const report = byId.get(task.vendorTaskId);
        if (report) found.set(task, report);
      }
    }
    const unnamed = tasks.filter((task) => task.vendorTaskId === undefined);
    if (unnamed.length > 0) {
      const byState = new Map(unnamed.map((task) => [vendorStateOf(task, task.attempt), task]));
      const { reports, requests } = await known.provider.search([...byState.keys()], config);
      swept.requests += requests;
      deps.log.count("Lookups", requests);
      for (const report of reports) {
        const task = byState.get(report.state ?? "");
        if (task) found.set(task, report);
      }
      for (const task of unnamed) asked.add(task);
    }
  } catch (error) {
    if (!(error instanceof LookupError)) throw error;
    await deps.accounts.recordLookup(providerId, account, false);
    deps.log.count("LookupFailures");
    deps.log.warn("sweep.lookup-failed", { provider: providerId, account, error: error.message });
  }
  if (asked.size === tasks.length) await deps.accounts.recordLookup(providerId, account, true);
  await applyLookupResults(deps, tasks, asked, found);
}

/** Feeds back what was found; then, and only then, the deadline: a task that did finish late has finished. */
async function applyLookupResults(
  deps: SweepDeps,
  tasks: readonly Task[],
  asked: ReadonlySet<Task>,
  found: ReadonlyMap<Task, Report>,
) {
  const untold: Task[] = [];
  for (const task of tasks) {
    const report = found.get(task);
    let current = task;
    if (report) {
      const { attempt } = task;
      const applied = await applySignal(deps, task, { kind: "report", attempt, from: "lookup", rev: task.rev, report });
      await runEffects(deps, applied);
      current = applied.task;
      if (applied.decision.kind === "move" && isEnded(current) && current.callbacks === 0) untold.push(current);
    } else if (asked.has(task) && provesAbsence(task)) {
      const applied = await applySignal(deps, task, { kind: "lookupMiss", rev: task.rev });
      await runEffects(deps, applied);
      current = applied.task;
    }
    await endIfPastDeadline(deps, current);
  }
  if (untold.length === 0) return;
  const since = Math.min(...untold.map((task) => task.submittedAt ?? task.createdAt));
  const { provider, account } = untold[0]!;
  await deps.accounts.recordMissedCallbacks(provider, account, untold.length, since);
}

/**
 * A list of recent tasks that does not show one says nothing of it. In doubt that is all the vendor can be asked, and the
 * grace has passed; a task known to be taken is not given up for it.
 */
function provesAbsence(task: Task): boolean {
  return task.vendorTaskId !== undefined || task.status === "UNCLEAR";
}

/** The provider was taken out of the configuration: what can no longer be asked ends at its deadline. */
async function endTasksWithoutVendor(deps: SweepDeps, tasks: readonly Task[]): Promise<void> {
  for (const task of tasks) await endIfPastDeadline(deps, task);
}

async function endIfPastDeadline(deps: SweepDeps, task: Task): Promise<void> {
  if (!isPastDeadline(task, contextOf(deps))) return;
  await runEffects(deps, await applySignal(deps, task, { kind: "abandon", failure: failure("deadline_passed") }));
}
