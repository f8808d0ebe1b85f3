/**
 * Apps and their API keys (D6). An app sees only its own flows. Its `limits` say how much it may spend and how fast it may
 * start flows. The operator of a deployment is not an app: the operator key is a secret of the deployment and acts as
 * `app_default`.
 *
 *     mjk_01K9ZC7T3R8M2V5X0Q4B6N1JHD_7QK2M9XA_<32 characters>
 *         id of the app              key id   secret
 *
 * The key text contains the ids of its rows, so one request reads them without a search. Only its SHA-256 is stored.
 */
import type { ArchiveMode } from "./archive-mode.ts";
import { crockford, flowIdOf } from "./id.ts";

/** The app id that the operator key acts as. It has no row and therefore no limits. */
export const DEFAULT_APP = "app_default";

/** Limits of an app. An unset field does not limit. */
export interface Limits {
  /** New flows per minute (GCRA): the flows of a whole minute may start in one burst. */
  flowsPerMinute?: number;
  /** Number of flows that may run at the same time. */
  runningFlows?: number;
  /** Credit in USD, by our price estimate, in addition to later grants. Precise to one micro-USD. */
  creditsUsd?: number;
  /** Number of counters that the limits are divided over (credit.ts). It never changes. Unset: 1. */
  counters?: number;
}

export interface App {
  id: string;
  /** Revision for the optimistic lock; the store increments it at each write. */
  rev: number;
  name: string;
  limits?: Limits;
  /** Whether the images of its flows are archived, and when their copies are sent. Unset: the deployment's default. */
  archive?: ArchiveMode;
  /** True: the prompts of its flows are translated, unless a request says otherwise. Unset: they are not. */
  translate?: boolean;
  createdAt: number;
  /** Epoch ms; while it is set, the app's keys are rejected. Running flows continue. Unset: not disabled. */
  disabledAt?: number;
  /** Epoch ms; once it is set, the app's keys are rejected permanently. Its flows stay for the usual retention time. */
  deletedAt?: number;
}

export interface AppKey {
  appId: string;
  id: string;
  rev: number;
  /** SHA-256 of the whole key text, hexadecimal. */
  sha256: string;
  createdAt: number;
  /** The last day on which the key was used, such as `2026-11-21`; written once per day. Unset: never used. */
  usedOn?: string;
  /** End of validity, epoch ms; unset: valid without end. */
  expiresAt?: number;
  /** Time of revocation, epoch ms; unset: not revoked. */
  revokedAt?: number;
}

/** How long a container caches a key. For this time a revoked key can still be accepted. */
export const KEY_CACHE_TTL_MS = 30_000;
/** How long the previous key stays valid after a rotation, unless the operator sets another time. */
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

/** @param random 25 bytes: the first 5 become the key id, the other 20 the secret */
export function newKeyText(appId: string, random: Uint8Array): { id: string; text: string } {
  if (random.length !== 25) throw new RangeError("newKeyText needs 25 random bytes");
  const id = crockford(random.subarray(0, 5));
  return { id: `key_${id}`, text: `${keyPrefix(appId, `key_${id}`)}_${crockford(random.subarray(5))}` };
}

/** Returns the part of a key that is not secret and may be shown to identify the key. */
export function keyPrefix(appId: string, keyId: string): string {
  return `mjk_${appId.slice("app_".length)}_${keyId.slice("key_".length)}`;
}

export function isKeyId(id: string): boolean {
  return new RegExp(`^key_${KEY_ID}$`).test(id);
}

/** Returns the app and key ids that a text claims; undefined if the text does not have the format of a key. */
export function parseKeyText(text: string): { appId: string; keyId: string } | undefined {
  const match = KEY.exec(text);
  return match ? { appId: `app_${match[1]}`, keyId: `key_${match[2]}` } : undefined;
}

/**
 * Why a key is not accepted. `missing`: none was sent. `malformed`: no text of this form is a key. `unknown`: no such key,
 * or its secret part is wrong. `revoked`: it or its app was removed.
 */
export const KEY_PROBLEMS = ["missing", "malformed", "unknown", "revoked", "expired"] as const;
export type KeyProblem = (typeof KEY_PROBLEMS)[number];

export function isAppActive(app: App): boolean {
  return app.disabledAt === undefined && app.deletedAt === undefined;
}

export function isActiveKey(key: AppKey, now: number): boolean {
  return key.revokedAt === undefined && (key.expiresAt === undefined || key.expiresAt > now);
}

/** Lets a key expire `overlapS` seconds from now; an earlier expiry stays. */
export function withKeyExpiry(key: AppKey, now: number, overlapS: number): AppKey {
  return { ...key, expiresAt: Math.min(key.expiresAt ?? Infinity, now + overlapS * 1_000) };
}
