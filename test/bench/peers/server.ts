/**
 * Starts Debian's redis-server and postgresql, each with its own folder and port, and stops them with the benchmark.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
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
  mkdirSync(dataDir, { recursive: true });
  const log = ["--appendonly", "yes", "--appendfsync", isSynced ? "always" : "everysec", "--save", ""];
  const location = ["--bind", HOST, "--port", String(port), "--dir", dataDir];
  // BullMQ requires "noeviction", because a key that Redis evicts could be a job.
  const child = spawn(findProgram("redis-server")!, [...location, ...log, "--maxmemory-policy", "noeviction"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  await ready(child, () => accepts(port));
  return { port, stop: () => end(child) };
}

/**
 * @param isSynced true: a commit is synced to the disk before its response; false: a moment later
 * (`synchronous_commit`)
 */
export async function startPostgres(dataDir: string, isSynced: boolean): Promise<Server> {
  const port = await freePort();
  const owner = ownerOf();
  mkdirSync(dataDir, { recursive: true });
  chmodSync(dataDir, 0o700);
  if (owner) execFileSync("chown", [`${owner.uid}:${owner.gid}`, dataDir]);
  const folder = join(dataDir, "data");
  const initArgs = [
    "--pgdata",
    folder,
    "--username",
    "bench",
    "--auth",
    "trust",
    "--encoding",
    "UTF8",
    "--no-instructions",
  ];
  execFileSync(findProgram("initdb")!, initArgs, { stdio: "ignore", cwd: dataDir, ...owner });
  const settings = {
    listen_addresses: HOST,
    port,
    unix_socket_directories: dataDir,
    fsync: "on",
    synchronous_commit: isSynced ? "on" : "off",
    log_min_messages: "panic",
  };
  const given = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const child = spawn(findProgram("postgres")!, ["-D", folder, ...given], {
    stdio: ["ignore", "ignore", "inherit"],
    cwd: dataDir,
    ...owner,
  });
  // PostgreSQL listens before it accepts sessions, so pg_isready is used.
  const readyArgs = ["--host", HOST, "--port", String(port), "--username", "bench", "--quiet"];
  await ready(child, async () => spawnSync(findProgram("pg_isready")!, readyArgs).status === 0);
  return { port, stop: () => end(child) };
}

/** PostgreSQL does not run as root. If this process is root, PostgreSQL runs as the user `postgres` of Debian. */
function ownerOf(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: idOf("-u"), gid: idOf("-g") };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, HOST, () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function ready(child: ChildProcess, isReady: () => Promise<boolean>): Promise<void> {
  // The server is stopped when this process exits for any reason.
  process.once("exit", () => child.kill("SIGINT"));
  for (const startedAt = Date.now(); Date.now() - startedAt < READY_MS; ) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}`);
    if (await isReady()) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${child.spawnfile} was not ready within ${READY_MS} ms`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST, () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

/** SIGTERM makes PostgreSQL stop after its last session has ended. */
function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}
