/** Replays of many deliveries: what they send, what they count, and how they end. */
import type { PostOutcome } from "@mjflow/core/port";
import { REPLAY_LEASE_MS, type Replay } from "@mjflow/core/replay";
import { createEndpoint, deleteEndpoint, updateEndpoint } from "@mjflow/engine/endpoint";
import { cancelReplay, getReplay, type ReplayFields, startReplay } from "@mjflow/engine/replay";
import { runReplay } from "@mjflow/engine/replay-job";
import { describe, expect, test } from "vitest";
import { createTestHarness, HARNESS_START, type TestHarness } from "../support/harness.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** A prompt answer about one event, which is no fault of the receiver. */
const refused: PostOutcome = { kind: "answered", status: 422, body: "", tookMs: 1 };
const gone: PostOutcome = { kind: "answered", status: 410, body: "", tookMs: 1 };
const hung: PostOutcome = { kind: "unreachable", why: "timeout", tookMs: 3_000 };

const idsOf = (harness: TestHarness) => harness.receiver.posts.map(({ id }) => id);
const countsOf = ({ found, sent, failed, skipped }: Replay) => ({ found, sent, failed, skipped });

async function pass(harness: TestHarness, ms: number, stepMs = MINUTE): Promise<void> {
  for (let rest = ms; rest > 0; rest -= stepMs) {
    harness.advance(Math.min(stepMs, rest));
    await harness.sweep();
    await harness.drain();
  }
}

async function setUp(flows: number, { gapMs = SECOND }: { gapMs?: number } = {}) {
  const harness = createTestHarness();
  const { endpoint } = await createEndpoint(harness.deps, "app_a", {
    url: "https://app.test/endpoint",
    events: ["flow.completed"],
  });
  for (let i = 0; i < flows; i++) {
    await harness.start();
    await harness.finishAll();
    harness.advance(gapMs);
  }
  const replay = (fields: Partial<ReplayFields> = {}) =>
    startReplay(harness.deps, "app_a", { listener: endpoint.id, only: "all", ...fields });
  const read = (id: string) => getReplay(harness.deps, "app_a", id);
  return { harness, endpoint, replay, read };
}

/** Makes flows whose deliveries have failed permanently. */
async function withFailed(flows: number) {
  const harness = createTestHarness();
  const { endpoint } = await createEndpoint(harness.deps, "app_a", {
    url: "https://app.test/endpoint",
    events: ["flow.completed"],
  });
  for (let i = 0; i < flows; i++) {
    harness.receiver.next(gone);
    await harness.start();
    await harness.finishAll();
    await updateEndpoint(harness.deps, "app_a", endpoint.id, { enabled: true });
    harness.advance(SECOND);
  }
  const replay = (fields: Partial<ReplayFields> = {}) =>
    startReplay(harness.deps, "app_a", { listener: endpoint.id, only: "failed", ...fields });
  const read = (id: string) => getReplay(harness.deps, "app_a", id);
  return { harness, endpoint, replay, read };
}

describe("a replay (D11)", () => {
  test("of all deliveries sends each of them once more under its own id, the oldest first, and says how many", async () => {
    const { harness, replay, read } = await setUp(25);
    const first = idsOf(harness);
    const { id, status } = await replay();
    expect(status).toBe("counting");
    expect(harness.receiver.posts).toHaveLength(25);
    await harness.drain();
    expect(idsOf(harness).slice(25)).toEqual(first);
    expect(await read(id)).toMatchObject({ status: "completed", found: 25, sent: 25, failed: 0, skipped: 0 });
    expect(await read(id)).not.toHaveProperty("due");
  });

  test("of failed deliveries sends these only, and a delivery that fails again follows its own schedule", async () => {
    const { harness, replay, read } = await withFailed(3);
    await harness.start();
    await harness.finishAll();
    const before = harness.receiver.posts.length;
    harness.receiver.next(refused);
    const { id } = await replay();
    await harness.drain();
    expect(harness.receiver.posts).toHaveLength(before + 3);
    expect(countsOf(await read(id))).toEqual({ found: 3, sent: 2, failed: 1, skipped: 0 });
    await pass(harness, MINUTE);
    expect(harness.receiver.posts).toHaveLength(before + 4);
    const rows = await harness.deps.webhookStore.listDeliveries({
      appId: "app_a",
      listeners: [await listenerOf(harness)],
      limit: 9,
    });
    expect(rows.deliveries.map(({ status }) => status)).toEqual(["delivered", "delivered", "delivered"]);
  });

  test("of a time range leaves out what was created before and after it", async () => {
    const { harness, replay, read } = await setUp(5, { gapMs: HOUR });
    const { id } = await replay({ since: HARNESS_START + HOUR - 1, until: HARNESS_START + 3 * HOUR + MINUTE });
    await harness.drain();
    expect(countsOf(await read(id))).toMatchObject({ found: 3, sent: 3 });
  });

  test("makes at most 200 posts in a step, and less than 41 in a second over its steps", async () => {
    const { harness, replay, read } = await setUp(230, { gapMs: 1 });
    const { id } = await replay();
    await harness.drain();
    expect(await read(id)).toMatchObject({ status: "sending", found: 230, sent: 200 });
    harness.advance(4 * SECOND);
    await harness.drain();
    expect(await read(id)).toMatchObject({ status: "sending", sent: 200 });
    harness.advance(SECOND);
    await harness.drain();
    expect(await read(id)).toMatchObject({ status: "completed", sent: 230 });
  });

  test("has two posts at one time, fewer than the slow posts that one host may have", async () => {
    const { harness, replay } = await setUp(12);
    let [now, most] = [0, 0];
    const send = harness.deps.webhooks.send;
    harness.deps.webhooks.send = async (post) => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      now--;
      return send(post);
    };
    await replay();
    await harness.drain();
    expect(most).toBe(2);
  });

  test("begins no post after the time of a step, so that a receiver that takes 14 s for each does not outlast the function", async () => {
    const { harness, endpoint, replay, read } = await setUp(12);
    const send = harness.deps.webhooks.send;
    harness.deps.webhooks.send = async (post) => {
      harness.advance(14 * SECOND);
      return send(post);
    };
    const { id } = await replay();
    const startedAt = harness.deps.clock.now();
    await runReplay(harness.deps, { appId: endpoint.appId, replayId: id });
    expect(harness.deps.clock.now() - startedAt).toBeLessThan(REPLAY_LEASE_MS);
    await pass(harness, 30 * MINUTE);
    expect(await read(id)).toMatchObject({ status: "completed", found: 12, sent: 12, skipped: 0 });
    expect(idsOf(harness)).toHaveLength(24);
    expect(new Set(idsOf(harness).slice(12)).size).toBe(12);
  });

  test("waits while the receiver hangs, posts one trial then, and goes on where it stopped", async () => {
    const { harness, replay, read } = await setUp(30);
    const { id } = await replay();
    harness.receiver.next(...Array.from({ length: 6 }, () => hung));
    await harness.drain();
    const stopped = await read(id);
    expect(stopped).toMatchObject({ status: "sending" });
    expect(stopped.waitsUntil).toBeGreaterThan(harness.deps.clock.now());
    await pass(harness, 10 * MINUTE);
    const { sent, failed, ...ended } = await read(id);
    expect(ended).toMatchObject({ status: "completed", found: 30, skipped: 0 });
    expect(sent + failed).toBe(30);
    expect(new Set(idsOf(harness).slice(30)).size).toBe(30);
  });

  test("ends as failed if its endpoint is deleted or disabled, and a disabled endpoint starts none", async () => {
    const { harness, endpoint, replay, read } = await setUp(3);
    const { id } = await replay();
    await updateEndpoint(harness.deps, "app_a", endpoint.id, { enabled: false });
    await expect(replay()).rejects.toMatchObject({ code: "wrong_state" });
    await harness.drain();
    expect(await read(id)).toMatchObject({ status: "failed", failure: "endpoint_disabled", sent: 0 });
    await updateEndpoint(harness.deps, "app_a", endpoint.id, { enabled: true });
    const { id: second } = await replay();
    await deleteEndpoint(harness.deps, "app_a", endpoint.id);
    await harness.drain();
    expect(await read(second)).toMatchObject({ status: "failed", failure: "endpoint_deleted" });
    await expect(replay()).rejects.toMatchObject({ code: "not_found" });
  });

  test("an app has at most five running replays, and an ended one counts no longer", async () => {
    const { harness, replay } = await setUp(1);
    for (let i = 0; i < 5; i++) await replay();
    await expect(replay()).rejects.toMatchObject({ code: "limit_reached" });
    await harness.drain();
    expect(await replay()).toMatchObject({ status: "counting" });
  });

  test("of another app does not exist", async () => {
    const { harness, replay } = await setUp(1);
    const { id } = await replay();
    await expect(getReplay(harness.deps, "app_b", id)).rejects.toMatchObject({ code: "not_found" });
    await expect(cancelReplay(harness.deps, "app_b", id)).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("a canceled replay", () => {
  test("sends nothing more and keeps its counts; a second cancellation changes nothing", async () => {
    const { harness, replay, read } = await setUp(230, { gapMs: 1 });
    const { id } = await replay();
    await harness.drain();
    const canceled = await cancelReplay(harness.deps, "app_a", id);
    expect(canceled).toMatchObject({ status: "canceled", found: 230, sent: 200 });
    await pass(harness, 5 * MINUTE);
    expect(harness.receiver.posts).toHaveLength(230 + 200);
    expect(await cancelReplay(harness.deps, "app_a", id)).toEqual(await read(id));
  });

  test("counts the posts of the page that was under way", async () => {
    const { harness, replay, read } = await setUp(30);
    const { id } = await replay();
    const send = harness.deps.webhooks.send;
    let posts = 0;
    harness.deps.webhooks.send = async (post) => {
      if (++posts === 15) await cancelReplay(harness.deps, "app_a", id);
      return send(post);
    };
    await harness.drain();
    expect(await read(id)).toMatchObject({ status: "canceled", sent: 20 });
    expect(harness.receiver.posts).toHaveLength(30 + 20);
  });
});

describe("a crash of its worker", () => {
  test("in a page costs no delivery and no count: another worker repeats the page when the lease has ended", async () => {
    const { harness, replay, read } = await setUp(30);
    const { id } = await replay();
    const crash = new Error("the worker crashed");
    let saves = 0;
    const crashing = {
      ...harness.deps,
      webhookStore: {
        ...harness.deps.webhookStore,
        async saveReplay(job: Replay) {
          // The claim, the count, the change to sending and one page are stored; the write of the second page is not.
          if (++saves === 4) throw crash;
          return harness.deps.webhookStore.saveReplay(job);
        },
      },
    };
    await expect(runReplay(crashing, { appId: "app_a", replayId: id })).rejects.toBe(crash);
    const posted = harness.receiver.posts.length;
    expect(posted).toBeGreaterThan(30);
    await harness.drain();
    expect(harness.receiver.posts).toHaveLength(posted);
    await pass(harness, 3 * MINUTE);
    expect(countsOf(await read(id))).toEqual({ found: 30, sent: 30, failed: 0, skipped: 0 });
    expect(new Set(idsOf(harness).slice(30)).size).toBe(30);
    // The deliveries of the cut page have the mark of the job, so they are not posted again.
    expect(harness.receiver.posts).toHaveLength(60);
  });

  test("before its message is sent delays the replay until the sweeper runs", async () => {
    const { harness, replay, read } = await setUp(3);
    harness.queueFault.arm("send", "before");
    await expect(replay()).rejects.toThrow();
    const [{ id }] = (await harness.deps.webhookStore.replays("app_a")) as [Replay];
    await harness.drain();
    expect(await read(id)).toMatchObject({ status: "counting" });
    await pass(harness, 2 * MINUTE);
    expect(await read(id)).toMatchObject({ status: "completed", sent: 3 });
  });
});

async function listenerOf({ deps }: TestHarness): Promise<string> {
  return (await deps.webhookStore.endpoints("app_a"))[0]!.id;
}
