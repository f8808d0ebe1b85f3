/**
 * `npm run demo`: starts a local server with a temporary data folder, creates one flow and shows it until it ends.
 * Exits with 0 only if every task succeeded and no vendor was looked up.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { FORMS } from "@mjflow/providers/families/index";
import { ConfigError, readConfig } from "./config.ts";
import { bars, colours, counts, type FlowLine, nameOf, type Paint, plain, tree } from "./draw.ts";
import { LOCAL_PROVIDER_IDS } from "./provider-ids.ts";
import { type LocalServer, startLocalServer } from "./server.ts";
import { onStopSignal } from "./stop-signal.ts";

const USAGE = `npm run demo -- [--provider ${LOCAL_PROVIDER_IDS.join("|")}] [--prompt TEXT] [--keep]

--keep keeps the data folder of the local server and prints its path.`;

const PLAN = [{ press: "U1" }, { press: "U2", then: [{ press: "zoom:2" }] }, { press: "U3" }, { press: "U4" }];
const TIMEOUT_MS = 60_000;
/** Exit code that shells use for a process that Ctrl-C ended. */
const INTERRUPTED = 130;
/** Time between two redraws. The demo polls mjflow's API; mjflow itself polls no vendor. */
const FRAME_MS = 150;

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
  const provider = values.provider as (typeof LOCAL_PROVIDER_IDS)[number];
  if (!LOCAL_PROVIDER_IDS.includes(provider)) {
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
  // Without this handler, Ctrl-C would not remove the table process and the data folder.
  onStopSignal(async () => {
    await cleanUpOnce();
    process.exit(INTERRUPTED);
  });
  try {
    return await show(await starting, provider, values.prompt);
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

async function show(server: LocalServer, provider: string, prompt: string): Promise<number> {
  const isTty = process.stdout.isTTY === true;
  const paint = isTty && !process.env["NO_COLOR"] ? colours : plain;
  console.log(`\n  ${paint("bold", prompt)} ${paint("dim", `· ${provider} · imagine, U1 … U4, zoom out of U2`)}\n`);
  const { id } = await call<{ id: string }>(server, "POST", "/v1/flows", { provider, prompt, then: PLAN });
  const flow = await watch(server, id, isTty ? redrawn(paint) : printed());
  if (flow.status === "running") {
    console.error(`\n  Not finished within ${TIMEOUT_MS / 1_000} s.`);
    return 1;
  }
  console.log(`\n${tree(flow.tasks, paint).join("\n")}\n\n${counts(flow, paint).join("\n")}\n`);
  const failed = flow.tasks.filter((task) => task.status !== "SUCCESS");
  if (flow.status !== "completed" || failed.length > 0) {
    console.error(`  The flow is ${flow.status}; ${failed.map(nameOf).join(", ") || "no task"} did not succeed.`);
    return 1;
  }
  // A picture that came with its grid is no task of the vendor. A look-up of the grid shows it.
  const isInstant = FORMS.get(provider)?.capabilities.instantActions.includes("UPSCALE") === true;
  if (flow.counts.lookups > 0 && !isInstant) {
    console.error("  mjflow looked up a task although the vendor sends callbacks. This should not happen.");
    return 1;
  }
  return 0;
}

async function watch(server: LocalServer, id: string, draw: (flow: FlowLine) => void): Promise<FlowLine> {
  const until = Date.now() + TIMEOUT_MS;
  for (;;) {
    const flow = await call<FlowLine>(server, "GET", `/v1/flows/${id}`);
    draw(flow);
    if (flow.status !== "running" || Date.now() > until) return flow;
    await new Promise((resolve) => setTimeout(resolve, FRAME_MS));
  }
}

/** Redraws the bars in place, for a terminal. */
function redrawn(paint: Paint): (flow: FlowLine) => void {
  let height = 0;
  return ({ tasks }) => {
    const lines = bars(tasks, paint);
    process.stdout.write(
      `${height > 0 ? `\u001b[${height}A` : ""}${lines.map((line) => `\u001b[2K${line}\n`).join("")}`,
    );
    height = lines.length;
  };
}

/** Prints a line for each change, for outputs that cannot be redrawn. */
function printed(): (flow: FlowLine) => void {
  const shown = new Map<string, string>();
  return ({ tasks }) => {
    bars(tasks, plain).forEach((line, i) => {
      const { id } = tasks[i]!;
      if (shown.get(id) !== line) console.log(line);
      shown.set(id, line);
    });
  };
}

async function call<T>({ url, apiKey }: LocalServer, method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${apiKey}`, ...(body !== undefined && { "content-type": "application/json" }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new ConfigError(`${method} ${path}: HTTP ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}
