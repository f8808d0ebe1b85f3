/**
 * `bundles` measures what a cold start of each function reads, as SST bundles it, and the time of its import in a new
 * process. The baseline is the smallest function that could be deployed, bundled in the same way.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleFunction } from "../../infra/check/bundle.mjs";
import { median } from "./stat.ts";

export interface BundleRow {
  name: string;
  /** Minified size of the whole bundle, and of the part that a cold start reads (without imports on demand). */
  bytes: number;
  eagerBytes: number;
  eagerGzip: number;
  importMs: number;
}

export interface BundlesFound {
  rounds: number;
  /** The first row is the baseline. */
  rows: BundleRow[];
}

export const BARE = "bare Hono + two clients";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const LOADER = fileURLToPath(new URL("./bundles/load.mjs", import.meta.url));

/** A function that a deployment would build, as infra/check/evaluate.mjs prints it. */
interface Target {
  name: string;
  handler: string;
  runtime: string;
  nodejs: object;
  links: string[];
}
interface Evaluation {
  builds: Target[];
  links: Record<string, unknown>;
}
interface Built extends Omit<BundleRow, "importMs"> {
  file: string;
}

export async function benchBundles({ rounds }: { rounds: number }): Promise<BundlesFound> {
  mkdirSync(join(ROOT, ".sst"), { recursive: true });
  const work = mkdtempSync(join(ROOT, ".sst/bench-"));
  try {
    const { builds, links } = evaluate(join(work, "evaluation.json"));
    const receiver = builds.find(({ name }) => name === "Callback")!;
    // The baseline gets the event of Callback, which needs no AWS.
    const bare = { ...receiver, handler: "test/bench/bundles/bare.handler" };
    const built = [await bundled(work, bare, links, BARE)];
    for (const target of builds) built.push(await bundled(work, target, links, target.name));
    const durations = built.map((): number[] => []);
    for (let round = 0; round < rounds; round++) {
      for (const [i, { file }] of built.entries()) durations[i]!.push(importMs(file));
    }
    return { rounds, rows: built.map(({ file: _, ...row }, i) => ({ ...row, importMs: median(durations[i]!) })) };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function evaluate(file: string): Evaluation {
  execFileSync("bash", ["infra/check/platform.sh"], { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
  const script = ["infra/check/evaluate.mjs", "--stage", "production", "--out", file];
  execFileSync(process.execPath, script, { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
  return JSON.parse(readFileSync(file, "utf8")) as Evaluation;
}

async function bundled(work: string, target: Target, links: Evaluation["links"], title: string): Promise<Built> {
  const { name, handler, runtime, nodejs } = target;
  const out = mkdtempSync(join(work, "out-"));
  const own = Object.fromEntries(target.links.map((link) => [link, links[link]]));
  const bundle = await bundleFunction({ root: ROOT, name, handler, out, runtime, nodejs, links: own });
  const { bytes, eagerBytes, eagerGzip } = bundle;
  return { name: title, bytes, eagerBytes, eagerGzip, file: join(out, "bundle.mjs") };
}

function importMs(file: string): number {
  const env = { PATH: process.env["PATH"], AWS_REGION: "eu-west-1" };
  return Number(execFileSync(process.execPath, [LOADER, file], { env, encoding: "utf8" }));
}
