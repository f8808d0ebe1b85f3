/** A delivery that had only a record in the log of its flow gets a row, and the record then names it. */
import { type Delivery, deliveryIdOf } from "@mjflow/core/delivery";
import { logRowOf } from "@mjflow/core/delivery-log";
import type { Flow } from "@mjflow/core/flow";
import type { WebhookStore } from "@mjflow/core/port";
import { hasRow, saveWithRecord } from "@mjflow/engine/event/delivery-row";
import { beforeEach, describe, expect, test } from "vitest";

const FLOW = { id: "flow_01HZZZZZZZZZZZZZZZZZZZZZZA", logRows: 3 } as Flow;
const DELIVERY = {
  flowId: FLOW.id,
  subject: "0-1",
  name: "completed",
  listener: "hook",
  rev: 0,
  status: "pending",
  attempts: [{ status: 503 }],
} as unknown as Delivery;
const CHANGE = { subject: "0-1", name: "completed", listener: "hook", from: 503, to: "row" };

let changes: unknown[];
let rows: Map<string, Delivery>;
/** What the store answers to a save. */
let saved: Awaited<ReturnType<WebhookStore["saveDelivery"]>>;
beforeEach(() => {
  [changes, rows, saved] = [[], new Map(), { ok: true, item: DELIVERY }];
});

const deps = {
  webhookStore: {
    delivery: async (id: string) => rows.get(id),
    saveDelivery: async () => saved,
    changeOutcome: async (flowId: string, row: number, change: unknown) => {
      changes.push([flowId, row, change]);
      return true;
    },
  },
};
const expected = [[FLOW.id, logRowOf("0-1", FLOW), CHANGE]];

describe("a delivery that is stored", () => {
  const save = (before: Partial<Delivery> = {}) => saveWithRecord(deps, FLOW, { ...DELIVERY, ...before }, DELIVERY);

  test("is named by the record of its event, in the row of the log that has its task", async () => {
    expect(await save()).toBe(saved);
    expect(changes).toEqual(expected);
  });

  test("is named too if another worker has stored it, so a crash of this one leaves no wrong record", async () => {
    saved = { ok: false, current: DELIVERY };
    expect(await save()).toBe(saved);
    expect(changes).toEqual(expected);
  });

  test("that does not exist any more is not named", async () => {
    saved = { ok: false, current: undefined };
    await save();
    expect(changes).toEqual([]);
  });

  test.each([
    ["parked", { status: "parked" }, "parked"],
    ["answered", { attempts: [{ status: 200 }] }, 200],
  ] as [string, Partial<Delivery>, unknown][])(
    "replaces the outcome that the record had: %s",
    async (_, before, from) => {
      await save(before);
      expect(changes).toEqual([[FLOW.id, logRowOf("0-1", FLOW), { ...CHANGE, from }]]);
    },
  );

  test.each([
    ["it had a row", { rev: 1 }],
    ["it had no attempt", { attempts: [] }],
  ] as [string, Partial<Delivery>][])("leaves the record as it is if %s", async (_, before) => {
    await save(before);
    expect(changes).toEqual([]);
  });
});

describe("a delivery that a record alone stands for", () => {
  test("has no row in most cases, and nothing is written", async () => {
    expect(await hasRow(deps, FLOW, DELIVERY)).toBe(false);
    expect(changes).toEqual([]);
  });

  test("may have one after a crash, and the record then names it", async () => {
    rows.set(deliveryIdOf(DELIVERY), DELIVERY);
    expect(await hasRow(deps, FLOW, DELIVERY)).toBe(true);
    expect(changes).toEqual(expected);
  });
});
