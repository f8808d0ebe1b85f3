/**
 * Where it all meets, and the only file that reads `Resource` or the environment. Each function asks for its own parts,
 * built on first use and kept for the container's life; what a function does not ask for is not in its bundle.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import { bannedWordsOf } from "@mjflow/core/banned";
import type { Scheme } from "@mjflow/core/endpoint";
import type { VendorStore } from "@mjflow/core/port";
import { LOCAL_TIMINGS, TIMINGS, type Timings } from "@mjflow/core/timing";
import { createAccounts } from "@mjflow/engine/account";
import type { Media } from "@mjflow/engine/archive";
import { createBanned } from "@mjflow/engine/banned";
import type { WebhookSender } from "@mjflow/engine/deliver";
import type { Deps } from "@mjflow/engine/deps";
import { createFacadeListener } from "@mjflow/engine/facade";
import { createHooks } from "@mjflow/engine/hook";
import { createListeners } from "@mjflow/engine/listen";
import { createMediaLinks } from "@mjflow/engine/media-link";
import { createVault, type Vault } from "@mjflow/engine/vault";
import { createVendors } from "@mjflow/engine/vendor";
import type { TileNumber } from "@mjflow/media/tile";
import { createProviders, type ProvidersConfig } from "@mjflow/providers/registry";
import { createEventBus } from "@mjflow/queue/bus";
import { createSqsQueue } from "@mjflow/queue/sqs";
import { createS3Blobs } from "@mjflow/store/blob";
import { createDynamoStore } from "@mjflow/store/dynamo";
import { createFacadeStore } from "@mjflow/store/facade";
import { createHookStore } from "@mjflow/store/hook";
import { createTable } from "@mjflow/store/table";
import { createVendorStore } from "@mjflow/store/vendor";
import { createGuard } from "@mjflow/webhooks/guard";
import { createOutbound } from "@mjflow/webhooks/outbound";
import { sendWebhook } from "@mjflow/webhooks/send";
import { newKeyPair, newSecret } from "@mjflow/webhooks/sign";
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
function endpoint(service: "DYNAMODB" | "SQS" | "S3" | "EVENTBRIDGE") {
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

const tableDeps = /* @__PURE__ */ once(() => ({
  client: new DynamoDBClient(endpoint("DYNAMODB")),
  table: Resource.Table.name,
}));

const store = /* @__PURE__ */ once(() => createDynamoStore(tableDeps()));

const hookStore = /* @__PURE__ */ once(() => createHookStore({ table: createTable(tableDeps()) }));

/** Numbers of the drop-in facade, and where the tasks of those that name no address are posted. */
const facade = /* @__PURE__ */ once(() => ({
  facadeStore: createFacadeStore(createTable(tableDeps())),
  facadeHook: env["MJFLOW_FACADE_NOTIFY_HOOK"] || undefined,
}));

const queue = /* @__PURE__ */ once(() =>
  createSqsQueue({
    client: new SQSClient(endpoint("SQS")),
    urls: {
      submit: () => Resource.SubmitQueue.url,
      deliver: () => Resource.DeliverQueue.url,
      archive: () => Resource.ArchiveQueue.url,
    },
  }),
);

/** Most flows carry no image: the S3 client is loaded by those that do. */
const s3 = /* @__PURE__ */ once(async () => {
  const { S3Client } = await import("@aws-sdk/client-s3");
  return new S3Client({ ...endpoint("S3"), forcePathStyle: Boolean(env["AWS_ENDPOINT_URL_S3"]) });
});

const blobs = /* @__PURE__ */ once(() => createS3Blobs({ client: s3, bucket: Resource.Blobs.name }));

/** The only way to addresses that others named; `MJFLOW_OUTBOUND_ALLOW` is for the local house, whose vendor is on it. */
const allow = (env["MJFLOW_OUTBOUND_ALLOW"] ?? "").split(",").filter((entry) => entry !== "");
const outbound = /* @__PURE__ */ once(() => createOutbound({ allow }));
const guard = /* @__PURE__ */ once(() => createGuard({ allow }));

const vault = /* @__PURE__ */ once(() =>
  createVault(liveKeys(Resource.VaultKey.value, Resource.PreviousVaultKey.value)),
);

/** Links to pictures, good for anyone who was given one. */
function mediaLinks(baseUrl: string) {
  return createMediaLinks({ keys: liveKeys(Resource.VaultKey.value, Resource.PreviousVaultKey.value), baseUrl });
}

/** Where apps reach the API, if not at its function's own address. */
const apiUrl = () => env["MJFLOW_API_URL"] || undefined;

/** Only where the stage has one. */
const busName = env["MJFLOW_BUS"] || undefined;
const bus = /* @__PURE__ */ once(() => busName && createEventBus({ name: busName, ...endpoint("EVENTBRIDGE") }));

function newWebhookSecret(scheme: Scheme): { secret: string; publicKey?: string } {
  if (scheme === "v1") return { secret: newSecret(random.bytes(32)) };
  const { privateKey, publicKey } = newKeyPair(random.bytes(32));
  return { secret: privateKey, publicKey };
}

/** As large as a vendor's video gets; Lambda's disk holds 512 MB. */
const MEDIA_BYTES = 200 * 1024 * 1024;
/** A grid is decoded in memory. */
const GRID_BYTES = 50 * 1024 * 1024;
// Of five pictures, fetched one after another, within the function's own two minutes.
const MEDIA_TIMEOUT_MS = 20_000;

/** The bucket's own names, for links that S3 signs. */
const bucket = /* @__PURE__ */ once(() => ({ client: s3, name: Resource.Blobs.name }));

const media = /* @__PURE__ */ once(
  (): Media => ({
    async copy(request) {
      const { copyToBucket } = await import("@mjflow/media/copy");
      const limits = { maxBytes: MEDIA_BYTES, timeoutMs: MEDIA_TIMEOUT_MS };
      return copyToBucket({ outbound: outbound(), bucket: bucket() }, { ...request, ...limits });
    },
    async tile(request) {
      const { cutToBucket } = await import("@mjflow/media/cut");
      return cutToBucket({ bucket: bucket() }, { ...request, n: request.n as TileNumber, maxBytes: GRID_BYTES });
    },
  }),
);

/** Where a browser fetches an object, for minutes. */
async function objectUrl(key: string): Promise<string> {
  const { signedUrl } = await import("@mjflow/media/sign");
  return signedUrl(
    { bucket: bucket(), cdnBaseUrl: env["MJFLOW_CDN_URL"] || undefined },
    { key, expiresS: OBJECT_URL_S },
  );
}
const OBJECT_URL_S = 900;

const vendorStore = /* @__PURE__ */ once(() => createVendorStore(createTable(tableDeps())));

/** The vault is opened by the first stored account: a stage that has none needs none here. */
const opener: Pick<Vault, "open"> = { open: (sealed, context) => vault().open(sealed, context) };

/** Those of the secret `Providers`, and accounts that the operator stored. */
function vendors(log: FunctionLog) {
  const config = JSON.parse(Resource.Providers.value) as ProvidersConfig;
  const configured = createProviders(config, { fetch, submitTimeoutMs: timings().answerMs });
  const { beliefMs } = timings();
  return createVendors({ configured, vendorStore: vendorStore(), vault: opener, clock, log, beliefMs });
}

/** @param callbackUrl only the minting side needs it */
function hooks(callbackUrl: string) {
  return createHooks({ keys: liveKeys(Resource.HookKey.value, Resource.PreviousHookKey.value), callbackUrl });
}

/** Newest first; the one before only while there is one. */
function liveKeys(...keys: string[]): string[] {
  return keys.filter((key) => key.trim() !== "");
}

function log(name: string): FunctionLog {
  const level = (env["MJFLOW_LOG"] ?? "info") as Level;
  const stage = env["AWS_LAMBDA_FUNCTION_NAME"] === undefined ? undefined : Resource.App.stage;
  return createLog({ name, level, stage });
}

type Base = Pick<Deps, "store" | "queue" | "clock" | "timings"> & { log: FunctionLog };

function base(name: string): Base {
  return { store: store(), queue: queue(), clock, timings: timings(), log: log(name) };
}

function withAccounts<T extends Base & { vendorStore?: VendorStore }>(parts: T) {
  return { ...parts, accounts: createAccounts(parts) };
}

function withVendors<T extends Base>(parts: T) {
  const known = vendors(parts.log);
  return { ...parts, vendors: known, providers: known, vendorStore: vendorStore() };
}

const webhooks: WebhookSender = { send: (webhook) => sendWebhook(outbound(), webhook, clock.now()) };

/** `MJFLOW_BANNED_WORDS`: what this stage sends to nobody, whatever its operator stores besides. */
function withBanned<T extends Base & { vendorStore: VendorStore }>(parts: T) {
  const configured = bannedWordsOf(env["MJFLOW_BANNED_WORDS"] ?? "");
  return { ...parts, banned: createBanned({ ...parts, configured, beliefMs: parts.timings.beliefMs }) };
}

export const wireApi = /* @__PURE__ */ once(() => ({
  ...withBanned(withAccounts(withVendors(base("api")))),
  blobs: blobs(),
  random,
  ...facade(),
  defaultProvider: env["MJFLOW_DEFAULT_PROVIDER"] || undefined,
  apiKeys: [apiKeyOf("app_default", Resource.ApiKey.value)],
  hookStore: hookStore(),
  listeners: createListeners({
    hookStore: hookStore(),
    clock,
    beliefMs: timings().beliefMs,
    bus: busName !== undefined,
  }),
  vault: vault(),
  newWebhookSecret,
  mediaLinks,
  webhooks,
  objectionTo(url: string): string | undefined {
    const verdict = guard().judge(url);
    return verdict.ok ? undefined : verdict.why;
  },
  sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  apiUrl: apiUrl(),
  objectUrl,
  storeProgress: env["MJFLOW_PROGRESS"] === "on",
  archive: env["MJFLOW_ARCHIVE"] === "on",
  resubmit: env["MJFLOW_RESUBMIT"] === "never" ? ("never" as const) : ("after-grace" as const),
}));

export const wireCallback = /* @__PURE__ */ once(() => withAccounts({ ...base("callback"), hooks: hooks("") }));

export const wireSubmit = /* @__PURE__ */ once(() =>
  withAccounts({
    ...withVendors(base("submit")),
    blobs: blobs(),
    random,
    hooks: hooks(Resource.Callback.url),
  }),
);

export const wireSweep = /* @__PURE__ */ once(() =>
  withAccounts({ ...withVendors(base("sweep")), random, hookStore: hookStore() }),
);

export const wireDeliver = /* @__PURE__ */ once(() => ({
  ...base("deliver"),
  hookStore: hookStore(),
  random,
  vault: vault(),
  outbound: outbound(),
  webhooks,
  bus: bus() || undefined,
  newWebhookSecret,
  mediaUrl: mediaLinks(apiUrl() ?? Resource.Api.url).url,
  facade: createFacadeListener(facade(), mediaLinks(apiUrl() ?? Resource.Api.url).url),
}));

export const wireArchive = /* @__PURE__ */ once(() => ({ ...base("archive"), media: media() }));

export const wireDeadletter = /* @__PURE__ */ once(() => base("deadletter"));
