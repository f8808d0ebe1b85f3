/** The routes of a system on bare node:http. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { createRoutes, type Engine, type Response, type Routes } from "./engine.ts";

const BODY_BYTES = 256 * 1024;

export async function serveHttp(engine: () => Engine): Promise<Routes & { stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    const send = ({ status, body }: Response) => {
      response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
      response.end(body);
    };
    // The change is not durable, so the request is not acknowledged.
    route(request).then(send, () => send({ status: 503, body: "{}" }));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const routes = createRoutes(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, engine);

  async function route(request: IncomingMessage): Promise<Response> {
    const [, resource, first = "", second = ""] = (request.url ?? "").split("/");
    const { authorization } = request.headers;
    if (request.method !== "POST") return routes.status(authorization, second);
    const body = await bodyOf(request);
    return resource === "callbacks" ? routes.callback(first, body) : routes.create(authorization, body);
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

function bodyOf(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      text += chunk;
      if (text.length > BODY_BYTES) reject(new Error("The body is too large"));
    });
    request.on("end", () => resolve(text));
    request.on("error", reject);
  });
}
