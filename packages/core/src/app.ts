/**
 * Apps, and the keys they show (D6). An app sees its own flows and nothing else; what it may spend and how fast is in its
 * limits. The operator of the stage is no app: its key is a secret of the stage, and acts as `app_default`.
 *
 *     mjk_01K9ZC7T3R8M2V5X0Q4B6N1JHD_7QK2M9XA_<32 characters>
 *         the app's id               the key's  what is secret
 *
 * A key names its rows, so that one request finds them; only its SHA-256 is stored.
 */
import * as z from "zod/mini";
import { crockford, flowIdOf } from "./id.ts";

/** Who the operator's key acts as. It has no row, hence no limits. */
export const DEFAULT_APP = "app_default";

/** Absent ones do not limit. */
export interface Limits {
  /** New flows, as a bucket that fills evenly: a minute's worth may come at once. */
  flowsPerMinute?: number;
  /** Flows that have not ended, at a time. */
  runningFlows?: number;
  /** What it may spend in all, by our estimate, besides what is added later. Whole micro-USD count. */
  creditsUsd?: number;
}

export interface App {
  id: string;
  /** Optimistic lock; the store raises it at each write. */
  rev: number;
  name: string;
  limits?: Limits;
  createdAt: number;
  /** Its keys open nothing while this is set; its flows run on. */
  disabledAt?: number;
  /** Its keys are worth nothing any more; its flows are kept as long as any. */
  deletedAt?: number;
}

export interface AppKey {
  appId: string;
  id: string;
  rev: number;
  /** Hex, of the whole key. */
  sha256: string;
  createdAt: number;
  /** The last day on which it was used, as `2026-11-21`: written once a day. */
  usedOn?: string;
  expiresAt?: number;
  revokedAt?: number;
}

/** A container believes for this long what it read of a key: so long may a revoked one still open doors. */
export const KEY_CACHE_TTL_MS = 30_000;
/** How long the key before stays valid after a rotation, unless the operator says otherwise. */
export const KEY_OVERLAP_S = 24 * 3_600;
export const KEYS_PER_APP = 50;

const ULID = "[0-9A-HJKMNP-TV-Z]{26}";
const APP = new RegExp(`^app_${ULID}$`);
const KEY_ID = "[0-9A-HJKMNP-TV-Z]{8}";
const KEY = new RegExp(`^mjk_(${ULID})_(${KEY_ID})_[0-9A-HJKMNP-TV-Z]{32}$`);

/** @param random 10 bytes */
export function appIdOf(timeMs: number, random: Uint8Array): string {
  return `app_${flowIdOf(timeMs, random).slice("flow_".length)}`;
}

export function isAppId(id: string): boolean {
  return APP.test(id);
}

/** @param random 25 bytes: 5 name the key, 20 are its secret */
export function newKeyText(appId: string, random: Uint8Array): { id: string; text: string } {
  if (random.length !== 25) throw new RangeError("newKeyText needs 25 random bytes");
  const id = crockford(random.subarray(0, 5));
  return { id: `key_${id}`, text: `${keyPrefix(appId, `key_${id}`)}_${crockford(random.subarray(5))}` };
}

/** What may be shown of a key, for telling it from others. */
export function keyPrefix(appId: string, keyId: string): string {
  return `mjk_${appId.slice("app_".length)}_${keyId.slice("key_".length)}`;
}

export function isKeyId(id: string): boolean {
  return new RegExp(`^key_${KEY_ID}$`).test(id);
}

/** Whose key a text claims to be; undefined for text that no app was ever given. */
export function parseKeyText(text: string): { appId: string; keyId: string } | undefined {
  const match = KEY.exec(text);
  return match ? { appId: `app_${match[1]}`, keyId: `key_${match[2]}` } : undefined;
}

export function isAppActive(app: App): boolean {
  return app.disabledAt === undefined && app.deletedAt === undefined;
}

export function isActiveKey(key: AppKey, now: number): boolean {
  return key.revokedAt === undefined && (key.expiresAt === undefined || key.expiresAt > now);
}

/** Its last `overlapS` seconds have begun; an end that is nearer stays. */
export function withKeyExpiry(key: AppKey, now: number, overlapS: number): AppKey {
  return { ...key, expiresAt: Math.min(key.expiresAt ?? Infinity, now + overlapS * 1_000) };
}

// ── requests ───────────────────────────────────────────────────────────────────────────────────────────────────────

const name = z.string().check(
  z.minLength(1),
  z.maxLength(100),
  z.refine((value) => value.isWellFormed(), { error: "must be well-formed Unicode" }),
);
/** At most a million dollars, in whole micro-USD: so it stays exact. */
const usd = z.number().check(
  z.minimum(0),
  z.maximum(1_000_000),
  z.refine((value) => Math.abs(value * 1e6 - Math.round(value * 1e6)) < 1e-3, { error: "has at most six decimals" }),
);
const days = 24 * 3_600;

const LimitsInput = z.strictObject({
  flowsPerMinute: z.optional(z.int().check(z.minimum(1), z.maximum(100_000))),
  runningFlows: z.optional(z.int().check(z.minimum(1), z.maximum(2_000))),
  creditsUsd: z.optional(usd),
});

/** `POST /v1/apps` */
export const AppRequest = z.strictObject({ name, limits: z.optional(LimitsInput) });
export type AppRequest = z.infer<typeof AppRequest>;

/** `PATCH /v1/apps/{id}`: what is named is replaced, `limits` as a whole; null lifts them all. */
export const AppPatch = z.strictObject({
  name: z.optional(name),
  limits: z.optional(z.nullable(LimitsInput)),
  disabled: z.optional(z.boolean()),
});
export type AppPatch = z.infer<typeof AppPatch>;

/** `POST /v1/apps/{id}/keys` */
export const KeyRequest = z.strictObject({
  expiresInS: z.optional(z.int().check(z.minimum(60), z.maximum(3_650 * days))),
});
export type KeyRequest = z.infer<typeof KeyRequest>;

/** `POST /v1/apps/{id}/keys/{keyId}/rotate` */
export const RotateRequest = z.strictObject({
  overlapS: z.optional(z.int().check(z.minimum(0), z.maximum(90 * days))),
});
export type RotateRequest = z.infer<typeof RotateRequest>;

/** `POST /v1/apps/{id}/credits`: once for each reference. */
export const CreditRequest = z.strictObject({
  addUsd: usd.check(z.positive()),
  reference: z.string().check(
    z.minLength(1),
    z.maxLength(200),
    z.refine((value) => value.isWellFormed(), { error: "must be well-formed Unicode" }),
  ),
});
export type CreditRequest = z.infer<typeof CreditRequest>;

/** `GET /v1/usage?app=` */
export const UsageQuery = z.strictObject({ app: z.optional(z.string().check(z.maxLength(100))) });
