/** mjflow as `npm start` runs it: the functions with the embedded table and queues. */
import { startLocalServer } from "@mjflow/local/server";
import { answer } from "../child.ts";
import type { Ready, SystemOptions } from "./system.ts";

await answer(async ({ vendorUrl, dataDir, storesProgress }: SystemOptions) => {
  Object.assign(process.env, { MJFLOW_PROGRESS: storesProgress ? "on" : "off", MJFLOW_LOG: "error" });
  const server = await startLocalServer(
    {
      port: 0,
      dataDir,
      providers: { simulator: { baseUrl: vendorUrl, apiKey: "simulated" } },
      // Default timings, as in a deployment. For mjflow the benchmark's vendor is a real one.
      timings: "{}",
      sweepMs: 1_000,
      simulatorSpeed: 1,
    },
    ["simulator"],
  );
  const ready: Ready = { url: server.url, key: server.apiKey };
  return { ready, stop: () => server.stop() };
});
