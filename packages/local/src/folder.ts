/** The data folder: one house at a time, and the secrets made for it at its first start. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
      writeFileSync(path, String(process.pid), { flag: "wx", mode: 0o600 });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const holder = Number(readFileSync(path, "utf8"));
    if (holder !== process.pid && isHouse(holder)) {
      throw new ConfigError(
        `Another mjflow (process ${holder}) uses ${dataDir}. Stop it, or set MJFLOW_DATA_DIR and MJFLOW_PORT for a second one.`,
      );
    }
    rmSync(path, { force: true });
  }
}

/** Alive, and a Node process: after a reboot the number may belong to anybody. */
function isHouse(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("node");
  } catch {
    // No /proc on this system: alive is all that can be known.
    return true;
  }
}

/** A secret of this folder, made at first use, readable by its owner only. */
export function keptSecret(dataDir: string, name: string, prefix = ""): string {
  const path = join(dataDir, name);
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    const secret = `${prefix}${randomBytes(32).toString("base64url")}`;
    writeFileSync(path, `${secret}\n`, { mode: 0o600 });
    return secret;
  }
}
