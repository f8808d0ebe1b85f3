import { deliveryIdOf, RETRY_SCHEDULE_MS } from "@mjflow/core/delivery";
import { DISABLE_AFTER_FAILING_MS } from "@mjflow/core/endpoint";
import { archiveMessage } from "@mjflow/core/message";
import type { PostOutcome } from "@mjflow/core/port";
import { deliveriesOfFlow, listDeliveriesByFlow } from "@mjflow/engine/delivery-list";
import { nextPayloadOf } from "@mjflow/engine/delivery-payload";
import { createEndpoint, rotateSecret, updateEndpoint } from "@mjflow/engine/endpoint";
import { replayDelivery, startReplay } from "@mjflow/engine/replay";
import { sendTestEvent } from "@mjflow/engine/test-event";
import { VaultError } from "@mjflow/engine/vault";
import { taskView } from "@mjflow/engine/view";
import { describe, expect, test } from "vitest";
import { createTestHarness, type TestHarness } from "../support/harness.ts";

const HOOK = "https://app.test/hook";
const HOUR = 3_600_000;
const answered = (status: number, more: Partial<Extract<PostOutcome, { kind: "answered" }>> = {}): PostOutcome => ({
  kind: "answered",
  status,
  body: "",
  tookMs: 1,
  ...more,
});

const receivedTypes = ({ receiver }: TestHarness) => receiver.posts.map(({ body }) => body.type as string).sort();

/** Lets time pass, with a sweep and a drain after each step. */
async function pass(harness: TestHarness, ms: number, stepMs = 60_000): Promise<void> {
  for (let rest = ms; rest > 0; rest -= stepMs) {
    harness.advance(Math.min(stepMs, rest));
    await harness.sweep();
    await harness.drain();
  }
}

describe("webhooks to a flow's notifyHook", () => {
  test("a notifyHook receives each task's submission and end and the flow's end, once, signed and with the flow's state", async () => {
    const harness = createTestHarness();
    await harness.start({ notifyHook: HOOK, state: '🛶 "x"', then: [{ press: "U1" }] });
    await harness.finishAll();
    expect(receivedTypes(harness)).toEqual([
      "flow.completed",
      "task.completed",
      "task.completed",
      "task.submitted",
      "task.submitted",
    ]);
    expect(new Set(harness.receiver.posts.map(({ id }) => id)).size).toBe(5);
    for (const { body, secrets, url } of harness.receiver.posts) {
      expect(body.data.state).toBe('🛶 "x"');
      expect(secrets).toHaveLength(1);
      expect(url).toBe(HOOK);
    }
  });

  test("a notifyHook receives only the events that the request names", async () => {
    const harness = createTestHarness();
    await harness.start({ notifyHook: HOOK, events: ["flow.completed"], then: [{ press: "U1" }] });
    await harness.finishAll();
    expect(receivedTypes(harness)).toEqual(["flow.completed"]);
  });

  test("a flow without subscribers sends no messages and stores no pending effects", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ then: [{ press: "U1" }] });
    await harness.finishAll();
    expect(harness.receiver.posts).toEqual([]);
    expect(harness.metrics.get("Told")).toBeUndefined();
    const { tasks } = await harness.read(flow);
    for (const task of tasks.values()) expect(task).not.toHaveProperty("pendingEffects");
  });

  test("a notifyHook receives task.modal, also if the message of the notification is lost", async () => {
    const harness = createTestHarness();
    harness.vendor.next(({ id }) => ({ kind: "modal", vendorTaskId: id }));
    const flow = await harness.start({ notifyHook: HOOK });
    harness.queueFault.arm("send", "before", 1);
    await harness.drain().catch(() => {});
    await pass(harness, 2 * 60_000);
    expect(receivedTypes(harness)).toContain("task.modal");
    expect((await harness.read(flow)).tasks.get("0")).toMatchObject({ status: "MODAL" });
    expect((await harness.read(flow)).tasks.get("0")).not.toHaveProperty("pendingEffects");
  });

  test("a notifyHook receives a failure as task.failed with its failure code", async () => {
    const harness = createTestHarness();
    await harness.start({ notifyHook: HOOK, events: ["task.failed", "flow.failed"] });
    await harness.drain();
    await harness.post(harness.vendor.calls[0]!, "FAILURE", { failReason: "banned prompt" });
    await harness.drain();
    expect(receivedTypes(harness)).toEqual(["flow.failed", "task.failed"]);
    const failed = harness.receiver.posts.find(({ body }) => body.type === "task.failed")!;
    expect(failed.body.data.failure).toMatchObject({ code: "banned_prompt" });
  });
});

describe("the payload of a delivery", () => {
  const payloadOf = async (harness: TestHarness, listener: string, type: string) => {
    const [flow] = (await harness.deps.store.listFlows("app_a", 1)).flows;
    const all = await deliveriesOfFlow(harness.deps, "app_a", flow!.id);
    const delivery = all.find((each) => each.listener === listener && each.type === type)!;
    return { delivery, payload: await nextPayloadOf(harness.deps, delivery) };
  };

  test.each(["task.completed", "flow.completed"] as const)(
    "the payload of %s is to the byte what a replay posts, to an endpoint and to a notifyHook",
    async (type) => {
      const harness = createTestHarness();
      const { endpoint } = await createEndpoint(harness.deps, "app_a", { url: "https://app.test/e", events: [type] });
      await harness.start({ notifyHook: HOOK, events: [type], state: '🛶 "x"' });
      await harness.finishAll();
      for (const [listener, url] of [
        [endpoint.id, "https://app.test/e"],
        ["hook", HOOK],
      ] as const) {
        const { delivery, payload } = await payloadOf(harness, listener, type);
        await replayDelivery(harness.deps, "app_a", deliveryIdOf(delivery));
        await harness.drain();
        const post = harness.receiver.posts.at(-1)!;
        expect(post.url).toBe(url);
        expect(payload).toBe(JSON.stringify(post.body));
        for (const secret of post.secrets) expect(payload).not.toContain(secret);
        expect(payload).not.toMatch(/signature|webhook-id|whsec_/);
      }
    },
  );

  test("a delivery has the first characters of each response, also after a replay", async () => {
    const harness = createTestHarness();
    await harness.start({ notifyHook: HOOK, events: ["flow.completed"] });
    harness.receiver.next(answered(500, { body: "<b>first</b>\n" }), answered(200, { body: "second" }));
    await harness.finishAll();
    const { delivery } = await payloadOf(harness, "hook", "flow.completed");
    expect(delivery.attempts.map(({ status, body }) => [status, body])).toEqual([[500, "<b>first</b>"]]);
    await replayDelivery(harness.deps, "app_a", deliveryIdOf(delivery));
    await harness.drain();
    const { delivery: after } = await payloadOf(harness, "hook", "flow.completed");
    expect(after.attempts.map(({ status, body }) => [status, body])).toEqual([
      [500, "<b>first</b>"],
      [200, "second"],
    ]);
  });

  test("there is no payload when the flow is gone", async () => {
    const harness = createTestHarness();
    await harness.start({ notifyHook: HOOK, events: ["flow.completed", "task.completed"] });
    await harness.finishAll();
    for (const type of ["flow.completed", "task.completed"]) {
      const { delivery } = await payloadOf(harness, "hook", type);
      const gone = { ...delivery, flowId: "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD" };
      expect(await nextPayloadOf(harness.deps, gone)).toBeNull();
    }
  });
});

describe("webhook endpoints", () => {
  const endpoint = (harness: TestHarness, more = {}) =>
    createEndpoint(harness.deps, "app_a", { url: "https://app.test/endpoint", ...more });

  test("an endpoint receives the events of every flow of its app and of no other app", async () => {
    const harness = createTestHarness();
    await endpoint(harness, { events: ["flow.completed"] });
    await createEndpoint(harness.deps, "app_b", { url: "https://other.test", events: ["flow.completed"] });
    await harness.start();
    await harness.finishAll();
    expect(harness.receiver.posts.map(({ url }) => url)).toEqual(["https://app.test/endpoint"]);
  });

  test("a receiver that hangs is given up after 3 s at the first attempt and after 15 s at the second", async () => {
    const harness = createTestHarness();
    await endpoint(harness, { events: ["flow.completed"] });
    await harness.start({ notifyHook: HOOK, events: ["flow.completed"] });
    const hanging: PostOutcome = { kind: "unreachable", why: "timeout", tookMs: 3_000 };
    harness.receiver.next(hanging, hanging);
    await harness.finishAll();
    await pass(harness, 60_000, 10_000);
    expect(harness.receiver.posts.map(({ timeoutMs }) => timeoutMs)).toEqual([3_000, 3_000, 15_000, 15_000]);
  });

  test("an endpoint that fails nine times receives the tenth attempt under the same id within three days", async () => {
    const harness = createTestHarness();
    await endpoint(harness, { events: ["flow.completed"] });
    await harness.start();
    harness.receiver.next(...Array.from({ length: 9 }, (_, i) => answered(i % 2 ? 500 : 302)));
    await harness.finishAll();
    await pass(harness, 90 * HOUR, 10 * 60_000);
    expect(harness.receiver.posts).toHaveLength(10);
    expect(new Set(harness.receiver.posts.map(({ id }) => id)).size).toBe(1);
    const { deliveries } = await harness.deps.webhookStore.listDeliveries({
      appId: "app_a",
      listeners: [(await harness.deps.webhookStore.endpoints("app_a"))[0]!.id],
      limit: 10,
    });
    expect(deliveries).toMatchObject([{ status: "delivered", tries: 10 }]);
    expect(deliveries[0]!.attempts.at(-1)).toMatchObject({ status: 200 });
  });

  test("a delivery to an endpoint that never responds fails after ten scheduled attempts and can be replayed", async () => {
    const harness = createTestHarness();
    const { endpoint: made } = await endpoint(harness, { events: ["flow.completed"] });
    await harness.start();
    harness.receiver.next(
      ...Array.from({ length: 10 }, () => ({ kind: "unreachable" as const, why: "reset", tookMs: 1 })),
    );
    await harness.finishAll();
    await pass(harness, 90 * HOUR, 5 * 60_000);
    expect(harness.receiver.posts).toHaveLength(RETRY_SCHEDULE_MS.length);
    const query = { appId: "app_a", listeners: [made.id], limit: 10 };
    const [given] = (await harness.deps.webhookStore.listDeliveries(query)).deliveries;
    expect(given).toMatchObject({ status: "failed", failure: "exhausted" });
    expect(harness.metrics.get("DeliveriesGivenUp")).toBe(1);
    const { id } = await startReplay(harness.deps, "app_a", { listener: made.id, only: "failed" });
    await harness.drain();
    expect(await harness.deps.webhookStore.replay("app_a", id)).toMatchObject({
      status: "completed",
      found: 1,
      sent: 1,
    });
    expect(harness.receiver.posts).toHaveLength(11);
    expect((await harness.deps.webhookStore.delivery(deliveryIdOf(given!)))!.status).toBe("delivered");
  });

  test("the next attempt waits at least for the Retry-After of the endpoint", async () => {
    const harness = createTestHarness();
    await endpoint(harness, { events: ["flow.completed"] });
    await harness.start();
    harness.receiver.next(answered(429, { retryAfterMs: HOUR }));
    await harness.finishAll();
    await pass(harness, HOUR - 120_000);
    expect(harness.receiver.posts).toHaveLength(1);
    await pass(harness, 4 * 60_000);
    expect(harness.receiver.posts).toHaveLength(2);
  });

  test("an endpoint that responds with 410 is disabled at once, and the other endpoints receive endpoint.disabled", async () => {
    const harness = createTestHarness();
    const { endpoint: gone } = await endpoint(harness, { events: ["flow.completed"] });
    await createEndpoint(harness.deps, "app_a", { url: "https://app.test/watch", events: ["endpoint.disabled"] });
    await harness.start();
    harness.receiver.next(answered(410));
    await harness.finishAll();
    await pass(harness, 2 * 60_000);
    expect(await harness.deps.webhookStore.endpoint("app_a", gone.id)).toMatchObject({ disabledWhy: "gone" });
    const [, notification] = harness.receiver.posts;
    expect(notification).toMatchObject({
      url: "https://app.test/watch",
      body: { type: "endpoint.disabled", data: { id: gone.id } },
    });
  });

  test("an endpoint that only fails for five days is disabled, and one success restarts this period", async () => {
    const harness = createTestHarness();
    const { endpoint: made } = await endpoint(harness, { events: ["flow.completed"] });
    const failing = () => ({ kind: "unreachable" as const, why: "timeout", tookMs: 15_000 });
    const stored = () => harness.deps.webhookStore.endpoint("app_a", made.id);
    harness.receiver.next(failing());
    await harness.start();
    await harness.finishAll();
    expect((await stored())!.failingSince).toBeDefined();
    await pass(harness, 60_000, 10_000);
    expect((await stored())!.failingSince).toBeUndefined();
    for (let day = 0; day < 5; day++) {
      harness.receiver.next(...Array.from({ length: 40 }, failing));
      await harness.start();
      await harness.finishAll();
      expect((await stored())!.disabledAt).toBeUndefined();
      harness.advance(DISABLE_AFTER_FAILING_MS / 5);
    }
    await harness.start();
    await harness.finishAll();
    await pass(harness, 60_000);
    expect(await stored()).toMatchObject({ disabledWhy: "failing" });
    const before = harness.receiver.posts.length;
    await harness.start();
    await harness.finishAll();
    await pass(harness, HOUR, 10 * 60_000);
    expect(harness.receiver.posts).toHaveLength(before);
  });

  test("an endpoint that is enabled again has no recorded failures and receives failed deliveries by a replay", async () => {
    const harness = createTestHarness();
    const { endpoint: made } = await endpoint(harness, { events: ["flow.completed"] });
    await harness.start();
    harness.receiver.next(answered(410));
    await harness.finishAll();
    await updateEndpoint(harness.deps, "app_a", made.id, { enabled: true });
    await startReplay(harness.deps, "app_a", { listener: made.id, only: "failed" });
    await harness.drain();
    expect(harness.receiver.posts).toHaveLength(2);
    expect(await harness.deps.webhookStore.endpoint("app_a", made.id)).not.toHaveProperty("disabledAt");
  });

  test("webhooks are signed with both secrets of an endpoint until the overlap is over", async () => {
    const harness = createTestHarness();
    const { endpoint: made, secret: first } = await endpoint(harness, { events: ["flow.completed"] });
    const { secret: second } = await rotateSecret(harness.deps, "app_a", made.id, HOUR);
    await harness.start();
    await harness.finishAll();
    expect(harness.receiver.posts[0]!.secrets).toEqual([second, first]);
    harness.advance(HOUR + 1);
    await harness.start();
    await harness.finishAll();
    expect(harness.receiver.posts[1]!.secrets).toEqual([second]);
  });

  test("a delivery whose secret cannot be decrypted says so, blames no endpoint, and succeeds with the vault key", async () => {
    const harness = createTestHarness();
    const { endpoint: made } = await endpoint(harness, { events: ["flow.completed"] });
    await endpoint(harness, { url: "https://other.test/hook", events: ["flow.completed"] });
    const { open } = harness.deps.vault;
    harness.deps.vault.open = (sealed, context) => {
      if (context.endsWith(made.id)) throw new VaultError("The secret is encrypted with another vault key");
      return open(sealed, context);
    };
    const flow = await harness.start();
    await harness.finishAll();
    await pass(harness, 8 * 24 * HOUR, HOUR);
    // The other endpoint got its webhook: one unreadable secret stops nothing else.
    expect(harness.receiver.posts.map(({ url }) => url)).toEqual(["https://other.test/hook"]);
    const [failed] = (await harness.deps.webhookStore.deliveriesOf(flow.id)).filter((d) => d.listener === made.id);
    expect(failed).toMatchObject({ status: "failed", failure: "secret_unreadable", tries: 10 });
    expect(failed!.attempts.map(({ why, status }) => [why, status])).toEqual(
      failed!.attempts.map(() => ["secret_unreadable", undefined]),
    );
    expect(await harness.deps.webhookStore.endpoint("app_a", made.id)).not.toHaveProperty("failingSince");
    expect(harness.metrics.get("SecretsUnreadable")).toBe(10);
    expect(await sendTestEvent(harness.deps, "app_a", made.id)).toMatchObject({
      delivered: false,
      outcome: { why: "secret_unreadable" },
    });
    harness.deps.vault.open = open;
    await replayDelivery(harness.deps, "app_a", deliveryIdOf(failed!));
    await harness.drain();
    expect(harness.receiver.posts).toHaveLength(2);
  });

  test("a webhook is signed with the secret that can be decrypted if only one of two can", async () => {
    const harness = createTestHarness();
    const { endpoint: made } = await endpoint(harness, { events: ["flow.completed"] });
    const previous = (await harness.deps.webhookStore.endpoint("app_a", made.id))!.secrets[0]!.sealed;
    const { secret } = await rotateSecret(harness.deps, "app_a", made.id, HOUR);
    const { open } = harness.deps.vault;
    harness.deps.vault.open = (sealed, context) => {
      if (sealed === previous) throw new VaultError("The secret is encrypted with another vault key");
      return open(sealed, context);
    };
    await harness.start();
    await harness.finishAll();
    expect(harness.receiver.posts.map(({ secrets }) => secrets)).toEqual([[secret]]);
  });

  test("a test event can be sent to a disabled endpoint, and nothing of it is stored", async () => {
    const harness = createTestHarness();
    const { endpoint: made } = await endpoint(harness);
    await updateEndpoint(harness.deps, "app_a", made.id, { enabled: false });
    harness.receiver.next(answered(500));
    expect(await sendTestEvent(harness.deps, "app_a", made.id)).toMatchObject({
      delivered: false,
      outcome: { status: 500 },
    });
    expect(await sendTestEvent(harness.deps, "app_a", made.id)).toMatchObject({ delivered: true });
    expect(receivedTypes(harness)).toEqual(["endpoint.test", "endpoint.test"]);
    expect(harness.receiver.posts[0]!.secrets).toHaveLength(1);
    await expect(sendTestEvent(harness.deps, "app_b", made.id)).rejects.toMatchObject({ code: "not_found" });
    const query = { appId: "app_a", listeners: [made.id], limit: 10 };
    expect((await harness.deps.webhookStore.listDeliveries(query)).deliveries).toEqual([]);
  });

  test("an app cannot replay the deliveries of another app", async () => {
    const harness = createTestHarness();
    await endpoint(harness, { events: ["flow.completed"] });
    const flow = await harness.start();
    await harness.finishAll();
    const [delivery] = await deliveriesOfFlow(harness.deps, "app_a", flow.id);
    await expect(replayDelivery(harness.deps, "app_b", deliveryIdOf(delivery!))).rejects.toMatchObject({
      code: "not_found",
    });
  });
});

describe("circuit breaker of an endpoint", () => {
  const hanging = (): PostOutcome => ({ kind: "unreachable", why: "timeout", tookMs: 3_000 });
  const deliveriesOf = async (harness: TestHarness, listener: string) =>
    (await listDeliveriesByFlow(harness.deps, { appId: "app_a", listener, limit: 100 })).deliveries;

  async function withOpenBreaker() {
    const harness = createTestHarness();
    const fields = { url: "https://app.test/endpoint", events: ["flow.completed" as const] };
    const { endpoint: made } = await createEndpoint(harness.deps, "app_a", fields);
    harness.receiver.next(...Array.from({ length: 5 }, hanging));
    for (let i = 0; i < 5; i++) await harness.start();
    await harness.finishAll();
    return { harness, made, stored: () => harness.deps.webhookStore.endpoint("app_a", made.id) };
  }

  test("an endpoint that fails five times in a row gets no post while its breaker is open, and no attempt is counted", async () => {
    const { harness, made, stored } = await withOpenBreaker();
    expect(await stored()).toMatchObject({ faults: 5, opens: 1 });
    expect(harness.metrics.get("BreakersOpened")).toBe(1);
    const before = harness.receiver.posts.length;
    await harness.start();
    await harness.finishAll();
    await pass(harness, 20_000, 10_000);
    expect(harness.receiver.posts).toHaveLength(before);
    expect((await deliveriesOf(harness, made.id)).filter(({ tries }) => tries === 0)).toHaveLength(1);
  });

  test("after the open time one event is the trial, and after its success every event is delivered", async () => {
    const { harness, made, stored } = await withOpenBreaker();
    harness.advance(31_000);
    const before = harness.receiver.posts.length;
    for (let i = 0; i < 3; i++) await harness.start();
    const posts = harness.receiver.posts;
    const { receive } = harness.receiver;
    let trials = 0;
    let answeredTrial = false;
    harness.deps.webhooks.send = async (webhook) => {
      if (answeredTrial) return receive(webhook);
      trials++;
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      answeredTrial = true;
      return receive(webhook);
    };
    await harness.finishAll();
    expect(trials).toBe(1);
    expect(posts.length - before).toBeGreaterThan(0);
    expect(await stored()).not.toHaveProperty("openUntil");
    await pass(harness, 30 * 60_000);
    expect((await deliveriesOf(harness, made.id)).map(({ status }) => status)).toEqual(Array(8).fill("delivered"));
  });

  test("a trial that fails doubles the open time", async () => {
    const { harness, stored } = await withOpenBreaker();
    harness.advance(31_000);
    harness.receiver.next(hanging());
    await harness.start();
    await harness.finishAll();
    const { openUntil } = (await stored())!;
    expect(openUntil! - harness.deps.clock.now()).toBe(60_000);
  });

  test("an endpoint that rejects one kind of event with 400 keeps its breaker closed", async () => {
    const harness = createTestHarness();
    const fields = { url: "https://app.test/endpoint", events: ["flow.completed" as const] };
    const { endpoint: made } = await createEndpoint(harness.deps, "app_a", fields);
    harness.receiver.next(...Array.from({ length: 8 }, () => answered(400)));
    for (let i = 0; i < 8; i++) await harness.start();
    await harness.finishAll();
    expect(await harness.deps.webhookStore.endpoint("app_a", made.id)).not.toHaveProperty("openUntil");
  });

  test("an endpoint that gets another URL or is enabled again starts with a closed breaker", async () => {
    const { harness, made, stored } = await withOpenBreaker();
    await updateEndpoint(harness.deps, "app_a", made.id, { url: "https://app.test/new" });
    expect(await stored()).not.toHaveProperty("openUntil");
  });

  test("a notifyHook that hangs is not posted to while the breaker of its host is open; another host is", async () => {
    const harness = createTestHarness();
    harness.receiver.next(...Array.from({ length: 5 }, hanging));
    for (let i = 0; i < 5; i++) await harness.start({ notifyHook: HOOK, events: ["flow.completed"] });
    await harness.finishAll();
    await harness.start({ notifyHook: HOOK, events: ["flow.completed"] });
    await harness.start({ notifyHook: "https://other.test/hook", events: ["flow.completed"] });
    await harness.finishAll();
    expect(harness.receiver.posts.slice(5).map(({ url }) => url)).toEqual(["https://other.test/hook"]);
    await pass(harness, 10 * 60_000);
    expect(new Set(harness.receiver.posts.map(({ id }) => id)).size).toBe(7);
  });
});

describe("event delivery after crashes", () => {
  const STEPS = [
    ["saveDelivery", "before"],
    ["saveDelivery", "after"],
    ["deliveriesOf", "before"],
    ["endpoints", "after"],
  ] as const;

  test.each(STEPS)(
    "each end is delivered at least once under one id if %s crashes %s the write",
    async (verb, when) => {
      const harness = createTestHarness();
      await harness.start({ notifyHook: HOOK, events: ["task.completed", "flow.completed"], then: [{ press: "U1" }] });
      for (let i = 0; i < 4; i++) {
        harness.hookFault.arm(verb, when);
        await harness.finishAll().catch(() => {});
        await pass(harness, 15 * 60_000);
      }
      await pass(harness, 30 * 60_000);
      const ids = new Set(harness.receiver.posts.map(({ id }) => id));
      expect(ids.size).toBe(3);
    },
  );

  test("no event is lost if the queue loses every message", async () => {
    const harness = createTestHarness();
    await harness.start({ notifyHook: HOOK, events: ["flow.completed"] });
    await harness.finishAll();
    const sent = harness.receiver.posts.length;
    expect(sent).toBe(1);
    const flow = await harness.start({ notifyHook: HOOK, events: ["flow.completed"] });
    await harness.drain();
    await harness.post(harness.vendor.calls.at(-1)!, "SUCCESS");
    while (harness.queue.size > 0)
      for (const record of harness.queue.receive(10)) harness.queue.delete(record.receiptHandle);
    expect((await harness.read(flow)).flow.pendingEffects).toEqual(["tell"]);
    await pass(harness, 5 * 60_000);
    expect(harness.receiver.posts).toHaveLength(2);
    expect((await harness.read(flow)).flow).not.toHaveProperty("pendingEffects");
  });
});

/** The callback of a grid, with its token in front. */
function gridWithPictures(harness: ReturnType<typeof createTestHarness>, isSeparate = true): [string, string] {
  const [root] = harness.vendor.calls;
  const images = [1, 2, 3, 4].map((n) => ({ url: `https://img.test/grid-${n}.png` }));
  const result = { imageUrl: "https://img.test/grid.png", ...(isSeparate && { images }), buttons: [] };
  return [
    root!.context.notifyHook.split("/callbacks/")[1]!,
    JSON.stringify({ vendorTaskId: root!.id, status: "SUCCESS", result }),
  ];
}

describe("archiving, tiles and progress", () => {
  test("images are archived before the end is delivered, and a tile costs no vendor call", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({
      archive: true,
      notifyHook: HOOK,
      events: ["task.completed"],
      then: [{ press: "tile:2" }, { press: "U1" }],
    });
    await harness.finishAll();
    expect(harness.vendor.calls).toHaveLength(2);
    const { tasks, status } = await harness.read(flow);
    expect(status).toBe("completed");
    expect(tasks.get("0-0")).toMatchObject({ action: "TILE", status: "SUCCESS", attempt: 0 });
    expect([...tasks.values()].map(({ copies }) => copies?.length)).toEqual([1, 1, 1]);
    for (const { body } of harness.receiver.posts) expect(body.data.copies).toHaveLength(1);
    expect(harness.deps.media.made.get(`media/${flow.id}/0-0/0`)).toBe(`media/${flow.id}/0/0 tile 2`);
  });

  test("an image that can never be copied does not change the task, and a copy that fails temporarily is repeated", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ archive: true, notifyHook: HOOK, events: ["task.completed"] });
    const { media } = harness.deps;
    const copy = media.copy;
    media.copy = () => Promise.reject(Object.assign(new Error("away"), { retry: "later" }));
    await harness.finishAll();
    expect(harness.receiver.posts).toEqual([]);
    media.copy = () => Promise.reject(Object.assign(new Error("expired"), { retry: "never", code: "gone" }));
    await pass(harness, 15 * 60_000);
    expect((await harness.read(flow)).tasks.get("0")).toMatchObject({ status: "SUCCESS" });
    expect((await harness.read(flow)).tasks.get("0")).not.toHaveProperty("pendingEffects");
    expect(harness.receiver.posts).toHaveLength(1);
    // The reason is in the event and in the API.
    const reason = { source: expect.stringContaining("https://img.test/"), code: "gone", message: expect.any(String) };
    expect(harness.receiver.posts[0]!.body.data).toMatchObject({ copies: [], copyFailures: [reason] });
    expect(
      taskView((await harness.read(flow)).tasks.get("0")!, { api: "https://api.test", media: (key) => key })
        .copyFailures,
    ).toEqual([reason]);
    expect(harness.metrics.get("ArchiveFailures")).toBeGreaterThan(0);
    media.copy = copy;
  });

  test("an archiving that failed at every attempt is given up with the reason unavailable for each image", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ archive: true, notifyHook: HOOK, events: ["task.completed"] });
    harness.deps.media.copy = () => Promise.reject(Object.assign(new Error("away"), { retry: "later" }));
    await harness.finishAll();
    await harness.handleDeadLetter(archiveMessage(flow.id, "0"));
    await harness.drain();
    expect(harness.receiver.posts[0]!.body.data).toMatchObject({ copies: [], copyFailures: [{ code: "unavailable" }] });
    // A second copy of the message finds nothing to do.
    const before = (await harness.read(flow)).tasks.get("0")!.rev;
    await harness.handleDeadLetter(archiveMessage(flow.id, "0"));
    expect((await harness.read(flow)).tasks.get("0")!.rev).toBe(before);
  });

  test("an image that is missing when the end is reported is copied a little later", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ archive: true });
    const { media } = harness.deps;
    const copy = media.copy;
    media.copy = () => Promise.reject(Object.assign(new Error("404"), { retry: "never", code: "gone" }));
    await harness.finishAll();
    media.copy = copy;
    harness.advance(10_000);
    await harness.drain();
    expect((await harness.read(flow)).tasks.get("0")!.copies).toHaveLength(1);
  });

  test("progress is delivered at most once per second, whatever the vendor sends", async () => {
    const harness = createTestHarness();
    await harness.start({ notifyHook: HOOK, events: ["task.progress", "task.completed"], progress: true });
    await harness.drain();
    const [call] = harness.vendor.calls;
    for (let progress = 5; progress <= 95; progress += 10) {
      await harness.post(call!, "IN_PROGRESS", { progress });
      await harness.drain();
      harness.advance(400);
    }
    await harness.finishAll();
    const types = receivedTypes(harness);
    expect(types.filter((type) => type === "task.progress")).toHaveLength(4);
    expect(types).toContain("task.completed");
  });

  test("a failed progress delivery is not repeated and does not count as given up", async () => {
    const harness = createTestHarness();
    await harness.start({ notifyHook: HOOK, events: ["task.progress"], progress: true });
    await harness.drain();
    harness.receiver.next(answered(500));
    await harness.post(harness.vendor.calls[0]!, "IN_PROGRESS", { progress: 50 });
    await pass(harness, HOUR);
    expect(receivedTypes(harness)).toEqual(["task.progress"]);
    expect(harness.metrics.get("DeliveryFailures")).toBe(1);
    expect(harness.metrics.get("DeliveriesGivenUp")).toBeUndefined();
  });

  // Seed 36 of the simulation: the tile failed at once.
  test.each([
    ["in time", 2, "SUCCESS"],
    ["never", 10, "FAILURE"],
  ] as const)("a tile waits for an image that its vendor tells later (%s)", async (_, minutes, status) => {
    const harness = createTestHarness();
    const flow = await harness.start({ then: [{ press: "tile:2" }] });
    await harness.drain();
    const [root] = harness.vendor.calls;
    const empty = { vendorTaskId: root!.id, status: "SUCCESS", result: { buttons: [] } };
    await harness.postRaw(root!.context.notifyHook.split("/callbacks/")[1]!, JSON.stringify(empty));
    await pass(harness, minutes * 60_000);
    if (status === "SUCCESS") {
      expect((await harness.read(flow)).tasks.get("0-0")).toMatchObject({ status: "PENDING" });
      await harness.post(root!, "SUCCESS");
      await pass(harness, 60_000);
    }
    const { tasks, status: flowStatus } = await harness.read(flow);
    expect([tasks.get("0-0")!.status, flowStatus]).toEqual([status, "completed"]);
  });

  test.each([true, undefined])(
    "a tile of a grid with four separate pictures is the picture of its number, and nothing is cut (archive: %s)",
    async (archive) => {
      const harness = createTestHarness();
      const flow = await harness.start({ archive, then: [{ press: "tile:3" }, { press: "tile:1" }] });
      await harness.drain();
      const [root] = harness.vendor.calls;
      const images = [1, 2, 3, 4].map((n) => ({ url: `https://img.test/grid-${n}.png` }));
      const result = { imageUrl: "https://img.test/grid.png", images, buttons: [] };
      const body = JSON.stringify({ vendorTaskId: root!.id, status: "SUCCESS", result });
      await harness.postRaw(root!.context.notifyHook.split("/callbacks/")[1]!, body);
      await pass(harness, 60_000);
      const { tasks, status } = await harness.read(flow);
      expect(status).toBe("completed");
      for (const [path, n] of [
        ["0-0", 3],
        ["0-1", 1],
      ] as const) {
        const { copies } = tasks.get(path)!;
        expect(copies).toMatchObject([{ source: images[n - 1]!.url, key: `media/${flow.id}/0/${n}` }]);
      }
      const { made } = harness.deps.media;
      expect([...made.values()].filter((text) => text.includes("tile"))).toEqual([]);
      // A picture that the parent archives, too, is stored once.
      expect(made.size).toBe(archive ? 5 : 2);
      expect(harness.vendor.calls).toHaveLength(1);
    },
  );

  test.each([
    ["a separate picture", "https://img.test/grid-2.png", { source: "https://img.test/grid-2.png" }],
    ["the grid", "https://img.test/grid.png", { source: "https://img.test/grid.png" }],
  ])("a tile waits until the link of %s works", async (_, link, copy) => {
    const harness = createTestHarness();
    const flow = await harness.start({ then: [{ press: "tile:2" }] });
    await harness.drain();
    const works = harness.deps.clock.now() + 30_000;
    const copyOf = harness.deps.media.copy;
    harness.deps.media.copy = async (request) => {
      if (request.url === link && harness.deps.clock.now() < works)
        throw Object.assign(new Error("404"), { code: "gone", retry: "never" });
      return copyOf(request);
    };
    await harness.postRaw(...gridWithPictures(harness, link !== "https://img.test/grid.png"));
    await harness.drain();
    expect((await harness.read(flow)).tasks.get("0-0")).toMatchObject({ status: "PENDING" });
    await pass(harness, 60_000);
    const { tasks, status } = await harness.read(flow);
    expect(status).toBe("completed");
    expect(tasks.get("0-0")).toMatchObject({ status: "SUCCESS", copies: [copy] });
  });

  test("a tile is cut from the grid if its separate picture can never be copied", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ then: [{ press: "tile:2" }] });
    await harness.drain();
    const copyOf = harness.deps.media.copy;
    harness.deps.media.copy = async (request) => {
      if (request.url.endsWith("grid-2.png"))
        throw Object.assign(new Error("not an image"), { code: "not_media", retry: "never" });
      return copyOf(request);
    };
    await harness.postRaw(...gridWithPictures(harness));
    await pass(harness, 60_000);
    const { tasks } = await harness.read(flow);
    expect(tasks.get("0-0")).toMatchObject({ status: "SUCCESS", copies: [{ source: "https://img.test/grid.png" }] });
  });

  test("a tile of an image that is no grid fails with tile_not_cut, and its flow ends", async () => {
    const harness = createTestHarness();
    harness.deps.media.tile = () =>
      Promise.reject(Object.assign(new Error("no"), { retry: "never", code: "not_a_grid" }));
    const flow = await harness.start({ then: [{ press: "tile:all" }] });
    await harness.finishAll();
    const { tasks, status } = await harness.read(flow);
    expect(status).toBe("completed");
    expect(tasks.get("0-3")).toMatchObject({
      status: "FAILURE",
      failure: { code: "tile_not_cut", reason: "not_a_grid", message: expect.stringContaining("not a grid of four") },
    });
  });
});
