/** The view of an app's credit in USD, computed from whole micro-USD. */
import type { Limits } from "@mjflow/core/app";
import { balanceMicro, type Credit, heldMicro, newCredit, usesHolds } from "@mjflow/core/credit";

export function usageView(appId: string, limits: Limits | undefined, stored: Credit | undefined) {
  const credit = stored ?? newCredit(appId, 0);
  const balance = balanceMicro(credit, limits);
  return {
    appId,
    /** Null: no credit limit. Nothing is counted then, unless the number of running flows is limited. */
    balanceUsd: balance === undefined ? null : usd(balance),
    counted: usesHolds(limits),
    /** Credit held for running flows, for their whole plans. */
    reservedUsd: usd(heldMicro(credit)),
    settledUsd: usd(credit.settled),
    refundedUsd: usd(credit.refunded),
    addedUsd: usd(credit.added),
    runningFlows: Object.keys(credit.holds).length,
    /** Newest first, by the UTC day on which the flows ended. */
    days: Object.entries(credit.days)
      .sort(([a], [b]) => (a < b ? 1 : -1))
      .map(([day, { flows, settled }]) => ({ day, flows, settledUsd: usd(settled) })),
  };
}

function usd(micro: number): number {
  return micro / 1e6;
}
