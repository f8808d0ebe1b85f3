/**
 * The local house with nothing going on in it, and its functions at hand: called as Lambda would, on the embedded table, with
 * flows in the table that the benchmark has put there.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { childPath, flowIdOf, ROOT_PATH } from "@mjflow/core/id";
import { createCallbackTokens } from "@mjflow/engine/callback-token";
import { tableClient } from "@mjflow/local/engine/client";
import { TABLE } from "@mjflow/local/provision";
import { type LocalServer, startLocalServer } from "@mjflow/local/server";
import { createDynamoStore } from "@mjflow/store/dynamo";
import type { LambdaFunctionURLEvent } from "aws-lambda";
import { endedFlow, endedTask, loadHistory, submittedTask, tableFileIn } from "./history.ts";

/** Whatever it declares: JSON in, JSON out. */
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
   * Flows whose four upscales the vendor has, put into the table.
   * @returns the path of each upscale's callback address
   */
  upscaling(flows: number): Promise<string[]>;
  stop(): Promise<void>;
}

const HOUR_MS = 3_600_000;
/** Nothing falls due while it is measured: the sweep is to find nothing. */
const DAY_MS = 24 * HOUR_MS;
const QUIET_MS = { turbo: DAY_MS, fast: DAY_MS, relax: DAY_MS, video: DAY_MS };
const TIMINGS = JSON.stringify({ unknownMs: DAY_MS, quietMs: QUIET_MS });
/** No picture is ever ready: nothing comes but what the benchmark sends. */
const NEVER = 1e6;

/** Once per process, as the house itself. @param history flows that have ended, there before it starts */
export async function startBenchEnvironment(history = 0): Promise<BenchEnvironment> {
  const dataDir = mkdtempSync(join(tmpdir(), "mjflow-bench-"));
  const loadS = history > 0 ? loadHistory(dataDir, history).seconds : 0;
  Object.assign(process.env, { MJFLOW_PROGRESS: "off", MJFLOW_LOG: "error" });
  const localServer = await startLocalServer(
    // On an engine that counts what a request costs, spoken to as AWS's is.
    { port: 0, dataDir, engine: "dynoxide", providers: {}, timings: TIMINGS, sweepMs: HOUR_MS, simulatorSpeed: NEVER },
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
    api: gathered(api as Streaming),
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

/** As a function URL makes it of a request (payload format 2.0). */
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

/** The API streams its answers; here they are gathered again. */
function gathered(handler: Streaming): Handler {
  return async (event) => {
    const stream = new Gathering();
    await handler(event, stream, {});
    return { statusCode: stream.statusCode, body: Buffer.concat(stream.chunks).toString() };
  };
}

/** What the local runtime writes an answer's head to, and the function its body. */
class Gathering extends Writable {
  statusCode = 200;
  readonly chunks: Buffer[] = [];

  begin({ statusCode = 200 }: { statusCode?: number }): void {
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
  const hooks = createCallbackTokens({ keys: [key], callbackUrl: "" });
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
      const at = { flowId, path, attempt: 1, provider: "simulator", account: "default" };
      paths.push(hooks.url({ ...at, expiresAt: now + 24 * HOUR_MS, progress: false, calling: true }));
    }
  }
  return paths;
}
