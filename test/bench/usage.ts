/** What processes take, from /proc: CPU time spent, and memory that is theirs (shared pages counted once, by share). */
import { readdirSync, readFileSync } from "node:fs";

/** Linux counts CPU time in hundredths of a second, whatever its own clock. */
const TICK_MS = 10;
const SAMPLE_MS = 200;

export const hasUsage = process.platform === "linux";

export interface Watch {
  /** Since the watch began: CPU of all processes, and the most memory that a sample found. */
  stop(): { cpuMs: number; peakMb: number };
}

/** @param roots with all processes that they have started */
export function watchUsage(roots: readonly number[]): Watch {
  const cpu = new Map<number, { first: number; last: number }>();
  let peakKb = 0;
  const sample = (isFirst: boolean) => {
    const pids = familyOf(roots);
    for (const pid of pids) {
      const spent = cpuMs(pid);
      if (spent === undefined) continue;
      // A process that began later has spent all of its time within the watch.
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

function familyOf(roots: readonly number[]): number[] {
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

/** User and system time; undefined for a process that has ended. */
function cpuMs(pid: number): number | undefined {
  const stat = statOf(pid);
  return stat && (Number(stat[11]) + Number(stat[12])) * TICK_MS;
}

/** The fields after the command's name, which may hold anything: state, parent, … */
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
