/** Slots and wait lists of vendor accounts in the table. */

import type { SlotKind, SlotRow } from "@mjflow/core/concurrency-limiter";
import { DUE_SHARDS, duePartitionOf } from "@mjflow/core/due";
import type { AccountState, AccountStore, SlotRowRef, SlotWrite } from "@mjflow/core/port";
import { type WaitEntry, type WaitList, waitEntryOf, waitKeyOf } from "@mjflow/core/wait-list";
import { type Fields, fieldsOf, type Item, keyOf, REV_ATTRIBUTE, row as rowOf } from "./codec.ts";
import { itemToHealth } from "./item.ts";
import {
  ATTRIBUTE,
  accountPk,
  expiresAt,
  healthKey,
  type Key,
  slotRowKey,
  slotsKey,
  waitingPk,
  waitListKey,
} from "./keys.ts";
import { createPlainRows, type PlainFields, type PlainRow } from "./plain-row.ts";
import { save } from "./save.ts";
import type { Table } from "./table.ts";
import { slotsOf } from "./vendor.ts";

const SLOT_ROW = { held: ["he", "map of integer"] } as const satisfies PlainFields;
type Row = PlainRow<typeof SLOT_ROW>;

/** `provider` and `account` are in the key. */
const WAIT_LIST = {
  rev: [REV_ATTRIBUTE, "number"],
  since: ["si", "number"],
  due: [ATTRIBUTE.dueAt, "number"],
  dispatchUntil: ["du", "number"],
  turn: ["tu", "text"],
  parallel: ["wi", "number"],
  parallelAt: ["wa", "number"],
} as const satisfies Fields<Exclude<keyof WaitList, "provider" | "account">>;

/** An entry has only its key: everything else is in the row of its task. */
const WAITING = { rev: [REV_ATTRIBUTE, "number"] } as const satisfies Fields<"rev">;
const WAITING_REV = 1;

/** @param dueShards number of shards of each class of due entries (core/due.ts) */
export function createAccountStore(table: Table, dueShards = DUE_SHARDS): AccountStore {
  const rows = createPlainRows(table, SLOT_ROW);

  async function write(ref: SlotRowRef, update: Parameters<typeof rows.update>[1]): Promise<SlotWrite> {
    const result = await rows.update(slotRowKey(ref), update);
    return { ok: result.ok, held: (result.ok ? result.row : result.current)?.held ?? {} };
  }

  return {
    async accountState(provider, account) {
      const state: AccountState = { slots: [] };
      for (const item of await table.partition(accountPk(provider, account))) {
        const { sk } = keyOf(item);
        const ref = slotRowOf(sk);
        if (ref) state.slots.push({ ...ref, ...slotFields(rows.decode(item)) });
        else if (sk === waitListKey({ provider, account }).sk) state.waitList = waitListOf(provider, account, item);
        else if (sk === healthKey(provider, account).sk) state.health = itemToHealth(item);
        else if (sk === slotsKey(provider, account).sk) state.earlierSlots = slotsOf(provider, account, item);
      }
      return state;
    },
    async acquireSlots(ref, names, limit, at, finished = []) {
      const [first] = names;
      if (first === undefined || names.length > limit) throw new RangeError(`${names.length} names for ${limit} slots`);
      const once = { at: ["held", first], is: "absent" } as const;
      const held = Object.fromEntries(names.map((name) => [name, at]));
      const written = await write(ref, {
        set: { held },
        remove: { held: finished },
        once,
        when: [{ at: "held", sizeAtMost: limit - names.length }],
      });
      // A response may have been lost after the write. The entries with this time are then ours.
      return written.ok ? written : { ...written, ok: names.every((name) => written.held[name] === at) };
    },
    releaseSlot: (ref, name, at) => write(ref, { remove: { held: [name] }, once: { at: ["held", name], equals: at } }),
    renewSlot: (ref, name, at, now) =>
      write(ref, {
        set: { held: { [name]: now } },
        when: [{ at: ["held", name], equals: at }],
        repeatable: "it sets the same time again",
      }),
    async waitList(provider, account) {
      const item = await table.get(waitListKey({ provider, account }));
      return item && waitListOf(provider, account, item);
    },
    async waitLists(accounts) {
      // The response does not keep the order, so each row finds its account by its key.
      const byPk = new Map(accounts.map((ref) => [waitListKey(ref).pk, ref]));
      const items = await table.getAll(accounts.map(waitListKey));
      return items.flatMap((item) => {
        const ref = byPk.get(keyOf(item).pk);
        return ref ? [waitListOf(ref.provider, ref.account, item)] : [];
      });
    },
    saveWaitList: (list) =>
      save(
        table,
        list,
        (next) => waitListItem(next, dueShards),
        (item) => waitListOf(list.provider, list.account, item),
      ),
    async addWaiting(provider, account, entry) {
      const item = rowOf(waitingKey(provider, account, entry), WAITING, { rev: WAITING_REV });
      // An entry that no dispatcher removes is deleted together with its task.
      await table.put({ ...item, [ATTRIBUTE.expiresAt]: { N: String(expiresAt(entry.createdAt)) } }, undefined);
    },
    removeWaiting: (provider, account, entry) => table.delete(waitingKey(provider, account, entry), WAITING_REV),
    isWaiting: async (provider, account, entry) =>
      (await table.get(waitingKey(provider, account, entry))) !== undefined,
    async listWaiting(provider, account, range) {
      const items = await table.list({ partition: waitingPk({ provider, account }), ...range });
      return items.flatMap((item) => waitEntryOf(keyOf(item).sk) ?? []);
    },
  };
}

function waitingKey(provider: string, account: string, entry: WaitEntry): Key {
  return { pk: waitingPk({ provider, account }), sk: waitKeyOf(entry) };
}

function waitListItem(list: WaitList, dueShards: number): Item {
  const item = rowOf(waitListKey(list), WAIT_LIST, list);
  if (list.due === undefined) return item;
  const { provider, account } = list;
  return { ...item, [ATTRIBUTE.dueShard]: { S: duePartitionOf({ kind: "waitList", provider, account }, dueShards) } };
}

function waitListOf(provider: string, account: string, item: Item): WaitList {
  return { provider, account, ...fieldsOf(item, WAIT_LIST) } as WaitList;
}

function slotRowOf(sk: string): { kind: SlotKind; row: number } | undefined {
  const [, kind, row] = /^(tasks|calls)#(\d+)$/.exec(sk) ?? [];
  return kind === undefined ? undefined : { kind: kind as SlotKind, row: Number(row) };
}

function slotFields({ held }: Row): Pick<SlotRow, "held"> {
  return { held };
}
