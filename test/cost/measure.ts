/**
 * Counts what flows use at AWS. The real functions run in the local server. The account is known to send callbacks, and the
 * simulated vendor sends nine callbacks for each task after its acceptance.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { flowStatus } from "@mjflow/core/flow";
import { LOCAL_PROVIDER_IDS } from "@mjflow/local/provider-ids";
import { type LocalServer, startLocalServer } from "@mjflow/local/server";
import { createDynamoStore } from "@mjflow/store/dynamo";
import { startEmulatorBackend } from "../support/emulator/backend.ts";
import { asOwn, type Counted, type Rows, startMeter } from "./meter.ts";
import { SCENARIOS, type Scenario, type ScenarioName } from "./scenario.ts";

export interface Measured extends Counted {
  flows: number;
  /** Requests to the API that create and press, without reads. */
  api: number;
  /** Callbacks of the vendor, and those of them that are recorded. */
  callback: number;
  recorded: number;
  tasks: number;
  /** Webhooks that the receivers got, and their bytes. */
  posts: number;
  postBytes: number;
  /** The rows that the flows leave in the table, by kind of key. */
  rows: Record<string, { count: number; bytes: number }>;
  /** What one read of a flow by its client uses. */
  read: { readUnits: number; writeUnits: number; bytes: number; logBytes: number };
}

/**
 * Shorter than in a deployment, so that the account is soon known to send callbacks. With less, a slow machine would count the reads of
 * cached rows again and again. The price adds those of a deployment (bill.ts).
 */
const CACHE_TTL_MS = 8_000;
/** Number of reads of a flow from which one read is computed. */
const READS = 20;

export async function measure(flows: number): Promise<Measured> {
  return (await measureAll(["plain"], flows)).plain!;
}

/** Runs the flows of each scenario one after the other, in one local server. A process can do this once. */
export async function measureAll(
  names: readonly ScenarioName[],
  flows: number,
): Promise<Partial<Record<ScenarioName, Measured>>> {
  const meter = startMeter();
  const dataDir = mkdtempSync(join(tmpdir(), "mjflow-cost-"));
  // With a function name, the functions behave as deployed functions and write their metrics.
  const environment = { MJFLOW_PROGRESS: "off", MJFLOW_LOG: "info", AWS_LAMBDA_FUNCTION_NAME: "measured" };
  // As deployed in production, each submission needs a slot of its vendor account.
  Object.assign(process.env, environment, { MJFLOW_SUBMIT_WORKERS: "200" });
  const receiver = await startReceiver();
  const server = await startLocalServer(
    {
      port: 0,
      dataDir,
      startBackend: () => startEmulatorBackend(dataDir),
      providers: {},
      timings: JSON.stringify({ beliefMs: CACHE_TTL_MS }),
      sweepMs: 3_600_000,
      simulatorSpeed: 0.02,
    },
    LOCAL_PROVIDER_IDS,
  );
  try {
    const runner = createRunner(server);
    // Warm-up: mjflow learns that the account sends callbacks, and connections are opened. This is only the first
    // minute of a deployment. Later the account health is read once in half a minute.
    const plain = await runner.prepare(SCENARIOS.plain, receiver.url);
    for (const startedAt = Date.now(); Date.now() - startedAt < 1.5 * CACHE_TTL_MS; ) await runner.run(plain);
    const found: Partial<Record<ScenarioName, Measured>> = {};
    for (const name of names) {
      const scenario: Scenario = SCENARIOS[name];
      const client = await runner.prepare(scenario, receiver.url);
      await runner.run(client);
      await runner.settled();
      const posted = () => server.simulator.ledger().callbacks.length;
      const before = { count: structuredClone(meter.count), callbacks: posted(), ...receiver.received };
      const keys = new Set(meter.rows.keys());
      let tasks = 0;
      let last = "";
      for (let i = 0; i < flows; i++) {
        const ended = await runner.run(client);
        tasks += ended.tasks;
        last = ended.flowId;
      }
      await runner.settled();
      const after = structuredClone(meter.count);
      const callback = posted() - before.callbacks;
      found[name] = {
        ...difference(after, before.count),
        flows,
        api: flows * (scenario.isCompat ? 5 : 1),
        callback,
        recorded: scenario.storesProgress ? callback : tasks,
        tasks,
        posts: receiver.received.posts - before.posts,
        postBytes: receiver.received.postBytes - before.postBytes,
        rows: rowsOf(meter.rows, keys),
        read: await runner.countRead(client, last, meter.count),
      };
    }
    return found;
  } finally {
    await server.stop();
    receiver.stop();
    meter.stop();
    delete process.env["AWS_LAMBDA_FUNCTION_NAME"];
    delete process.env["MJFLOW_SUBMIT_WORKERS"];
    rmSync(dataDir, { recursive: true, force: true });
  }
}

interface Client {
  scenario: Scenario;
  key: string;
}

// biome-ignore lint/suspicious/noExplicitAny: a measurement looks into JSON
type Json = any;

function createRunner(server: LocalServer) {
  const own = asOwn(new DynamoDBClient({ endpoint: process.env["AWS_ENDPOINT_URL_DYNAMODB"]! }));
  const store = createDynamoStore({ client: own, table: "mjflow" });

  async function call(
    key: string,
    method: string,
    path: string,
    body?: object,
  ): Promise<{ body: Json; bytes: number }> {
    const send = () =>
      fetch(server.url + path, {
        method,
        headers: { authorization: `Bearer ${key}`, "mj-api-secret": key, "content-type": "application/json" },
        ...(body && { body: JSON.stringify(body) }),
      });
    // On a busy machine the server may have closed the idle connection that a read uses.
    const response = await send().catch((error: unknown) => (method === "GET" ? send() : Promise.reject(error)));
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return { body: JSON.parse(text), bytes: text.length };
  }

  async function ended(flowId: string): Promise<number> {
    for (;;) {
      const { flow, tasks } = await store.loadFlow(flowId);
      if (flow && flow.status !== "running" && flowStatus(tasks) !== "running") return tasks.length;
      await pause();
    }
  }

  /** An imagine, and four presses of its buttons after its end, through the compat API. */
  async function runCompat(key: string): Promise<{ tasks: number; flowId: string }> {
    const { body } = await call(key, "POST", "/mj/submit/imagine", { prompt: "a boat" });
    const finished = async (id: string) => {
      for (;;) {
        const { body: task } = await call(key, "GET", `/mj/task/${id}/fetch`);
        if (task.status === "SUCCESS") return task;
        await pause();
      }
    };
    const { buttons } = await finished(body.result);
    const upscales = buttons.filter(({ label }: Json) => /^U\d$/.test(label));
    const pressed = await Promise.all(
      upscales.map(({ customId }: Json) =>
        call(key, "POST", "/mj/submit/action", { taskId: body.result, customId }).then((sent) => sent.body.result),
      ),
    );
    await Promise.all(pressed.map(finished));
    return { tasks: 1 + pressed.length, flowId: body.result };
  }

  return {
    /** Creates the app and the endpoints of a scenario. */
    async prepare(scenario: Scenario, receiverUrl: string): Promise<Client> {
      const operator = server.apiKey;
      if (!scenario.endpoints && !scenario.limits && !scenario.isCompat) return { scenario, key: operator };
      const { body: app } = await call(operator, "POST", "/v1/apps", {
        name: scenario.name,
        ...(scenario.limits && { limits: scenario.limits }),
      });
      const { body: created } = await call(operator, "POST", `/v1/apps/${app.id}/keys`, {});
      const key: string = created.key ?? created.secret ?? created.text;
      for (let i = 0; i < (scenario.endpoints ?? 0); i++)
        await call(key, "POST", "/v1/endpoints", { url: `${receiverUrl}/${i}` });
      return { scenario, key };
    },
    async run({ scenario, key }: Client): Promise<{ tasks: number; flowId: string }> {
      if (scenario.isCompat) return runCompat(key);
      const request = {
        provider: "simulator",
        prompt: "a boat",
        then: [{ press: "upscale:all" }],
        ...scenario.request,
      };
      const { body } = await call(key, "POST", "/v1/flows", request);
      return { tasks: await ended(body.id), flowId: body.id };
    },
    /** Waits until the queues are empty: the webhooks are sent and the images are copied. */
    async settled(): Promise<void> {
      for (let quiet = 0; quiet < 3; ) {
        const { body } = await call(server.apiKey, "GET", "/v1/queues");
        const isEmpty = body.data.every(({ waiting, inFlight, delayed }: Json) => waiting + inFlight + delayed === 0);
        quiet = isEmpty ? quiet + 1 : 0;
        await pause();
      }
    },
    async countRead({ scenario, key }: Client, id: string, count: Counted): Promise<Measured["read"]> {
      const path = scenario.isCompat ? `/mj/task/${id}/fetch` : `/v1/flows/${id}`;
      await call(key, "GET", path);
      const before = { ...count };
      let bytes = 0;
      for (let i = 0; i < READS; i++) bytes += (await call(key, "GET", path)).bytes;
      const per = (name: "readUnits" | "writeUnits" | "logBytes") => (count[name] - before[name]) / READS;
      const [readUnits, writeUnits, logBytes] = [per("readUnits"), per("writeUnits"), per("logBytes")];
      return { readUnits, writeUnits, bytes: bytes / READS, logBytes };
    },
  };
}

async function startReceiver() {
  const received = { posts: 0, postBytes: 0 };
  const server = createServer((request, response) => {
    const head = JSON.stringify(request.headers).length;
    received.posts++;
    received.postBytes += head;
    request.on("data", (chunk: Buffer) => (received.postBytes += chunk.length));
    request.on("end", () => response.end());
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    stop: () => server.close(),
  };
}

function difference(after: Counted, before: Counted): Counted {
  const kinds = Object.keys(after.keys);
  const keys = Object.fromEntries(
    kinds.map((kind) => {
      const { writes = 0, reads = 0 } = before.keys[kind] ?? {};
      return [kind, { writes: after.keys[kind]!.writes - writes, reads: after.keys[kind]!.reads - reads }];
    }),
  );
  const numbers = Object.entries(after).filter(
    (entry): entry is [keyof Counted, number] => typeof entry[1] === "number",
  );
  const counts = Object.fromEntries(numbers.map(([name, value]) => [name, value - (before[name] as number)]));
  return { ...(counts as unknown as Counted), keys };
}

function rowsOf(rows: Rows, before: ReadonlySet<string>): Measured["rows"] {
  const found: Measured["rows"] = {};
  for (const [key, bytes] of rows) {
    if (before.has(key)) continue;
    const kind = key.split("#")[0]!;
    found[kind] ??= { count: 0, bytes: 0 };
    found[kind].count++;
    found[kind].bytes += bytes;
  }
  return found;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
