/**
 * A relay that accepts notifyHook and drops it: new-api, as most resellers run it. The local server is new and has
 * never received a callback from it.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Json, type SpawnedServer, spawnServer } from "../support/spawned.ts";

const second = 1_000;
const pace = (ms: number) => ({ turbo: ms, fast: ms, relax: ms, video: ms });
/** Time that mjflow waits for a callback before it looks a task up. */
const QUIET = 8 * second;
const TIMINGS = JSON.stringify({
  quietMs: pace(QUIET),
  unknownMs: QUIET,
  silentMs: second,
  lookupMs: second,
});
const UPSCALES = [{ press: ["U1", "U2", "U3", "U4"] }];

let server: SpawnedServer;
beforeAll(async () => {
  server = await spawnServer({ env: { MJFLOW_TIMINGS: TIMINGS } });
});
afterAll(() => server?.stop());

test("an account without callbacks is recorded as silent, and its plans still complete", async () => {
  await server.sim("PUT", "/scenarios/newapi", { silent: true });
  const first = await server.ended(await server.start({ provider: "newapi", then: UPSCALES }));
  expect(first).toMatchObject({ status: "completed", counts: { submissions: 5, callbacks: 0 } });
  await server.sim("DELETE", "/ledger");
  const second = await server.ended(await server.start({ provider: "newapi", then: UPSCALES }));
  expect(second.status).toBe("completed");
  // Tasks are looked up soon after their submission, not after the time for a callback.
  const waited = second.tasks.map((task: Json) => Date.parse(task.endedAt) - Date.parse(task.submittedAt));
  expect(Math.min(...waited)).toBeLessThan(QUIET);
  const { lookups } = await server.sim("GET", "/ledger");
  const ids = lookups.reduce((sum: number, lookup: Json) => sum + lookup.ids.length, 0);
  expect(lookups.length).toBeLessThan(ids);
});
