/** Faults of submissions and look-ups: the result for the client, and the true result in the ledger. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ManualClock, manualClock, type Simulator, startSimulator } from "./server.ts";
import { call, idOf, imagine, look, submit } from "./test-client.ts";
import { type Receiver, startReceiver } from "./test-receiver.ts";

let clock: ManualClock;
let simulator: Simulator;
let receiver: Receiver;

beforeEach(async () => {
  clock = manualClock();
  simulator = await startSimulator({ clock });
  receiver = await startReceiver();
});
afterEach(async () => {
  await simulator.stop();
  await receiver.stop();
});

const body = { prompt: "a boat" };

test("accept-then-drop closes the connection, and the task exists and sends callbacks", async () => {
  const fault = simulator.arm({ kind: "accept-then-drop" });
  await expect(imagine(simulator, "simulator", { notifyHook: receiver.hook })).rejects.toThrow();
  clock.advance(60_000);
  await simulator.waitFor((ledger) => ledger.counts.callbacksDelivered === 10);
  expect(simulator.ledger().submissions[0]).toMatchObject({ outcome: "accepted", httpStatus: null, fault: fault.kind });
  expect(receiver.bodies[0]?.id).toBe(simulator.ledger().submissions[0]?.taskId);
});

test("accept-then-hang creates the task and never responds", async () => {
  simulator.arm({ kind: "accept-then-hang" });
  const giveUp = new AbortController();
  const url = `${simulator.baseUrl("simulator")}/mj/submit/imagine`;
  const request = fetch(url, { method: "POST", body: JSON.stringify(body), signal: giveUp.signal });
  await simulator.waitFor((ledger) => ledger.counts.tasks === 1);
  giveUp.abort();
  await expect(request).rejects.toThrow();
});

test("drop-before-accept closes the connection and creates no task", async () => {
  simulator.arm({ kind: "drop-before-accept" });
  await expect(imagine(simulator, "simulator")).rejects.toThrow();
  expect(simulator.ledger().counts).toMatchObject({ submissions: 1, tasks: 0 });
  expect(await imagine(simulator, "simulator")).toMatch(/^\d{16}$/);
});

test("answer-5xx and answer-garbage create no task, unless the fault has accepted: true", async () => {
  simulator.arm({ kind: "answer-5xx", httpStatus: 503 });
  expect((await submit(simulator, "newapi", "imagine", body)).json).toHaveProperty("error.type", "new_api_error");
  simulator.arm({ kind: "answer-garbage" });
  const garbage = await submit(simulator, "simulator", "imagine", body);
  expect([garbage.status, garbage.contentType]).toEqual([502, "text/html"]);
  expect(simulator.ledger().counts.tasks).toBe(0);
  simulator.arm({ kind: "answer-5xx", accepted: true });
  expect((await submit(simulator, "trueai", "imagine", body)).json).toMatchObject({ success: false, code: -1 });
  expect(simulator.ledger().counts.tasks).toBe(1);
});

test.each([
  ["newapi", 429, { code: 30, type: "upstream_error" }],
  ["cometapi", 429, { error: { code: "rate_limit_exceeded" } }],
  ["simulator", 429, {}],
] as const)("answer-429 at %s has the format of the vendor", async (provider, status, json) => {
  simulator.arm({ kind: "answer-429", provider });
  expect(await submit(simulator, provider, "imagine", body)).toMatchObject({ status, json });
});

test("queue-full and not-success reject with the code of the vendor, and the next submission succeeds", async () => {
  simulator.arm({ kind: "queue-full", verb: "imagine", times: 2 });
  expect((await submit(simulator, "trueai", "imagine", body)).json.code).toBe(9);
  expect((await submit(simulator, "simulator", "imagine", body)).json.code).toBe(23);
  const id = await imagine(simulator, "newapi");
  clock.advance(60_000);
  simulator.arm({ kind: "not-success", verb: "action" });
  const press = { taskId: id, customId: `MJ::JOB::upsample::1::${simulator.task(id)?.jobId}` };
  expect((await submit(simulator, "newapi", "action", press)).json.description).toBe("task_status_not_success ");
  expect((await submit(simulator, "newapi", "action", press)).json.code).toBe(1);
});

test("fail-task fails one task with the matching action", async () => {
  simulator.arm({ kind: "fail-task", action: "IMAGINE" });
  const [bad, good] = [await imagine(simulator, "simulator"), await imagine(simulator, "simulator")];
  clock.advance(60_000);
  expect([simulator.task(bad)?.status, simulator.task(good)?.status]).toEqual(["FAILURE", "SUCCESS"]);
});

test("lookup-5xx and lookup-missing affect look-ups, and the ledger records the fault", async () => {
  const id = await imagine(simulator, "simulator");
  simulator.arm({ kind: "lookup-5xx", httpStatus: 504 });
  simulator.arm({ kind: "lookup-missing", verb: "list-by-condition" });
  expect((await look(simulator, "simulator", id)).status).toBe(504);
  expect((await call(simulator, "simulator", "POST", "/task/list-by-condition", { ids: [id] })).text).toBe("[]");
  expect((await look(simulator, "simulator", id)).json.id).toBe(id);
  expect(simulator.ledger().lookups.map((row) => row.fault)).toEqual(["lookup-5xx", "lookup-missing", null]);
});

test("slow-answer delays the response by the clock, and the task exists meanwhile", async () => {
  simulator.arm({ kind: "slow-answer", delayMs: 5_000 });
  const response = submit(simulator, "simulator", "imagine", body);
  await simulator.waitFor((ledger) => ledger.counts.tasks === 1);
  // The timer of the response is set after the ledger row is written, so the clock advances only after the timer exists.
  await new Promise((later) => setImmediate(later));
  clock.advance(5_000);
  expect(idOf(await response)).toBe(simulator.ledger().submissions[0]?.taskId);
});

test("two simulators with the same seed give the same ids", async () => {
  const other = await startSimulator({ clock: manualClock() });
  try {
    expect(await imagine(other, "simulator")).toBe(await imagine(simulator, "simulator"));
  } finally {
    await other.stop();
  }
});
