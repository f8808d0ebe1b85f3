import type { Delivery } from "@mjflow/client";
import { describe, expect, test } from "vitest";
import {
  type DeliveryFilter,
  deliveryCurl,
  deliveryFilterOf,
  deliveryQueryOf,
  flowIdIn,
  matchesDelivery,
  neighborOf,
  outcomesOf,
  withNewest,
} from "./delivery.ts";

const FLOW = "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD";
const NOW = Date.parse("2026-12-01T12:34:56Z");

function delivery(id: string, more: Partial<Delivery> = {}): Delivery {
  const none = { taskId: null, failure: null, nextTryAt: null, happenedAt: null, createdAt: null, endedAt: null };
  return {
    ...{ id, eventId: `evt_${id}`, type: "flow.completed", endpoint: "hook", flowId: FLOW },
    ...{ status: "delivered", tries: 1, attempts: [], ...none, ...more },
  };
}
const idsOf = (pages: readonly { data: Delivery[] }[]) => pages.map(({ data }) => data.map(({ id }) => id));

describe("the filter of deliveries", () => {
  const none: DeliveryFilter = { endpoint: "", event: "", status: "", flow: "", days: "" };

  test("every field of the address is read, and unknown values are ignored", () => {
    const query = { endpoint: "ep_1", event: "task.failed", status: "failed", flow: FLOW, days: "7" };
    expect(deliveryFilterOf(query)).toEqual(query);
    expect(deliveryFilterOf({ event: "task.progress", status: "odd", days: "-1" })).toEqual(none);
    expect(deliveryFilterOf({ days: "90" }).days).toBe("");
  });

  test("the query has only the fields that are set, and a time begins at a whole hour", () => {
    expect(deliveryQueryOf(none, NOW)).toEqual({});
    expect(deliveryQueryOf({ ...none, event: "task.failed", days: "1" }, NOW)).toEqual({
      event: "task.failed",
      since: "2026-11-30T12:00:00.000Z",
    });
    // The deliveries of one flow come whole.
    expect(deliveryQueryOf({ ...none, flow: FLOW, days: "1" }, NOW)).toEqual({ flow: FLOW });
  });

  test("the id of a flow is found in the ids of its tasks, events and deliveries", () => {
    const ulid = FLOW.slice(5);
    for (const text of [FLOW, ` task_${ulid}_0-1 `, `evt_${ulid}_flow_completed`, `dlv_${ulid}_0_completed_hook`])
      expect(flowIdIn(text)).toBe(FLOW);
    expect(flowIdIn(` ep_${ulid} `)).toBe(`ep_${ulid}`);
  });

  test("a delivery whose status has changed matches no more", () => {
    const failed = { ...none, status: "failed" as const };
    expect(matchesDelivery(delivery("a", { status: "failed" }), failed)).toBe(true);
    expect(matchesDelivery(delivery("a", { status: "pending" }), failed)).toBe(false);
    expect(matchesDelivery(delivery("a"), { ...none, endpoint: "ep_1" })).toBe(false);
    expect(matchesDelivery(delivery("a"), { ...none, event: "flow.failed" })).toBe(false);
  });
});

describe("a new read of the newest deliveries", () => {
  const known = {
    pages: [
      { data: [delivery("c"), delivery("b")], nextCursor: "x" },
      { data: [delivery("a")], nextCursor: null },
    ],
  };

  test("new deliveries come first, and known ones get their state in their places", () => {
    const newest = [delivery("d"), delivery("c"), delivery("b", { status: "failed" })];
    const { read, added, waiting } = withNewest(known, newest, true);
    expect(idsOf(read.pages as never)).toEqual([["d", "c", "b"], ["a"]]);
    expect(read.pages[0]!.data[2]!.status).toBe("failed");
    expect([added, waiting]).toEqual([1, 0]);
  });

  test("new deliveries are only counted while the user reads further down", () => {
    const { read, waiting } = withNewest(known, [delivery("d"), delivery("a", { status: "pending" })], false);
    expect(idsOf(read.pages as never)).toEqual([["c", "b"], ["a"]]);
    expect(read.pages[1]!.data[0]!.status).toBe("pending");
    expect(waiting).toBe(1);
  });
});

test("the next row is found from the selected one, and the ends of the list hold", () => {
  const rows = ["a", "b", "c"].map((id) => delivery(id));
  expect(neighborOf(rows, "a", 1)).toBe("b");
  expect(neighborOf(rows, "c", 1)).toBe("c");
  expect(neighborOf(rows, "a", -1)).toBe("a");
  expect(neighborOf(rows, undefined, 1)).toBe("a");
  expect(neighborOf(rows, "gone", -1)).toBe("c");
  expect(neighborOf([], undefined, 1)).toBeUndefined();
});

test("the outcomes of an endpoint are those of its newest deliveries, with the median of their last attempts", () => {
  const took = (tookMs: number) => [
    { at: null, tookMs: 9_999 },
    { at: null, tookMs },
  ];
  const rows = [
    delivery("d", { attempts: took(30) }),
    delivery("x", { endpoint: "ep_other", status: "failed" }),
    delivery("c", { attempts: took(10), status: "pending" }),
    delivery("b", { attempts: took(20), status: "failed" }),
    delivery("a"),
  ];
  const shown = { statuses: ["delivered", "failed", "pending", "delivered"], delivered: 2, ended: 3, medianMs: 20 };
  expect(outcomesOf(rows, "hook")).toEqual(shown);
  expect(outcomesOf(rows, "hook", 1)).toEqual({ statuses: ["delivered"], delivered: 1, ended: 1, medianMs: 30 });
  expect(outcomesOf(rows, "ep_none").medianMs).toBeUndefined();
});

test("the shell command quotes what apps and receivers wrote", () => {
  const text = deliveryCurl("https://a.example/it's", "evt_1", `{"a":"'$(id)'"}`);
  expect(text).toContain(`'https://a.example/it'\\''s'`);
  expect(text).toContain(`--data-raw '{"a":"'\\''$(id)'\\''"}'`);
});
