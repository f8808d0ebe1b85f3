/**
 * What one flow asks of AWS, counted: the real functions in the local house, every command of the SDK's clients counted as
 * it is sent, and the table asked what each cost. One imagine and four upscales on an account that is known to call back,
 * progress not subscribed; the simulated vendor posts nine times for each task.
 */
import { mkdtempSync, rmSync } from "node:fs";
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
  /** As billed: a batch is one. */
  tableRequests: number;
  writeUnits: number;
  readUnits: number;
  /** Requests that carry messages out, and those that fetch and remove a batch; idle polls are left out, for they are shared. */
  queueSends: number;
  queueReceives: number;
  queueDeletes: number;
  /** Invocations, by function. */
  api: number;
  submit: number;
  callback: number;
  bucketRequests: number;
  /** Our own lines, metrics included, as a deployed function writes them. */
  logBytes: number;
  /** Tasks and callbacks, to say what the rest is for. */
  tasks: number;
  callbacks: number;
}

interface Sent {
  input: Record<string, unknown>;
  constructor: { name: string };
}
type Answer = { ConsumedCapacity?: Units | Units[]; Messages?: unknown[] };
interface Units {
  CapacityUnits?: number;
}

const WRITES = new Set(["PutItemCommand", "DeleteItemCommand", "UpdateItemCommand"]);
/** Short, so that the account is soon known to call; what is read for it is part of the count, and too much by a little. */
const CACHE_TTL_MS = 2_000;
/** A client with this mark is the test's own. */
const OWN = Symbol("not counted");

export async function measure(flows: number, then: object[]): Promise<Measured> {
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
  const restore = [countTable(count), countQueue(count), countLog(count)];
  const dataDir = mkdtempSync(join(tmpdir(), "mjflow-cost-"));
  // With a name, functions take themselves for deployed, and write their metrics.
  Object.assign(process.env, { MJFLOW_PROGRESS: "off", MJFLOW_LOG: "info", AWS_LAMBDA_FUNCTION_NAME: "measured" });
  const server = await startLocalServer(
    {
      port: 0,
      dataDir,
      // It counts what a request would cost at AWS.
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
    const run = async () => {
      const response = await fetch(`${server.url}/v1/flows`, {
        method: "POST",
        headers: { authorization: `Bearer ${server.apiKey}`, "content-type": "application/json" },
        body: JSON.stringify({ provider: "simulator", prompt: "a boat", then }),
      });
      const { id } = (await response.json()) as { id: string };
      for (;;) {
        const { flow, tasks } = await store.loadFlow(id);
        if (flow && flow.status !== "running" && flowStatus(tasks) !== "running") return tasks.length;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    // The account is learned to call, connections are opened: a stage's first minute, not its life, in which what is known of
    // an account is read once in half a minute.
    for (const begun = Date.now(); Date.now() - begun < 1.5 * CACHE_TTL_MS; ) await run();
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
    });
    return count;
  } finally {
    await server.stop();
    for (const undo of restore) undo();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function countTable(count: Measured): () => void {
  return intercept(DynamoDBClient.prototype, async (client, command, send) => {
    if (OWN in client) return send();
    count.tableRequests++;
    command.input["ReturnConsumedCapacity"] = "TOTAL";
    const answer = await send();
    const units = [answer.ConsumedCapacity ?? []].flat().reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
    if (WRITES.has(command.constructor.name)) count.writeUnits += units;
    else count.readUnits += units;
    return answer;
  });
}

function countQueue(count: Measured): () => void {
  return intercept(SQSClient.prototype, async (_, command, send) => {
    const answer = await send();
    const { name } = command.constructor;
    if (name.startsWith("SendMessage")) count.queueSends++;
    if (name.startsWith("DeleteMessage")) count.queueDeletes++;
    if (name === "ReceiveMessageCommand" && (answer.Messages?.length ?? 0) > 0) count.queueReceives++;
    return answer;
  });
}

/** What goes to standard output is counted and not shown: only functions write there. */
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

/** @returns what undoes it */
function intercept(
  prototype: object,
  around: (client: object, command: Sent, send: () => Promise<Answer>) => Promise<Answer>,
): () => void {
  const original = (prototype as { send: (this: object, command: Sent, ...rest: unknown[]) => Promise<Answer> }).send;
  Object.assign(prototype, {
    send(this: object, command: Sent, ...rest: unknown[]) {
      return around(this, command, () => original.call(this, command, ...rest));
    },
  });
  return () => {
    delete (prototype as { send?: unknown }).send;
  };
}
