/** mjflow as `npm start` runs it: the functions with the embedded table and queues. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { startLocalServer } from "@mjflow/local/server";
import { answer } from "../child.ts";
import type { Ready, ServerState, SystemOptions } from "./system.ts";

/** Resolution of the pauses, ms. Shorter pauses are not seen. */
const RESOLUTION_MS = 10;

await answer<SystemOptions, object, Ready | ServerState>(async ({ vendorUrl, dataDir, storesProgress }) => {
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
  /** Pauses of the event loop since the last question. Only a benchmark that asks has the timer of this meter. */
  let delay: ReturnType<typeof monitorEventLoopDelay> | undefined;
  return {
    ready,
    async ask(): Promise<ServerState> {
      const longestPauseMs = (delay?.max ?? 0) / 1e6;
      if (delay) delay.reset();
      else {
        delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
        delay.enable();
      }
      return { rssMb: process.memoryUsage.rss() / 1_048_576, longestPauseMs };
    },
    stop: () => server.stop(),
  };
});
