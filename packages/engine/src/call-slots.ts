/**
 * Limits how many submit workers wait for one vendor account (a bulkhead). A paid call cannot be canceled, so a vendor that
 * does not respond holds each of these workers until the timeout. Without a limit it would hold all of them, and no other
 * vendor would get a submission.
 *
 * A worker takes one slot for its whole invocation, whether it submits one task, the children of a parent or a part of the wait
 * list. The local server needs no such slots: its queue gives one account a quarter of its workers.
 */
import {
  callLimit,
  heldCount,
  outdatedCallSlots,
  preferredRows,
  rowCount,
  rowLimit,
} from "@mjflow/core/concurrency-limiter";
import { FUNCTION_TIMEOUT_S } from "@mjflow/core/limit";
import type { SlotRowRef } from "@mjflow/core/port";
import type { AccountRef } from "@mjflow/core/state";
import type { Accounts } from "./account.ts";
import type { EngineDeps } from "./deps.ts";
import { wakeWaitList } from "./wait-list.ts";

type CallSlotDeps = Pick<EngineDeps, "store" | "queue" | "clock" | "timings" | "log" | "random" | "chain"> & {
  accounts: Pick<Accounts, "health">;
};

export interface CallSlots {
  /** @returns false if too many other workers wait for the account */
  acquire(account: AccountRef): Promise<boolean>;
  /** Releases all slots of this invocation, and wakes the tasks that wait for one. */
  release(): Promise<void>;
}

interface CallSlot {
  ref: SlotRowRef;
  name: string;
  at: number;
  /** Limit of the row when the slot was acquired. */
  limit: number;
}

/** After this time the invocation that took a slot can no longer be running, ms. */
const CALL_SLOT_MS = (FUNCTION_TIMEOUT_S.submit + 10) * 1_000;

/** @param workers number of submit workers of the deployment */
export function createCallSlots(deps: CallSlotDeps, workers: number): CallSlots {
  const held = new Map<string, Promise<CallSlot | undefined>>();

  return {
    async acquire({ provider, account }) {
      const key = `${provider}/${account}`;
      const pending = held.get(key) ?? acquireCallSlot(deps, { provider, account }, workers);
      held.set(key, pending);
      const slot = await pending;
      // A later request of this invocation may find a free slot.
      if (!slot) held.delete(key);
      return slot !== undefined;
    },
    async release() {
      const slots = await Promise.all(held.values());
      held.clear();
      for (const slot of slots) if (slot) await releaseCallSlot(deps, slot);
    },
  };
}

async function acquireCallSlot(
  deps: CallSlotDeps,
  account: AccountRef,
  workers: number,
): Promise<CallSlot | undefined> {
  const { store, clock, random, accounts } = deps;
  const health = await accounts.health(account.provider, account.account);
  const max = callLimit(workers, health, clock.now());
  const name = Buffer.from(random.bytes(6)).toString("base64url");
  const rows = [...new Set([...preferredRows(rowCount("calls", max), random.chance()), ...rowsOf(max)])];
  for (const row of rows) {
    const ref: SlotRowRef = { ...account, kind: "calls", row };
    const limit = rowLimit("calls", max, row);
    for (let tries = 0; tries < 2; tries++) {
      const at = clock.now();
      const { ok, held } = await store.acquireSlots(ref, [name], limit, at);
      if (ok) return { ref, name, at, limit };
      const outdated = Object.entries(outdatedCallSlots({ held }, CALL_SLOT_MS, at));
      if (outdated.length === 0) break;
      for (const [old, since] of outdated) await store.releaseSlot(ref, old, since);
    }
  }
  return undefined;
}

function rowsOf(max: number): number[] {
  return Array.from({ length: rowCount("calls", max) }, (_, row) => row);
}

/** If the row was full, a task may have found no slot. It has entered the wait list, so the list is woken (WL4). */
async function releaseCallSlot(deps: CallSlotDeps, { ref, name, at, limit }: CallSlot): Promise<void> {
  try {
    const { held } = await deps.store.releaseSlot(ref, name, at);
    if (heldCount({ held }) + 1 >= limit) await wakeWaitList(deps, ref);
  } catch (error) {
    const { provider, account } = ref;
    deps.log.warn("slot.not-released", { provider, account, error: String(error) });
  }
}
