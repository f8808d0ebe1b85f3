/**
 * Counts what one flow uses at AWS. The real functions run in the local server. Every command of the SDK's clients is
 * counted when it is sent, and the table reports the capacity units of each. The flow has one imagine and four
 * upscales. Its account is known to send callbacks, and progress is not subscribed. The simulated vendor sends nine
 * callbacks for each task.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import { flowStatus } from "@mjflow/core/flow";
import { startLocalServer } from "@mjflow/local/server";
import { PROVIDER_IDS } from "@mjflow/simulator/server";
import { createDynamoStore } from "@mjflow/store/dynamo";

export interface Measured {
  flows: number;
  /** Requests as AWS charges them: a batch counts as one. */
  tableRequests: number;
  writeUnits: number;
  readUnits: number;
  /**
   * Requests that send messages, and requests that receive and delete a batch. Idle polls are not counted, as flows
   * share them.
   */
  queueSends: number;
  queueReceives: number;
  queueDeletes: number;
  /** Invocations, by function. */
  api: number;
  submit: number;
  callback: number;
  bucketRequests: number;
  /** Bytes of our own log lines and metrics, as a deployed function writes them. */
  logBytes: number;
  /** Numbers of tasks and callbacks that the other counts belong to. */
  tasks: number;
  callbacks: number;
}

interface Sent {
  input: Record<string, unknown>;
  constructor: { name: string };
}
type Response = { ConsumedCapacity?: Units | Units[] };
interface Units {
  CapacityUnits?: number;
}

const WRITES = new Set(["PutItemCommand", "DeleteItemCommand", "UpdateItemCommand"]);
/**
 * Short cache time, so that the account is soon known to send callbacks. The more frequent reads of the account are
 * part of the count, which is therefore slightly too high.
 */
const CACHE_TTL_MS = 2_000;
/** Marks the client of the test itself, whose requests are not counted. */
const OWN = Symbol("not counted");

/**
 * @param then plan of each flow
 * @param listeners number of webhook endpoints that receive the default events and respond at once
 */
export async function measure(flows: number, then: object[], listeners = 0): Promise<Measured> {
  const count: Measured = {
    flows,
    tableRequests: 0,
    writeUnits: 0,
    readUnits: 0,
    queueSends: 0,
    queueReceives: 0,
    queueDeletes: 0,
    api: 0,
    submit: 0,
    callback: 0,
    bucketRequests: 0,
    logBytes: 0,
    tasks: 0,
    callbacks: 0,
  };
  const receiver = await startReceiver();
  const restore = [countTable(count), countQueue(count), countLog(count)];
  const dataDir = mkdtempSync(join(tmpdir(), "mjflow-cost-"));
  // With a function name, the functions behave as deployed functions and write their metrics.
  Object.assign(process.env, { MJFLOW_PROGRESS: "off", MJFLOW_LOG: "info", AWS_LAMBDA_FUNCTION_NAME: "measured" });
  const server = await startLocalServer(
    {
      port: 0,
      dataDir,
      // dynoxide reports the capacity units that a request would use at AWS.
      engine: "dynoxide",
      providers: {},
      timings: JSON.stringify({ beliefMs: CACHE_TTL_MS }),
      sweepMs: 3_600_000,
      simulatorSpeed: 0.02,
    },
    PROVIDER_IDS,
  );
  try {
    const own = Object.assign(new DynamoDBClient({ endpoint: process.env["AWS_ENDPOINT_URL_DYNAMODB"]! }), {
      [OWN]: true,
    });
    const store = createDynamoStore({ client: own, table: "mjflow" });
    const headers = { authorization: `Bearer ${server.apiKey}`, "content-type": "application/json" };
    for (let i = 0; i < listeners; i++) {
      const body = JSON.stringify({ url: `${receiver.url}/${i}` });
      await fetch(`${server.url}/v1/endpoints`, { method: "POST", headers, body });
    }
    const run = async () => {
      const response = await fetch(`${server.url}/v1/flows`, {
        method: "POST",
        headers,
        body: JSON.stringify({ provider: "simulator", prompt: "a boat", then }),
      });
      const { id } = (await response.json()) as { id: string };
      for (;;) {
        const { flow, tasks } = await store.loadFlow(id);
        // An ended flow has a due time until its subscribers are notified.
        const isDone = flow && flow.status !== "running" && flow.due === undefined;
        if (isDone && flowStatus(tasks) !== "running") return tasks.length;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    // Warm-up: mjflow learns that the account sends callbacks, and connections are opened. This is only the first
    // minute of a deployment. Later the account health is read once in half a minute.
    for (const startedAt = Date.now(); Date.now() - startedAt < 1.5 * CACHE_TTL_MS; ) await run();
    const posted = () => server.simulator.ledger().callbacks.length;
    const before = { ...count, callbacks: posted() };
    for (let i = 0; i < flows; i++) count.tasks += await run();
    const after = { ...count, callbacks: posted() };
    for (const name of Object.keys(count) as (keyof Measured)[]) count[name] = after[name] - (before[name] ?? 0);
    Object.assign(count, {
      flows,
      tasks: after.tasks,
      api: flows,
      callback: count.callbacks,
      submit: count.queueDeletes,
      // The local server receives several messages at once and invokes a function for each. AWS receives per invocation.
      queueReceives: count.queueDeletes,
    });
    return count;
  } finally {
    await server.stop();
    await receiver.stop();
    for (const restoreOne of restore) restoreOne();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** The server of an app: it responds 204 to every webhook. */
async function startReceiver() {
  const receiver = createServer((request, response) => {
    request.resume();
    request.on("end", () => response.writeHead(204).end());
  });
  await new Promise<void>((ready) => receiver.listen(0, "127.0.0.1", ready));
  return {
    url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
    async stop() {
      receiver.closeAllConnections();
      await new Promise((closed) => receiver.close(closed));
    },
  };
}

function countTable(count: Measured): () => void {
  return intercept(DynamoDBClient.prototype, async (client, command, send) => {
    if (OWN in client) return send();
    count.tableRequests++;
    command.input["ReturnConsumedCapacity"] = "TOTAL";
    const response = await send();
    const units = [response.ConsumedCapacity ?? []]
      .flat()
      .reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
    if (WRITES.has(command.constructor.name)) count.writeUnits += units;
    else count.readUnits += units;
    return response;
  });
}

function countQueue(count: Measured): () => void {
  return intercept(SQSClient.prototype, async (_, command, send) => {
    const response = await send();
    const { name } = command.constructor;
    if (name.startsWith("SendMessage")) count.queueSends++;
    if (name.startsWith("DeleteMessage")) count.queueDeletes++;
    return response;
  });
}

/** Counts standard output instead of printing it. Only functions write to it. */
function countLog(count: Measured): () => void {
  const { write } = process.stdout;
  process.stdout.write = (text: string | Uint8Array) => {
    count.logBytes += Buffer.byteLength(text);
    return true;
  };
  return () => {
    process.stdout.write = write;
    delete process.env["AWS_LAMBDA_FUNCTION_NAME"];
  };
}

/** @returns a function that restores the original `send` */
function intercept(
  prototype: object,
  around: (client: object, command: Sent, send: () => Promise<Response>) => Promise<Response>,
): () => void {
  const original = (prototype as { send: (this: object, command: Sent, ...rest: unknown[]) => Promise<Response> }).send;
  Object.assign(prototype, {
    send(this: object, command: Sent, ...rest: unknown[]) {
      return around(this, command, () => original.call(this, command, ...rest));
    },
  });
  return () => {
    delete (prototype as { send?: unknown }).send;
  };
}
