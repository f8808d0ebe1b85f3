/**
 * Where it all meets, and the only file that reads `Resource` or the environment. Each function asks for its own parts,
 * built on first use and kept for the container's life; what a function does not ask for is not in its bundle.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import { LOCAL_TIMINGS, TIMINGS, type Timings } from "@mjflow/core/timing";
import { createAccounts } from "@mjflow/engine/account";
import type { Deps } from "@mjflow/engine/deps";
import { createHooks } from "@mjflow/engine/hook";
import { createProviders, type ProvidersConfig } from "@mjflow/providers/registry";
import { createSqsQueue } from "@mjflow/queue/sqs";
import { createS3Blobs } from "@mjflow/store/blob";
import { createDynamoStore } from "@mjflow/store/dynamo";
import { Resource } from "sst";
import { apiKeyOf } from "./http/key.ts";
import { createLog, type FunctionLog, type Level } from "./log.ts";

/**
 * Built once per container, and not before it is needed: a cold start pays only for its own path. Calls are marked pure,
 * or the bundler would keep every part, S3 client and all, in every function.
 */
function once<T>(build: () => T): () => T {
  let built: { value: T } | undefined;
  return () => {
    built ??= { value: build() };
    return built.value;
  };
}

const env = process.env;

/** Only the local house sets these; the SDK's own default would follow a queue URL's host to wherever it points. */
function endpoint(service: "DYNAMODB" | "SQS" | "S3") {
  const url = env[`AWS_ENDPOINT_URL_${service}`];
  return url ? { endpoint: url } : {};
}

const clock = { now: Date.now };
const random = { bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)), chance: Math.random };

/** `MJFLOW_TIMINGS`: `local`, or JSON of what differs from the deployed table (from the local one with `"base": "local"`). */
const timings = /* @__PURE__ */ once((): Timings => {
  const text = env["MJFLOW_TIMINGS"];
  if (!text) return TIMINGS;
  if (text === "local") return LOCAL_TIMINGS;
  const { base, ...differing } = JSON.parse(text) as Partial<Timings> & { base?: "local" };
  return { ...(base === "local" ? LOCAL_TIMINGS : TIMINGS), ...differing };
});

const store = /* @__PURE__ */ once(() =>
  createDynamoStore({ client: new DynamoDBClient(endpoint("DYNAMODB")), table: Resource.Table.name }),
);

const queue = /* @__PURE__ */ once(() =>
  createSqsQueue({ client: new SQSClient(endpoint("SQS")), queueUrl: Resource.SubmitQueue.url }),
);

const blobs = /* @__PURE__ */ once(() =>
  createS3Blobs({
    // Most flows carry no image: the S3 client is loaded by those that do.
    client: async () => {
      const { S3Client } = await import("@aws-sdk/client-s3");
      return new S3Client({ ...endpoint("S3"), forcePathStyle: Boolean(env["AWS_ENDPOINT_URL_S3"]) });
    },
    bucket: Resource.Blobs.name,
  }),
);

const providers = /* @__PURE__ */ once(() =>
  createProviders(JSON.parse(Resource.Providers.value) as ProvidersConfig, {
    fetch,
    submitTimeoutMs: timings().answerMs,
  }),
);

/** @param callbackUrl only the minting side needs it */
function hooks(callbackUrl: string) {
  const keys = [Resource.HookKey.value, Resource.PreviousHookKey.value].filter((key) => key.trim() !== "");
  return createHooks({ keys, callbackUrl });
}

function log(name: string): FunctionLog {
  const level = (env["MJFLOW_LOG"] ?? "info") as Level;
  return createLog({ name, level, metrics: env["AWS_LAMBDA_FUNCTION_NAME"] !== undefined });
}

type Base = Pick<Deps, "store" | "queue" | "clock" | "timings"> & { log: FunctionLog };

function base(name: string): Base {
  return { store: store(), queue: queue(), clock, timings: timings(), log: log(name) };
}

function withAccounts<T extends Base>(parts: T) {
  return { ...parts, accounts: createAccounts(parts) };
}

export const wireApi = /* @__PURE__ */ once(() => ({
  ...base("api"),
  blobs: blobs(),
  providers: providers(),
  random,
  apiKeys: [apiKeyOf("app_default", Resource.ApiKey.value)],
  storeProgress: env["MJFLOW_PROGRESS"] === "on",
  resubmit: env["MJFLOW_RESUBMIT"] === "never" ? ("never" as const) : ("after-grace" as const),
}));

export const wireCallback = /* @__PURE__ */ once(() => withAccounts({ ...base("callback"), hooks: hooks("") }));

export const wireSubmit = /* @__PURE__ */ once(() =>
  withAccounts({
    ...base("submit"),
    blobs: blobs(),
    providers: providers(),
    random,
    hooks: hooks(Resource.Callback.url),
  }),
);

export const wireSweep = /* @__PURE__ */ once(() => withAccounts({ ...base("sweep"), providers: providers(), random }));

export const wireDeadletter = /* @__PURE__ */ once(() => base("deadletter"));
