/**
 * `server` measures what one self-hosted server carries: more and more flows at the same time, until more of them bring no
 * more flows per second. The server runs as `mjflow dev` does and syncs every write to the disk. The vendor finishes each
 * image at once, so a real vendor leaves the server idle for most of a flow.
 *
 * The driver, which is vendor and app, uses a part of the processors too. The share of the server is in the result.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { startChild } from "./child.ts";
import type { Ran, Run } from "./flows/driver.ts";
import type { Ready } from "./flows/system.ts";
import { SYSTEMS } from "./flows/systems.ts";
import { verify } from "./flows.ts";
import { median, percentile } from "./stat.ts";
import { hasUsage, watchUsage } from "./usage.ts";

export interface ServerOptions {
  /** Numbers of flows at the same time, one step for each. */
  steps: readonly number[];
  /** Flows of a step for each flow at the same time; a step has at least `atLeast` flows. */
  flowsEach: number;
  atLeast: number;
  warmUpFlows: number;
}

export interface ServerRow {
  concurrency: number;
  flows: number;
  flowsPerS: number;
  /** From the callback with the first image to the next submission, ms. */
  p50Ms: number;
  p99Ms: number;
  /** CPU time of the server; null without /proc. */
  cpuMsPerFlow: number | null;
  /** Processors that the server used on average; null without /proc. */
  cpus: number | null;
  peakMb: number | null;
}

export interface ServerFound {
  rows: ServerRow[];
  callbacksPerFlow: number;
  /** Growth of the data folder for each flow, kB. */
  diskKbPerFlow: number;
  processors: number;
}

/** @throws Error if a flow does not end, or does not have five paid images */
export async function benchServer({ steps, flowsEach, atLeast, warmUpFlows }: ServerOptions): Promise<ServerFound> {
  const { title, script, isSynced } = SYSTEMS.mjflow;
  const dataDir = mkdtempSync(join(tmpdir(), "mjflow-bench-"));
  const driver = await startChild<Run, Ran>(new URL("./flows/driver.ts", import.meta.url), {});
  try {
    const system = await startChild<never, Ready>(script, { vendorUrl: driver.ready.vendorUrl, dataDir, isSynced });
    try {
      const run = async (flows: number, concurrency: number) => {
        const ran = await driver.child.ask({ ...system.ready, flows, concurrency });
        verify(title, ran);
        return ran;
      };
      const warmUp = await run(warmUpFlows, Math.min(16, warmUpFlows));
      const sizeBefore = sizeOf(dataDir);
      const rows: ServerRow[] = [];
      for (const concurrency of steps) {
        const flows = Math.max(atLeast, concurrency * flowsEach);
        const watch = hasUsage ? watchUsage([system.child.pid]) : undefined;
        const ran = await run(flows, concurrency);
        const usage = watch?.stop();
        rows.push({
          concurrency,
          flows,
          flowsPerS: flows / ran.seconds,
          p50Ms: median(ran.followUpMs),
          p99Ms: percentile(ran.followUpMs, 0.99),
          cpuMsPerFlow: usage ? usage.cpuMs / flows : null,
          cpus: usage ? usage.cpuMs / 1_000 / ran.seconds : null,
          peakMb: usage ? usage.peakMb : null,
        });
        console.log(`${String(concurrency).padStart(5)} at the same time: ${(flows / ran.seconds).toFixed(1)} flows/s`);
      }
      const flows = rows.reduce((sum, row) => sum + row.flows, 0);
      return {
        rows,
        callbacksPerFlow: warmUp.callbacks / warmUpFlows,
        diskKbPerFlow: (sizeOf(dataDir) - sizeBefore) / 1_000 / flows,
        processors: availableParallelism(),
      };
    } finally {
      await system.child.stop();
    }
  } finally {
    await driver.child.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function sizeOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}
