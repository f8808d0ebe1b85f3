/**
 * The local server is killed under load, while its vendors live on in another process. Their accounts have 1,000 newer tasks
 * of other clients, so a list of recent tasks never shows one of ours. A search by the mark finds it nevertheless.
 *
 * `npm test` kills the server three times, `npm run chaos:kill` 60 times.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@mjflow/local/engine/port";
import type { Ledger } from "@mjflow/simulator/ledger";
import { afterAll, beforeAll, expect, test } from "vitest";
import { billOf, createWitness } from "../support/bill.ts";
import { type SpawnedServer, type SpawnedVendors, spawnServer, spawnVendors, until } from "../support/spawned.ts";
import { PLAN, seeded, TASKS } from "./site.ts";

const KILLS = Number(process.env["MJFLOW_KILL_ROUNDS"] ?? 3);
const FLOWS_PER_ROUND = 2;
const NEWER_TASKS = 1_000;
const GRACE = 4_000;
const pace = (ms: number) => ({ turbo: ms, fast: ms, relax: ms, video: ms });
/** The lease of a killed worker and the grace period are short, so that the test need not move a clock. */
const TIMINGS = {
  ...{ base: "local", answerMs: 4_000, leaseMs: 5_000, graceMs: pace(GRACE), quietMs: pace(3_000), unknownMs: 3_000 },
  ...{ lookupMs: 500, lookupMaxMs: 2_000, requeueMs: 1_500, effectsMs: 1_500, busyMs: 200, attemptLimit: 6 },
};

/** How a submission without response can be found at the vendor. */
const VENDORS = { "by the mark": "midjourney-proxy", "in a list of 100": "trueai", "not at all": "xfusionai" } as const;
type Found = keyof typeof VENDORS;
const KINDS = Object.keys(VENDORS) as Found[];

let vendors: SpawnedVendors;
let server: SpawnedServer;
let flows: { id: string; kind: Found }[] = [];
const dataDir = mkdtempSync(join(tmpdir(), "mjflow-kill-"));
const ledger = (): Promise<Ledger> => vendors.sim("GET", "/ledger");
const witness = createWitness(ledger);
let port: number;

async function startServer(): Promise<void> {
  const env = Object.values(VENDORS).flatMap((id) => {
    const name = `MJFLOW_${id.toUpperCase().replaceAll("-", "_")}`;
    return [
      [`${name}_BASE_URL`, `${vendors.url}/${id}`],
      [`${name}_KEY`, "a-key-for-tests"],
    ];
  });
  server = await spawnServer({
    dataDir,
    port,
    env: { ...Object.fromEntries(env), MJFLOW_TIMINGS: JSON.stringify(TIMINGS) },
  });
  await witness.observe(
    server,
    flows.map(({ id }) => id),
  );
}

beforeAll(async () => {
  port = await freePort();
  vendors = await spawnVendors(await freePort());
  for (const id of Object.values(VENDORS)) await vendors.sim("PUT", `/scenarios/${id}`, { newerTasks: NEWER_TASKS });
  await startServer();
});
afterAll(async () => {
  await server?.stop();
  await vendors?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

test(
  `after ${KILLS} kills under load nothing is paid twice at a vendor that is searched by the mark`,
  async () => {
    const random = seeded("living vendor");
    const started: typeof flows = [];
    for (let round = 1; round <= KILLS; round++) {
      const before = (await ledger()).counts.tasks;
      const fresh = await Promise.all(
        KINDS.flatMap((kind) => Array.from({ length: FLOWS_PER_ROUND }, () => kind)).map(async (kind) => {
          const id = await server.start({ provider: VENDORS[kind], then: PLAN });
          return { id, kind };
        }),
      );
      started.push(...fresh);
      // The kill comes at a random point of the round's work: during a call, a callback or a write.
      const share = random.int(1, FLOWS_PER_ROUND * KINDS.length * 3);
      await until(ledger, ({ counts }) => counts.tasks >= before + share);
      await new Promise((resolve) => setTimeout(resolve, random.int(0, 100)));
      await server.kill();
      // Only the flows of the last rounds can still be open. Reading all of them after each kill would take minutes.
      flows = started.slice(-6 * fresh.length);
      await startServer();
    }
    flows = started;
    for (const { id } of flows) {
      const flow = await until(
        () => server.flow(id),
        ({ status }) => status !== "running",
        180_000,
      );
      expect(flow.status, id).toBe("completed");
    }
    const { submissions, callbacks, lookups } = await ledger();
    const paidWithoutNeed: string[] = [];
    const counts = Object.fromEntries(
      KINDS.map((kind) => {
        const at = ({ provider }: { provider: string }) => provider === VENDORS[kind];
        const own = { submissions: submissions.filter(at), callbacks: callbacks.filter(at) };
        const { doubled, resent } = billOf(own, { graceMs: GRACE, known: witness.known });
        paidWithoutNeed.push(...doubled.map((what) => `${kind}: ${what}`));
        const tasks = flows.filter((flow) => flow.kind === kind).length * TASKS;
        const searches = lookups.filter((row) => at(row) && row.ids.length === 0).length;
        const afterProgress = resent.filter((each) => each.afterProgress).length;
        return [kind, { tasks, paidTwice: resent.length, afterProgress, searches }];
      }),
    );
    console.log(`${KILLS} kills: ${JSON.stringify(counts)}`);
    expect(paidWithoutNeed).toEqual([]);
    expect(counts["by the mark"]!.paidTwice).toBe(0);
    if (KILLS < 20) return;
    // The search was needed, and without it the same kills cost images.
    expect(counts["by the mark"]!.searches).toBeGreaterThan(0);
    expect(counts["not at all"]!.paidTwice).toBeGreaterThan(0);
  },
  120_000 + KILLS * 60_000,
);
