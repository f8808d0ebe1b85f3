/** Random changes of a credit counter, for property tests of the pure functions and of the store. */

import {
  admission,
  type CreditChange,
  type CreditCounter,
  grantChange,
  pressHold,
  refund,
  removal,
  renewal,
  settlementChange,
} from "@mjflow/core/credit";
import fc from "fast-check";

/** Few flows, so that changes of one flow meet each other. */
const FLOWS = 4;

export interface CreditStep {
  kind: "admit" | "press" | "settle" | "refund" | "remove" | "renew" | "grant" | "removeDay";
  flow: number;
  micro: number;
  /** Which entry or day the step works on. */
  pick: number;
  /** Time of the step after the beginning, ms. */
  after: number;
}

export const creditStep: fc.Arbitrary<CreditStep> = fc.record({
  kind: fc.constantFrom("admit", "admit", "press", "settle", "refund", "remove", "renew", "grant", "removeDay"),
  flow: fc.nat(FLOWS - 1),
  micro: fc.integer({ min: 0, max: 200_000 }),
  pick: fc.nat(),
  after: fc.integer({ min: 1_000, max: 90_000 }),
});

export const STEP_LIMITS = { creditsUsd: 0.5, runningFlows: 3, flowsPerMinute: 5 };

export function flowIdAt(n: number): string {
  return `flow_01K9ZC7T3R8M2V5X0Q4B6N1JH${n}`;
}

/** @returns undefined if the step has nothing to work on */
export function creditChangeOf(
  { kind, flow, micro, pick, after }: CreditStep,
  counter: CreditCounter,
  start: number,
): CreditChange | undefined {
  const [flowId, at, mark] = [flowIdAt(flow), start + after, `m${pick % 3}`];
  const entries = Object.entries(counter.entries);
  const entry = entries[pick % Math.max(1, entries.length)];
  if (kind === "admit") return admission(counter, STEP_LIMITS, { flowId, micro, mark, resumed: pick % 4 === 0 }, at);
  if (kind === "press")
    return pressHold(STEP_LIMITS, { flowId, path: `0-${pick % 2}`, micro, mark, runs: pick % 2 === 0 }, at);
  if (kind === "grant") return grantChange({ reference: `r.${pick % 3}.`, micro }, at);
  if (kind === "settle") {
    const settling = { micro, held: micro + (pick % 7) - 3, runs: pick % 2, paths: ["0-0"], at };
    return settlementChange({ flowId, no: pick % 2, settling, isFirst: pick % 3 === 0 }, `2027-01-1${pick % 3}`, at);
  }
  if (kind === "removeDay") {
    const [date, day] = Object.entries(counter.days)[0] ?? [];
    if (!date || !day) return undefined;
    const is = { day: date, equals: day };
    return { removeDay: date, when: [is], repetition: { once: is }, at };
  }
  if (!entry) return undefined;
  if (kind === "refund") return refund(...entry, at);
  if (kind === "remove") return removal(...entry, at);
  const isSame = renewal(...entry, at).enter![entry[0]] === entry[1];
  return isSame ? undefined : renewal(...entry, at);
}
