/** A house that dies in the middle, as by a power cut, and is started again on the same folder. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@mjflow/local/engine/port";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Json, type Spawned, spawnHouse, until } from "../support/spawned.ts";

let dataDir: string;
let house: Spawned | undefined;
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), "mjflow-e2e-restart-"));
});
afterAll(async () => {
  await house?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const pace = (ms: number) => ({ turbo: ms, fast: ms, relax: ms, video: ms });
const env = {
  MJFLOW_TIMINGS: JSON.stringify({
    quietMs: pace(4_000),
    unknownMs: 4_000,
    graceMs: pace(3_000),
    lookupMs: 1_000,
    requeueMs: 2_000,
    // Killed while a vendor was being called: the lease must run out before anything else can happen to the task.
    answerMs: 2_000,
    leaseMs: 3_000,
  }),
};

test("kill -9 in the middle of flows, twice: after a restart each one ends, no button pressed twice", async () => {
  const port = await freePort();
  house = await spawnHouse({ dataDir, port, env });
  const plan = [{ press: ["U1", "U2"], then: [{ press: "zoom:2" }] }, { press: "V1" }];
  const ids = await Promise.all([1, 2, 3].map((n) => house!.start({ state: `flow ${n}`, then: plan })));

  await until(
    () => house!.sim("GET", "/ledger"),
    ({ counts }) => counts.tasks >= 6,
  );
  await house.kill();
  house = await spawnHouse({ dataDir, port, env });
  await until(
    () => house!.sim("GET", "/ledger"),
    ({ counts }) => counts.tasks >= 12,
  );
  await house.kill();
  house = await spawnHouse({ dataDir, port, env });

  for (const [i, id] of ids.entries()) {
    const flow = await house.ended(id, 60_000);
    expect(flow).toMatchObject({ status: "completed", state: `flow ${i + 1}` });
    expect(flow.tasks.map((task: Json) => task.status)).toEqual(Array(6).fill("SUCCESS"));
  }
  const { counts } = await house.sim("GET", "/ledger");
  expect(counts.duplicatePresses).toBe(0);
}, 120_000);

test("a second house on the same folder is refused, saying why", async () => {
  await expect(spawnHouse({ dataDir, env })).rejects.toThrow(/Another mjflow \(process \d+\) uses/);
});
