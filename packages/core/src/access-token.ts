/**
 * Access tokens: the secrets of sessions of the console, of sign-in links and of share links. Each has a row that holds only
 * a hash. The text contains the ids of its row, so one request reads it.
 *
 *     mjs_default_7QK2M9XA_<32 characters>                      a session of the operator
 *     mjl_01K9ZC7T3R8M2V5X0Q4B6N1JHD_7QK2M9XA_<32 characters>   a sign-in link of an app
 *     mjv_01K9ZC7T3R8M2V5X0Q4B6N1JHD_7QK2M9XA_<32 characters>   a share link of a flow
 */
import { crockford } from "./id.ts";

export type AccessKind = "session" | "link" | "share";

export interface AccessToken {
  kind: AccessKind;
  /** App id of a session or sign-in link, flow id of a share link. */
  owner: string;
  id: string;
  rev: number;
  /** SHA-256 of the text; in sessions and sign-in links together with the hash of their API key. Hexadecimal. */
  sha256: string;
  /** Times are epoch ms. */
  createdAt: number;
  expiresAt: number;
  /** Id of the API key that a session stands for. Unset: the operator key, or a share link. */
  keyId?: string;
  /** What the user calls it, for example the browser. Unset: no name. */
  label?: string;
  /** The last day on which a session was used, such as `2026-11-30`. Unset: never used. */
  usedOn?: string;
  /** True: the viewers of a share link see no prompts. Unset: they see them. */
  hidesPrompt?: boolean;
  /** True: the viewers also see the vendor's links of pictures that are not archived. Unset: only archived copies. */
  showsVendorLinks?: boolean;
}

const PREFIX = { session: "mjs", link: "mjl", share: "mjv" } as const satisfies Record<AccessKind, string>;
const OWNER = { session: "app_", link: "app_", share: "flow_" } as const satisfies Record<AccessKind, string>;
const TOKEN = /^(mj[slv])_(default|[0-9A-HJKMNP-TV-Z]{26})_([0-9A-HJKMNP-TV-Z]{8})_[0-9A-HJKMNP-TV-Z]{32}$/;
const ID = /^[0-9A-HJKMNP-TV-Z]{8}$/;

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

export const SESSION = {
  /** Life of a session that ends with the browser. */
  shortMs: DAY / 2,
  /** Life of a session that stays signed in. */
  stayMs: 30 * DAY,
  /** Life of a sign-in link. */
  linkMs: 10 * MINUTE,
  /** Sessions and sign-in links of an app. A new one replaces the oldest. */
  perApp: 100,
} as const;

export const SHARE = {
  defaultS: (7 * DAY) / 1_000,
  minS: MINUTE / 1_000,
  maxS: (30 * DAY) / 1_000,
  /** Share links of a flow that have not expired. */
  perFlow: 20,
  /** Reads of one share link in a minute that a process answers. */
  readsPerMinute: 300,
  /** Longest life of a link to an image in the view of a share link. It is at least half of it. */
  mediaMs: 60 * MINUTE,
} as const;

/**
 * @param random 25 bytes: the first 5 become the id, the other 20 the secret
 * @param id of a row that gets a new secret; unset: a new id
 */
export function newAccessToken(
  kind: AccessKind,
  owner: string,
  random: Uint8Array,
  id = crockford(random.subarray(0, 5)),
): { id: string; text: string } {
  if (random.length !== 25) throw new RangeError("newAccessToken needs 25 random bytes");
  const text = `${PREFIX[kind]}_${owner.slice(OWNER[kind].length)}_${id}_${crockford(random.subarray(5))}`;
  return { id, text };
}

/** Returns the owner and the id that a text claims; undefined if it does not have the format of this kind. */
export function parseAccessToken(kind: AccessKind, text: string): Pick<AccessToken, "owner" | "id"> | undefined {
  const [, prefix, owner, id] = TOKEN.exec(text) ?? [];
  return prefix === PREFIX[kind] ? { owner: `${OWNER[kind]}${owner}`, id: id! } : undefined;
}

export function isAccessTokenId(text: string): boolean {
  return ID.test(text);
}
