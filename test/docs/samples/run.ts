/**
 * `npm run docs:samples [-- words]`: runs every code sample of the documentation against a local server with simulated
 * vendors. A sample that is not run is listed with its reason. Words select samples by page or operation.
 *
 * Languages that this machine lacks are listed, too. The check needs bash, curl, and Python with `requests`.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { OPERATIONS } from "../../../packages/docs/src/reference.ts";
import { samplesOf } from "../../../packages/docs/src/snippets.ts";
import { API_KEY, type SpawnedServer, spawnServer, until } from "../../support/spawned.ts";
import { startTranslator, TRANSLATOR_KEY } from "../../support/translator.ts";
import { documentSamples } from "./extract.ts";
import { planOf } from "./plan.ts";
import { NOT_RUN, prepare } from "./reference.ts";
import { missing, verify } from "./verify.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const TIMEOUT_MS = 120_000;
/** Longest time of a build of the documentation on a busy machine, ms. */
const BUILD_MS = 300_000;
const words = process.argv.slice(2);

const cwd = mkdtempSync(join(tmpdir(), "mjflow-samples-"));
// Modules in this folder find the packages of the repository.
const modules = join(ROOT, "packages/docs/.tmp", `samples-${process.pid}`);
mkdirSync(modules, { recursive: true });

const receiver = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(204).end());
});
await new Promise<void>((ready) => receiver.listen(0, "127.0.0.1", ready));
const receiverUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
// Samples that ask for a translation need a translator. It translates no word that it does not know.
const translator = await startTranslator();
const translation = {
  MJFLOW_TRANSLATE_URL: translator.url,
  MJFLOW_TRANSLATE_MODEL: "a-model",
  MJFLOW_TRANSLATE_KEY: TRANSLATOR_KEY,
};
const server = await spawnServer({ env: { MJFLOW_SIMULATOR_SPEED: "0.1", ...translation } });

let [passed, count] = [0, 0];
const failures: string[] = [];
const skipped = new Map<string, string[]>();

try {
  await prepareFolder();
  await runDocuments();
  await documentationBuilt();
  await runReference();
} finally {
  await server.stop();
  receiver.close();
  translator.stop();
  rmSync(cwd, { recursive: true, force: true });
  rmSync(modules, { recursive: true, force: true });
}
for (const [why, names] of skipped) console.log(`- not run, ${why}:\n    ${names.join(", ")}`);
console.log(
  `${passed} of ${count} samples ran; ${[...skipped.values()].flat().length} are not run, each with a reason`,
);
if (failures.length > 0) {
  console.error(`\n${failures.join("\n\n")}`);
  process.exit(1);
}

/** What samples expect in their folder: the key of the local server, the examples and an image. */
async function prepareFolder(): Promise<void> {
  mkdirSync(join(cwd, ".mjflow"));
  writeFileSync(join(cwd, ".mjflow/api.key"), API_KEY);
  symlinkSync(join(ROOT, "examples"), join(cwd, "examples"));
}

async function runDocuments(): Promise<void> {
  const { body: app } = await server.call("POST", "/v1/apps", { name: "samples" });
  const { body: task } = await server.call("POST", "/mj/submit/imagine", { prompt: "a boat" });
  const flow = await server.start({});
  const { body: share } = await server.call("POST", `/v1/flows/${flow}/shares`, {});
  const environment = { APP: app.id as string, FLOW: flow, MJFLOW_SHARE_LINK: share.token as string };
  for (const sample of documentSamples()) {
    const name = `${sample.page} ${sample.number} (${sample.language || "text"})`;
    if (!isSelected(name)) continue;
    const plan = planOf(sample);
    const code = here(sample.code, server).replaceAll("1795219200000123", task.result);
    if (plan.kind === "skip") skip(plan.why, name);
    else if (plan.kind === "verify") {
      const why = missing(plan.language);
      if (why !== undefined) skip(why, name);
      else await check(name, () => verify(plan.language, sample.code, freshFolder()));
    } else if (plan.how === "json") await check(name, async () => void JSON.parse(sample.code));
    else if (plan.how === "flow") {
      await check(name, async () => {
        const { status, body } = await server.call("POST", "/v1/flows", JSON.parse(code));
        if (status !== 202) throw new Error(JSON.stringify(body));
      });
    } else await check(name, () => run(plan.how as "sh" | "ts" | "python", code, environment));
  }
}

/** Waits for the site: until its build has ended, the server answers that it is being built. */
async function documentationBuilt(): Promise<void> {
  await until(
    () => fetch(`${server.url}/docs/`),
    ({ status }) => status !== 503,
    BUILD_MS,
  );
}

async function runReference(): Promise<void> {
  for (const operation of OPERATIONS) {
    for (const { language, title, code } of samplesOf(operation)) {
      const name = `reference ${operation.id} (${title})`;
      if (!isSelected(name)) continue;
      const why = NOT_RUN[operation.id];
      if (why !== undefined) {
        skip(why, name);
        continue;
      }
      await check(name, async () => {
        const { variables, replace = {} } = await prepare(operation, server, `${receiverUrl}/mjflow`);
        const texts = Object.entries(replace);
        const ready = texts.reduce((text, [shown, actual]) => text.replaceAll(shown, actual), here(code, server));
        await run(language as "sh" | "ts" | "python", ready, variables);
      });
    }
  }
}

/** A sample for this server instead of the addresses that the documents show. */
function here(code: string, { url, simulatorUrl }: SpawnedServer): string {
  return code
    .replaceAll("http://127.0.0.1:4600", url)
    .replace(/http:\/\/127\.0\.0\.1:4(?:601|700)/g, simulatorUrl)
    .replace(/https:\/\/(?:app\.)?example\.com\/(?=hooks|mjflow)/g, `${receiverUrl}/`)
    .replaceAll("http://127.0.0.1:9000", receiverUrl)
    .replace(/^KEY=mjk_….*$/m, "");
}

function freshFolder(): string {
  return mkdtempSync(join(modules, "verify-"));
}

/** @throws Error with the output if the sample fails */
async function run(language: "sh" | "ts" | "python", code: string, variables: Record<string, string>): Promise<void> {
  const file = join(
    language === "ts" ? modules : cwd,
    `sample-${count}.${{ sh: "sh", ts: "ts", python: "py" }[language]}`,
  );
  const prelude =
    language === "sh"
      ? `set -euo pipefail\ncurl() { command curl --fail-with-body --max-time 60 "$@"; }\nnpm() { (cd "${ROOT}" && command npm "$@"); }\nnpx() { shift; node "${join(ROOT, "bin/mjflow.mjs")}" "$@"; }\n`
      : "";
  writeFileSync(file, prelude + code);
  const [program, args] = {
    sh: ["bash", [file]] as const,
    ts: [process.execPath, [file]] as const,
    python: ["python3", [file]] as const,
  }[language];
  const child = spawn(program, args, {
    cwd,
    env: {
      PATH: `${dirname(process.execPath)}:${process.env["PATH"]}`,
      HOME: cwd,
      LANG: "C.UTF-8",
      KEY: API_KEY,
      MJFLOW_API_KEY: API_KEY,
      MJFLOW_OPERATOR_KEY: API_KEY,
      MJFLOW_URL: server.url,
      NO_COLOR: "1",
      ...variables,
    },
    // A group of its own: a time-out must also end the programs that a shell has started. They hold the output open.
    detached: true,
  });
  const timer = setTimeout(() => process.kill(-child.pid!, "SIGKILL"), TIMEOUT_MS);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const code_ = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  }).finally(() => clearTimeout(timer));
  if (code_ !== 0) throw new Error(`exit code ${code_}\n${code}\n${output.slice(-1_500)}`);
}

function isSelected(name: string): boolean {
  return words.length === 0 || words.some((word) => name.includes(word));
}

function skip(why: string, name: string): void {
  skipped.set(why, [...(skipped.get(why) ?? []), name]);
}

async function check(name: string, what: () => Promise<void>): Promise<void> {
  count += 1;
  try {
    await what();
    passed += 1;
    console.log(`✓ ${name}`);
  } catch (error) {
    failures.push(`✗ ${name}: ${error instanceof Error ? error.message : error}`);
    console.log(`✗ ${name}`);
  }
}
