/** CPU time and memory of processes, from /proc. Memory is the proportional set size, which divides shared pages. */
import { readdirSync, readFileSync } from "node:fs";

/** Linux reports CPU time in hundredths of a second. */
const TICK_MS = 10;
const SAMPLE_MS = 200;

export const hasUsage = process.platform === "linux";

export interface Watch {
  /** CPU time of all processes since the start of the watch, and the highest memory of a sample. */
  stop(): { cpuMs: number; peakMb: number };
}

/** @param roots pids; the watch includes all their child processes */
export function watchUsage(roots: readonly number[]): Watch {
  const cpu = new Map<number, { first: number; last: number }>();
  let peakKb = 0;
  const sample = (isFirst: boolean) => {
    const pids = withDescendants(roots);
    for (const pid of pids) {
      const spent = cpuMs(pid);
      if (spent === undefined) continue;
      // A process that started later has used all of its CPU time during the watch.
      const known = cpu.get(pid) ?? { first: isFirst ? spent : 0, last: spent };
      cpu.set(pid, { ...known, last: spent });
    }
    peakKb = Math.max(
      peakKb,
      pids.reduce((sum, pid) => sum + memoryKb(pid), 0),
    );
  };
  sample(true);
  const timer = setInterval(sample, SAMPLE_MS, false);
  return {
    stop() {
      clearInterval(timer);
      sample(false);
      const spent = [...cpu.values()].reduce((sum, { first, last }) => sum + last - first, 0);
      return { cpuMs: spent, peakMb: peakKb / 1_024 };
    },
  };
}

function withDescendants(roots: readonly number[]): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(statOf(Number(name))?.[1]);
    if (parent > 0) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = new Set(roots);
  for (const pid of found) for (const child of children.get(pid) ?? []) found.add(child);
  return [...found];
}

/** User and system time, ms; undefined if the process has ended. */
function cpuMs(pid: number): number | undefined {
  const stat = statOf(pid);
  return stat && (Number(stat[11]) + Number(stat[12])) * TICK_MS;
}

/** The fields after the command name (state, parent, …). The command name may contain any character. */
function statOf(pid: number): string[] | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function memoryKb(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? "")?.[1] ?? 0);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
