/** What is shown of an app's credit: USD, from whole micro-USD. */
import type { Limits } from "@mjflow/core/app";
import { balanceMicro, type Credit, heldMicro, newCredit, usesHolds } from "@mjflow/core/credit";

export function usageView(appId: string, limits: Limits | undefined, stored: Credit | undefined) {
  const credit = stored ?? newCredit(appId, 0);
  const balance = balanceMicro(credit, limits);
  return {
    appId,
    /** Null: it may spend what it likes, and unless its running flows are limited nothing is counted. */
    balanceUsd: balance === undefined ? null : usd(balance),
    counted: usesHolds(limits),
    /** Held for flows that run: the whole of their plans. */
    reservedUsd: usd(heldMicro(credit)),
    settledUsd: usd(credit.settled),
    refundedUsd: usd(credit.refunded),
    addedUsd: usd(credit.added),
    runningFlows: Object.keys(credit.holds).length,
    /** Newest first, UTC, by the day on which flows ended. */
    days: Object.entries(credit.days)
      .sort(([a], [b]) => (a < b ? 1 : -1))
      .map(([day, { flows, settled }]) => ({ day, flows, settledUsd: usd(settled) })),
  };
}

function usd(micro: number): number {
  return micro / 1e6;
}
