/** Starts Debian's redis-server with its own folder and port, and stops it with the benchmark. */
import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:net";
import { freePort } from "../../../packages/local/src/engine/port.ts";
import { findProgram } from "../program.ts";

export interface Server {
  port: number;
  stop(): Promise<void>;
}

const HOST = "127.0.0.1";
const READY_MS = 20_000;
const POLL_MS = 20;

/**
 * @param isSynced true: each command is synced to the disk before its response; false: the log is synced each second
 */
export async function startRedis(dataDir: string, isSynced: boolean): Promise<Server> {
  const port = await freePort();
  const log = ["--appendonly", "yes", "--appendfsync", isSynced ? "always" : "everysec", "--save", ""];
  const location = ["--bind", HOST, "--port", String(port), "--dir", dataDir];
  // BullMQ requires "noeviction", because a key that Redis evicts could be a job.
  const child = spawn(findProgram("redis-server")!, [...location, ...log, "--maxmemory-policy", "noeviction"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  // The server is stopped when this process exits for any reason.
  process.once("exit", () => child.kill("SIGINT"));
  for (const startedAt = Date.now(); Date.now() - startedAt < READY_MS; ) {
    if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`);
    if (await accepts(port)) return { port, stop: () => end(child) };
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`redis-server was not ready within ${READY_MS} ms`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST, () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}
