/**
 * The dependencies of every function. Each is built once per container, when it is first needed. Only files in
 * `functions/composition/` read `Resource` and the environment.
 *
 * Each function has its own file there, which imports only the parts of that function. A bundler includes every module
 * that a file can load on demand, used or not, and some of that code would slow the cold start.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { CallbackClaims } from "@mjflow/core/callback-token";
import { DUE_SHARDS } from "@mjflow/core/due";
import type { FanOut } from "@mjflow/core/message";
import type { Queue, QueueDepths } from "@mjflow/core/port";
import type { Choices } from "@mjflow/core/setting";
import { LOCAL_TIMINGS, TIMINGS, type Timings } from "@mjflow/core/timing";
import { type Accounts, createAccounts } from "@mjflow/engine/account";
import { createCallbackTokens } from "@mjflow/engine/callback-token";
import type { EngineDeps } from "@mjflow/engine/deps";
import { createSqsQueue } from "@mjflow/queue/sqs";
import { createStore } from "@mjflow/store/dynamo";
import { createTable, type Table } from "@mjflow/store/table";
import { Resource } from "sst/resource";
import { createLog, type FunctionLog } from "../log.ts";

/**
 * Builds the value at the first call and returns the same value afterwards, so that a cold start builds only what it
 * uses. Calls of `lazy` are marked as pure. Otherwise the bundler would keep parts that a function does not use.
 */
export function lazy<T>(build: () => T): () => T {
  let built: { value: T } | undefined;
  return () => {
    built ??= { value: build() };
    return built.value;
  };
}

/**
 * The same for a value that takes time. A failed build is forgotten, as Node forgets a failed import, so the next call tries again.
 * Otherwise a lack of file descriptors at one moment would last for the life of the container.
 */
export function lazyAsync<T>(build: () => Promise<T>): () => Promise<T> {
  let built: Promise<T> | undefined;
  return () => {
    built ??= build().catch((error: unknown) => {
      built = undefined;
      throw error;
    });
    return built;
  };
}

/** The local server and `sst deploy` check the choices (core/setting.ts). */
export const env = process.env as NodeJS.ProcessEnv & Choices;

/**
 * The endpoint of an AWS client, if its variable is set. Only local and test environments set these variables. An
 * explicit endpoint is needed there, because the SQS client would otherwise send its requests to the host of the queue
 * URL.
 */
export function endpoint(service: "DYNAMODB" | "SQS" | "S3" | "EVENTBRIDGE"): { endpoint?: string } {
  const url = env[`AWS_ENDPOINT_URL_${service}`];
  return url ? { endpoint: url } : {};
}

export const clock = { now: Date.now };
export const random = {
  bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
  chance: Math.random,
};
export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/**
 * `MJFLOW_TIMINGS` is `local`, or JSON with the values that differ from `TIMINGS`. With `"base": "local"` they differ
 * from `LOCAL_TIMINGS`. Unset: `TIMINGS`.
 */
export const timings = /* @__PURE__ */ lazy((): Timings => {
  const text = env["MJFLOW_TIMINGS"];
  if (!text) return TIMINGS;
  if (text === "local") return LOCAL_TIMINGS;
  const { base, ...differing } = JSON.parse(text) as Partial<Timings> & { base?: "local" };
  return { ...(base === "local" ? LOCAL_TIMINGS : TIMINGS), ...differing };
});

/** The storage and queues that the local server provides instead of AWS. */
export interface LocalBackendPorts {
  table: Table;
  queue: Queue;
  queueDepths: QueueDepths;
  /** URL of a server that implements the S3 API. The first call starts that server. */
  bucketEndpoint(): Promise<string>;
  /** Runs work whose writes share a sync of the disk. Only the result of the work may leave the process. */
  together<T>(work: () => Promise<T> | T): Promise<T>;
}

let localBackend: LocalBackendPorts | undefined;

export const bucketEndpoint = async () => (await localBackend?.bucketEndpoint()) ?? endpoint("S3").endpoint;

/** Runs work that sends nothing out of the process: in the local server its writes are acknowledged together, at its end. */
export const together = <T>(work: () => Promise<T>): Promise<T> => localBackend?.together(work) ?? work();

export const queueDepths = (): QueueDepths | undefined => localBackend?.queueDepths;

/** Must be called before the first event, because a function keeps the dependencies that it has built. */
export function useLocalBackend(backend: LocalBackendPorts | undefined): void {
  localBackend = backend;
  localAccounts = undefined;
}

export const table = /* @__PURE__ */ lazy(
  (): Table =>
    localBackend?.table ??
    createTable({ client: new DynamoDBClient(endpoint("DYNAMODB")), table: Resource.Table.name }),
);

/**
 * Number of shards of each class of due entries that this deployment writes (core/due.ts). Every reader knows all of them,
 * so the number can change at any time.
 */
export const dueShards = Number(env["MJFLOW_DUE_SHARDS"] || DUE_SHARDS);

const store = /* @__PURE__ */ lazy(() => createStore({ table: table(), dueShards }));

/** The SQS client is loaded with the first message, because nine of ten callbacks send no message. */
export const sqs = /* @__PURE__ */ lazyAsync(
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

/** The tokens of this process, if it is the local server. */
export const sharedTokens: Map<string, CallbackClaims> = new Map();

/** @param callbackUrl base URL of new callback URLs; empty in functions that only verify tokens */
export function callbackTokens(callbackUrl: string) {
  return createCallbackTokens({
    keys: activeKeys(Resource.HookKey.value, Resource.PreviousHookKey.value),
    callbackUrl,
    shared: localBackend && sharedTokens,
  });
}

/** The keys that are in use, newest first. A previous key is left out when it is blank. */
export function activeKeys(...keys: string[]): string[] {
  return keys.filter((key) => key.trim() !== "");
}

export function functionLog(name: string): FunctionLog {
  const level = env["MJFLOW_LOG"] || "info";
  const stage = env["AWS_LAMBDA_FUNCTION_NAME"] === undefined ? undefined : Resource.App.stage;
  return createLog({ name, level, stage });
}

/** `MJFLOW_FAN_OUT` is `each` while a version that does not know messages for several tasks is still running. */
const fanOut: FanOut = env["MJFLOW_FAN_OUT"] === "each" ? "each" : "one";

export type BaseDeps = Pick<EngineDeps, "store" | "queue" | "clock" | "random" | "timings" | "fanOut"> & {
  log: FunctionLog;
};

export function baseDeps(name: string): BaseDeps {
  return { store: store(), queue: queue(), clock, random, timings: timings(), fanOut, log: functionLog(name) };
}

/** What the functions of the local server know of the accounts. Built with the first of them. */
let localAccounts: Accounts | undefined;

/**
 * A function of a deployment learns of another one's writes when its cached health is `beliefMs` old. The functions of the local
 * server are one process, so what the callback handler learns is known to the submit worker at once.
 */
export function withAccounts<T extends BaseDeps>(parts: T): T & { accounts: Accounts } {
  if (!localBackend) return { ...parts, accounts: createAccounts(parts) };
  localAccounts ??= createAccounts(parts);
  return { ...parts, accounts: localAccounts };
}
