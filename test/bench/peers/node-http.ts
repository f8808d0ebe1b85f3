/** Bare node:http with an append-only file. */
import { answer } from "../child.ts";
import type { Counts, Ready, SystemOptions } from "../flows/system.ts";
import { createFileEngine } from "./file-engine.ts";
import { serveHttp } from "./http-server.ts";
import { createVendorClient } from "./vendor-client.ts";

await answer<SystemOptions, object, Ready | Counts>(async ({ vendorUrl, dataDir }) => {
  const routes = await serveHttp(() => engine);
  const engine = createFileEngine(dataDir, createVendorClient(vendorUrl), routes.callbackUrl);
  return {
    ready: { url: routes.url, key: routes.key },
    ask: async () => ({ requests: engine.count() }),
    async stop() {
      await routes.stop();
      engine.close();
    },
  };
});
