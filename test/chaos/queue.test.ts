/** The queue loses all messages. The table alone must be sufficient to finish every flow. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { SUBMIT_LEASE_MS } from "@mjflow/core/limit";
import { DATABASE_FILE } from "@mjflow/local/folder-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../support/spawned.ts";
import { type ChaosSite, createChaosSite, expectAllEnded, SEARCHED } from "./site.ts";

const FLOWS = 5;

let site: ChaosSite;
beforeAll(async () => {
  site = await createChaosSite();
});
afterAll(() => site.clear());

/** @returns the number of deleted messages */
function clearQueue(dataDir: string): number {
  const db = new DatabaseSync(join(dataDir, DATABASE_FILE));
  const { changes } = db.prepare("DELETE FROM messages").run();
  db.close();
  return Number(changes);
}

test("if the queue is emptied while the server is down, every flow ends and no task is paid twice", async () => {
  let server = await site.start();
  // The vendors accept one task at a time, so the messages of the other tasks stay in the queue.
  for (const id of SEARCHED) await server.sim("PUT", `/scenarios/${id}`, { queue: { running: 1, waiting: 1 } });
  const started = await site.startFlows(FLOWS, ["searched"]);
  await until(
    () => server.sim("GET", "/ledger"),
    ({ counts }) => counts.busy > 0 && counts.tasks > 2,
  );
  await server.kill();
  expect(clearQueue(site.dataDir)).toBeGreaterThan(0);

  server = await site.start(SUBMIT_LEASE_MS + 1_000);
  await expectAllEnded(site, started);
});
