/** The credit of apps in the table: the counter, the days that have left it, and the row of earlier versions. */
import type { CreditChange, CreditCondition, CreditCounter, Day, Grant } from "@mjflow/core/credit";
import { firstDueAt } from "@mjflow/core/credit";
import type { CreditRow } from "@mjflow/core/credit-row";
import { duePartitionOf } from "@mjflow/core/due";
import type { CreditStore } from "@mjflow/core/port";
import { type Item, keyOf, VERSION, VERSION_ATTRIBUTE } from "./codec.ts";
import { entity } from "./entity.ts";
import { ATTRIBUTE, appKey, CREDIT_DAYS, counterKey, creditDayKey, creditKey, creditPk, grantKey } from "./keys.ts";
import {
  createPlainRows,
  type PlainCondition,
  type PlainFields,
  type PlainRow,
  type PlainUpdate,
} from "./plain-row.ts";
import { createRows } from "./rows.ts";
import type { Table } from "./table.ts";

/** Fixed attributes and at most some open entries; the whole row stays below 1 KB, so that a change costs one unit. */
const COUNTER = {
  added: ["ad", "integer"],
  settled: ["se", "integer"],
  refunded: ["rf", "integer"],
  used: ["us", "integer"],
  running: ["ru", "integer"],
  fullAtUs: ["fu", "integer"],
  entries: ["e.", "spread of text"],
  dayFlows: ["n.", "spread of integer"],
  daySettled: ["d.", "spread of integer"],
  dueShard: [ATTRIBUTE.dueShard, "text"],
  dueAt: [ATTRIBUTE.dueAt, "integer"],
} as const satisfies PlainFields;
type CounterFields = typeof COUNTER;

const DAY = {
  flows: ["n", "integer"],
  settled: ["d", "integer"],
  expiresAt: [ATTRIBUTE.expiresAt, "integer"],
} as const satisfies PlainFields;

/** How long the usage of a day is kept. */
const DAY_RETENTION_MS = 400 * 24 * 3_600_000;

/** Name of the attribute of `frozen`. */
const FROZEN_ATTRIBUTE = "fz";

/** A version that does not know the counter must not read a frozen row, or it would write a hold that no counter has. */
const FROZEN_VERSION = String(VERSION + 1);

/** The row of earlier versions. */
const CREDIT = entity<CreditRow, "appId">()({
  key: ({ appId }) => creditKey(appId),
  idOf: ({ pk }) => ({ appId: pk.slice(appKey("").pk.length) }),
  attributes: ({ frozen }): Item => (frozen ? { [VERSION_ATTRIBUTE]: { N: FROZEN_VERSION } } : {}),
  fields: {
    frozen: [FROZEN_ATTRIBUTE, "flag"],
    added: ["ad", "count"],
    reserved: ["re", "count"],
    settled: ["se", "count"],
    refunded: ["rf", "count"],
    holds: ["ho", "json"],
    fullAt: ["fu", "number"],
    applying: ["ap", "json"],
    days: ["dy", "json"],
    createdAt: ["cr", "number"],
  },
});

/** `CREDIT` reads a frozen row although its version is newer. */
const CREDIT_ROW: typeof CREDIT = {
  ...CREDIT,
  ofItem(item) {
    const isFrozen = item[FROZEN_ATTRIBUTE]?.BOOL === true && item[VERSION_ATTRIBUTE]?.N === FROZEN_VERSION;
    return CREDIT.ofItem(isFrozen ? { ...item, [VERSION_ATTRIBUTE]: { N: String(VERSION) } } : item);
  },
};

const GRANT = entity<Grant, "appId" | "reference">()({
  key: ({ appId, reference }) => grantKey(appId, reference),
  idOf: ({ pk, sk }) => ({ appId: pk.slice(appKey("").pk.length), reference: sk.slice(grantKey("", "").sk.length) }),
  fields: {
    micro: ["mi", "number"],
    state: ["st", "text"],
    counters: ["cs", "number"],
    createdAt: ["cr", "number"],
  },
});

/** @param dueShards number of shards of each class of due entries (core/due.ts) */
export function createCreditStore(table: Table, dueShards: number): CreditStore {
  const counters = createPlainRows(table, COUNTER);
  const days = createPlainRows(table, DAY);
  const earlier = createRows({ table }, CREDIT_ROW);
  const grants = createRows({ table }, GRANT);

  return {
    async creditCounter(counterId) {
      const found = await counters.get(counterKey(counterId));
      return found && counterOf(counterId, found);
    },
    async createCreditCounter(counter) {
      await counters.create(counterKey(counter.appId), fieldsOfCounter(counter, dueShards));
    },
    async changeCredit(counterId, change) {
      const result = await counters.update(counterKey(counterId), updateOf(counterId, change, dueShards));
      return result.ok
        ? { ok: true, counter: counterOf(counterId, result.row), sentOnce: result.sentOnce }
        : { ok: false, current: result.current && counterOf(counterId, result.current), sentOnce: result.sentOnce };
    },
    async saveCreditDay(counterId, date, { flows, settled }) {
      const expiresAt = Math.ceil((Date.parse(date) + DAY_RETENTION_MS) / 1_000);
      const result = await days.create(creditDayKey(counterId, date), { flows, settled, expiresAt });
      return result.ok || (result.current?.flows === flows && result.current.settled === settled);
    },
    async creditDays(counterId, limit) {
      const items = await table.list({ partition: creditPk(counterId), ...CREDIT_DAYS, descending: true, limit });
      const dayOf = (item: Item): [string, Day] => {
        const { flows = 0, settled = 0 } = days.decode(item);
        return [keyOf(item).sk.slice(CREDIT_DAYS.from.length), { flows, settled }];
      };
      return Object.fromEntries(items.map(dayOf));
    },
    creditRow: (appId) => earlier.get({ appId }),
    saveCreditRow: (credit) => earlier.save(credit),
    grant: (appId, reference) => grants.get({ appId, reference }),
    saveGrant: (grant) => grants.save(grant),
  };
}

function counterOf(appId: string, found: PlainRow<CounterFields>): CreditCounter {
  const { rev, added = 0, settled = 0, refunded = 0, used = 0, running = 0, fullAtUs, entries, dueAt } = found;
  const dates = Object.keys(found.daySettled);
  const days = dates.map((date) => [date, { flows: found.dayFlows[date] ?? 0, settled: found.daySettled[date]! }]);
  return {
    ...{ appId, rev, added, settled, refunded, used, running },
    ...(fullAtUs !== undefined && { fullAtUs }),
    ...{ entries, days: Object.fromEntries(days) as Record<string, Day> },
    ...(dueAt !== undefined && { dueAt }),
  };
}

function fieldsOfCounter(
  { appId, rev: _, days: _days, ...fields }: CreditCounter,
  dueShards: number,
): Partial<PlainRow<CounterFields>> {
  return {
    ...fields,
    ...(fields.dueAt !== undefined && { dueShard: duePartitionOf({ kind: "credit", appId }, dueShards) }),
  };
}

function updateOf(appId: string, change: CreditChange, dueShards: number): PlainUpdate<CounterFields> {
  const { add = {}, fullAtUs, enter, leave = [], day, removeDay, dueAt, when, repetition, at } = change;
  const isAdded = fullAtUs !== undefined && "add" in fullAtUs;
  const due = { dueShard: duePartitionOf({ kind: "credit", appId }, dueShards) };
  return {
    add: {
      ...add,
      ...(isAdded && { fullAtUs: fullAtUs.add }),
      ...(day && { dayFlows: { [day.date]: day.flows }, daySettled: { [day.date]: day.settled } }),
    },
    set: {
      ...(fullAtUs && !isAdded && { fullAtUs: fullAtUs.set }),
      ...(enter && { entries: enter }),
      ...(typeof dueAt === "number" && { ...due, dueAt }),
    },
    setOnce: enter && dueAt === undefined ? { ...due, dueAt: firstDueAt(at) } : {},
    remove: {
      ...(leave.length > 0 && { entries: leave }),
      ...(removeDay !== undefined && { dayFlows: [removeDay], daySettled: [removeDay] }),
      ...(dueAt === null && { dueShard: true as const, dueAt: true as const }),
    },
    when: [{ row: "present" }, ...when.flatMap(conditionsOf)],
    ...("once" in repetition ? { once: conditionsOf(repetition.once)[0]! } : { repeatable: repetition.harmless }),
  };
}

type Condition = PlainCondition<CounterFields>;

function conditionsOf(condition: CreditCondition): Condition[] {
  if ("entry" in condition) {
    const at = ["entries", condition.entry] as const;
    return ["is" in condition ? { at, is: condition.is } : { at, equals: condition.equals }];
  }
  if ("day" in condition) {
    const { flows, settled } = condition.equals;
    return [
      { at: ["daySettled", condition.day], equals: settled },
      { at: ["dayFlows", condition.day], equals: flows },
    ];
  }
  if ("absentOrAtMost" in condition) {
    const { at, absentOrAtMost } = condition;
    return [
      {
        anyOf: [
          { at, is: "absent" },
          { at, atMost: absentOrAtMost },
        ],
      },
    ];
  }
  return [condition as Condition];
}
