/** Kinds of traffic, and the verdict for each at the sizes of docs/operations.md. */
import type { AllMeasured } from "../cost/page.ts";
import price from "../cost/price.json" with { type: "json" };
import type { ScenarioName } from "../cost/scenario.ts";
import { type Traffic, type Wall, wallsOf } from "./model.ts";
import type { SizeRow } from "./table.ts";

export interface Case {
  title: string;
  flow: ScenarioName;
  traffic: Traffic;
}

/** What the cases need in addition to the counts of the cost meter. */
export interface Found {
  /** Highest rate of one app with limits, by the number of its credit counters. */
  limitedAppFlowsPerS: Readonly<Record<number, number>>;
  silentEntries: number;
}

const SMALL = 1 / 10_000;

export function cases({ limitedAppFlowsPerS: byCounters, silentEntries }: Found, creditCounters = 1): Case[] {
  const { flowSeconds, pollSeconds, waitReads } = price.assumed;
  const limitedAppFlowsPerS = byCounters[creditCounters]!;
  const base = { answerMs: 1_500, largestApp: 1 };
  return [
    { title: "one app, no limits, no listener", flow: "plain", traffic: base },
    { title: "one app, no listener, vendors respond after 5 s", flow: "plain", traffic: { ...base, answerMs: 5_000 } },
    { title: "one app, the client's `wait()`", flow: "plain", traffic: { ...base, reads: waitReads } },
    { title: "one app with all limits, no listener", flow: "limits", traffic: { ...base, limitedAppFlowsPerS } },
    { title: "one app with one listener", flow: "oneListener", traffic: base },
    {
      title: "one app with all limits and one listener",
      flow: "limitsOneListener",
      traffic: { ...base, limitedAppFlowsPerS },
    },
    { title: "one app with three listeners", flow: "threeListeners", traffic: base },
    {
      title: "10,000 small apps, all limits, one listener each",
      flow: "limitsOneListener",
      traffic: { ...base, largestApp: SMALL, limitedAppFlowsPerS },
    },
    {
      title: "one listener, 1 % of the receivers hang",
      flow: "oneListener",
      traffic: { ...base, hungReceivers: 0.01 },
    },
    { title: "no vendor calls back", flow: "plain", traffic: { ...base, silentEntries } },
    { title: "images archived", flow: "archive", traffic: base },
    { title: "one vendor account was busy", flow: "plain", traffic: { ...base, busyAccounts: 1 } },
    {
      title: "compat API, polled every 2 s",
      flow: "compat",
      traffic: { ...base, reads: (3 * flowSeconds) / pollSeconds },
    },
  ];
}

export interface Verdict {
  title: string;
  flowsPerS: number;
  /** The lowest limits, lowest first. */
  walls: Wall[];
}

/** @returns for each case where it stops with these sizes */
export function verdicts(row: SizeRow, measured: AllMeasured, found: Found): Verdict[] {
  return cases(found, row.creditCounters).flatMap(({ title, flow, traffic }) => {
    const counted = measured[flow];
    if (!counted) return [];
    const walls = wallsOf(row.sizes, counted, traffic, row.tableQuota);
    return [{ title, flowsPerS: walls[0]!.flowsPerS, walls }];
  });
}
