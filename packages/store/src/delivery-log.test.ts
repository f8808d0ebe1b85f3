import type { DeliveryRecord } from "@mjflow/core/delivery-log";
import { describe, expect, it } from "vitest";
import { createMemoryTable } from "../../../test/support/memory/table.ts";
import { itemBytes } from "./codec.ts";
import { createDeliveryLogRows, decodeRecord, encodeRecord } from "./delivery-log.ts";

const NOW = Date.UTC(2026, 10, 21);
const FLOW = "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD";
/** Ids of endpoints; their last characters differ, as those of real ids do. */
const endpoints = Array.from({ length: 8 }, (_, i) => `ep_01K9ZC7T3R8M2V5X0Q4B6N1J${i}D`);

function record(subject: string, name: string, listeners: readonly string[]): DeliveryRecord {
  const outcomes = new Map(listeners.map((id, i) => [id, i % 3 === 2 ? ("row" as const) : 200 + (i % 2) * 4]));
  return { subject, name, happenedAt: NOW, recordedAt: NOW + 4_321, outcomes };
}

describe("records as text", () => {
  it("a record comes back with its times, its subscribers and their outcomes", () => {
    for (const listeners of [[], ["hook"], endpoints, ["hook", "mj", "bus", ...endpoints]]) {
      const stored = record("0-12-mX7", "completed-2", listeners);
      const { text, listeners: ids } = encodeRecord(stored);
      expect(decodeRecord("0-12-mX7.completed-2", text, ids)).toEqual(stored);
    }
  });

  it("an outcome that this version does not know is left out, and a text that is no record too", () => {
    const { text } = encodeRecord(record("0", "completed", ["hook"]));
    expect(decodeRecord("0.completed", `${text};future:bus`, {})?.outcomes).toEqual(new Map([["hook", 200]]));
    expect(decodeRecord("0.completed", "future", {})).toBeUndefined();
  });
});

describe("size of the row", () => {
  async function bytesWith(listeners: readonly string[]): Promise<number> {
    const table = createMemoryTable();
    const rows = createDeliveryLogRows({ table, now: () => NOW });
    const subjects = ["0", "0-0", "0-1", "0-2", "0-3"];
    const events = subjects.flatMap((subject) => ["submitted", "completed"].map((name) => [subject, name] as const));
    for (const [subject, name] of [...events, ["flow", "completed"] as const]) {
      await rows.add(FLOW, 0, { records: [record(subject, name, listeners)] }, NOW / 1_000);
    }
    return itemBytes(table.dump()[0]!);
  }

  it("the eleven events of five tasks fit into 1 KB with up to four subscribers", async () => {
    expect(await bytesWith(endpoints.slice(0, 1))).toBeLessThan(700);
    expect(await bytesWith(endpoints.slice(0, 4))).toBeLessThan(1_024);
  });

  it("with eight subscribers they fit into 2 KB", async () => {
    expect(await bytesWith(endpoints)).toBeLessThan(1_536);
  });
});

it.each([
  ["a text without a delay", "k0"],
  ["an empty text", ""],
  ["times that are no numbers", "!+1;200:a"],
  ["a delay that is no number", "k0+!;200:a"],
  ["a time that is too large", `${"z".repeat(30)}+1;200:a`],
])("a record of %s is none", (_, text) => {
  expect(decodeRecord("0-1.completed", text, {})).toBeUndefined();
});

it("outcomes that this code does not know are left out", () => {
  const record = decodeRecord("0-1.completed", "k0+a;200:x,abcdef;r:y;p:z;q:other;2.5:other;", {
    abcdef: "ep_1abcdef",
  });
  expect(record).toEqual({
    ...{ subject: "0-1", name: "completed", happenedAt: 720, recordedAt: 730 },
    outcomes: new Map<string, number | string>([
      ["x", 200],
      ["ep_1abcdef", 200],
      ["y", "row"],
      ["z", "parked"],
      ["", 0],
    ]),
  });
});
