/** A house that dies in the middle, as by a power cut, and is started again on the same folder. */
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
    // Killed while a vendor was being called: the lease must run out before anything else can happen to the task.
    answerMs: 5_000,
    leaseMs: 6_000,
    // One more than the deaths below: each may come between a task's claim and its call, and burns that attempt.
    attemptLimit: 3,
  }),
};

const isLostEnd = ({ outcome, status }: CallbackPost) => outcome === "lost" && status === "SUCCESS";
const ledgerOf = (server: SpawnedServer): Promise<Ledger> => server.sim("GET", "/ledger");

test("kill -9 in the middle of flows, twice: after a restart each one ends, no button pressed twice", async () => {
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
  // This vendor lists what it has taken: what was on its way when the house died is found there, not sent again.
  const ledger = await ledgerOf(server);
  expect(billOf(ledger, { graceMs: GRACE, known: witness.known })).toEqual({ doubled: [], resent: [] });
  expect(ledger.counts.duplicatePresses).toBe(0);
});

/** Vendors that list their tasks by our mark, and two of those that do not. */
const SEARCHED = ["simulator", "midjourney-proxy", "trueai"];
const FLOWS = [
  ...SEARCHED.map((provider) => ({ provider })),
  { provider: "xfusionai", resubmit: "after-grace" },
  { provider: "gitaigc", resubmit: "never" },
];

test("kill -9 while five vendors were taking a press and nothing was told of it: found where the vendor lists it, sent again or given up where the flow says so", async () => {
  const port = await freePort();
  server = await spawnServer({ dataDir, port, env });
  for (const { provider } of FLOWS) {
    await server.sim("POST", "/faults", { kind: "accept-then-hang", provider, action: "UPSCALE" });
    await server.sim("POST", "/faults", { kind: "lose-callback", provider, action: "UPSCALE", times: 1_000 });
  }
  const ids = await Promise.all(FLOWS.map((flow) => server!.start({ ...flow, then: [{ press: "U1" }] })));
  // Each is done at the vendor, which has told nobody.
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
    resent: [{ taskId: upscales[3].id, attempt: 2, isPress: true }],
  });
  expect(ledger.counts.duplicatePresses).toBe(1);
  const lists = ledger.lookups.filter(({ ids }) => ids.length === 0);
  expect(new Set(lists.map(({ provider }) => provider))).toEqual(new Set(SEARCHED));
});

test("a second house on the same folder is refused, saying why", async () => {
  server = await spawnServer({ dataDir, env });
  await expect(spawnServer({ dataDir, env })).rejects.toThrow(/Another mjflow \(process \d+\) uses/);
});
