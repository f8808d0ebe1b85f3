/** The queue forgets everything. The table alone must be enough. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { SUBMIT_LEASE_MS } from "@mjflow/core/limit";
import { ENGINE_FILES } from "@mjflow/local/engine/name";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../support/spawned.ts";
import { type ChaosSite, createChaosSite, expectAllEnded, SEARCHED } from "./site.ts";

const FLOWS = 5;

let site: ChaosSite;
beforeAll(async () => {
  site = await createChaosSite();
});
afterAll(() => site.clear());

/** @returns how many messages it held */
function forgetQueue(dataDir: string): number {
  const db = new DatabaseSync(join(dataDir, ENGINE_FILES.sqlite));
  const { changes } = db.prepare("DELETE FROM messages").run();
  db.close();
  return Number(changes);
}

test("emptied while the house is down: each flow ends by its due times, and nothing is paid twice", async () => {
  let server = await site.start();
  // Vendors that take one task at a time keep the others' messages in the queue.
  for (const id of SEARCHED) await server.sim("PUT", `/scenarios/${id}`, { queue: { running: 1, waiting: 1 } });
  const started = await site.startFlows(FLOWS, ["searched"]);
  await until(
    () => server.sim("GET", "/ledger"),
    ({ counts }) => counts.busy > 0 && counts.tasks > 2,
  );
  await server.kill();
  expect(forgetQueue(site.dataDir)).toBeGreaterThan(0);

  server = await site.start(SUBMIT_LEASE_MS + 1_000);
  await expectAllEnded(site, started);
});
