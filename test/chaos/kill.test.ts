/** Power cuts at random moments under load. */
import { SUBMIT_LEASE_MS } from "@mjflow/core/limit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ChaosSite, createChaosSite, expectAllEnded, ROUNDS, receivedEvents, seeded, TASKS } from "./site.ts";

const FLOWS = 10;
/** A worker that died holds its task for so long; the next house's clock is on by that, so that nobody waits for it. */
const LEASE = SUBMIT_LEASE_MS + 1_000;

let site: ChaosSite;
beforeAll(async () => {
  site = await createChaosSite();
});
afterAll(() => site.clear());

test("kill -9 under ten flows, at random moments: each flow ends, each press is paid as its policy says, states come back as sent", async () => {
  const random = seeded("kill");
  let server = await site.start();
  const started = await site.startFlows(FLOWS, ["searched", "never", "again"]);
  for (let round = 1; round <= ROUNDS; round++) {
    // In this round's share of the work, at any point of what is going on then: an answer, a callback, a write.
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
