/**
 * The credit row of earlier versions: one row per app with the holds of all running flows. Each change wrote the whole row
 * under its revision. Now the row is frozen and read once, when its app moves to the counter (credit.ts). Holds in a frozen
 * row stay readable until their flows have ended.
 */
import type { CreditCounter, Day } from "./credit.ts";
import { entryValue, FROZEN_HOLDS_ENTRY, grantEntryName } from "./credit-entry.ts";
import type { FlowCredit } from "./flow-credit.ts";

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
}

export interface CreditRow {
  appId: string;
  rev: number;
  /** Set once the app has moved to the counter. A version that does not know the counter cannot read such a row. */
  frozen?: true;
  added: number;
  reserved: number;
  settled: number;
  refunded: number;
  holds: Record<string, Hold>;
  /** See `CreditCounter.fullAtUs`, but epoch ms. */
  fullAt?: number;
  /** References of grants that are included in `added`, but whose own rows may still be `pending`. */
  applying: string[];
  days: Record<string, Day>;
  createdAt: number;
}

export function newCreditRow(appId: string, now: number): CreditRow {
  const nothing = { added: 0, reserved: 0, settled: 0, refunded: 0 };
  return { appId, rev: 0, ...nothing, holds: {}, applying: [], days: {}, createdAt: now };
}

/**
 * Returns the counter with which the app continues. Pure: two processes that move the same frozen row get equal counters,
 * except for the times of entries.
 */
export function counterOfRow(row: CreditRow, now: number): CreditCounter {
  const { appId, added, settled, refunded, holds, fullAt, applying } = row;
  const held = Object.values(holds).reduce((sum, { micro }) => sum + micro, 0);
  const running = Object.keys(holds).length;
  const entries: Record<string, string> = {};
  for (const reference of applying) entries[grantEntryName(reference)] = entryValue({ micro: 0, at: now, reference });
  if (running > 0) entries[FROZEN_HOLDS_ENTRY] = entryValue({ micro: 0, at: now });
  return {
    ...{ appId, rev: 0, added, settled, refunded, used: settled + held - added, running },
    ...(fullAt !== undefined && { fullAtUs: Math.ceil(fullAt * 1_000) }),
    ...{ entries, days: {} },
  };
}

/** Returns the credit of a flow whose hold is in a frozen row; undefined if the row has none. */
export function flowCreditOfRow({ holds }: CreditRow, flowId: string): FlowCredit | undefined {
  const hold = holds[flowId];
  if (!hold) return undefined;
  const awaits = Object.fromEntries(hold.awaits.map((path) => [path, { mark: "", at: hold.at }]));
  const { micro: held, before } = hold;
  return { held, runs: 1, before, settlements: 0, awaits, ...(!hold.again && { mark: "" }) };
}
