/**
 * `npm run sim -- --flows 100000` runs that many flows under every fault. `--family ttapi` has all of them at vendors of this family. `npm run sim -- --seed 17` replays one seed, and
 * `--trace 0-1` prints the writes and submissions of the tasks with this path. The command exits with 1 if a seed broke a
 * rule, and prints the command that replays each such seed.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { type Family, FLOWS_PER_SEED, faultSetupOf, WIRES } from "./fault-setup.ts";
import { type Counters, checkInvariants } from "./invariant.ts";
import { runSimulation } from "./simulation.ts";
import type { Progress, SeedRange } from "./worker.ts";

const { values } = parseArgs({
  options: {
    flows: { type: "string", default: "10000" },
    seed: { type: "string" },
    trace: { type: "string" },
    from: { type: "string", default: "1" },
    family: { type: "string" },
    workers: { type: "string", default: String(Math.min(8, availableParallelism())) },
  },
});

const family = values.family as Family | undefined;
const known = ["mjproxy", "idempotent", ...Object.keys(WIRES)];
if (family !== undefined && !known.includes(family))
  throw new Error(`There is no family ${family}. Choose one of ${known.join(", ")}.`);
const started = Date.now();
const total = values.seed === undefined ? await many() : await one(Number(values.seed));
print(total);
process.exit(total.failed.length > 0 ? 1 : 0);

async function one(seed: number): Promise<Progress> {
  const { name, profile, family: own, limits, variant } = faultSetupOf(seed, family);
  const { wire: _, ...shown } = variant;
  console.log(`seed ${seed}: ${name} at ${own}${limits ? ", with limits" : ""}, ${JSON.stringify(shown)}`);
  const trace = ({ at, flowId, path, what }: { at: number; flowId: string; path: string; what: string }) => {
    if (values.trace === path) console.log(`${(at / 1_000).toFixed(1).padStart(9)} s  ${flowId} ${path}  ${what}`);
  };
  const { findings, counts } = checkInvariants(
    await runSimulation({ seed, flows: FLOWS_PER_SEED, profile, limits, trace, variant }),
  );
  return { seeds: 1, counts, findings, failed: findings.length > 0 ? [seed] : [], families: { [own]: counts.flows } };
}

/** Prints the counts so far if a long run is interrupted. */
function onInterrupt(sum: Progress): void {
  process.once("SIGINT", () => {
    print(sum);
    console.log("\n  interrupted before the end");
    process.exit(sum.failed.length > 0 ? 1 : 130);
  });
}

async function many(): Promise<Progress> {
  const from = Number(values.from);
  const to = from + Math.ceil(Number(values.flows) / FLOWS_PER_SEED);
  const step = Number(values.workers);
  const sum: Progress = { seeds: 0, counts: {} as Counters, findings: [], failed: [], families: {} };
  console.log(`seeds ${from} to ${to - 1}, ${FLOWS_PER_SEED} flows each, ${step} workers`);
  onInterrupt(sum);
  const workers = Array.from({ length: step }, (_, i) => {
    const workerData: SeedRange = { from: from + i, step, to, family };
    const worker = new Worker(new URL("worker.ts", import.meta.url), { workerData });
    worker.on("message", (progress: Progress) => add(sum, progress));
    return new Promise<void>((resolve, reject) => {
      worker.once("error", reject);
      worker.once("exit", () => resolve());
    });
  });
  const timer = setInterval(() => console.log(`  ${sum.counts.flows ?? 0} flows …`), 30_000);
  await Promise.all(workers);
  clearInterval(timer);
  return sum;
}

function add(sum: Progress, { seeds, counts, findings, failed, families }: Progress): void {
  sum.seeds += seeds;
  for (const [name, flows] of Object.entries(families) as [Family, number][])
    sum.families[name] = (sum.families[name] ?? 0) + flows;
  for (const [name, count] of Object.entries(counts) as [keyof Counters, number][]) {
    sum.counts[name] = (sum.counts[name] ?? 0) + count;
  }
  sum.findings.push(...findings.slice(0, 20));
  sum.failed.push(...failed);
}

function print({ seeds, counts, findings, failed, families }: Progress): void {
  const seconds = (Date.now() - started) / 1_000;
  console.log(`\n${seeds} seeds in ${seconds.toFixed(1)} s, ${Math.round(counts.flows / seconds)} flows/s\n`);
  for (const [name, count] of Object.entries(counts)) console.log(`  ${name.padEnd(16)} ${count.toLocaleString("en")}`);
  for (const [name, flows] of Object.entries(families).sort())
    console.log(`  flows at ${name.padEnd(14)} ${flows.toLocaleString("en")}`);
  for (const finding of findings.slice(0, 20)) console.log(`\n  ${finding}`);
  const option = family === undefined ? "" : ` --family ${family}`;
  for (const seed of failed.slice(0, 20)) console.log(`\n  npm run sim -- --seed ${seed}${option}`);
}
