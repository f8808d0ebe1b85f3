/** The clock of the machine is wrong and is then corrected. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SpawnedServer } from "../support/spawned.ts";
import { type ChaosSite, createChaosSite, expectAllEnded, expectNoneSubmittedTwice, receivedEvents } from "./site.ts";

const TEN_MINUTES = 600_000;
const FLOWS = 3;

let site: ChaosSite;
beforeAll(async () => {
  site = await createChaosSite();
});
afterAll(() => site.clear());

/** Runs one flow from start to end under a clock that is wrong by `byMs`. */
async function expectWrong(server: SpawnedServer, byMs: number): Promise<void> {
  const { createdAt, status } = await server.ended(await server.start({}));
  expect(status).toBe("completed");
  expect(Math.abs(Date.parse(createdAt) - Date.now() - byMs)).toBeLessThan(30_000);
}

test("when the clock jumps at each restart after kill -9, every flow ends and no press is paid twice", async () => {
  let server = await site.start();
  const started = await site.startFlows(FLOWS, ["searched"]);
  await receivedEvents(server, FLOWS * 2);
  await server.kill();

  server = await site.start(TEN_MINUTES);
  await receivedEvents(server, FLOWS * 3);
  await expectWrong(server, TEN_MINUTES);
  await server.kill();

  // Due times were set while the clock was ten minutes ahead, so their tasks now wait twenty minutes. New tasks do not
  // wait.
  server = await site.start(-TEN_MINUTES);
  await expectWrong(server, -TEN_MINUTES);
  await expectNoneSubmittedTwice(site, started);
  await server.kill();

  server = await site.start(2 * TEN_MINUTES);
  await expectAllEnded(site, started);
});
