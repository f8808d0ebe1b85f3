/**
 * The credit of one flow, stored in the flow's row. The app's counter (credit.ts) has only sums; the row of each flow says
 * which part of the sums is its own. Each step changes the counter first and the flow's row second.
 */
import { parseEntryName, parseEntryValue } from "./credit-entry.ts";
import { costMicroUsd } from "./price.ts";
import type { Task } from "./task.ts";

export interface FlowCredit {
  /** Amount that is held and not settled yet, micro-USD. */
  held: number;
  /** How often the counter counts the flow as running; 0 if nothing is held. Two presses at one time can both count it. */
  runs: number;
  /** Cost of the flow that was settled before this hold, micro-USD. */
  before: number;
  /** Number of finished settlements. */
  settlements: number;
  /** Mark of the admission (credit-entry.ts). Unset: the first hold was made by a press. */
  mark?: string;
  /** Presses that are held and whose tasks may not be written yet, by path; `at`: time of the hold, epoch ms. */
  awaits: Record<string, { mark: string; at: number }>;
  /**
   * Presses that were settled a short time ago. Two requests for one press share its hold. The slower one may come here after
   * the hold was settled, and must not record it again. Unset: none.
   */
  past?: Record<string, { mark: string; at: number }>;
  /** Number of a finished settlement of which no copy can arrive, so that any process may remove its entry. Unset: none. */
  settledOnce?: number;
  /** Number of the app's counter that holds the credit. It never changes. Unset: 0. */
  counter?: number;
  /** A settlement whose amounts are fixed. The counter may or may not have it yet. Unset: none. */
  settling?: Settling;
}

export interface Settling {
  /** Amount that is spent, micro-USD. */
  micro: number;
  /** Parts of the hold that the settlement ends. A press that comes later stays held. */
  held: number;
  runs: number;
  paths: string[];
  /** Time of the right to settle, epoch ms. */
  at: number;
  /** True if a second process took over. Then its entry stays in the counter until no copy of a request can arrive. */
  shared?: true;
}

/** Much longer than any function runs: after this time the process that made an entry is no longer running. */
export const ORPHANED_HOLD_AFTER_MS = 15 * 60_000;
/** For this time another process leaves a settlement to its owner. */
export const SETTLING_LEASE_MS = 10_000;
/**
 * After this time a process no longer continues with what it has reserved or fixed. Together with the life of a signed request,
 * 5 minutes, it is shorter than `ORPHANED_HOLD_AFTER_MS`.
 */
export const RIGHT_MS = 5 * 60_000;

export const NO_FLOW_CREDIT: FlowCredit = { held: 0, runs: 0, before: 0, settlements: 0, awaits: {} };

/** Returns true if something is held for the flow, so that its end must be settled. */
export function isHeld({ held, runs }: FlowCredit): boolean {
  return held !== 0 || runs !== 0;
}

/** Returns true if the end of the flow must be settled: something is held, or a press that costs nothing more is open. */
export function needsSettlement(credit: FlowCredit): boolean {
  return isHeld(credit) || Object.keys(credit.awaits).length > 0;
}

/** Returns true while a press is held whose task is not written; its time is not over yet (E3). */
export function awaitsPress({ awaits }: FlowCredit, tasks: readonly Task[], now: number): boolean {
  const there = new Set(tasks.map(({ path }) => path));
  return Object.entries(awaits).some(([path, { at }]) => !there.has(path) && now < at + ORPHANED_HOLD_AFTER_MS);
}

/**
 * Fixes the amount of a settlement: what vendors accepted since `before` is spent, even above the hold, because the vendor
 * charges for it.
 */
export function startSettlement(credit: FlowCredit, tasks: readonly Task[], now: number): FlowCredit {
  const { held, runs, before, awaits } = credit;
  const micro = Math.max(0, costMicroUsd(tasks) - before);
  return { ...credit, settling: { micro, held, runs, paths: Object.keys(awaits), at: now } };
}

/** Takes over a settlement whose owner is late. The amounts stay those of the first owner. */
export function takeOverSettlement(credit: FlowCredit, now: number): FlowCredit {
  return { ...credit, settling: { ...credit.settling!, at: now, shared: true } };
}

/** Records that the counter has the settlement. A hold that a press added meanwhile stays. */
export function finishSettlement(credit: FlowCredit): FlowCredit {
  const { settling, ...rest } = credit;
  if (!settling) return credit;
  const isSettled = ([path]: [string, unknown]) => settling.paths.includes(path);
  const presses = Object.entries(credit.awaits);
  const settled = presses.filter(isSettled).map(([path, { mark }]) => [path, { mark, at: settling.at }] as const);
  const recent = Object.entries(credit.past ?? {}).filter(([, { at }]) => settling.at - at < ORPHANED_HOLD_AFTER_MS);
  const past = [...recent, ...settled];
  return {
    ...rest,
    held: credit.held - settling.held,
    runs: credit.runs - settling.runs,
    before: credit.before + settling.micro,
    settlements: credit.settlements + 1,
    awaits: Object.fromEntries(presses.filter((press) => !isSettled(press))),
    past: past.length > 0 ? Object.fromEntries(past) : undefined,
  };
}

/**
 * Adds the hold of a press.
 *
 * @param tasks all tasks of the flow; needed if nothing is held. What they cost so far is not charged to the new hold (E4).
 */
export function addPress(
  credit: FlowCredit,
  press: { path: string; micro: number; mark: string; runs: boolean; at: number },
  tasks: readonly Task[],
): FlowCredit {
  const { path, micro, mark, runs, at } = press;
  return {
    ...credit,
    held: credit.held + micro,
    runs: credit.runs + (runs ? 1 : 0),
    ...(!isHeld(credit) && { before: costMicroUsd(tasks) }),
    awaits: { ...credit.awaits, [path]: { mark, at } },
  };
}

/**
 * Compares an entry of the counter with the row of its flow.
 *
 * - `confirmed`: the row contains the change, so the entry is no longer needed.
 * - `unconfirmed`: the row does not contain the change. If the entry is old, its process has crashed, or a late copy of its
 *   request was applied. A hold is then given back.
 *
 * - `undecided`: the row is settling the press. If the counter has the settlement, the entry is a late copy.
 *
 * A settlement removes the entries of the presses that it ends in the same write, because their paths leave the row.
 *
 * @param credit credit of the flow; undefined if the flow does not exist or has none
 */
export function entryState(
  name: string,
  value: string,
  credit: FlowCredit | undefined,
): "confirmed" | "unconfirmed" | "undecided" {
  const ref = parseEntryName(name);
  const { mark = "" } = parseEntryValue(value);
  if (ref?.kind === "hold") return credit?.mark === mark ? "confirmed" : "unconfirmed";
  if (ref?.kind === "press" && credit?.settling?.paths.includes(ref.path)) return "undecided";
  if (ref?.kind === "press") return credit?.awaits[ref.path]?.mark === mark ? "confirmed" : "unconfirmed";
  if (ref?.kind === "settlement") return (credit?.settlements ?? Infinity) > ref.no ? "confirmed" : "unconfirmed";
  return "unconfirmed";
}
