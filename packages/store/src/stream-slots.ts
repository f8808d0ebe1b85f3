/** The slots of open event streams (`StreamSlots` in core/port.ts): one row per group, one entry per stream. */
import type { StreamSlots } from "@mjflow/core/port";
import { ATTRIBUTE, streamSlotsKey } from "./keys.ts";
import { createPlainRows, type PlainFields } from "./plain-row.ts";
import type { Table } from "./table.ts";

const FIELDS = {
  held: ["h", "map of integer"],
  expiresAt: [ATTRIBUTE.expiresAt, "integer"],
} as const satisfies PlainFields;

/** The row of an app without streams is deleted after this time, seconds. */
const UNUSED_S = 24 * 3_600;
/** Most stale slots that one request removes. Each is a condition of the update. */
const MAX_REMOVED = 20;

/** Acquiring and releasing cost one write unit each. So does a refusal; a stale slot costs another one. */
export function createStreamSlots(table: Table): StreamSlots {
  const rows = createPlainRows(table, FIELDS);
  return {
    async acquire(group, id, max, now, staleBefore) {
      if (max <= 0) return false;
      const key = streamSlotsKey(group);
      const set = { held: { [id]: now }, expiresAt: Math.ceil(now / 1_000) + UNUSED_S };
      const once = { at: ["held", id], is: "absent" } as const;
      const first = await rows.update(key, { set, once, when: [{ at: "held", sizeAtMost: max - 1 }] });
      if (first.ok || first.current?.held[id] !== undefined) return true;
      const held = Object.entries(first.current?.held ?? {});
      const stale = held.flatMap(([name, at]) => (at < staleBefore ? [name] : [])).slice(0, MAX_REMOVED);
      if (stale.length === 0) return false;
      // The slots leave in the same write in which this one comes, so the number of slots never passes the limit.
      const second = await rows.update(key, {
        set,
        remove: { held: stale },
        once,
        when: [
          { at: "held", sizeAtMost: max - 1 + stale.length },
          ...stale.map((name) => ({ at: ["held", name], is: "present" }) as const),
        ],
      });
      return second.ok || second.current?.held[id] !== undefined;
    },
    async release(group, id) {
      await rows.update(streamSlotsKey(group), {
        remove: { held: [id] },
        once: { at: ["held", id], is: "present" },
      });
    },
  };
}
