/** Starts a tunnel program of this machine and reads its public address. The program makes all connections itself. */
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { withoutEndSlashes } from "@mjflow/core/end-slash";
import { ConfigError } from "./config-error.ts";
import { LOOPBACK } from "./engine/port.ts";

interface Program {
  name: string;
  args(port: number): string[];
  /** The public address in its output. */
  address: RegExp;
}

/** The programs that are tried, in this order. */
const PROGRAMS: readonly Program[] = [
  {
    name: "cloudflared",
    args: (port) => ["tunnel", "--no-autoupdate", "--url", `http://${LOOPBACK}:${port}`],
    // The address stands in a box: `|  https://….trycloudflare.com  |`. Other lines have links to documents.
    address: /\|\s+(https?:\/\/[^\s|]+)\s+\|/,
  },
  {
    name: "ngrok",
    args: (port) => ["http", `${LOOPBACK}:${port}`, "--log", "stdout", "--log-format", "logfmt"],
    address: /\burl=(https?:\/\/\S+)/,
  },
];

/** Time until the program has an address, ms. */
const ADDRESS_TIMEOUT_MS = 30_000;
/** Time that the program has to end by itself, ms. */
const STOP_TIMEOUT_MS = 5_000;
/** Output that is kept for a message, characters. */
const KEPT_OUTPUT = 2_000;
const INSTALL =
  "Install cloudflared (https://github.com/cloudflare/cloudflared) or ngrok, or set MJFLOW_TUNNEL to the command of another tunnel program, with {port} in it. Without a tunnel, set MJFLOW_PUBLIC_URL to a public address that leads to this server.";

export interface Tunnel {
  /** Public address, without a slash at its end. */
  url: string;
  program: string;
  /** Registers a callback for the end of the program without a stop. */
  onEnd(callback: (why: string) => void): void;
  stop(): Promise<void>;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * @param setting `on`: the first installed program of the list; otherwise a command with `{port}`
 * @param port TCP port of this machine that the tunnel leads to
 * @throws ConfigError if there is no program, or it gives no address in time
 */
export async function openTunnel(setting: string, port: number, env: Env): Promise<Tunnel> {
  const { name, args, address } = setting === "on" ? installedProgram(env) : customProgram(setting);
  const child = spawn(name, args(port), { env: environment(env), stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error: NodeJS.ErrnoException) => resolve(`it cannot be started (${error.code})`));
    child.once("close", (code, signal) => resolve(`it ended with ${code ?? signal}`));
  });
  const stop = () => stopProgram(child, ended);
  try {
    const url = await addressOf(child, ended, address, port);
    let isStopped = false;
    return {
      url: withoutEndSlashes(url),
      program: name,
      onEnd: (callback) => void ended.then((why) => isStopped || callback(why)),
      async stop() {
        isStopped = true;
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw new ConfigError(`The tunnel program ${name} gave no address: ${(error as Error).message}`);
  }
}

function installedProgram(env: Env): Program {
  const program = PROGRAMS.find(({ name }) => isInstalled(name, env["PATH"]));
  if (program === undefined) throw new ConfigError(`No tunnel program is installed. ${INSTALL}`);
  return program;
}

/** No shell: the words are split at spaces, and nothing in them is interpreted. */
function customProgram(command: string): Program {
  const [name = "", ...words] = command.trim().split(/\s+/);
  if (name === "" || !command.includes("{port}")) {
    throw new ConfigError(
      "MJFLOW_TUNNEL must be `on` or a command with {port}, for example `bore local {port} --to bore.pub`",
    );
  }
  return {
    name,
    args: (port) => words.map((word) => word.replaceAll("{port}", String(port))),
    address: /(https?:\/\/[^\s"'<>|\\]+)/,
  };
}

function isInstalled(name: string, path = ""): boolean {
  const endings = process.platform === "win32" ? [".exe", ".cmd"] : [""];
  return path
    .split(delimiter)
    .flatMap((folder) => endings.map((ending) => join(folder, `${name}${ending}`)))
    .some((file) => {
      try {
        accessSync(file, constants.X_OK);
        return statSync(file).isFile();
      } catch {
        return false;
      }
    });
}

/** The program gets no keys: neither those of vendors nor those of this server. */
function environment(env: Env): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(MJFLOW_|SST_|AWS_)/.test(name)));
}

async function addressOf(child: ChildProcess, ended: Promise<string>, pattern: RegExp, port: number): Promise<string> {
  let text = "";
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  for (const stream of [child.stdout!, child.stderr!]) {
    // The listeners stay: a program whose output is not read would stop.
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text = `${text}${chunk}`.slice(-KEPT_OUTPUT);
      const url = pattern.exec(text)?.[1];
      if (url !== undefined && URL.canParse(url) && !url.endsWith(`:${port}`)) resolve(url);
    });
  }
  const timer = setTimeout(() => reject(new Error(`none within ${ADDRESS_TIMEOUT_MS / 1_000} s`)), ADDRESS_TIMEOUT_MS);
  void ended.then((why) => reject(new Error([why, lastLine(text)].filter(Boolean).join(": "))));
  return promise.finally(() => clearTimeout(timer));
}

/** Its control characters are removed: the text comes from another program. */
function lastLine(text: string): string {
  const line = text.trim().split("\n").at(-1) ?? "";
  return line.replace(/\p{Cc}/gu, " ").slice(0, 300);
}

async function stopProgram(child: ChildProcess, ended: Promise<string>): Promise<void> {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}
