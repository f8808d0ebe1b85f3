/** Each setting that functions/composition/ reads reaches the part that depends on it. */
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Store } from "@mjflow/core/port";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { composeApi } from "../../functions/composition/api.ts";
import type { composeDeliver } from "../../functions/composition/deliver.ts";
import type { composeStream } from "../../functions/composition/stream.ts";
import type { composeSubmit } from "../../functions/composition/submit.ts";
import { taskIn } from "../conformance/factory.ts";
import { TOKEN_KEY } from "../support/harness.ts";
import { createMemoryQueue } from "../support/memory/queue.ts";
import { createMemoryTable } from "../support/memory/table.ts";

const FOLDER = new URL("../../functions/composition/", import.meta.url);
/** The same as in `entry-points.test.ts`: a process reads these values once, and may run both files. */
const SECRET = TOKEN_KEY;
const RESOURCES = {
  App: { name: "mjflow", stage: "test" },
  Table: { name: "table" },
  SubmitQueue: { url: "https://queue.test/submit" },
  DeliverQueue: { url: "https://queue.test/deliver" },
  ArchiveQueue: { url: "https://queue.test/archive" },
  DeadLetters: { url: "https://queue.test/dead" },
  Blobs: { name: "blobs" },
  HookKey: { value: SECRET },
  PreviousHookKey: { value: "" },
  VaultKey: { value: SECRET },
  PreviousVaultKey: { value: "" },
  ApiKey: { value: "mjk_operator" },
  Providers: { value: "{}" },
  TranslateKey: { value: SECRET },
  Api: { url: "https://function.test" },
  Stream: { url: "https://stream.test" },
  Callback: { url: "https://callback.test" },
};

interface Composed {
  api: ReturnType<typeof composeApi>;
  deliver: ReturnType<typeof composeDeliver>;
  stream: ReturnType<typeof composeStream>;
  submit: ReturnType<typeof composeSubmit>;
}

/** Settings that mean something only together with another one. */
const TOGETHER: Record<string, Record<string, string>> = {
  MJFLOW_TRANSLATE_MODEL: { MJFLOW_TRANSLATE_URL: "https://translator.test/v1" },
  MJFLOW_TRANSLATE_URL: { MJFLOW_TRANSLATE_MODEL: "a-model" },
};

/** Composes the parts of the functions again, with only this setting and those that it needs. */
async function compose(name: string, value: string | undefined): Promise<Composed> {
  vi.resetModules();
  for (const other of Object.keys(process.env).filter((key) => key.startsWith("MJFLOW_"))) vi.stubEnv(other, undefined);
  for (const [key, resource] of Object.entries(RESOURCES)) vi.stubEnv(`SST_RESOURCE_${key}`, JSON.stringify(resource));
  vi.stubEnv("AWS_REGION", "us-east-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  for (const [other, needed] of Object.entries(TOGETHER[name] ?? {})) vi.stubEnv(other, needed);
  vi.stubEnv(name, value);
  const { useLocalBackend } = await import("../../functions/composition/base.ts");
  useLocalBackend({
    table: createMemoryTable(),
    queue: createMemoryQueue({ now: Date.now, visibilityMs: 1_000, maxReceiveCount: 5 }),
    queueDepths: async () => [],
    bucketEndpoint: async () => "http://127.0.0.1:1",
    together: async (work) => work(),
  });
  const api = (await import("../../functions/composition/api.ts")).composeApi();
  const deliver = (await import("../../functions/composition/deliver.ts")).composeDeliver();
  const stream = (await import("../../functions/composition/stream.ts")).composeStream();
  const submit = (await import("../../functions/composition/submit.ts")).composeSubmit();
  return { api, deliver, stream, submit };
}

/** Number of streams that these apps can open. */
async function streamsOpened({ streams }: Composed["stream"], apps: string[]): Promise<number> {
  let opened = 0;
  for (const app of apps) if ((await streams.limiter.acquire(app)).ok) opened++;
  return opened;
}

/** The part of a callback URL before its path. */
function callbackBaseOf({ callbackTokens }: Composed["submit"]): string {
  const task = {
    flowId: "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD",
    path: "0",
    attempt: 1,
    provider: "fake",
    account: "default",
  };
  return callbackTokens.url({ ...task, expiresAt: 0, progress: false, calling: false }).split("/callbacks/")[0]!;
}

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** Returns whether a webhook to this machine is sent. */
async function isLoopbackAllowed({
  webhooks,
  newWebhookSecret,
}: Pick<Composed["deliver"], "webhooks" | "newWebhookSecret">): Promise<boolean> {
  const server = createServer((_, response) => response.end());
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const outcome = await webhooks.send({ url, id: "evt_1", body: "{}", secrets: [newWebhookSecret("v1").secret] });
  server.close();
  return outcome.kind === "answered";
}

/** Stores a task that is due. @returns where the due index has it */
async function duePartitionOfTask(store: Store): Promise<string[]> {
  await store.createTask(taskIn("flow_01HZZZZZZZZZZZZZZZZZZZZZZA", "0", { due: 1 }));
  return (await store.duePartitions(1)).map(({ name }) => name);
}

const IMAGE = "media/a.png";

async function signedUpload({ images }: Composed["api"]): Promise<URL> {
  return new URL(await images.presign({ key: "uploads/a/b", contentType: "image/png", bytes: 9, expiresS: 900 }));
}

type Probe = (composed: Composed) => unknown;
/** A value of each setting, what it changes, and that value with and without the setting. */
const SETTINGS: Record<string, [value: string, probe: Probe, withIt: unknown, without: unknown][]> = {
  MJFLOW_API_URL: [
    ["https://api.test", ({ api }) => api.apiUrl, "https://api.test", undefined],
    [
      "https://api.test",
      ({ deliver }) => new URL(deliver.links.media(IMAGE)).origin,
      "https://api.test",
      "https://function.test",
    ],
  ],
  MJFLOW_ARCHIVE: [
    ["on", ({ api }) => api.archive, true, false],
    ["later", ({ api }) => api.archive, "later", false],
  ],
  MJFLOW_BANNED_WORDS: [
    [
      "blue movie",
      ({ api }) =>
        api.banned.assertAllowed([{ field: "prompt", text: "a blue movie" }]).then(
          () => "allowed",
          (error) => error.code,
        ),
      "banned_prompt",
      "allowed",
    ],
  ],
  MJFLOW_BUCKET_URL: [
    ["https://a.test", async ({ api }) => new URL(await api.objectUrl(IMAGE)).hostname, "a.test", "127.0.0.1"],
    ["https://a.test", async ({ api }) => (await signedUpload(api)).hostname, "a.test", "127.0.0.1"],
    // With the checksum of an empty body S3 would reject every image.
    ["https://a.test", async ({ api }) => (await signedUpload(api)).search.includes("checksum"), false, false],
  ],
  MJFLOW_BUS: [
    ["bus", async ({ api }) => (await api.subscriptions.eventMask("app_default", {})) > 0, true, false],
    ["bus", ({ deliver }) => deliver.bus !== undefined, true, false],
  ],
  MJFLOW_CALLBACK_URL: [
    [
      "https://proxy.test/mj/",
      ({ submit }) => callbackBaseOf(submit),
      "https://proxy.test/mj",
      "https://callback.test",
    ],
  ],
  MJFLOW_CDN_URL: [
    ["https://cdn.test", async ({ api }) => new URL(await api.objectUrl(IMAGE)).hostname, "cdn.test", "127.0.0.1"],
  ],
  MJFLOW_CONSOLE_URL: [
    ["https://console.test", ({ api }) => api.consoleUrl, "https://console.test", undefined],
    ["https://console.test", ({ stream }) => stream.consoleUrl, "https://console.test", undefined],
    ["https://console.test", ({ deliver }) => deliver.links.console, "https://console.test/", undefined],
  ],
  MJFLOW_CORS_ORIGINS: [
    ["https://a.test,https://b.test", ({ api }) => api.corsOrigins, ["https://a.test", "https://b.test"], []],
  ],
  MJFLOW_DEFAULT_PROVIDER: [["cometapi", ({ api }) => api.defaultProvider, "cometapi", undefined]],
  MJFLOW_DUE_SHARDS: [
    ["1", ({ api }) => duePartitionOfTask(api.store), ["due#repair#0"], ["due#repair#2"]],
    ["0", ({ api }) => duePartitionOfTask(api.store), ["due#2"], ["due#repair#2"]],
  ],
  MJFLOW_FACADE_NOTIFY_HOOK: [
    ["https://mj.test/hook", ({ api }) => api.mjNotifyHook, "https://mj.test/hook", undefined],
  ],
  MJFLOW_LOG: [
    [
      "error",
      ({ api }) => {
        const written = vi.spyOn(process.stdout, "write").mockReturnValue(true);
        api.log.warn("test");
        return written.mock.calls.length;
      },
      0,
      1,
    ],
  ],
  MJFLOW_MJ_PUBLIC_IMAGES: [["app_1, app_2", ({ api }) => api.mjPublicImages, ["app_1", "app_2"], []]],
  MJFLOW_OUTBOUND_ALLOW: [
    ["127.0.0.1:*", ({ api }) => api.urlProblem("http://127.0.0.1:9/") === undefined, true, false],
    ["127.0.0.1:*", ({ api }) => isLoopbackAllowed(api), true, false],
    ["127.0.0.1:*", ({ deliver }) => isLoopbackAllowed(deliver), true, false],
  ],
  MJFLOW_PROGRESS: [["on", ({ api }) => api.storeProgress, true, false]],
  MJFLOW_DELIVERY_LOG: [["off", ({ api }) => api.deliveryLog, false, true]],
  MJFLOW_RESUBMIT: [["never", ({ api }) => api.resubmit, "never", "after-grace"]],
  MJFLOW_STREAMS: [
    ["here", ({ api }) => api.streams.follow, "stream", "read"],
    ["here", ({ api }) => api.streams.url, undefined, "https://stream.test"],
  ],
  MJFLOW_STREAM_URL: [
    ["https://streams.example.com", ({ api }) => api.streams.url, "https://streams.example.com", "https://stream.test"],
  ],
  MJFLOW_STREAMS_PER_APP: [["0", ({ stream }) => streamsOpened(stream, ["app_a"]), 0, 1]],
  MJFLOW_STREAMS_PER_DEPLOYMENT: [["1", ({ stream }) => streamsOpened(stream, ["app_a", "app_b"]), 1, 2]],
  MJFLOW_SUBMIT_WORKERS: [["20", ({ submit }) => submit.callLimit !== undefined, true, false]],
  MJFLOW_TIMINGS: [
    ['{"beliefMs":1234}', ({ api }) => api.timings.beliefMs, 1_234, 30_000],
    ['{"beliefMs":1234}', ({ deliver }) => deliver.timings.beliefMs, 1_234, 30_000],
  ],
  MJFLOW_TRANSLATE_MODEL: [["a-model", ({ api }) => api.translator !== undefined, true, false]],
  MJFLOW_TRANSLATE_URL: [["https://translator.test/v1", ({ api }) => api.translator !== undefined, true, false]],
  MJFLOW_FAN_OUT: [
    ["each", ({ api }) => api.fanOut, "each", "one"],
    ["each", ({ deliver }) => deliver.fanOut, "each", "one"],
  ],
  MJFLOW_WEBHOOK_FIRST_TIMEOUT_S: [["5", ({ deliver }) => deliver.timings.webhookFirstMs, 5_000, 3_000]],
};

test("every setting that functions/composition/ reads is in this test", () => {
  const sources = readdirSync(FOLDER).map((file) => readFileSync(new URL(file, FOLDER), "utf8"));
  const read = sources.flatMap((source) => [...source.matchAll(/\benv\["(MJFLOW_\w+)"\]/g)].map(([, name]) => name!));
  expect([...new Set(read)].sort()).toEqual(Object.keys(SETTINGS).sort());
});

describe.each(Object.entries(SETTINGS))("%s", (name, cases) => {
  test("reaches each part that depends on it, and an unset or empty value is the default", async () => {
    for (const [value, probe, withIt, without] of cases) {
      expect(await probe(await compose(name, value))).toEqual(withIt);
      vi.restoreAllMocks();
      for (const unset of [undefined, ""]) {
        expect(await probe(await compose(name, unset)), `${name}=${unset}`).toEqual(without);
        vi.restoreAllMocks();
      }
    }
  });
});

test.each([
  ["MJFLOW_SUBMIT_WORKERS", "2"],
  ["MJFLOW_SUBMIT_WORKERS", ""],
])("a deployed submit worker sends one request with images at a time, with %s=%j", async (name, value) => {
  vi.stubEnv("AWS_LAMBDA_FUNCTION_NAME", "Submit");
  const { imageSemaphore } = (await compose(name, value)).submit;
  expect([imageSemaphore.tryAcquire(), imageSemaphore.tryAcquire()]).toEqual([true, false]);
});

test("the functions of the local server share what they know of the accounts, and those of a deployment do not", async () => {
  const local = await compose("MJFLOW_PROGRESS", undefined);
  expect(local.submit.accounts).toBe(local.api.accounts);
  const { baseDeps, useLocalBackend, withAccounts } = await import("../../functions/composition/base.ts");
  const parts = baseDeps("submit");
  useLocalBackend(undefined);
  expect(withAccounts(parts).accounts).not.toBe(withAccounts(parts).accounts);
});
