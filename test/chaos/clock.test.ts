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
async function expectWrong(house: SpawnedServer, byMs: number): Promise<void> {
  const { createdAt, status } = await house.ended(await house.start({}));
  expect(status).toBe("completed");
  expect(Math.abs(Date.parse(createdAt) - Date.now() - byMs)).toBeLessThan(30_000);
}

test("ten minutes ahead, then ten behind, then ahead again, each after a kill -9: no illegal state, no double press, all end", async () => {
  let house = await site.start();
  const started = await site.startFlows(FLOWS, ["searched"]);
  await receivedEvents(house, FLOWS * 2);
  await house.kill();

  house = await site.start(TEN_MINUTES);
  await receivedEvents(house, FLOWS * 3);
  await expectWrong(house, TEN_MINUTES);
  await house.kill();

  // What waits for a due time of the clock that ran ahead waits twenty minutes now. What is new does not.
  house = await site.start(-TEN_MINUTES);
  await expectWrong(house, -TEN_MINUTES);
  await expectNoneSubmittedTwice(site, started);
  await house.kill();

  house = await site.start(2 * TEN_MINUTES);
  await expectAllEnded(site, started);
});
