/** Starts execution environments of one function, one event each at a time, as Lambda does. */
import { type ChildProcess, fork } from "node:child_process";
import http from "node:http";
import { fileURLToPath } from "node:url";
import { LOOPBACK } from "@mjflow/local/engine/port";
import { type Invocation, nextInvocation, TRACE_HEADER } from "./lineage.ts";

/** Timeout of an invocation in seconds, from the pool to the environment. */
export const TIMEOUT_HEADER = "x-rehearsal-timeout-s";

export interface FunctionSpec {
  name: string;
  bundle: string;
  exported: string;
  timeoutS: number;
  env: Record<string, string>;
  /** Trace header with which a message was sent. */
  traceOf(messageId: string): string | undefined;
}

interface Environment {
  child: ChildProcess;
  port: number;
  /** Resolves when the handler of the current event has ended, or the process. */
  free: PromiseWithResolvers<void>;
}

/** Counts executions of all functions, because an account has one limit for them. */
export interface Concurrency {
  limit: number;
  running: number;
  peak: number;
  /** Throttled invocations by function. */
  throttled: Map<string, number>;
}

export class Throttled extends Error {
  override readonly name = "Throttled";
}

/** Lambda drops an invocation in a chain of messages that is too long. */
export class Dropped extends Error {
  override readonly name = "Dropped";
}

interface QueueEvent {
  Records?: { messageId: string }[];
}

export class FunctionPool {
  readonly #idle: Environment[] = [];
  readonly #all = new Set<Environment>();
  readonly #spec: FunctionSpec;
  readonly #concurrency: Concurrency;
  readonly errors: string[] = [];
  invocations = 0;
  /** Environments that have ended, as after a timeout. */
  ended = 0;
  /** Highest number of invocations of this function in one chain of messages. */
  maxHops = 0;
  dropped = 0;
  /** A check of timeouts makes this shorter for a while. */
  timeoutS: number;

  constructor(spec: FunctionSpec, concurrency: Concurrency) {
    this.#spec = spec;
    // A frozen environment does not notice that the rehearsal has ended.
    process.once("exit", () => this.stop());
    this.#concurrency = concurrency;
    this.timeoutS = spec.timeoutS;
  }

  async #start(): Promise<Environment> {
    const { name, bundle, exported, env } = this.#spec;
    const script = fileURLToPath(new URL("environment.ts", import.meta.url));
    const child = fork(script, [bundle, exported, name], {
      env: { PATH: process.env["PATH"], ...env },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
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
    const environment: Environment = { child, port, free: Promise.withResolvers() };
    child.on("message", () => environment.free.resolve());
    child.on("exit", () => {
      this.ended++;
      this.#all.delete(environment);
      environment.free.resolve();
    });
    this.#all.add(environment);
    return environment;
  }

  async #with<T>(work: (environment: Environment) => Promise<T>): Promise<T> {
    const { name } = this.#spec;
    const { limit, throttled } = this.#concurrency;
    if (this.#concurrency.running >= limit) {
      throttled.set(name, (throttled.get(name) ?? 0) + 1);
      throw new Throttled(name);
    }
    this.#concurrency.running++;
    this.#concurrency.peak = Math.max(this.#concurrency.peak, this.#concurrency.running);
    this.invocations++;
    let environment: Environment | undefined;
    try {
      environment = this.#idle.pop() ?? (await this.#start());
      environment.free = Promise.withResolvers();
      environment.child.kill("SIGCONT");
      return await work(environment);
    } finally {
      await environment?.free.promise;
      this.#concurrency.running--;
      if (environment && this.#all.has(environment)) {
        // Lambda freezes an environment between two events, so nothing that a handler left behind continues.
        environment.child.kill("SIGSTOP");
        this.#idle.push(environment);
      }
    }
  }

  #headersOf({ trace }: Invocation): Record<string, string> {
    return { [TRACE_HEADER]: trace, [TIMEOUT_HEADER]: String(this.timeoutS) };
  }

  /**
   * @throws Error with the exception of the function; Throttled if the account has no execution left; Dropped if the chain is
   * too long
   */
  async invoke(event: unknown): Promise<unknown> {
    const { name, traceOf } = this.#spec;
    const records = (event as QueueEvent).Records ?? [];
    const next = nextInvocation(
      name,
      records.map(({ messageId }) => traceOf(messageId)),
    );
    this.maxHops = Math.max(this.maxHops, next.hops);
    if (next.isDropped) {
      this.dropped++;
      throw new Dropped(name);
    }
    return this.#with(async ({ port }) => {
      const { status, text } = await post(port, this.#headersOf(next), JSON.stringify(event));
      if (status !== 200) {
        this.errors.push(text);
        throw new Error(text);
      }
      return JSON.parse(text) as unknown;
    });
  }

  /**
   * Serves the function URL. A throttled request gets 429, as from AWS. A client that closes the connection does not end the
   * invocation.
   */
  serve(request: http.IncomingMessage, response: http.ServerResponse): void {
    const answer = this.#with(async ({ port, free }) => {
      const { method, url: path } = request;
      const headers = { ...request.headers, ...this.#headersOf(nextInvocation(this.#spec.name)) };
      const forwarded = http.request({ hostname: LOOPBACK, port, method, path, headers, agent: false }, (result) => {
        // The response of Lambda to an exception and to a timeout.
        if (result.statusCode === 502) this.errors.push(`${method} ${path?.slice(0, 40)} failed`);
        response.writeHead(result.statusCode ?? 502, result.headers);
        result.pipe(response);
        response.on("close", () => result.resume());
      });
      forwarded.on("error", () => response.destroy());
      request.pipe(forwarded);
      await free.promise;
    });
    answer.catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(error instanceof Throttled ? 429 : 502).end();
    });
  }

  stop(): void {
    for (const { child } of this.#all) child.kill("SIGKILL");
  }
}

/** Sends an event over a connection of its own: a frozen environment cannot close one that it keeps. */
function post(port: number, headers: Record<string, string>, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const options = { hostname: LOOPBACK, port, method: "POST", path: "/_invoke", headers, agent: false };
    const request = http.request(options, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve({ status: response.statusCode ?? 502, text: Buffer.concat(chunks).toString() });
    });
    request.on("error", reject).end(body);
  });
}
