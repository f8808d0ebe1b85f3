/** The command line as a person or a script would run it: in this process, which is quick, or in one of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { run } from "@mjflow/cli/run";
import { API_KEY, type Json, type SpawnedServer } from "../support/spawned.ts";

const BIN = new URL("../../bin/mjflow.mjs", import.meta.url).pathname;
const NOWHERE = tmpdir();

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
  /** Of `--json`. */
  json: Json;
}

export interface RunOptions {
  env?: Record<string, string>;
  /** Default: a folder without a house of its own above it. */
  cwd?: string;
  /** Written to its standard input; only in a process of its own. */
  input?: string;
}

type House = Pick<SpawnedServer, "url"> | undefined;

export async function mjflow(
  server: House,
  args: readonly string[],
  { env, cwd = NOWHERE }: RunOptions = {},
): Promise<Ran> {
  let [stdout, stderr] = ["", ""];
  const code = await run(args, {
    env: environment(server, env),
    cwd,
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    signal: new AbortController().signal,
    now: Date.now,
  });
  return ran(args, code, stdout, stderr);
}

export interface Running {
  child: ChildProcess;
  ended: Promise<Ran>;
  /** Resolves once its output, both streams, fits. */
  said(pattern: RegExp): Promise<string>;
}

export function start(server: House, args: readonly string[], { env, input, cwd = NOWHERE }: RunOptions = {}): Running {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd,
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...environment(server, env) },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin!.end(input ?? "");
  let [stdout, stderr, hear]: [string, string, () => void] = ["", "", () => {}];
  child.stdout!.on("data", (chunk: Buffer) => {
    stdout += chunk;
    hear();
  });
  child.stderr!.on("data", (chunk: Buffer) => {
    stderr += chunk;
    hear();
  });
  const ended = new Promise<Ran>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      hear();
      try {
        resolve(ran(args, code, stdout, stderr));
      } catch (error) {
        reject(error);
      }
    });
  });
  return {
    child,
    ended,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        hear = () => {
          if (pattern.test(stdout + stderr)) resolve(stdout + stderr);
          else if (child.exitCode !== null) reject(new Error(`it ended without ${pattern}:\n${stdout}${stderr}`));
        };
        hear();
      }),
  };
}

function environment(server: House, env: Record<string, string> = {}): Record<string, string> {
  return { ...(server && { MJFLOW_URL: server.url, MJFLOW_API_KEY: API_KEY }), ...env };
}

/** Whatever it is run with, the key must not come out of it again; nor was it ever on its way out. */
function ran(args: readonly string[], code: number | null, stdout: string, stderr: string): Ran {
  if (/\[key\]/.test(stdout + stderr) || `${stdout}${stderr}`.includes(API_KEY))
    throw new Error(`the key was shown by: mjflow ${args.join(" ")}`);
  return { code, stdout, stderr, json: args.includes("--json") ? parsed(stdout) : undefined };
}

/** One JSON value, or one a line, the last of which may stand on several. */
function parsed(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return text
      .trim()
      .split(/\n(?=\{)/)
      .map((part) => JSON.parse(part));
  }
}
