/** Slots of vendor accounts in the table. Many workers change them at one time, each with one conditional update. */
import type { SlotKind, SlotRow } from "@mjflow/core/concurrency-limiter";
import type { AccountState, AccountStore, SlotRowRef, SlotWrite } from "@mjflow/core/port";
import { keyOf } from "./codec.ts";
import { itemToHealth } from "./item.ts";
import { accountPk, healthKey, slotRowKey, slotsKey } from "./keys.ts";
import { createPlainRows, type PlainFields, type PlainRow } from "./plain-row.ts";
import type { Table } from "./table.ts";
import { slotsOf } from "./vendor.ts";

const SLOT_ROW = { held: ["he", "map of integer"] } as const satisfies PlainFields;
type Row = PlainRow<typeof SLOT_ROW>;

export function createAccountStore(table: Table): AccountStore {
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
        else if (sk === healthKey(provider, account).sk) state.health = itemToHealth(item);
        else if (sk === slotsKey(provider, account).sk) state.earlierSlots = slotsOf(provider, account, item);
      }
      return state;
    },
    async acquireSlots(ref, names, limit, at) {
      const [first] = names;
      if (first === undefined || names.length > limit) throw new RangeError(`${names.length} names for ${limit} slots`);
      const once = { at: ["held", first], is: "absent" } as const;
      const held = Object.fromEntries(names.map((name) => [name, at]));
      const written = await write(ref, {
        set: { held },
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
  };
}

function slotRowOf(sk: string): { kind: SlotKind; row: number } | undefined {
  const [, kind, row] = /^(tasks|calls)#(\d+)$/.exec(sk) ?? [];
  return kind === undefined ? undefined : { kind: kind as SlotKind, row: Number(row) };
}

function slotFields({ held }: Row): Pick<SlotRow, "held"> {
  return { held };
}
