/** What the tests of this folder share: houses that lose their power, and what must be true of them afterwards. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { STATUSES } from "@mjflow/core/task";
import { freePort } from "@mjflow/local/engine/port";
import { expect } from "vitest";
import { createRng, type Rng } from "../sim/random.ts";
import { billOf, createWitness } from "../support/bill.ts";
import { type Json, type SpawnedServer, spawnServer, until } from "../support/spawned.ts";

const PRELOAD = new URL("./preload.mjs", import.meta.url).href;
const pace = (ms: number) => ({ turbo: ms, fast: ms, relax: ms, video: ms });

/** How often a house dies; more for a longer look. */
export const ROUNDS = Number(process.env["MJFLOW_CHAOS_ROUNDS"] ?? 2);

const GRACE = 2_500;
/** Long enough for a healthy task at the simulator's speed, short enough to wait for. */
const TIMINGS = {
  quietMs: pace(3_000),
  unknownMs: 3_000,
  graceMs: pace(GRACE),
  lookupMs: 500,
  requeueMs: 1_500,
  effectsMs: 1_500,
  busyMs: 200,
  // One more than the deaths of any test here: each may come between a task's claim and its call, and burns that attempt.
  attemptLimit: Math.max(ROUNDS, 3) + 1,
};

/** An imagine, two upscales, a zoom below each, and a variation. */
export const PLAN = [{ press: ["U1", "U2"], then: [{ press: "zoom:2" }] }, { press: "V1" }];
export const TASKS = 6;

/** Printed, so that a failure can be run again: MJFLOW_CHAOS_SEED. */
export function seeded(name: string): Rng {
  const seed = Number(process.env["MJFLOW_CHAOS_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
  console.log(`${name}: MJFLOW_CHAOS_SEED=${seed}`);
  return createRng(seed);
}

export type ChaosSite = Awaited<ReturnType<typeof createChaosSite>>;

/** One folder and one port, on which one house after the other is started. @param timings where they differ */
export async function createChaosSite(timings: Record<string, unknown> = {}, env: Record<string, string> = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), "mjflow-chaos-"));
  const port = await freePort();
  const output = join(dataDir, "output.txt");
  const witness = createWitness();
  let server: SpawnedServer | undefined;
  let flows: readonly Started[] = [];
  return {
    dataDir,
    witness,
    /** The one that runs, or ran last. */
    house: () => server!,
    async startFlows(count: number, kinds: readonly Kind[]): Promise<Started[]> {
      const started = await startFlows(server!, count, kinds);
      flows = started;
      return started;
    },
    /** @param shiftMs how wrong its clock is */
    async start(shiftMs = 0): Promise<SpawnedServer> {
      server = await spawnServer({
        dataDir,
        port,
        env: {
          MJFLOW_TIMINGS: JSON.stringify({ ...TIMINGS, ...timings }),
          NODE_OPTIONS: `--import ${PRELOAD}`,
          MJFLOW_TEST_OUTPUT: output,
          MJFLOW_TEST_SHIFT_MS: String(shiftMs),
          ...env,
        },
      });
      await witness.look(
        server,
        flows.map(({ id }) => id),
      );
      return server;
    },
    /** All that every house of this site printed. */
    output: () => readFileSync(output, "utf8"),
    async clear() {
      await server?.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** The vendors that list what they took, each in its own way. */
export const SEARCHED = ["trueai", "simulator", "midjourney-proxy"] as const;

/** Text that a careless hand on the way would change. */
const stateOf = (n: number) => `order ${n} · "ä\\u0000" 🛶  \t${"x".repeat(n)}`;

/**
 * How a press whose answer and callbacks were all lost goes on. `searched`: the vendor lists what it took by our own
 * mark, so nothing is ever in doubt for good. At the others it cannot be asked. `never`: not sent again, which may cost the
 * branch. `again`: sent again after the grace, which may cost the vendor's price, and shows as an attempt.
 */
export type Kind = "searched" | "never" | "again";
/** Each kind's flows take turns at its vendors. */
const KINDS: Record<Kind, readonly object[]> = {
  searched: SEARCHED.map((provider) => ({ provider })),
  never: [{ provider: "xfusionai", resubmit: "never" }],
  again: [{ provider: "xfusionai" }],
};

export interface Started {
  id: string;
  kind: Kind;
  state: string;
}

function startFlows(server: SpawnedServer, count: number, kinds: readonly Kind[]): Promise<Started[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const kind = kinds[n % kinds.length]!;
      const turns = KINDS[kind];
      const turn = turns[Math.floor(n / kinds.length) % turns.length];
      const id = await server.start({ state: stateOf(n), then: PLAN, ...turn });
      return { id, kind, state: stateOf(n) };
    }),
  );
}

export const counts = async (server: SpawnedServer) => (await server.sim("GET", "/ledger")).counts;

/** Each flow ends, with its state as it was sent, and the vendor was paid no more than its kind allows. */
export async function expectAllEnded(site: ChaosSite, flows: readonly Started[]): Promise<void> {
  const server = site.house();
  for (const { id, kind, state } of flows) {
    const flow = await until(() => server.flow(id).then(brief), isOver);
    expect(flow.state).toBe(state);
    if (kind === "never") expect(flow.tasks.filter((task) => task.status !== "SUCCESS").every(isGivenUp)).toBe(true);
    else expect(flow).toMatchObject({ status: "completed", tasks: Array(TASKS).fill({ status: "SUCCESS" }) });
  }
  await expectNoneSubmittedTwice(site, flows);
}

/** At any time: no illegal state, nothing doubled, and what was sent again was allowed to be, and is shown. */
export async function expectNoneSubmittedTwice(site: ChaosSite, flows: readonly Started[]): Promise<void> {
  const server = site.house();
  const ledger = await server.sim("GET", "/ledger");
  const { doubled, resent } = billOf(ledger, { graceMs: GRACE, known: site.witness.known });
  expect(doubled).toEqual([]);
  // Of a task sent again more than once, the last attempt.
  const again = new Map(resent.map(({ taskId, attempt }) => [taskId, attempt]));
  expect(ledger.counts.duplicatePresses).toBe(resent.filter(({ isPress }) => isPress).length);
  for (const { id, kind } of flows) {
    for (const task of (await server.flow(id)).tasks) {
      expect(STATUSES).toContain(task.status);
      const attempt = again.get(task.id);
      if (attempt === undefined) continue;
      expect(kind, task.id).toBe("again");
      expect(task.attempts, task.id).toBeGreaterThanOrEqual(attempt);
    }
  }
}

const isGivenUp = ({ failure }: Brief) => /^(submission_unclear|parent_failed)$/.test(failure ?? "");

type Brief = ReturnType<typeof brief>["tasks"][number];

/** What tells why a flow goes on, should it go on for too long. */
const brief = ({ status, state, tasks }: Json) => ({
  status: status as string,
  state: state as string,
  tasks: (tasks as Json[]).map(({ status, press, attempts, unclear, lookups, failure }) => ({
    status: status as string,
    press,
    attempts,
    unclear,
    lookups,
    failure: failure?.code as string | undefined,
  })),
});
const isOver = ({ status }: { status: string }) => status !== "running";

/** Waits until the vendor has heard this much. */
export function receivedEvents(server: SpawnedServer, tasks: number): Promise<Json> {
  return until(
    () => counts(server),
    (now) => now.tasks >= tasks,
  );
}

/** Waits for a process that ends by itself. */
export function waitForExit(pid: number, withinMs?: number): Promise<boolean> {
  return until(async () => !isAlive(pid), Boolean, withinMs);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
