/** The stored health of vendor accounts: what is read and written, and what the log says of a change. */
import { CALLBACK_RECENT_MS, newHealth } from "@mjflow/core/account-health";
import { hoursOf } from "@mjflow/core/account-hours";
import type { Task } from "@mjflow/core/task";
import { TIMINGS } from "@mjflow/core/timing";
import { type CallOutcome, createAccounts } from "@mjflow/engine/account";
import { beforeEach, describe, expect, test } from "vitest";
import { createTestHarness, HARNESS_START, type TestHarness } from "../support/harness.ts";

const NAMES = ["fake", "a"] as const;
const REF = { provider: "fake", account: "a" };
const B = { provider: "fake", account: "b" };
const READS = ["health", "healths"];

let harness: TestHarness;
beforeEach(() => {
  harness = createTestHarness();
});

const accounts = () => harness.deps.accounts;
const another = () => createAccounts(harness.deps);
const stored = (names = NAMES) => harness.deps.store.health(...names);
const now = () => harness.deps.clock.now();

/** The reads and writes of the table that the work makes. */
async function calls(work: () => Promise<unknown>): Promise<string[]> {
  const { length } = harness.storeFault.calls;
  await work();
  return harness.storeFault.calls.slice(length);
}

/** The lines that the work logs. */
async function lines(work: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
  const { length } = harness.log;
  await work();
  return harness.log.slice(length).map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("reads of the health", () => {
  test("an account without a row has the health of a new account", async () => {
    expect(await accounts().health(...NAMES)).toEqual(newHealth("fake", "a", HARNESS_START));
  });

  test("the health is read once in the cache time, and again when the time is over", async () => {
    const read = () => calls(() => accounts().health(...NAMES));
    expect(await read()).toEqual(["health"]);
    harness.advance(TIMINGS.beliefMs - 1);
    expect(await read()).toEqual([]);
    harness.advance(1);
    expect(await read()).toEqual(["health"]);
  });

  test("parallel readers of an account share one read, and each account has its own", async () => {
    const reads = await calls(() =>
      Promise.all([accounts().health("fake", "a"), accounts().callbacks("fake", "a"), accounts().health("fake", "b")]),
    );
    expect(reads).toEqual(["health", "health"]);
  });

  test("many accounts are read in one request, without those that are cached, and returned in the given order", async () => {
    await accounts().recordLookup("fake", "b", "failed");
    await accounts().health("fake", "c");
    const names = ["c", "b", "a"].map((account) => ({ provider: "fake", account }));
    const read = () => accounts().healths(names);
    expect(await calls(read)).toEqual(["healths"]);
    expect(await calls(read)).toEqual([]);
    expect((await read()).map(({ account, failures }) => [account, failures])).toEqual([
      ["c", 0],
      ["b", 1],
      ["a", 0],
    ]);
    harness.advance(TIMINGS.beliefMs - 1);
    expect(await calls(read)).toEqual([]);
    harness.advance(1);
    expect(await calls(read)).toEqual(["healths"]);
  });

  test("a single account that is not cached is read alone", async () => {
    await accounts().health("fake", "b");
    expect(await calls(() => accounts().healths([B, REF]))).toEqual(["health"]);
  });

  test.each([
    ["health", () => accounts().health("fake", "a")],
    ["healths", () => accounts().healths([REF, B])],
  ] as const)("a failed read of %s is not cached", async (verb, read) => {
    harness.storeFault.arm(verb, "before");
    await expect(read()).rejects.toThrow(`crash before ${verb}`);
    expect(await calls(read)).toEqual([verb]);
  });

  test("a process sees its own write at once, and that of another process after the cache time", async () => {
    const other = another();
    await other.health(...NAMES);
    await accounts().recordLookup(...NAMES, "failed");
    expect((await accounts().health(...NAMES)).failures).toBe(1);
    expect((await other.health(...NAMES)).failures).toBe(0);
    harness.advance(TIMINGS.beliefMs);
    expect((await other.health(...NAMES)).failures).toBe(1);
  });
});

describe("callbacks", () => {
  test("a callback makes the account calling, is logged as a change, and is recorded again after the recent time", async () => {
    const record = () => accounts().recordCallback(...NAMES);
    expect(await accounts().callbacks(...NAMES)).toEqual({ callbacks: "unknown", recentlyCalled: false });
    expect(await lines(record)).toEqual([
      { event: "account.callbacks", ...REF, callbacks: "calling", before: "unknown" },
    ]);
    expect(await accounts().callbacks(...NAMES)).toEqual({ callbacks: "calling", recentlyCalled: true });
    harness.advance(CALLBACK_RECENT_MS - 1);
    expect(await calls(record)).toEqual(["health"]);
    harness.advance(1);
    expect((await accounts().callbacks(...NAMES)).recentlyCalled).toBe(false);
    expect(await calls(record)).toEqual(["saveHealth"]);
    expect(await lines(record)).toEqual([]);
  });

  test("parallel callbacks of one account share one write, and a later one makes its own", async () => {
    const record = (account: string) => accounts().recordCallback("fake", account);
    const writes = async (work: () => Promise<unknown>) =>
      (await calls(work)).filter((verb) => !READS.includes(verb)).length;
    expect(await writes(() => Promise.all([record("a"), record("a"), record("b")]))).toBe(2);
    harness.advance(CALLBACK_RECENT_MS);
    expect(await writes(() => record("a"))).toBe(1);
  });

  test("three finished tasks in a row without a callback make the account silent, with a warning", async () => {
    const miss = (count: number) => accounts().recordMissedCallbacks(...NAMES, count, now());
    expect(await calls(() => miss(0))).toEqual(["health"]);
    expect(await lines(() => miss(2))).toEqual([]);
    expect(await lines(() => miss(1))).toEqual([
      { event: "account.callbacks", ...REF, callbacks: "silent", before: "unknown" },
    ]);
  });
});

describe("look-ups", () => {
  test("a failed look-up pauses the next one, to the millisecond", async () => {
    expect(await accounts().nextLookupAt(...NAMES)).toBeUndefined();
    await accounts().recordLookup(...NAMES, "failed");
    const until = HARNESS_START + TIMINGS.lookupMs;
    harness.advance(TIMINGS.lookupMs - 1);
    expect(await accounts().nextLookupAt(...NAMES)).toBe(until);
    harness.advance(1);
    expect(await accounts().nextLookupAt(...NAMES)).toBeUndefined();
  });

  test("the log names the first failure, another kind of failure and the recovery, and repeats nothing", async () => {
    const record = (result: "worked" | "failed" | "unauthorized") => () => accounts().recordLookup(...NAMES, result);
    expect(await lines(record("failed"))).toEqual([{ event: "account.lookups-fail", ...REF, fault: "failed" }]);
    expect(await lines(record("failed"))).toEqual([]);
    expect(await lines(record("unauthorized"))).toEqual([
      { event: "account.lookups-fail", ...REF, fault: "unauthorized" },
    ]);
    expect(await lines(record("worked"))).toEqual([{ event: "account.lookups-work", ...REF, before: "unauthorized" }]);
    expect(await calls(record("worked"))).toEqual(["health"]);
  });

  test("a look-up of a healthy account needs no claim; that of a failing one goes to one worker", async () => {
    expect(await calls(async () => expect(await accounts().claimLookup(...NAMES)).toBe(true))).toEqual(["health"]);
    await accounts().recordLookup(...NAMES, "failed");
    const other = another();
    await Promise.all([accounts().health(...NAMES), other.health(...NAMES)]);
    expect(await accounts().claimLookup(...NAMES)).toBe(true);
    expect(await other.claimLookup(...NAMES)).toBe(false);
  });
});

describe("durations", () => {
  const done = (over: Partial<Task> = {}) =>
    ({ ...REF, pace: "fast", action: "IMAGINE", status: "SUCCESS", createdAt: 0, endedAt: 1_000, ...over }) as Task;
  const record = (task: Task = done()) => accounts().recordDuration(task);
  const counted = async () => (await stored())?.durations?.counts["fast/IMAGINE"];
  const first = (count: string) => count.padEnd(30, "0");

  test("the durations are written when their time has come, all samples together", async () => {
    expect(await calls(() => record())).toEqual([]);
    harness.advance(TIMINGS.durationsMs - 1);
    expect(await calls(() => record())).toEqual([]);
    harness.advance(1);
    expect(await calls(() => record())).toEqual(["health", "saveHealth"]);
    expect(await counted()).toBe(first("3"));
    expect(await calls(() => record())).toEqual([]);
  });

  test("a task that did not succeed is not counted, and does not start the time", async () => {
    for (const over of [{ status: "FAILURE" }, { endedAt: undefined }] as Partial<Task>[]) await record(done(over));
    harness.advance(TIMINGS.durationsMs);
    expect(await calls(() => record())).toEqual([]);
  });

  test("successes and failures are counted by the hour of their end, and a lost conflict loses none", async () => {
    const at = Math.floor(HARNESS_START / 3_600_000) * 3_600_000;
    const end = (over: Partial<Task>) => record(done({ submittedAt: at + 1_000, endedAt: at + 21_000, ...over }));
    const hours = async () => hoursOf((await stored())?.durations?.hours, now());
    await end({ status: "FAILURE" });
    harness.advance(TIMINGS.durationsMs);
    const { saveHealth } = harness.deps.store;
    harness.deps.store.saveHealth = async () => false;
    await end({});
    harness.deps.store.saveHealth = saveHealth;
    expect(await hours()).toEqual([]);
    harness.advance(TIMINGS.beliefMs);
    await end({ endedAt: at + 41_000 });
    expect(await hours()).toEqual([{ at, succeeded: 2, failed: 1, meanMs: 30_000 }]);
  });

  test("each account has its own samples", async () => {
    await record();
    await record(done({ account: "b" }));
    harness.advance(TIMINGS.durationsMs);
    await record();
    expect(await counted()).toBe(first("2"));
  });

  test("a process keeps a hundred samples and no more", async () => {
    const actions = Array.from({ length: 5 }, (_, i) => `${"ABCDE"[i]}`);
    for (let i = 0; i < 125; i++) await record(done({ action: actions[i % 5]! }));
    harness.advance(TIMINGS.durationsMs);
    await record();
    const counts = Object.values((await stored())!.durations!.counts);
    expect(counts).toEqual(actions.map(() => first("k")));
  });

  test("samples of a write that lost a conflict are written with the next one", async () => {
    await record();
    harness.advance(TIMINGS.durationsMs);
    const { saveHealth } = harness.deps.store;
    harness.deps.store.saveHealth = async () => false;
    await record();
    harness.deps.store.saveHealth = saveHealth;
    harness.advance(TIMINGS.beliefMs - 1);
    expect(await calls(() => record())).toEqual([]);
    harness.advance(1);
    await record();
    expect(await counted()).toBe(first("4"));
  });

  test("a failed write is logged, and the next one waits for its turn", async () => {
    await record();
    harness.advance(TIMINGS.durationsMs);
    harness.storeFault.arm("saveHealth", "before");
    expect(await lines(() => record())).toEqual([
      { event: "account.durations-not-saved", account: "fake/a", error: "Error: crash before saveHealth" },
    ]);
    harness.advance(TIMINGS.durationsMs - 1);
    expect(await calls(() => record())).toEqual([]);
  });
});

describe("outcomes of submissions", () => {
  const record = (outcome: CallOutcome, id?: string) => accounts().recordOutcome(...NAMES, outcome, id);

  test("an accepted submission of a healthy account writes nothing", async () => {
    expect(await calls(async () => expect(await record("worked", "1")).toBeUndefined())).toEqual(["health"]);
  });

  test("a success after a fault resets the breaker", async () => {
    await record({ fault: "unclear" });
    expect((await stored())!.fault).toBe("unclear");
    await record("worked");
    expect(await stored()).toMatchObject({ faults: 0 });
    expect((await stored())!.fault).toBeUndefined();
  });

  test.each(["busy", "unreachable"] as const)(
    "a %s account pauses, and a second report finds the pause",
    async (fault) => {
      const until = HARNESS_START + TIMINGS.busyMs;
      expect(await record({ fault })).toEqual({ until, isNew: true });
      // The pause is decided on the stored health, whatever another process has cached.
      const other = another();
      await other.health(...NAMES);
      expect(await calls(async () => expect(await record({ fault })).toEqual({ until, isNew: false }))).toEqual([
        "health",
      ]);
      expect(await other.recordOutcome(...NAMES, { fault })).toEqual({ until, isNew: false });
    },
  );

  test("the pause is the one that the vendor names", async () => {
    expect(await record({ fault: "busy", afterMs: 7_000 })).toEqual({ until: HARNESS_START + 7_000, isNew: true });
  });

  test.each(["unclear", "unauthorized", "out_of_money", "full"] as const)("the fault %s is no pause", async (fault) => {
    expect(await record({ fault })).toBeUndefined();
    expect((await stored())!.busyUntil).toBeUndefined();
  });

  test("the pause is stored after two write conflicts, and given up after three", async () => {
    const { saveHealth } = harness.deps.store;
    const conflicts = (count: number) => {
      harness.deps.store.saveHealth = async (health) => (count-- > 0 ? false : saveHealth(health));
    };
    conflicts(2);
    expect(await record({ fault: "busy" })).toMatchObject({ isNew: true });
    harness.advance(TIMINGS.busyMs);
    conflicts(3);
    expect(await record({ fault: "busy" })).toBeUndefined();
  });

  test("the last known task of the account is stored with a fault, and stays if none is known", async () => {
    await record("worked", "1");
    await record("worked", "2");
    await record("worked");
    await record({ fault: "unclear" });
    expect((await stored())!.probeId).toBe("2");
    await another().recordOutcome(...NAMES, { fault: "unauthorized" });
    expect((await stored())!.probeId).toBe("2");
  });

  test("the log names each change of the breaker", async () => {
    const openUntil = HARNESS_START + TIMINGS.openMs;
    expect(await lines(() => record({ fault: "unclear" }))).toEqual([]);
    expect(await lines(() => record({ fault: "unauthorized" }))).toEqual([
      { event: "account.breaker", ...REF, breaker: "open", before: "closed", fault: "unauthorized", openUntil },
    ]);
    harness.advance(TIMINGS.openMs);
    expect(await lines(() => record("worked"))).toEqual([
      { event: "account.breaker", ...REF, breaker: "closed", before: "half-open" },
    ]);
  });
});

describe("the breaker", () => {
  test("only a half-open account gets a trial, and of two workers one starts it", async () => {
    expect(await accounts().tryHalfOpen(...NAMES)).toBe(false);
    await accounts().recordOutcome(...NAMES, { fault: "unauthorized" });
    harness.advance(TIMINGS.openMs - 1);
    expect(await accounts().tryHalfOpen(...NAMES)).toBe(false);
    harness.advance(1);
    const other = another();
    await Promise.all([accounts().health(...NAMES), other.health(...NAMES)]);
    expect(await accounts().tryHalfOpen(...NAMES)).toBe(true);
    expect(await other.tryHalfOpen(...NAMES)).toBe(false);
    expect(await stored()).toMatchObject({ probing: true, openUntil: now() + TIMINGS.openMs });
  });

  test("a new key resets the breaker and the pause of the look-ups, and the fault of the look-ups stays", async () => {
    await accounts().recordOutcome(...NAMES, { fault: "unauthorized" });
    await accounts().recordLookup(...NAMES, "unauthorized");
    await accounts().resetBreaker(...NAMES);
    expect(await stored()).toMatchObject({ faults: 0, opens: 0, lookupFault: "unauthorized" });
    expect(await stored()).not.toHaveProperty("askAt", expect.anything());
    expect(await calls(() => accounts().resetBreaker("fake", "unknown"))).toEqual(["health"]);
  });
});
