/** Starts execution environments of one function, one event each at a time, as Lambda does. */
import { type ChildProcess, fork } from "node:child_process";
import http from "node:http";
import { fileURLToPath } from "node:url";
import { LOOPBACK } from "@mjflow/local/engine/port";

export interface FunctionSpec {
  name: string;
  bundle: string;
  exported: string;
  timeoutS: number;
  env: Record<string, string>;
}

interface Environment {
  child: ChildProcess;
  port: number;
}

/** Counts executions of all functions, because an account has one limit for them. */
export interface Concurrency {
  limit: number;
  running: number;
  peak: number;
  throttled: number;
}

export class Throttled extends Error {
  override readonly name = "Throttled";
}

export class FunctionPool {
  readonly #idle: Environment[] = [];
  readonly #all = new Set<Environment>();
  readonly #spec: FunctionSpec;
  readonly #concurrency: Concurrency;
  readonly errors: string[] = [];
  invocations = 0;

  constructor(spec: FunctionSpec, concurrency: Concurrency) {
    this.#spec = spec;
    this.#concurrency = concurrency;
  }

  get environments(): number {
    return this.#all.size;
  }

  async #start(): Promise<Environment> {
    const { name, bundle, exported, timeoutS, env } = this.#spec;
    const child = fork(
      fileURLToPath(new URL("environment.ts", import.meta.url)),
      [bundle, exported, name, String(timeoutS)],
      { env: { PATH: process.env["PATH"], ...env }, stdio: ["ignore", "pipe", "pipe", "ipc"] },
    );
    const lines: string[] = [];
    for (const stream of [child.stdout!, child.stderr!])
      stream.on("data", (data: Buffer) => {
        if (process.env["MJFLOW_REHEARSAL_LOG"]) process.stderr.write(data);
        if (lines.length < 20) lines.push(data.toString());
      });
    const port = await new Promise<number>((resolve, reject) => {
      child.once("message", (message) => resolve(message as number));
      child.once("exit", (code) => reject(new Error(`${name} ended with ${code}: ${lines.join("")}`)));
    });
    const environment = { child, port };
    child.on("exit", () => this.#all.delete(environment));
    this.#all.add(environment);
    return environment;
  }

  async #with<T>(work: (environment: Environment) => Promise<T>): Promise<T> {
    const { limit } = this.#concurrency;
    if (this.#concurrency.running >= limit) {
      this.#concurrency.throttled++;
      throw new Throttled(this.#spec.name);
    }
    this.#concurrency.running++;
    this.#concurrency.peak = Math.max(this.#concurrency.peak, this.#concurrency.running);
    this.invocations++;
    let environment: Environment | undefined;
    try {
      environment = this.#idle.pop() ?? (await this.#start());
      return await work(environment);
    } finally {
      this.#concurrency.running--;
      if (environment && this.#all.has(environment)) this.#idle.push(environment);
    }
  }

  /** @throws Error with the exception of the function; Throttled if the account has no execution left */
  async invoke(event: unknown): Promise<unknown> {
    return this.#with(async ({ port }) => {
      const response = await fetch(`http://${LOOPBACK}:${port}/_invoke`, {
        method: "POST",
        body: JSON.stringify(event),
      });
      const text = await response.text();
      if (response.status !== 200) {
        this.errors.push(text);
        throw new Error(text);
      }
      return JSON.parse(text) as unknown;
    });
  }

  /** Serves the function URL. A throttled request gets 429, as from AWS. */
  serve(request: http.IncomingMessage, response: http.ServerResponse): void {
    const answer = this.#with(
      ({ port }) =>
        new Promise<void>((resolve) => {
          const { method, url: path, headers } = request;
          const forwarded = http.request({ hostname: LOOPBACK, port, method, path, headers }, (result) => {
            response.writeHead(result.statusCode ?? 502, result.headers);
            result.pipe(response);
          });
          forwarded.on("error", () => response.destroy());
          response.on("close", () => {
            forwarded.destroy();
            resolve();
          });
          request.pipe(forwarded);
        }),
    );
    answer.catch((error: unknown) => response.writeHead(error instanceof Throttled ? 429 : 502).end());
  }

  stop(): void {
    for (const { child } of this.#all) child.kill();
  }
}
