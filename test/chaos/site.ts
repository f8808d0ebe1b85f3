/** Shared by the tests of this folder: servers that are killed and restarted, and the checks that follow. */
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

/** Number of times that a test kills the server; a higher number makes a longer test. */
export const ROUNDS = Number(process.env["MJFLOW_CHAOS_ROUNDS"] ?? 2);

const GRACE = 2_500;
/** Timings that are long enough for a healthy task at the simulator's speed and short enough for a test. */
const TIMINGS = {
  quietMs: pace(3_000),
  unknownMs: 3_000,
  graceMs: pace(GRACE),
  lookupMs: 500,
  requeueMs: 1_500,
  effectsMs: 1_500,
  busyMs: 200,
  // One more than the number of kills in any test: each kill may happen between claim and call and so use up an
  // attempt.
  attemptLimit: Math.max(ROUNDS, 3) + 1,
};

/** With the root: an imagine, two upscales, a zoom below each upscale, and a variation. */
export const PLAN = [{ press: ["U1", "U2"], then: [{ press: "zoom:2" }] }, { press: "V1" }];
export const TASKS = 6;

/** Prints the seed, so that a failed run can be repeated with MJFLOW_CHAOS_SEED. */
export function seeded(name: string): Rng {
  const seed = Number(process.env["MJFLOW_CHAOS_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
  console.log(`${name}: MJFLOW_CHAOS_SEED=${seed}`);
  return createRng(seed);
}

export type ChaosSite = Awaited<ReturnType<typeof createChaosSite>>;

/**
 * Creates one data folder and one port, on which one server after the other is started.
 *
 * @param timings overrides of the timings above
 */
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
    /** The running server, or the last one that ran. */
    server: () => server!,
    async startFlows(count: number, kinds: readonly Kind[]): Promise<Started[]> {
      const started = await startFlows(server!, count, kinds);
      flows = started;
      return started;
    },
    /** @param shiftMs error of the server's clock, ms */
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
      await witness.observe(
        server,
        flows.map(({ id }) => id),
      );
      return server;
    },
    /** The output of all servers of this site. */
    output: () => readFileSync(output, "utf8"),
    async clear() {
      await server?.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Vendors that list their accepted tasks, each in its own way. */
export const SEARCHED = ["trueai", "simulator", "midjourney-proxy"] as const;

/** Text that careless encoding on the way would change. */
const stateOf = (n: number) => `order ${n} · "ä\\u0000" 🛶  \t${"x".repeat(n)}`;

/**
 * What happens to a press whose response and callbacks were all lost.
 *
 * - `searched`: the vendor lists its tasks with our `state`, so every submission becomes clear. Other vendors have no
 *   list.
 * - `never`: the press is not submitted again, which may cost the branch.
 * - `again`: the press is submitted again after the grace period, which may cost the vendor's price and counts as an
 *   attempt.
 */
export type Kind = "searched" | "never" | "again";
/** Request fields of each kind; the flows of a kind alternate between its vendors. */
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

/**
 * Checks that each flow ends and has its `state` unchanged, and that the vendor was paid no more than the kind allows.
 */
export async function expectAllEnded(site: ChaosSite, flows: readonly Started[]): Promise<void> {
  const server = site.server();
  for (const { id, kind, state } of flows) {
    const flow = await until(() => server.flow(id).then(brief), isOver);
    expect(flow.state).toBe(state);
    if (kind === "never") expect(flow.tasks.filter((task) => task.status !== "SUCCESS").every(isGivenUp)).toBe(true);
    else expect(flow).toMatchObject({ status: "completed", tasks: Array(TASKS).fill({ status: "SUCCESS" }) });
  }
  await expectNoneSubmittedTwice(site, flows);
}

/**
 * Checks what must hold at any time: every status is legal and no submission was doubled. A submission that was sent
 * again was allowed by its kind and is shown as an attempt.
 */
export async function expectNoneSubmittedTwice(site: ChaosSite, flows: readonly Started[]): Promise<void> {
  const server = site.server();
  const ledger = await server.sim("GET", "/ledger");
  const { doubled, resent } = billOf(ledger, { graceMs: GRACE, known: site.witness.known });
  expect(doubled).toEqual([]);
  // The map holds the last attempt of each task that was sent again.
  const lastAttempts = new Map(resent.map(({ taskId, attempt }) => [taskId, attempt]));
  expect(ledger.counts.duplicatePresses).toBe(resent.filter(({ isPress }) => isPress).length);
  for (const { id, kind } of flows) {
    for (const task of (await server.flow(id)).tasks) {
      expect(STATUSES).toContain(task.status);
      const attempt = lastAttempts.get(task.id);
      if (attempt === undefined) continue;
      expect(kind, task.id).toBe("again");
      expect(task.attempts, task.id).toBeGreaterThanOrEqual(attempt);
    }
  }
}

const isGivenUp = ({ failure }: Brief) => /^(submission_unclear|parent_failed)$/.test(failure ?? "");

type Brief = ReturnType<typeof brief>["tasks"][number];

/** The fields that explain a failure, for the message if a flow does not end in time. */
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

/** Waits until the vendor has accepted this number of tasks. */
export function receivedEvents(server: SpawnedServer, tasks: number): Promise<Json> {
  return until(
    () => counts(server),
    (now) => now.tasks >= tasks,
  );
}

/** Waits until a process has exited by itself. */
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
