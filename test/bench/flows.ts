/**
 * `flows` measures plans of one imagine and four upscales, from the app's POST to the last image, on mjflow's local
 * server and on other systems. All systems have the same vendor, plan and driver. They are started together and get
 * their flows in turn, slice by slice, so only one works at a time. The speed of a virtual CPU drifts within seconds. It
 * changes the figures of all systems alike, so the ratios of a round are much steadier than the figures.
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
  /** Number of equal parts of a round. In each of them all systems have their turn. */
  slices: number;
  /** Time after the last callback of a slice in which postponed work of the system is measured too, ms. */
  settleMs: number;
  systems: readonly SystemName[];
}

/** Measurement of one system in one round. */
interface Measured {
  flows: number;
  seconds: number;
  /** CPU time of the system and its servers, of the vendor and of the driver; the first is 0 without /proc. */
  cpuMs: number;
  vendorCpuMs: number;
  driverCpuMs: number;
  followUpMs: number[];
  ackMs: number[];
  peakMb: number;
}

interface Part extends VendorReport, Omit<Ran, "cpuMs"> {
  driverCpuMs: number;
}

export interface FlowsRow {
  system: SystemName;
  title: string;
  flowsPerS: number;
  /** Median over the rounds of the ratio to the reference system of the same round. */
  flowsPerSTimes: number;
  cpuTimes: number | null;
  /** CPU time of the system with its servers, of the vendor, and of the driver; null without /proc. */
  cpuMsPerFlow: number | null;
  vendorCpuMs: number;
  driverCpuMs: number;
  /** Processors that vendor and driver used on average while flows ran. */
  loadCpus: number;
  /** Time from the callback of the root to the submission of a follow-up, with one flow at a time. */
  followUpMs: number;
  /** Time from a SUCCESS callback to its response, with one flow at a time. */
  ackMs: number;
  peakMb: number | null;
}

export interface FlowsFound extends Omit<FlowsOptions, "systems"> {
  rows: FlowsRow[];
  /** Title of the system that the ratios compare with. */
  reference: string;
  skipped: { title: string; why: string }[];
  /** Reasons why the figures are not those of a quiet machine. */
  disturbed: string[];
}

/** Share of the CPU time of the measured system that the driver, or the vendor, may use. */
const SHARE_LIMIT = 0.1;
/** System of the ratios, if it was measured. */
const REFERENCE: SystemName = "bullmq";
/** Time in which the machine is watched before the run, ms. */
const WATCH_MS = 1_000;

export async function benchFlows(options: FlowsOptions): Promise<FlowsFound> {
  const { systems, ...sizes } = options;
  const why = (name: SystemName) => missing(SYSTEMS[name]);
  const skipped = systems.flatMap((name) => (why(name) ? [{ title: SYSTEMS[name].title, why: why(name)! }] : []));
  const available = systems.filter((name) => !why(name));
  const reference = available.includes(REFERENCE) ? REFERENCE : available[0]!;
  const [rounds, quiet]: [Round[], Quiet[]] = [[], []];
  for (let number = 0; number < sizes.rounds; number++) {
    const [round, watched] = await measure(available, sizes);
    rounds.push(round);
    quiet.push(watched);
    for (const name of available) console.log(lineOf(rowOf(name, reference, [round])));
    for (const reason of disturbances([watched])) console.log(`The machine was not quiet: ${reason}.`);
  }
  const rows = available.map((name) => rowOf(name, reference, rounds));
  console.log(`\nMedians; "times" compares with ${SYSTEMS[reference].title}`);
  for (const row of rows) console.log(lineOf(row, shares(row)));
  const disturbed = hasUsage ? disturbances(quiet) : [];
  for (const reason of disturbed) console.log(`The machine was not quiet: ${reason}. Measure again.`);
  return { ...sizes, rows, reference: SYSTEMS[reference].title, skipped, disturbed };
}

/** Says before a run of minutes that its result will be marked. */
export async function warnIfBusy(): Promise<void> {
  if (!hasUsage) return;
  const stopWatch = watchMachine();
  await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
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

type Round = ReadonlyMap<SystemName, Measured>;

async function measure(
  names: readonly SystemName[],
  { warmUpFlows, flows, concurrency, aloneFlows, slices, settleMs }: Sizes,
): Promise<[Round, Quiet]> {
  return withSystems(names, async (systems) => {
    for (const { run, complete } of systems.values()) {
      await run(warmUpFlows, concurrency);
      await complete();
    }
    const round = new Map(names.map((name) => [name, unmeasured()]));
    const stopWatch = watchMachine();
    const before = new Map(names.map((name) => [name, usageOf(systems.get(name)!.pid).cpuMs]));
    let loadCpuMs = 0;
    for (let slice = 0; slice < slices; slice++) {
      // The order changes, so that a speed that rises or falls steadily favors none.
      for (const name of slice % 2 === 0 ? names : [...names].reverse()) {
        const parts = await measureSlice(SYSTEMS[name].title, systems.get(name)!, round.get(name)!, {
          flows: flows / slices,
          concurrency,
          aloneFlows: aloneFlows / slices,
          settleMs,
        });
        for (const { cpuMs, driverCpuMs } of parts) loadCpuMs += cpuMs + driverCpuMs;
      }
    }
    const spent = names.map((name) => usageOf(systems.get(name)!.pid).cpuMs - before.get(name)!);
    const quiet = stopWatch(spent.reduce((sum, cpuMs) => sum + cpuMs, loadCpuMs));
    return [round, quiet];
  });
}

/** Adds the next slice to what was measured before. */
async function measureSlice(
  title: string,
  { pid, run, complete }: Measuring,
  sum: Measured,
  { flows, concurrency, aloneFlows, settleMs }: Omit<Sizes, "warmUpFlows" | "slices">,
): Promise<Part[]> {
  const before = usageOf(pid);
  const busy = await run(flows, concurrency);
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  const { cpuMs, peakMb } = usageOf(pid);
  await complete();
  const alone = await run(aloneFlows, 1);
  await complete();
  for (const part of [busy, alone]) verify(title, part);
  sum.flows += flows;
  sum.seconds += busy.seconds;
  sum.cpuMs += cpuMs - before.cpuMs;
  sum.vendorCpuMs += busy.cpuMs;
  sum.driverCpuMs += busy.driverCpuMs;
  sum.followUpMs.push(...alone.followUpMs);
  sum.ackMs.push(...alone.ackMs);
  sum.peakMb = peakMb;
  return [busy, alone];
}

function unmeasured(): Measured {
  return {
    flows: 0,
    seconds: 0,
    cpuMs: 0,
    vendorCpuMs: 0,
    driverCpuMs: 0,
    followUpMs: [],
    ackMs: [],
    peakMb: 0,
  };
}

export interface Measuring {
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

/** Starts all systems, each with a driver and a vendor of its own, and stops them after `use`. */
export function withSystems<T>(
  names: readonly SystemName[],
  use: (systems: ReadonlyMap<SystemName, Measuring>) => Promise<T>,
): Promise<T> {
  const opened = new Map<SystemName, Measuring>();
  const openNext = ([name, ...others]: readonly SystemName[]): Promise<T> => {
    if (name === undefined) return use(opened);
    return withSystem(SYSTEMS[name], (measuring) => {
      opened.set(name, measuring);
      return openNext(others);
    });
  };
  return openNext(names);
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

function rowOf(system: SystemName, reference: SystemName, rounds: readonly Round[]): FlowsRow {
  const medianOf = (of: (measured: Measured) => number) => median(rounds.map((round) => of(round.get(system)!)));
  const times = (of: (measured: Measured) => number) => medianRatio(rounds, system, reference, of);
  const flowsPerS = ({ flows, seconds }: Measured) => flows / seconds;
  const cpuMsPerFlow = ({ cpuMs, flows }: Measured) => cpuMs / flows;
  return {
    system,
    title: SYSTEMS[system].title,
    flowsPerS: medianOf(flowsPerS),
    flowsPerSTimes: times(flowsPerS),
    cpuTimes: hasUsage ? times(cpuMsPerFlow) : null,
    cpuMsPerFlow: hasUsage ? medianOf(cpuMsPerFlow) : null,
    vendorCpuMs: medianOf(({ vendorCpuMs, flows }) => vendorCpuMs / flows),
    driverCpuMs: medianOf(({ driverCpuMs, flows }) => driverCpuMs / flows),
    loadCpus: medianOf(({ vendorCpuMs, driverCpuMs, seconds }) => (vendorCpuMs + driverCpuMs) / 1_000 / seconds),
    followUpMs: medianOf(({ followUpMs }) => median(followUpMs)),
    ackMs: medianOf(({ ackMs }) => median(ackMs)),
    peakMb: hasUsage ? medianOf(({ peakMb }) => peakMb) : null,
  };
}

/** Returns the median over the rounds of a figure of a system, divided by that of the reference system in the same round. */
export function medianRatio<Name, T>(
  rounds: readonly ReadonlyMap<Name, T>[],
  name: Name,
  reference: Name,
  of: (measured: T) => number,
): number {
  return median(rounds.map((round) => of(round.get(name)!) / of(round.get(reference)!)));
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

function lineOf(row: FlowsRow, remarks: readonly string[] = []): string {
  const figures = [
    `${row.flowsPerS.toFixed(1)} flows/s (${row.flowsPerSTimes.toFixed(2)} times)`,
    `CPU ${row.cpuMsPerFlow?.toFixed(1) ?? "?"} ms (${row.cpuTimes?.toFixed(2) ?? "?"} times; vendor ${row.vendorCpuMs.toFixed(2)}, driver ${row.driverCpuMs.toFixed(2)}; both ${row.loadCpus.toFixed(2)} CPUs)`,
    `follow-up ${row.followUpMs.toFixed(1)} ms`,
    `ack ${row.ackMs.toFixed(1)} ms`,
    `${row.peakMb?.toFixed(0) ?? "?"} MB`,
  ];
  return [`${row.title.padEnd(34)} ${figures.join(", ")}`, ...remarks].join("; ");
}
