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
import type { Enqueue, Enqueued, Ran } from "./flows/driver.ts";
import type { DriverAnswer, DriverQuestion } from "./flows/driver-process.ts";
import type { Counts, Ready, ServerState } from "./flows/system.ts";
import { missing, SYSTEM_NAMES, SYSTEMS, type System, type SystemName } from "./flows/systems.ts";
import { DOUBLED_EVERY, TASKS, type VendorReport } from "./flows/vendor.ts";
import type { VendorAnswer, VendorQuestion } from "./flows/vendor-process.ts";
import { disturbances, type Quiet, watchMachine } from "./quiet.ts";
import { median } from "./stat.ts";
import { hasUsage, usageOf } from "./usage.ts";

export interface FlowsOptions {
  rounds: number;
  /** Number of flows before the measurement, in which code is compiled and connections are opened. */
  warmUpFlows: number;
  /** Number of flows in the first part of a round, in which `concurrency` flows run at the same time. */
  flows: number;
  concurrency: number;
  /** Number of flows in the second part of a round, which run one after the other. */
  aloneFlows: number;
  systems: readonly SystemName[];
}

/** Measurement of one system in one round. */
interface Measured {
  busy: Part;
  alone: Part;
  quiet: Quiet;
  /** CPU time of the system and its servers in the first part; NaN without /proc. */
  cpuMs: number;
  peakMb: number;
}

interface Part extends VendorReport, Omit<Ran, "cpuMs"> {
  driverCpuMs: number;
}

export interface FlowsRow {
  system: SystemName;
  title: string;
  flowsPerS: number;
  /** CPU time of the system with its servers, of the vendor, and of the driver; null without /proc. */
  cpuMsPerFlow: number | null;
  vendorCpuMs: number;
  driverCpuMs: number;
  /** Time from the callback of the root to the submission of a follow-up, with one flow at a time. */
  followUpMs: number;
  /** Time from a SUCCESS callback to its response, with one flow at a time. */
  ackMs: number;
  peakMb: number | null;
}

export interface FlowsFound extends Omit<FlowsOptions, "systems"> {
  rows: FlowsRow[];
  skipped: { title: string; why: string }[];
  /** Reasons why the figures are not those of a quiet machine. */
  disturbed: string[];
}

/** Share of the CPU time of the measured system that the driver, or the vendor, may use. */
const SHARE_LIMIT = 0.1;
/** Time after the last callback in which postponed work of a system is measured too, ms. */
const SETTLE_MS = 1_000;

export async function benchFlows(options: FlowsOptions): Promise<FlowsFound> {
  const { systems, ...sizes } = options;
  const why = (name: SystemName) => missing(SYSTEMS[name]);
  const skipped = systems.flatMap((name) => (why(name) ? [{ title: SYSTEMS[name].title, why: why(name)! }] : []));
  const available = systems.filter((name) => !why(name));
  if (hasUsage) await warnIfBusy();
  const measured = new Map<SystemName, Measured[]>(available.map((name) => [name, []]));
  for (let round = 0; round < sizes.rounds; round++) {
    for (const name of available) {
      const found = await measure(SYSTEMS[name], sizes);
      measured.get(name)!.push(found);
      console.log(lineOf(rowOf(name, [found]), disturbances([found.quiet])));
    }
  }
  const rows = available.map((name) => rowOf(name, measured.get(name)!));
  console.log("\nMedians");
  for (const row of rows) console.log(lineOf(row, shares(row)));
  const disturbed = hasUsage ? disturbances([...measured.values()].flat().map(({ quiet }) => quiet)) : [];
  for (const reason of disturbed) console.log(`The machine was not quiet: ${reason}. Measure again.`);
  return { ...sizes, rows, skipped, disturbed };
}

/** Says before a run of minutes that its result will be marked. */
async function warnIfBusy(): Promise<void> {
  const stopWatch = watchMachine();
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  for (const reason of disturbances([stopWatch(0)])) console.log(`The machine is not quiet: ${reason}.`);
}

/** Installs the npm packages of the other systems, which are no dependencies of this project. */
export function installPeers(): void {
  const folder = new URL("./peers/", import.meta.url).pathname;
  if (SYSTEM_NAMES.some((name) => missing(SYSTEMS[name])?.includes("npm ci"))) {
    execFileSync("npm", ["ci", "--prefix", folder], { stdio: "inherit" });
  }
}

type Sizes = Omit<FlowsOptions, "systems" | "rounds">;

async function measure(
  { title, ...system }: System,
  { warmUpFlows, flows, concurrency, aloneFlows }: Sizes,
): Promise<Measured> {
  return withSystem(system, async ({ pid, run, complete }) => {
    await run(warmUpFlows, concurrency);
    await complete();
    const stopWatch = watchMachine();
    const before = usageOf(pid);
    const busy = await run(flows, concurrency);
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const { cpuMs, peakMb } = usageOf(pid);
    const spentMs = cpuMs - before.cpuMs;
    const quiet = stopWatch(spentMs + busy.cpuMs + busy.driverCpuMs);
    await complete();
    const alone = await run(aloneFlows, 1);
    await complete();
    for (const part of [busy, alone]) verify(title, part);
    return { busy, alone, quiet, cpuMs: spentMs, peakMb };
  });
}

interface Measuring {
  pid: number;
  dataDir: string;
  run(flows: number, concurrency: number): Promise<Part>;
  /** Waits until the system says that each flow is complete. */
  complete(): Promise<void>;
  /** What a peer did since its start; mjflow has no such count. */
  counts(): Promise<Counts>;
  url: string;
  /** Begins to send flows as fast as the system accepts them. */
  enqueue(options: Pick<Enqueue, "flows" | "connections">): Promise<void>;
  enqueued(): Promise<Enqueued>;
  /** What happened at the vendor since the last report. */
  report(): Promise<VendorReport>;
  /** Sets how many steps of progress each later task has. */
  setSteps(steps: number): Promise<void>;
  /** What mjflow's process says about itself; a peer has no such state. */
  state(): Promise<ServerState>;
}

/** Starts driver, vendor and system, and stops them after `use`. */
export async function withSystem<T>(
  { script, options, node }: Pick<System, "script" | "options" | "node">,
  use: (measuring: Measuring) => Promise<T>,
): Promise<T> {
  const dataDir = mkdtempSync(join(tmpdir(), "mjflow-bench-"));
  const at = (path: string) => new URL(path, import.meta.url);
  const driver = await startChild<DriverQuestion, DriverAnswer>(at("./flows/driver-process.ts"), {});
  const { donePort } = driver.ready;
  const vendor = await startChild<VendorQuestion, VendorAnswer>(at("./flows/vendor-process.ts"), { donePort });
  try {
    const started = { ...options, vendorUrl: vendor.ready.url, dataDir };
    const system = await startChild<object, Ready | Counts | ServerState>(script, started, node);
    const ready = system.ready as Ready;
    try {
      return await use({
        pid: system.child.pid,
        dataDir,
        async run(flows, concurrency) {
          await vendor.child.ask({});
          const ran = (await driver.child.ask({ drive: { ...ready, flows, concurrency } })) as DriverAnswer & Ran;
          const report = (await vendor.child.ask({})) as VendorAnswer & VendorReport;
          return { ...report, flows, seconds: ran.seconds, driverCpuMs: ran.cpuMs };
        },
        async complete() {
          await driver.child.ask({ complete: ready });
        },
        counts: async () => (await system.child.ask({})) as Counts,
        url: ready.url,
        async enqueue(options) {
          await vendor.child.ask({});
          await driver.child.ask({ enqueue: { ...ready, ...options } });
        },
        enqueued: async () => (await driver.child.ask({ enqueued: true })) as DriverAnswer & Enqueued,
        report: async () => (await vendor.child.ask({})) as VendorAnswer & VendorReport,
        async setSteps(steps) {
          await vendor.child.ask({ steps });
        },
        state: async () => (await system.child.ask({})) as ServerState,
      });
    } finally {
      await system.child.stop();
    }
  } finally {
    await vendor.child.stop();
    await driver.child.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Fails if a system was fast but wrong. */
export function verify(
  title: string,
  { flows, paid, duplicatePresses, doubled }: Pick<Part, "flows" | "paid" | "duplicatePresses" | "doubled">,
): void {
  const wrong = paid.find((count) => count !== TASKS);
  if (wrong !== undefined) throw new Error(`${title}: a flow of ${TASKS} images had ${wrong} paid images`);
  if (paid.length !== flows) throw new Error(`${title}: the vendor saw ${paid.length} of ${flows} flows`);
  if (duplicatePresses > 0) throw new Error(`${title}: ${duplicatePresses} buttons were pressed twice`);
  if (doubled < Math.floor((flows * TASKS) / DOUBLED_EVERY)) throw new Error(`The vendor doubled only ${doubled} ends`);
}

function rowOf(system: SystemName, all: readonly Measured[]): FlowsRow {
  const medianOf = (of: (round: Measured) => number) => median(all.map(of));
  return {
    system,
    title: SYSTEMS[system].title,
    flowsPerS: medianOf(({ busy }) => busy.flows / busy.seconds),
    cpuMsPerFlow: hasUsage ? medianOf(({ cpuMs, busy }) => cpuMs / busy.flows) : null,
    vendorCpuMs: medianOf(({ busy }) => busy.cpuMs / busy.flows),
    driverCpuMs: medianOf(({ busy }) => busy.driverCpuMs / busy.flows),
    followUpMs: medianOf(({ alone }) => median(alone.followUpMs)),
    ackMs: medianOf(({ alone }) => median(alone.ackMs)),
    peakMb: hasUsage ? medianOf(({ peakMb }) => peakMb) : null,
  };
}

/** Returns which of driver and vendor costs too much beside the measured system. */
export function shares({
  cpuMsPerFlow,
  vendorCpuMs,
  driverCpuMs,
}: Pick<FlowsRow, "cpuMsPerFlow" | "vendorCpuMs" | "driverCpuMs">): string[] {
  const parts = { vendor: vendorCpuMs, driver: driverCpuMs };
  return Object.entries(parts).flatMap(([name, cpuMs]) => {
    const share = cpuMs / (cpuMsPerFlow ?? Number.POSITIVE_INFINITY);
    return share > SHARE_LIMIT ? [`the ${name} costs ${(share * 100).toFixed(0)} % of the system`] : [];
  });
}

function lineOf(row: FlowsRow, remarks: readonly string[]): string {
  const figures = [
    `${row.flowsPerS.toFixed(1)} flows/s`,
    `CPU ${row.cpuMsPerFlow?.toFixed(1) ?? "?"} ms (vendor ${row.vendorCpuMs.toFixed(2)}, driver ${row.driverCpuMs.toFixed(2)})`,
    `follow-up ${row.followUpMs.toFixed(1)} ms`,
    `ack ${row.ackMs.toFixed(1)} ms`,
    `${row.peakMb?.toFixed(0) ?? "?"} MB`,
  ];
  return [`${row.title.padEnd(34)} ${figures.join(", ")}`, ...remarks].join("; ");
}
