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
import {
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

describe("the clock", () => {
  test.each([
    ["the same", 0, "ok"],
    ["a second, which a header cannot tell", 1_000, "ok"],
    ["four seconds", -4_000, "ok"],
    ["a minute ahead", 60_000, "warn"],
    ["a minute behind", -60_000, "warn"],
    ["so far that webhooks are refused", 400_000, "bad"],
    ["so far behind", -400_000, "bad"],
  ])("%s", (_, offMs, level) => {
    expect(checkClock(at(NOW + offMs), NOW, NOW + 50)).toMatchObject({ level });
  });

  test("a slow answer is no wrong clock", () => {
    expect(checkClock(at(NOW + 9_000), NOW, NOW + 10_000)).toMatchObject({ level: "ok" });
    expect(checkClock(at(NOW), NOW, NOW + 10_000)).toMatchObject({ level: "ok" });
  });

  test("says who is behind whom", () => {
    expect(checkClock(at(NOW + 60_000), NOW, NOW).message).toBe("60 s behind the server's");
    expect(checkClock(at(NOW - 61_000), NOW, NOW).message).toBe("60 s ahead of the server's");
  });

  test("of a server that tells no time is not judged", () => {
    expect(checkClock(null, NOW, NOW)).toMatchObject({ level: "unknown" });
    expect(checkClock("never", NOW, NOW)).toMatchObject({ level: "unknown" });
  });
});

describe("vendors", () => {
  const account = (more: Partial<ProviderAccount>): ProviderAccount => ({
    name: "default",
    weight: 1,
    maxRunning: null,
    callbacks: "unknown",
    heardAt: null,
    failures: 0,
    askAt: null,
    circuit: "closed",
    openUntil: null,
    fault: null,
    busyUntil: null,
    ...more,
  });
  const vendor = (id: string, ...accounts: Partial<ProviderAccount>[]) =>
    ({ id, accounts: accounts.map(account) }) as Partial<Provider> as Provider;
  const judged = (...accounts: Partial<ProviderAccount>[]) => checkVendors([vendor("newapi", ...accounts)], NOW);

  test("one that is silent is named, with the setting to ask for", () => {
    const [finding] = judged({ callbacks: "silent" });
    expect(finding).toMatchObject({ level: "warn", subject: "newapi", message: "never calls back" });
    expect(finding!.advice).toContain("MjNotifyEnabled");
  });

  test("one that calls, and one that cannot be asked", () => {
    const heardAt = new Date(NOW - 60_000).toISOString();
    expect(judged({ callbacks: "calling", heardAt })).toMatchObject([
      { level: "ok", message: "calls back, last noted 1 min ago" },
    ]);
    expect(judged({ callbacks: "silent", failures: 3 })).toMatchObject([
      { level: "warn", message: "could not be asked, 3 times in a row" },
    ]);
  });

  test("those that nothing is known of take one line", () => {
    const vendors = [vendor("a", {}), vendor("b", { callbacks: "calling" }), vendor("c", {}, { name: "second" })];
    expect(checkVendors(vendors, NOW).map(({ level, message }) => [level, message])).toEqual([
      ["ok", "calls back"],
      ["unknown", "too little work yet to know of a, c/default, c/second"],
    ]);
  });

  test("several accounts are told apart", () => {
    const found = judged({ name: "a", callbacks: "silent" }, { name: "b", callbacks: "calling" });
    expect(found.map(({ subject, level }) => [subject, level])).toEqual([
      ["newapi/a", "warn"],
      ["newapi/b", "ok"],
    ]);
  });

  test("none at all is a mistake", () => {
    expect(checkVendors([], NOW)).toMatchObject([{ level: "bad", message: "none is configured" }]);
  });
});

describe("what is stuck", () => {
  test("letters to decide on are counted, decided ones not", () => {
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
      message: "2 to decide on",
    });
    expect(checkDeadLetters([deadLetter("redriven")])).toMatchObject({ level: "ok" });
  });

  test("an endpoint that was switched off, or fails, is named; one that its owner disabled is not", () => {
    const endpoint = (more: Partial<Endpoint>) =>
      ({ id: "ep_1", enabled: true, disabledWhy: null, failingSince: null, ...more }) as Endpoint;
    expect(checkEndpoints([endpoint({ enabled: false, disabledWhy: "gone" })])).toMatchObject([
      { level: "bad", subject: "ep_1" },
    ]);
    expect(checkEndpoints([endpoint({ failingSince: "2026-11-20T08:00:00Z" })])).toMatchObject([{ level: "warn" }]);
    expect(checkEndpoints([endpoint({ enabled: false, disabledWhy: "by_app" }), endpoint({})])).toMatchObject([
      { level: "ok" },
    ]);
  });

  test("deliveries given up, flows that run for over a day", () => {
    expect(checkDeliveries([{} as Delivery])).toMatchObject({ level: "warn", message: "1 given up" });
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

  test("what is overdue is the sweeper's, until it has passed it over", () => {
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
      message: "nothing",
    });
    expect(checkOverdue(overdue(1), NOW)).toMatchObject({ level: "ok" });
    expect(checkOverdue(overdue(6), NOW)).toMatchObject({ level: "bad", message: "3, the oldest for 6 min" });
    expect(checkOverdue({ ...overdue(6), whole: false }, NOW).message).toBe("3 and more, the oldest for 6 min");
  });

  test("submissions in doubt are told with their vendors", () => {
    const task = (account: string) => ({ provider: "newapi", account }) as UnclearTask;
    expect(checkUnclear({ data: [], looked: 9, whole: true })).toMatchObject({ level: "ok" });
    expect(checkUnclear({ data: [task("a"), task("a"), task("b")], looked: 9, whole: true })).toMatchObject({
      level: "warn",
      message: "3, at newapi/a, newapi/b",
    });
  });

  test("a queue may be long; dead letters that stay where they fell are nobody's", () => {
    const queue = (name: QueueDepth["name"], waiting: number) => ({ name, waiting, inFlight: 0, delayed: 0 });
    expect(checkQueues([queue("submit", 40), queue("dead-letters", 0)])).toMatchObject({
      level: "ok",
      message: "waiting: submit 40",
    });
    expect(checkQueues([queue("submit", 0), queue("dead-letters", 2)])).toMatchObject({ level: "bad" });
  });
});
