/** Apps and their keys in the table. Each app has its own partition, so one request reads the app and a key. */
import type { AccessToken } from "@mjflow/core/access-token";
import type { App, AppKey } from "@mjflow/core/app";
import { MjflowError } from "@mjflow/core/error";
import { IDEMPOTENCY_TTL_MS, type IdempotencyRecord } from "@mjflow/core/idempotency";
import type { AppStore } from "@mjflow/core/port";
import type { Template } from "@mjflow/core/template";
import { type Item, keyOf } from "./codec.ts";
import { createCreditStore } from "./credit.ts";
import { entity, expiring, listed } from "./entity.ts";
import {
  APP_KEYS,
  APPS,
  ATTRIBUTE,
  accessTokenKey,
  accessTokenPk,
  appKey,
  appKeyKey,
  idempotencyKey,
  RETENTION_MS,
  templateKey,
  templatePk,
} from "./keys.ts";
import { createRows } from "./rows.ts";
import { deleteItems, type Table } from "./table.ts";

/** How long an expired or revoked key stays listed. */
const ENDED_KEY_RETENTION_MS = 30 * 24 * 3_600_000;
const EXPIRED_TOKEN_RETENTION_MS = 24 * 3_600_000;
const KEYS_READ = 500;

const APP = entity<App, "id">()({
  key: ({ id }) => appKey(id),
  idOf: ({ pk }) => ({ id: pk.slice(appKey("").pk.length) }),
  // A deleted app leaves the listing. Its row stays as long as its last flow can exist.
  attributes: ({ id, createdAt, deletedAt }) =>
    deletedAt === undefined
      ? listed(APPS, `${new Date(createdAt).toISOString()}#${id}`)
      : expiring(deletedAt + RETENTION_MS),
  fields: {
    name: ["na", "text"],
    limits: ["li", "json"],
    archive: ["ar", "json"],
    translate: ["tr", "flag"],
    createdAt: ["cr", "number"],
    disabledAt: ["da", "number"],
    deletedAt: ["de", "number"],
  },
});

const KEY = entity<AppKey, "appId" | "id">()({
  key: ({ appId, id }) => appKeyKey(appId, id),
  idOf: ({ pk, sk }) => ({ appId: pk.slice(appKey("").pk.length), id: sk.slice(APP_KEYS.from.length) }),
  attributes({ revokedAt = Number.POSITIVE_INFINITY, expiresAt = Number.POSITIVE_INFINITY }) {
    const endedAt = Math.min(revokedAt, expiresAt);
    return Number.isFinite(endedAt) ? expiring(endedAt + ENDED_KEY_RETENTION_MS) : {};
  },
  fields: {
    sha256: ["sh", "text"],
    createdAt: ["cr", "number"],
    usedOn: ["us", "text"],
    expiresAt: ["ex", "number"],
    revokedAt: ["rv", "number"],
  },
});

const TEMPLATE = entity<Template, "appId" | "name">()({
  key: ({ appId, name }) => templateKey(appId, name),
  idOf: ({ pk, sk }) => ({ appId: pk.slice(templatePk("").length), name: sk }),
  fields: {
    description: ["ds", "text"],
    then: ["th", "json"],
    createdAt: ["cr", "number"],
    updatedAt: ["up", "number"],
  },
});

const ACCESS_TOKEN = entity<AccessToken, "owner" | "id">()({
  key: ({ owner, id }) => accessTokenKey(owner, id),
  idOf: ({ pk, sk }) => ({ owner: pk.slice(accessTokenPk("").length), id: sk }),
  // For a day a reader can say that the token has expired.
  attributes: ({ expiresAt }) => expiring(expiresAt + EXPIRED_TOKEN_RETENTION_MS),
  fields: {
    kind: ["kd", "text"],
    sha256: ["sh", "text"],
    keyId: ["ke", "text"],
    label: ["la", "text"],
    createdAt: ["cr", "number"],
    expiresAt: ["ex", "number"],
    usedOn: ["us", "text"],
    hidesPrompt: ["hp", "flag"],
    showsVendorLinks: ["vl", "flag"],
  },
});

const IDEMPOTENCY = entity<IdempotencyRecord, "appId" | "key">()({
  key: ({ appId, key }) => idempotencyKey(appId, key),
  idOf({ pk }) {
    const [, appId = "", ...key] = pk.split("#");
    return { appId, key: key.join("#") };
  },
  attributes: ({ createdAt }) => expiring(createdAt + IDEMPOTENCY_TTL_MS),
  fields: {
    fingerprint: ["fi", "text"],
    target: ["ta", "text"],
    state: ["st", "text"],
    leaseUntil: ["le", "number"],
    createdAt: ["cr", "number"],
  },
});

export interface AppStoreDeps {
  table: Table;
  now: () => number;
  /** Number of shards of each class of due entries (core/due.ts). */
  dueShards: number;
}

export function createAppStore({ table, now, dueShards }: AppStoreDeps): AppStore {
  const deps = { table, now, dueShards };
  const rows = createRows(deps, APP);
  const keys = createRows(deps, KEY);
  const templates = createRows(deps, TEMPLATE);
  const tokens = createRows(deps, ACCESS_TOKEN);
  const idempotency = createRows(deps, IDEMPOTENCY);

  return {
    ...createCreditStore(table, dueShards),
    app: (id) => rows.get({ id }),
    saveApp: (app) => rows.save(app),
    async listApps(limit, cursor) {
      const items = await table.list({
        index: "app",
        partition: APPS,
        descending: true,
        limit: limit + 1,
        after: cursor === undefined ? undefined : listedKey(decodeCursor(cursor)),
      });
      const page = items.slice(0, limit);
      const apps = (await rows.getKeys(page.map(keyOf))).filter((app) => app.deletedAt === undefined);
      const last = items.length > limit ? page.at(-1)?.[ATTRIBUTE.listedAt]?.S : undefined;
      return { apps, ...(last !== undefined && { cursor: Buffer.from(last).toString("base64url") }) };
    },
    async appWithKey(appId, keyId) {
      // Both reads share one request.
      const [[app], [key]] = await Promise.all([rows.getAll([{ id: appId }]), keys.getAll([{ appId, id: keyId }])]);
      return { app, key };
    },
    appKeys: (appId) => keys.list({ partition: appKey(appId).pk, ...APP_KEYS, limit: KEYS_READ }),
    templates: (appId) => templates.partition(templatePk(appId)),
    template: (appId, name) => templates.get({ appId, name }),
    saveTemplate: (template) => templates.save(template),
    deleteTemplate: (template) => templates.delete(template),
    async accessTokens(owner) {
      const all = await tokens.partition(accessTokenPk(owner));
      return all.filter(({ expiresAt }) => expiresAt > now());
    },
    accessToken: (owner, id) => tokens.get({ owner, id }),
    saveAccessToken: (token) => tokens.save(token),
    deleteAccessToken: (token) => tokens.delete(token),
    async deleteAccessTokens(owner) {
      await deleteItems(table, await table.partition(accessTokenPk(owner)));
    },
    saveAppKey: (key) => keys.save(key),
    saveIdempotency: (record) => idempotency.save(record),
  };
}

function listedKey(at: string): Item {
  const { pk, sk } = appKey(at.slice(at.indexOf("#") + 1));
  return {
    [ATTRIBUTE.pk]: { S: pk },
    [ATTRIBUTE.sk]: { S: sk },
    ...listed(APPS, at),
  };
}

function decodeCursor(cursor: string): string {
  const at = Buffer.from(cursor, "base64url").toString();
  if (!/^\d{4}-[\dT:.Z-]+#app_[0-9A-Z]{26}$/.test(at)) {
    throw new MjflowError("invalid_request", { field: "cursor", detail: "The cursor is not valid for this listing." });
  }
  return at;
}
