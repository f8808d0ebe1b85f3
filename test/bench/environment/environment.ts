/**
 * An idle local server and direct access to its functions. The benchmark calls the functions as Lambda does, on the
 * embedded table, and puts flows into the table itself.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { childPath, flowIdOf, ROOT_PATH } from "@mjflow/core/id";
import { createCallbackTokens } from "@mjflow/engine/callback-token";
import { TABLE } from "@mjflow/local/provision";
import { type LocalServer, startLocalServer } from "@mjflow/local/server";
import { createDynamoStore } from "@mjflow/store/dynamo";
import type { LambdaFunctionURLEvent } from "aws-lambda";
import { startEmulatorBackend } from "../../support/emulator/backend.ts";
import { tableClient } from "../../support/emulator/client.ts";
import { endedFlow, endedTask, loadHistory, submittedTask, tableFileIn } from "./history.ts";

/** A function handler that gets and returns JSON, without its declared types. */
export type Handler = (event: LambdaFunctionURLEvent) => Promise<{ statusCode: number; body: string }>;

export interface BenchEnvironment {
  server: LocalServer;
  loadS: number;
  tableFile: string;
  client: DynamoDBClient;
  api: Handler;
  callback: Handler;
  sweep: () => Promise<unknown>;
  /**
   * Stores flows whose four upscales are submitted.
   *
   * @returns the path of the callback URL of each upscale
   */
  upscaling(flows: number): Promise<string[]>;
  stop(): Promise<void>;
}

const HOUR_MS = 3_600_000;
/** Due times are a day away, so that the measured sweep finds no overdue row. */
const DAY_MS = 24 * HOUR_MS;
const QUIET_MS = { turbo: DAY_MS, fast: DAY_MS, relax: DAY_MS, video: DAY_MS };
const TIMINGS = JSON.stringify({ unknownMs: DAY_MS, quietMs: QUIET_MS });
/** The simulator never finishes an image, so only the benchmark sends callbacks. */
const NEVER = 1e6;

/**
 * Starts the environment; possible once per process, like the local server.
 *
 * @param history number of ended flows that are in the table before the start
 */
export async function startBenchEnvironment(history = 0): Promise<BenchEnvironment> {
  const dataDir = mkdtempSync(join(tmpdir(), "mjflow-bench-"));
  const loadS = history > 0 ? loadHistory(dataDir, history).seconds : 0;
  Object.assign(process.env, { MJFLOW_PROGRESS: "off", MJFLOW_LOG: "error" });
  const localServer = await startLocalServer(
    // dynoxide counts capacity units and has the same HTTP protocol as DynamoDB.
    {
      port: 0,
      dataDir,
      startBackend: () => startEmulatorBackend(dataDir),
      providers: {},
      timings: TIMINGS,
      sweepMs: HOUR_MS,
      simulatorSpeed: NEVER,
    },
    ["simulator"],
  );
  const client = tableClient(process.env["AWS_ENDPOINT_URL_DYNAMODB"]!);
  const functionOf = async (name: string): Promise<unknown> =>
    ((await import(new URL(`../../../functions/${name}.ts`, import.meta.url).href)) as { handler: unknown }).handler;
  const [api, callback, sweep] = await Promise.all(["api", "callback", "sweep"].map(functionOf));
  return {
    server: localServer,
    loadS,
    tableFile: tableFileIn(dataDir),
    client,
    api: collected(api as Streaming),
    callback: callback as Handler,
    sweep: sweep as BenchEnvironment["sweep"],
    upscaling: (flows) => upscaling(client, flows),
    async stop() {
      await localServer.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

// ── events ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Request {
  method: string;
  path: string;
  query?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** Builds the event that a function URL creates for a request (payload format 2.0). */
export function eventOf({ method, path, query = "", headers = {}, body }: Request): LambdaFunctionURLEvent {
  const host = "function.example";
  const http = { method, path, protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "" };
  return {
    version: "2.0",
    rawPath: path,
    rawQueryString: query,
    headers: { host, "content-type": "application/json", ...headers },
    requestContext: { domainName: host, requestId: "bench", stage: "$default", http },
    isBase64Encoded: false,
    ...(body !== undefined && { body }),
  } as unknown as LambdaFunctionURLEvent;
}

type Streaming = (event: LambdaFunctionURLEvent, stream: Writable, context: object) => Promise<void>;

/** Collects the streamed response of the API. */
function collected(handler: Streaming): Handler {
  return async (event) => {
    const stream = new ResponseCollector();
    await handler(event, stream, {});
    return { statusCode: stream.statusCode, body: Buffer.concat(stream.chunks).toString() };
  };
}

/** Receives the response head from the local runtime and the body from the function. */
class ResponseCollector extends Writable {
  statusCode = 200;
  readonly chunks: Buffer[] = [];

  start({ statusCode = 200 }: { statusCode?: number }): void {
    this.statusCode = statusCode;
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.chunks.push(chunk);
    done();
  }
}

// ── rows ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const UPSCALES = [1, 2, 3, 4];

async function upscaling(client: DynamoDBClient, flows: number): Promise<string[]> {
  const store = createDynamoStore({ client, table: TABLE });
  const { value: key } = JSON.parse(process.env["SST_RESOURCE_HookKey"]!) as { value: string };
  const tokens = createCallbackTokens({ keys: [key], callbackUrl: "" });
  const paths: string[] = [];
  for (let i = 0; i < flows; i++) {
    const now = Date.now();
    const flowId = flowIdOf(now, randomBytes(10));
    const root = { ...endedTask(flowId, ROOT_PATH, now), rev: 0 };
    const { endedAt: _, ...flow } = endedFlow(flowId, now);
    await store.createFlow({ ...flow, rev: 0, status: "running" }, root);
    for (const n of UPSCALES) {
      const path = childPath(ROOT_PATH, n);
      await store.createTask({ ...submittedTask(flowId, path, now), rev: 0, due: now + HOUR_MS });
      const claims = { flowId, path, attempt: 1, provider: "simulator", account: "default" };
      paths.push(tokens.url({ ...claims, expiresAt: now + 24 * HOUR_MS, progress: false, calling: true }));
    }
  }
  return paths;
}
