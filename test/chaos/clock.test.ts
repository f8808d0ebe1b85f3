/** The machine's clock is wrong, and is put right. */
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

/** A flow by itself, begun and ended under this clock. */
async function expectWrong(server: SpawnedServer, byMs: number): Promise<void> {
  const { createdAt, status } = await server.ended(await server.start({}));
  expect(status).toBe("completed");
  expect(Math.abs(Date.parse(createdAt) - Date.now() - byMs)).toBeLessThan(30_000);
}

test("ten minutes ahead, then ten behind, then ahead again, each after a kill -9: no illegal state, no double press, all end", async () => {
  let server = await site.start();
  const started = await site.startFlows(FLOWS, ["searched"]);
  await receivedEvents(server, FLOWS * 2);
  await server.kill();

  server = await site.start(TEN_MINUTES);
  await receivedEvents(server, FLOWS * 3);
  await expectWrong(server, TEN_MINUTES);
  await server.kill();

  // What waits for a due time of the clock that ran ahead waits twenty minutes now. What is new does not.
  server = await site.start(-TEN_MINUTES);
  await expectWrong(server, -TEN_MINUTES);
  await expectNoneSubmittedTwice(site, started);
  await server.kill();

  server = await site.start(2 * TEN_MINUTES);
  await expectAllEnded(site, started);
});
