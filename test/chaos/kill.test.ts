/** The server is killed at random moments under load, as by a power cut. */
import { SUBMIT_LEASE_MS } from "@mjflow/core/limit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ChaosSite, createChaosSite, expectAllEnded, ROUNDS, receivedEvents, seeded, TASKS } from "./site.ts";

const FLOWS = 10;
/**
 * Lease of a worker that died. The clock of the next server is ahead by the lease, so that the test need not wait for
 * it.
 */
const LEASE = SUBMIT_LEASE_MS + 1_000;

let site: ChaosSite;
beforeAll(async () => {
  site = await createChaosSite();
});
afterAll(() => site.clear());

test("after kill -9 at random moments every flow ends, and each press is paid as its policy allows", async () => {
  const random = seeded("kill");
  let server = await site.start();
  const started = await site.startFlows(FLOWS, ["searched", "never", "again"]);
  for (let round = 1; round <= ROUNDS; round++) {
    // Each round kills the server within its share of the work, at a random point: during a response, callback or
    // write.
    const share = Math.floor((FLOWS * TASKS * round) / (ROUNDS + 1));
    await receivedEvents(server, share - random.int(0, 5));
    const flows = await Promise.all(started.map(({ id }) => server.flow(id)));
    expect(flows.filter((flow) => flow.status === "running").length).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, random.int(0, 100)));
    await server.kill();
    server = await site.start(round * LEASE);
  }
  await expectAllEnded(site, started);
});
