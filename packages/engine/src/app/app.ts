/**
 * Apps and their API keys: the operator creates, changes and removes them; every entry point with keys authenticates
 * callers here (D6).
 */

import { createHash, timingSafeEqual } from "node:crypto";
import {
  type App,
  type AppKey,
  appIdOf,
  isActiveKey,
  isAppActive,
  isAppId,
  isKeyId,
  KEY_CACHE_TTL_MS,
  KEY_OVERLAP_S,
  KEYS_PER_APP,
  type KeyProblem,
  type Limits,
  newKeyText,
  parseKeyText,
  withKeyExpiry,
} from "@mjflow/core/app";
import type { AppPatch, AppRequest } from "@mjflow/core/app-request";
import { MjflowError } from "@mjflow/core/error";
import { dateOf } from "../date.ts";
import type { EngineDeps } from "../deps.ts";
import { updateWithRetry } from "../step/update-with-retry.ts";
import { type Caller, callerOfApp, type OperatorKey } from "./caller.ts";

export type { Caller, OperatorKey } from "./caller.ts";

type AppDeps = Pick<EngineDeps, "store" | "clock" | "random" | "log">;

// ── apps ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export async function addApp(
  deps: AppDeps,
  { name, limits: given, archive, translate, creditCounters = 1 }: AppRequest,
): Promise<App> {
  const now = deps.clock.now();
  const limits = creditCounters === 1 ? given : { ...given, counters: creditCounters };
  const id = appIdOf(now, deps.random.bytes(10));
  const app: App = { id, rev: 0, name, limits, archive, translate: translate || undefined, createdAt: now };
  const saved = await deps.store.saveApp(app);
  if (!saved.ok) throw new MjflowError("internal", { detail: "The id of the new app already exists." });
  deps.log.info("app.added", { app: app.id });
  return saved.item;
}

/** @throws MjflowError `not_found` */
export async function getApp({ store }: Pick<EngineDeps, "store">, id: string): Promise<App> {
  const app = isAppId(id) ? await store.app(id) : undefined;
  if (!app || app.deletedAt !== undefined) throw new MjflowError("not_found");
  return app;
}

/** @throws MjflowError `not_found` */
export async function updateApp(
  deps: AppDeps,
  id: string,
  { name, limits, archive, translate, disabled }: AppPatch,
): Promise<App> {
  const disabledAt = (app: App) => (disabled ? (app.disabledAt ?? deps.clock.now()) : undefined);
  return updateAppWithRetry(deps, id, (app) => ({
    ...app,
    ...(name !== undefined && { name }),
    ...(limits !== undefined && { limits: withCounters(limits, app.limits?.counters) }),
    ...(archive !== undefined && { archive: archive ?? undefined }),
    ...(translate !== undefined && { translate: translate || undefined }),
    ...(disabled !== undefined && { disabledAt: disabledAt(app) }),
  }));
}

/** The number of counters stays: the sums of the app are divided over them. */
function withCounters(limits: AppPatch["limits"], counters: number | undefined): Limits | undefined {
  return counters === undefined ? (limits ?? undefined) : { ...limits, counters };
}

/**
 * Deletes an app. Its keys stop working; its running flows run to their end.
 * @throws MjflowError `not_found`
 */
export async function removeApp(deps: AppDeps, id: string): Promise<App> {
  const app = await updateAppWithRetry(deps, id, (current) => ({ ...current, deletedAt: deps.clock.now() }));
  deps.log.info("app.removed", { app: id });
  return app;
}

async function updateAppWithRetry(deps: AppDeps, id: string, to: (app: App) => App): Promise<App> {
  const { row } = await updateWithRetry({
    read: () => getApp(deps, id),
    to,
    save: (app) => deps.store.saveApp(app),
    detail: "Other requests changed the app at the same time.",
  });
  return row!;
}

// ── keys ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** `text` is the key itself. It is returned only here and stored nowhere. */
export interface NewKey {
  key: AppKey;
  text: string;
}

/** @throws MjflowError `not_found`; `limit_reached` if the app has the maximum number of keys */
export async function addKey(deps: AppDeps, appId: string, expiresInS?: number): Promise<NewKey> {
  const app = await getApp(deps, appId);
  const now = deps.clock.now();
  const active = (await deps.store.appKeys(appId)).filter((key) => isActiveKey(key, now));
  if (active.length >= KEYS_PER_APP) {
    throw new MjflowError("limit_reached", { detail: `An app has at most ${KEYS_PER_APP} keys. Revoke one first.` });
  }
  return createKey(deps, app, expiresInS === undefined ? undefined : now + expiresInS * 1_000);
}

/**
 * Lists the active keys and the keys that ended recently, newest first.
 * @throws MjflowError `not_found`
 */
export async function listKeys(deps: Pick<EngineDeps, "store">, appId: string): Promise<AppKey[]> {
  await getApp(deps, appId);
  const keys = await deps.store.appKeys(appId);
  return keys.sort((a, b) => b.createdAt - a.createdAt);
}

/**
 * Creates the new key first and ends the old key afterwards. After a crash between the two steps both keys work.
 *
 * @throws MjflowError `not_found`; `wrong_state` if the key has ended
 */
export async function rotateKey(
  deps: AppDeps,
  appId: string,
  keyId: string,
  overlapS: number = KEY_OVERLAP_S,
): Promise<NewKey & { previous: AppKey }> {
  const app = await getApp(deps, appId);
  const old = await getKey(deps, appId, keyId);
  if (!isActiveKey(old, deps.clock.now()))
    throw new MjflowError("wrong_state", { detail: "The key has ended. Create a new one." });
  const created = await createKey(deps, app, undefined);
  const previous = await updateKey(deps, appId, keyId, (key) => withKeyExpiry(key, deps.clock.now(), overlapS));
  return { ...created, previous };
}

/**
 * Revokes a key. Containers that have cached the key accept it for up to `KEY_CACHE_TTL_MS` longer.
 * @throws MjflowError `not_found`
 */
export async function revokeKey(deps: AppDeps, appId: string, keyId: string): Promise<AppKey> {
  await getApp(deps, appId);
  const key = await updateKey(deps, appId, keyId, (current) => ({
    ...current,
    revokedAt: current.revokedAt ?? deps.clock.now(),
  }));
  deps.log.info("app.key-revoked", { app: appId, key: keyId });
  return key;
}

async function createKey(deps: AppDeps, { id: appId }: App, expiresAt: number | undefined): Promise<NewKey> {
  const { id, text } = newKeyText(appId, deps.random.bytes(25));
  const sha256 = hashOf(text).toString("hex");
  const saved = await deps.store.saveAppKey({ appId, id, rev: 0, sha256, createdAt: deps.clock.now(), expiresAt });
  if (!saved.ok) throw new MjflowError("overloaded", { detail: "The id of the new key already exists." });
  deps.log.info("app.key-added", { app: appId, key: id });
  return { key: saved.item, text };
}

async function getKey({ store }: Pick<EngineDeps, "store">, appId: string, keyId: string): Promise<AppKey> {
  const { key } = isKeyId(keyId) ? await store.appWithKey(appId, keyId) : { key: undefined };
  if (!key) throw new MjflowError("not_found");
  return key;
}

async function updateKey(deps: AppDeps, appId: string, keyId: string, to: (key: AppKey) => AppKey): Promise<AppKey> {
  const { row } = await updateWithRetry({
    read: () => getKey(deps, appId, keyId),
    to,
    save: (key) => deps.store.saveAppKey(key),
    detail: "Other requests changed the key at the same time.",
  });
  return row!;
}

// ── authentication ─────────────────────────────────────────────────────────────────────────────────────────────────

export function operatorKeyOf(appId: string, key: string): OperatorKey {
  return { appId, sha256: hashOf(key) };
}

export interface Callers {
  /**
   * Returns undefined if the key does not exist or has ended.
   * @throws MjflowError `forbidden` if the app of the key is disabled; `overloaded`
   */
  authenticate(presented: string): Promise<Caller | undefined>;
  /**
   * Returns the caller, or why the key is not accepted. `revoked` and `expired` need the whole key: for a key with a wrong
   * secret part the result is `unknown`, whether its id exists or not.
   *
   * @throws MjflowError `forbidden` if the app of the key is disabled; `overloaded`
   */
  identify(presented: string): Promise<Caller | KeyProblem>;
}

/** Maximum number of cached keys per container; the oldest entry is removed first. */
const MAX_CACHED = 1_000;

/**
 * Authenticates API keys. A key costs one read per `KEY_CACHE_TTL_MS`. A text without the format of a key costs no
 * read. The cache is indexed by the hash of the key, never by its text.
 */
export function createCallers(deps: Omit<AppDeps, "random">, operators: readonly OperatorKey[]): Callers {
  const { store, clock, log } = deps;
  const cached = new Map<string, { app: App; key: AppKey; until: number }>();

  async function read(appId: string, keyId: string, hash: Buffer): Promise<{ app: App; key: AppKey } | undefined> {
    const { app, key } = await store.appWithKey(appId, keyId);
    if (!app || !key) return undefined;
    return timingSafeEqual(hash, Buffer.from(key.sha256, "hex")) ? { app, key } : undefined;
  }

  /**
   * Records the day of use, once per day. Errors and write conflicts are ignored: another request has written it, or
   * the key was revoked.
   */
  async function note(key: AppKey): Promise<void> {
    const usedOn = dateOf(clock.now());
    if (key.usedOn === usedOn) return;
    await store.saveAppKey({ ...key, usedOn }).catch((error: unknown) => {
      log.warn("app.key-use-unnoted", { app: key.appId, key: key.id, error: String(error) });
    });
  }

  const callers: Callers = {
    async authenticate(presented) {
      const caller = await callers.identify(presented);
      return typeof caller === "string" ? undefined : caller;
    },
    async identify(presented) {
      const hash = hashOf(presented);
      const operator = operatorOf(operators, hash);
      if (operator) return { appId: operator.appId, operator: true };
      // Most requests have a key, so the code of sessions is loaded on demand.
      if (presented.startsWith("mjs_"))
        return (await import("./session.ts")).callerOfSession(deps, operators, presented);
      const named = parseKeyText(presented);
      if (!named) return "malformed";
      const name = hash.toString("base64url");
      const now = clock.now();
      let known = cached.get(name);
      if (!known || known.until <= now) {
        cached.delete(name);
        const found = await read(named.appId, named.keyId, hash);
        if (!found) return "unknown";
        known = { ...found, until: now + KEY_CACHE_TTL_MS };
        cached.set(name, known);
        if (cached.size > MAX_CACHED) cached.delete(cached.keys().next().value!);
        if (isActiveKey(found.key, now) && isAppActive(found.app)) await note(found.key);
      }
      const { app, key } = known;
      if (key.revokedAt !== undefined || app.deletedAt !== undefined) return "revoked";
      if (!isActiveKey(key, now)) return "expired";
      if (!isAppActive(app)) throw new MjflowError("forbidden", { detail: "This app is disabled." });
      return { ...callerOfApp(app), keyId: key.id };
    },
  };
  return callers;
}

/** Compares all keys, so that the time taken does not reveal which key was close. */
function operatorOf(operators: readonly OperatorKey[], hash: Buffer): OperatorKey | undefined {
  let found: OperatorKey | undefined;
  for (const key of operators) if (timingSafeEqual(hash, key.sha256)) found = key;
  return found;
}

function hashOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
