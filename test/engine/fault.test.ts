import { LookupError } from "@mjflow/core/port";
import { describe, expect, test } from "vitest";
import { createTestHarness, tokenOf } from "../support/harness.ts";

const PLAN = [{ press: ["U1", "U2", "U3", "U4"] }];

describe("lost, early, late and reordered callbacks", () => {
  test("a callback that arrives before the submit response ends the task, and its follow-ups use the vendor task id of the response", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ then: [{ press: "U1" }] });
    harness.vendor.next(async (call) => {
      await harness.post({ ...call, id: "upstream-id" }, "SUCCESS");
      return { kind: "accepted", vendorTaskId: call.id };
    });
    await harness.drain();
    const { tasks } = await harness.read(flow);
    expect(tasks.get("0")).toMatchObject({ status: "SUCCESS", attempt: 1, vendorTaskId: harness.vendor.calls[0]!.id });
    expect(harness.vendor.calls[1]).toMatchObject({ kind: "press", parent: harness.vendor.calls[0]!.id });
    expect(harness.metrics.get("Early")).toBe(1);
  });

  test("the sweeper finds several tasks with lost callbacks in one look-up", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ then: PLAN });
    await harness.drain();
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    await harness.drain();
    for (const call of harness.vendor.calls.slice(1)) harness.vendor.holds(call, "SUCCESS");
    harness.advance(harness.deps.timings.quietMs.fast);
    const swept = await harness.sweep();
    expect(swept).toMatchObject({ requests: 1, failed: 0 });
    expect(harness.vendor.lookups).toHaveLength(1);
    expect(harness.vendor.lookups[0]).toHaveLength(4);
    expect((await harness.read(flow)).flow.status).toBe("completed");
  });

  test("later progress and a different end do not change an ended task", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ progress: true });
    await harness.drain();
    const [call] = harness.vendor.calls;
    await harness.post(call!, "IN_PROGRESS", { progress: 60 });
    await harness.post(call!, "IN_PROGRESS", { progress: 31 });
    expect((await harness.read(flow)).tasks.get("0")!.progress).toBe(60);
    await harness.post(call!, "SUCCESS");
    await harness.post(call!, "IN_PROGRESS", { progress: 93 });
    await harness.post(call!, "FAILURE", { failReason: "任务超时" });
    const task = (await harness.read(flow)).tasks.get("0")!;
    expect(task).toMatchObject({ status: "SUCCESS", progress: 100, late: { status: "FAILURE" } });
    expect(task.failure).toBeUndefined();
  });

  test("an account without callbacks becomes silent and is looked up early, until a callback makes the account calling again", async () => {
    const harness = createTestHarness();
    for (let i = 0; i < 3; i++) {
      const flow = await harness.start();
      await harness.drain();
      harness.vendor.holds(harness.vendor.calls.at(-1)!, "SUCCESS");
      harness.advance(harness.deps.timings.unknownMs);
      await harness.sweep();
      expect((await harness.read(flow)).status).toBe("completed");
    }
    expect((await harness.deps.store.health("fake", "default"))!.callbacks).toBe("silent");
    const flow = await harness.start();
    await harness.drain();
    const { due, submittedAt } = (await harness.read(flow)).tasks.get("0")!;
    expect(due! - submittedAt!).toBe(harness.deps.timings.silentMs);
    await harness.post(harness.vendor.calls.at(-1)!, "IN_PROGRESS");
    expect((await harness.deps.store.health("fake", "default"))!.callbacks).toBe("calling");
  });

  test("a task whose look-ups fail is looked up again, and expires a day after its deadline", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    await harness.drain();
    harness.vendor.failLookups(new LookupError("502"));
    for (let minutes = 0; minutes < 25 * 60; minutes++) {
      harness.advance(60_000);
      await harness.sweep();
    }
    const { tasks, flow: ended } = await harness.read(flow);
    expect(tasks.get("0")).toMatchObject({ status: "EXPIRED", failure: { code: "deadline_passed" } });
    expect(ended.status).toBe("failed");
    expect(harness.vendor.lookups.length).toBeLessThan(310);
  });
});

test("the pause between failing look-ups of an account grows, however many tasks are overdue", async () => {
  const harness = createTestHarness();
  for (let i = 0; i < 5; i++) await harness.start();
  await harness.drain();
  harness.vendor.failLookups(new LookupError("502"));
  harness.advance(harness.deps.timings.quietMs.fast);
  const minutes: number[] = [];
  for (let minute = 0; minute < 30; minute++) {
    const earlier = harness.vendor.lookups.length;
    await harness.sweep();
    if (harness.vendor.lookups.length > earlier) minutes.push(minute);
    harness.advance(60_000);
  }
  expect(harness.vendor.lookups.length).toBe(minutes.length);
  expect(minutes.length).toBeLessThan(12);
  harness.vendor.failLookups(undefined);
  for (const call of harness.vendor.calls) harness.vendor.holds(call, "SUCCESS");
  for (let minute = 0; minute < 6; minute++) {
    await harness.sweep();
    harness.advance(60_000);
  }
  expect((await harness.deps.store.health("fake", "default"))!.failures).toBe(0);
  expect(harness.metrics.get("FlowsEnded")).toBe(5);
});

describe("submissions are paid once", () => {
  test("an unclear submission is not submitted again within its grace period, and its callback counts", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ then: [{ press: "U1" }] });
    harness.vendor.next({ kind: "unclear", reason: "timeout" });
    await harness.drain();
    harness.advance(harness.deps.timings.graceMs.fast - 1_000);
    await harness.sweep();
    await harness.drain();
    expect(harness.vendor.calls).toHaveLength(1);
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    await harness.drain();
    expect((await harness.read(flow)).tasks.get("0")).toMatchObject({ status: "SUCCESS", attempt: 1 });
    expect(harness.vendor.calls).toHaveLength(2);
  });

  test("after its grace period an unclear task is submitted again, the first success wins and the other attempt is an orphan", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    harness.vendor.next({ kind: "unclear", reason: "reset" });
    await harness.drain();
    harness.advance(harness.deps.timings.graceMs.fast);
    await harness.sweep();
    await harness.drain();
    const [first, second] = harness.vendor.calls;
    expect(harness.vendor.calls).toHaveLength(2);
    await harness.post(first!, "SUCCESS");
    await harness.post(second!, "SUCCESS");
    const task = (await harness.read(flow)).tasks.get("0")!;
    expect(task).toMatchObject({ status: "SUCCESS", attempt: 2, endedBy: 1 });
    expect(task.orphans).toMatchObject([{ attempt: 2, vendorTaskId: second!.id }]);
  });

  test('with resubmit "never", an unclear press is not submitted again and fails with submission_unclear', async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ resubmit: "never", then: [{ press: "U1" }] });
    await harness.drain();
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    harness.vendor.next({ kind: "unclear", reason: "reset" });
    await harness.drain();
    harness.advance(harness.deps.timings.graceMs.fast);
    await harness.sweep();
    await harness.drain();
    expect(harness.vendor.calls).toHaveLength(2);
    expect((await harness.read(flow)).tasks.get("0-0")).toMatchObject({
      status: "FAILURE",
      attempt: 1,
      failure: { code: "submission_unclear" },
    });
  });

  test("a task whose two submissions are unclear fails with submission_unclear without a third submission", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    harness.vendor.next({ kind: "unclear", reason: "reset" });
    harness.vendor.next({ kind: "unclear", reason: "reset" });
    for (let i = 0; i < 5; i++) {
      await harness.drain();
      harness.advance(harness.deps.timings.graceMs.fast);
      await harness.sweep();
    }
    expect(harness.vendor.calls).toHaveLength(2);
    expect((await harness.read(flow)).tasks.get("0")!.failure!.code).toBe("submission_unclear");
  });

  test("a task at a busy vendor is submitted again later under the same attempt number", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    harness.vendor.next({ kind: "busy", reason: "23" });
    harness.vendor.next({ kind: "busy", reason: "429", afterMs: 7_000 });
    await harness.drain();
    expect(harness.vendor.calls).toHaveLength(1);
    harness.advance(3_000);
    await harness.drain();
    harness.advance(6_000);
    await harness.drain();
    expect(harness.vendor.calls).toHaveLength(2);
    harness.advance(1_000);
    await harness.finishAll();
    expect((await harness.read(flow)).tasks.get("0")).toMatchObject({ status: "SUCCESS", attempt: 1 });
  });

  test("a rejected submission is final", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    harness.vendor.next({
      kind: "refused",
      failure: { code: "banned_prompt", message: "no", vendor: { bannedWord: "gory" } },
    });
    await harness.drain();
    harness.advance(3_600_000);
    await harness.sweep();
    await harness.drain();
    expect(harness.vendor.calls).toHaveLength(1);
    expect((await harness.read(flow)).flow.status).toBe("failed");
  });

  test("a message that arrives again while a worker holds the lease causes no vendor call", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    const message = { message: { v: 1, type: "submit", flowId: flow.id, path: "0" } } as const;
    harness.vendor.next(async (call) => {
      await harness.queue.send([message, message]);
      await harness.drain();
      return { kind: "accepted", vendorTaskId: call.id };
    });
    await harness.drain();
    expect(harness.vendor.calls).toHaveLength(1);
    expect((await harness.read(flow)).tasks.get("0")!.status).toBe("SUBMITTED");
  });

  test("an acceptance that the table rejects is applied later from the queue", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    // The first save is the claim, the second is the outcome.
    harness.storeFault.arm("saveTask", "before", 1);
    await harness.drain();
    expect(harness.storeFault.fired()).toBe(1);
    expect((await harness.read(flow)).tasks.get("0")).toMatchObject({
      status: "SUBMITTED",
      attempt: 1,
      vendorTaskId: harness.vendor.calls[0]!.id,
    });
    harness.advance(3_600_000);
    await harness.drain();
    expect(harness.vendor.calls).toHaveLength(1);
  });

  test("a failing read of the account health leaves the task unclaimed", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    harness.storeFault.arm("health", "before");
    await harness.drain();
    expect(harness.storeFault.fired()).toBe(1);
    expect((await harness.read(flow)).tasks.get("0")).toMatchObject({ status: "PENDING", attempt: 0 });
    harness.advance(600_000);
    await harness.finishAll();
    expect((await harness.read(flow)).status).toBe("completed");
  });
});

describe("recovery after crashes", () => {
  // The points where starting the follow-ups can crash: after the parent is saved, between and after the children,
  // before and after the messages.
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
    "if %s.%s crashes %s call %i, the callback fails and the plan still runs with each press made once",
    async (port, verb, when, skip) => {
      const harness = createTestHarness();
      const flow = await harness.start({ then: PLAN });
      await harness.drain();
      const [root] = harness.vendor.calls;
      harness.vendor.finished.add(root!.id);
      if (port === "queueFault") harness.queueFault.arm("send", when, skip);
      else harness.storeFault.arm(verb as "saveTask", when, skip);
      await expect(harness.post(root!, "SUCCESS")).rejects.toThrow("crash");
      expect(harness[port].fired()).toBe(1);

      await harness.drain();
      harness.advance(harness.deps.timings.effectsMs);
      await harness.sweep();
      await harness.finishAll();
      const { status, flow: ended } = await harness.read(flow);
      expect(status).toBe("completed");
      expect(harness.vendor.calls).toHaveLength(5);
      harness.advance(harness.deps.timings.quietMs.fast);
      await harness.sweep();
      expect(ended.status === "completed" || (await harness.read(flow)).flow.status === "completed").toBe(true);
    },
  );

  test("a flow end that was not recorded because of a crash is recorded when the flow is due", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    await harness.drain();
    harness.storeFault.arm("saveFlow", "before");
    await expect(harness.post(harness.vendor.calls[0]!, "SUCCESS")).rejects.toThrow("crash");
    expect((await harness.read(flow)).flow.status).toBe("running");
    harness.advance(harness.deps.timings.quietMs.fast);
    await harness.sweep();
    expect((await harness.read(flow)).flow.status).toBe("completed");
  });

  test("a flow completes if the queue loses its messages", async () => {
    const harness = createTestHarness();
    harness.queueFault.arm("send", "before");
    const flow = await harness.start();
    expect(harness.queueFault.fired()).toBe(1);
    harness.advance(harness.deps.timings.quietMs.fast);
    await harness.sweep();
    await harness.finishAll();
    expect((await harness.read(flow)).status).toBe("completed");
  });

  test("a flow that was stored before the API crashed starts when it is due", async () => {
    const harness = createTestHarness();
    harness.storeFault.arm("createFlow", "after");
    await expect(harness.start()).rejects.toThrow("crash");
    expect(harness.vendor.calls).toHaveLength(0);
    harness.advance(harness.deps.timings.quietMs.fast);
    await harness.sweep();
    await harness.finishAll();
    expect(harness.vendor.calls).toHaveLength(1);
  });

  test("a dead-letter message fails a waiting task that the sweeper left alone, and does not change a submitted task", async () => {
    const harness = createTestHarness();
    const waiting = await harness.start();
    // The sweeper has missed the due time by more than two of its runs.
    harness.advance(harness.deps.timings.quietMs.fast + 2 * harness.deps.timings.requeueMs);
    await harness.handleDeadLetter({ v: 1, type: "submit", flowId: waiting.id, path: "0" });
    expect((await harness.read(waiting)).flow.status).toBe("failed");
    expect((await harness.read(waiting)).tasks.get("0")!.failure!.code).toBe("dead_letter");
    const sent = await harness.start();
    await harness.drain();
    await harness.handleDeadLetter({ v: 1, type: "submit", flowId: sent.id, path: "0" });
    expect((await harness.read(sent)).tasks.get("0")!.status).toBe("SUBMITTED");
  });
});

describe("dead-letter messages of tasks that continue", () => {
  const message = (flow: { id: string }) => ({ v: 1, type: "submit", flowId: flow.id, path: "0" }) as const;

  test("a task whose due time is ahead is left to the sweeper and completes", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    for (let i = 0; i < 3; i++) harness.vendor.next({ kind: "busy", reason: "23" });
    await harness.drain();
    await harness.handleDeadLetter(message(flow));
    expect((await harness.read(flow)).tasks.get("0")).toMatchObject({ status: "PENDING", busyAnswers: 1 });
    for (let minute = 0; minute < 5; minute++) {
      harness.advance(60_000);
      await harness.sweep();
      await harness.finishAll();
    }
    expect((await harness.read(flow)).status).toBe("completed");
    expect(harness.log.some((line) => line.includes("dead-letter.task-continues"))).toBe(true);
  });

  test("a task whose due time has just passed is left to the next run of the sweeper", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    const { due } = (await harness.read(flow)).tasks.get("0")!;
    harness.advance(due! - harness.deps.clock.now() + 60_000);
    await harness.handleDeadLetter(message(flow));
    expect((await harness.read(flow)).tasks.get("0")!.status).toBe("PENDING");
  });
});

describe("callback handler", () => {
  test("a missing, wrong, edited or expired token is refused without a call of the table", async () => {
    const harness = createTestHarness();
    await harness.start();
    await harness.drain();
    const token = tokenOf(harness.vendor.calls[0]!);
    const body = JSON.stringify({ vendorTaskId: "1", status: "SUCCESS", result: {} });
    harness.storeFault.calls.length = 0;
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
      expect((await harness.postRaw(bad, body)).kind).toBe("refused");
    }
    harness.advance(7 * 24 * 3_600_000);
    expect(await harness.postRaw(token, body)).toEqual({ kind: "refused", why: "expired" });
    expect(harness.storeFault.calls).toEqual([]);
  });

  test("progress that the app did not request causes no call of the table once the account is calling", async () => {
    const harness = createTestHarness();
    await harness.start();
    await harness.drain();
    await harness.post(harness.vendor.calls[0]!, "IN_PROGRESS", { progress: 10 });
    harness.advance(60_000);
    await harness.start();
    await harness.drain();
    harness.storeFault.calls.length = 0;
    expect(await harness.post(harness.vendor.calls[1]!, "IN_PROGRESS", { progress: 46 })).toEqual({ kind: "dropped" });
    expect(harness.storeFault.calls).toEqual([]);
  });

  test("a callback that is stored makes all its writes in one work, and progress that is dropped needs none", async () => {
    const harness = createTestHarness();
    await harness.start({ then: PLAN });
    await harness.drain();
    const [root] = harness.vendor.calls;
    // The first callback tells that the account is calling, which is a write of its own.
    await harness.post(root!, "SUBMITTED");
    let [works, isInWork] = [0, false];
    const together = async <T>(work: () => Promise<T>): Promise<T> => {
      [works, isInWork] = [works + 1, true];
      return work().finally(() => (isInWork = false));
    };
    const writes: boolean[] = [];
    const { saveTask } = harness.deps.store;
    harness.deps.store.saveTask = (task) => {
      writes.push(isInWork);
      return saveTask(task);
    };
    Object.assign(harness.deps, { together });
    expect(await harness.post(root!, "IN_PROGRESS", { progress: 46 })).toEqual({ kind: "dropped" });
    expect(works).toBe(0);
    expect(await harness.post(root!, "SUCCESS")).toEqual({ kind: "recorded", moved: true });
    expect(works).toBe(1);
    expect(writes.length).toBeGreaterThan(0);
    expect(writes).not.toContain(false);
  });

  test("the log contains no token, API key or callback URL", async () => {
    const harness = createTestHarness();
    await harness.start({ then: PLAN });
    await harness.finishAll(2);
    const token = tokenOf(harness.vendor.calls[0]!);
    await harness.postRaw(`${token}x`, "{}");
    const text = harness.log.join("\n");
    expect(text).toContain("flow.ended");
    for (const secret of [token, token.split(".").at(-1)!, "secret-key", "hooks.test", "/callbacks/"]) {
      expect(text).not.toContain(secret);
    }
  });
});
