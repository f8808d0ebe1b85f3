/** The server is down while its tasks run, so every callback is lost. */
import type { Ledger } from "@mjflow/simulator/ledger";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Json, until } from "../support/spawned.ts";
import { type ChaosSite, createChaosSite } from "./site.ts";

/** Quiet time, ms: no row is overdue before the server is killed, and all rows are overdue after the restart. */
const QUIET = 60_000;

let site: ChaosSite;
beforeAll(async () => {
  site = await createChaosSite({
    quietMs: { turbo: QUIET, fast: QUIET, relax: QUIET, video: QUIET },
    unknownMs: QUIET,
  });
});
afterAll(() => site.clear());

test("after an outage one look-up request finds the ends of all tasks whose callbacks were lost", async () => {
  let server = await site.start();
  await server.sim("POST", "/faults", { kind: "lose-callback", action: "UPSCALE", times: 1_000 });
  const id = await server.start({ then: [{ press: ["U1", "U2", "U3", "U4"] }] });
  // The vendor has accepted all four tasks and we have stored their ids. The callbacks of their ends are then lost.
  await until(
    () => server.flow(id),
    ({ tasks }) => tasks.filter((task: Json) => task.press && task.providerTaskId).length === 4,
  );
  const ledger: () => Promise<Ledger> = () => server.sim("GET", "/ledger");
  await until(ledger, ({ callbacks }) => callbacks.filter(({ status }) => status === "SUCCESS").length === 5);
  await server.kill();

  server = await site.start(QUIET + 1_000);
  expect(await server.ended(id)).toMatchObject({ status: "completed", counts: { submissions: 5 } });
  expect((await ledger()).lookups.map(({ verb, ids }) => [verb, ids.length])).toEqual([["list-by-condition", 4]]);
});
