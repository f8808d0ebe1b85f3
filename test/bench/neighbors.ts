/**
 * How long an app waits whose neighbor has a vendor that accepts connections and never answers, or a webhook receiver that
 * does the same. In `both hung` half of its flows have this vendor, and all have this receiver. In the scenario `undisturbed` the neighbor has as many flows, and its vendor and receiver answer. In `alone`
 * there is no neighbor. Each scenario has a new local server. The result is a ratio of medians of one run, because the times
 * depend on the machine.
 */
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type SpawnedServer, spawnServer } from "../support/spawned.ts";
import { median } from "./stat.ts";

export interface NeighborOptions {
  /** Each round runs every scenario once, so a slow phase of the machine affects all of them. */
  rounds: number;
  /** Flows of the healthy app in each scenario and round. */
  flows: number;
  /** Flows of the other app, all before those of the healthy app. */
  hungFlows: number;
  /** Checkout whose local server is measured; unset: this one. */
  root?: string | undefined;
}

const SCENARIOS = ["alone", "undisturbed", "hung vendor", "hung receiver", "both hung"] as const;
type Scenario = (typeof SCENARIOS)[number];

export interface NeighborsFound extends Omit<NeighborOptions, "root"> {
  rows: {
    scenario: Scenario;
    /** Median and maximum of the time from the request to the last webhook of a flow. */
    medianMs: number;
    longestMs: number;
    /** Median divided by that of the undisturbed scenario. */
    ratio: number;
  }[];
}

const PAUSE_MS = 100;

export async function benchNeighbors({ rounds, flows, hungFlows, root }: NeighborOptions): Promise<NeighborsFound> {
  const found = new Map<Scenario, number[]>(SCENARIOS.map((scenario) => [scenario, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [scenario, waits] of found) waits.push(...(await measure(scenario, { flows, hungFlows, root })));
  }
  const undisturbedMs = median(found.get("undisturbed")!);
  const rows = [...found].map(([scenario, waits]) => {
    const medianMs = median(waits);
    return { scenario, medianMs, longestMs: Math.max(...waits), ratio: medianMs / undisturbedMs };
  });
  for (const { scenario, medianMs, longestMs, ratio } of rows)
    console.log(
      `  ${scenario}: median ${Math.round(medianMs)} ms, longest ${Math.round(longestMs)} ms, ${ratio.toFixed(2)} times`,
    );
  return { rounds, flows, hungFlows, rows };
}

/** Returns for each flow of the healthy app the time from the request to its last webhook, ms. */
async function measure(
  scenario: Scenario,
  { flows, hungFlows, root }: Omit<NeighborOptions, "rounds">,
): Promise<number[]> {
  const hung = await listen(() => {});
  const ended = new Map<string, () => void>();
  const receiver = await listen(async (body, response) => {
    response.end();
    ended.get((JSON.parse(body) as { data: { id: string } }).data.id)?.();
  });
  const server = await spawnServer({
    root,
    env: {
      // With a real vendor the server has the timings of a deployment: a vendor may take 75 s, a receiver 15 s.
      MJFLOW_GITAIGC_BASE_URL: hung.url,
      MJFLOW_GITAIGC_KEY: "hung",
      MJFLOW_OUTBOUND_ALLOW: "127.0.0.1:*",
      MJFLOW_SIMULATOR_SPEED: "0.02",
    },
  });
  try {
    const [healthy, other] = [await keyOf(server, "healthy"), await keyOf(server, "other")];
    const post = async (key: string, path: string, body: object) => {
      const response = await server.call("POST", path, body, { authorization: `Bearer ${key}` });
      if (response.status >= 300) throw new Error(`${path}: ${response.status} ${JSON.stringify(response.body)}`);
      return response;
    };
    const isVendorHung = (i: number) => scenario === "hung vendor" || (scenario === "both hung" && i % 2 === 0);
    const url = scenario === "hung receiver" || scenario === "both hung" ? hung.url : receiver.url;
    await post(other, "/v1/endpoints", { url: `${url}/neighbor` });
    const neighbor = (i: number) => {
      const provider = isVendorHung(i) ? "gitaigc" : "simulator";
      return { provider, prompt: "a boat", then: [{ press: "upscale:all" }] };
    };
    const count = scenario === "alone" ? 0 : hungFlows;
    for (let i = 0; i < count; i++) await post(other, "/v1/flows", neighbor(i));
    const took: Promise<number>[] = [];
    for (let i = 0; i < flows; i++) {
      const startedAt = performance.now();
      const body = { provider: "simulator", prompt: "a boat", notifyHook: receiver.url, events: ["flow.completed"] };
      const created = await post(healthy, "/v1/flows", body);
      const end = Promise.withResolvers<void>();
      ended.set(created.body.id, end.resolve);
      took.push(end.promise.then(() => performance.now() - startedAt));
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    return await Promise.all(took);
  } finally {
    // The server waits for invocations in progress, and those of a hung vendor take a minute.
    await server.kill();
    for (const { server: each } of [hung, receiver]) each.closeAllConnections();
    hung.server.close();
    receiver.server.close();
  }
}

async function keyOf(server: SpawnedServer, name: string): Promise<string> {
  const app = await server.call("POST", "/v1/apps", { name });
  const { body } = await server.call("POST", `/v1/apps/${app.body.id}/keys`, {});
  return body.key;
}

async function listen(respond: (body: string, response: ServerResponse) => void) {
  const server: Server = createServer(async (request, response) => {
    const chunks = await request.toArray();
    respond(Buffer.concat(chunks).toString(), response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
