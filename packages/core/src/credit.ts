/**
 * The credit of an app: what it may spend, how many flows it may run and how fast it may start them. One row of fixed size per
 * app, the counter, has the sums. A change is one conditional addition without a read, so flows of one app never wait for
 * each other (docs/decisions/0026). Amounts are whole micro-USD, by our estimate (price.ts).
 *
 *   E1  held = used + added - settled, and everything ever reserved = settled + refunded + held, exact to the micro-USD.
 *   E2  The credit for the whole plan is reserved before a flow's first write, so that nothing starts without credit.
 *   E3  A hold is settled once, when its whole flow has ended: accepted submissions are spent, the rest is refunded.
 *   E4  Nothing is spent twice: what was settled before a flow was reopened is not settled again.
 *   E5  A hold whose flow was never written is refunded after `ORPHANED_HOLD_AFTER_MS`.
 *   E6  A change whose response was lost is recognized by its entry (credit-entry.ts) and is not made again.
 *
 * This file is pure. `applyCreditChange` says what a change does; the store makes the same change in the table.
 */
import type { Limits } from "./app.ts";
import {
  entryValue,
  grantEntryName,
  holdEntryName,
  parseEntryValue,
  pressEntryName,
  settlementEntryName,
} from "./credit-entry.ts";
import { MjflowError } from "./error.ts";
import { ORPHANED_HOLD_AFTER_MS, type Settling } from "./flow-credit.ts";
import { hashOf } from "./hash.ts";

export interface Day {
  /** Number of flows whose first end was settled on this day. */
  flows: number;
  /** Amount settled on this day, micro-USD. */
  settled: number;
}

export interface CreditCounter {
  /** Id of the counter (`counterIdOf`); that of the first counter is the id of the app. */
  appId: string;
  rev: number;
  /** Granted credit in addition to `limits.creditsUsd`, micro-USD in total. */
  added: number;
  /** Amount spent in total, micro-USD; never decreases. */
  settled: number;
  /** Amount refunded in total, micro-USD; never decreases. */
  refunded: number;
  /** Credit in use, micro-USD: settled + held - added. The limit minus this number is the balance. */
  used: number;
  /** Number of flows that something is held for. */
  running: number;
  /**
   * Time at which the full rate quota is available again, epoch microseconds (the "theoretical arrival time" of GCRA).
   * Unset: no flow has been counted yet.
   */
  fullAtUs?: number;
  /** Changes that no other row confirms yet, by name (credit-entry.ts). */
  entries: Readonly<Record<string, string>>;
  /** Usage by day such as `2026-11-21`: days that are not yet stored in rows of their own. */
  days: Readonly<Record<string, Day>>;
  /** When the sweeper must look at the entries, epoch ms. Unset: there is nothing to look at. */
  dueAt?: number;
}

/** Credit that the operator adds, once per `reference`. */
export interface Grant {
  appId: string;
  reference: string;
  rev: number;
  /** Amount, micro-USD. */
  micro: number;
  state: "pending" | "done";
  /** Number of counters that the amount is divided over. Unset: 1. */
  counters?: number;
  createdAt: number;
}

const MINUTE_US = 60_000_000;

/** Returns true if the app has a credit limit or a limit of running flows; only these need holds. */
export function usesHolds(limits: Limits | undefined): boolean {
  return limits?.creditsUsd !== undefined || limits?.runningFlows !== undefined;
}

/** Returns true if the app has any limit, so that it needs a counter. */
export function isLimited(limits: Limits | undefined): boolean {
  return usesHolds(limits) || limits?.flowsPerMinute !== undefined;
}

export function microUsd(usd: number): number {
  return Math.round(usd * 1e6);
}

export function heldMicro({ used, added, settled }: Pick<CreditCounter, "used" | "added" | "settled">): number {
  return used + added - settled;
}

/** Returns the credit that is left to reserve, micro-USD; undefined if the app has no credit limit. */
export function balanceMicro({ used }: Pick<CreditCounter, "used">, limits: Limits | undefined): number | undefined {
  return limits?.creditsUsd === undefined ? undefined : microUsd(limits.creditsUsd) - used;
}

// ── several counters ───────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Returns the id of one of an app's counters. A very busy app has several, each in a partition of its own. Their number is
 * chosen with the app and never changes, so that the parts of the limits always add up to the limits.
 *
 * @param no number of the counter, from 0; unset: 0
 */
export function counterIdOf(appId: string, no = 0): string {
  return no === 0 ? appId : `${appId}#${no}`;
}

export function counterIdsOf(appId: string, { counters = 1 }: Pick<Limits, "counters"> = {}): string[] {
  return Array.from({ length: counters }, (_, no) => counterIdOf(appId, no));
}

/** Returns the app of a counter, and its number. An app id contains no "#". */
export function parseCounterId(counterId: string): { appId: string; no: number } {
  const [appId = "", no = "0"] = counterId.split("#");
  return { appId, no: Number(no) };
}

/** Returns the counter of a flow whose first hold is made by a press. All processes must choose the same one. */
export function counterOfFlow(flowId: string, { counters = 1 }: Pick<Limits, "counters"> = {}): number {
  return hashOf(flowId) % counters;
}

/** Returns the part of an amount, or of a limit, that one counter has. The parts add up to the whole. */
export function partOf(whole: number, no: number, counters: number): number {
  return Math.floor(whole / counters) + (no < whole % counters ? 1 : 0);
}

/** Returns the limits of one counter. */
export function limitsOfCounter(limits: Limits, no: number): Limits {
  const { counters = 1, creditsUsd, runningFlows, flowsPerMinute } = limits;
  if (counters === 1) return limits;
  return {
    ...(creditsUsd !== undefined && { creditsUsd: partOf(microUsd(creditsUsd), no, counters) / 1e6 }),
    ...(runningFlows !== undefined && { runningFlows: partOf(runningFlows, no, counters) }),
    ...(flowsPerMinute !== undefined && { flowsPerMinute: partOf(flowsPerMinute, no, counters) }),
  };
}

// ── changes ────────────────────────────────────────────────────────────────────────────────────────────────────────

type Sum = "added" | "settled" | "refunded" | "used" | "running";

/** One conditional change of a counter. All parts are applied together or not at all. */
export interface CreditChange {
  add?: Partial<Record<Sum, number>>;
  /** The rate limit: a new value, or an addition to the stored one. */
  fullAtUs?: { set: number } | { add: number };
  /** Entries to set. The counter gets a due time if it has none, so that each entry is looked at. */
  enter?: Readonly<Record<string, string>>;
  /** Entries to remove. */
  leave?: readonly string[];
  /** Usage to add to a day. */
  day?: { date: string } & Day;
  /** A day to remove, because it has a row of its own. */
  removeDay?: string;
  /** A new due time, epoch ms; null removes it. Unset: see `enter`. */
  dueAt?: number | null;
  when: readonly CreditCondition[];
  /** What a repetition of the change does: this condition refuses it, or a text says why it does no harm. */
  repetition: { once: CreditCondition } | { harmless: string };
  /** Time of the change, epoch ms. */
  at: number;
}

/** A comparison with an absent number is false. */
export type CreditCondition =
  | { entry: string; is: "absent" | "present" }
  | { entry: string; equals: string }
  | { at: "used"; atMost: number }
  | { at: "running"; below: number }
  | { at: "fullAtUs"; above: number }
  | { at: "fullAtUs"; atMost: number }
  | { at: "fullAtUs"; equals: number }
  | { at: "fullAtUs"; absentOrAtMost: number }
  | { at: "dueAt"; equals: number }
  | { at: "rev"; equals: number }
  | { day: string; equals: Day };

/** Returns the counter after a change; undefined if a condition is false. */
export function applyCreditChange(counter: CreditCounter, change: CreditChange): CreditCounter | undefined {
  const { add = {}, fullAtUs, enter = {}, leave = [], day, removeDay, dueAt, when, repetition, at } = change;
  const conditions = "once" in repetition ? [repetition.once, ...when] : when;
  if (!conditions.every((condition) => meets(counter, condition))) return undefined;
  const next = {
    ...counter,
    rev: counter.rev + 1,
    entries: { ...counter.entries, ...enter },
    days: { ...counter.days },
  };
  for (const [sum, by] of Object.entries(add)) next[sum as Sum] += by;
  if (fullAtUs) next.fullAtUs = "set" in fullAtUs ? fullAtUs.set : (counter.fullAtUs ?? 0) + fullAtUs.add;
  for (const name of leave) delete next.entries[name];
  if (day) {
    const { flows = 0, settled = 0 } = counter.days[day.date] ?? {};
    next.days[day.date] = { flows: flows + day.flows, settled: settled + day.settled };
  }
  if (removeDay !== undefined) delete next.days[removeDay];
  if (dueAt === null) delete next.dueAt;
  else if (dueAt !== undefined) next.dueAt = dueAt;
  else if (Object.keys(enter).length > 0) next.dueAt ??= firstDueAt(at);
  return next;
}

/** Returns when the sweeper must look at a counter that gets its first entry. */
export function firstDueAt(now: number): number {
  return Math.floor(now) + ORPHANED_HOLD_AFTER_MS;
}

function meets(counter: CreditCounter, condition: CreditCondition): boolean {
  if ("entry" in condition) {
    const value = counter.entries[condition.entry];
    return "is" in condition ? (value === undefined) === (condition.is === "absent") : value === condition.equals;
  }
  if ("day" in condition) {
    const day = counter.days[condition.day];
    return day?.flows === condition.equals.flows && day.settled === condition.equals.settled;
  }
  const value = counter[condition.at];
  if ("absentOrAtMost" in condition) return value === undefined || value <= condition.absentOrAtMost;
  if (value === undefined) return false;
  if ("equals" in condition) return value === condition.equals;
  if ("atMost" in condition) return value <= condition.atMost;
  return "below" in condition ? value < condition.below : value > condition.above;
}

// ── admission ──────────────────────────────────────────────────────────────────────────────────────────────────────

export interface RateState {
  /** New flows per minute. */
  quota: number;
  /** Flows that may start now. */
  remaining: number;
  /** Seconds until the whole quota is available again. */
  resetS: number;
}

export interface AdmissionRequest {
  flowId: string;
  /** Estimated cost of the whole plan, micro-USD. */
  micro: number;
  /** Short random text, stored in the entry and in the flow's row. */
  mark: string;
  /** True if an earlier try of the same request was already counted against the rate limit. */
  resumed: boolean;
}

/**
 * Returns the change that admits a new flow: it reserves the cost of the plan, counts the flow as running and applies the
 * rate limit. Undefined if there is nothing to change.
 *
 * @param seen the counter as last seen; only the form of the rate limit depends on it, never the decision
 */
export function admission(
  seen: Pick<CreditCounter, "fullAtUs"> | undefined,
  limits: Limits,
  { flowId, micro, mark, resumed }: AdmissionRequest,
  now: number,
): CreditChange | undefined {
  const rate = resumed ? undefined : rateChange(seen?.fullAtUs, limits, now);
  if (!usesHolds(limits)) {
    const harmless = "the rate limit would count one flow twice, never not at all";
    return rate && { ...rate, repetition: { harmless }, at: now };
  }
  const { creditsUsd, runningFlows } = limits;
  const name = holdEntryName(flowId);
  return {
    add: { used: micro, running: 1 },
    enter: { [name]: entryValue({ micro, at: now, mark }) },
    ...rate,
    when: [
      ...(rate?.when ?? []),
      ...(creditsUsd === undefined ? [] : [{ at: "used" as const, atMost: microUsd(creditsUsd) - micro }]),
      ...(runningFlows === undefined ? [] : [{ at: "running" as const, below: runningFlows }]),
    ],
    repetition: { once: { entry: name, is: "absent" } },
    at: now,
  };
}

/**
 * Checks the limits on the counter that refused an admission.
 *
 * @throws MjflowError `rate_limited`, `too_many_flows` or `out_of_credit` if a limit is reached. If none is, the counter has
 *   changed meanwhile, and the caller tries again
 */
export function assertAdmissible(
  counter: CreditCounter,
  limits: Limits,
  { micro, resumed }: Pick<AdmissionRequest, "micro" | "resumed">,
  now: number,
): void {
  if (!resumed) assertWithinRate(counter, limits, now);
  if (limits.runningFlows !== undefined && counter.running >= limits.runningFlows) {
    throw new MjflowError("too_many_flows", {
      detail: `Running flows: ${counter.running}; limit: ${limits.runningFlows}.`,
    });
  }
  assertAffordable(counter, limits, micro);
}

/** @throws MjflowError `out_of_credit` if the credit does not cover the amount */
export function assertAffordable(counter: Pick<CreditCounter, "used">, limits: Limits, micro: number): void {
  const balance = balanceMicro(counter, limits);
  if (balance === undefined || micro <= balance) return;
  const usd = (amount: number) => String(Number((amount / 1e6).toFixed(6)));
  throw new MjflowError("out_of_credit", {
    detail: `The plan may cost ${usd(micro)} USD, but only ${usd(Math.max(0, balance))} USD of credit are left.`,
    extra: { estimatedUsd: micro / 1e6, balanceUsd: balance / 1e6 },
  });
}

// ── rate limit (GCRA) ──────────────────────────────────────────────────────────────────────────────────────────────

/** The flows of one minute may start in one burst, later ones as the quota refills evenly. Rounded down: a burst is exact. */
function costUs(quota: number): number {
  return Math.floor(MINUTE_US / quota);
}

/**
 * A table cannot store the greater of two values, so the change has two forms. While the quota refills, the cost is added to
 * the stored time. When it is full, the time is set. The wrong form is refused and costs one write.
 */
function rateChange(
  fullAtUs: number | undefined,
  { flowsPerMinute: quota }: Limits,
  now: number,
): Pick<CreditChange, "fullAtUs" | "when"> | undefined {
  if (quota === undefined) return undefined;
  const [nowUs, cost] = [Math.floor(now * 1_000), costUs(quota)];
  // The counter has no part of a quota that is smaller than the number of counters.
  if (quota === 0) return { fullAtUs: { add: 0 }, when: [{ at: "fullAtUs", above: Number.MAX_SAFE_INTEGER }] };
  if (isTooFarAhead(fullAtUs, quota, nowUs))
    return { fullAtUs: { set: nowUs + cost }, when: [{ at: "fullAtUs", equals: fullAtUs! }] };
  if (fullAtUs !== undefined && fullAtUs > nowUs) {
    const when: CreditCondition[] = [
      { at: "fullAtUs", above: nowUs },
      { at: "fullAtUs", atMost: nowUs + MINUTE_US - cost },
    ];
    return { fullAtUs: { add: cost }, when };
  }
  return { fullAtUs: { set: nowUs + cost }, when: [{ at: "fullAtUs", absentOrAtMost: nowUs }] };
}

/** A quota was raised, or a clock went back. Without a reset the app would be locked out. */
function isTooFarAhead(fullAtUs: number | undefined, quota: number, nowUs: number): boolean {
  return fullAtUs !== undefined && fullAtUs > nowUs + MINUTE_US + costUs(quota);
}

function assertWithinRate({ fullAtUs = 0 }: CreditCounter, { flowsPerMinute: quota }: Limits, now: number): void {
  if (quota === undefined) return;
  if (quota === 0) throw new MjflowError("rate_limited", { detail: "At most 0 new flows per minute." });
  const [nowUs, cost] = [Math.floor(now * 1_000), costUs(quota)];
  const lateUs = fullAtUs + cost - nowUs - MINUTE_US;
  if (lateUs <= 0 || isTooFarAhead(fullAtUs, quota, nowUs)) return;
  throw new MjflowError("rate_limited", {
    detail: `At most ${quota} new flows per minute.`,
    retry: { afterMs: Math.ceil(lateUs / 1_000) },
    extra: { rateLimit: { quota, remaining: 0, resetS: secondsOf(fullAtUs - nowUs) } },
  });
}

/** Returns the state of the rate limit after an admission; undefined if new flows are not limited. */
export function rateStateOf({ fullAtUs }: CreditCounter, limits: Limits, now: number): RateState | undefined {
  const { flowsPerMinute: quota } = limits;
  if (!quota || fullAtUs === undefined) return undefined;
  const usedUs = Math.max(0, fullAtUs - now * 1_000);
  const remaining = Math.max(0, Math.floor((MINUTE_US - usedUs) / costUs(quota)));
  return { quota, remaining: Math.min(remaining, quota), resetS: secondsOf(usedUs) };
}

/** Half a millisecond of tolerance for the rounded costs of many flows. */
function secondsOf(us: number): number {
  return Math.ceil((us - 500) / 1_000_000);
}

// ── presses, settlements, refunds, grants ──────────────────────────────────────────────────────────────────────────

/** @param press.runs whether the flow is counted as running, because nothing was held for it */
export function pressHold(
  limits: Limits,
  press: { flowId: string; path: string; micro: number; mark: string; runs: boolean },
  now: number,
): CreditChange {
  const { flowId, path, micro, mark, runs } = press;
  const name = pressEntryName(flowId, path);
  const { creditsUsd } = limits;
  return {
    add: { used: micro, running: runs ? 1 : 0 },
    enter: { [name]: entryValue({ micro, at: now, mark, runs }) },
    when: creditsUsd === undefined ? [] : [{ at: "used", atMost: microUsd(creditsUsd) - micro }],
    repetition: { once: { entry: name, is: "absent" } },
    at: now,
  };
}

/** @param isFirst true if the flow was admitted with a hold and has not been settled before */
export function settlementChange(
  { flowId, no, settling, isFirst }: { flowId: string; no: number; settling: Settling; isFirst: boolean },
  date: string,
  now: number,
): CreditChange {
  const { micro, held, runs, paths } = settling;
  const name = settlementEntryName(flowId, no);
  return {
    add: { settled: micro, used: micro - held, refunded: Math.max(0, held - micro), running: -runs },
    enter: { [name]: entryValue({ micro, at: now }) },
    leave: paths.map((path) => pressEntryName(flowId, path)),
    day: { date, flows: isFirst ? 1 : 0, settled: micro },
    when: [],
    repetition: { once: { entry: name, is: "absent" } },
    at: now,
  };
}

/** Gives back a hold that no flow has. Once: the entry is removed in the same write. */
export function refund(name: string, value: string, now: number): CreditChange {
  const { micro, runs } = parseEntryValue(value);
  const running = name.startsWith("h") || runs ? -1 : 0;
  return {
    add: { used: -micro, refunded: micro, running },
    leave: [name],
    when: [],
    repetition: { once: { entry: name, equals: value } },
    at: now,
  };
}

/** Sets the time of an entry again, because another process continues with it. */
export function renewal(name: string, value: string, now: number): CreditChange {
  const renewed = entryValue({ ...parseEntryValue(value), at: now });
  return {
    enter: { [name]: renewed },
    when: [],
    repetition: { once: { entry: name, equals: value } },
    at: now,
  };
}

/** Removes an entry that its row has confirmed. */
export function removal(name: string, value: string, now: number): CreditChange {
  return { leave: [name], when: [], repetition: { once: { entry: name, equals: value } }, at: now };
}

export function grantChange({ reference, micro }: Pick<Grant, "reference" | "micro">, now: number): CreditChange {
  const name = grantEntryName(reference);
  return {
    add: { added: micro, used: -micro },
    enter: { [name]: entryValue({ micro, at: now, reference }) },
    when: [],
    repetition: { once: { entry: name, is: "absent" } },
    at: now,
  };
}

/** Returns the entries that are old enough to be decided without their process, and when the next one will be. */
export function oldEntries(
  { entries }: Pick<CreditCounter, "entries">,
  now: number,
): { old: [name: string, value: string][]; nextAt: number | undefined } {
  const aged = Object.entries(entries).map(([name, value]) => {
    return { name, value, oldAt: parseEntryValue(value).at + ORPHANED_HOLD_AFTER_MS };
  });
  const young = aged.filter(({ oldAt }) => oldAt > now).map(({ oldAt }) => oldAt);
  return {
    old: aged.filter(({ oldAt }) => oldAt <= now).map(({ name, value }) => [name, value]),
    nextAt: young.length > 0 ? Math.min(...young) : undefined,
  };
}
