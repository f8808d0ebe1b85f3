/** The way out to addresses that others named, and what is signed and sealed on it. */
import type { Scheme } from "@mjflow/core/endpoint";
import type { WebhookSender } from "@mjflow/engine/deliver";
import { createMediaLinks } from "@mjflow/engine/media-link";
import { createVault } from "@mjflow/engine/vault";
import { createMjTaskIdStore } from "@mjflow/store/mj-task-id";
import { createWebhookStore } from "@mjflow/store/webhook";
import { createOutbound } from "@mjflow/webhooks/outbound";
import { sendWebhook } from "@mjflow/webhooks/send";
import { newKeyPair, newSecret } from "@mjflow/webhooks/sign";
import { createUrlGuard } from "@mjflow/webhooks/url-guard";
import { Resource } from "sst";
import { activeKeys, clock, lazy, random, table } from "./base.ts";

const env = process.env;

/** The only way to addresses that others named; `MJFLOW_OUTBOUND_ALLOW` is for the local house, whose vendor is on it. */
const allow = (env["MJFLOW_OUTBOUND_ALLOW"] ?? "").split(",").filter((entry) => entry !== "");
export const outbound = /* @__PURE__ */ lazy(() => createOutbound({ allow }));
export const guard = /* @__PURE__ */ lazy(() => createUrlGuard({ allow }));

export const webhooks: WebhookSender = { send: (webhook) => sendWebhook(outbound(), webhook, clock.now()) };

export const webhookStore = /* @__PURE__ */ lazy(() => createWebhookStore({ table: table() }));

/** Numbers of the drop-in facade, and where the tasks of those that name no address are posted. */
export const mjTaskIds = /* @__PURE__ */ lazy(() => ({
  mjTaskIds: createMjTaskIdStore(table()),
  mjNotifyHook: env["MJFLOW_FACADE_NOTIFY_HOOK"] || undefined,
}));

const vaultKeys = () => activeKeys(Resource.VaultKey.value, Resource.PreviousVaultKey.value);

export const vault = /* @__PURE__ */ lazy(() => createVault(vaultKeys()));

/** Links to pictures, good for anyone who was given one. */
export function mediaLinks(baseUrl: string) {
  return createMediaLinks({ keys: vaultKeys(), baseUrl });
}

/** Where apps reach the API, if not at its function's own address. */
export const apiUrl = () => env["MJFLOW_API_URL"] || undefined;

/** Only where the stage has one. */
export const busName = env["MJFLOW_BUS"] || undefined;

export function newWebhookSecret(scheme: Scheme): { secret: string; publicKey?: string } {
  if (scheme === "v1") return { secret: newSecret(random.bytes(32)) };
  const { privateKey, publicKey } = newKeyPair(random.bytes(32));
  return { secret: privateKey, publicKey };
}
