/** `npm run bench:cost`: counts what flows use at AWS and prints the cost of a million flows at list price. */
import { measureAll } from "./measure.ts";
import { countRows, PAGE_SCENARIOS, priceRows } from "./page.ts";
import price from "./price.json" with { type: "json" };

const FLOWS = 10;
const measured = await measureAll(PAGE_SCENARIOS, FLOWS);

console.log(`1 imagine and 4 upscales, ${FLOWS} flows of each kind; per flow:\n`);
for (const { title, ...counts } of countRows(measured)) {
  const cells = Object.entries(counts).map(([name, count]) => `${name} ${round(count)}`);
  console.log(`  ${title}\n    ${cells.join(", ")}`);
}
console.log(`\nUSD per million flows, list prices of ${price.region}, ${price.date}\n`);
for (const { title, answerMs, usdPerMillion, lines } of priceRows(measured)) {
  console.log(`  ${usd(usdPerMillion)}  ${title}, vendor responds after ${answerMs / 1_000} s`);
  for (const line of lines) {
    const assumes = line.assumes === undefined ? "" : `   (assumes: ${line.assumes})`;
    console.log(`    ${usd(line.usdPerMillion)}  ${line.what.padEnd(28)} ${round(line.perFlow)}${assumes}`);
  }
}
console.log(
  `\nNot in the table: about $5 a month for alarms, $13 or more for counters, $2 for idle queues, $0.4 for the sweeper.`,
);
process.exit();

function usd(value: number): string {
  return `$${value.toFixed(2)}`.padStart(10);
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 1 ? 1 : 3);
}
