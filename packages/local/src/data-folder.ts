/** The data folder: one house at a time, and the secrets made for it at its first start. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "./config.ts";

const LOCK = "house.lock";

/**
 * @returns a function that lets the folder go
 * @throws ConfigError when another living house has it. A lock left by `kill -9` names a dead process and is taken over.
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
  /** When it was started, in the kernel's ticks; absent where there is no /proc. */
  startedAt?: string;
}

function readHolder(path: string): LockHolder | undefined {
  const [pid, startedAt] = readFileSync(path, "utf8").trim().split(" ");
  return Number(pid) > 0 ? { pid: Number(pid), ...(startedAt && { startedAt }) } : undefined;
}

/** Alive, and the very process that took the lock: after a reboot, or in a container, its number is soon another's. */
function isAlive({ pid, startedAt }: LockHolder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // It is there, and somebody else's.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  // Without a start time, our own number can only be that of an earlier process: in a container, for one.
  return startedAt === undefined ? pid !== process.pid : startTimeOf(pid) === startedAt;
}

/** The 22nd field of its stat; the second, the command's name, may itself hold spaces and brackets. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

/** A secret of this folder, made at first use, readable by its owner only. */
export function loadOrCreateSecret(dataDir: string, name: string, prefix = ""): string {
  const path = join(dataDir, name);
  if (existsSync(path)) {
    const kept = readFileSync(path, "utf8").trim();
    if (kept !== "") return kept;
  }
  const secret = `${prefix}${randomBytes(32).toString("base64url")}`;
  // Renamed into place: a house killed while writing would leave half a key, and trust it from then on.
  const draft = `${path}.draft`;
  writeFileSync(draft, `${secret}\n`, { mode: 0o600, flush: true });
  renameSync(draft, path);
  return secret;
}
