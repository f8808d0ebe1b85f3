/** Runs the command line for tests: in this process, which is fast, or in a separate process. */
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
  /** Parsed stdout; undefined without `--json`. */
  json: Json;
}

export interface RunOptions {
  env?: Record<string, string>;
  /** Working directory; the default is a folder without a `.mjflow` folder above it. */
  cwd?: string;
  /** Text for standard input; only for a separate process. */
  input?: string;
}

type Target = Pick<SpawnedServer, "url"> | undefined;

export async function mjflow(
  server: Target,
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
  /** Resolves with stdout and stderr as soon as they match the pattern. */
  said(pattern: RegExp): Promise<string>;
}

export function start(
  server: Target,
  args: readonly string[],
  { env, input, cwd = NOWHERE }: RunOptions = {},
): Running {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd,
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...environment(server, env) },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin!.end(input ?? "");
  let [stdout, stderr, check]: [string, string, () => void] = ["", "", () => {}];
  child.stdout!.on("data", (chunk: Buffer) => {
    stdout += chunk;
    check();
  });
  child.stderr!.on("data", (chunk: Buffer) => {
    stderr += chunk;
    check();
  });
  const ended = new Promise<Ran>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      check();
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
        check = () => {
          if (pattern.test(stdout + stderr)) resolve(stdout + stderr);
          else if (child.exitCode !== null)
            reject(new Error(`the process ended without ${pattern}:\n${stdout}${stderr}`));
        };
        check();
      }),
  };
}

function environment(server: Target, env: Record<string, string> = {}): Record<string, string> {
  return { ...(server && { MJFLOW_URL: server.url, MJFLOW_API_KEY: API_KEY }), ...env };
}

/**
 * No output may contain the key. The placeholder [key] is rejected too, because it means that the command tried to
 * print the key.
 */
function ran(args: readonly string[], code: number | null, stdout: string, stderr: string): Ran {
  if (/\[key\]/.test(stdout + stderr) || `${stdout}${stderr}`.includes(API_KEY))
    throw new Error(`the key was shown by: mjflow ${args.join(" ")}`);
  return { code, stdout, stderr, json: args.includes("--json") ? parsed(stdout) : undefined };
}

/** Parses one JSON value, or one value per line; only the last value may span several lines. */
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
