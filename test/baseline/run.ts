/**
 * `npm run baseline` runs all systems on the same seeds and writes the counts of their flows into docs/reliability.md,
 * between its two marks. `--flows 20000` runs more flows, `--from 7` uses other seeds, `--print` does not write the
 * file.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { FLOWS_PER_SEED } from "../sim/fault-setup.ts";
import { add, type Counters, percentile } from "./count.ts";
import { runSeed, SYSTEMS, type SystemName } from "./systems.ts";

const { values } = parseArgs({
  options: {
    flows: { type: "string", default: "10000" },
    from: { type: "string", default: "1" },
    print: { type: "boolean", default: false },
  },
});
const from = Number(values.from);
const seeds = Math.ceil(Number(values.flows) / FLOWS_PER_SEED);
const sums = new Map<SystemName, Counters>();
for (const name of SYSTEMS) {
  const startedAt = Date.now();
  for (let seed = from; seed < from + seeds; seed++)
    sums.set(name, add(sums.get(name), await runSeed(name, seed, false)));
  console.log(`${name}: ${sums.get(name)!.flows} flows in ${((Date.now() - startedAt) / 1_000).toFixed(1)} s`);
}

const table = tableOf(sums);
console.log(`\n${table}`);
if (!values.print) write(table);

function tableOf(all: ReadonlyMap<SystemName, Counters>): string {
  const names: Record<SystemName, string> = {
    polling: "polling, 15 s",
    webhook: "webhook, no dedupe",
    wait: "wait after submit",
    mjflow: "**mjflow**",
    listing: "mjflow, vendor that lists its newest 300 tasks",
    searching: "**mjflow**, vendor that can be searched",
  };
  const columns = SYSTEMS.map((name) => all.get(name)!);
  const line = (title: string, of: (counters: Counters) => string) =>
    `| ${title} | ${columns.map((counters) => of(counters)).join(" | ")} |`;
  const perMillion = (of: (counters: Counters) => number) => (counters: Counters) =>
    Math.round((1e6 * of(counters)) / counters.flows).toLocaleString("en");
  const seconds = (part: number) => (c: Counters) => `${(percentile(c.delays, part) / 1_000).toFixed(1)} s`;
  return [
    `| per million flows | ${SYSTEMS.map((name) => names[name]).join(" | ")} |`,
    `| --- | ${SYSTEMS.map(() => "---:").join(" | ")} |`,
    line(
      "images paid again, the first known to be accepted",
      perMillion((c) => c.paidAgainKnown),
    ),
    line(
      "images paid again, the first unknown",
      perMillion((c) => c.paidAgainUnknown),
    ),
    line(
      "flows that never end",
      perMillion((c) => c.unfinished),
    ),
    line(
      "images paid and never seen by the app",
      perMillion((c) => c.paidUnseen),
    ),
    line(
      "forged callbacks accepted",
      perMillion((c) => c.forgedAccepted),
    ),
    line("requests to the vendor, per flow", (c) => (c.requests / c.flows).toFixed(1)),
    line("images, per flow", (c) => (c.images / c.flows).toFixed(2)),
    line("end at the vendor to follow-up accepted: median", seconds(0.5)),
    line("the same: 99 of 100", seconds(0.99)),
    "",
    `Seeds ${from} to ${from + seeds - 1}, ${Math.min(...columns.map((c) => c.flows)).toLocaleString("en")} flows or more each; ${new Date().toISOString().slice(0, 10)}.`,
  ].join("\n");
}

function write(text: string): void {
  const file = new URL("../../docs/reliability.md", import.meta.url);
  const marked = /(<!-- baseline -->\n)[\s\S]*?(<!-- \/baseline -->)/;
  const before = readFileSync(file, "utf8");
  if (!marked.test(before))
    throw new Error("docs/reliability.md does not have the marks <!-- baseline --> and <!-- /baseline -->");
  writeFileSync(
    file,
    before.replace(marked, (_, open: string, close: string) => `${open}${text}\n${close}`),
  );
}
