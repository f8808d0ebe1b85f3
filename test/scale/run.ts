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

const RATES = [5, 10, 20, 50, 100, 200, 300, 400];

const limitedAppFlowsPerS = await highestRate(RATES, { seconds: 6, flowS: 10 });
const found = { limitedAppFlowsPerS, silentEntries: await countSilentEntries() };
const flows = [...new Set(cases(found).map(({ flow }) => flow))] as ScenarioName[];
const measured = await measureAll(flows, 5);

console.log(`One app with limits: nothing fails at ${limitedAppFlowsPerS} flows/s, of ${RATES.join(", ")}.`);
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
