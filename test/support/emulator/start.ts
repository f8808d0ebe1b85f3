/** A local server on emulators of AWS, for `spawnServer`. */
import { readConfig } from "@mjflow/local/config";
import { LOCAL_PROVIDER_IDS } from "@mjflow/local/provider-ids";
import { startLocalServer } from "@mjflow/local/server";
import { onStopSignal } from "@mjflow/local/stop-signal";
import { startEmulatorBackend } from "./backend.ts";

const config = readConfig(process.env, LOCAL_PROVIDER_IDS);
const startBackend = () => startEmulatorBackend(config.dataDir);
const server = await startLocalServer({ ...config, startBackend }, LOCAL_PROVIDER_IDS);
onStopSignal(async () => {
  await server.stop();
  process.exit(0);
});
console.log(`API ${server.url}\nvendors: all simulated (${server.simulator.url})\nCtrl-C stops it`);
