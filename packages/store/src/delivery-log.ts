/**
 * The rows of a delivery log. One update adds the records of one worker, so writers of different events do not conflict. A record is one
 * attribute, `f.<subject>.<name>`, with a short text: times in base 36 and the last characters of each subscriber's id.
 * `l.<characters>` has the whole id, once in a row. The rows of a healthy flow stay below 1 KB, which is one write unit.
 */
import {
  type DeliveryLog,
  type DeliveryRecord,
  EMPTY_LOG,
  type FirstOutcome,
  type OutcomeChange,
  recordKeyOf,
} from "@mjflow/core/delivery-log";
import { isExpired } from "./codec.ts";
import { ATTRIBUTE, deliveryLogKey, type Key } from "./keys.ts";
import { createPlainRows, type PlainFields, type PlainRow } from "./plain-row.ts";
import type { Table } from "./table.ts";

const LOG = {
  records: ["f.", "spread of text"],
  listeners: ["l.", "spread of text"],
  progressAt: ["p.", "spread of integer"],
  isFlowEnded: ["fe", "flag"],
  expiresAt: [ATTRIBUTE.expiresAt, "integer"],
} as const satisfies PlainFields;

type LogRow = PlainRow<typeof LOG>;

export interface DeliveryLogRows {
  read(flowId: string, row: number): Promise<DeliveryLog>;
  /** @param expiresAt epoch seconds */
  add(
    flowId: string,
    row: number,
    change: { records?: readonly DeliveryRecord[]; isFlowEnded?: boolean },
    expiresAt: number,
  ): Promise<{ ok: boolean; log: DeliveryLog }>;
  /** Replaces the outcome of one subscriber, if it still is `from`. */
  changeOutcome(flowId: string, row: number, change: OutcomeChange): Promise<boolean>;
  claimProgress(flowId: string, row: number, subject: string, now: number, pauseMs: number): Promise<boolean>;
}

export function createDeliveryLogRows({ table, now }: { table: Table; now: () => number }): DeliveryLogRows {
  const rows = createPlainRows(table, LOG);

  async function add(
    key: Key,
    entries: readonly Encoded[],
    mark: { isFlowEnded?: boolean; expiresAt: number },
  ): Promise<{ ok: boolean; log: DeliveryLog }> {
    const [first, ...others] = entries;
    if (!first) {
      const marked = await rows.update(key, { set: mark, repeatable: "the mark and the expiry are the same again" });
      return { ok: marked.ok, log: logOf(marked.ok ? marked.row : marked.current) };
    }
    const absent = ({ name }: Encoded) => ({ at: ["records", name], is: "absent" }) as const;
    const result = await rows.update(key, {
      set: { ...mark, records: Object.fromEntries(entries.map(({ name, text }) => [name, text])) },
      setOnce: { listeners: Object.assign({}, ...entries.map(({ listeners }) => listeners)) },
      once: absent(first),
      when: others.map(absent),
    });
    if (result.ok) return { ok: true, log: logOf(result.row) };
    const found = result.current?.records ?? {};
    // After a lost response the row has our own records and our mark.
    if (entries.every(({ name, text }) => found[name] === text)) return { ok: true, log: logOf(result.current) };
    const left = entries.filter(({ name }) => found[name] === undefined);
    const isMarked = !mark.isFlowEnded || (result.current?.isFlowEnded ?? false);
    const rest = left.length > 0 || !isMarked ? await add(key, left, mark) : undefined;
    return { ok: false, log: rest?.log ?? logOf(result.current) };
  }

  return {
    async read(flowId, row) {
      // Other reads of the same turn share the request, for example those of the flow and its tasks.
      const [item] = await table.getAll([deliveryLogKey(flowId, row)]);
      return item && !isExpired(item, now()) ? logOf(rows.decode(item)) : EMPTY_LOG;
    },
    add: (flowId, row, { records = [], isFlowEnded }, expiresAt) =>
      add(deliveryLogKey(flowId, row), records.map(encoded), { ...(isFlowEnded && { isFlowEnded }), expiresAt }),
    async changeOutcome(flowId, row, { subject, name, listener, from, to }) {
      const key = deliveryLogKey(flowId, row);
      const path = recordKeyOf(subject, name);
      for (let retry = 0; retry < MAX_CONFLICT_RETRIES; retry++) {
        const item = await table.get(key);
        const current = item && rows.decode(item);
        const text = current?.records[path];
        const record = text === undefined ? undefined : decodeRecord(path, text, current!.listeners);
        if (!record || record.outcomes.get(listener) !== from) return false;
        const next = encodeRecord({ ...record, outcomes: new Map([...record.outcomes, [listener, to]]) });
        const result = await rows.update(key, {
          set: { records: { [path]: next.text } },
          once: { at: ["records", path], equals: text! },
        });
        if (result.ok || result.current?.records[path] === next.text) return true;
      }
      return false;
    },
    async claimProgress(flowId, row, subject, now, pauseMs) {
      const at = ["progressAt", subject] as const;
      const result = await rows.update(deliveryLogKey(flowId, row), {
        set: { progressAt: { [subject]: now } },
        once: {
          anyOf: [
            { at, is: "absent" },
            { at, atMost: now - pauseMs },
          ],
        },
      });
      return result.ok;
    },
  };
}

/** Other subscribers of the event change the same record. Then the change is made to what they wrote. */
const MAX_CONFLICT_RETRIES = 5;

function logOf(row: LogRow | undefined): DeliveryLog {
  if (!row) return EMPTY_LOG;
  const records = Object.entries(row.records).flatMap(([key, text]) => {
    const record = decodeRecord(key, text, row.listeners);
    return record ? [[key, record] as const] : [];
  });
  return { records: new Map(records), isFlowEnded: row.isFlowEnded ?? false };
}

/** A record as the row has it. */
interface Encoded {
  name: string;
  text: string;
  listeners: Record<string, string>;
}

function encoded(record: DeliveryRecord): Encoded {
  return { name: recordKeyOf(record.subject, record.name), ...encodeRecord(record) };
}

/** Number of characters of an endpoint's id. The last 16 characters of a ULID are random, so two endpoints never share 6. */
const SHORT_ID = 6;
const ENDPOINT_PREFIX = "ep_";

/** Outcomes without a status. A version that does not know a code leaves its subscribers out. */
const CODES = { row: "r", parked: "p" } as const satisfies Record<Exclude<FirstOutcome, number>, string>;
const OUTCOMES: ReadonlyMap<string, keyof typeof CODES> = new Map([
  [CODES.row, "row"],
  [CODES.parked, "parked"],
]);

/** @returns the stored text, and the whole ids of the subscribers that it abbreviates */
export function encodeRecord(record: DeliveryRecord): { text: string; listeners: Record<string, string> } {
  const { happenedAt, recordedAt, outcomes } = record;
  const listeners: Record<string, string> = {};
  const short = (listener: string) => {
    if (!listener.startsWith(ENDPOINT_PREFIX)) return listener;
    const id = listener.slice(-SHORT_ID);
    listeners[id] = listener;
    return id;
  };
  const groups = Map.groupBy(outcomes, ([, outcome]) => outcome);
  const parts = [...groups].map(([outcome, same]) => {
    const ids = same.map(([listener]) => short(listener)).join(",");
    return `${typeof outcome === "number" ? outcome : CODES[outcome]}:${ids}`;
  });
  const times = `${happenedAt.toString(36)}+${(recordedAt - happenedAt).toString(36)}`;
  return { text: [times, ...parts].join(";"), listeners };
}

/** @returns undefined if newer code wrote the record in a form that this code does not know */
export function decodeRecord(
  key: string,
  text: string,
  listeners: Readonly<Record<string, string>>,
): DeliveryRecord | undefined {
  const [subject = "", name = ""] = key.split(".");
  const [times = "", ...parts] = text.split(";");
  const [happened = "", delta = ""] = times.split("+");
  const happenedAt = Number.parseInt(happened, 36);
  const recordedAt = happenedAt + Number.parseInt(delta, 36);
  if (!Number.isSafeInteger(recordedAt)) return undefined;
  const outcomes = parts.flatMap((part) => {
    const [code = "", ids = ""] = part.split(":");
    const outcome = OUTCOMES.get(code) ?? Number(code);
    if (typeof outcome === "number" && !Number.isInteger(outcome)) return [];
    return ids.split(",").map((id) => [listeners[id] ?? id, outcome] as const);
  });
  return { subject, name, happenedAt, recordedAt, outcomes: new Map(outcomes) };
}
