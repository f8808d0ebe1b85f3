/** Recorded clients against a whole house: real functions, engines and HTTP, the simulator as the vendor behind it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { API_KEY, type Spawned, spawnHouse } from "../support/spawned.ts";
import type { Answered } from "./client.ts";
import { SESSIONS } from "./recording.ts";
import { replay, type Stage } from "./replay.ts";

let house: Spawned;
beforeAll(async () => {
  house = await spawnHouse();
});
afterAll(() => house?.stop());

const stage: Stage = {
  secret: API_KEY,
  async send(method, path, body, headers): Promise<Answered> {
    const response = await fetch(`${house.url}${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  },
  wait: () => new Promise((resolve) => setTimeout(resolve, 50)),
};

test.each(SESSIONS.map((s) => [s.client, s] as const))("%s gets its pictures", async (_, session) => {
  await replay(session, stage);
});

test("and the vendor was asked for each of them once", async () => {
  const { counts } = await house.sim("GET", "/ledger");
  const submits = SESSIONS.flatMap((s) => s.steps).filter(({ code, send }) => code && !send.endsWith("/modal"));
  expect(counts).toMatchObject({ tasks: submits.length, duplicatePresses: 0 });
});
