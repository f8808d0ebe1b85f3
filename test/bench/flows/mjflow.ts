/** mjflow as `npm start` runs it: the embedded table and queues, the functions themselves. */
import { startLocalServer } from "@mjflow/local/server";
import { answer } from "../child.ts";
import type { Ready, SystemOptions } from "./system.ts";

await answer(async ({ vendorUrl, dataDir }: SystemOptions) => {
  Object.assign(process.env, { MJFLOW_PROGRESS: "off", MJFLOW_LOG: "error" });
  const server = await startLocalServer(
    {
      port: 0,
      dataDir,
      providers: { simulator: { baseUrl: vendorUrl, apiKey: "simulated" } },
      // As deployed: the vendor is a real one, as far as the house can tell.
      timings: "{}",
      sweepMs: 1_000,
      simulatorSpeed: 1,
    },
    ["simulator"],
  );
  const ready: Ready = { url: server.url, key: server.apiKey };
  return { ready, stop: () => server.stop() };
});
