/**
 * What a tunnel leads to: a server of its own on a loopback port that serves only `POST /callbacks/…`. The API, the console and
 * the bucket stay reachable from this machine alone.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { FUNCTION_TIMEOUT_S } from "@mjflow/core/limit";
import { type BodyReader, continueLate, needsBody } from "./body-budget.ts";
import { type CallbackTestResult, createCallbackTest } from "./callback-test.ts";
import { answerDropped } from "./dropped-callbacks.ts";
import { LOOPBACK } from "./engine/port.ts";
import type { Functions } from "./functions.ts";
import { originForm, serveFunctionUrl } from "./lambda.ts";
import { close, listen, portOf, respondStarting } from "./listener.ts";

const CALLBACK = /^\/callbacks\/[\w.-]+\/?$/;
/** Time for a test callback, ms: the name of a new tunnel is known only after some seconds. */
const TEST_TIMEOUT_MS = 30_000;

export interface TunnelGate {
  port: number;
  /** Begins to pass callbacks on. Until then each request gets 503. */
  serve(functions: Pick<Functions, "callback" | "dropped">, bodies: BodyReader): void;
  /** Sends a callback to the public address and waits until it has arrived here. */
  test(publicUrl: string, timeoutMs?: number): Promise<CallbackTestResult>;
  close(): Promise<void>;
}

export async function openTunnelGate(): Promise<TunnelGate> {
  const server = await listen(0, LOOPBACK);
  const callbackTest = createCallbackTest();
  return {
    port: portOf(server),
    serve(functions, bodies) {
      serveCallbacks(server, functions, bodies, callbackTest.sees);
    },
    test: (publicUrl, timeoutMs = TEST_TIMEOUT_MS) => callbackTest.run(publicUrl, timeoutMs),
    close: () => close(server),
  };
}

function serveCallbacks(
  server: Server,
  { callback, dropped }: Pick<Functions, "callback" | "dropped">,
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
  answerDropped(server, dropped);
  server.on("request", respond);
  continueLate(server, respond);
}
