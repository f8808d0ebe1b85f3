/** The data folder: its lock, so that only one local server uses it, and the secrets created at the first start. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "./config-error.ts";

/** Versions of the local server that use one folder must agree on this name, so it stays. */
const LOCK = "house.lock";

/**
 * Locks the data folder. A lock left by `kill -9` names a dead process and is replaced.
 *
 * @returns a function that releases the lock
 * @throws ConfigError if another running local server uses the folder
 */
export function lockFolder(dataDir: string): () => void {
  mkdirSync(dataDir, { recursive: true });
  const path = join(dataDir, LOCK);
  for (;;) {
    try {
      const self = [process.pid, startTimeOf(process.pid)].filter(Boolean).join(" ");
      writeFileSync(path, self, { flag: "wx", mode: 0o600 });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const holder = readHolder(path);
    if (holder && isAlive(holder)) {
      throw new ConfigError(
        `Another mjflow (process ${holder.pid}) uses ${dataDir}. Stop it, or set MJFLOW_DATA_DIR and MJFLOW_PORT for a second one.`,
      );
    }
    rmSync(path, { force: true });
  }
}

interface LockHolder {
  pid: number;
  /** Start time of the process in clock ticks of the kernel; unset on systems without /proc. */
  startedAt?: string;
}

function readHolder(path: string): LockHolder | undefined {
  const [pid, startedAt] = readFileSync(path, "utf8").trim().split(" ");
  return Number(pid) > 0 ? { pid: Number(pid), ...(startedAt && { startedAt }) } : undefined;
}

/**
 * Returns true if the process that took the lock is still running. After a reboot or in a container, another process
 * may have its process id.
 */
function isAlive({ pid, startedAt }: LockHolder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: the process exists and belongs to another user.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  if (isZombie(pid)) return false;
  // Without a start time, our own process id can only be that of an earlier process, for example in a container.
  return startedAt === undefined ? pid !== process.pid : startTimeOf(pid) === startedAt;
}

/** True for a process that has ended and whose parent has not read its exit code. Signals still reach such a process. */
function isZombie(pid: number): boolean {
  return statOf(pid)?.[0] === "Z";
}

function startTimeOf(pid: number): string | undefined {
  return statOf(pid)?.[19];
}

/**
 * Returns the fields of /proc/pid/stat from the third one, the state. The second field, the command name, may contain
 * spaces and brackets. Undefined on systems without /proc.
 */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

/** Returns a secret of this folder. It is created at the first use and is readable only by its owner. */
export function loadOrCreateSecret(dataDir: string, name: string, prefix = ""): string {
  const path = join(dataDir, name);
  if (existsSync(path)) {
    const stored = readFileSync(path, "utf8").trim();
    if (stored !== "") return stored;
  }
  const secret = `${prefix}${randomBytes(32).toString("base64url")}`;
  // The file is renamed into place. If the local server were killed while writing, it would otherwise trust half a key
  // from then on.
  const draft = `${path}.draft`;
  writeFileSync(draft, `${secret}\n`, { mode: 0o600, flush: true });
  renameSync(draft, path);
  return secret;
}
