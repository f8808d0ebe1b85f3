/**
 * Repairs the credit of an app after crashes. Each entry of the counter that is old enough is compared with the row that
 * confirms it. Also reads the usage of an app, after a repair.
 */

import type { Limits } from "@mjflow/core/app";
import {
  type CreditChange,
  type CreditCounter,
  counterIdsOf,
  type Day,
  firstDueAt,
  oldEntries,
  parseCounterId,
  refund,
  removal,
  renewal,
  settlementChange,
} from "@mjflow/core/credit";
import { parseEntryName, parseEntryValue } from "@mjflow/core/credit-entry";
import type { CreditRow } from "@mjflow/core/credit-row";
import { flowStatus } from "@mjflow/core/flow";
import { entryState, finishSettlement } from "@mjflow/core/flow-credit";
import { dateOf } from "../date.ts";
import { addToCounters, type CreditDeps, changeCredit, moveToCounter } from "./credit-counter.ts";
import { confirmSettlement, settleCredit } from "./credit-settle.ts";

/** Entries that are checked in one run; the others stay due. */
const MAX_ENTRIES = 100;
const USAGE_DAYS = 31;
const DUE_AGAIN_MS = 60_000;

/** Decides the old entries of a counter, removes them, and sets the due time of the others. */
export async function repairCredit(deps: CreditDeps, counterId: string): Promise<void> {
  const counter = await deps.store.creditCounter(counterId);
  if (!counter) return;
  const { old } = oldEntries(counter, deps.clock.now());
  for (const [name, value] of old.slice(0, MAX_ENTRIES)) await repairEntry(deps, counterId, name, value);
  await setDueTime(deps, counterId);
}

async function repairEntry(deps: CreditDeps, counterId: string, name: string, value: string): Promise<void> {
  const ref = parseEntryName(name);
  if (ref?.kind === "hold" || ref?.kind === "press") {
    const { flow } = await deps.store.load(ref.flowId, []);
    const state = entryState(name, value, flow?.credit);
    if (state === "undecided") return;
    if (state === "confirmed") return remove(deps, counterId, name, value);
    await changeCredit(deps, counterId, refund(name, value, deps.clock.now()));
    deps.log.count("CreditGivenBack");
    deps.log.warn("credit.given-back", { app: counterId, flow: ref.flowId, kind: ref.kind });
    return;
  }
  if (ref?.kind === "settlement") return repairSettlement(deps, counterId, name, value, ref.flowId);
  if (ref?.kind === "grant") return repairGrant(deps, counterId, name, value);
  if (ref?.kind === "frozen") await checkFrozenHolds(deps, counterId);
  else return;
  await remove(deps, counterId, name, value);
}

/** The counter has the settlement. If the flow's row has not finished it, the row finishes it now. */
async function repairSettlement(deps: CreditDeps, counterId: string, name: string, value: string, flowId: string) {
  const { flow } = await deps.store.load(flowId, []);
  if (!flow || entryState(name, value, flow.credit) === "confirmed") return remove(deps, counterId, name, value);
  if (!flow.credit?.settling) return;
  // The flow itself ends later: the sweeper finds that nothing is left to settle.
  const due = flow.due ?? deps.clock.now();
  const saved = await deps.store.saveFlow({ ...flow, credit: finishSettlement(flow.credit), due });
  if (saved.ok) await remove(deps, counterId, name, value);
}

async function remove(deps: CreditDeps, counterId: string, name: string, value: string): Promise<void> {
  await changeCredit(deps, counterId, removal(name, value, deps.clock.now()));
}

/**
 * If the process that added the grant crashed, the grant is finished now. Then the entry stays as long as a new one: another
 * process may have read the pending grant too, and this entry refuses its addition.
 */
async function repairGrant(deps: CreditDeps, counterId: string, name: string, value: string): Promise<void> {
  const { reference } = parseEntryValue(value);
  const { appId } = parseCounterId(counterId);
  const grant = reference === undefined ? undefined : await deps.store.grant(appId, reference);
  if (grant?.state !== "pending") return remove(deps, counterId, name, value);
  await addToCounters(deps, grant);
  await deps.store.saveGrant({ ...grant, state: "done" });
  await changeCredit(deps, counterId, renewal(name, value, deps.clock.now()));
}

/**
 * Checks the holds in the row of an earlier version, once. A hold whose flow was never written is given back. A flow that
 * ended without a settlement is settled. A running flow settles itself.
 */
async function checkFrozenHolds(deps: CreditDeps, appId: string): Promise<void> {
  const { holds = {} }: Partial<CreditRow> = (await deps.store.creditRow(appId)) ?? {};
  for (const [flowId, { micro: held }] of Object.entries(holds)) {
    const { flow, tasks } = await deps.store.loadFlow(flowId);
    const now = deps.clock.now();
    if (!flow) {
      const settling = { micro: 0, held, runs: 1, paths: [], at: now };
      await changeCredit(deps, appId, settlementChange({ flowId, no: 0, settling, isFirst: false }, dateOf(now), now));
      continue;
    }
    if (flow.credit || flow.status === "running" || flowStatus(tasks) === "running") continue;
    const settled = await settleCredit(deps, flow, tasks);
    if (typeof settled === "string") continue;
    if ((await deps.store.saveFlow(settled.flow)).ok) await confirmSettlement(deps, settled);
  }
}

/** An entry that is set meanwhile finds the due time that is there, so the due time is removed only if nothing changed. */
async function setDueTime(deps: CreditDeps, counterId: string): Promise<void> {
  const counter = await deps.store.creditCounter(counterId);
  if (counter?.dueAt === undefined) return;
  const now = Math.floor(deps.clock.now());
  const { dueAt, rev } = counter;
  const once = { at: "dueAt" as const, equals: dueAt };
  const change = (change: Pick<CreditChange, "dueAt" | "when">): CreditChange => ({
    ...change,
    repetition: { once },
    at: now,
  });
  if (Object.keys(counter.entries).length === 0) {
    const removed = await changeCredit(deps, counterId, change({ dueAt: null, when: [{ at: "rev", equals: rev }] }));
    if (removed.ok) return;
  }
  const { old, nextAt = firstDueAt(now) } = oldEntries(counter, now);
  const next = old.length > 0 ? now + DUE_AGAIN_MS : Math.max(nextAt, now + DUE_AGAIN_MS);
  if (next !== dueAt) await changeCredit(deps, counterId, change({ dueAt: next, when: [] }));
}

// ── usage ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface CreditUsage extends Pick<CreditCounter, "added" | "settled" | "refunded" | "used" | "running"> {
  /** Usage of the newest days with any usage. */
  days: Record<string, Day>;
}

/** Returns the usage of an app after a repair, as the sum of its counters; undefined if the app never had a limit. */
export async function usageOf(deps: CreditDeps, appId: string, limits?: Limits): Promise<CreditUsage | undefined> {
  const { store } = deps;
  const row = await store.creditRow(appId);
  if (!row) return undefined;
  const counters = await Promise.all(counterIdsOf(appId, limits).map((counterId) => repairedCounter(deps, counterId)));
  const stored = await Promise.all(counters.map((counter) => store.creditDays(counter.appId, USAGE_DAYS)));
  const sum = (key: "added" | "settled" | "refunded" | "used" | "running") =>
    counters.reduce((total, counter) => total + counter[key], 0);
  return {
    ...{ added: sum("added"), settled: sum("settled"), refunded: sum("refunded") },
    ...{ used: sum("used"), running: sum("running") },
    days: newestDays(sumOfDays([row.days, ...stored, ...counters.map(({ days }) => days)])),
  };
}

async function repairedCounter(deps: CreditDeps, counterId: string): Promise<CreditCounter> {
  const { store } = deps;
  let first = await store.creditCounter(counterId);
  if (!first) {
    await moveToCounter(deps, counterId);
    first = (await store.creditCounter(counterId))!;
  }
  if (oldEntries(first, deps.clock.now()).old.length === 0) return first;
  await repairCredit(deps, counterId);
  return (await store.creditCounter(counterId)) ?? first;
}

function sumOfDays(all: readonly Readonly<Record<string, Day>>[]): Record<string, Day> {
  const sum: Record<string, Day> = {};
  for (const [date, { flows, settled }] of all.flatMap((days) => Object.entries(days))) {
    const before = sum[date] ?? { flows: 0, settled: 0 };
    sum[date] = { flows: before.flows + flows, settled: before.settled + settled };
  }
  return sum;
}

function newestDays(days: Record<string, Day>): Record<string, Day> {
  const newest = Object.entries(days).sort(([a], [b]) => (a < b ? 1 : -1));
  return Object.fromEntries(newest.slice(0, USAGE_DAYS));
}
