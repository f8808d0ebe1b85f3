/** Slots and wait lists of vendor accounts in the table. */

import type { SlotKind, SlotRow } from "@mjflow/core/concurrency-limiter";
import { DUE_SHARDS } from "@mjflow/core/due";
import type { AccountState, AccountStore, SlotRowRef, SlotWrite } from "@mjflow/core/port";
import { type WaitEntry, type WaitList, waitEntryOf, waitKeyOf } from "@mjflow/core/wait-list";
import { keyOf } from "./codec.ts";
import { dueEntry, entity, expiring } from "./entity.ts";
import { HEALTH } from "./item.ts";
import {
  ATTRIBUTE,
  accountOfPk,
  accountPk,
  healthKey,
  RETENTION_MS,
  slotRowKey,
  slotsKey,
  waitingPk,
  waitListKey,
} from "./keys.ts";
import { createPlainRows, type PlainFields, type PlainRow } from "./plain-row.ts";
import { createRows } from "./rows.ts";
import type { Table } from "./table.ts";
import { EARLIER_SLOTS } from "./vendor.ts";

const SLOT_ROW = { held: ["he", "map of integer"] } as const satisfies PlainFields;
type Row = PlainRow<typeof SLOT_ROW>;

const WAIT_LIST = entity<WaitList, "provider" | "account">()({
  key: waitListKey,
  idOf: ({ pk }) => accountOfPk(pk),
  attributes: ({ provider, account, due }, dueShards) =>
    dueEntry(due !== undefined, { kind: "waitList", provider, account }, dueShards),
  fields: {
    since: ["si", "number"],
    due: [ATTRIBUTE.dueAt, "number"],
    dispatchUntil: ["du", "number"],
    turn: ["tu", "text"],
    parallel: ["wi", "number"],
    parallelAt: ["wa", "number"],
  },
});

type Waiting = WaitEntry & { provider: string; account: string; rev: number };

/** An entry has only its key: everything else is in the row of its task. */
const WAITING = entity<Waiting, Exclude<keyof Waiting, "rev">>()({
  key: (entry) => ({ pk: waitingPk(entry), sk: waitKeyOf(entry) }),
  idOf: ({ pk, sk }) => ({ ...accountOfPk(pk), ...waitEntryOf(sk)! }),
  // An entry that no dispatcher removes is deleted together with its task.
  attributes: ({ createdAt }) => expiring(createdAt + RETENTION_MS),
  fields: {},
});
const WAITING_REV = 1;

/** @param dueShards number of shards of each class of due entries (core/due.ts) */
export function createAccountStore(table: Table, dueShards = DUE_SHARDS): AccountStore {
  const rows = createPlainRows(table, SLOT_ROW);
  const waitLists = createRows({ table, dueShards }, WAIT_LIST);
  const waiting = createRows({ table }, WAITING);

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
        else if (sk === waitListKey({ provider, account }).sk) state.waitList = WAIT_LIST.ofItem(item);
        else if (sk === healthKey(provider, account).sk) state.health = HEALTH.ofItem(item);
        else if (sk === slotsKey(provider, account).sk) state.earlierSlots = EARLIER_SLOTS.ofItem(item);
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
    waitList: (provider, account) => waitLists.get({ provider, account }),
    waitLists: (accounts) => waitLists.getAll(accounts),
    saveWaitList: (list) => waitLists.save(list),
    async addWaiting(provider, account, entry) {
      await waiting.put({ provider, account, ...entry, rev: 0 }, undefined);
    },
    removeWaiting: (provider, account, entry) => waiting.delete({ provider, account, ...entry, rev: WAITING_REV }),
    isWaiting: async (provider, account, entry) =>
      (await table.get(WAITING.key({ provider, account, ...entry }))) !== undefined,
    async listWaiting(provider, account, range) {
      const items = await table.list({ partition: waitingPk({ provider, account }), ...range });
      return items.flatMap((item) => waitEntryOf(keyOf(item).sk) ?? []);
    },
  };
}

function slotRowOf(sk: string): { kind: SlotKind; row: number } | undefined {
  const [, kind, row] = /^(tasks|calls)#(\d+)$/.exec(sk) ?? [];
  return kind === undefined ? undefined : { kind: kind as SlotKind, row: Number(row) };
}

function slotFields({ held }: Row): Pick<SlotRow, "held"> {
  return { held };
}
