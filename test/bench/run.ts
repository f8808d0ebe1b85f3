/**
 * `npm run bench` runs all benchmarks one after the other, each with its baseline; `npm run bench -- flows` runs only
 * the named ones. The results are written to test/bench/results, and `npm run bench:charts` writes them into
 * docs/performance.md. `--quick` runs small benchmarks and writes nothing. `--sizes 1000,10000` sets the table sizes of
 * `growth`. `--systems mjflow,bullmq` measures only these systems in `flows`, and writes nothing.
 */
import { parseArgs } from "node:util";
import { benchBacklog } from "./backlog.ts";
import { benchBundles } from "./bundles.ts";
import { benchCallbacks } from "./callbacks.ts";
import { benchCost } from "./cost.ts";
import { SYSTEM_NAMES, type SystemName } from "./flows/systems.ts";
import { benchFlows, installPeers, warnIfBusy } from "./flows.ts";
import { benchGrowth } from "./growth.ts";
import { benchNeighbors } from "./neighbors.ts";
import { benchProgress } from "./progress.ts";
import { headNow, writeResult } from "./result.ts";
import { benchServer } from "./server.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    sizes: { type: "string" },
    systems: { type: "string" },
  },
});
const { quick } = values;
const sizes = values.sizes?.split(",").map(Number) ?? (quick ? [1_000, 10_000] : [1_000, 10_000, 100_000, 1_000_000]);

const BENCHES: Record<string, () => Promise<object>> = {
  callbacks: () =>
    benchCallbacks(quick ? { rounds: 2, dropped: 2_000, ends: 100 } : { rounds: 7, dropped: 10_000, ends: 400 }),
  async flows() {
    installPeers();
    await warnIfBusy();
    const systems = systemsOf(values.systems);
    return benchFlows(
      quick
        ? {
            rounds: 1,
            warmUpFlows: 100,
            flows: 100,
            concurrency: 16,
            aloneFlows: 10,
            slices: 2,
            settleMs: 1_000,
            systems,
          }
        : {
            rounds: 3,
            warmUpFlows: 300,
            flows: 300,
            concurrency: 16,
            aloneFlows: 60,
            slices: 3,
            settleMs: 1_000,
            systems,
          },
    );
  },
  async progress() {
    installPeers();
    await warnIfBusy();
    const systems = systemsOf(values.systems);
    return benchProgress(
      quick
        ? { rounds: 3, warmUpFlows: 50, flows: 40, concurrency: 16, steps: 108, systems }
        : { rounds: 9, warmUpFlows: 150, flows: 64, concurrency: 16, steps: 108, systems },
    );
  },
  server: () =>
    benchServer(
      quick
        ? { steps: [1, 16], flowsEach: 1, atLeast: 10, warmUpFlows: 10 }
        : { steps: [1, 4, 16, 64, 256], flowsEach: 2, atLeast: 200, warmUpFlows: 300 },
    ),
  backlog: () =>
    benchBacklog(
      quick
        ? { flows: 500, connections: 500, warmUpFlows: 100, steadyFlows: 100, steadyConcurrency: 16 }
        : { flows: 20_000, connections: 1_500, warmUpFlows: 300, steadyFlows: 1_000, steadyConcurrency: 16 },
    ),
  bundles: () => benchBundles({ rounds: quick ? 3 : 25 }),
  growth: () => benchGrowth({ sizes, rounds: quick ? 1 : 4, times: quick ? 10 : 60 }),
  cost: () => benchCost({ flows: quick ? 3 : 10 }),
  neighbors: () =>
    benchNeighbors(quick ? { rounds: 1, flows: 10, hungFlows: 20 } : { rounds: 3, flows: 40, hungFlows: 40 }),
};

const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
const unknown = names.find((name) => !Object.hasOwn(BENCHES, name));
if (unknown !== undefined) {
  console.error(`Unknown benchmark "${unknown}". Use one of: ${Object.keys(BENCHES).join(", ")}.`);
  process.exit(1);
}
for (const name of names) {
  console.log(`\n${name}`);
  const head = headNow();
  const found = await BENCHES[name]!();
  if (quick || values.systems !== undefined) console.log(JSON.stringify(found, undefined, 2));
  else writeResult(name, head, found);
}
process.exit();

function systemsOf(given: string | undefined): readonly SystemName[] {
  if (given === undefined) return SYSTEM_NAMES;
  const chosen = given.split(",");
  const other = chosen.find((name) => !(SYSTEM_NAMES as string[]).includes(name));
  if (other === undefined) return chosen as SystemName[];
  console.error(`Unknown system "${other}". Use one of: ${SYSTEM_NAMES.join(", ")}.`);
  process.exit(1);
}
