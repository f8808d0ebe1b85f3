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
import { judgeClock } from "./clock.ts";
import { judgeVendors } from "./vendor.ts";
import {
  judgeDeliveries,
  judgeEndpoints,
  judgeFlows,
  judgeLetters,
  judgeOverdue,
  judgeQueues,
  judgeUnclear,
} from "./work.ts";

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
    expect(judgeClock(at(NOW + offMs), NOW, NOW + 50)).toMatchObject({ level });
  });

  test("a slow answer is no wrong clock", () => {
    expect(judgeClock(at(NOW + 9_000), NOW, NOW + 10_000)).toMatchObject({ level: "ok" });
    expect(judgeClock(at(NOW), NOW, NOW + 10_000)).toMatchObject({ level: "ok" });
  });

  test("says who is behind whom", () => {
    expect(judgeClock(at(NOW + 60_000), NOW, NOW).what).toBe("60 s behind the server's");
    expect(judgeClock(at(NOW - 61_000), NOW, NOW).what).toBe("60 s ahead of the server's");
  });

  test("of a server that tells no time is not judged", () => {
    expect(judgeClock(null, NOW, NOW)).toMatchObject({ level: "unknown" });
    expect(judgeClock("never", NOW, NOW)).toMatchObject({ level: "unknown" });
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
  const judged = (...accounts: Partial<ProviderAccount>[]) => judgeVendors([vendor("newapi", ...accounts)], NOW);

  test("one that is silent is named, with the setting to ask for", () => {
    const [finding] = judged({ callbacks: "silent" });
    expect(finding).toMatchObject({ level: "warn", about: "newapi", what: "never calls back" });
    expect(finding!.advice).toContain("MjNotifyEnabled");
  });

  test("one that calls, and one that cannot be asked", () => {
    const heardAt = new Date(NOW - 60_000).toISOString();
    expect(judged({ callbacks: "calling", heardAt })).toMatchObject([
      { level: "ok", what: "calls back, last noted 1 min ago" },
    ]);
    expect(judged({ callbacks: "silent", failures: 3 })).toMatchObject([
      { level: "warn", what: "could not be asked, 3 times in a row" },
    ]);
  });

  test("those that nothing is known of take one line", () => {
    const vendors = [vendor("a", {}), vendor("b", { callbacks: "calling" }), vendor("c", {}, { name: "second" })];
    expect(judgeVendors(vendors, NOW).map(({ level, what }) => [level, what])).toEqual([
      ["ok", "calls back"],
      ["unknown", "too little work yet to know of a, c/default, c/second"],
    ]);
  });

  test("several accounts are told apart", () => {
    const found = judged({ name: "a", callbacks: "silent" }, { name: "b", callbacks: "calling" });
    expect(found.map(({ about, level }) => [about, level])).toEqual([
      ["newapi/a", "warn"],
      ["newapi/b", "ok"],
    ]);
  });

  test("none at all is a mistake", () => {
    expect(judgeVendors([], NOW)).toMatchObject([{ level: "bad", what: "none is configured" }]);
  });
});

describe("what is stuck", () => {
  test("letters to decide on are counted, decided ones not", () => {
    const letter = (state: DeadLetter["state"]) => ({ id: "1", state, body: "", why: "", receives: 1, createdAt: "" });
    expect(judgeLetters([letter("kept"), letter("dropped"), letter("kept")])).toMatchObject({
      level: "warn",
      what: "2 to decide on",
    });
    expect(judgeLetters([letter("redriven")])).toMatchObject({ level: "ok" });
  });

  test("an endpoint that was switched off, or fails, is named; one that its owner disabled is not", () => {
    const endpoint = (more: Partial<Endpoint>) =>
      ({ id: "ep_1", enabled: true, disabledWhy: null, failingSince: null, ...more }) as Endpoint;
    expect(judgeEndpoints([endpoint({ enabled: false, disabledWhy: "gone" })])).toMatchObject([
      { level: "bad", about: "ep_1" },
    ]);
    expect(judgeEndpoints([endpoint({ failingSince: "2026-11-20T08:00:00Z" })])).toMatchObject([{ level: "warn" }]);
    expect(judgeEndpoints([endpoint({ enabled: false, disabledWhy: "by_app" }), endpoint({})])).toMatchObject([
      { level: "ok" },
    ]);
  });

  test("deliveries given up, flows that run for over a day", () => {
    expect(judgeDeliveries([{} as Delivery])).toMatchObject({ level: "warn", what: "1 given up" });
    const running = (hours: number) =>
      ({ id: `flow_${hours}`, createdAt: new Date(NOW - hours * 3_600_000).toISOString() }) as FlowSummary;
    expect(judgeFlows([running(1), running(23)], NOW)).toMatchObject({ level: "ok", what: "2 running, none overdue" });
    const finding = judgeFlows([running(25), running(72), running(1)], NOW);
    expect(finding).toMatchObject({ level: "warn", what: "2 running for over a day, the oldest for 3 d" });
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
    expect(judgeOverdue({ count: 0, whole: true, oldest: null }, NOW)).toMatchObject({ level: "ok", what: "nothing" });
    expect(judgeOverdue(overdue(1), NOW)).toMatchObject({ level: "ok" });
    expect(judgeOverdue(overdue(6), NOW)).toMatchObject({ level: "bad", what: "3, the oldest for 6 min" });
    expect(judgeOverdue({ ...overdue(6), whole: false }, NOW).what).toBe("3 and more, the oldest for 6 min");
  });

  test("submissions in doubt are told with their vendors", () => {
    const task = (account: string) => ({ provider: "newapi", account }) as UnclearTask;
    expect(judgeUnclear({ data: [], looked: 9, whole: true })).toMatchObject({ level: "ok" });
    expect(judgeUnclear({ data: [task("a"), task("a"), task("b")], looked: 9, whole: true })).toMatchObject({
      level: "warn",
      what: "3, at newapi/a, newapi/b",
    });
  });

  test("a queue may be long; dead letters that stay where they fell are nobody's", () => {
    const queue = (name: QueueDepth["name"], waiting: number) => ({ name, waiting, inFlight: 0, delayed: 0 });
    expect(judgeQueues([queue("submit", 40), queue("dead-letters", 0)])).toMatchObject({
      level: "ok",
      what: "waiting: submit 40",
    });
    expect(judgeQueues([queue("submit", 0), queue("dead-letters", 2)])).toMatchObject({ level: "bad" });
  });
});
