/** Callbacks and their faults. Each test asserts that its fault was applied. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type DialectId,
  type FaultSpec,
  type ManualClock,
  manualClock,
  type Simulator,
  startSimulator,
} from "./server.ts";
import { imagine, look } from "./test-client.ts";
import { type Receiver, startReceiver } from "./test-receiver.ts";

let clock: ManualClock;
let simulator: Simulator;
let receiver: Receiver;

beforeEach(async () => {
  clock = manualClock();
  simulator = await startSimulator({ clock, seed: 11 });
  receiver = await startReceiver();
});
afterEach(async () => {
  await simulator.stop();
  await receiver.stop();
});

const WHOLE = [
  "SUBMITTED 0%",
  ...[0, 15, 31, 46, 62, 78, 93, 100].map((percent) => `IN_PROGRESS ${percent}%`),
  "SUCCESS 100%",
];

/** Runs one imagine to its end and waits until `count` callbacks were sent or lost. */
async function run(callbacks: number, provider: DialectId = "simulator", prompt = "a boat"): Promise<string> {
  const id = await imagine(simulator, provider, { notifyHook: receiver.hook, state: "s", prompt });
  clock.advance(60_000);
  await simulator.waitFor((ledger) => ledger.counts.callbacks >= callbacks);
  return id;
}

test("a task sends ten callbacks in order, each with the same task object as fetch", async () => {
  const id = await run(10);
  expect(receiver.story()).toEqual(WHOLE);
  expect(receiver.contentTypes[0]).toBe("application/json");
  expect(receiver.bodies.at(-1)).toEqual((await look(simulator, "simulator", id)).json);
  expect(receiver.bodies.at(-1)?.properties).toMatchObject({ notifyHook: receiver.hook });
  expect(simulator.ledger().counts).toMatchObject({ callbacksDelivered: 10, callbacksLost: 0 });
});

test("trueai sends the final callback twice, as utf-8, with 59 keys", async () => {
  await run(11, "trueai");
  expect(receiver.story()).toEqual([...WHOLE, "SUCCESS 100%"]);
  expect(receiver.contentTypes[0]).toBe("application/json; charset=utf-8");
  expect(Object.keys(receiver.bodies[0] ?? {})).toHaveLength(59);
});

test("callbacks of new-api have the shape of its upstream", async () => {
  await run(10, "newapi");
  expect(receiver.bodies.at(-1)).toMatchObject({ state: "s", properties: { notifyHook: receiver.hook } });
});

test("a vendor that is silent by scenario or by directive sends no callback", async () => {
  simulator.scenario("newapi", { silent: true });
  simulator.scenario("agicto", { silent: true });
  await imagine(simulator, "newapi", { notifyHook: receiver.hook });
  await imagine(simulator, "agicto", { notifyHook: receiver.hook });
  await imagine(simulator, "simulator", { notifyHook: receiver.hook, prompt: "a --sim silent" });
  clock.advance(60_000);
  expect(simulator.ledger().callbacks).toEqual([]);
  expect(simulator.ledger().submissions.every((row) => row.hasHook)).toBe(true);
});

test("the response of the receiver is recorded and has no effect", async () => {
  await receiver.stop();
  receiver = await startReceiver(500);
  await run(10);
  expect(receiver.story()).toEqual(WHOLE);
  expect(simulator.ledger().counts.callbacksRefused).toBe(10);
});

test("a notifyHook that is not http or not reachable is recorded as unreachable and has no effect", async () => {
  await imagine(simulator, "simulator", { notifyHook: "ftp://127.0.0.1/x" });
  await imagine(simulator, "simulator", { notifyHook: "http://127.0.0.1:1/x" });
  clock.advance(60_000);
  const ledger = await simulator.waitFor((now) => now.counts.callbacks === 20);
  expect(ledger.counts.callbacksUnreachable).toBe(20);
});

test("the ledger never contains a notifyHook URL", async () => {
  await run(10);
  expect(JSON.stringify(simulator.ledger())).not.toContain("secret-token");
});

describe("faults", () => {
  const arm = (fault: FaultSpec) => simulator.arm(fault);

  test("lose-callback loses only the matching callback", async () => {
    const fault = arm({ kind: "lose-callback", status: "terminal" });
    await run(10);
    expect(receiver.story()).toEqual(WHOLE.slice(0, -1));
    expect(simulator.ledger().counts.callbacksLost).toBe(1);
    expect(fault.fired).toBe(1);
  });

  test("copy-callback sends one callback several times", async () => {
    const fault = arm({ kind: "copy-callback", status: "SUCCESS", copies: 4 });
    await run(14);
    expect(receiver.story()).toEqual([...WHOLE, ...Array(4).fill("SUCCESS 100%")]);
    expect(fault.fired).toBe(1);
  });

  test("shuffle-callbacks sends all callbacks and copies in another order at the end", async () => {
    const shuffle = arm({ kind: "shuffle-callbacks" });
    arm({ kind: "copy-callback", status: "SUBMITTED", copies: 1 });
    await run(11);
    expect(receiver.story()).not.toEqual(receiver.story().toSorted());
    expect(receiver.story().toSorted()).toEqual(["SUBMITTED 0%", ...WHOLE].toSorted());
    expect(shuffle.fired).toBe(1);
  });

  test("early-callback sends one or all callbacks before the submit response", async () => {
    const one = arm({ kind: "early-callback" });
    await imagine(simulator, "simulator", { notifyHook: receiver.hook });
    expect(receiver.story()).toEqual(["SUBMITTED 0%"]);
    const all = arm({ kind: "early-callback", status: "SUCCESS" });
    await imagine(simulator, "simulator", { notifyHook: receiver.hook });
    expect(receiver.story().slice(1)).toEqual(WHOLE);
    expect([one.fired, all.fired]).toEqual([1, 1]);
  });

  test("later callbacks overtake a late-callback", async () => {
    arm({ kind: "late-callback", status: "SUBMITTED", delayMs: 30_000 });
    await run(10);
    expect(receiver.story().toSorted()).toEqual(WHOLE.toSorted());
    expect(simulator.ledger().callbacks.find((row) => row.fault === "late-callback")?.status).toBe("SUBMITTED");
  });

  test("progress-after-success and failure-after-success follow the end, and look-ups still return SUCCESS", async () => {
    arm({ kind: "progress-after-success" });
    arm({ kind: "failure-after-success" });
    const id = await run(12);
    expect(receiver.story().slice(-3)).toEqual(["SUCCESS 100%", "IN_PROGRESS 93%", "FAILURE"]);
    expect(receiver.bodies.at(-1)?.failReason).toBe("任务超时");
    expect((await look(simulator, "simulator", id)).json.status).toBe("SUCCESS");
  });

  test("a final callback that is sent twice can be lost once or twice", async () => {
    const once = arm({ kind: "lose-callback", provider: "trueai", status: "SUCCESS" });
    await run(11, "trueai");
    expect(receiver.story()).toEqual(WHOLE);
    const both = arm({ kind: "lose-callback", provider: "trueai", status: "SUCCESS", times: 9 });
    await run(22, "trueai");
    expect(receiver.story().filter((line) => line.startsWith("SUCCESS"))).toHaveLength(1);
    expect([once.fired, both.fired]).toEqual([1, 2]);
  });

  test("a fault for another vendor, action or status has no effect", async () => {
    const faults = [
      arm({ kind: "lose-callback", provider: "trueai" }),
      arm({ kind: "lose-callback", action: "UPSCALE" }),
      arm({ kind: "lose-callback", status: "FAILURE" }),
    ];
    await run(10);
    expect(faults.map((fault) => fault.fired)).toEqual([0, 0, 0]);
  });
});
