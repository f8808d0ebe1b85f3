/** Parked events: what an endpoint that is down costs, and how its events come back. */
import { deliveryIdOf } from "@mjflow/core/delivery";
import type { Endpoint } from "@mjflow/core/endpoint";
import { taskIdOf } from "@mjflow/core/id";
import type { PostOutcome, WebhookStore } from "@mjflow/core/port";
import type { Replay } from "@mjflow/core/replay";
import { deliveriesOfFlow, listDeliveriesByFlow } from "@mjflow/engine/delivery-list";
import { createEndpoint, updateEndpoint } from "@mjflow/engine/endpoint";
import { countParked } from "@mjflow/engine/parked";
import { pressTask } from "@mjflow/engine/press";
import { cancelReplay, replayDelivery, startReplay } from "@mjflow/engine/replay";
import { beforeEach, describe, expect, test } from "vitest";
import { createTestHarness, type TestHarness } from "../support/harness.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const URL = "https://app.test/endpoint";

let harness: TestHarness;
let endpointId: string;
/** Whether the receiver answers. */
let isUp: boolean;
let ids: string[];

beforeEach(async () => {
  harness = createTestHarness();
  isUp = true;
  ids = [];
  harness.deps.webhooks.send = async ({ id }): Promise<PostOutcome> => {
    if (!isUp) return { kind: "unreachable", why: "reset", tookMs: 1 };
    ids.push(id);
    return { kind: "answered", status: 200, body: "", tookMs: 1 };
  };
  endpointId = (await createEndpoint(harness.deps, "app_a", { url: URL })).endpoint.id;
});

const endpoint = async () => (await harness.deps.webhookStore.endpoint("app_a", endpointId))!;
const parked = async () => (await countParked(harness.deps, await endpoint()))?.count;
const recoveries = async (): Promise<Replay[]> => harness.deps.webhookStore.replays("app_a");

async function pass(ms: number, stepMs = MINUTE): Promise<void> {
  for (let rest = ms; rest > 0; rest -= stepMs) {
    harness.advance(Math.min(stepMs, rest));
    await harness.sweep();
    await harness.drain();
  }
}

async function runFlow(): Promise<string> {
  const { id } = await harness.start();
  await harness.drain();
  harness.advance(10);
  await harness.finishAll();
  return id;
}

/** Opens the circuit breaker. The six events of two flows get rows: five faults open it, and the sixth is under way. */
async function goDown(): Promise<void> {
  isUp = false;
  await runFlow();
  await runFlow();
  expect((await endpoint()).openUntil).toBeGreaterThan(harness.deps.clock.now());
}

describe("while the breaker is open (D12)", () => {
  test("an event is parked without a row, a message, an attempt or a due time of its own", async () => {
    await goDown();
    const sent = harness.queue.depth();
    const attempts = harness.metrics.get("Deliveries");
    const flowId = await runFlow();
    expect(harness.metrics.get("Deliveries")).toBe(attempts);
    expect(await harness.deps.webhookStore.deliveriesOf(flowId)).toEqual([]);
    expect(harness.queue.depth()).toEqual(sent);
    expect(harness.metrics.get("EventsParked")).toBeGreaterThanOrEqual(3);
    const { flow } = await harness.deps.store.loadFlow(flowId);
    expect(flow).not.toHaveProperty("due");
  });

  test("parked events are listed with their status, and the endpoint says how many there are", async () => {
    await goDown();
    const flowId = await runFlow();
    const listed = await deliveriesOfFlow(harness.deps, "app_a", flowId);
    expect(listed.map(({ status, tries, attempts }) => [status, tries, attempts.length])).toEqual([
      ["parked", 0, 0],
      ["parked", 0, 0],
      ["parked", 0, 0],
    ]);
    const page = await listDeliveriesByFlow(harness.deps, { appId: "app_a", status: "parked", limit: 50 });
    expect(page.deliveries.length).toBe(await parked());
    expect(await parked()).toBe(3);
  });

  test("an event of a flow that is older than half an hour gets a row, because the recovery does not read that flow", async () => {
    const flow = await harness.start();
    await harness.finishAll();
    harness.advance(45 * MINUTE);
    await goDown();
    await pressTask(harness.deps, "app_a", taskIdOf(flow.id, "0"), { press: "U1" });
    await harness.drain();
    const rows = await harness.deps.webhookStore.deliveriesOf(flow.id);
    expect(rows.map(({ status, tries }) => [status, tries])).toEqual([["pending", 0]]);
    isUp = true;
    await pass(90 * MINUTE);
    expect(ids.some((id) => id.includes(flow.id.slice("flow_".length)) && id.includes("submitted"))).toBe(true);
  });
});

describe("a recovery (D12)", () => {
  test("sends every parked event once under its own id, those of a flow in their order, and the oldest flow first", async () => {
    await goDown();
    const flows: string[] = [];
    for (let i = 0; i < 20; i++) {
      flows.push(await runFlow());
      harness.advance(SECOND / 2);
    }
    isUp = true;
    await pass(15 * MINUTE);
    const ofFlows = flows.map((flow) => ids.filter((id) => id.includes(flow.slice("flow_".length))));
    for (const own of ofFlows)
      expect(own.map((id) => id.replace(/^.*?_(0|flow)_/, "$1 "))).toEqual([
        "0 submitted",
        "0 completed",
        "flow completed",
      ]);
    const firsts = ofFlows.map(([first]) => ids.indexOf(first!));
    expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
    expect(await parked()).toBeUndefined();
    expect((await recoveries()).map(({ status }) => status)).toEqual(["completed"]);
    expect(await endpoint()).not.toHaveProperty("due");
    expect(await endpoint()).not.toHaveProperty("parkedFrom");
  });

  test("has counts like a replay, and a delivery that it sends has no row", async () => {
    await goDown();
    const flowId = await runFlow();
    isUp = true;
    await pass(15 * MINUTE);
    const [{ id, listener, only, found, sent, failed, skipped }] = (await recoveries()) as [Replay];
    expect({ listener, only, found, sent, failed, skipped }).toEqual({
      listener: endpointId,
      only: "parked",
      found: 3,
      sent: 3,
      failed: 0,
      skipped: 0,
    });
    expect((await endpoint()).recovery).toBe(id);
    expect(await harness.deps.webhookStore.deliveriesOf(flowId)).toEqual([]);
    const listed = await deliveriesOfFlow(harness.deps, "app_a", flowId);
    expect(listed.map(({ status }) => status)).toEqual(["delivered", "delivered", "delivered"]);
  });

  test("begins although no new event comes: the sweeper starts it, and its first post is the trial", async () => {
    await goDown();
    await runFlow();
    isUp = true;
    harness.advance(10 * MINUTE);
    await harness.sweep();
    harness.advance(15 * SECOND);
    await harness.drain();
    expect(ids.length).toBeGreaterThan(0);
  });

  test("waits when the endpoint fails again, loses nothing, and is one replay for the whole outage", async () => {
    await goDown();
    const flows = [await runFlow(), await runFlow()];
    for (let i = 0; i < 3; i++) {
      await pass(20 * MINUTE);
      flows.push(await runFlow());
    }
    isUp = true;
    await pass(30 * MINUTE);
    for (const flow of flows) expect(ids.filter((id) => id.includes(flow.slice("flow_".length)))).toHaveLength(3);
    expect(new Set(ids).size).toBe(ids.length);
    expect(await recoveries()).toHaveLength(1);
    expect((await recoveries())[0]).toMatchObject({ status: "completed" });
  });

  test("of an endpoint that was disabled after five days begins when the app enables it, with all events of the outage", async () => {
    await goDown();
    const flow = await runFlow();
    await pass(5 * DAY + 2 * 60 * MINUTE, 10 * MINUTE);
    expect(await endpoint()).toMatchObject({ disabledWhy: "failing" });
    await pass(10 * DAY, DAY);
    const own = () => ids.filter((id) => id.includes(flow.slice("flow_".length)));
    expect(own()).toEqual([]);
    isUp = true;
    await updateEndpoint(harness.deps, "app_a", endpointId, { enabled: true });
    await pass(10 * MINUTE);
    expect(own()).toHaveLength(3);
    expect((await deliveriesOfFlow(harness.deps, "app_a", flow)).map(({ status }) => status)).not.toContain("parked");
  });

  test("begins at once when the app changes the URL", async () => {
    await goDown();
    await runFlow();
    isUp = true;
    await updateEndpoint(harness.deps, "app_a", endpointId, { url: "https://app.test/other" });
    await pass(2 * MINUTE);
    expect(ids.length).toBeGreaterThanOrEqual(3);
  });

  test("that the app cancels leaves its events parked, and a replay of all deliveries sends them", async () => {
    await goDown();
    const flow = await runFlow();
    isUp = true;
    harness.advance(10 * MINUTE);
    await harness.sweep();
    await cancelReplay(harness.deps, "app_a", (await recoveries())[0]!.id);
    await pass(15 * SECOND);
    expect(ids.filter((id) => id.includes(flow.slice("flow_".length)))).toEqual([]);
    expect((await deliveriesOfFlow(harness.deps, "app_a", flow)).map(({ status }) => status)).toContain("parked");
    await startReplay(harness.deps, "app_a", { listener: endpointId, only: "all" });
    await pass(MINUTE);
    expect(ids.filter((id) => id.includes(flow.slice("flow_".length)))).toHaveLength(3);
  });
});

describe("a crash (D12)", () => {
  test("between record and check is repaired by the next receive of the message: the event gets a row after a recovery", async () => {
    await goDown();
    const flow = await harness.start();
    await harness.drain();
    // The breaker closes after the worker has read the endpoint, and the worker crashes after its record.
    const read = harness.deps.webhookStore.endpoint;
    const stale = await endpoint();
    harness.hookFault.arm("endpoint", "before");
    const call = harness.vendor.calls.at(-1)!;
    harness.vendor.finished.add(call.id);
    await harness.post(call, "SUCCESS");
    await harness.drain();
    await harness.deps.webhookStore.saveEndpoint({
      ...stale,
      ...(await read("app_a", endpointId)),
      parkedFrom: undefined,
      openUntil: undefined,
      faults: undefined,
      due: undefined,
    });
    isUp = true;
    await pass(15 * MINUTE);
    const listed = await deliveriesOfFlow(harness.deps, "app_a", flow.id);
    expect(listed.filter(({ name }) => name === "completed").map(({ status }) => status)).not.toContain("parked");
  });

  test("of the sweeper at each write of the start of a recovery repeats the start", async () => {
    for (const [verb, skip] of [
      ["saveEndpoint", 0],
      ["saveEndpoint", 1],
      ["saveReplay", 0],
    ] as const)
      for (const when of ["before", "after"] as const) {
        harness = createTestHarness();
        ids = [];
        isUp = true;
        harness.deps.webhooks.send = async ({ id }): Promise<PostOutcome> => {
          if (!isUp) return { kind: "unreachable", why: "reset", tookMs: 1 };
          ids.push(id);
          return { kind: "answered", status: 200, body: "", tookMs: 1 };
        };
        endpointId = (await createEndpoint(harness.deps, "app_a", { url: URL })).endpoint.id;
        await goDown();
        const flow = await runFlow();
        isUp = true;
        harness.advance(10 * MINUTE);
        harness.hookFault.arm(verb, when, skip);
        await harness.sweep();
        await pass(15 * MINUTE);
        const own = ids.filter((id) => id.includes(flow.slice("flow_".length)));
        expect([verb, skip, when, new Set(own).size]).toEqual([verb, skip, when, 3]);
        expect(await parked()).toBeUndefined();
      }
  });
});

test("a receiver that works again and rejects the first events promptly gets all others at once", async () => {
  await goDown();
  const flows = [await runFlow(), await runFlow()];
  isUp = true;
  const send = harness.deps.webhooks.send;
  let rejects = 3;
  harness.deps.webhooks.send = async (post) =>
    rejects-- > 0 ? { kind: "answered", status: 422, body: "", tookMs: 1 } : send(post);
  await pass(2 * MINUTE, 15 * SECOND);
  expect(rejects).toBeLessThan(0);
  const statuses = await Promise.all(flows.map((flow) => deliveriesOfFlow(harness.deps, "app_a", flow)));
  expect(statuses.flat().map(({ status }) => status)).not.toContain("parked");
});

describe("an endpoint that is enabled again while its recovery ends (D12)", () => {
  /** The next step of the recovery finds the endpoint disabled. */
  async function recoverDisabled(): Promise<string> {
    await goDown();
    const flow = await runFlow();
    isUp = true;
    harness.advance(10 * MINUTE);
    await harness.sweep();
    await updateEndpoint(harness.deps, "app_a", endpointId, { enabled: false });
    return flow;
  }

  /** Calls `before` once, before the first write that fits. */
  function onceBefore<T extends "saveEndpoint" | "saveReplay">(
    verb: T,
    fits: (row: Parameters<WebhookStore[T]>[0]) => boolean,
    before: () => Promise<unknown>,
  ): void {
    const store: Pick<WebhookStore, "saveEndpoint" | "saveReplay"> = harness.deps.webhookStore;
    const save = store[verb] as (row: Parameters<WebhookStore[T]>[0]) => ReturnType<WebhookStore[T]>;
    const patched = async (row: Parameters<WebhookStore[T]>[0]) => {
      if (fits(row)) {
        Object.assign(store, { [verb]: save });
        await before();
      }
      return save(row);
    };
    Object.assign(store, { [verb]: patched });
  }

  const enable = () => updateEndpoint(harness.deps, "app_a", endpointId, { enabled: true });

  async function expectAllSent(flow: string): Promise<void> {
    await pass(60 * MINUTE);
    expect(new Set(ids.filter((id) => id.includes(flow.slice("flow_".length)))).size).toBe(3);
    expect(await parked()).toBeUndefined();
  }

  test("before its events are taken back: the endpoint is due, and they are sent", async () => {
    const flow = await recoverDisabled();
    const isTakeBack = ({ parkedFrom, disabledAt }: Endpoint) => parkedFrom !== undefined && disabledAt !== undefined;
    onceBefore("saveEndpoint", isTakeBack, enable);
    await expectAllSent(flow);
  });

  test("after its events were taken back: the replay that the sweeper has set back does not end as failed", async () => {
    const flow = await recoverDisabled();
    onceBefore(
      "saveReplay",
      ({ status }) => status === "failed",
      async () => {
        await enable();
        harness.advance(SECOND);
        await harness.sweep();
      },
    );
    await expectAllSent(flow);
  });
});

test("a parked delivery that is replayed alone gets a row, and the recovery does not send it again", async () => {
  await goDown();
  const flow = await runFlow();
  const [delivery] = await deliveriesOfFlow(harness.deps, "app_a", flow);
  await replayDelivery(harness.deps, "app_a", deliveryIdOf(delivery!));
  expect((await deliveriesOfFlow(harness.deps, "app_a", flow)).map(({ status }) => status).sort()).toEqual([
    "parked",
    "parked",
    "pending",
  ]);
  isUp = true;
  await pass(60 * MINUTE);
  const own = ids.filter((id) => id.includes(flow.slice("flow_".length)));
  expect([...new Set(own)].length).toBe(3);
  expect(own).toHaveLength(3);
});
