/** What goes wrong between a vendor and us, on a real house with due times short enough to watch. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Json, type SpawnedServer, spawnServer, until } from "../support/spawned.ts";

const second = 1_000;
const pace = (ms: number) => ({ turbo: ms, fast: ms, relax: ms, video: ms });
/** Long enough for a healthy task at this speed, short enough to wait for. */
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

/** Presses as the vendor saw them: parent and button. */
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
  test("each sent three times and shuffled: every button is pressed once, and the copies are counted", async () => {
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

  test("all of them before the submit answer: the task finishes, and its follow-ups run", async () => {
    await server.sim("POST", "/faults", { kind: "early-callback", status: "SUCCESS", times: 2 });
    const flow = await server.ended(await server.start({ then: [{ press: "U1" }] }));
    expect(await fired()).toBe(2);
    expect(flow).toMatchObject({ status: "completed", counts: { submissions: 2 } });
  });

  test("lost ends are found by the sweeper, in far fewer requests than there are tasks", async () => {
    await server.sim("POST", "/faults", { kind: "lose-callback", action: "UPSCALE", status: "SUCCESS", times: 12 });
    const ids = await Promise.all([1, 2, 3].map(() => server.start({ then: UPSCALES })));
    for (const id of ids) expect((await server.ended(id)).status).toBe("completed");
    expect(await fired()).toBe(12);
    // Each falls due in its own time, and those that do between two sweeps share a request (all in one: chaos/outage).
    const { lookups, submissions } = await server.sim("GET", "/ledger");
    const upscales = submissions.filter((row: Json) => row.action === "UPSCALE").map((row: Json) => row.taskId);
    const asked: string[] = lookups.flatMap((lookup: Json) => lookup.ids);
    expect(asked).toEqual(expect.arrayContaining(upscales));
    expect(lookups.length).toBeLessThanOrEqual(asked.length / 2);
    expect(await presses()).toHaveLength(12);
  });

  test("an old progress and a contrary end after the success change nothing", async () => {
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
    "%s: the callback tells what the answer did not, and nothing is sent again",
    async (kind) => {
      await server.sim("POST", "/faults", { kind, accepted: true });
      const flow = await server.ended(await server.start({ then: [{ press: "U1" }] }));
      expect(await fired()).toBe(1);
      expect(flow).toMatchObject({ status: "completed", counts: { submissions: 2 } });
    },
  );

  test("one that never arrived is sent again, after its grace", async () => {
    await server.sim("POST", "/faults", { kind: "drop-before-accept" });
    const flow = await server.ended(await server.start({}));
    expect(flow).toMatchObject({ status: "completed", counts: { submissions: 2 } });
  });

  test("a full queue and a rate limit are waited out, and burn no attempt", async () => {
    await server.sim("POST", "/faults", { kind: "queue-full", times: 2 });
    await server.sim("POST", "/faults", { kind: "answer-429" });
    const flow = await server.ended(await server.start({}));
    expect(await fired()).toBe(3);
    expect(flow).toMatchObject({ status: "completed", counts: { submissions: 1 } });
  });

  test("a relay that does not know of the success yet is asked again", async () => {
    await server.sim("PUT", "/scenarios/newapi", { relayLagMs: 1_500 });
    const flow = await server.ended(await server.start({ provider: "newapi", then: [{ press: "U1" }] }));
    await server.sim("PUT", "/scenarios/newapi", {});
    expect(flow).toMatchObject({ status: "completed", counts: { submissions: 2 } });
    const { counts } = await server.sim("GET", "/ledger");
    expect(counts.submissions).toBeGreaterThan(2);
  });

  test("an upscale finished inside its answer, with no callback ever, is found", async () => {
    await server.sim("PUT", "/scenarios/trueai", { instantUpscale: true });
    const flow = await server.ended(await server.start({ provider: "trueai", then: UPSCALES }));
    await server.sim("PUT", "/scenarios/trueai", {});
    expect(flow.status).toBe("completed");
  });
});
