/**
 * What every function stands on, built once per container and not before it is needed. Only `functions/composition/` reads
 * `Resource` and the environment, and each function's file there imports its own parts: a bundler takes along whatever a
 * file could load on demand, used or not, and shares of it end up in the cold start.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Queue, QueueDepths, VendorStore } from "@mjflow/core/port";
import { LOCAL_TIMINGS, TIMINGS, type Timings } from "@mjflow/core/timing";
import { createAccounts } from "@mjflow/engine/account";
import { createCallbackTokens } from "@mjflow/engine/callback-token";
import type { EngineDeps } from "@mjflow/engine/deps";
import { createSqsQueue } from "@mjflow/queue/sqs";
import { createStore } from "@mjflow/store/dynamo";
import { createTable, type Table } from "@mjflow/store/table";
import { Resource } from "sst";
import { createLog, type FunctionLog, type Level } from "../log.ts";

/** A cold start pays only for its own path. Calls are marked pure, or the bundler would keep parts that nobody asks for. */
export function lazy<T>(build: () => T): () => T {
  let built: { value: T } | undefined;
  return () => {
    built ??= { value: build() };
    return built.value;
  };
}

const env = process.env;

/** Only the local house sets these; the SDK's own default would follow a queue URL's host to wherever it points. */
export function endpoint(service: "DYNAMODB" | "SQS" | "S3" | "EVENTBRIDGE"): { endpoint?: string } {
  const url = env[`AWS_ENDPOINT_URL_${service}`];
  return url ? { endpoint: url } : {};
}

export const clock = { now: Date.now };
export const random = {
  bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
  chance: Math.random,
};

/** `MJFLOW_TIMINGS`: `local`, or JSON of what differs from the deployed table (from the local one with `"base": "local"`). */
export const timings = /* @__PURE__ */ lazy((): Timings => {
  const text = env["MJFLOW_TIMINGS"];
  if (!text) return TIMINGS;
  if (text === "local") return LOCAL_TIMINGS;
  const { base, ...differing } = JSON.parse(text) as Partial<Timings> & { base?: "local" };
  return { ...(base === "local" ? LOCAL_TIMINGS : TIMINGS), ...differing };
});

/** What the local house keeps itself, in place of AWS's. */
export interface LocalBackendPorts {
  table: Table;
  queue: Queue;
  queueDepths: QueueDepths;
  /** Where S3's protocol is spoken; begins to be with the first call. */
  bucketEndpoint(): Promise<string>;
}

let localBackend: LocalBackendPorts | undefined;

export const bucketEndpoint = async () => (await localBackend?.bucketEndpoint()) ?? endpoint("S3").endpoint;

export const queueDepths = (): QueueDepths | undefined => localBackend?.queueDepths;

/** Before the first event: what a function has built it keeps. */
export function useLocalBackend(other: LocalBackendPorts | undefined): void {
  localBackend = other;
}

export const table = /* @__PURE__ */ lazy(
  (): Table =>
    localBackend?.table ??
    createTable({ client: new DynamoDBClient(endpoint("DYNAMODB")), table: Resource.Table.name }),
);

const store = /* @__PURE__ */ lazy(() => createStore({ table: table() }));

/** Nine callbacks in ten send nothing: the SQS client is loaded by the first message. */
export const sqs = /* @__PURE__ */ lazy(
  async () => new (await import("@aws-sdk/client-sqs")).SQSClient(endpoint("SQS")),
);

export const queueUrls = {
  submit: () => Resource.SubmitQueue.url,
  deliver: () => Resource.DeliverQueue.url,
  archive: () => Resource.ArchiveQueue.url,
};

const queue = /* @__PURE__ */ lazy(
  (): Queue => localBackend?.queue ?? createSqsQueue({ client: sqs, urls: queueUrls }),
);

/** @param callbackUrl only the minting side needs it */
export function callbackTokens(callbackUrl: string) {
  return createCallbackTokens({
    keys: activeKeys(Resource.HookKey.value, Resource.PreviousHookKey.value),
    callbackUrl,
  });
}

/** Newest first; the one before only while there is one. */
export function activeKeys(...keys: string[]): string[] {
  return keys.filter((key) => key.trim() !== "");
}

function log(name: string): FunctionLog {
  const level = (env["MJFLOW_LOG"] ?? "info") as Level;
  const stage = env["AWS_LAMBDA_FUNCTION_NAME"] === undefined ? undefined : Resource.App.stage;
  return createLog({ name, level, stage });
}

export type BaseDeps = Pick<EngineDeps, "store" | "queue" | "clock" | "timings"> & { log: FunctionLog };

export function baseDeps(name: string): BaseDeps {
  return { store: store(), queue: queue(), clock, timings: timings(), log: log(name) };
}

export function withAccounts<T extends BaseDeps & { vendorStore?: VendorStore }>(parts: T) {
  return { ...parts, accounts: createAccounts(parts) };
}
