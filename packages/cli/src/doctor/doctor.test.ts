import type {
  DeadLetter,
  Delivery,
  Endpoint,
  FlowSummary,
  Provider,
  ProviderAccount,
  QueueDepth,
  UnclearTask,
} from "@mjflow/client";
import { describe, expect, test } from "vitest";
import { task } from "../test-task.ts";
import {
  checkArchive,
  checkDeadLetters,
  checkDeliveries,
  checkEndpoints,
  checkFlows,
  checkOverdue,
  checkQueues,
  checkUnclear,
} from "./backlog.ts";
import { checkClock } from "./clock.ts";
import { checkVendors } from "./vendor.ts";

const NOW = Date.UTC(2026, 10, 21, 8);
const at = (ms: number) => new Date(ms).toUTCString();

test("checkArchive counts images without a copy and names the reasons", () => {
  const failed = (code: string) => ({ source: "https://x.test/a.png", code, message: "" });
  const flows = [{ tasks: [task("0"), task("0-0", { copyFailures: [failed("gone"), failed("not_media")] })] }];
  expect(checkArchive([{ tasks: [task("0")] }])).toMatchObject({ level: "ok" });
  const finding = checkArchive([...flows, { tasks: [task("0", { copyFailures: [failed("gone")] })] }]);
  expect(finding).toMatchObject({ level: "warn", message: "3 images without a copy: gone, not_media" });
});

describe("checkClock", () => {
  test.each([
    ["no difference", 0, "ok"],
    ["one second, which the header cannot show", 1_000, "ok"],
    ["four seconds behind", -4_000, "ok"],
    ["a minute ahead", 60_000, "warn"],
    ["a minute behind", -60_000, "warn"],
    ["so far ahead that receivers reject webhooks", 400_000, "bad"],
    ["so far behind that receivers reject webhooks", -400_000, "bad"],
  ])("a server clock with an offset of %s (%d ms) gives %s", (_, offMs, level) => {
    expect(checkClock(at(NOW + offMs), NOW, NOW + 50)).toMatchObject({ level });
  });

  test("a slow response is not reported as a clock offset", () => {
    expect(checkClock(at(NOW + 9_000), NOW, NOW + 10_000)).toMatchObject({ level: "ok" });
    expect(checkClock(at(NOW), NOW, NOW + 10_000)).toMatchObject({ level: "ok" });
  });

  test("the message says which clock is behind the other", () => {
    expect(checkClock(at(NOW + 60_000), NOW, NOW).message).toBe("60 s behind the server's clock");
    expect(checkClock(at(NOW - 61_000), NOW, NOW).message).toBe("60 s ahead of the server's clock");
  });

  test("the clock is unknown if the Date header is missing or invalid", () => {
    expect(checkClock(null, NOW, NOW)).toMatchObject({ level: "unknown" });
    expect(checkClock("never", NOW, NOW)).toMatchObject({ level: "unknown" });
  });
});

describe("checkVendors", () => {
  const account = (more: Partial<ProviderAccount>): ProviderAccount => ({
    name: "default",
    weight: 1,
    maxRunning: null,
    callbacks: "unknown",
    heardAt: null,
    failures: 0,
    askAt: null,
    lookupFault: null,
    circuit: "closed",
    openUntil: null,
    fault: null,
    busyUntil: null,
    ...more,
  });
  const vendor = (id: string, ...accounts: Partial<ProviderAccount>[]) =>
    ({ id, accounts: accounts.map(account) }) as Partial<Provider> as Provider;
  const findingsOf = (...accounts: Partial<ProviderAccount>[]) => checkVendors([vendor("newapi", ...accounts)], NOW);

  test("a vendor that cannot be reached or refuses the key is an error that says what to check", () => {
    expect(findingsOf({ fault: "unreachable" })).toMatchObject([
      { level: "bad", message: "the vendor cannot be reached", advice: expect.stringContaining("base URL") },
    ]);
    expect(findingsOf({ lookupFault: "unreachable", failures: 2 })).toMatchObject([{ level: "bad" }]);
    expect(findingsOf({ lookupFault: "unauthorized", failures: 1, callbacks: "calling" })).toMatchObject([
      { level: "bad", message: "the vendor refuses the key for look-ups" },
    ]);
    expect(findingsOf({ fault: "unauthorized" })).toMatchObject([
      { level: "bad", message: "the vendor refuses the key for submissions" },
    ]);
  });

  test("a vendor without callbacks is a warning that names the setting MjNotifyEnabled", () => {
    const [finding] = findingsOf({ callbacks: "silent" });
    expect(finding).toMatchObject({ level: "warn", subject: "newapi", message: "sends no callbacks" });
    expect(finding!.advice).toContain("MjNotifyEnabled");
  });

  test("waiting tasks are reported with the age of the oldest one, and a long wait is a warning", () => {
    const at = (agoMs: number) => new Date(NOW - agoMs).toISOString();
    const waiting = (count: number, agoMs: number, atLeast = false) =>
      findingsOf({ callbacks: "calling", waiting: { count, atLeast, oldestAt: at(agoMs) } })[0];
    expect(waiting(1, 60_000)).toEqual({
      level: "ok",
      subject: "newapi",
      message: "1 task waits for the account; the oldest was created 1 min ago",
    });
    expect(waiting(100, 1_200_000, true)).toMatchObject({
      level: "warn",
      message: "100+ tasks wait for the account; the oldest was created 20 min ago",
      advice: expect.stringContaining("maxRunning"),
    });
  });

  test.each([
    ["has no waiting task", { waiting: { count: 0, atLeast: false, oldestAt: null } }],
    ["is at an older server, which does not say it", {}],
  ])("an account that %s has no line about it", (_, more) => {
    expect(findingsOf({ callbacks: "calling", ...more })).toEqual([
      { level: "ok", subject: "newapi", message: "sends callbacks" },
    ]);
  });

  test("an account with callbacks is ok, an account with failed look-ups is a warning", () => {
    const heardAt = new Date(NOW - 60_000).toISOString();
    expect(findingsOf({ callbacks: "calling", heardAt })).toMatchObject([
      { level: "ok", message: "sends callbacks, last one 1 min ago" },
    ]);
    expect(findingsOf({ callbacks: "silent", failures: 3 })).toMatchObject([
      { level: "warn", message: "look-up failed 3 times in a row" },
    ]);
  });

  test("all accounts without traffic share one line", () => {
    const vendors = [vendor("a", {}), vendor("b", { callbacks: "calling" }), vendor("c", {}, { name: "second" })];
    expect(checkVendors(vendors, NOW).map(({ level, message }) => [level, message])).toEqual([
      ["ok", "sends callbacks"],
      ["unknown", "too few tasks yet for a result: a, c/default, c/second"],
    ]);
  });

  test("findings name the account if a vendor has several accounts", () => {
    const found = findingsOf({ name: "a", callbacks: "silent" }, { name: "b", callbacks: "calling" });
    expect(found.map(({ subject, level }) => [subject, level])).toEqual([
      ["newapi/a", "warn"],
      ["newapi/b", "ok"],
    ]);
  });

  test("a server without vendors is an error", () => {
    expect(checkVendors([], NOW)).toMatchObject([{ level: "bad", message: "no vendor is configured" }]);
  });
});

describe("backlog", () => {
  test("checkDeadLetters counts the dead-letter messages that wait for a decision, not the redriven or discarded ones", () => {
    const deadLetter = (state: DeadLetter["state"]) => ({
      id: "1",
      state,
      body: "",
      why: "",
      receives: 1,
      createdAt: "",
    });
    expect(checkDeadLetters([deadLetter("kept"), deadLetter("dropped"), deadLetter("kept")])).toMatchObject({
      level: "warn",
      message: "2 waiting for a decision",
    });
    expect(checkDeadLetters([deadLetter("redriven")])).toMatchObject({ level: "ok" });
  });

  test("checkEndpoints names endpoints that are failing or disabled by mjflow, not those that the app disabled", () => {
    const endpoint = (more: Partial<Endpoint>) =>
      ({ id: "ep_1", enabled: true, disabledWhy: null, failingSince: null, ...more }) as Endpoint;
    expect(checkEndpoints([endpoint({ enabled: false, disabledWhy: "gone" })])).toMatchObject([
      { level: "bad", subject: "ep_1" },
    ]);
    expect(checkEndpoints([endpoint({ failingSince: "2026-11-20T08:00:00Z" })])).toMatchObject([{ level: "warn" }]);
    // Only a disabled endpoint has to be enabled.
    const adviceOf = (more: Partial<Endpoint>) => checkEndpoints([endpoint(more)])[0]?.advice;
    expect(adviceOf({ enabled: false, disabledWhy: "gone" })).toContain("mjflow endpoints enable");
    expect(adviceOf({ failingSince: "2026-11-20T08:00:00Z" })).not.toContain("mjflow endpoints enable");
    expect(checkEndpoints([endpoint({ enabled: false, disabledWhy: "by_app" }), endpoint({})])).toMatchObject([
      { level: "ok" },
    ]);
  });

  test("failed deliveries and flows that run for over a day are warnings", () => {
    expect(checkDeliveries([{} as Delivery])).toMatchObject({ level: "warn", message: "1 failed permanently" });
    const running = (hours: number) =>
      ({ id: `flow_${hours}`, createdAt: new Date(NOW - hours * 3_600_000).toISOString() }) as FlowSummary;
    expect(checkFlows([running(1), running(23)], NOW)).toMatchObject({
      level: "ok",
      message: "2 running, none overdue",
    });
    const finding = checkFlows([running(25), running(72), running(1)], NOW);
    expect(finding).toMatchObject({ level: "warn", message: "2 running for over a day, the oldest for 3 d" });
    expect(finding.advice).toContain("flow_72");
  });

  test("overdue work is ok for 5 minutes, then an error", () => {
    const overdue = (minutes: number) => ({
      count: 3,
      whole: true,
      oldest: {
        kind: "task" as const,
        id: "task_1",
        flowId: "flow_1",
        dueAt: new Date(NOW - minutes * 60_000).toISOString(),
      },
    });
    expect(checkOverdue({ count: 0, whole: true, oldest: null }, NOW)).toMatchObject({
      level: "ok",
      message: "none",
    });
    expect(checkOverdue(overdue(1), NOW)).toMatchObject({ level: "ok" });
    expect(checkOverdue(overdue(6), NOW)).toMatchObject({ level: "bad", message: "3, the oldest for 6 min" });
    expect(checkOverdue({ ...overdue(6), whole: false }, NOW).message).toBe("3 or more, the oldest for 6 min");
  });

  test("unclear submissions are a warning that names their vendor accounts", () => {
    const task = (account: string) => ({ provider: "newapi", account }) as UnclearTask;
    expect(checkUnclear({ data: [], looked: 9, whole: true })).toMatchObject({ level: "ok" });
    expect(checkUnclear({ data: [task("a"), task("a"), task("b")], looked: 9, whole: true })).toMatchObject({
      level: "warn",
      message: "3, at newapi/a, newapi/b",
    });
  });

  test("a long queue is ok, but messages that stay in the dead-letter queue are an error", () => {
    const queue = (name: QueueDepth["name"], waiting: number) => ({ name, waiting, inFlight: 0, delayed: 0 });
    expect(checkQueues([queue("submit", 40), queue("dead-letters", 0)])).toMatchObject({
      level: "ok",
      message: "waiting: submit 40",
    });
    expect(checkQueues([queue("submit", 0), queue("dead-letters", 2)])).toMatchObject({ level: "bad" });
  });
});
