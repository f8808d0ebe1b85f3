/**
 * `npm run scale`: the first limit of each kind of traffic, at the sizes of docs/operations.md. The uses of a flow are counted
 * in this run, and the rate of an app with limits is found by the contention model.
 */
import { measureAll } from "../cost/measure.ts";
import type { ScenarioName } from "../cost/scenario.ts";
import { highestRate } from "./contention.ts";
import { cases, verdicts } from "./scenario.ts";
import { countSilentEntries } from "./silent.ts";
import { sizeRows } from "./table.ts";

const RATES = { 1: [50, 100, 200, 250, 300], 8: [500, 1_000, 1_200] };
/** Flows end while others start: both change the counter. */
const SPAN = { seconds: 5, flowS: 2 };

const limitedAppFlowsPerS = {
  1: await highestRate(RATES[1], SPAN),
  8: await highestRate(RATES[8], { ...SPAN, counters: 8 }),
};
const found = { limitedAppFlowsPerS, silentEntries: await countSilentEntries() };
const flows = [...new Set(cases(found).map(({ flow }) => flow))] as ScenarioName[];
const measured = await measureAll(flows, 5);

for (const [counters, rate] of Object.entries(limitedAppFlowsPerS))
  console.log(`One app with limits and ${counters} credit counters: nothing fails at ${rate} flows/s.`);
console.log(`A flow without callbacks: ${found.silentEntries.toFixed(1)} due entries.`);
for (const row of sizeRows()) {
  console.log(`\nsizes for ${row.flowsPerS} flows/s`);
  for (const { title, flowsPerS, walls } of verdicts(row, measured, found)) {
    console.log(`  ${flowsPerS >= row.flowsPerS ? "ok  " : "STOP"} ${title}`);
    for (const wall of walls.slice(0, 3))
      console.log(`         ${wall.flowsPerS.toFixed(0).padStart(7)}/s  ${wall.what} (${wall.raisedBy})`);
  }
}
process.exit();
