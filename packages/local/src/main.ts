/** `npm start`: starts the local server. */
import { PROVIDER_IDS } from "@mjflow/simulator/server";
import { ConfigError, readConfig } from "./config.ts";
import { surviveOutputErrors } from "./output.ts";
import { type LocalServer, startLocalServer } from "./server.ts";
import { onStopSignal } from "./stop-signal.ts";

surviveOutputErrors();

const server = await start().catch((error: unknown) => {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exit(1);
});

server.onCrash((why) => {
  console.error(
    `The local backend has crashed: ${why}. All acknowledged data is in the data folder. Start the local server again.`,
  );
  process.exit(1);
});

onStopSignal(async () => {
  await server.stop();
  process.exit(0);
});

console.log(greeting(server));

/** Async, so that a configuration error becomes a rejection like any other error. */
async function start(): Promise<LocalServer> {
  return startLocalServer(readConfig(process.env, PROVIDER_IDS), PROVIDER_IDS);
}

function greeting({ url, apiKey, simulator, real, engine }: LocalServer): string {
  const vendors = real.length === 0 ? "all simulated" : `real: ${real.join(", ")}; all others simulated`;
  return `
The mjflow local server is ready

  API        ${url}
  console    ${url}/console
  key        ${apiKey}
  vendors    ${vendors} (${simulator.url})
  data       ${process.env["MJFLOW_DATA_DIR"] || ".mjflow"} (${engine})

Create a flow, then list the flows:

  curl -s ${url}/v1/flows -H 'Authorization: Bearer ${apiKey}' -H 'Content-Type: application/json' \\
    -d '{"provider":"simulator","prompt":"a paper boat on calm water","then":[{"press":["U1","U3","U4"]},{"press":"U2","then":[{"press":"zoom:2"}]}]}'

  curl -s ${url}/v1/flows -H 'Authorization: Bearer ${apiKey}'

Ctrl-C stops it; no data is lost.`;
}
