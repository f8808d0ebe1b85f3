/**
 * A child process survives a parent that was killed. Its pid file lets the next start find and end it. Another program
 * may have the same process id now, so /proc must confirm what runs there.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FILE = "table.pid";
const POLL_MS = 10;
const TIMEOUT_MS = 3_000;

export function writePidFile(dataDir: string, pid: number): void {
  writeFileSync(join(dataDir, FILE), JSON.stringify({ pid, parent: process.pid }));
}

export function removePidFile(dataDir: string): void {
  rmSync(join(dataDir, FILE), { force: true });
}

/**
 * Ends the table engine on `dbPath` that an earlier, killed run left behind.
 *
 * @throws Error if the engine is not an orphan: its parent is running and uses this folder
 */
export async function endOrphan(dataDir: string, dbPath: string): Promise<void> {
  const left = readPidFile(dataDir);
  if (left && isEngineOn(left.pid, dbPath)) {
    if (parentOf(left.pid) === left.parent) {
      throw new Error(`The process ${left.parent} already uses ${dataDir}. Stop it first, or choose another folder.`);
    }
    process.kill(left.pid, "SIGTERM");
    if (!(await isGone(left.pid, dbPath))) process.kill(left.pid, "SIGKILL");
    if (!(await isGone(left.pid, dbPath)))
      throw new Error(
        `The table engine ${left.pid} of an earlier run does not end. End this process, then start again.`,
      );
  }
  removePidFile(dataDir);
}

function readPidFile(dataDir: string): { pid: number; parent: number } | undefined {
  try {
    const { pid, parent } = JSON.parse(readFileSync(join(dataDir, FILE), "utf8")) as Record<string, unknown>;
    return Number.isInteger(pid) && Number.isInteger(parent)
      ? { pid: pid as number, parent: parent as number }
      : undefined;
  } catch {
    return undefined;
  }
}

function isEngineOn(pid: number, dbPath: string): boolean {
  return (readProc(pid, "cmdline") ?? "").split("\0").includes(dbPath);
}

/** Returns the parent's process id: the second field after the command name, which may contain spaces and brackets. */
function parentOf(pid: number): number | undefined {
  const stat = readProc(pid, "stat");
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

function readProc(pid: number, file: string): string | undefined {
  const path = `/proc/${pid}/${file}`;
  try {
    return existsSync(path) ? readFileSync(path, "utf8") : undefined;
  } catch {
    return undefined;
  }
}

async function isGone(pid: number, dbPath: string): Promise<boolean> {
  for (const until = Date.now() + TIMEOUT_MS; Date.now() < until; ) {
    if (!isEngineOn(pid, dbPath)) return true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return !isEngineOn(pid, dbPath);
}
