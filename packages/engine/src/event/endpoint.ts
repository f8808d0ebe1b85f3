/** Webhook endpoints, managed by apps: create, update, rotate the secret, enable, disable and delete. */
import { FLOW_HOOK_LISTENER } from "@mjflow/core/delivery";
import {
  activeSecrets,
  ENDPOINTS_PER_APP,
  type Endpoint,
  endpointIdOf,
  reenabled,
  type Scheme,
  SECRET_OVERLAP_MS,
  withClosedBreaker,
  withRotatedSecret,
} from "@mjflow/core/endpoint";
import { MjflowError } from "@mjflow/core/error";
import type { EventType } from "@mjflow/core/event";
import type { WebhookStore } from "@mjflow/core/port";
import { type Vault, VaultError } from "../app/vault.ts";
import type { EngineDeps } from "../deps.ts";
import { deleteWithRetry, startWith, updateWithRetry } from "../step/update-with-retry.ts";

export interface EndpointDeps extends Pick<EngineDeps, "clock" | "random" | "log"> {
  webhookStore: WebhookStore;
  vault: Pick<Vault, "seal">;
  /** Creates a secret. For `v1a`, `secret` is the private key and is never shown. */
  newWebhookSecret(scheme: Scheme): { secret: string; publicKey?: string };
}

export interface EndpointFields {
  url: string;
  events?: EventType[];
  scheme?: Scheme;
  description?: string;
}

/** An endpoint with its new secret, which is shown only once. Unset for `v1a`: only the public key is shown. */
export interface EndpointWithSecret {
  endpoint: Endpoint;
  secret?: string;
}

/** @throws MjflowError `limit_reached` if the app has the maximum number of endpoints */
export async function createEndpoint(
  deps: EndpointDeps,
  appId: string,
  fields: EndpointFields,
): Promise<EndpointWithSecret> {
  const others = (await deps.webhookStore.endpoints(appId)).filter(({ id }) => id !== FLOW_HOOK_LISTENER);
  if (others.length >= ENDPOINTS_PER_APP) {
    throw new MjflowError("limit_reached", { detail: `An app has at most ${ENDPOINTS_PER_APP} endpoints.` });
  }
  const id = endpointIdOf(deps.clock.now(), deps.random.bytes(10));
  const created = newEndpoint(deps, appId, id, fields);
  const saved = await deps.webhookStore.saveEndpoint(created.endpoint);
  if (!saved.ok) throw new MjflowError("overloaded", { detail: "The id of the new endpoint already exists." });
  deps.log.info("endpoint.created", { app: appId, endpoint: id });
  return { ...created, endpoint: saved.item };
}

/**
 * Returns the stored entry whose secret signs webhooks to `notifyHook` URLs of flows. There is one per app; it is
 * created on first use.
 */
export async function ensureFlowHookEndpoint(deps: EndpointDeps, appId: string): Promise<Endpoint> {
  const existing = await deps.webhookStore.endpoint(appId, FLOW_HOOK_LISTENER);
  if (existing) return existing;
  const saved = await deps.webhookStore.saveEndpoint(
    newEndpoint(deps, appId, FLOW_HOOK_LISTENER, { scheme: "v1" }).endpoint,
  );
  // After a write conflict, `current` is the entry that another request created.
  return saved.ok ? saved.item : saved.current!;
}

/** Context of the encryption: a secret can be decrypted only for its own endpoint. */
export function secretContext({ appId, id }: Pick<Endpoint, "appId" | "id">): string {
  return `endpoint/${appId}/${id}`;
}

/**
 * Decrypts the active secrets of an endpoint. Secrets that no configured vault key can decrypt are left out.
 * @returns empty if none can be decrypted
 */
export function readableSecrets(vault: Pick<Vault, "open">, endpoint: Endpoint, now: number): string[] {
  const context = secretContext(endpoint);
  return activeSecrets(endpoint, now).flatMap(({ sealed }) => {
    try {
      return [vault.open(sealed, context)];
    } catch (error) {
      if (error instanceof VaultError) return [];
      throw error;
    }
  });
}

function newEndpoint(
  deps: EndpointDeps,
  appId: string,
  id: string,
  fields: Partial<EndpointFields>,
): EndpointWithSecret {
  const scheme = fields.scheme ?? "v1";
  const { secret, publicKey } = deps.newWebhookSecret(scheme);
  const sealed = deps.vault.seal(secret, secretContext({ appId, id }));
  const { url, events, description } = fields;
  const createdAt = deps.clock.now();
  const endpoint = { appId, id, rev: 0, url, events, description, scheme, secrets: [{ sealed }], publicKey, createdAt };
  return { endpoint, ...(scheme === "v1" && { secret }) };
}

/** @throws MjflowError `not_found` */
export async function getEndpoint({ webhookStore }: Pick<EndpointDeps, "webhookStore">, appId: string, id: string) {
  const endpoint = await webhookStore.endpoint(appId, id);
  if (!endpoint) throw new MjflowError("not_found");
  return endpoint;
}

export interface EndpointPatch {
  url?: string;
  events?: EventType[] | null;
  description?: string | null;
  enabled?: boolean;
}

/**
 * Changes an endpoint. When an endpoint is enabled again, its earlier failures are cleared.
 * @throws MjflowError `not_found`, `write_conflict`
 */
export async function updateEndpoint(deps: EndpointDeps, appId: string, id: string, patch: EndpointPatch) {
  const { enabled, events, description, url } = patch;
  const now = deps.clock.now();
  // Another URL is another receiver, so earlier faults do not count.
  const moved = (endpoint: Endpoint) => (url === undefined ? endpoint : { ...withClosedBreaker(endpoint, now), url });
  return updateEndpointWithRetry(deps, appId, id, (endpoint) => ({
    ...moved(enabled === true ? reenabled(endpoint, now) : endpoint),
    ...(events !== undefined && { events: events ?? undefined }),
    ...(description !== undefined && { description: description ?? undefined }),
    ...(enabled === false && { disabledAt: endpoint.disabledAt ?? deps.clock.now(), disabledWhy: "by_app" as const }),
  }));
}

/**
 * Creates a new secret. The previous secret also signs for `overlapMs`.
 * @throws MjflowError `not_found`, `write_conflict`
 */
export async function rotateSecret(
  deps: EndpointDeps,
  appId: string,
  id: string,
  overlapMs = SECRET_OVERLAP_MS,
): Promise<EndpointWithSecret> {
  const { scheme } = await getEndpoint(deps, appId, id);
  const { secret, publicKey } = deps.newWebhookSecret(scheme);
  const sealed = deps.vault.seal(secret, secretContext({ appId, id }));
  const endpoint = await updateEndpointWithRetry(deps, appId, id, (e) =>
    withRotatedSecret(e, sealed, publicKey, deps.clock.now(), overlapMs),
  );
  deps.log.info("endpoint.rotated", { app: appId, endpoint: id });
  return { endpoint, ...(scheme === "v1" && { secret }) };
}

/**
 * Encrypts the same secrets with the newest vault key. Receivers notice no change.
 * @throws VaultError if the old vault key is missing
 */
export async function reencryptEndpoint(
  deps: EndpointDeps & { vault: Vault },
  { appId, id }: Pick<Endpoint, "appId" | "id">,
) {
  const context = secretContext({ appId, id });
  const reencrypted = (sealed: string) =>
    deps.vault.isCurrent(sealed) ? sealed : deps.vault.seal(deps.vault.open(sealed, context), context);
  await updateEndpointWithRetry(deps, appId, id, (endpoint) => ({
    ...endpoint,
    secrets: endpoint.secrets.map((secret) => ({ ...secret, sealed: reencrypted(secret.sealed) })),
  }));
}

/**
 * Deletes an endpoint. A row that a worker has changed after the read is not deleted, so it is read again.
 * @throws MjflowError `not_found`, `write_conflict`
 */
export async function deleteEndpoint(deps: EndpointDeps, appId: string, id: string): Promise<void> {
  const endpoint = await getEndpoint(deps, appId, id);
  if (endpoint.url === undefined) throw new MjflowError("not_found");
  await deleteWithRetry(endpoint, {
    remove: (row) => deps.webhookStore.deleteEndpoint(row),
    read: () => deps.webhookStore.endpoint(appId, id),
    maxRetries: MAX_CONFLICT_RETRIES,
    code: "write_conflict",
    detail: "Deliveries changed it at the same time.",
  });
  deps.log.info("endpoint.deleted", { app: appId, endpoint: id });
}

/** Failed delivery attempts write to the same row. After a write conflict the change is applied to the stored row. */
const MAX_CONFLICT_RETRIES = 5;

async function updateEndpointWithRetry(
  deps: EndpointDeps,
  appId: string,
  id: string,
  to: (endpoint: Endpoint) => Endpoint,
) {
  const { row } = await updateWithRetry<Endpoint, Endpoint>({
    read: startWith(await getEndpoint(deps, appId, id)),
    to,
    save: (next) => deps.webhookStore.saveEndpoint(next),
    maxRetries: MAX_CONFLICT_RETRIES,
    code: "write_conflict",
    detail: "Other requests changed it at the same time.",
  });
  if (!row) throw new MjflowError("not_found");
  return row;
}
