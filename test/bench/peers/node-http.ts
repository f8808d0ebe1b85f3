/** Bare node:http with an append-only file. */
import { answer } from "../child.ts";
import type { SystemOptions } from "../flows/system.ts";
import { createFileEngine } from "./file-engine.ts";
import { serveHttp } from "./http-server.ts";
import { createVendorClient } from "./vendor-client.ts";

await answer(async ({ vendorUrl, dataDir }: SystemOptions) => {
  const routes = await serveHttp(() => engine);
  const engine = createFileEngine(dataDir, createVendorClient(vendorUrl), routes.callbackUrl);
  return {
    ready: { url: routes.url, key: routes.key },
    async stop() {
      await routes.stop();
      engine.close();
    },
  };
});
