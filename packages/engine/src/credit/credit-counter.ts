/**
 * Changes of an app's credit counter. The first change of an app moves the row of an earlier version. The process remembers
 * which entries are confirmed, and removes them with later changes.
 */

import {
  type CreditChange,
  type CreditCounter,
  counterIdsOf,
  type Day,
  firstDueAt,
  type Grant,
  grantChange,
  parseCounterId,
  partOf,
  removal,
} from "@mjflow/core/credit";
import { grantEntryName, parseEntryName } from "@mjflow/core/credit-entry";
import { type CreditRow, counterOfRow, flowCreditOfRow, newCreditRow } from "@mjflow/core/credit-row";
import { MjflowError } from "@mjflow/core/error";
import type { Flow } from "@mjflow/core/flow";
import { type FlowCredit, NO_FLOW_CREDIT, RIGHT_MS } from "@mjflow/core/flow-credit";
import { MAX_COUNTERS } from "@mjflow/core/limit";
import { dateOf } from "../date.ts";
import type { EngineDeps } from "../deps.ts";
import { updateWithRetry } from "../step/update-with-retry.ts";

export type CreditDeps = Pick<EngineDeps, "store" | "clock" | "log" | "creditMemory">;
type MemoryDeps = Pick<CreditDeps, "store" | "creditMemory">;

export type CreditResult =
  | { ok: true; counter: CreditCounter; sentOnce: boolean }
  | { ok: false; current: CreditCounter; sentOnce: boolean };

/**
 * What a process knows of a counter. The confirmed entries are its own: it got a clear response for each of them, so
 * no copy of its request can arrive after the entry is removed.
 */
interface Known {
  counter?: CreditCounter;
  /** Values of confirmed entries, by name. */
  confirmed: Map<string, string>;
  /** When the table last throttled a change of the counter, epoch ms. */
  throttledAt?: number;
}

/** By store and counter, because a process has one store. Nothing depends on it: the sweeper removes what a process forgets. */
const known = new WeakMap<object, Map<string, Known>>();
/** More counters than a process is likely to serve in a quarter of an hour. */
const MAX_KNOWN = 1_000;
/** Entries that are removed with one change. */
const MAX_LEAVE = 10;
const MAX_CONFLICT_RETRIES = 10;

function knownOf({ store, creditMemory = store }: MemoryDeps, counterId: string): Known {
  const counters = known.get(creditMemory) ?? new Map<string, Known>();
  known.set(creditMemory, counters);
  const found = counters.get(counterId) ?? { confirmed: new Map<string, string>() };
  if (!counters.has(counterId) && counters.size >= MAX_KNOWN) counters.delete(counters.keys().next().value!);
  counters.set(counterId, found);
  return found;
}

/** Returns the counter as this process last saw it; it may be old. */
export function lastSeenCounter(deps: MemoryDeps, counterId: string): CreditCounter | undefined {
  return knownOf(deps, counterId).counter;
}

const preferred = new WeakMap<object, number>();

/** Returns a random number that stays the same for the process. It chooses one of an app's counters. */
export function preferredCounter({
  store,
  creditMemory = store,
  random,
}: MemoryDeps & Pick<EngineDeps, "random">): number {
  const number = preferred.get(creditMemory) ?? Math.floor(random.chance() * MAX_COUNTERS * 1_000);
  preferred.set(creditMemory, number);
  return number;
}

/**
 * Adds a grant to all counters of its app, in equal parts. A counter that has the grant already does not change. An earlier
 * process may have added it long ago, so each counter is read first (`isInCounter`).
 */
export async function addToCounters(deps: CreditDeps, grant: Grant): Promise<void> {
  const { appId, counters = 1, micro, reference } = grant;
  for (const [no, counterId] of counterIdsOf(appId, { counters }).entries()) {
    if (await isInCounter(deps, counterId, grantEntryName(reference))) continue;
    const part = partOf(micro, no, counters);
    await changeCredit(deps, counterId, grantChange({ reference, micro: part }, deps.clock.now()));
  }
}

/**
 * Returns true if the counter has an entry. A process that continues the change of another one asks before it sends the change
 * again. The entry may be nearly as old as a removable one. If the change were sent, a copy of the refused request could arrive
 * after the removal, and the counter would apply the change twice.
 */
export async function isInCounter(deps: Pick<CreditDeps, "store">, counterId: string, name: string): Promise<boolean> {
  return (await deps.store.creditCounter(counterId))?.entries[name] !== undefined;
}

/**
 * Makes one change of the app's counter.
 *
 * @returns the counter after the change, or the counter that refused it. `sentOnce`: no copy of any of its requests can arrive
 * @throws MjflowError `overloaded`; any other error means that the change may have been made
 */
export async function changeCredit(deps: CreditDeps, counterId: string, change: CreditChange): Promise<CreditResult> {
  const memory = knownOf(deps, counterId);
  let sentOnce = true;
  for (let retry = 0; retry < MAX_CONFLICT_RETRIES; retry++) {
    const removable = takeConfirmed(memory, change);
    const result = await deps.store.changeCredit(counterId, withRemovals(change, removable)).catch((error: unknown) => {
      if (error instanceof MjflowError && error.code === "overloaded") memory.throttledAt = deps.clock.now();
      throw error;
    });
    sentOnce &&= result.sentOnce;
    const counter = result.ok ? result.counter : result.current;
    if (!counter) {
      await moveToCounter(deps, counterId);
      continue;
    }
    memory.counter = counter;
    if (result.ok) {
      await moveOldDays(deps, result.counter);
      return { ...result, sentOnce };
    }
    const isStill = ([name, value]: [string, string]) => counter.entries[name] === value;
    for (const [name, value] of removable.filter(isStill)) memory.confirmed.set(name, value);
    // An entry that the sweeper has removed refused the change. Without the entry the change is sent again.
    if (removable.every((entry) => isSettlement(entry[0]) || isStill(entry)))
      return { ok: false, current: counter, sentOnce };
  }
  throw new MjflowError("overloaded", { detail: "The credit of the app could not be moved." });
}

/** Takes some confirmed entries that the change can remove too. After an unknown outcome the sweeper removes them. */
function takeConfirmed({ confirmed }: Known, { enter = {}, leave = [] }: CreditChange): [string, string][] {
  const removable = [...confirmed].filter(([name]) => enter[name] === undefined && !leave.includes(name));
  const taken = removable.slice(0, MAX_LEAVE);
  for (const [name] of taken) confirmed.delete(name);
  return taken;
}

/**
 * A removal has the condition that the entry is still the same. So a late copy of the request removes no other entry. The entry
 * of a finished settlement never comes again and needs no condition.
 */
function withRemovals(change: CreditChange, removable: readonly [string, string][]): CreditChange {
  const when = removable.filter(([name]) => !isSettlement(name)).map(([entry, equals]) => ({ entry, equals }));
  const leave = removable.map(([name]) => name);
  return { ...change, leave: [...(change.leave ?? []), ...leave], when: [...change.when, ...when] };
}

function isSettlement(name: string): boolean {
  return parseEntryName(name)?.kind === "settlement";
}

/** Number of entries of settlements in the counter above which some processes remove those of others. */
const SETTLEMENTS_KEPT = 5;
/** Number of entries that one process reads the flows of, with one request. */
const SETTLEMENTS_READ = 8;
/** One of this number of flows, by its id, removes entries of others. */
const REMOVES_ONE_OF = 2;

/**
 * Returns entries of settlements that a change can remove for other processes. A busy app ends flows in many containers, and
 * a container that ends few flows would need a write of its own to remove an entry. A read costs a fifth of that.
 *
 * @param flowId the flow whose settlement removes them
 */
export async function finishedSettlements(deps: CreditDeps, counterId: string, flowId: string): Promise<string[]> {
  const { counter: last } = knownOf(deps, counterId);
  const settlementsOf = (counter: CreditCounter | undefined) =>
    Object.keys(counter?.entries ?? {}).filter(isSettlement);
  const turn = flowId.charCodeAt(flowId.length - 1) + flowId.charCodeAt(flowId.length - 2);
  if (turn % REMOVES_ONE_OF !== 0 || (last && settlementsOf(last).length <= SETTLEMENTS_KEPT)) return [];
  // A container may have seen the counter long ago, or never.
  const names = settlementsOf(await deps.store.creditCounter(counterId));
  const some = names.slice(0, SETTLEMENTS_READ);
  const isFinished = await Promise.all(
    some.map(async (name) => {
      const ref = parseEntryName(name);
      if (ref?.kind !== "settlement" || ref.flowId === flowId) return false;
      const { flow } = await deps.store.load(ref.flowId, []);
      return flow?.credit?.settledOnce === ref.no;
    }),
  );
  return some.filter((_, i) => isFinished[i]);
}

/**
 * Entries above which a process removes its own at once, so that the counter stays small. Lower numbers cost more writes than
 * they save: each of these removals is a write of its own.
 */
const ENTRIES_KEPT = { hold: 48, settlement: 48 };

/**
 * Entries above which nothing new is held. Each kilobyte of the row costs a write unit with each change. At 400 KB the table
 * would refuse all changes, also those that end flows and remove entries.
 */
export const MAX_ENTRIES = 256;

/** Entries of presses above which no press is held. They stay until their flow is settled, so they get half of the room. */
export const MAX_PRESS_ENTRIES = 128;

/**
 * How long a process admits nothing after the table has throttled the counter. Without this pause new flows take the writes that
 * flow ends need, and the counter carries less than its limit.
 */
const THROTTLED_MS = 2_000;

/**
 * @throws MjflowError `overloaded` if the table throttles the counter, or if it has too many entries for a new flow; the sweeper removes them within 15 minutes.
 *   `too_many_presses` if too many presses are not settled yet
 */
export async function assertRoomForEntry(deps: CreditDeps, counterId: string, kind: "hold" | "press"): Promise<void> {
  const memory = knownOf(deps, counterId);
  if (kind === "hold" && deps.clock.now() - (memory.throttledAt ?? Number.NEGATIVE_INFINITY) < THROTTLED_MS) {
    deps.log.count("CreditOverloaded");
    throw new MjflowError("overloaded", {
      detail: "The app changes its credit faster than the table can store.",
      retry: { afterMs: THROTTLED_MS },
    });
  }
  const isFull = () => {
    const names = Object.keys(memory.counter?.entries ?? {});
    if (kind === "hold") return names.length >= MAX_ENTRIES;
    return names.filter((name) => parseEntryName(name)?.kind === "press").length >= MAX_PRESS_ENTRIES;
  };
  if (!isFull()) return;
  // The process may have seen the counter long ago.
  memory.counter = await deps.store.creditCounter(counterId);
  if (!isFull()) return;
  deps.log.count("CreditOverloaded");
  if (kind === "press") throw new MjflowError("too_many_presses");
  throw new MjflowError("overloaded", { detail: "Too many changes of the app's credit are not confirmed yet." });
}

/** An entry of the counter that a process has set itself. */
export interface OwnEntry {
  name: string;
  value: string;
  /** False if a copy of the request may arrive later; then only the sweeper removes the entry. */
  sentOnce: boolean;
}

/** Removes an entry that a row has confirmed: with the next change, or at once if the counter has many entries. */
export async function confirmEntry(
  deps: CreditDeps,
  counterId: string,
  { name, value, sentOnce }: OwnEntry,
  kind: keyof typeof ENTRIES_KEPT,
): Promise<void> {
  if (!sentOnce) return;
  const memory = knownOf(deps, counterId);
  const entries = Object.keys(memory.counter?.entries ?? {}).length;
  if (entries <= ENTRIES_KEPT[kind]) {
    memory.confirmed.set(name, value);
    return;
  }
  // The flow is stored, and the entry does no harm. So a failure must not become a failure of the request.
  await changeCredit(deps, counterId, removal(name, value, deps.clock.now())).catch((error: unknown) => {
    deps.log.warn("credit.entry-not-removed", { app: counterId, error: String(error) });
  });
}

// ── the row of earlier versions ────────────────────────────────────────────────────────────────────────────────────

/**
 * Freezes the row of an earlier version and creates the counter from it. A frozen row never changes, so a crash in between is
 * continued by the next caller with the same result. An app without a row gets an empty frozen one: an earlier version that
 * still runs then fails instead of counting on its own.
 */
export async function moveToCounter(deps: CreditDeps, counterId: string): Promise<void> {
  const now = deps.clock.now();
  const { appId, no } = parseCounterId(counterId);
  const row = await frozenRow(deps, appId, now);
  // An app with several counters has no row of an earlier version to continue. Its further counters start empty.
  if (no > 0)
    return deps.store.createCreditCounter({ ...counterOfRow(newCreditRow(appId, now), now), appId: counterId });
  const counter = counterOfRow(row, now);
  const hasEntries = Object.keys(counter.entries).length > 0;
  await deps.store.createCreditCounter({ ...counter, ...(hasEntries && { dueAt: firstDueAt(now) }) });
  deps.log.info("credit.moved", { app: appId, running: counter.running });
}

async function frozenRow(deps: CreditDeps, appId: string, now: number): Promise<CreditRow> {
  const updated = await updateWithRetry<CreditRow, CreditRow>({
    read: async () => (await deps.store.creditRow(appId)) ?? newCreditRow(appId, now),
    to: (row) => (row.frozen ? undefined : { ...row, frozen: true }),
    save: (row) => deps.store.saveCreditRow(row),
    detail: "Other requests changed the app's credit at the same time.",
  });
  return updated.row ?? updated.read!;
}

/** Returns the credit of a flow. The hold of an older flow is in the frozen row of its app. */
export async function flowCreditOf(deps: CreditDeps, { id, appId, hasCreditHold, credit }: Flow): Promise<FlowCredit> {
  if (credit || !hasCreditHold) return credit ?? NO_FLOW_CREDIT;
  return flowCreditOfRow(await frozenRow(deps, appId, deps.clock.now()), id) ?? NO_FLOW_CREDIT;
}

/** @throws MjflowError `overloaded` if the process was stopped for so long that its hold may have been given back */
export function assertTimely({ clock }: Pick<CreditDeps, "clock">, at: number): void {
  if (clock.now() - at <= RIGHT_MS) return;
  throw new MjflowError("overloaded", { detail: "The request took too long after its credit was reserved." });
}

// ── days ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const DAY_MS = 24 * 3_600_000;

/** Moves days before yesterday into rows of their own, so that the counter keeps its size. At most once a day and app. */
async function moveOldDays(deps: CreditDeps, { appId, days }: CreditCounter): Promise<void> {
  const yesterday = dateOf(deps.clock.now() - DAY_MS);
  for (const [date, day] of Object.entries(days)) {
    if (date < yesterday) await moveDay(deps, appId, date, day);
  }
}

/** A day that another usage of the same date was stored for stays in the counter. */
async function moveDay(deps: CreditDeps, appId: string, date: string, day: Day): Promise<void> {
  if (!(await deps.store.saveCreditDay(appId, date, day))) return;
  const is = { day: date, equals: day };
  const at = deps.clock.now();
  await deps.store.changeCredit(appId, { removeDay: date, when: [is], repetition: { once: is }, at });
}
