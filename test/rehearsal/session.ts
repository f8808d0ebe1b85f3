/** What the checks of a rehearsal share: requests to the API, a receiver of webhooks, a schedule, and the list of results. */
import http from "node:http";
import type { Simulator } from "@mjflow/simulator/server";
import type { Stage } from "./stage.ts";

export interface Check {
  name: string;
  /** Empty if the check passes. */
  problem: string;
}

// biome-ignore lint/suspicious/noExplicitAny: bodies of the API, of which a check reads single fields
export type Json = any;

/** The schedule is a minute; here it is faster, so that a check of the sweeper takes seconds. */
const SWEEP_MS = 5_000;
/** A request that finds no free execution is repeated for 30 s. */
const THROTTLED_ATTEMPTS = 100;
const THROTTLED_PAUSE_MS = 300;
/** What happens in seconds on an idle machine. No check depends on the time that it takes. */
const PATIENCE_MS = 300_000;

export interface Answer {
  status: number;
  body: Json;
  headers: Headers;
}

export interface Session {
  stage: Stage;
  simulator: Simulator;
  operatorKey: string;
  receiver: Receiver;
  checks: Check[];
  check(name: string, run: () => Promise<void>): Promise<void>;
  /** Sends a request to the API. @param key default: the operator key */
  api(method: string, path: string, body?: unknown, key?: string): Promise<Answer>;
  /** Sends a request. @throws Error if the status is not 2xx */
  ok(method: string, path: string, body?: unknown, key?: string): Promise<Json>;
  /** Starts a flow at the simulator. @returns its id */
  start(request: object, key?: string): Promise<string>;
  /** Waits for the end of a flow. @param key default: the operator key */
  ended(id: string, options?: { patienceMs?: number; key?: string }): Promise<Json>;
  /** Reads until the value is truthy. @throws Error with `what` after the time */
  until<T>(what: string, read: () => Promise<T | undefined | false>, patienceMs?: number): Promise<T>;
  /** No run of the sweeper begins while `work` runs. */
  withoutSweeper<T>(work: () => Promise<T>): Promise<T>;
  /** Stops the schedule and the receiver. */
  close(): Promise<void>;
}

/** @throws Error with the text if the condition is false */
export function expect(condition: unknown, problem: string): asserts condition {
  if (!condition) throw new Error(problem);
}

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Creates an app with limits, and a key of it. */
export async function createApp({ ok }: Session): Promise<{ app: string; key: string }> {
  const { id } = await ok("POST", "/v1/apps", { name: "paying", limits: { creditsUsd: 50, runningFlows: 5 } });
  const { key } = await ok("POST", `/v1/apps/${id}/keys`, {});
  return { app: id, key };
}

export async function startSession(stage: Stage, simulator: Simulator, operatorKey: string): Promise<Session> {
  const receiver = await startReceiver();
  const checks: Check[] = [];
  let isOpen = true;
  let isSweeping = true;
  // A run of the dispatcher asks each part of the due index. On a busy machine that takes seconds, so runs never overlap.
  const sweeping = (async () => {
    while (isOpen) {
      await pause(SWEEP_MS);
      if (!isSweeping) continue;
      await stage.pools
        .get("Sweep")!
        .invoke({})
        .catch(() => undefined);
    }
  })();

  /** A 429 without a body is Lambda's: no execution was free. The request had no effect, and every client sends it again. */
  async function api(method: string, path: string, body?: unknown, key = operatorKey, attempts = 1): Promise<Answer> {
    const response = await fetch(new URL(path, stage.url("Api")), {
      method,
      redirect: "manual",
      headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { "content-type": "application/json" }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    if (response.status === 429 && !isJson && attempts < THROTTLED_ATTEMPTS) {
      await pause(THROTTLED_PAUSE_MS);
      return api(method, path, body, key, attempts + 1);
    }
    return { status: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers };
  }

  async function ok(method: string, path: string, body?: unknown, key?: string): Promise<Json> {
    const response = await api(method, path, body, key);
    if (response.status >= 300)
      throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(response.body)}`);
    return response.body;
  }

  const session: Session = {
    stage,
    simulator,
    operatorKey,
    receiver,
    checks,
    async check(name, run) {
      const problem = await run().then(
        () => "",
        (error: unknown) => String((error as Error).message ?? error).slice(0, 500) || "failed",
      );
      if (process.env["MJFLOW_REHEARSAL_LOG"]) console.error(problem ? "✗" : "✓", name, problem);
      checks.push({ name, problem });
    },
    api,
    ok,
    async start(request, key) {
      const { id } = await ok("POST", "/v1/flows", { provider: "simulator", ...request }, key);
      return id;
    },
    ended: (id, { patienceMs, key } = {}) =>
      session.until(
        `the end of ${id}`,
        async () => {
          const flow = await ok("GET", `/v1/flows/${id}`, undefined, key);
          return flow.status !== "running" && flow;
        },
        patienceMs,
      ),
    async until(what, read, patienceMs = PATIENCE_MS) {
      const deadline = Date.now() + patienceMs;
      for (;;) {
        const value = await read();
        if (value) return value;
        if (Date.now() > deadline) throw new Error(`${what} did not happen within ${patienceMs / 1_000} s`);
        await pause(700);
      }
    },
    async withoutSweeper(work) {
      isSweeping = false;
      try {
        return await work();
      } finally {
        isSweeping = true;
      }
    },
    async close() {
      isOpen = false;
      await sweeping;
      receiver.stop();
    },
  };
  return session;
}

export interface Receiver {
  url: string;
  /** Event types in the order of their arrival. */
  types: string[];
  /** False if a webhook had no signature. */
  signed: boolean;
  /** Number of posts that get 500 from now on. */
  refusals: number;
  stop(): void;
}

async function startReceiver(): Promise<Receiver> {
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    receiver.signed &&= Boolean(request.headers["webhook-signature"]);
    if (receiver.refusals > 0) {
      receiver.refusals--;
      return void response.writeHead(500).end();
    }
    receiver.types.push((JSON.parse(Buffer.concat(chunks).toString()) as { type: string }).type);
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}/hook`,
    types: [],
    signed: true,
    refusals: 0,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
  return receiver;
}
