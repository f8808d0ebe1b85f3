/** What the sweeper does with the delivery log of a flow: it closes the log, or notifies again of what was overlooked. */
import { type DeliveryLog, EMPTY_LOG, OVERLOOKED_AFTER_MS, recordKeyOf } from "@mjflow/core/delivery-log";
import type { Flow } from "@mjflow/core/flow";
import type { OutgoingMessage } from "@mjflow/core/message";
import { closeLog, readLog, sweepLog } from "@mjflow/engine/sweep/sweep-log";
import { beforeEach, describe, expect, test } from "vitest";
import { createTestHarness, type TestHarness } from "../support/harness.ts";

let harness: TestHarness;
let flow: Flow;
let sent: OutgoingMessage[];
let log: DeliveryLog;
let rows: number[];

/** A flow with a notifyHook that has ended, and whose events have no record. */
beforeEach(async () => {
  harness = createTestHarness();
  const started = await harness.start({ notifyHook: "https://app.test/hook", state: "7" });
  await harness.drain();
  for (const call of harness.vendor.calls) await harness.post(call, "SUCCESS");
  flow = (await harness.read(started)).flow;
  [sent, log, rows] = [[], EMPTY_LOG, []];
});

function deps() {
  return {
    ...harness.deps,
    webhookStore: {
      deliveryLog: async (_: string, row: number) => {
        rows.push(row);
        return log;
      },
    },
    queue: { send: async (messages: readonly OutgoingMessage[]) => void sent.push(...messages) },
  };
}
const tasks = async () => [...(await harness.read(flow)).tasks.values()];
const pass = async () => sweepLog(deps(), flow, await tasks());
const stored = async () => (await harness.read(flow)).flow;

/** Records of all events that the flow can have. */
function complete(): DeliveryLog {
  const names = ["submitted", "ended", "completed", "failed", "flow", "end"];
  const keys = ["0", "flow"].flatMap((subject) => names.map((name) => [subject, name] as const));
  return {
    isFlowEnded: true,
    records: new Proxy(new Map(keys.map(([s, n]) => [recordKeyOf(s as never, n), {}])), ALL),
  } as never;
}
/** A map that has every key. */
const ALL: ProxyHandler<Map<string, object>> = {
  get: (map, name) => (name === "has" ? () => true : Reflect.get(map, name).bind(map)),
};

describe("events without a record", () => {
  test("are not sent again while their message may be under way", async () => {
    harness.advance(OVERLOOKED_AFTER_MS - 1);
    expect(await pass()).toBe("waiting");
    expect(sent).toEqual([]);
  });

  test("are sent again when they were overlooked: one message for each subject, with the app of the flow", async () => {
    harness.advance(OVERLOOKED_AFTER_MS);
    expect(await pass()).toBe("waiting");
    const named = sent.map(({ message }) => message as { flowId: string; appId?: string; subject?: string });
    expect(named.map(({ flowId }) => flowId)).toEqual([flow.id, flow.id]);
    expect(new Set(sent.map(({ message }) => JSON.stringify(message))).size).toBe(2);
    expect(await stored()).toEqual(flow);
    expect(harness.metrics.get("ClosedBySweeper")).toBeUndefined();
  });
});

describe("a log in which every event has a record", () => {
  test("is closed: nothing is pending, the flow is not due, and the sweeper counts it", async () => {
    log = complete();
    harness.advance(OVERLOOKED_AFTER_MS);
    expect(await pass()).toBe("closed");
    expect(sent).toEqual([]);
    const { pendingEffects, due } = await stored();
    expect([pendingEffects, due]).toEqual([undefined, undefined]);
    expect(harness.metrics.get("ClosedBySweeper")).toBe(1);
  });

  test("of a reopened flow keeps its due time", async () => {
    log = complete();
    flow = { ...flow, reopened: true, due: 7 } as Flow;
    await pass();
    expect((await stored()).due).toBe(7);
  });

  test("of a running flow is no work of the sweeper", async () => {
    log = complete();
    flow = { ...flow, status: "running" } as Flow;
    expect(await pass()).toBe("waiting");
    expect([sent, harness.metrics.get("ClosedBySweeper")]).toEqual([[], undefined]);
  });

  test("is closed by its worker too, and nothing is done for a flow that is gone", async () => {
    log = complete();
    await closeLog(deps(), flow.id);
    expect((await stored()).pendingEffects).toBeUndefined();
    await closeLog(deps(), "flow_gone");
    expect(rows).toEqual([0]);
  });
});

test("all rows of a log are read, and one if the flow names no number", async () => {
  await readLog(deps(), { ...flow, logRows: 3 } as Flow);
  expect(rows).toEqual([0, 1, 2]);
  const { logRows: _, ...plain } = flow;
  await readLog(deps(), plain as Flow);
  expect(rows).toEqual([0, 1, 2, 0]);
});
