/** The delivery log: what it stores, who closes it, and how its deliveries are listed and replayed. */
import { deliveryIdOf } from "@mjflow/core/delivery";
import { mergedLog } from "@mjflow/core/delivery-log";
import { MjflowError } from "@mjflow/core/error";
import type { NotifyMessage } from "@mjflow/core/message";
import type { PostOutcome } from "@mjflow/core/port";
import { deliveriesOfFlow, getDelivery, listDeliveriesByFlow, listRows } from "@mjflow/engine/delivery-list";
import { createEndpoint, deleteEndpoint } from "@mjflow/engine/endpoint";
import { notifySubscribers } from "@mjflow/engine/notify";
import { pressTask } from "@mjflow/engine/press";
import { replayDelivery } from "@mjflow/engine/replay";
import { describe, expect, test } from "vitest";
import { createTestHarness, type TestHarness } from "../support/harness.ts";

const HOOK = "https://app.test/hook";
const MINUTE = 60_000;
const failed = (status = 500): PostOutcome => ({ kind: "answered", status, body: "", tookMs: 1 });
const THEN = [{ press: "U1" }, { press: "U2" }];

async function pass(harness: TestHarness, ms: number, stepMs = MINUTE): Promise<void> {
  for (let rest = ms; rest > 0; rest -= stepMs) {
    harness.advance(Math.min(stepMs, rest));
    await harness.sweep();
    await harness.drain();
  }
}

/** The notifications that are sent from now on. */
function messagesOf(harness: TestHarness): NotifyMessage[] {
  const sent: NotifyMessage[] = [];
  const send = harness.deps.queue.send.bind(harness.deps.queue);
  harness.deps.queue.send = (messages) => {
    for (const { message } of messages) if (message.type === "tell") sent.push(message);
    return send(messages);
  };
  return sent;
}

const logOf = (harness: TestHarness, flowId: string) => harness.deps.webhookStore.deliveryLog(flowId, 0);
const idsOf = (harness: TestHarness) => harness.receiver.posts.map(({ id }) => id);

describe("records", () => {
  test("a flow whose first attempts succeed has one record per event and no delivery row", async () => {
    const harness = createTestHarness();
    const { endpoint } = await createEndpoint(harness.deps, "app_a", { url: "https://app.test/endpoint" });
    const { id } = await harness.start({ notifyHook: HOOK, then: THEN });
    await harness.finishAll();
    const { records, isFlowEnded } = await logOf(harness, id);
    expect([...records.keys()].sort()).toEqual([
      "0-0.completed",
      "0-0.submitted",
      "0-1.completed",
      "0-1.submitted",
      "0.completed",
      "0.submitted",
      "flow.completed",
    ]);
    for (const { outcomes } of records.values()) {
      expect(outcomes).toEqual(
        new Map([
          [endpoint.id, 200],
          ["hook", 200],
        ]),
      );
    }
    expect(isFlowEnded).toBe(true);
    expect(await harness.deps.webhookStore.deliveriesOf(id)).toEqual([]);
    expect(harness.receiver.posts).toHaveLength(14);
  });

  test("what one invocation notifies of is one message and one write of the log", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ notifyHook: HOOK, then: THEN });
    const sent = messagesOf(harness);
    const { webhookStore } = harness.deps;
    const save = webhookStore.saveDeliveryRecords.bind(webhookStore);
    let writes = 0;
    webhookStore.saveDeliveryRecords = (...change) => {
      writes++;
      return save(...change);
    };
    await harness.finishAll();
    expect(
      sent.map(({ place, events, also = [] }) => [
        [place, ...events!],
        ...also.map((one) => [one.place, ...one.events]),
      ]),
    ).toEqual([
      [["0", "submitted"]],
      [["0", "completed"]],
      [
        ["0-0", "submitted"],
        ["0-1", "submitted"],
      ],
      [["0-0", "completed"]],
      [
        ["flow", "completed"],
        ["0-1", "completed"],
      ],
    ]);
    expect((await harness.read(flow)).flow).not.toHaveProperty("due");
    expect(writes).toBe(sent.length);
  });

  test("a version that needs a message for each event gets them", async () => {
    const harness = createTestHarness();
    Object.assign(harness.deps, { fanOut: "each" });
    await harness.start({ notifyHook: HOOK, then: THEN });
    const sent = messagesOf(harness);
    await harness.finishAll();
    expect(sent).toHaveLength(7);
    expect(sent.every(({ also }) => also === undefined)).toBe(true);
    expect(harness.receiver.posts).toHaveLength(7);
  });

  test("a version that does not know further subjects notifies of the first, and the sweeper finds the others", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ notifyHook: HOOK, then: THEN });
    const send = harness.deps.queue.send.bind(harness.deps.queue);
    harness.deps.queue.send = (messages) =>
      send(
        messages.map((one) => ({
          ...one,
          message: { ...one.message, ...(one.message.type === "tell" && { also: undefined }) },
        })),
      );
    await harness.finishAll();
    expect(harness.receiver.posts).toHaveLength(5);
    await pass(harness, 15 * MINUTE);
    expect(new Set(idsOf(harness)).size).toBe(7);
    expect((await harness.read(flow)).flow).not.toHaveProperty("due");
  });

  test("the flow has no due time and no pending effect when its last event has a record", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ notifyHook: HOOK, then: THEN });
    await harness.finishAll();
    const { flow: ended } = await harness.read(flow);
    expect(ended).not.toHaveProperty("due");
    expect(ended).not.toHaveProperty("pendingEffects");
    expect(harness.metrics.get("ClosedBySweeper")).toBeUndefined();
  });

  test("a flow without a subscriber of its own end is closed too", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ notifyHook: HOOK, events: ["task.completed"], then: THEN });
    await harness.finishAll();
    expect((await harness.read(flow)).flow).not.toHaveProperty("due");
    expect(harness.metrics.get("ClosedBySweeper")).toBeUndefined();
  });

  test("a flow with a large plan has several log rows, and is closed when all of them are complete", async () => {
    const harness = createTestHarness();
    const more = ["V1", "V2", "V3", "V4"].map((press) => ({ press, then: [{ press: "U1" }] }));
    const flow = await harness.start({ notifyHook: HOOK, then: more });
    await harness.finishAll();
    const { flow: ended } = await harness.read(flow);
    expect(ended).toMatchObject({ logRows: 2 });
    expect(ended).not.toHaveProperty("due");
    const rows = [0, 1].map((row) => harness.deps.webhookStore.deliveryLog(flow.id, row));
    const logs = await Promise.all(rows);
    expect(logs.every(({ records }) => records.size > 0)).toBe(true);
    expect(mergedLog(logs).records.size).toBe(19);
  });

  test("a late message of an earlier event keeps the notification of an end whose images are being archived", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ notifyHook: HOOK, archive: true });
    await harness.drain();
    await harness.deps.store.saveTask({
      ...(await harness.read(flow)).tasks.get("0")!,
      status: "SUCCESS",
      pendingEffects: ["archive", "tell"],
    });
    await notifySubscribers(harness.deps, { flowId: flow.id, place: "0", events: ["submitted"] });
    const { tasks } = await harness.read(flow);
    expect(tasks.get("0")?.pendingEffects).toEqual(["archive", "tell"]);
  });

  test("a failed first attempt gets a delivery row, and the record names it", async () => {
    const harness = createTestHarness();
    harness.receiver.next(failed());
    const { id } = await harness.start({ notifyHook: HOOK, events: ["flow.completed"] });
    await harness.finishAll();
    expect((await logOf(harness, id)).records.get("flow.completed")?.outcomes.get("hook")).toBe("row");
    expect(await harness.deps.webhookStore.deliveriesOf(id)).toMatchObject([{ status: "pending", tries: 1 }]);
    await pass(harness, MINUTE);
    expect(await harness.deps.webhookStore.deliveriesOf(id)).toMatchObject([{ status: "delivered", tries: 2 }]);
    expect(new Set(idsOf(harness)).size).toBe(1);
  });

  test("an event of a deleted endpoint gets an empty record, so that the flow is closed", async () => {
    const harness = createTestHarness();
    const { endpoint } = await createEndpoint(harness.deps, "app_a", { url: "https://app.test/endpoint" });
    const flow = await harness.start();
    await deleteEndpoint(harness.deps, "app_a", endpoint.id);
    await harness.finishAll();
    expect(harness.receiver.posts).toEqual([]);
    expect((await harness.read(flow)).flow).not.toHaveProperty("due");
  });
});

describe("events whose message is lost", () => {
  function loseMessages(harness: TestHarness): void {
    for (let records = harness.queue.receive(10); records.length > 0; records = harness.queue.receive(10))
      for (const { receiptHandle } of records) harness.queue.delete(receiptHandle);
  }

  test("the sweeper sends them again while the flow runs, and after its end", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ notifyHook: HOOK });
    await harness.drain();
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    loseMessages(harness);
    const sent = harness.receiver.posts.length;
    await pass(harness, 10 * MINUTE);
    expect(harness.receiver.posts.length).toBe(3);
    expect(sent).toBeLessThan(3);
    expect((await harness.read(flow)).flow).not.toHaveProperty("due");
  });

  test("a message that the queue rejects is sent again within a minute and a half", async () => {
    const harness = createTestHarness();
    await harness.start({ notifyHook: HOOK, events: ["task.completed"] });
    await harness.drain();
    harness.queueFault.arm("send", "before");
    await harness.post(harness.vendor.calls[0]!, "SUCCESS").catch(() => {});
    await pass(harness, 90_000, 30_000);
    expect(harness.receiver.posts).toHaveLength(1);
  });

  test("a worker that crashes after the post and before the record posts again under the same id", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ notifyHook: HOOK, events: ["task.submitted"] });
    harness.hookFault.arm("saveDeliveryRecords", "before");
    await harness.finishAll().catch(() => {});
    await pass(harness, 15 * MINUTE);
    expect(harness.receiver.posts.length).toBe(2);
    expect(new Set(idsOf(harness)).size).toBe(1);
    expect((await harness.read(flow)).flow).not.toHaveProperty("due");
  });

  test("a throttled row of a failing endpoint repeats no post to the others", async () => {
    const harness = createTestHarness();
    await createEndpoint(harness.deps, "app_a", { url: "https://down.test/endpoint", events: ["flow.completed"] });
    const send = harness.deps.webhooks.send;
    harness.deps.webhooks.send = (post) =>
      post.url.startsWith("https://down.test") ? Promise.resolve(failed()) : send(post);
    const { saveEndpoint } = harness.deps.webhookStore;
    harness.deps.webhookStore.saveEndpoint = async (endpoint) => {
      if (endpoint.url !== undefined) throw new MjflowError("overloaded");
      return saveEndpoint(endpoint);
    };
    await harness.start({ notifyHook: HOOK, then: THEN });
    await harness.finishAll();
    await pass(harness, 20 * MINUTE);
    expect(idsOf(harness)).toHaveLength(7);
    expect(harness.log.join()).toContain("endpoint.health-not-stored");
  });

  test("a worker that crashes before it closes the flow leaves that to the sweeper", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ notifyHook: HOOK, events: ["flow.completed"] });
    await harness.drain();
    harness.storeFault.arm("saveFlow", "before", 1);
    await harness.finishAll().catch(() => {});
    expect((await harness.read(flow)).flow.due).toBeDefined();
    await pass(harness, 10 * MINUTE);
    expect((await harness.read(flow)).flow).not.toHaveProperty("due");
    expect(new Set(idsOf(harness)).size).toBe(1);
  });

  test("two workers with one message post twice, and one record stays", async () => {
    const harness = createTestHarness();
    const { id } = await harness.start({ notifyHook: HOOK, events: ["task.submitted"] });
    await harness.drain();
    const before = await logOf(harness, id);
    harness.advance(1);
    await harness.deps.queue.send([{ message: { v: 1, type: "tell", flowId: id, place: "0", events: ["submitted"] } }]);
    await harness.drain();
    expect(harness.metrics.get("Reposted")).toBe(1);
    expect((await logOf(harness, id)).records).toEqual(before.records);
    expect(new Set(idsOf(harness)).size).toBe(1);
  });

  test("a message of an earlier version, which names no event, sends only events without a record", async () => {
    const harness = createTestHarness();
    const { id } = await harness.start({ notifyHook: HOOK });
    await harness.drain();
    await harness.deps.queue.send([{ message: { v: 1, type: "tell", flowId: id, place: "0" } }]);
    await harness.drain();
    expect(harness.receiver.posts).toHaveLength(1);
  });
});

describe("presses by the app after the end of the flow", () => {
  test("the events of a press are recorded, and the press keeps its own due time until then", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ notifyHook: HOOK });
    await harness.finishAll();
    const press = await pressTask(harness.deps, "app_a", `task_${flow.id.slice(5)}_0`, { press: "U2" });
    await harness.finishAll();
    const { records } = await logOf(harness, flow.id);
    expect([...records.keys()].filter((key) => key.startsWith(press.path)).sort()).toEqual([
      `${press.path}.completed`,
      `${press.path}.submitted`,
    ]);
    const { tasks } = await harness.read(flow);
    expect(tasks.get(press.path)).not.toHaveProperty("due");
    expect(tasks.get(press.path)).not.toHaveProperty("pendingEffects");
  });
});

describe("listing and replay", () => {
  async function withFlows(count: number) {
    const harness = createTestHarness();
    const { endpoint } = await createEndpoint(harness.deps, "app_a", { url: "https://app.test/endpoint" });
    const flows = [];
    for (let i = 0; i < count; i++) {
      harness.advance(1_000);
      flows.push(await harness.start());
      if (i === 1) harness.receiver.next(failed());
      await harness.finishAll();
    }
    await pass(harness, MINUTE);
    return { harness, endpoint, flows };
  }

  test("the deliveries of a flow are listed exactly, each once, with and without a row", async () => {
    const { harness, flows } = await withFlows(2);
    const all = await deliveriesOfFlow(harness.deps, "app_a", flows[1]!.id);
    expect(all.map(({ name, status, tries }) => [name, status, tries])).toEqual([
      ["completed", "delivered", 1],
      ["submitted", "delivered", 2],
      ["completed", "delivered", 1],
    ]);
    for (const delivery of all) {
      expect(await getDelivery(harness.deps, "app_a", deliveryIdOf(delivery))).toEqual(delivery);
      expect(delivery.attempts).toHaveLength(delivery.tries);
    }
    expect(await deliveriesOfFlow(harness.deps, "app_b", flows[1]!.id)).toEqual([]);
  });

  test("pages contain each delivery once, the newest flow first, with any page size", async () => {
    const { harness, endpoint, flows } = await withFlows(4);
    const whole = await listDeliveriesByFlow(harness.deps, { appId: "app_a", limit: 100 });
    expect(whole.deliveries).toHaveLength(12);
    expect(whole.cursor).toBeUndefined();
    expect([...new Set(whole.deliveries.map(({ flowId }) => flowId))]).toEqual(flows.map(({ id }) => id).toReversed());
    for (const limit of [1, 2, 3, 5]) {
      const ids: string[] = [];
      let cursor: string | undefined;
      do {
        const query = { appId: "app_a", listener: endpoint.id, limit, cursor };
        const page = await listDeliveriesByFlow(harness.deps, query);
        ids.push(...page.deliveries.map(deliveryIdOf));
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect(ids).toEqual(whole.deliveries.map(deliveryIdOf));
    }
  });

  test("bounds select deliveries by their creation, and a cursor of another app is rejected", async () => {
    const { harness, flows } = await withFlows(3);
    const { createdAt } = flows[1]!;
    const query = { appId: "app_a", since: createdAt, until: createdAt + 500, limit: 100 };
    const { deliveries } = await listDeliveriesByFlow(harness.deps, query);
    expect(new Set(deliveries.map(({ flowId }) => flowId))).toEqual(new Set([flows[1]!.id]));
    const { cursor } = await listDeliveriesByFlow(harness.deps, { appId: "app_a", limit: 1 });
    const noTime = Buffer.from(JSON.stringify(["app_b", 9e15, flows[0]!.id, ""])).toString("base64url");
    for (const broken of [cursor, "x", noTime]) {
      const foreign = listDeliveriesByFlow(harness.deps, { appId: "app_b", limit: 1, cursor: broken });
      await expect(foreign).rejects.toMatchObject({ code: "invalid_request", field: "cursor" });
    }
  });

  test("failed deliveries are listed by their own rows", async () => {
    const { harness, endpoint } = await withFlows(1);
    harness.receiver.next(failed(410));
    await harness.start();
    await harness.finishAll();
    const { deliveries } = await listRows(harness.deps, { appId: "app_a", status: "failed", limit: 10 });
    expect(deliveries).toMatchObject([{ listener: endpoint.id, failure: "endpoint_gone" }]);
  });

  test("a delivery without a row is replayed under the same id, and its row has both attempts", async () => {
    const { harness, flows } = await withFlows(1);
    const [delivery] = await deliveriesOfFlow(harness.deps, "app_a", flows[0]!.id);
    const before = harness.receiver.posts.length;
    expect(await replayDelivery(harness.deps, "app_a", deliveryIdOf(delivery!))).toMatchObject({ status: "pending" });
    await harness.drain();
    expect(harness.receiver.posts).toHaveLength(before + 1);
    expect(idsOf(harness).slice(0, before)).toContain(idsOf(harness)[before]);
    const replayed = await getDelivery(harness.deps, "app_a", deliveryIdOf(delivery!));
    expect(replayed).toMatchObject({ status: "delivered", tries: 1 });
    expect(replayed.attempts).toHaveLength(2);
    expect(await deliveriesOfFlow(harness.deps, "app_a", flows[0]!.id)).toHaveLength(3);
  });
});
