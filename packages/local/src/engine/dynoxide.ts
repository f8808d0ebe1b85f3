/** The native table engine as a child process: DynamoDB's wire protocol on SQLite, every write synced. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { endOrphan, removePidFile, writePidFile } from "./orphan.ts";
import { freePort, LOOPBACK } from "./port.ts";
import type { TableEngine } from "./table-engine.ts";

const POLL_MS = 5;
const READY_MS = 10_000;
const STOP_MS = 3_000;
/** A port may be taken between our asking for it and the child's listening. */
const TRIES = 3;

/** Where the binary is; undefined on a platform it is not published for. */
export function findDynoxide(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve("@dynoxide/linux-x64/package.json");
    const binary = join(dirname(manifest), "dynoxide");
    return existsSync(binary) ? binary : undefined;
  } catch {
    return undefined;
  }
}

interface Options {
  binary: string;
  dataDir?: string;
  dbPath?: string;
  port?: number;
}

export async function startDynoxide(options: Options): Promise<TableEngine> {
  const { dataDir, dbPath } = options;
  if (dataDir !== undefined && dbPath !== undefined) await endOrphan(dataDir, dbPath);
  for (let tries = 1; ; tries++) {
    const port = options.port ?? (await freePort());
    const child = run(options, port);
    const failure = await readiness(child, port);
    if (failure === undefined) return engineOf(child, port, dataDir);
    child.kill("SIGKILL");
    if (tries >= TRIES || options.port !== undefined) throw new Error(`The table engine did not start: ${failure}`);
  }
}

function run({ binary, dataDir, dbPath }: Options, port: number): ChildProcess {
  const where = dbPath === undefined ? [] : ["--db-path", dbPath];
  // In its own process group, or Ctrl-C would reach it before us, and the house could not write down its last steps.
  const child = spawn(binary, ["serve", "--host", LOOPBACK, "--port", String(port), ...where], {
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  if (dataDir !== undefined && child.pid !== undefined) writePidFile(dataDir, child.pid);
  return child;
}

/** @returns why it will never be ready, or nothing once it accepts connections */
async function readiness(child: ChildProcess, port: number): Promise<string | undefined> {
  let ended: string | undefined;
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2_000);
  });
  child.once("error", (error) => {
    ended = error.message;
  });
  child.once("exit", (code, signal) => {
    ended ??= `it ended with ${code ?? signal}. ${said.trim()}`;
  });
  for (const until = Date.now() + READY_MS; Date.now() < until; ) {
    if (ended !== undefined) return ended;
    // Asked after connecting too: what answers on the port may be the program that took it from the child.
    if ((await accepts(port)) && ended === undefined && child.exitCode === null) return undefined;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return `it did not listen within ${READY_MS / 1_000} s. ${said.trim()}`;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: LOOPBACK });
    const answer = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", () => answer(true)).once("error", () => answer(false));
  });
}

function engineOf(child: ChildProcess, port: number, dataDir: string | undefined): TableEngine {
  const end = () => child.kill("SIGTERM");
  // However this process ends, short of being killed, its child ends with it.
  process.once("exit", end);
  child.unref();
  (child.stderr as { unref?: () => void } | null)?.unref?.();
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let stopping = false;
  return {
    name: "dynoxide",
    endpoint: `http://${LOOPBACK}:${port}`,
    pid: child.pid,
    onDeath(tell) {
      child.once("exit", (code, signal) => {
        if (!stopping) tell(`dynoxide ended with ${code ?? signal}`);
      });
    },
    async stop() {
      stopping = true;
      process.off("exit", end);
      if (child.exitCode === null && child.signalCode === null) {
        child.ref();
        child.kill("SIGTERM");
        const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
        await gone;
        clearTimeout(timer);
      }
      if (dataDir !== undefined) removePidFile(dataDir);
    },
  };
}
