import type { ArchiveMode } from "@mjflow/core/archive-mode";
import { bannedWordsOf } from "@mjflow/core/banned";
import { parseCorsOrigins } from "@mjflow/core/cors";
import { STREAMS } from "@mjflow/core/limit";
import type { AccountTester } from "@mjflow/core/port";
import type { Choices } from "@mjflow/core/setting";
import { createBannedWordsCheck } from "@mjflow/engine/banned";
import { createProcessSlots, createStreamLimiter } from "@mjflow/engine/stream-limit";
import { createSubscriptions } from "@mjflow/engine/subscriptions";
import { createSqsDepths } from "@mjflow/queue/depth";
import { createMarkStore } from "@mjflow/store/mark";
import { createUploadCounts } from "@mjflow/store/upload-count";
import { createWriteCheck } from "@mjflow/store/write-check";
import { Resource } from "sst/resource";
import type { Streams } from "../http/env.ts";
import { apiKeyOf } from "../http/operator-key.ts";
import {
  baseDeps,
  clock,
  env,
  lazy,
  queueDepths,
  queueUrls,
  random,
  sleep,
  sqs,
  table,
  timings,
  withAccounts,
} from "./base.ts";
import { blobs, objects, objectUrl } from "./bucket.ts";
import { images } from "./image.ts";
import { apiUrl, consoleUrl, mediaLinks } from "./link.ts";
import { busName, guard, mjTaskIds, newWebhookSecret, vault, webhookStore, webhooks } from "./outgoing.ts";
import { translator } from "./translate.ts";
import { withVendors } from "./vendor.ts";

function archiveMode(setting: Choices["MJFLOW_ARCHIVE"]): ArchiveMode {
  return setting === "later" ? setting : setting === "on";
}

/**
 * The local server sets `MJFLOW_STREAMS` to `here`: it consists of one process, which also holds the streams. A deployment
 * has a function for them. `MJFLOW_STREAM_URL` is its address, if apps reach it through a domain of the operator.
 */
function streams(): Streams {
  if (env["MJFLOW_STREAMS"] !== "here") return { follow: "read", url: env["MJFLOW_STREAM_URL"] || Resource.Stream.url };
  const limiter = createStreamLimiter({ slots: createProcessSlots(), clock, random, ...STREAMS.local });
  return { follow: "stream", limiter };
}

export const composeApi = /* @__PURE__ */ lazy(() => {
  const parts = withAccounts(withVendors(baseDeps("api")));
  const { beliefMs } = timings();
  /** Banned words of the deployment's configuration. The stored list of the operator is added to them. */
  const configured = bannedWordsOf(env["MJFLOW_BANNED_WORDS"] ?? "");
  return {
    ...parts,
    queueDepths:
      queueDepths() ??
      createSqsDepths({ client: sqs, urls: { ...queueUrls, "dead-letters": () => Resource.DeadLetters.url } }),
    banned: createBannedWordsCheck({ ...parts, configured, cacheTtlMs: beliefMs }),
    checkStorage: createWriteCheck({ table: table(), now: clock.now }),
    blobs: blobs(),
    images: images(),
    objects: objects(),
    uploadCounts: createUploadCounts(table()),
    markStore: createMarkStore(table()),
    translator: translator(),
    random,
    ...mjTaskIds(),
    defaultProvider: env["MJFLOW_DEFAULT_PROVIDER"] || undefined,
    apiKeys: [apiKeyOf("app_default", Resource.ApiKey.value)],
    webhookStore: webhookStore(),
    subscriptions: createSubscriptions({
      webhookStore: webhookStore(),
      clock,
      cacheTtlMs: beliefMs,
      bus: busName !== undefined,
    }),
    vault: vault(),
    accountTester: {
      test: async (...account) => (await import("./account-test.ts")).test(...account),
    } satisfies AccountTester,
    newWebhookSecret,
    mediaLinks,
    webhooks,
    urlProblem(url: string): string | undefined {
      const checked = guard().check(url);
      return checked.ok ? undefined : checked.why;
    },
    sleep,
    apiUrl: apiUrl(),
    consoleUrl: consoleUrl(),
    streams: streams(),
    corsOrigins: parseCorsOrigins(env["MJFLOW_CORS_ORIGINS"] ?? ""),
    objectUrl,
    storeProgress: env["MJFLOW_PROGRESS"] === "on",
    archive: archiveMode(env["MJFLOW_ARCHIVE"]),
    deliveryLog: env["MJFLOW_DELIVERY_LOG"] !== "off",
    resubmit: env["MJFLOW_RESUBMIT"] || "after-grace",
  };
});
