/**
 * `flows`: plans of one imagine and four upscales, from the app's POST to the last picture, on mjflow's embedded house and on
 * its peers: one vendor, one plan, one driver for all, each system alone on the machine while it is measured, in turn.
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
  /** Under way together; and, in the second part of each round, one after the other. */
  flows: number;
  concurrency: number;
  aloneFlows: number;
  names?: readonly SystemName[];
}

/** One system in one round. */
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
  /** Callback to follow-up, with one flow at a time, and with all of them. */
  aloneP50Ms: number;
  aloneP99Ms: number;
  busyP50Ms: number;
  busyP99Ms: number;
  /** Of the system and its servers, not of vendor and app; absent where there is no /proc. */
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
 * Flows before the clock runs: the account is learned to call, connections are opened, and code is compiled, which takes all
 * of these: the first hundreds of any system here run at four fifths of its speed.
 */
const WARM_FLOWS = 300;

export async function benchFlows(options: FlowsOptions): Promise<FlowsFound> {
  const { rounds, flows, concurrency, aloneFlows, names = SYSTEM_NAMES } = options;
  const why = (name: SystemName) => missing(SYSTEMS[name]);
  const skipped = names.flatMap((name) => (why(name) ? [{ title: SYSTEMS[name].title, why: why(name)! }] : []));
  const able = names.filter((name) => !why(name));
  const measured = new Map<SystemName, Measured[]>(able.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of able) measured.get(name)!.push(await measure(name, options));
  }
  return {
    rounds,
    flows,
    concurrency,
    aloneFlows,
    rows: able.map((name) => rowOf(name, measured.get(name)!)),
    skipped,
  };
}

/** What the peers are made of, once: it is nobody's dependency. */
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
      const run = (count: number, together: number) =>
        driver.child.ask({ ...system.ready, flows: count, concurrency: together });
      await run(Math.min(WARM_FLOWS, flows), concurrency);
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

/** What is fast and wrong is not measured. */
function verify(title: string, { paid, duplicatePresses }: Ran): void {
  const wrong = paid.find((count) => count !== 5);
  if (wrong !== undefined) throw new Error(`${title}: a flow of 5 pictures was paid ${wrong}`);
  if (duplicatePresses > 0) throw new Error(`${title}: ${duplicatePresses} buttons were pressed twice`);
}

function rowOf(system: SystemName, all: readonly Measured[]): FlowsRow {
  const { title, isSynced } = SYSTEMS[system];
  const middle = (of: (one: Measured) => number) => median(all.map(of));
  const part = (of: (one: Measured) => Ran, share: number) => middle((one) => percentile(of(one).followUpMs, share));
  const busy = (one: Measured) => one.busy;
  const alone = (one: Measured) => one.alone;
  return {
    system,
    title,
    isSynced,
    flowsPerS: middle((one) => one.busy.paid.length / one.busy.seconds),
    aloneP50Ms: part(alone, 0.5),
    aloneP99Ms: part(alone, 0.99),
    busyP50Ms: part(busy, 0.5),
    busyP99Ms: part(busy, 0.99),
    cpuMsPerFlow: hasUsage ? middle((one) => one.cpuMs / one.busy.paid.length) : null,
    peakMb: hasUsage ? middle((one) => one.peakMb) : null,
    callbacksPerFlow: middle((one) => one.busy.callbacks / one.busy.paid.length),
  };
}
