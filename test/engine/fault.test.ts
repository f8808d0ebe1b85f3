import { LookupError } from "@mjflow/core/port";
import { describe, expect, test } from "vitest";
import { createTestHarness, tokenOf } from "../support/harness.ts";

const PLAN = [{ press: ["U1", "U2", "U3", "U4"] }];

describe("callbacks that are lost, early, late or reordered", () => {
  test("a callback that overtakes the submit answer finishes the task, and its follow-ups press the answer's id", async () => {
    const world = createTestHarness();
    const flow = await world.start({ then: [{ press: "U1" }] });
    world.vendor.next(async (call) => {
      await world.post({ ...call, id: "upstream-id" }, "SUCCESS");
      return { kind: "accepted", vendorTaskId: call.id };
    });
    await world.drain();
    const { tasks } = await world.read(flow);
    expect(tasks.get("0")).toMatchObject({ status: "SUCCESS", attempt: 1, vendorTaskId: world.vendor.calls[0]!.id });
    expect(world.vendor.calls[1]).toMatchObject({ kind: "press", parent: world.vendor.calls[0]!.id });
    expect(world.metrics.get("Early")).toBe(1);
  });

  test("lost ends of several tasks are found by the sweeper with one look-up", async () => {
    const world = createTestHarness();
    const flow = await world.start({ then: PLAN });
    await world.drain();
    await world.post(world.vendor.calls[0]!, "SUCCESS");
    await world.drain();
    for (const call of world.vendor.calls.slice(1)) world.vendor.holds(call, "SUCCESS");
    world.advance(world.deps.timings.quietMs.fast);
    const swept = await world.sweep();
    expect(swept).toMatchObject({ requests: 1, failed: 0 });
    expect(world.vendor.lookups).toHaveLength(1);
    expect(world.vendor.lookups[0]).toHaveLength(4);
    expect((await world.read(flow)).flow.status).toBe("completed");
  });

  test("progress after the end, and a contrary end, change nothing", async () => {
    const world = createTestHarness();
    const flow = await world.start({ progress: true });
    await world.drain();
    const [call] = world.vendor.calls;
    await world.post(call!, "IN_PROGRESS", { progress: 60 });
    await world.post(call!, "IN_PROGRESS", { progress: 31 });
    expect((await world.read(flow)).tasks.get("0")!.progress).toBe(60);
    await world.post(call!, "SUCCESS");
    await world.post(call!, "IN_PROGRESS", { progress: 93 });
    await world.post(call!, "FAILURE", { failReason: "任务超时" });
    const task = (await world.read(flow)).tasks.get("0")!;
    expect(task).toMatchObject({ status: "SUCCESS", progress: 100, late: { status: "FAILURE" } });
    expect(task.failure).toBeUndefined();
  });

  test("an account that never calls is learned to be silent, asked early from then on, and believed again once it calls", async () => {
    const world = createTestHarness();
    for (let i = 0; i < 3; i++) {
      const flow = await world.start();
      await world.drain();
      world.vendor.holds(world.vendor.calls.at(-1)!, "SUCCESS");
      world.advance(world.deps.timings.unknownMs);
      await world.sweep();
      expect((await world.read(flow)).status).toBe("completed");
    }
    expect((await world.deps.store.health("fake", "default"))!.callbacks).toBe("silent");
    const flow = await world.start();
    await world.drain();
    const { due, submittedAt } = (await world.read(flow)).tasks.get("0")!;
    expect(due! - submittedAt!).toBe(world.deps.timings.silentMs);
    await world.post(world.vendor.calls.at(-1)!, "IN_PROGRESS");
    expect((await world.deps.store.health("fake", "default"))!.callbacks).toBe("calling");
  });

  test("a vendor that cannot be asked is asked again, and the task ends typed at its deadline", async () => {
    const world = createTestHarness();
    const flow = await world.start();
    await world.drain();
    world.vendor.failLookups(new LookupError("502"));
    for (let minutes = 0; minutes < 60; minutes++) {
      world.advance(60_000);
      await world.sweep();
    }
    const { tasks, flow: ended } = await world.read(flow);
    expect(tasks.get("0")).toMatchObject({ status: "EXPIRED", failure: { code: "deadline_passed" } });
    expect(ended.status).toBe("failed");
    expect(world.vendor.lookups.length).toBeLessThan(25);
  });
});

test("a vendor whose look-ups fail is left alone for longer and longer, however many tasks are overdue", async () => {
  const world = createTestHarness();
  for (let i = 0; i < 5; i++) await world.start();
  await world.drain();
  world.vendor.failLookups(new LookupError("502"));
  world.advance(world.deps.timings.quietMs.fast);
  const minutes: number[] = [];
  for (let minute = 0; minute < 30; minute++) {
    const before = world.vendor.lookups.length;
    await world.sweep();
    if (world.vendor.lookups.length > before) minutes.push(minute);
    world.advance(60_000);
  }
  expect(world.vendor.lookups.length).toBe(minutes.length);
  expect(minutes.length).toBeLessThan(12);
  world.vendor.failLookups(undefined);
  for (const call of world.vendor.calls) world.vendor.holds(call, "SUCCESS");
  for (let minute = 0; minute < 6; minute++) {
    await world.sweep();
    world.advance(60_000);
  }
  expect((await world.deps.store.health("fake", "default"))!.failures).toBe(0);
  expect(world.metrics.get("FlowsEnded")).toBe(5);
});

describe("paid work is paid once", () => {
  test("an unclear submission is not sent again before its grace; its callback still counts", async () => {
    const world = createTestHarness();
    const flow = await world.start({ then: [{ press: "U1" }] });
    world.vendor.next({ kind: "unclear", reason: "timeout" });
    await world.drain();
    world.advance(world.deps.timings.graceMs.fast - 1_000);
    await world.sweep();
    await world.drain();
    expect(world.vendor.calls).toHaveLength(1);
    await world.post(world.vendor.calls[0]!, "SUCCESS");
    await world.drain();
    expect((await world.read(flow)).tasks.get("0")).toMatchObject({ status: "SUCCESS", attempt: 1 });
    expect(world.vendor.calls).toHaveLength(2);
  });

  test("after its grace it is sent once more; whichever attempt ends first wins, the other is an orphan", async () => {
    const world = createTestHarness();
    const flow = await world.start();
    world.vendor.next({ kind: "unclear", reason: "reset" });
    await world.drain();
    world.advance(world.deps.timings.graceMs.fast);
    await world.sweep();
    await world.drain();
    const [first, second] = world.vendor.calls;
    expect(world.vendor.calls).toHaveLength(2);
    await world.post(first!, "SUCCESS");
    await world.post(second!, "SUCCESS");
    const task = (await world.read(flow)).tasks.get("0")!;
    expect(task).toMatchObject({ status: "SUCCESS", attempt: 2, endedBy: 1 });
    expect(task.orphans).toMatchObject([{ attempt: 2, vendorTaskId: second!.id }]);
  });

  test("a flow that says never is not sent again, nor are its follow-ups; it ends typed", async () => {
    const world = createTestHarness();
    const flow = await world.start({ resubmit: "never", then: [{ press: "U1" }] });
    await world.drain();
    await world.post(world.vendor.calls[0]!, "SUCCESS");
    world.vendor.next({ kind: "unclear", reason: "reset" });
    await world.drain();
    world.advance(world.deps.timings.graceMs.fast);
    await world.sweep();
    await world.drain();
    expect(world.vendor.calls).toHaveLength(2);
    expect((await world.read(flow)).tasks.get("0-0")).toMatchObject({
      status: "FAILURE",
      attempt: 1,
      failure: { code: "submission_unclear" },
    });
  });

  test("unclear again and again ends typed, never a third time", async () => {
    const world = createTestHarness();
    const flow = await world.start();
    world.vendor.next({ kind: "unclear", reason: "reset" });
    world.vendor.next({ kind: "unclear", reason: "reset" });
    for (let i = 0; i < 5; i++) {
      await world.drain();
      world.advance(world.deps.timings.graceMs.fast);
      await world.sweep();
    }
    expect(world.vendor.calls).toHaveLength(2);
    expect((await world.read(flow)).tasks.get("0")!.failure!.code).toBe("submission_unclear");
  });

  test("a busy vendor is asked again later, and no attempt is burned", async () => {
    const world = createTestHarness();
    const flow = await world.start();
    world.vendor.next({ kind: "busy", reason: "23" });
    world.vendor.next({ kind: "busy", reason: "429", afterMs: 7_000 });
    await world.drain();
    expect(world.vendor.calls).toHaveLength(1);
    world.advance(3_000);
    await world.drain();
    world.advance(6_000);
    await world.drain();
    expect(world.vendor.calls).toHaveLength(2);
    world.advance(1_000);
    await world.finishAll();
    expect((await world.read(flow)).tasks.get("0")).toMatchObject({ status: "SUCCESS", attempt: 1 });
  });

  test("a refused submission is final", async () => {
    const world = createTestHarness();
    const flow = await world.start();
    world.vendor.next({
      kind: "refused",
      failure: { code: "banned_prompt", message: "no", vendor: { bannedWord: "gory" } },
    });
    await world.drain();
    world.advance(3_600_000);
    await world.sweep();
    await world.drain();
    expect(world.vendor.calls).toHaveLength(1);
    expect((await world.read(flow)).flow.status).toBe("failed");
  });

  test("a message delivered again while a worker holds the task calls nobody", async () => {
    const world = createTestHarness();
    const flow = await world.start();
    const message = { message: { v: 1, type: "submit", flowId: flow.id, path: "0" } } as const;
    world.vendor.next(async (call) => {
      await world.queue.send([message, message]);
      await world.drain();
      return { kind: "accepted", vendorTaskId: call.id };
    });
    await world.drain();
    expect(world.vendor.calls).toHaveLength(1);
    expect((await world.read(flow)).tasks.get("0")!.status).toBe("SUBMITTED");
  });

  test("a table that would not store the vendor's yes does not make us forget it", async () => {
    const world = createTestHarness();
    const flow = await world.start();
    // The first save is the claim, the second the answer.
    world.storeFault.arm("saveTask", "before", 1);
    await world.drain();
    expect(world.storeFault.fired()).toBe(1);
    expect((await world.read(flow)).tasks.get("0")).toMatchObject({
      status: "SUBMITTED",
      attempt: 1,
      vendorTaskId: world.vendor.calls[0]!.id,
    });
    world.advance(3_600_000);
    await world.drain();
    expect(world.vendor.calls).toHaveLength(1);
  });

  test("nothing that can fail stands between the claim and the call", async () => {
    const world = createTestHarness();
    const flow = await world.start();
    world.storeFault.arm("health", "before");
    await world.drain();
    expect(world.storeFault.fired()).toBe(1);
    expect((await world.read(flow)).tasks.get("0")).toMatchObject({ status: "PENDING", attempt: 0 });
    world.advance(600_000);
    await world.finishAll();
    expect((await world.read(flow)).status).toBe("completed");
  });
});

describe("a crash between any two steps of a callback heals", () => {
  // Where the fan-out can die: after the parent is saved, between and after the children, before and after the messages.
  const crashes = [
    ["storeFault", "saveTask", "after", 0],
    ["storeFault", "createTask", "before", 0],
    ["storeFault", "createTask", "before", 2],
    ["storeFault", "createTask", "after", 3],
    ["queueFault", "send", "before", 0],
    ["queueFault", "send", "after", 0],
    ["storeFault", "saveTask", "before", 1],
    ["storeFault", "saveTask", "after", 1],
  ] as const;

  test.each(crashes)(
    "%s.%s, %s call %i: answered 5xx, and the plan still runs, each press once",
    async (port, verb, when, skip) => {
      const world = createTestHarness();
      const flow = await world.start({ then: PLAN });
      await world.drain();
      const [root] = world.vendor.calls;
      world.vendor.finished.add(root!.id);
      if (port === "queueFault") world.queueFault.arm("send", when, skip);
      else world.storeFault.arm(verb as "saveTask", when, skip);
      await expect(world.post(root!, "SUCCESS")).rejects.toThrow("crash");
      expect(world[port].fired()).toBe(1);

      await world.drain();
      world.advance(world.deps.timings.effectsMs);
      await world.sweep();
      await world.finishAll();
      const { status, flow: ended } = await world.read(flow);
      expect(status).toBe("completed");
      expect(world.vendor.calls).toHaveLength(5);
      world.advance(world.deps.timings.quietMs.fast);
      await world.sweep();
      expect(ended.status === "completed" || (await world.read(flow)).flow.status === "completed").toBe(true);
    },
  );

  test("a crash before the flow's end is recorded is made good by the flow's own due time", async () => {
    const world = createTestHarness();
    const flow = await world.start();
    await world.drain();
    world.storeFault.arm("saveFlow", "before");
    await expect(world.post(world.vendor.calls[0]!, "SUCCESS")).rejects.toThrow("crash");
    expect((await world.read(flow)).flow.status).toBe("running");
    world.advance(world.deps.timings.quietMs.fast);
    await world.sweep();
    expect((await world.read(flow)).flow.status).toBe("completed");
  });

  test("a queue that loses every message loses no flow", async () => {
    const world = createTestHarness();
    world.queueFault.arm("send", "before");
    const flow = await world.start();
    expect(world.queueFault.fired()).toBe(1);
    world.advance(world.deps.timings.quietMs.fast);
    await world.sweep();
    await world.finishAll();
    expect((await world.read(flow)).status).toBe("completed");
  });

  test("a flow that was stored before its caller heard of it is begun by its due time", async () => {
    const world = createTestHarness();
    world.storeFault.arm("createFlow", "after");
    await expect(world.start()).rejects.toThrow("crash");
    expect(world.vendor.calls).toHaveLength(0);
    world.advance(world.deps.timings.quietMs.fast);
    await world.sweep();
    await world.finishAll();
    expect(world.vendor.calls).toHaveLength(1);
  });

  test("a dead letter ends its task typed; one the vendor may have is left to the sweeper", async () => {
    const world = createTestHarness();
    const waiting = await world.start();
    await world.bury({ v: 1, type: "submit", flowId: waiting.id, path: "0" });
    expect((await world.read(waiting)).flow.status).toBe("failed");
    expect((await world.read(waiting)).tasks.get("0")!.failure!.code).toBe("dead_letter");
    const sent = await world.start();
    await world.drain();
    await world.bury({ v: 1, type: "submit", flowId: sent.id, path: "0" });
    expect((await world.read(sent)).tasks.get("0")!.status).toBe("SUBMITTED");
  });
});

describe("the callback's door", () => {
  test("no token, a wrong one, an edited one, an expired one: refused without touching the table", async () => {
    const world = createTestHarness();
    await world.start();
    await world.drain();
    const token = tokenOf(world.vendor.calls[0]!);
    const body = JSON.stringify({ vendorTaskId: "1", status: "SUCCESS", result: {} });
    world.storeFault.calls.length = 0;
    const edited = token.replace(".0.1.", ".0.2.");
    expect(edited).not.toBe(token);
    for (const bad of [
      "",
      "x",
      `${token}x`,
      edited,
      `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`,
      "9".repeat(600),
    ]) {
      expect((await world.postRaw(bad, body)).kind).toBe("refused");
    }
    world.advance(7 * 24 * 3_600_000);
    expect(await world.postRaw(token, body)).toEqual({ kind: "refused", why: "expired" });
    expect(world.storeFault.calls).toEqual([]);
  });

  test("progress nobody asked for costs no call of the table once the account is known to call", async () => {
    const world = createTestHarness();
    await world.start();
    await world.drain();
    await world.post(world.vendor.calls[0]!, "IN_PROGRESS", { progress: 10 });
    world.advance(60_000);
    await world.start();
    await world.drain();
    world.storeFault.calls.length = 0;
    expect(await world.post(world.vendor.calls[1]!, "IN_PROGRESS", { progress: 46 })).toEqual({ kind: "dropped" });
    expect(world.storeFault.calls).toEqual([]);
  });

  test("what the log says never holds a token, a key or the hook's address", async () => {
    const world = createTestHarness();
    await world.start({ then: PLAN });
    await world.finishAll(2);
    const token = tokenOf(world.vendor.calls[0]!);
    await world.postRaw(`${token}x`, "{}");
    const text = world.log.join("\n");
    expect(text).toContain("flow.ended");
    for (const secret of [token, token.split(".").at(-1)!, "secret-key", "hooks.test", "/callbacks/"]) {
      expect(text).not.toContain(secret);
    }
  });
});
