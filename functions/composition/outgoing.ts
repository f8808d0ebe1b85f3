/** HTTP requests to URLs that apps and vendors name, and the signing and encryption for them. */
import type { Scheme } from "@mjflow/core/endpoint";
import type { WebhookSender } from "@mjflow/engine/deliver";
import { createVault } from "@mjflow/engine/vault";
import { createMjTaskIdStore } from "@mjflow/store/mj-task-id";
import { createWebhookStore } from "@mjflow/store/webhook";
import { createOutbound } from "@mjflow/webhooks/outbound";
import { sendWebhook } from "@mjflow/webhooks/send";
import { newKeyPair, newSecret } from "@mjflow/webhooks/sign";
import { createUrlGuard } from "@mjflow/webhooks/url-guard";
import { clock, dueShards, lazy, random, table } from "./base.ts";
import { vaultKeys } from "./link.ts";

const env = process.env;

/**
 * Exceptions from the URL guard, comma-separated. Only the local server sets `MJFLOW_OUTBOUND_ALLOW`, because its
 * simulated vendor has a local address. Every request to a URL of others must use `outbound`.
 */
export const allow: readonly string[] = (env["MJFLOW_OUTBOUND_ALLOW"] ?? "").split(",").filter((entry) => entry !== "");
export const outbound = /* @__PURE__ */ lazy(() => createOutbound({ allow }));
export const guard = /* @__PURE__ */ lazy(() => createUrlGuard({ allow }));

export const webhooks: WebhookSender = { send: (webhook) => sendWebhook(outbound(), webhook, clock.now()) };

export const webhookStore = /* @__PURE__ */ lazy(() => createWebhookStore({ table: table(), dueShards }));

/**
 * Compat task ids, the URL that receives tasks of compat API requests without `notifyHook`, and the apps with public
 * images.
 */
export const mjTaskIds = /* @__PURE__ */ lazy(() => ({
  mjTaskIds: createMjTaskIdStore(table(), { dueShards }),
  mjNotifyHook: env["MJFLOW_FACADE_NOTIFY_HOOK"] || undefined,
  mjPublicImages: (env["MJFLOW_MJ_PUBLIC_IMAGES"] ?? "").split(",").flatMap((id) => id.trim() || []),
}));

export const vault = /* @__PURE__ */ lazy(() => createVault(vaultKeys()));

/** Name of the event bus. Unset: the deployment has none. */
export const busName = env["MJFLOW_BUS"] || undefined;

export function newWebhookSecret(scheme: Scheme): { secret: string; publicKey?: string } {
  if (scheme === "v1") return { secret: newSecret(random.bytes(32)) };
  const { privateKey, publicKey } = newKeyPair(random.bytes(32));
  return { secret: privateKey, publicKey };
}
