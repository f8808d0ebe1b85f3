/**
 * What a tunnel leads to: a server of its own on a loopback port that serves only `POST /callbacks/…`. The API, the console and
 * the bucket stay reachable from this machine alone.
 */
import { randomBytes } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { FUNCTION_TIMEOUT_S } from "@mjflow/core/limit";
import { type BodyReader, continueLate, needsBody } from "./body-budget.ts";
import { LOOPBACK } from "./engine/port.ts";
import { type Handler, originForm, serveFunctionUrl } from "./lambda.ts";
import { close, listen, portOf, respondStarting } from "./listener.ts";

const CALLBACK = /^\/callbacks\/[\w.-]+\/?$/;
/** Time for a test callback, ms: the name of a new tunnel is known only after some seconds. */
const TEST_TIMEOUT_MS = 30_000;
const TEST_PAUSE_MS = 1_000;
const REQUEST_TIMEOUT_MS = 10_000;

export interface TunnelGate {
  port: number;
  /** Begins to pass callbacks on. Until then each request gets 503. */
  serve(callback: Handler, bodies: BodyReader): void;
  /**
   * Sends a callback to the public address and waits until it has arrived here.
   *
   * @returns `tookMs`, or why none arrived
   */
  test(publicUrl: string, timeoutMs?: number): Promise<{ tookMs: number } | { why: string }>;
  close(): Promise<void>;
}

export async function openTunnelGate(): Promise<TunnelGate> {
  const server = await listen(0, LOOPBACK);
  /** Paths of test callbacks that have arrived. */
  const arrived = new Set<string>();
  let expected: string | undefined;
  return {
    port: portOf(server),
    serve(callback, bodies) {
      serveCallbacks(server, callback, bodies, (path) => {
        if (path === expected) arrived.add(path);
      });
    },
    async test(publicUrl, timeoutMs = TEST_TIMEOUT_MS) {
      // No task has this token, so the callback function refuses it and records nothing.
      const path = `/callbacks/tunnel-test-${randomBytes(12).toString("hex")}`;
      expected = path;
      const until = performance.now() + timeoutMs;
      for (;;) {
        const sentAt = performance.now();
        const why = await post(`${publicUrl}${path}`);
        if (arrived.has(path)) return { tookMs: Math.round(performance.now() - sentAt) };
        if (performance.now() + TEST_PAUSE_MS >= until) return { why };
        await sleep(TEST_PAUSE_MS);
      }
    },
    close: () => close(server),
  };
}

function serveCallbacks(
  server: Server,
  callback: Handler,
  bodies: BodyReader,
  onCallback: (path: string) => void,
): void {
  const respond = (request: IncomingMessage, response: ServerResponse) => {
    const path = originForm(request.url).split("?", 1)[0]!;
    if (!CALLBACK.test(path) || request.method !== "POST") {
      response.writeHead(404, { connection: "close" }).end();
      return;
    }
    onCallback(path);
    const options = { bodies, needsBody: needsBody(path, request) };
    serveFunctionUrl("callback", callback, FUNCTION_TIMEOUT_S.callback, request, response, options).catch(() =>
      response.destroy(),
    );
  };
  server.off("request", respondStarting);
  server.on("request", respond);
  continueLate(server, respond);
}

/** @returns why the callback may not have arrived */
async function post(url: string): Promise<string> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
      redirect: "manual",
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    await response.body?.cancel();
    return `HTTP ${response.status} came from another server`;
  } catch (error) {
    const { cause, name } = error as Error & { cause?: NodeJS.ErrnoException };
    return name === "TimeoutError" ? "no response in time" : `no connection (${cause?.code ?? name})`;
  }
}
