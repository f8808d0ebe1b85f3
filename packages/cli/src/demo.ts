/**
 * `npm run demo`: starts a local server with a temporary data folder, creates one flow and shows it until it ends.
 * Exits with 0 only if every task succeeded and no vendor was looked up.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ConfigError, readConfig } from "@mjflow/local/config";
import { LOCAL_PROVIDER_IDS } from "@mjflow/local/provider-ids";
import { type LocalServer, startLocalServer } from "@mjflow/local/server";
import { onStopSignal } from "@mjflow/local/stop-signal";
import { FORMS } from "@mjflow/providers/families/index";
import { Context } from "./context.ts";
import { flowLines } from "./draw/flow.ts";
import { nameOf } from "./draw/task.ts";
import { follow } from "./follow.ts";

const USAGE = `npm run demo -- [--provider ${LOCAL_PROVIDER_IDS.join("|")}] [--prompt TEXT] [--keep]

--keep keeps the data folder of the local server and prints its path.`;

const PLAN = [{ press: "U1" }, { press: "U2", then: [{ press: "zoom:2" }] }, { press: "U3" }, { press: "U4" }];
const TIMEOUT_MS = 60_000;
/** Exit code that shells use for a process that Ctrl-C ended. */
const INTERRUPTED = 130;

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? error.message : error);
  return 1;
});
// Keep-alive connections of the demo's own requests would keep the process alive for seconds.
process.exit();

async function main(): Promise<number> {
  const values = readArguments();
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (!LOCAL_PROVIDER_IDS.some((id) => id === values.provider)) {
    throw new ConfigError(`Unknown provider "${values.provider}".\n\n${USAGE}`);
  }
  const config = readConfig({ MJFLOW_PORT: "0", ...process.env }, LOCAL_PROVIDER_IDS);
  const dataDir = mkdtempSync(join(tmpdir(), "mjflow-demo-"));
  const starting = startLocalServer({ ...config, dataDir }, LOCAL_PROVIDER_IDS);
  let cleanup: Promise<void> | undefined;
  const cleanUpOnce = () => {
    cleanup ??= cleanUp(starting, dataDir, values.keep);
    return cleanup;
  };
  // Without this handler, Ctrl-C would not remove the data folder.
  onStopSignal(async () => {
    await cleanUpOnce();
    process.exit(INTERRUPTED);
  });
  try {
    return await show(await starting, values.provider, values.prompt);
  } finally {
    await cleanUpOnce();
  }
}

async function cleanUp(starting: Promise<LocalServer>, dataDir: string, keep: boolean): Promise<void> {
  // A local server that failed to start has already cleaned up.
  await starting.then((server) => server.stop()).catch(() => {});
  if (keep) console.log(`\n  The data folder is ${dataDir}`);
  else rmSync(dataDir, { recursive: true, force: true });
}

/** @throws ConfigError with the usage if an argument is not valid */
function readArguments() {
  try {
    return parseArgs({
      options: {
        provider: { type: "string", default: "simulator" },
        prompt: { type: "string", default: "a paper boat on calm water" },
        keep: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    throw new ConfigError(`${(error as Error).message}\n\n${USAGE}`);
  }
}

async function show({ url, apiKey }: LocalServer, provider: string, prompt: string): Promise<number> {
  const context = new Context(
    {
      env: { ...process.env, MJFLOW_URL: url, MJFLOW_API_KEY: apiKey },
      cwd: process.cwd(),
      stdout: process.stdout,
      stderr: process.stderr,
      // The handler of `main` stops the server and ends the process.
      signal: new AbortController().signal,
      now: Date.now,
    },
    { json: false },
  );
  const { mjflow, paint } = context;
  context.say("", `  ${paint("bold", prompt)} ${paint("dim", `· ${provider} · imagine, U1 … U4, zoom out of U2`)}`, "");
  const { id } = await mjflow.flows.create({ provider, prompt, then: PLAN });
  const flow = await follow(context, id, { timeoutMs: TIMEOUT_MS });
  context.say(...flowLines(flow, paint, context.columns), "");
  const failed = flow.tasks.filter((task) => task.status !== "SUCCESS");
  if (flow.status !== "completed" || failed.length > 0) {
    context.note(`  The flow is ${flow.status}; ${failed.map(nameOf).join(", ") || "no task"} did not succeed.`);
    return 1;
  }
  // A picture that came with its grid is no task of the vendor. A look-up of the grid shows it.
  const isInstant = FORMS.get(provider)?.capabilities.instantActions.includes("UPSCALE") === true;
  if (flow.counts.lookups > 0 && !isInstant) {
    context.note("  mjflow looked up a task although the vendor sends callbacks. This should not happen.");
    return 1;
  }
  return 0;
}
