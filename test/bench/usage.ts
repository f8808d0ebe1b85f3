/** CPU time and memory of processes, from /proc. */
import { readdirSync, readFileSync } from "node:fs";

/** Linux reports CPU time in hundredths of a second. */
const TICK_MS = 10;

export const hasUsage = process.platform === "linux";

export interface Usage {
  /** User and system time since the start of the processes, with their children that have ended, ms. */
  cpuMs: number;
  /** Sum of the highest resident set of each process that still runs, MB. */
  peakMb: number;
}

/**
 * @param root pid; the usage includes all its child processes
 * @returns zeros without /proc
 */
export function usageOf(root: number): Usage {
  if (!hasUsage) return { cpuMs: 0, peakMb: 0 };
  const pids = withDescendants(root);
  const sum = (of: (pid: number) => number) => pids.reduce((total, pid) => total + of(pid), 0);
  return { cpuMs: sum(cpuMs), peakMb: sum(peakKb) / 1_024 };
}

/** CPU time of all processes of the machine, and that which its host gave to others, ms. */
export function machineCpuMs(): number {
  const [user, nice, system, , , irq, softirq, steal] = (read("/proc/stat") ?? "").split(/\s+/).slice(1, 9).map(Number);
  return (user! + nice! + system! + irq! + softirq! + steal!) * TICK_MS;
}

function withDescendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(statOf(Number(name))?.[1]);
    if (parent > 0) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = new Set([root]);
  for (const pid of found) for (const child of children.get(pid) ?? []) found.add(child);
  return [...found];
}

function cpuMs(pid: number): number {
  const spent = statOf(pid)?.slice(11, 15).map(Number) ?? [];
  return spent.reduce((sum, ticks) => sum + ticks, 0) * TICK_MS;
}

/** The fields after the command name (state, parent, …). The command name may contain any character. */
function statOf(pid: number): string[] | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function peakKb(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(read(`/proc/${pid}/status`) ?? "")?.[1] ?? 0);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
