/** A local server that is killed during its work, as by a power cut, and started again with the same folder. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@mjflow/local/engine/port";
import type { CallbackPost, Ledger } from "@mjflow/simulator/ledger";
import { afterEach, beforeEach, expect, test } from "vitest";
import { billOf, createWitness } from "../support/bill.ts";
import { type Json, type SpawnedServer, spawnServer, until } from "../support/spawned.ts";

let dataDir: string;
let server: SpawnedServer | undefined;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "mjflow-e2e-restart-"));
});
afterEach(async () => {
  await server?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const GRACE = 3_000;
const pace = (ms: number) => ({ turbo: ms, fast: ms, relax: ms, video: ms });
const env = {
  MJFLOW_TIMINGS: JSON.stringify({
    quietMs: pace(4_000),
    unknownMs: 4_000,
    graceMs: pace(GRACE),
    lookupMs: 1_000,
    requeueMs: 2_000,
    // If the server is killed during a submission, the lease must end before the task can continue.
    answerMs: 5_000,
    leaseMs: 6_000,
    // One more than the kills below: each kill may come between claim and call and use an attempt.
    attemptLimit: 3,
  }),
};

const isLostEnd = ({ outcome, status }: CallbackPost) => outcome === "lost" && status === "SUCCESS";
const ledgerOf = (server: SpawnedServer): Promise<Ledger> => server.sim("GET", "/ledger");

test("after two kills during flows, every flow completes and no button is pressed twice", async () => {
  const port = await freePort();
  server = await spawnServer({ dataDir, port, env });
  const plan = [{ press: ["U1", "U2"], then: [{ press: "zoom:2" }] }, { press: "V1" }];
  const ids = await Promise.all([1, 2, 3].map((n) => server!.start({ state: `flow ${n}`, then: plan })));
  const witness = createWitness();

  for (const tasks of [6, 12]) {
    await until(
      () => ledgerOf(server!),
      ({ counts }) => counts.tasks >= tasks,
    );
    await server.kill();
    server = await spawnServer({ dataDir, port, env });
    await witness.observe(server, ids);
  }

  for (const [i, id] of ids.entries()) {
    const flow = await server.ended(id);
    expect(flow).toMatchObject({ status: "completed", state: `flow ${i + 1}` });
    expect(flow.tasks.map((task: Json) => task.failure?.code ?? task.status)).toEqual(Array(6).fill("SUCCESS"));
  }
  // This vendor lists its tasks, so a submission in progress at the kill is found there and not sent again.
  const ledger = await ledgerOf(server);
  expect(billOf(ledger, { graceMs: GRACE, known: witness.known })).toEqual({ doubled: [], resent: [] });
  expect(ledger.counts.duplicatePresses).toBe(0);
});

/** Vendors whose tasks can be searched by mjflow's state mark; two other vendors of the test cannot. */
const SEARCHED = ["simulator", "midjourney-proxy", "trueai"];
const FLOWS = [
  ...SEARCHED.map((provider) => ({ provider })),
  { provider: "xfusionai", resubmit: "after-grace" },
  { provider: "gitaigc", resubmit: "never" },
];

test("presses accepted by five vendors at the time of a kill are found at vendors with a search, and otherwise sent again or failed as the flow demands", async () => {
  const port = await freePort();
  server = await spawnServer({ dataDir, port, env });
  for (const { provider } of FLOWS) {
    await server.sim("POST", "/faults", { kind: "accept-then-hang", provider, action: "UPSCALE" });
    await server.sim("POST", "/faults", { kind: "lose-callback", provider, action: "UPSCALE", times: 1_000 });
  }
  const ids = await Promise.all(FLOWS.map((flow) => server!.start({ ...flow, then: [{ press: "U1" }] })));
  // Each press is finished at its vendor, and every callback was lost.
  await until(
    () => ledgerOf(server!),
    ({ callbacks }) => new Set(callbacks.filter(isLostEnd).map(({ taskId }) => taskId)).size === FLOWS.length,
  );
  await server.kill();

  server = await spawnServer({ dataDir, port, env });
  const witness = createWitness();
  await witness.observe(server, ids);
  const flows: Json[] = [];
  for (const id of ids) flows.push(await server.ended(id));
  const upscales = flows.map((flow) => flow.tasks.find((task: Json) => task.press === "U1"));
  expect(upscales.map(({ status, attempts }) => [status, attempts])).toEqual([
    ["SUCCESS", 1],
    ["SUCCESS", 1],
    ["SUCCESS", 1],
    ["SUCCESS", 2],
    ["FAILURE", 1],
  ]);
  expect(upscales[4].failure.code).toBe("submission_unclear");

  const ledger = await ledgerOf(server);
  expect(billOf(ledger, { graceMs: GRACE, known: witness.known })).toEqual({
    doubled: [],
    resent: [{ taskId: upscales[3].id, attempt: 2, isPress: true, afterProgress: expect.any(Boolean) }],
  });
  expect(ledger.counts.duplicatePresses).toBe(1);
  const lists = ledger.lookups.filter(({ ids }) => ids.length === 0);
  expect(new Set(lists.map(({ provider }) => provider))).toEqual(new Set(SEARCHED));
});

test("a second local server with the same folder is rejected with the reason", async () => {
  server = await spawnServer({ dataDir, env });
  await expect(spawnServer({ dataDir, env })).rejects.toThrow(/Another mjflow \(process \d+\) uses/);
});
