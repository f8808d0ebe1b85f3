/**
 * The callback token: the path segment that makes a callback URL unguessable and names the task, attempt and account of
 * the callback (D1, D2). Vendors sign nothing, so the token is the only proof of origin. It is never logged, stored or
 * shown.
 *
 *     1.k1.01K9ZC7T3R8M2V5X0Q4B6N1JHD.0-2.1.cometapi.default.mi8x2f4g.p.<mac>
 *
 * The parts are: version, key id, flow, task path, attempt, provider, account, expiry (seconds, base 36), policy flags,
 * HMAC of everything before it. This file contains only the format. The key and the HMAC are in
 * engine/callback/callback-token.ts.
 */
import { isFlowId, parseTaskId, taskIdOf } from "./id.ts";

export interface CallbackClaims {
  keyId: string;
  flowId: string;
  path: string;
  attempt: number;
  provider: string;
  account: string;
  /** End of validity, epoch ms, rounded down to a second. */
  expiresAt: number;
  /**
   * Flag `p`: the app wants progress stored. Without the flag a progress callback is acknowledged without a database
   * call.
   */
  progress: boolean;
  /**
   * Flag `c`: the account was known to send callbacks when the token was created, so account health needs no update.
   */
  calling: boolean;
}

const NAME = /^[A-Za-z0-9_-]{1,40}$/;
const MAC = /^[A-Za-z0-9_-]{43}$/;

/** Returns the part of the token that the HMAC covers. */
export function encodeClaims(claims: CallbackClaims): string {
  const expiry = Math.floor(claims.expiresAt / 1_000).toString(36);
  const policy = `${claims.progress ? "p" : ""}${claims.calling ? "c" : ""}` || "n";
  const ulid = claims.flowId.slice("flow_".length);
  return ["1", claims.keyId, ulid, claims.path, claims.attempt, claims.provider, claims.account, expiry, policy].join(
    ".",
  );
}

/**
 * Splits a token. The caller must not use the claims before it has verified `mac` over `text` with the key `keyId`.
 *
 * @returns undefined if the text is not a well-formed token
 */
export function parseToken(token: string): { text: string; mac: string; claims: CallbackClaims } | undefined {
  if (token.length > 512) return undefined;
  const parts = token.split(".");
  const [version, keyId, ulid, path, attempt, provider, account, expiry, policy, mac] = parts;
  if (parts.length !== 10 || version !== "1" || !MAC.test(mac!)) return undefined;
  const flowId = `flow_${ulid}`;
  if (!isFlowId(flowId) || !parseTaskId(taskIdOf(flowId, path!))) return undefined;
  if (!NAME.test(keyId!) || !NAME.test(provider!) || !NAME.test(account!)) return undefined;
  if (!/^[1-9]\d{0,5}$/.test(attempt!) || !/^[0-9a-z]{1,9}$/.test(expiry!) || !/^(n|p?c?)$/.test(policy!))
    return undefined;
  const claims = {
    keyId: keyId!,
    flowId,
    path: path!,
    attempt: Number(attempt),
    provider: provider!,
    account: account!,
    expiresAt: Number.parseInt(expiry!, 36) * 1_000,
    progress: policy!.includes("p"),
    calling: policy!.includes("c"),
  };
  return { text: token.slice(0, -(mac!.length + 1)), mac: mac!, claims };
}
