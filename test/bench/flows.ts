/**
 * `flows` measures plans of one imagine and four upscales, from the app's POST to the last image, on mjflow's local
 * server and on other systems. All systems have the same vendor, plan and driver. They are measured one after the
 * other, so only one runs at a time.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChild } from "./child.ts";
import type { Ran, Run } from "./flows/driver.ts";
import type { Ready } from "./flows/system.ts";
import { missing, SYSTEM_NAMES, SYSTEMS, type SystemName } from "./flows/systems.ts";
import { median, percentile } from "./stat.ts";
import { hasUsage, watchUsage } from "./usage.ts";

export interface FlowsOptions {
  rounds: number;
  /** Number of flows in the first part of a round, in which `concurrency` flows run at the same time. */
  flows: number;
  concurrency: number;
  /** Number of flows in the second part of a round, which run one after the other. */
  aloneFlows: number;
  names?: readonly SystemName[];
}

/** Measurement of one system in one round. */
interface Measured {
  busy: Ran;
  alone: Ran;
  cpuMs: number;
  peakMb: number;
}

export interface FlowsRow {
  system: SystemName;
  title: string;
  isSynced: boolean;
  flowsPerS: number;
  /** Time from callback to follow-up, with one flow at a time ("alone") and with concurrent flows ("busy"). */
  aloneP50Ms: number;
  aloneP99Ms: number;
  busyP50Ms: number;
  busyP99Ms: number;
  /** CPU time of the system and its servers, without vendor and app; null without /proc. */
  cpuMsPerFlow: number | null;
  peakMb: number | null;
  callbacksPerFlow: number;
}

export interface FlowsFound {
  rounds: number;
  flows: number;
  concurrency: number;
  aloneFlows: number;
  rows: FlowsRow[];
  skipped: { title: string; why: string }[];
}

/**
 * Number of flows before the measurement. mjflow learns that the account sends callbacks, connections are opened and
 * code is compiled. The first hundreds of flows of every system run at four fifths of its speed.
 */
const WARM_UP_FLOWS = 300;

export async function benchFlows(options: FlowsOptions): Promise<FlowsFound> {
  const { rounds, flows, concurrency, aloneFlows, names = SYSTEM_NAMES } = options;
  const why = (name: SystemName) => missing(SYSTEMS[name]);
  const skipped = names.flatMap((name) => (why(name) ? [{ title: SYSTEMS[name].title, why: why(name)! }] : []));
  const available = names.filter((name) => !why(name));
  const measured = new Map<SystemName, Measured[]>(available.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of available) measured.get(name)!.push(await measure(name, options));
  }
  return {
    rounds,
    flows,
    concurrency,
    aloneFlows,
    rows: available.map((name) => rowOf(name, measured.get(name)!)),
    skipped,
  };
}

/** Installs the npm packages of the other systems, which are no dependencies of this project. */
export function installPeers(): void {
  const folder = new URL("./peers/", import.meta.url).pathname;
  if (SYSTEM_NAMES.some((name) => missing(SYSTEMS[name])?.includes("npm ci"))) {
    execFileSync("npm", ["ci", "--prefix", folder], { stdio: "inherit" });
  }
}

async function measure(name: SystemName, { flows, concurrency, aloneFlows }: FlowsOptions): Promise<Measured> {
  const { title, script, isSynced } = SYSTEMS[name];
  const dataDir = mkdtempSync(join(tmpdir(), "mjflow-bench-"));
  const driver = await startChild<Run, Ran>(new URL("./flows/driver.ts", import.meta.url), {});
  try {
    const { vendorUrl } = driver.ready;
    const system = await startChild<never, Ready>(script, { vendorUrl, dataDir, isSynced });
    try {
      const run = (count: number, concurrent: number) =>
        driver.child.ask({ ...system.ready, flows: count, concurrency: concurrent });
      await run(Math.min(WARM_UP_FLOWS, flows), concurrency);
      const watch = hasUsage ? watchUsage([system.child.pid]) : undefined;
      const busy = await run(flows, concurrency);
      const usage = watch?.stop() ?? { cpuMs: Number.NaN, peakMb: Number.NaN };
      const alone = await run(aloneFlows, 1);
      for (const ran of [busy, alone]) verify(title, ran);
      console.log(
        `${title.padEnd(30)} ${(flows / busy.seconds).toFixed(1).padStart(7)} flows/s, ${median(alone.followUpMs).toFixed(1)} ms`,
      );
      return { busy, alone, ...usage };
    } finally {
      await system.child.stop();
    }
  } finally {
    await driver.child.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Fails if a system was fast but wrong. */
export function verify(title: string, { paid, duplicatePresses }: Ran): void {
  const wrong = paid.find((count) => count !== 5);
  if (wrong !== undefined) throw new Error(`${title}: a flow of 5 images had ${wrong} paid images`);
  if (duplicatePresses > 0) throw new Error(`${title}: ${duplicatePresses} buttons were pressed twice`);
}

function rowOf(system: SystemName, all: readonly Measured[]): FlowsRow {
  const { title, isSynced } = SYSTEMS[system];
  const medianOf = (of: (round: Measured) => number) => median(all.map(of));
  const part = (of: (round: Measured) => Ran, share: number) =>
    medianOf((round) => percentile(of(round).followUpMs, share));
  const busy = (round: Measured) => round.busy;
  const alone = (round: Measured) => round.alone;
  return {
    system,
    title,
    isSynced,
    flowsPerS: medianOf((round) => round.busy.paid.length / round.busy.seconds),
    aloneP50Ms: part(alone, 0.5),
    aloneP99Ms: part(alone, 0.99),
    busyP50Ms: part(busy, 0.5),
    busyP99Ms: part(busy, 0.99),
    cpuMsPerFlow: hasUsage ? medianOf((round) => round.cpuMs / round.busy.paid.length) : null,
    peakMb: hasUsage ? medianOf((round) => round.peakMb) : null,
    callbacksPerFlow: medianOf((round) => round.busy.callbacks / round.busy.paid.length),
  };
}
