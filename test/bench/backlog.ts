/**
 * `backlog` sends many flows at once, as fast as one server accepts them, and waits until all have ended. Just before, a few
 * flows at a time run in the same process. Flows per second, CPU of a flow and memory must not depend on the length of the queue.
 * Meanwhile the benchmark asks for the health of the server, and the server measures the pauses of its event loop.
 */
import { createConnectionPool } from "./flows/connection.ts";
import { jsonRequest, statusOf } from "./flows/http-wire.ts";
import { SYSTEMS } from "./flows/systems.ts";
import { verify, withSystem } from "./flows.ts";
import { disturbances, watchMachine } from "./quiet.ts";
import { percentile } from "./stat.ts";
import { hasUsage, usageOf } from "./usage.ts";

export interface BacklogOptions {
  /** Number of flows in the backlog. */
  flows: number;
  /** Number of connections that send them, each one flow at a time. */
  connections: number;
  warmUpFlows: number;
  /** Number of flows of the comparison, with `steadyConcurrency` of them at the same time. */
  steadyFlows: number;
  steadyConcurrency: number;
}

export interface BacklogRow {
  /** The comparison; the time until the last flow of the backlog was accepted; the time after it. */
  phase: "steady" | "accepting" | "draining";
  seconds: number;
  accepted: number;
  ended: number;
  /** CPU time of the server; null without /proc. */
  cpuMs: number | null;
  longestPauseMs: number;
  /** Requests for the health of the server. */
  healthP50Ms: number;
  healthP99Ms: number;
}

export interface BacklogFound extends BacklogOptions {
  rows: BacklogRow[];
  /** Resident set when this share of the flows had ended. */
  memory: { share: number; rssMb: number }[];
  /** Highest resident set while the server accepted flows. */
  acceptingRssMb: number;
  /** CPU time of the server for a flow; NaN without /proc. */
  steadyCpuMsPerFlow: number;
  backlogCpuMsPerFlow: number;
  disturbed: string[];
}

const SHARES = [0, 0.25, 0.5, 0.75, 1];
const LOOK_MS = 250;
const HEALTH_PAUSE_MS = 50;
/** Time without the end of a flow after which the run fails, ms. */
const STUCK_MS = 120_000;

/** @throws Error if a flow is not accepted, does not end, or does not have five paid images */
export async function benchBacklog(options: BacklogOptions): Promise<BacklogFound> {
  const { flows, connections, warmUpFlows, steadyFlows, steadyConcurrency } = options;
  const { title } = SYSTEMS.mjflow;
  return withSystem(SYSTEMS.mjflow, async ({ pid, url, run, complete, enqueue, enqueued, report, state }) => {
    const cpuNow = () => (hasUsage ? usageOf(pid).cpuMs : null);
    const rows: BacklogRow[] = [];
    let pauses: number[] = [];
    let healthMs: number[] = [];
    let begun = { at: 0, cpuMs: null as number | null };
    const begin = () => {
      [pauses, healthMs] = [[], []];
      begun = { at: performance.now(), cpuMs: cpuNow() };
    };
    /** Looks at the server. @returns its resident set, MB */
    const look = async () => {
      const { rssMb, longestPauseMs } = await state();
      pauses.push(longestPauseMs);
      return rssMb;
    };
    const end = async (phase: BacklogRow["phase"], counts: Pick<BacklogRow, "accepted" | "ended">) => {
      const seconds = (performance.now() - begun.at) / 1_000;
      await look();
      const row: BacklogRow = {
        phase,
        seconds,
        ...counts,
        cpuMs: begun.cpuMs === null ? null : cpuNow()! - begun.cpuMs,
        longestPauseMs: Math.max(...pauses),
        healthP50Ms: percentile(healthMs, 0.5),
        healthP99Ms: percentile(healthMs, 0.99),
      };
      rows.push(row);
      console.log(lineOf(row));
    };

    await run(warmUpFlows, steadyConcurrency);
    await complete();
    await look();
    const health = watchHealth(url, (ms) => healthMs.push(ms));
    const stopWatch = watchMachine();
    begin();
    const ran = await run(steadyFlows, steadyConcurrency);
    await end("steady", { accepted: steadyFlows, ended: steadyFlows });
    const quiet = stopWatch((rows[0]!.cpuMs ?? 0) + ran.cpuMs + ran.driverCpuMs);
    verify(title, ran);
    await complete();

    const memory = [{ share: 0, rssMb: await look() }];
    let acceptingRssMb = 0;
    let acceptedBy: number | undefined;
    let last = { ended: 0, at: performance.now() };
    begin();
    await enqueue({ flows, connections });
    while (last.ended < flows) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      const { accepted, ended } = await enqueued();
      const rssMb = await look();
      if (acceptedBy === undefined) acceptingRssMb = Math.max(acceptingRssMb, rssMb);
      while (memory.length < SHARES.length && ended >= SHARES[memory.length]! * flows)
        memory.push({ share: SHARES[memory.length]!, rssMb });
      if (acceptedBy === undefined && accepted === flows) {
        acceptedBy = ended;
        await end("accepting", { accepted, ended });
        begin();
      }
      if (ended > last.ended) last = { ended, at: performance.now() };
      if (performance.now() - last.at > STUCK_MS) throw new Error(`${flows - ended} flows did not end`);
    }
    await end("draining", { accepted: 0, ended: flows - acceptedBy! });
    health.stop();
    verify(title, { flows, ...(await report()) });
    await complete();
    const cpuOf = (phases: readonly BacklogRow["phase"][]) =>
      rows.filter(({ phase }) => phases.includes(phase)).reduce((sum, { cpuMs }) => sum + (cpuMs ?? Number.NaN), 0);
    return {
      ...options,
      rows,
      memory,
      acceptingRssMb,
      steadyCpuMsPerFlow: cpuOf(["steady"]) / steadyFlows,
      backlogCpuMsPerFlow: cpuOf(["accepting", "draining"]) / flows,
      disturbed: hasUsage ? disturbances([quiet]) : [],
    };
  });
}

/** Asks for the health of the server, again after each response, on a connection of its own. */
function watchHealth(url: string, onResponse: (ms: number) => void): { stop(): void } {
  const { host } = new URL(url);
  const request = jsonRequest({ method: "GET", host, path: "/healthz" });
  let timer: NodeJS.Timeout | undefined;
  const pool = createConnectionPool(host, (error) => {
    throw error;
  });
  const connection = pool.take();
  const ask = () => {
    const sentAt = performance.now();
    connection.send(request, ({ head }) => {
      if (statusOf(head) !== 200) throw new Error(`The health of the server: ${head}`);
      onResponse(performance.now() - sentAt);
      timer = setTimeout(ask, HEALTH_PAUSE_MS);
    });
  };
  ask();
  return {
    stop() {
      clearTimeout(timer);
      pool.close();
    },
  };
}

function lineOf({
  phase,
  seconds,
  accepted,
  ended,
  cpuMs,
  longestPauseMs,
  healthP50Ms,
  healthP99Ms,
}: BacklogRow): string {
  return [
    `${phase.padEnd(10)} ${seconds.toFixed(1)} s`,
    `${(accepted / seconds).toFixed(1)} accepted/s`,
    `${(ended / seconds).toFixed(1)} ended/s`,
    `CPU ${cpuMs === null ? "?" : (cpuMs / 1_000).toFixed(2)} s`,
    `longest pause ${longestPauseMs.toFixed(0)} ms`,
    `health ${healthP50Ms.toFixed(1)} ms, p99 ${healthP99Ms.toFixed(1)} ms`,
  ].join(", ");
}
