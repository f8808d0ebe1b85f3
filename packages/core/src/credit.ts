/**
 * What an app may spend, run and start, as one row: so that each admission and each settlement is one conditional write.
 * Amounts are whole micro-USD, by our estimate (price.ts); the row only ever grows by what it lets go of.
 *
 *   E1  reserved = settled + refunded + what is held, at every write, to the micro-dollar.
 *   E2  The whole plan is held before a flow's first write, so that nothing is started that could not be paid.
 *   E3  A hold is settled once, when all of its flow has ended: what vendors took is spent, the rest is given back.
 *   E4  Nothing is spent twice: what was settled before a flow went on by hand is not settled again.
 *   E5  A hold whose flow was never written is given back, after `DANGLING_MS`, by the next that asks for one.
 */
import type { Limits } from "./app.ts";
import { MjflowError } from "./error.ts";
import { costMicroUsd } from "./price.ts";
import type { Task } from "./task.ts";

export interface Hold {
  micro: number;
  /** When it was last added to. */
  at: number;
  /** What its flow had cost, and was settled, before this hold. */
  before: number;
  /** Places in the lineage that were paid for by hand and may not be written yet. */
  awaits: string[];
  /** Opened anew, after an end of its flow was settled. */
  again?: true;
  /** When somebody should see whether its flow is there, and still running. */
  lookAt: number;
}

export interface Day {
  /** Flows whose first end was settled. */
  flows: number;
  settled: number;
}

export interface Credit {
  appId: string;
  rev: number;
  /** Granted besides `limits.creditsUsd`; then totals of all time. */
  added: number;
  reserved: number;
  settled: number;
  refunded: number;
  /** By flow. */
  holds: Record<string, Hold>;
  /** When the bucket of new flows is full again, epoch ms (GCRA's "theoretical arrival time"). */
  fullAt?: number;
  /** Grants that are in `added` and not yet known to say so themselves. */
  applying: string[];
  /** By `2026-11-21`, the last `DAYS_KEPT` with anything in them. */
  days: Record<string, Day>;
  createdAt: number;
}

/** Money put in by the operator, once for each reference. */
export interface Grant {
  appId: string;
  reference: string;
  rev: number;
  micro: number;
  state: "pending" | "done";
  createdAt: number;
}

/** Far longer than any function runs: who made the hold is dead. */
export const ORPHANED_HOLD_AFTER_MS = 15 * 60_000;
/** A flow that was found running is looked at again after this, should its end have been recorded by older code. */
const RECHECK_AFTER_MS = 3_600_000;
const USAGE_DAYS_KEPT = 31;
const MINUTE_MS = 60_000;

export function newCredit(appId: string, now: number): Credit {
  const nothing = { added: 0, reserved: 0, settled: 0, refunded: 0 };
  return { appId, rev: 0, ...nothing, holds: {}, applying: [], days: {}, createdAt: now };
}

/** Holds are made only for apps whose spending or running flows are limited. */
export function usesHolds(limits: Limits | undefined): boolean {
  return limits?.creditsUsd !== undefined || limits?.runningFlows !== undefined;
}

export function isLimited(limits: Limits | undefined): boolean {
  return usesHolds(limits) || limits?.flowsPerMinute !== undefined;
}

export function microUsd(usd: number): number {
  return Math.round(usd * 1e6);
}

export function heldMicro({ holds }: Pick<Credit, "holds">): number {
  return Object.values(holds).reduce((sum, { micro }) => sum + micro, 0);
}

/** What is left to hold; undefined without a limit. */
export function balanceMicro(credit: Credit, limits: Limits | undefined): number | undefined {
  if (limits?.creditsUsd === undefined) return undefined;
  return microUsd(limits.creditsUsd) + credit.added - credit.settled - heldMicro(credit);
}

/** E1: zero, always. */
export function ledgerImbalanceMicro(credit: Credit): number {
  return credit.reserved - credit.settled - credit.refunded - heldMicro(credit);
}

// ── letting in ─────────────────────────────────────────────────────────────────────────────────────────────────────

export interface RateState {
  /** Flows per minute. */
  quota: number;
  remaining: number;
  /** Until the whole quota is there again. */
  resetS: number;
}

/**
 * A new flow asks to be let in. Asked again for a flow that is held already, it is let in for nothing more.
 *
 * @throws MjflowError rate_limited, too_many_flows, out_of_credit
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
    throw new MjflowError("too_many_flows", { detail: `${running} flows are running, of ${limits.runningFlows}.` });
  }
  assertAffordable(next, limits, micro);
  const hold = { micro, at: now, before: 0, awaits: [], lookAt: now + ORPHANED_HOLD_AFTER_MS };
  return { next: { ...withHold(next, flowId, hold), reserved: next.reserved + micro }, rate };
}

/**
 * A press by hand on a flow of before: its hold grows, or is opened anew.
 *
 * @param spent what the flow has cost, should nothing be held for it
 * @throws MjflowError out_of_credit
 */
export function reserveForPress(
  credit: Credit,
  limits: Limits,
  { flowId, path, micro, spent }: { flowId: string; path: string; micro: number; spent: number },
  now: number,
): Credit {
  const held = credit.holds[flowId];
  const looked = { at: now, lookAt: now + ORPHANED_HOLD_AFTER_MS };
  // Asked again by a request that came again: what its first try paid for is there.
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
    detail: `The plan may cost ${usd(micro)} USD; ${usd(Math.max(0, balance))} are left.`,
    extra: { estimatedUsd: micro / 1e6, balanceUsd: balance / 1e6 },
  });
}

/** The generic cell rate algorithm: a minute's worth may come at once, and then as evenly as it flows back. */
function applyRateLimit(
  credit: Credit,
  { flowsPerMinute: quota }: Limits,
  now: number,
): { next: Credit; rate?: RateState } {
  if (quota === undefined) return { next: credit };
  const costMs = MINUTE_MS / quota;
  const fullAt = Math.max(now, credit.fullAt ?? 0) + costMs;
  // A clock that went back, or a quota that was raised, must not lock an app out.
  const lateMs = Math.min(fullAt - now, MINUTE_MS + costMs) - MINUTE_MS;
  // Half a millisecond for the rounding of many additions.
  if (lateMs > 0.5) {
    const resetS = Math.ceil((fullAt - costMs - now) / 1_000);
    throw new MjflowError("rate_limited", {
      detail: `At most ${quota} new flows a minute.`,
      retry: { afterMs: Math.ceil(lateMs) },
      extra: { rateLimit: { quota, remaining: 0, resetS } },
    });
  }
  const remaining = Math.max(0, Math.floor((MINUTE_MS - (fullAt - now) + 0.5) / costMs));
  return { next: { ...credit, fullAt }, rate: { quota, remaining, resetS: Math.ceil((fullAt - now) / 1_000) } };
}

// ── letting go ─────────────────────────────────────────────────────────────────────────────────────────────────────

export type Settlement =
  | { kind: "settled"; next: Credit; micro: number }
  /** Nothing is held for it, now or any more. */
  | { kind: "none" }
  /** A press by hand was paid for and is not written yet: its end, or its time, will come. */
  | { kind: "awaits" };

/**
 * All of the flow has ended. What it cost above its hold (a submission that turned up twice) is spent all the same: it
 * was paid. What turns up after this is on the house.
 *
 * @param day as `2026-11-21`
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

/** Its flow was never written: all of it is given back. */
export function releaseOrphanedHold(credit: Credit, flowId: string): Credit {
  return credit.holds[flowId] ? releaseHold(credit, flowId, 0) : credit;
}

/** Its flow is there and running. */
export function markHoldChecked(credit: Credit, flowId: string, now: number): Credit {
  const held = credit.holds[flowId];
  return held ? withHold(credit, flowId, { ...held, lookAt: now + RECHECK_AFTER_MS }) : credit;
}

/** Flows somebody should look at, those that have waited longest first. */
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
    // What was spent above the hold was, in the end, reserved too.
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
