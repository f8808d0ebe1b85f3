/**
 * `server` measures what one self-hosted server carries: more and more flows at the same time, until more of them bring no
 * more flows per second. The server runs as `mjflow dev` does and syncs every write to the disk. The vendor finishes each
 * image at once, so a real vendor leaves the server idle for most of a flow.
 *
 * Driver and vendor use a small part of the processors too. The share of the server is in the result.
 */
import { readdirSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { SYSTEMS } from "./flows/systems.ts";
import { verify, withSystem } from "./flows.ts";
import { median, percentile } from "./stat.ts";
import { hasUsage, usageOf } from "./usage.ts";

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
  const { title } = SYSTEMS.mjflow;
  return withSystem(SYSTEMS.mjflow, async ({ pid, dataDir, run, complete }) => {
    const warmUp = await run(warmUpFlows, Math.min(16, warmUpFlows));
    const sizeBefore = sizeOf(dataDir);
    const rows: ServerRow[] = [];
    for (const concurrency of steps) {
      const flows = Math.max(atLeast, concurrency * flowsEach);
      const before = hasUsage ? usageOf(pid) : undefined;
      const ran = await run(flows, concurrency);
      const after = hasUsage ? usageOf(pid) : undefined;
      verify(title, ran);
      await complete();
      const cpuMs = after && before ? after.cpuMs - before.cpuMs : null;
      rows.push({
        concurrency,
        flows,
        flowsPerS: flows / ran.seconds,
        p50Ms: median(ran.followUpMs),
        p99Ms: percentile(ran.followUpMs, 0.99),
        cpuMsPerFlow: cpuMs && cpuMs / flows,
        cpus: cpuMs && cpuMs / 1_000 / ran.seconds,
        peakMb: after?.peakMb ?? null,
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
  });
}

function sizeOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}
