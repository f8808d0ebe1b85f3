/** Apps and their keys in the table. Each app has its own partition, so one request reads the app and a key. */
import type { App, AppKey } from "@mjflow/core/app";
import { MjflowError } from "@mjflow/core/error";
import { IDEMPOTENCY_TTL_MS, type IdempotencyRecord } from "@mjflow/core/idempotency";
import type { AppStore } from "@mjflow/core/port";
import type { Template } from "@mjflow/core/template";
import { type Fields, fieldsOf, type Item, isExpired, keyOf, REV_ATTRIBUTE, row } from "./codec.ts";
import { createCreditStore } from "./credit.ts";
import {
  APP_KEYS,
  APPS,
  ATTRIBUTE,
  appKey,
  appKeyKey,
  idempotencyKey,
  type Key,
  RETENTION_MS,
  templateKey,
  templatePk,
} from "./keys.ts";
import { save } from "./save.ts";
import type { Table } from "./table.ts";

/** How long an expired or revoked key stays listed. */
const ENDED_KEY_RETENTION_MS = 30 * 24 * 3_600_000;
const KEYS_READ = 500;

/** `id` is in the key. */
const APP = {
  rev: [REV_ATTRIBUTE, "number"],
  name: ["na", "text"],
  limits: ["li", "json"],
  archive: ["ar", "json"],
  translate: ["tr", "flag"],
  createdAt: ["cr", "number"],
  disabledAt: ["da", "number"],
  deletedAt: ["de", "number"],
} as const satisfies Fields<Exclude<keyof App, "id">>;

/** `appId` and `id` are in the key. */
const KEY = {
  rev: [REV_ATTRIBUTE, "number"],
  sha256: ["sh", "text"],
  createdAt: ["cr", "number"],
  usedOn: ["us", "text"],
  expiresAt: ["ex", "number"],
  revokedAt: ["rv", "number"],
} as const satisfies Fields<Exclude<keyof AppKey, "id" | "appId">>;

/** `appId` and `name` are in the key. */
const TEMPLATE = {
  rev: [REV_ATTRIBUTE, "number"],
  description: ["ds", "text"],
  then: ["th", "json"],
  createdAt: ["cr", "number"],
  updatedAt: ["up", "number"],
} as const satisfies Fields<Exclude<keyof Template, "appId" | "name">>;

/** `appId` and `key` are in the key. */
const IDEMPOTENCY = {
  rev: [REV_ATTRIBUTE, "number"],
  fingerprint: ["fi", "text"],
  target: ["ta", "text"],
  state: ["st", "text"],
  leaseUntil: ["le", "number"],
  createdAt: ["cr", "number"],
} as const satisfies Fields<Exclude<keyof IdempotencyRecord, "appId" | "key">>;

export interface AppStoreDeps {
  table: Table;
  now: () => number;
  /** Number of shards of each class of due entries (core/due.ts). */
  dueShards: number;
}

export function createAppStore({ table, now, dueShards }: AppStoreDeps): AppStore {
  const live = (item: Item | undefined) => (item && !isExpired(item, now()) ? item : undefined);

  return {
    ...createCreditStore(table, dueShards),
    async app(appId) {
      const item = live(await table.get(appKey(appId)));
      return item && appOf(item);
    },
    saveApp: (app) => save(table, app, appItem, appOf),
    async listApps(limit, cursor) {
      const items = await table.list({
        index: "app",
        partition: APPS,
        descending: true,
        limit: limit + 1,
        after: cursor === undefined ? undefined : listedKey(decodeCursor(cursor)),
      });
      const page = items.slice(0, limit);
      const apps = (await table.getAll(page.map(keyOf))).map(appOf).filter((app) => app.deletedAt === undefined);
      const last = items.length > limit ? page.at(-1)?.[ATTRIBUTE.listedAt]?.S : undefined;
      return { apps, ...(last !== undefined && { cursor: Buffer.from(last).toString("base64url") }) };
    },
    async appWithKey(appId, keyId) {
      const found = await table.getAll([appKey(appId), appKeyKey(appId, keyId)]);
      const find = (key: Key) => live(found.find((item) => keyOf(item).sk === key.sk));
      const [app, key] = [find(appKey(appId)), find(appKeyKey(appId, keyId))];
      return { app: app && appOf(app), key: key && appKeyOf(key) };
    },
    async appKeys(appId) {
      const items = await table.list({ partition: appKey(appId).pk, ...APP_KEYS, limit: KEYS_READ });
      return items.filter(live).map(appKeyOf);
    },
    async templates(appId) {
      return (await table.partition(templatePk(appId))).map(templateOf);
    },
    async template(appId, name) {
      const item = await table.get(templateKey(appId, name));
      return item && templateOf(item);
    },
    saveTemplate: (template) => save(table, template, templateItem, templateOf),
    deleteTemplate: ({ appId, name, rev }) => table.delete(templateKey(appId, name), rev),
    saveAppKey: (key) => save(table, key, appKeyItem, appKeyOf),
    saveIdempotency: (idempotency) => save(table, idempotency, idempotencyItem, idempotencyOf),
  };
}

function appItem(app: App): Item {
  return {
    ...row(appKey(app.id), APP, app),
    // A deleted app leaves the listing. Its row stays as long as its last flow can exist.
    ...(app.deletedAt === undefined ? listing(app) : expiring(app.deletedAt + RETENTION_MS)),
  };
}

function appOf(item: Item): App {
  return { id: keyOf(item).pk.slice(appKey("").pk.length), ...fieldsOf(item, APP) } as App;
}

function appKeyItem(key: AppKey): Item {
  const endedAt = Math.min(key.revokedAt ?? Infinity, key.expiresAt ?? Infinity);
  return {
    ...row(appKeyKey(key.appId, key.id), KEY, key),
    ...(Number.isFinite(endedAt) && expiring(endedAt + ENDED_KEY_RETENTION_MS)),
  };
}

function appKeyOf(item: Item): AppKey {
  const { pk, sk } = keyOf(item);
  const ids = { appId: pk.slice(appKey("").pk.length), id: sk.slice(APP_KEYS.from.length) };
  return { ...ids, ...fieldsOf(item, KEY) } as AppKey;
}

function templateItem(template: Template): Item {
  return row(templateKey(template.appId, template.name), TEMPLATE, template);
}

function templateOf(item: Item): Template {
  const { pk, sk } = keyOf(item);
  return { appId: pk.slice(templatePk("").length), name: sk, ...fieldsOf(item, TEMPLATE) } as Template;
}

function idempotencyItem(idempotency: IdempotencyRecord): Item {
  const { appId, key, createdAt } = idempotency;
  return { ...row(idempotencyKey(appId, key), IDEMPOTENCY, idempotency), ...expiring(createdAt + IDEMPOTENCY_TTL_MS) };
}

function idempotencyOf(item: Item): IdempotencyRecord {
  const [, appId = "", ...key] = keyOf(item).pk.split("#");
  return { appId, key: key.join("#"), ...fieldsOf(item, IDEMPOTENCY) } as IdempotencyRecord;
}

function listing({ id, createdAt }: App): Item {
  return {
    [ATTRIBUTE.appId]: { S: APPS },
    [ATTRIBUTE.listedAt]: { S: `${new Date(createdAt).toISOString()}#${id}` },
  };
}

function expiring(at: number): Item {
  return { [ATTRIBUTE.expiresAt]: { N: String(Math.ceil(at / 1_000)) } };
}

function listedKey(listed: string): Item {
  const { pk, sk } = appKey(listed.slice(listed.indexOf("#") + 1));
  return {
    [ATTRIBUTE.pk]: { S: pk },
    [ATTRIBUTE.sk]: { S: sk },
    [ATTRIBUTE.appId]: { S: APPS },
    [ATTRIBUTE.listedAt]: { S: listed },
  };
}

function decodeCursor(cursor: string): string {
  const listed = Buffer.from(cursor, "base64url").toString();
  if (!/^\d{4}-[\dT:.Z-]+#app_[0-9A-Z]{26}$/.test(listed)) {
    throw new MjflowError("invalid_request", { field: "cursor", detail: "The cursor is not valid for this listing." });
  }
  return listed;
}
