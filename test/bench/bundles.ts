/**
 * `bundles` measures what a cold start of each function reads, as SST bundles it, and the time and the CPU of its import in a new
 * process. For the API it also measures the first request of a new process. The baseline is the smallest function that could be
 * deployed, bundled in the same way.
 */
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bundleFunction } from "../../infra/check/bundle.mjs";
import { type StandIn, startStandIn } from "./bundles/aws.ts";
import { median } from "./stat.ts";

export interface BundleRow {
  name: string;
  /** Minified size of the whole bundle, and of the part that a cold start reads (without imports on demand). */
  bytes: number;
  eagerBytes: number;
  eagerGzip: number;
  importMs: number;
  /** User and system time of the process. It depends less on other processes than the time. */
  importCpuMs: number;
}

/** The first request of a new process, from the start of the import to the end of the response. */
export interface FirstCallRow {
  name: string;
  ms: number;
  cpuMs: number;
}

export interface BundlesFound {
  rounds: number;
  /** The first row is the baseline. */
  rows: BundleRow[];
  /** The first row is the baseline. */
  calls: FirstCallRow[];
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
interface Built extends Omit<BundleRow, "importMs" | "importCpuMs"> {
  file: string;
  links: Record<string, unknown>;
}

export async function benchBundles({ rounds }: { rounds: number }): Promise<BundlesFound> {
  mkdirSync(join(ROOT, ".sst"), { recursive: true });
  const work = mkdtempSync(join(ROOT, ".sst/bench-"));
  const aws = await startStandIn();
  try {
    const { builds, links } = evaluate(join(work, "evaluation.json"));
    const receiver = builds.find(({ name }) => name === "Callback")!;
    // The baseline gets the event of Callback, which needs no AWS.
    const bare = { ...receiver, handler: "test/bench/bundles/bare.handler" };
    const built = [await bundled(work, bare, links, BARE)];
    for (const target of builds) built.push(await bundled(work, target, links, target.name));
    const calls = await firstCalls(built, aws);
    const imports = built.map(({ name }) => ({ name, ms: [] as number[], cpuMs: [] as number[] }));
    const requests = calls.map(({ name }) => ({ name, ms: [] as number[], cpuMs: [] as number[] }));
    for (let round = 0; round < rounds; round++) {
      for (const [i, { file }] of built.entries()) {
        const { importMs, importCpuMs } = await load(file);
        imports[i]!.ms.push(importMs);
        imports[i]!.cpuMs.push(importCpuMs);
      }
      for (const [i, { call }] of calls.entries()) {
        const { ms, cpuMs } = await call();
        requests[i]!.ms.push(ms);
        requests[i]!.cpuMs.push(cpuMs);
      }
    }
    const rows = built.map(({ file: _, links: __, ...row }, i) => ({
      ...row,
      importMs: median(imports[i]!.ms),
      importCpuMs: median(imports[i]!.cpuMs),
    }));
    return {
      rounds,
      rows,
      calls: requests.map(({ name, ms, cpuMs }) => ({ name, ms: median(ms), cpuMs: median(cpuMs) })),
    };
  } finally {
    await aws.stop();
    rmSync(work, { recursive: true, force: true });
  }
}

/** The requests that are measured as the first ones. Each call starts a new process. */
async function firstCalls(built: readonly Built[], aws: StandIn) {
  const [bare, api] = [BARE, "Api"].map((name) => built.find((each) => each.name === name)!) as [Built, Built];
  const { value: key } = api.links["ApiKey"] as { value: string };
  const read = (id: string) => request("GET", `/v1/flows/${id}`, key);
  const create = request("POST", "/v1/flows", key, {
    provider: "cometapi",
    prompt: "a boat",
    then: [{ press: "upscale:1" }],
  });
  const first = (of: Built, event: object) => async () => {
    const { status, body, ...spent } = await load(of.file, event, environment(of, aws));
    if (!(status! < 300)) throw new Error(`${of.name} responded ${status}: ${body}`);
    return { ...spent, body };
  };
  const flow = JSON.parse((await first(api, create)()).body!) as { id: string };
  return [
    { name: `${BARE}, one row and one message`, call: first(bare, request("POST", "/callbacks/token", key, {})) },
    { name: "Api, POST /v1/flows", call: first(api, create) },
    { name: "Api, GET /v1/flows/{id}", call: first(api, read(flow.id)) },
  ];
}

function request(method: string, rawPath: string, key: string, body?: object) {
  return {
    version: "2.0",
    rawPath,
    rawQueryString: "",
    headers: { host: "function.example", authorization: `Bearer ${key}`, "content-type": "application/json" },
    requestContext: { domainName: "function.example", http: { method, path: rawPath } },
    ...(body && { body: JSON.stringify(body) }),
    isBase64Encoded: false,
  };
}

function environment({ links }: Built, { url }: StandIn): Record<string, string> {
  const resources = Object.entries(links).map(([link, value]) => [`SST_RESOURCE_${link}`, JSON.stringify(value)]);
  return {
    AWS_ACCESS_KEY_ID: "none",
    AWS_SECRET_ACCESS_KEY: "none",
    AWS_ENDPOINT_URL_DYNAMODB: url,
    AWS_ENDPOINT_URL_SQS: url,
    TABLE: "table",
    QUEUE: `${url}/queue`,
    SST_RESOURCE_App: JSON.stringify({ name: "mjflow", stage: "bench" }),
    ...Object.fromEntries(resources),
  };
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
  return { name: title, bytes, eagerBytes, eagerGzip, file: join(out, "bundle.mjs"), links: own };
}

interface Loaded {
  importMs: number;
  importCpuMs: number;
  ms: number;
  cpuMs: number;
  /** Status and body of the response; unset without an event. */
  status?: number;
  body?: string;
}

async function load(file: string, event?: object, variables?: Record<string, string>): Promise<Loaded> {
  const env = { PATH: process.env["PATH"], AWS_REGION: "eu-west-1", ...variables };
  const args = event ? [LOADER, file, JSON.stringify(event)] : [LOADER, file];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  // The result is the last line; log lines of the function come before it.
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as Loaded;
}
