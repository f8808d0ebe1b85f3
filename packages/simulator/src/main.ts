/** `npm run simulator`: starts the simulator with settings from the environment and prints its addresses. */
import { PROVIDER_IDS, startSimulator } from "./server.ts";

const { env } = process;
const seed = number("MJFLOW_SIMULATOR_SEED") ?? 1;
const speed = number("MJFLOW_SIMULATOR_SPEED");
const dataDir = env.MJFLOW_SIMULATOR_DATA_DIR;

const simulator = await startSimulator({
  port: number("MJFLOW_SIMULATOR_PORT") ?? 4700,
  seed,
  ...(speed === undefined ? {} : { speed }),
  ...(dataDir ? { dataDir } : {}),
  log: (line) => console.log(JSON.stringify(line)),
}).catch((cause: NodeJS.ErrnoException) => {
  const isInUse = cause.code === "EADDRINUSE";
  console.error(isInUse ? "The TCP port is in use. Set MJFLOW_SIMULATOR_PORT to another port." : cause.message);
  process.exit(1);
});

console.log(`mjflow simulator, seed ${seed}${dataDir ? `, data in ${dataDir}` : ", in memory"}

${PROVIDER_IDS.map((id) => `  ${id.padEnd(17)} ${simulator.baseUrl(id)}`).join("\n")}
  ${"control".padEnd(17)} ${simulator.url}/_sim

Try it:

  curl -s ${simulator.baseUrl("simulator")}/mj/submit/imagine -d '{"prompt":"a paper boat on calm water"}'
`);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void simulator.stop().then(() => process.exit(0)));
}

function number(name: string): number | undefined {
  const raw = env[name];
  if (raw === undefined || raw === "") return undefined;
  const value = Number(raw);
  if (Number.isFinite(value) && value >= 0) return value;
  console.error(`${name} must be a number of 0 or more, not "${raw}".`);
  process.exit(1);
}
