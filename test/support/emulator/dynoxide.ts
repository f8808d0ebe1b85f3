/** The native table engine as a child process: it implements DynamoDB's protocol on SQLite and syncs every write. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { freePort, LOOPBACK } from "@mjflow/local/engine/port";
import type { TableEngine } from "./table.ts";

const POLL_MS = 5;
const READY_MS = 10_000;
const STOP_MS = 3_000;
/** Number of start attempts: another process may take the port before the child listens on it. */
const MAX_STARTS = 3;

/** Returns the path of the binary, or undefined if it is not published for this platform. */
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
  dbPath?: string;
  port?: number;
}

export async function startDynoxide(options: Options): Promise<TableEngine> {
  for (let starts = 1; ; starts++) {
    const port = options.port ?? (await freePort());
    const child = run(options, port);
    const failure = await readiness(child, port);
    if (failure === undefined) return engineOf(child, port);
    child.kill("SIGKILL");
    if (starts >= MAX_STARTS || options.port !== undefined)
      throw new Error(`The table engine did not start: ${failure}`);
  }
}

function run({ binary, dbPath }: Options, port: number): ChildProcess {
  const where = dbPath === undefined ? [] : ["--db-path", dbPath];
  // The child has its own process group. Otherwise Ctrl-C would end it before the server has saved its last steps.
  const child = spawn(binary, ["serve", "--host", LOOPBACK, "--port", String(port), ...where], {
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  return child;
}

/** @returns the reason of a failed start, or undefined as soon as the child accepts connections */
async function readiness(child: ChildProcess, port: number): Promise<string | undefined> {
  let ended: string | undefined;
  let output = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-2_000);
  });
  child.once("error", (error) => {
    ended = error.message;
  });
  child.once("exit", (code, signal) => {
    ended ??= `it exited with ${code ?? signal}. ${output.trim()}`;
  });
  for (const until = Date.now() + READY_MS; Date.now() < until; ) {
    if (ended !== undefined) return ended;
    // The child is checked again after the connection, because another program may have taken the TCP port from it.
    if ((await accepts(port)) && ended === undefined && child.exitCode === null) return undefined;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return `it did not listen within ${READY_MS / 1_000} s. ${output.trim()}`;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: LOOPBACK });
    const finish = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", () => finish(true)).once("error", () => finish(false));
  });
}

function engineOf(child: ChildProcess, port: number): TableEngine {
  const endChild = () => child.kill("SIGTERM");
  // The child ends when this process exits, unless this process is killed.
  process.once("exit", endChild);
  child.unref();
  (child.stderr as { unref?: () => void } | null)?.unref?.();
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let stopping = false;
  return {
    name: "dynoxide",
    endpoint: `http://${LOOPBACK}:${port}`,
    pid: child.pid,
    onCrash(callback) {
      child.once("exit", (code, signal) => {
        if (!stopping) callback(`dynoxide ended with ${code ?? signal}`);
      });
    },
    async stop() {
      stopping = true;
      process.off("exit", endChild);
      if (child.exitCode === null && child.signalCode === null) {
        child.ref();
        child.kill("SIGTERM");
        const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
        await gone;
        clearTimeout(timer);
      }
    },
  };
}
