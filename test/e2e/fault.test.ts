/** Faults between a vendor and mjflow, on a running local server with short timings. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Json, type SpawnedServer, spawnServer, until } from "../support/spawned.ts";

const second = 1_000;
const pace = (ms: number) => ({ turbo: ms, fast: ms, relax: ms, video: ms });
/** Timings that are long enough for a task without faults and short enough for a test. */
const TIMINGS = JSON.stringify({
  quietMs: pace(4 * second),
  unknownMs: 4 * second,
  silentMs: second,
  instantMs: second,
  graceMs: pace(3 * second),
  requeueMs: 2 * second,
  lookupMs: second,
  busyMs: 200,
});

let server: SpawnedServer;
beforeAll(async () => {
  server = await spawnServer({ env: { MJFLOW_TIMINGS: TIMINGS, MJFLOW_SWEEP_MS: String(second) } });
});
afterAll(() => server?.stop());
beforeEach(async () => {
  await server.sim("DELETE", "/faults");
  await server.sim("DELETE", "/ledger");
});

/** Presses that the vendor received: parent and button. */
async function presses(): Promise<string[]> {
  const { submissions } = await server.sim("GET", "/ledger");
  return submissions.filter((s: Json) => s.parentId).map((s: Json) => `${s.parentId} ${s.customId}`);
}

async function fired(): Promise<number> {
  const faults = await server.sim("GET", "/faults");
  return (Array.isArray(faults) ? faults : faults.faults).reduce((sum: number, fault: Json) => sum + fault.fired, 0);
}

const UPSCALES = [{ press: ["U1", "U2", "U3", "U4"] }];

describe("callbacks", () => {
  test("if every callback arrives three times and shuffled, each button is pressed once and the duplicates are counted", async () => {
    await server.sim("POST", "/faults", { kind: "copy-callback", copies: 2, times: 1_000 });
    await server.sim("POST", "/faults", { kind: "shuffle-callbacks", times: 100 });
    const flow = await server.ended(
      await server.start({ then: [{ press: "U1", then: [{ press: "zoom:2" }] }, { press: ["U2", "V1"] }] }),
    );
    expect(await fired()).toBeGreaterThan(20);
    expect(flow).toMatchObject({ status: "completed", counts: { submissions: 5 } });
    const pressed = await presses();
    expect(pressed).toHaveLength(4);
    expect(new Set(pressed).size).toBe(4);
    const counted = await until(
      () => server.flow(flow.id),
      ({ counts }) => counts.duplicates >= 10,
    );
    expect(counted.counts.duplicates).toBe(10);
  });

  test("if all callbacks arrive before the submit response, the task succeeds and its follow-ups run", async () => {
    await server.sim("POST", "/faults", { kind: "early-callback", status: "SUCCESS", times: 2 });
    const flow = await server.ended(await server.start({ then: [{ press: "U1" }] }));
    expect(await fired()).toBe(2);
    expect(flow).toMatchObject({ status: "completed", counts: { submissions: 2 } });
  });

  test("the sweeper finds the results of lost callbacks with fewer requests than tasks", async () => {
    await server.sim("POST", "/faults", { kind: "lose-callback", action: "UPSCALE", status: "SUCCESS", times: 12 });
    const ids = await Promise.all([1, 2, 3].map(() => server.start({ then: UPSCALES })));
    for (const id of ids) expect((await server.ended(id)).status).toBe("completed");
    expect(await fired()).toBe(12);
    // Each task has its own due time. Tasks that become due between two sweeps share a request. chaos/outage tests one
    // request for all tasks.
    const { lookups, submissions } = await server.sim("GET", "/ledger");
    const upscales = submissions.filter((row: Json) => row.action === "UPSCALE").map((row: Json) => row.taskId);
    const lookedUp: string[] = lookups.flatMap((lookup: Json) => lookup.ids);
    expect(lookedUp).toEqual(expect.arrayContaining(upscales));
    expect(lookups.length).toBeLessThanOrEqual(lookedUp.length / 2);
    expect(await presses()).toHaveLength(12);
  });

  test("an old progress report or a failure after the success does not change the task", async () => {
    await server.sim("POST", "/faults", { kind: "progress-after-success" });
    await server.sim("POST", "/faults", { kind: "failure-after-success" });
    const id = await server.start({});
    await server.ended(id);
    const flow = await until(
      () => server.flow(id),
      ({ tasks }) => tasks[0].late !== null,
    );
    expect(flow.tasks[0]).toMatchObject({ status: "SUCCESS", progress: 100, late: { status: "FAILURE" } });
  });
});

describe("submissions", () => {
  test.each(["accept-then-drop", "answer-garbage"])(
    "after %s the callback reports the result and nothing is submitted again",
    async (kind) => {
      await server.sim("POST", "/faults", { kind, accepted: true });
      const flow = await server.ended(await server.start({ then: [{ press: "U1" }] }));
      expect(await fired()).toBe(1);
      expect(flow).toMatchObject({ status: "completed", counts: { submissions: 2 } });
    },
  );

  test("a submission that never arrived is sent again after the grace period", async () => {
    await server.sim("POST", "/faults", { kind: "drop-before-accept" });
    const flow = await server.ended(await server.start({}));
    expect(flow).toMatchObject({ status: "completed", counts: { submissions: 2 } });
  });

  test("a full queue and a rate limit delay the submission and use no attempt", async () => {
    await server.sim("POST", "/faults", { kind: "queue-full", times: 2 });
    await server.sim("POST", "/faults", { kind: "answer-429" });
    const flow = await server.ended(await server.start({}));
    expect(await fired()).toBe(3);
    expect(flow).toMatchObject({ status: "completed", counts: { submissions: 1 } });
  });

  test("a press is repeated if the relay does not know the parent's success yet", async () => {
    await server.sim("PUT", "/scenarios/newapi", { relayLagMs: 1_500 });
    const flow = await server.ended(await server.start({ provider: "newapi", then: [{ press: "U1" }] }));
    await server.sim("PUT", "/scenarios/newapi", {});
    expect(flow).toMatchObject({ status: "completed", counts: { submissions: 2 } });
    const { counts } = await server.sim("GET", "/ledger");
    expect(counts.submissions).toBeGreaterThan(2);
  });

  test("an upscale that finishes within the submit response is found without a callback", async () => {
    await server.sim("PUT", "/scenarios/trueai", { instantUpscale: true });
    const flow = await server.ended(await server.start({ provider: "trueai", then: UPSCALES }));
    await server.sim("PUT", "/scenarios/trueai", {});
    expect(flow.status).toBe("completed");
  });
});
