/**
 * The credit of an app: what it may spend, how many flows it may run and how fast it may start them. All of it is one row,
 * so that each reservation and each settlement is one conditional write. Amounts are whole micro-USD, by our estimate
 * (price.ts).
 *
 *   E1  reserved = settled + refunded + the sum of all holds, after every write, exact to the micro-USD.
 *   E2  The credit for the whole plan is reserved before a flow's first write, so that nothing starts without credit.
 *   E3  A hold is settled once, when its whole flow has ended: accepted submissions are spent, the rest is refunded.
 *   E4  Nothing is spent twice: what was settled before a flow was reopened is not settled again.
 *   E5  A hold whose flow was never written is refunded after `ORPHANED_HOLD_AFTER_MS`, by the app's next request for credit.
 */
import type { Limits } from "./app.ts";
import { MjflowError } from "./error.ts";
import { costMicroUsd } from "./price.ts";
import type { Task } from "./task.ts";

/** The credit hold of one flow. */
export interface Hold {
  /** Reserved amount, micro-USD. */
  micro: number;
  /** Time of the last reservation, epoch ms. */
  at: number;
  /** Cost of the flow that was settled before this hold, micro-USD. */
  before: number;
  /** Paths of presses that are paid for and may not be written yet. */
  awaits: string[];
  /** Set if the hold was opened again after an end of the flow was settled. */
  again?: true;
  /** Time at which the flow must be checked, epoch ms: whether it exists and is still running. */
  lookAt: number;
}

export interface Day {
  /** Number of flows whose first end was settled on this day. */
  flows: number;
  /** Amount settled on this day, micro-USD. */
  settled: number;
}

export interface Credit {
  appId: string;
  rev: number;
  /** Granted credit in addition to `limits.creditsUsd`, micro-USD in total. */
  added: number;
  /** Amount reserved in total, micro-USD; never decreases. */
  reserved: number;
  /** Amount spent in total, micro-USD; never decreases. */
  settled: number;
  /** Amount refunded in total, micro-USD; never decreases. */
  refunded: number;
  /** Open holds by flow id. */
  holds: Record<string, Hold>;
  /**
   * Time at which the full rate quota is available again, epoch ms (the "theoretical arrival time" of GCRA). Unset: no
   * flow has been counted yet.
   */
  fullAt?: number;
  /** References of grants that are included in `added`, but whose own rows may still be `pending`. */
  applying: string[];
  /** Usage by day such as `2026-11-21`: the newest `USAGE_DAYS_KEPT` days with any usage. */
  days: Record<string, Day>;
  createdAt: number;
}

/** Credit that the operator adds, once per `reference`. */
export interface Grant {
  appId: string;
  reference: string;
  rev: number;
  /** Amount, micro-USD. */
  micro: number;
  state: "pending" | "done";
  createdAt: number;
}

/** Much longer than any function runs: after this time the process that made the hold is no longer running. */
export const ORPHANED_HOLD_AFTER_MS = 15 * 60_000;
/** Time until a running flow is checked again, because older code may record its end without settling the hold. */
const RECHECK_AFTER_MS = 3_600_000;
const USAGE_DAYS_KEPT = 31;
const MINUTE_MS = 60_000;

export function newCredit(appId: string, now: number): Credit {
  const nothing = { added: 0, reserved: 0, settled: 0, refunded: 0 };
  return { appId, rev: 0, ...nothing, holds: {}, applying: [], days: {}, createdAt: now };
}

/** Returns true if the app has a credit limit or a limit of running flows; only these need holds. */
export function usesHolds(limits: Limits | undefined): boolean {
  return limits?.creditsUsd !== undefined || limits?.runningFlows !== undefined;
}

/** Returns true if the app has any limit, so that it needs a credit row. */
export function isLimited(limits: Limits | undefined): boolean {
  return usesHolds(limits) || limits?.flowsPerMinute !== undefined;
}

export function microUsd(usd: number): number {
  return Math.round(usd * 1e6);
}

export function heldMicro({ holds }: Pick<Credit, "holds">): number {
  return Object.values(holds).reduce((sum, { micro }) => sum + micro, 0);
}

/** Returns the credit that is left to reserve, micro-USD; undefined if the app has no credit limit. */
export function balanceMicro(credit: Credit, limits: Limits | undefined): number | undefined {
  if (limits?.creditsUsd === undefined) return undefined;
  return microUsd(limits.creditsUsd) + credit.added - credit.settled - heldMicro(credit);
}

/** Returns the imbalance of E1, micro-USD; always 0. */
export function ledgerImbalanceMicro(credit: Credit): number {
  return credit.reserved - credit.settled - credit.refunded - heldMicro(credit);
}

// ── reserving ──────────────────────────────────────────────────────────────────────────────────────────────────────

export interface RateState {
  /** New flows per minute. */
  quota: number;
  /** Flows that may start now. */
  remaining: number;
  /** Seconds until the whole quota is available again. */
  resetS: number;
}

/**
 * Reserves the credit of a new flow and counts it against the rate limit. A repeated call for the same flow changes only
 * the times of the existing hold and reserves nothing more.
 *
 * @param flow.resumed true if an earlier try of the same request was already counted against the rate limit
 * @throws MjflowError `rate_limited`, `too_many_flows` or `out_of_credit` if a limit is reached
 */
export function reserveForFlow(
  credit: Credit,
  limits: Limits,
  { flowId, micro, resumed }: { flowId: string; micro: number; resumed: boolean },
  now: number,
): { next: Credit; rate?: RateState } {
  const held = credit.holds[flowId];
  if (held) return { next: withHold(credit, flowId, { ...held, at: now, lookAt: now + ORPHANED_HOLD_AFTER_MS }) };
  const { next, rate } = resumed ? { next: credit, rate: undefined } : applyRateLimit(credit, limits, now);
  if (!usesHolds(limits)) return { next, rate };
  const running = Object.keys(credit.holds).length;
  if (limits.runningFlows !== undefined && running >= limits.runningFlows) {
    throw new MjflowError("too_many_flows", { detail: `Running flows: ${running}; limit: ${limits.runningFlows}.` });
  }
  assertAffordable(next, limits, micro);
  const hold = { micro, at: now, before: 0, awaits: [], lookAt: now + ORPHANED_HOLD_AFTER_MS };
  return { next: { ...withHold(next, flowId, hold), reserved: next.reserved + micro }, rate };
}

/**
 * Reserves the credit of a press on an existing flow: the flow's hold grows, or a new hold is opened.
 *
 * @param press.spent what the flow has cost so far, micro-USD; used only if the flow has no hold
 * @throws MjflowError `out_of_credit` if the credit does not cover the press
 */
export function reserveForPress(
  credit: Credit,
  limits: Limits,
  { flowId, path, micro, spent }: { flowId: string; path: string; micro: number; spent: number },
  now: number,
): Credit {
  const held = credit.holds[flowId];
  const looked = { at: now, lookAt: now + ORPHANED_HOLD_AFTER_MS };
  // A repeated request: its first try has already reserved the amount.
  if (held?.awaits.includes(path)) return withHold(credit, flowId, { ...held, ...looked });
  assertAffordable(credit, limits, micro);
  const hold = held ?? { micro: 0, before: spent, awaits: [], again: true as const };
  const grown = { ...hold, ...looked, micro: hold.micro + micro, awaits: [...hold.awaits, path] };
  return { ...withHold(credit, flowId, grown), reserved: credit.reserved + micro };
}

function assertAffordable(credit: Credit, limits: Limits, micro: number): void {
  const balance = balanceMicro(credit, limits);
  if (balance === undefined || micro <= balance) return;
  const usd = (amount: number) => (amount / 1e6).toFixed(6).replace(/\.?0+$/, "");
  throw new MjflowError("out_of_credit", {
    detail: `The plan may cost ${usd(micro)} USD, but only ${usd(Math.max(0, balance))} USD of credit are left.`,
    extra: { estimatedUsd: micro / 1e6, balanceUsd: balance / 1e6 },
  });
}

/** Applies the rate limit (GCRA): the flows of one minute may start in one burst, later ones as the quota refills evenly. */
function applyRateLimit(
  credit: Credit,
  { flowsPerMinute: quota }: Limits,
  now: number,
): { next: Credit; rate?: RateState } {
  if (quota === undefined) return { next: credit };
  const costMs = MINUTE_MS / quota;
  const fullAt = Math.max(now, credit.fullAt ?? 0) + costMs;
  // The limit to one minute protects an app from being locked out after a clock went back or a quota was raised.
  const lateMs = Math.min(fullAt - now, MINUTE_MS + costMs) - MINUTE_MS;
  // Half a millisecond of tolerance for the rounding errors of many additions.
  if (lateMs > 0.5) {
    const resetS = Math.ceil((fullAt - costMs - now) / 1_000);
    throw new MjflowError("rate_limited", {
      detail: `At most ${quota} new flows per minute.`,
      retry: { afterMs: Math.ceil(lateMs) },
      extra: { rateLimit: { quota, remaining: 0, resetS } },
    });
  }
  const remaining = Math.max(0, Math.floor((MINUTE_MS - (fullAt - now) + 0.5) / costMs));
  return { next: { ...credit, fullAt }, rate: { quota, remaining, resetS: Math.ceil((fullAt - now) / 1_000) } };
}

// ── settling ───────────────────────────────────────────────────────────────────────────────────────────────────────

export type Settlement =
  | { kind: "settled"; next: Credit; micro: number }
  /** The flow has no hold, or it is settled already. */
  | { kind: "none" }
  /** A press is paid for and not written yet. A later flow end, or the end of `ORPHANED_HOLD_AFTER_MS`, settles the hold. */
  | { kind: "awaits" };

/**
 * Settles the hold of a flow whose tasks have all ended. If the cost exceeds the hold, for example because of an orphan,
 * the excess is spent too, because the vendor charges for it. Submissions that are found later are not charged to the app.
 *
 * @param day the current day such as `2026-11-21`
 */
export function settleHold(
  credit: Credit,
  flowId: string,
  tasks: readonly Task[],
  now: number,
  day: string,
): Settlement {
  const held = credit.holds[flowId];
  if (!held) return { kind: "none" };
  const there = new Set(tasks.map((task) => task.path));
  if (now < held.at + ORPHANED_HOLD_AFTER_MS && held.awaits.some((path) => !there.has(path))) return { kind: "awaits" };
  const micro = Math.max(0, costMicroUsd(tasks) - held.before);
  const next = releaseHold(credit, flowId, micro);
  const { flows = 0, settled = 0 } = credit.days[day] ?? {};
  const days = keepRecentDays({
    ...credit.days,
    [day]: { flows: flows + (held.again ? 0 : 1), settled: settled + micro },
  });
  return { kind: "settled", next: { ...next, days }, micro };
}

/** Releases the hold of a flow that was never written; the whole amount is refunded. */
export function releaseOrphanedHold(credit: Credit, flowId: string): Credit {
  return credit.holds[flowId] ? releaseHold(credit, flowId, 0) : credit;
}

/** Records that the flow of a hold exists and is running, so that it is checked again only after an hour. */
export function markHoldChecked(credit: Credit, flowId: string, now: number): Credit {
  const held = credit.holds[flowId];
  return held ? withHold(credit, flowId, { ...held, lookAt: now + RECHECK_AFTER_MS }) : credit;
}

/** Returns the ids of flows that have to be checked, the longest waiting first. */
export function holdsDueForCheck({ holds }: Credit, now: number, limit: number): string[] {
  return Object.entries(holds)
    .filter(([, { lookAt }]) => lookAt <= now)
    .sort(([, a], [, b]) => a.lookAt - b.lookAt)
    .slice(0, limit)
    .map(([flowId]) => flowId);
}

function releaseHold(credit: Credit, flowId: string, spent: number): Credit {
  const { [flowId]: held, ...holds } = credit.holds;
  const micro = held?.micro ?? 0;
  return {
    ...credit,
    holds,
    // An excess over the hold is added to `reserved` too, so that E1 stays true.
    reserved: credit.reserved + Math.max(0, spent - micro),
    settled: credit.settled + spent,
    refunded: credit.refunded + Math.max(0, micro - spent),
  };
}

function withHold(credit: Credit, flowId: string, hold: Hold): Credit {
  return { ...credit, holds: { ...credit.holds, [flowId]: hold } };
}

function keepRecentDays(days: Record<string, Day>): Record<string, Day> {
  const newest = Object.entries(days).sort(([a], [b]) => (a < b ? 1 : -1));
  return Object.fromEntries(newest.slice(0, USAGE_DAYS_KEPT));
}
