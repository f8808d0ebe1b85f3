/** Bare Hono on its Node server, with an append-only file. */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { answer } from "../child.ts";
import type { Counts, Ready, SystemOptions } from "../flows/system.ts";
import { type Response as Answer, createRoutes } from "./engine.ts";
import { createFileEngine } from "./file-engine.ts";
import { createVendorClient } from "./vendor-client.ts";

await answer<SystemOptions, object, Ready | Counts>(async ({ vendorUrl, dataDir }) => {
  const send = (context: Context, { status, body }: Answer) =>
    context.body(body, status as 200, { "content-type": "application/json" });
  const app = new Hono()
    .post("/callbacks/:token", async (context) =>
      send(context, await routes.callback(context.req.param("token"), await context.req.text())),
    )
    .post("/v1/flows", async (context) =>
      send(context, await routes.create(context.req.header("authorization"), await context.req.text())),
    )
    .get("/v1/flows/:id", async (context) =>
      send(context, await routes.status(context.req.header("authorization"), context.req.param("id"))),
    );
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const routes = createRoutes(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => engine);
  const engine = createFileEngine(dataDir, createVendorClient(vendorUrl), routes.callbackUrl);
  return {
    ready: { url: routes.url, key: routes.key },
    ask: async () => ({ requests: engine.count() }),
    async stop() {
      await new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      });
      engine.close();
    },
  };
});
