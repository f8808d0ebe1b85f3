import { deliveryIdOf, RETRY_SCHEDULE_MS } from "@mjflow/core/delivery";
import { DISABLE_AFTER_FAILING_MS } from "@mjflow/core/endpoint";
import type { PostOutcome } from "@mjflow/core/port";
import { createEndpoint, rotateSecret, updateEndpoint } from "@mjflow/engine/endpoint";
import { replayDelivery, replayEndpoint } from "@mjflow/engine/replay";
import { sendTestEvent } from "@mjflow/engine/test-event";
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

const heard = ({ receiver }: TestHarness) => receiver.posts.map(({ body }) => body.type as string).sort();

/** Sweeps and drains, as the minutes go by. */
async function pass(world: TestHarness, ms: number, stepMs = 60_000): Promise<void> {
  for (let rest = ms; rest > 0; rest -= stepMs) {
    world.advance(Math.min(stepMs, rest));
    await world.sweep();
    await world.drain();
  }
}

describe("what a flow's own notifyHook hears", () => {
  test("each task's submission and end, and the flow's end, once and signed, with the flow's state", async () => {
    const world = createTestHarness();
    await world.start({ notifyHook: HOOK, state: '🛶 "x"', then: [{ press: "U1" }] });
    await world.finishAll();
    expect(heard(world)).toEqual([
      "flow.completed",
      "task.completed",
      "task.completed",
      "task.submitted",
      "task.submitted",
    ]);
    expect(new Set(world.receiver.posts.map(({ id }) => id)).size).toBe(5);
    for (const { body, secrets, url } of world.receiver.posts) {
      expect(body.data.state).toBe('🛶 "x"');
      expect(secrets).toHaveLength(1);
      expect(url).toBe(HOOK);
    }
  });

  test("only what it asked for", async () => {
    const world = createTestHarness();
    await world.start({ notifyHook: HOOK, events: ["flow.completed"], then: [{ press: "U1" }] });
    await world.finishAll();
    expect(heard(world)).toEqual(["flow.completed"]);
  });

  test("a flow nobody listens to sends no message and writes no row for it", async () => {
    const world = createTestHarness();
    const flow = await world.start({ then: [{ press: "U1" }] });
    await world.finishAll();
    expect(world.receiver.posts).toEqual([]);
    expect(world.metrics.get("Told")).toBeUndefined();
    const { tasks } = await world.read(flow);
    for (const task of tasks.values()) expect(task).not.toHaveProperty("pendingEffects");
  });

  test("an open window, so that somebody answers it; its announcement outlives a lost message", async () => {
    const world = createTestHarness();
    world.vendor.next(({ id }) => ({ kind: "modal", vendorTaskId: id }));
    const flow = await world.start({ notifyHook: HOOK });
    world.queueFault.arm("send", "before", 1);
    await world.drain().catch(() => {});
    await pass(world, 2 * 60_000);
    expect(heard(world)).toContain("task.modal");
    expect((await world.read(flow)).tasks.get("0")).toMatchObject({ status: "MODAL" });
    expect((await world.read(flow)).tasks.get("0")).not.toHaveProperty("pendingEffects");
  });

  test("a failure is told as one, with its reason", async () => {
    const world = createTestHarness();
    await world.start({ notifyHook: HOOK, events: ["task.failed", "flow.failed"] });
    await world.drain();
    await world.post(world.vendor.calls[0]!, "FAILURE", { failReason: "banned prompt" });
    await world.drain();
    expect(heard(world)).toEqual(["flow.failed", "task.failed"]);
    const failed = world.receiver.posts.find(({ body }) => body.type === "task.failed")!;
    expect(failed.body.data.failure).toMatchObject({ code: "banned_prompt" });
  });
});

describe("an endpoint", () => {
  const endpoint = (world: TestHarness, more = {}) =>
    createEndpoint(world.deps, "app_a", { url: "https://app.test/endpoint", ...more });

  test("hears of every flow of its app, and of no other's", async () => {
    const world = createTestHarness();
    await endpoint(world, { events: ["flow.completed"] });
    await createEndpoint(world.deps, "app_b", { url: "https://other.test", events: ["flow.completed"] });
    await world.start();
    await world.finishAll();
    expect(world.receiver.posts.map(({ url }) => url)).toEqual(["https://app.test/endpoint"]);
  });

  test("that fails nine times gets the tenth, under the same id, over three days", async () => {
    const world = createTestHarness();
    await endpoint(world, { events: ["flow.completed"] });
    await world.start();
    world.receiver.next(...Array.from({ length: 9 }, (_, i) => answered(i % 2 ? 500 : 302)));
    await world.finishAll();
    await pass(world, 90 * HOUR, 10 * 60_000);
    expect(world.receiver.posts).toHaveLength(10);
    expect(new Set(world.receiver.posts.map(({ id }) => id)).size).toBe(1);
    const { deliveries } = await world.deps.webhookStore.listDeliveries({
      appId: "app_a",
      listeners: [(await world.deps.webhookStore.endpoints("app_a"))[0]!.id],
      limit: 10,
    });
    expect(deliveries).toMatchObject([{ status: "delivered", tries: 10 }]);
    expect(deliveries[0]!.attempts.at(-1)).toMatchObject({ status: 200 });
  });

  test("that never answers is given up after ten tries, each on its time, and can be replayed", async () => {
    const world = createTestHarness();
    const { endpoint: made } = await endpoint(world, { events: ["flow.completed"] });
    await world.start();
    world.receiver.next(
      ...Array.from({ length: 10 }, () => ({ kind: "unreachable" as const, why: "reset", tookMs: 1 })),
    );
    await world.finishAll();
    await pass(world, 90 * HOUR, 5 * 60_000);
    expect(world.receiver.posts).toHaveLength(RETRY_SCHEDULE_MS.length);
    const query = { appId: "app_a", listeners: [made.id], limit: 10 };
    const [given] = (await world.deps.webhookStore.listDeliveries(query)).deliveries;
    expect(given).toMatchObject({ status: "failed", failure: "exhausted" });
    expect(world.metrics.get("DeliveriesGivenUp")).toBe(1);
    expect(await replayEndpoint(world.deps, "app_a", made.id, { only: "failed" })).toEqual({ replayed: 1 });
    await world.drain();
    expect(world.receiver.posts).toHaveLength(11);
    expect((await world.deps.webhookStore.delivery(deliveryIdOf(given!)))!.status).toBe("delivered");
  });

  test("is asked no sooner than it said with Retry-After", async () => {
    const world = createTestHarness();
    await endpoint(world, { events: ["flow.completed"] });
    await world.start();
    world.receiver.next(answered(429, { retryAfterMs: HOUR }));
    await world.finishAll();
    await pass(world, HOUR - 120_000);
    expect(world.receiver.posts).toHaveLength(1);
    await pass(world, 4 * 60_000);
    expect(world.receiver.posts).toHaveLength(2);
  });

  test("that answers 410 is switched off at once; the other endpoints are told", async () => {
    const world = createTestHarness();
    const { endpoint: gone } = await endpoint(world, { events: ["flow.completed"] });
    await createEndpoint(world.deps, "app_a", { url: "https://app.test/watch", events: ["endpoint.disabled"] });
    await world.start();
    world.receiver.next(answered(410));
    await world.finishAll();
    await pass(world, 2 * 60_000);
    expect(await world.deps.webhookStore.endpoint("app_a", gone.id)).toMatchObject({ disabledWhy: "gone" });
    const [, told] = world.receiver.posts;
    expect(told).toMatchObject({
      url: "https://app.test/watch",
      body: { type: "endpoint.disabled", data: { id: gone.id } },
    });
  });

  test("with nothing but failures for five days is switched off; one success starts the clock again", async () => {
    const world = createTestHarness();
    const { endpoint: made } = await endpoint(world, { events: ["flow.completed"] });
    const failing = () => ({ kind: "unreachable" as const, why: "timeout", tookMs: 15_000 });
    const stored = () => world.deps.webhookStore.endpoint("app_a", made.id);
    world.receiver.next(failing());
    await world.start();
    await world.finishAll();
    expect((await stored())!.failingSince).toBeDefined();
    await pass(world, 60_000, 10_000);
    expect((await stored())!.failingSince).toBeUndefined();
    for (let day = 0; day < 5; day++) {
      world.receiver.next(...Array.from({ length: 40 }, failing));
      await world.start();
      await world.finishAll();
      expect((await stored())!.disabledAt).toBeUndefined();
      world.advance(DISABLE_AFTER_FAILING_MS / 5);
    }
    await world.start();
    await world.finishAll();
    await pass(world, 60_000);
    expect(await stored()).toMatchObject({ disabledWhy: "failing" });
    const before = world.receiver.posts.length;
    await world.start();
    await world.finishAll();
    await pass(world, HOUR, 10 * 60_000);
    expect(world.receiver.posts).toHaveLength(before);
  });

  test("enabled again starts afresh, and gets what failed by a replay", async () => {
    const world = createTestHarness();
    const { endpoint: made } = await endpoint(world, { events: ["flow.completed"] });
    await world.start();
    world.receiver.next(answered(410));
    await world.finishAll();
    await updateEndpoint(world.deps, "app_a", made.id, { enabled: true });
    expect(await replayEndpoint(world.deps, "app_a", made.id, { only: "failed" })).toMatchObject({ replayed: 1 });
    await world.drain();
    expect(world.receiver.posts).toHaveLength(2);
    expect(await world.deps.webhookStore.endpoint("app_a", made.id)).not.toHaveProperty("disabledAt");
  });

  test("given a new secret is signed for with both until the overlap is over", async () => {
    const world = createTestHarness();
    const { endpoint: made, secret: first } = await endpoint(world, { events: ["flow.completed"] });
    const { secret: second } = await rotateSecret(world.deps, "app_a", made.id, HOUR);
    await world.start();
    await world.finishAll();
    expect(world.receiver.posts[0]!.secrets).toEqual([second, first]);
    world.advance(HOUR + 1);
    await world.start();
    await world.finishAll();
    expect(world.receiver.posts[1]!.secrets).toEqual([second]);
  });

  test("can be tried out, also while it is switched off; nothing of it is written down", async () => {
    const world = createTestHarness();
    const { endpoint: made } = await endpoint(world);
    await updateEndpoint(world.deps, "app_a", made.id, { enabled: false });
    world.receiver.next(answered(500));
    expect(await sendTestEvent(world.deps, "app_a", made.id)).toMatchObject({
      delivered: false,
      outcome: { status: 500 },
    });
    expect(await sendTestEvent(world.deps, "app_a", made.id)).toMatchObject({ delivered: true });
    expect(heard(world)).toEqual(["endpoint.test", "endpoint.test"]);
    expect(world.receiver.posts[0]!.secrets).toHaveLength(1);
    await expect(sendTestEvent(world.deps, "app_b", made.id)).rejects.toMatchObject({ code: "not_found" });
    const query = { appId: "app_a", listeners: [made.id], limit: 10 };
    expect((await world.deps.webhookStore.listDeliveries(query)).deliveries).toEqual([]);
  });

  test("an app cannot replay, or see, another's deliveries", async () => {
    const world = createTestHarness();
    await endpoint(world, { events: ["flow.completed"] });
    const flow = await world.start();
    await world.finishAll();
    const [delivery] = await world.deps.webhookStore.deliveriesOf(flow.id);
    await expect(replayDelivery(world.deps, "app_b", deliveryIdOf(delivery!))).rejects.toMatchObject({
      code: "not_found",
    });
  });
});

describe("a crash", () => {
  const STEPS = [
    ["saveDelivery", "before"],
    ["saveDelivery", "after"],
    ["deliveriesOf", "before"],
    ["endpoints", "after"],
  ] as const;

  test.each(STEPS)("at %s, %s it, still tells each end at least once, under one id", async (verb, when) => {
    const world = createTestHarness();
    await world.start({ notifyHook: HOOK, events: ["task.completed", "flow.completed"], then: [{ press: "U1" }] });
    for (let i = 0; i < 4; i++) {
      world.hookFault.arm(verb, when);
      await world.finishAll().catch(() => {});
      await pass(world, 15 * 60_000);
    }
    await pass(world, 30 * 60_000);
    const ids = new Set(world.receiver.posts.map(({ id }) => id));
    expect(ids.size).toBe(3);
  });

  test("of the queue that loses every message for an hour loses no event", async () => {
    const world = createTestHarness();
    await world.start({ notifyHook: HOOK, events: ["flow.completed"] });
    await world.finishAll();
    const sent = world.receiver.posts.length;
    expect(sent).toBe(1);
    const flow = await world.start({ notifyHook: HOOK, events: ["flow.completed"] });
    await world.drain();
    await world.post(world.vendor.calls.at(-1)!, "SUCCESS");
    while (world.queue.size > 0) for (const record of world.queue.receive(10)) world.queue.delete(record.receiptHandle);
    expect((await world.read(flow)).flow.pendingEffects).toEqual(["tell"]);
    await pass(world, 5 * 60_000);
    expect(world.receiver.posts).toHaveLength(2);
    expect((await world.read(flow)).flow).not.toHaveProperty("pendingEffects");
  });
});

describe("pictures", () => {
  test("are copied before the end is told, and a tile costs no call of the vendor", async () => {
    const world = createTestHarness();
    const flow = await world.start({
      archive: true,
      notifyHook: HOOK,
      events: ["task.completed"],
      then: [{ press: "tile:2" }, { press: "U1" }],
    });
    await world.finishAll();
    expect(world.vendor.calls).toHaveLength(2);
    const { tasks, status } = await world.read(flow);
    expect(status).toBe("completed");
    expect(tasks.get("0-0")).toMatchObject({ action: "TILE", status: "SUCCESS", attempt: 0 });
    expect([...tasks.values()].map(({ copies }) => copies?.length)).toEqual([1, 1, 1]);
    for (const { body } of world.receiver.posts) expect(body.data.copies).toHaveLength(1);
    expect(world.deps.media.made.get(`media/${flow.id}/0-0/0`)).toBe(`media/${flow.id}/0/0 tile 2`);
  });

  test("that can never be copied leave the task as it is; those that may pass are tried again", async () => {
    const world = createTestHarness();
    const flow = await world.start({ archive: true, notifyHook: HOOK, events: ["task.completed"] });
    const { media } = world.deps;
    const copy = media.copy;
    media.copy = () => Promise.reject(Object.assign(new Error("away"), { retry: "later" }));
    await world.finishAll();
    expect(world.receiver.posts).toEqual([]);
    media.copy = () => Promise.reject(Object.assign(new Error("expired"), { retry: "never", code: "gone" }));
    await pass(world, 15 * 60_000);
    expect((await world.read(flow)).tasks.get("0")).toMatchObject({ status: "SUCCESS" });
    expect((await world.read(flow)).tasks.get("0")).not.toHaveProperty("pendingEffects");
    expect(world.receiver.posts).toHaveLength(1);
    expect(world.metrics.get("ArchiveFailures")).toBeGreaterThan(0);
    media.copy = copy;
  });

  test("that are not there yet when the end is told are fetched a little later", async () => {
    const world = createTestHarness();
    const flow = await world.start({ archive: true });
    const { media } = world.deps;
    const copy = media.copy;
    media.copy = () => Promise.reject(Object.assign(new Error("404"), { retry: "never", code: "gone" }));
    await world.finishAll();
    media.copy = copy;
    world.advance(10_000);
    await world.drain();
    expect((await world.read(flow)).tasks.get("0")!.copies).toHaveLength(1);
  });

  test("progress is told at most once a second, whatever the vendor sends", async () => {
    const world = createTestHarness();
    await world.start({ notifyHook: HOOK, events: ["task.progress", "task.completed"], progress: true });
    await world.drain();
    const [call] = world.vendor.calls;
    for (let progress = 5; progress <= 95; progress += 10) {
      await world.post(call!, "IN_PROGRESS", { progress });
      await world.drain();
      world.advance(400);
    }
    await world.finishAll();
    const types = heard(world);
    expect(types.filter((type) => type === "task.progress")).toHaveLength(4);
    expect(types).toContain("task.completed");
  });

  test("progress that a receiver did not take is not tried again, and is no delivery given up", async () => {
    const world = createTestHarness();
    await world.start({ notifyHook: HOOK, events: ["task.progress"], progress: true });
    await world.drain();
    world.receiver.next(answered(500));
    await world.post(world.vendor.calls[0]!, "IN_PROGRESS", { progress: 50 });
    await pass(world, HOUR);
    expect(heard(world)).toEqual(["task.progress"]);
    expect(world.metrics.get("DeliveryFailures")).toBe(1);
    expect(world.metrics.get("DeliveriesGivenUp")).toBeUndefined();
  });

  test("a tile of what is no grid ends as tile_not_cut, and its flow ends", async () => {
    const world = createTestHarness();
    world.deps.media.tile = () =>
      Promise.reject(Object.assign(new Error("no"), { retry: "never", code: "not_a_grid" }));
    const flow = await world.start({ then: [{ press: "tile:all" }] });
    await world.finishAll();
    const { tasks, status } = await world.read(flow);
    expect(status).toBe("completed");
    expect(tasks.get("0-3")).toMatchObject({ status: "FAILURE", failure: { code: "tile_not_cut" } });
  });
});
