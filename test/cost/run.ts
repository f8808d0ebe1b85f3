/** `npm run bench:cost`: counts what a flow uses at AWS and prints the cost of a million flows at list price. */
import { billOf, countedOf, totalOf } from "./bill.ts";
import { measure } from "./measure.ts";
import price from "./price.json" with { type: "json" };

const measured = await measure(20, [{ press: "upscale:all" }]);
const per = (count: number) => (count / measured.flows).toFixed(2);
console.log(
  `1 imagine and 4 upscales, ${per(measured.callbacks)} callbacks, progress not subscribed; ${measured.flows} flows\n`,
);
for (const [name, count] of Object.entries(measured))
  if (name !== "flows") console.log(`  ${name.padEnd(16)} ${per(count).padStart(8)}`);
const lines = billOf(measured);
console.log(`\nper million flows, list prices of ${price.region}, ${price.date}\n`);
for (const { what, perFlow, usdPerMillion } of lines) {
  console.log(`  ${what.padEnd(36)} ${perFlow.toFixed(3).padStart(10)}  $${usdPerMillion.toFixed(2).padStart(7)}`);
}
for (const [what, usd] of [
  ["counted", countedOf(lines)],
  ["with the assumed times", totalOf(lines)],
] as const)
  console.log(`  ${what.padEnd(36)} ${"".padStart(10)}  $${usd.toFixed(2).padStart(7)}`);
process.exit();
