/**
 * The routes of a system on bare node:http, with as little work for a callback as node:http allows. Nine of ten
 * callbacks are dropped progress: their headers are not read, and they need no promise and no listener.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { BODY_BYTES, createRoutes, type Engine, type Response, type Routes } from "./engine.ts";

const CALLBACKS = "/callbacks/";
/** The change is not durable, so the request is not acknowledged. */
const FAILED: Response = { status: 503, body: "{}" };
const TOO_LARGE: Response = { status: 413, body: "{}" };

export async function serveHttp(engine: () => Engine): Promise<Routes & { stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    if (request.method === "POST") withBody(request, response, (body) => post(request, response, body));
    else respond(response, routes.status(request.headers.authorization, (request.url ?? "").split("/")[3] ?? ""));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const routes = createRoutes(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, engine);

  function post(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const url = request.url ?? "";
    const outcome = url.startsWith(CALLBACKS)
      ? routes.callback(url.slice(CALLBACKS.length), body)
      : routes.create(request.headers.authorization, body.toString());
    respond(response, outcome);
  }

  return {
    ...routes,
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function respond(response: ServerResponse, outcome: Response | Promise<Response>): void {
  if (outcome instanceof Promise) {
    outcome.then(
      (result) => send(response, result),
      () => send(response, FAILED),
    );
  } else send(response, outcome);
}

/** A flat list of headers is the cheapest form for Node. Bodies are ASCII. */
function send(response: ServerResponse, { status, body }: Response): void {
  response.writeHead(status, ["content-type", "application/json", "content-length", String(body.length)]);
  response.end(body);
}

/** A body that came together with its head is there when Node has read both. Other bodies are collected by events. */
function withBody(request: IncomingMessage, response: ServerResponse, use: (body: Buffer) => void): void {
  process.nextTick(() => {
    if (request.complete) return use((request.read() as Buffer | null) ?? Buffer.alloc(0));
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes <= BODY_BYTES || response.headersSent) return;
      send(response, TOO_LARGE);
      request.destroy();
    });
    request.on("end", () => use(Buffer.concat(chunks)));
    request.on("error", () => {});
  });
}
