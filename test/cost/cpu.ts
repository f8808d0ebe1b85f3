/**
 * `node test/cost/cpu.ts`: measures the CPU time of one invocation of each function, and the memory of the process. The price
 * table computes run times from it (price.json). The functions run in this process, the table and the receiver in others. The
 * simulated vendor and the local queue are in this process too, so the CPU time of Submit is an upper limit.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { eventOf, type Handler, startBenchEnvironment } from "../bench/environment/environment.ts";
import { PROGRESS, SUCCESS } from "../bench/environment/report.ts";

const ROUNDS = 5;
const CALLS = 60;

const RECEIVER = `
  const server = require("node:http").createServer((q, r) => { q.resume(); q.on("end", () => r.end()); });
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));`;
const receiver = spawn(process.execPath, ["-e", RECEIVER], { stdio: ["ignore", "pipe", "inherit"] });
const [port] = await once(createInterface(receiver.stdout), "line");

const environment = await startBenchEnvironment();
const { server, callback, api } = environment;
const { handler: deliver } = (await import("../../functions/deliver.ts")) as unknown as { handler: Handler };

const authorization = `Bearer ${server.apiKey}`;
const create = { provider: "simulator", prompt: "a boat", then: [{ press: "upscale:all" }] };
const post = (path: string, body: object) =>
  eventOf({ method: "POST", path, headers: { authorization }, body: JSON.stringify(body) });
await api(post("/v1/endpoints", { url: `http://127.0.0.1:${port}/hook` }));

const idle = await idleShare();
const rounds: Record<string, number[]> = {};
for (let round = 0; round < ROUNDS; round++) {
  await measure("api: create, and submit of an imagine", async () => {
    for (let i = 0; i < CALLS; i++) await api(post("/v1/flows", create));
    await settled();
  });
  const paths = await environment.upscaling(CALLS / 4);
  await measure("callback: progress, dropped", async () => {
    for (const path of paths) await callback(eventOf({ method: "POST", path, body: PROGRESS }));
  });
  await measure("callback: end", async () => {
    for (const path of paths) await callback(eventOf({ method: "POST", path, body: SUCCESS }));
  });
  const ids = ((await callJson("/v1/flows?limit=50")) as { data: { id: string }[] }).data.map(({ id }) => id);
  const tell = (flowId: string) => ({ v: 1, type: "tell", flowId, place: "0", events: ["submitted"] });
  await measure("deliver: one event", () => deliverAll(ids.map(tell)), ids.length);
}
for (const [name, values] of Object.entries(rounds)) {
  console.log(
    `${name.padEnd(40)} ${median(values).toFixed(2)} ms of CPU (${values.map((ms) => ms.toFixed(1)).join(", ")})`,
  );
}
console.log(`resident memory of the process: ${(process.memoryUsage().rss / 1_048_576).toFixed(0)} MB`);
receiver.kill();
await environment.stop();
process.exit();

async function deliverAll(messages: readonly object[]): Promise<void> {
  for (const [i, message] of messages.entries()) {
    const event = { Records: [{ messageId: String(i), body: JSON.stringify(message), attributes: {} }] };
    const { batchItemFailures } = (await (deliver as (event: unknown) => Promise<unknown>)(event)) as {
      batchItemFailures: unknown[];
    };
    if (batchItemFailures.length > 0) throw new Error("a delivery failed");
  }
}

async function callJson(path: string): Promise<unknown> {
  return (await fetch(server.url + path, { headers: { authorization } })).json();
}

async function settled(): Promise<void> {
  for (let quiet = 0; quiet < 2; ) {
    const { data } = (await callJson("/v1/queues")) as {
      data: { waiting: number; inFlight: number; delayed: number }[];
    };
    quiet = data.every(({ waiting, inFlight, delayed }) => waiting + inFlight + delayed === 0) ? quiet + 1 : 0;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function measure(name: string, run: () => Promise<void>, calls = CALLS): Promise<void> {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(cpu);
  const ms = (user + system) / 1_000 - idle * (performance.now() - startedAt);
  rounds[name] = [...(rounds[name] ?? []), ms / calls];
}

/** Share of a CPU that the idle local server uses, because its pollers read the queues all the time. */
async function idleShare(): Promise<number> {
  const cpu = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / 1_000 / 2_000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
