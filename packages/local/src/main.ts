/** `npm start`: starts the local server. */
import type { Press } from "@mjflow/core/plan";
import { planMicroUsd } from "@mjflow/core/price";
import { ConfigError, readConfig } from "./config.ts";
import { isNotWritable } from "./engine/sqlite-error.ts";
import { surviveOutputErrors } from "./output.ts";
import { LOCAL_PROVIDER_IDS } from "./provider-ids.ts";
import { type LocalServer, startLocalServer } from "./server.ts";
import { onStopSignal } from "./stop-signal.ts";

const DISK_ERRORS: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EACCES", "EPERM", "EROFS", "ENOTDIR"]);
const dataDir = process.env["MJFLOW_DATA_DIR"] || ".mjflow";

/** The plan of the printed example. */
const EXAMPLE: readonly Press[] = [
  { press: "U1" },
  { press: "U3" },
  { press: "U4" },
  { press: "U2", then: [{ press: "zoom:2" }] },
];

surviveOutputErrors();

const server = await start().catch((error: unknown) => {
  const line = error instanceof ConfigError ? error.message : diskError(error);
  if (line === undefined) throw error;
  console.error(line);
  process.exit(1);
});

server.onCrash((why) => {
  const advice = "All acknowledged data is in the data folder. Start the local server again.";
  // A complete sentence already has its own advice.
  console.error(why.endsWith(".") ? why : `The local backend has crashed: ${why}. ${advice}`);
  process.exit(1);
});

server.onTunnelEnd((why) => {
  console.error(`! The tunnel program has stopped: ${why}. No callback arrives. Start the local server again.`);
});

onStopSignal(async () => {
  await server.stop();
  process.exit(0);
});

console.log(greeting(server, await signInUrl(server)));
// A start without a terminal is often a test or a short script. There the first visit builds.
if (process.stdout.isTTY) void server.prepareSites();
void server.callbackTest.then((warning) => warning !== undefined && console.error(`! ${warning}`));

/** Async, so that a configuration error becomes a rejection like any other error. */
async function start(): Promise<LocalServer> {
  return startLocalServer(readConfig(process.env, LOCAL_PROVIDER_IDS), LOCAL_PROVIDER_IDS);
}

/** Returns the sentence for a data folder that cannot be used; undefined for all other errors. */
function diskError(error: unknown): string | undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined && DISK_ERRORS.has(code)) {
    return `The data folder ${dataDir} cannot be used: ${(error as Error).message}. Make space or correct the permissions, or set MJFLOW_DATA_DIR to another folder.`;
  }
  return isNotWritable(error)
    ? `The data folder ${dataDir} cannot be written: ${(error as Error).message}. Make space or correct the permissions, then start again.`
    : undefined;
}

/** Returns a link that signs one browser in, once. Undefined if the server cannot make one now; the key works, too. */
async function signInUrl({ url, apiKey }: LocalServer): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/v1/sign-in-links`, {
      method: "POST",
      headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
      body: JSON.stringify({ label: "npm start" }),
    });
    const link = (await response.json()) as { token?: string };
    // The page is opened on this machine, whatever address links in responses have.
    return link.token && `${url}/console#/sign-in/${link.token}`;
  } catch {
    return undefined;
  }
}

function greeting({ url, warning, apiKey, simulator, real, tunnel }: LocalServer, signIn: string | undefined): string {
  const vendors = real.length === 0 ? "all simulated" : `real: ${real.join(", ")}; all others simulated`;
  const [provider = "simulator"] = real;
  const usd = planMicroUsd({ action: "IMAGINE", pace: "fast" }, EXAMPLE) / 1e6;
  const price = `about ${usd} USD by mjflow's estimate; your vendor's price may differ`;
  const paid = real.length === 0 ? "" : ` (${provider} is real: you pay for this flow, ${price})`;
  return `
The mjflow local server is ready

  API        ${url}
  console    ${url}/console${signIn === undefined ? "" : `\n  sign in    ${signIn}\n             (works once, within 10 minutes; then: npm run mjflow -- sign-in)`}
  docs       ${url}/docs
  key        ${apiKey}
  vendors    ${vendors} (${simulator.url})
  data       ${dataDir}${callbacksLine(tunnel)}
${warning === undefined ? "" : `\n! ${warning}\n`}
Create a flow${paid}, then list the flows:

  curl -s ${url}/v1/flows -H 'Authorization: Bearer ${apiKey}' -H 'Content-Type: application/json' \\
    -d '${JSON.stringify({ provider, prompt: "a paper boat on calm water", then: EXAMPLE })}'

  curl -s ${url}/v1/flows -H 'Authorization: Bearer ${apiKey}'

Ctrl-C stops it; no data is lost.`;
}

function callbacksLine(tunnel: LocalServer["tunnel"]): string {
  if (tunnel === undefined) return "";
  const { url, program, tookMs } = tunnel;
  const result = tookMs === undefined ? "no test callback arrived" : `a test callback arrived in ${tookMs} ms`;
  return `\n  callbacks  ${url} (${program}; ${result}; nothing else is reachable there)`;
}
