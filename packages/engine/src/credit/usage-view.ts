/** The view of an app's credit in USD, computed from whole micro-USD. */
import type { Limits } from "@mjflow/core/app";
import { balanceMicro, heldMicro, usesHolds } from "@mjflow/core/credit";
import type { CreditUsage } from "./credit-repair.ts";

const NOTHING: CreditUsage = { added: 0, settled: 0, refunded: 0, used: 0, running: 0, days: {} };

export function usageView(appId: string, limits: Limits | undefined, usage: CreditUsage = NOTHING) {
  const balance = balanceMicro(usage, limits);
  return {
    appId,
    /** Null: no credit limit. Nothing is counted then, unless the number of running flows is limited. */
    balanceUsd: balance === undefined ? null : usd(balance),
    counted: usesHolds(limits),
    /** Credit held for running flows, for their whole plans. */
    reservedUsd: usd(heldMicro(usage)),
    settledUsd: usd(usage.settled),
    refundedUsd: usd(usage.refunded),
    addedUsd: usd(usage.added),
    runningFlows: usage.running,
    /** Newest first, by the UTC day on which the flows ended. */
    days: Object.entries(usage.days)
      .sort(([a], [b]) => (a < b ? 1 : -1))
      .map(([day, { flows, settled }]) => ({ day, flows, settledUsd: usd(settled) })),
  };
}

function usd(micro: number): number {
  return micro / 1e6;
}
