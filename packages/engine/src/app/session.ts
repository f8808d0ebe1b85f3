/**
 * Sessions of the console, and the one-time links that start them. A session stands for one API key and never has more rights
 * than it. Its hash includes that of the key, so it ends with the key (D14). See docs/decisions/0089.
 */
import {
  type AccessToken,
  isAccessTokenId,
  newAccessToken,
  parseAccessToken,
  SESSION,
} from "@mjflow/core/access-token";
import { type App, type AppKey, DEFAULT_APP, isActiveKey, isAppActive, type KeyProblem } from "@mjflow/core/app";
import { MjflowError } from "@mjflow/core/error";
import type { SessionRequest } from "@mjflow/core/request";
import { dateOf } from "../date.ts";
import type { EngineDeps } from "../deps.ts";
import { isSameHash, removeAccessToken, sha256Of } from "./access-token.ts";
import { type Caller, callerOfApp, type OperatorKey } from "./caller.ts";

type SessionDeps = Pick<EngineDeps, "store" | "clock" | "log">;
type CreateDeps = SessionDeps & Pick<EngineDeps, "random">;

/** The key that a session stands for. */
interface KeyOfSession {
  /** Unset: the operator key. */
  keyId?: string;
  /** Hexadecimal. */
  sha256: string;
  app?: App;
}

/** A new session or sign-in link. `text` is the secret. It is returned only here and stored nowhere. */
export interface NewAccessToken {
  token: AccessToken;
  text: string;
}

/**
 * Creates a session or a sign-in link for the key that sent the request.
 *
 * @param presented the text of the key
 * @throws MjflowError `forbidden` for a session: a session cannot prolong itself; `overloaded`
 */
export async function startSession(
  deps: CreateDeps,
  presented: string,
  caller: Caller,
  kind: "session" | "link",
  request: Partial<Pick<SessionRequest, "stay" | "label">>,
): Promise<NewAccessToken> {
  if (caller.session !== undefined) {
    throw new MjflowError("forbidden", { detail: "A session cannot start another one. Send the API key itself." });
  }
  const key = await keyOfCaller(deps, presented, caller);
  await makeRoom(deps, caller.appId);
  const { id, text } = newAccessToken(kind, caller.appId, deps.random.bytes(25));
  const now = deps.clock.now();
  const lifeMs = kind === "link" ? SESSION.linkMs : lifeOf(request.stay);
  const saved = await deps.store.saveAccessToken({
    ...{ kind, owner: caller.appId, id, rev: 0, createdAt: now, expiresAt: now + lifeMs },
    sha256: hashOf(text, key.sha256),
    ...(key.keyId !== undefined && { keyId: key.keyId }),
    ...(request.label !== undefined && { label: request.label }),
  });
  if (!saved.ok) throw new MjflowError("overloaded", { detail: "The id of the new session already exists." });
  deps.log.info("session.started", { app: caller.appId, session: id, kind });
  return { token: saved.item, text };
}

/**
 * Turns a sign-in link into a session, once: one conditional write replaces its secret.
 *
 * @returns why the link is not accepted, otherwise the session
 * @throws MjflowError `forbidden` if the app is disabled; `overloaded`
 */
export async function signIn(
  deps: CreateDeps,
  operators: readonly OperatorKey[],
  presented: string,
  { stay, label }: Partial<Pick<SessionRequest, "stay" | "label">>,
): Promise<NewAccessToken | KeyProblem> {
  const found = await find(deps, operators, "link", presented);
  if (typeof found === "string") return found;
  const { token: link, key } = found;
  const now = deps.clock.now();
  // The id stays, and the link itself ends: its text no longer has the stored hash.
  const { text } = newAccessToken("session", link.owner, deps.random.bytes(25), link.id);
  const saved = await deps.store.saveAccessToken({
    ...link,
    kind: "session",
    sha256: hashOf(text, key.sha256),
    createdAt: now,
    expiresAt: now + lifeOf(stay),
    ...(label !== undefined && { label }),
  });
  if (!saved.ok) return "revoked";
  deps.log.info("session.signed-in", { app: link.owner, session: link.id });
  return { token: saved.item, text };
}

/**
 * Returns the caller of a session, with the rights of its key. A session is read with each request, so a revocation counts
 * at once.
 *
 * @throws MjflowError `forbidden` if the app is disabled; `overloaded`
 */
export async function callerOfSession(
  deps: SessionDeps,
  operators: readonly OperatorKey[],
  presented: string,
): Promise<Caller | KeyProblem> {
  const found = await find(deps, operators, "session", presented);
  if (typeof found === "string") return found;
  const { token, key } = found;
  await noteUse(deps, token);
  const caller: Caller = key.app ? callerOfApp(key.app) : { appId: DEFAULT_APP, operator: true };
  return { ...caller, session: token.id };
}

/** Lists the sessions and the unused sign-in links of an app, newest first. */
export async function listSessions({ store }: SessionDeps, appId: string): Promise<AccessToken[]> {
  return (await store.accessTokens(appId)).sort((a, b) => b.createdAt - a.createdAt);
}

/**
 * Deletes the row of a session or sign-in link, also if its use is recorded at the same time.
 * @throws MjflowError `not_found`; `write_conflict`
 */
export async function endSession({ store, log }: SessionDeps, appId: string, id: string): Promise<void> {
  const token = isAccessTokenId(id) ? await store.accessToken(appId, id) : undefined;
  if (!token) throw new MjflowError("not_found");
  await removeAccessToken({ store }, token, "token");
  log.info("session.ended", { app: appId, session: id });
}

// ── parts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const lifeOf = (stay = false) => (stay ? SESSION.stayMs : SESSION.shortMs);

/** Hash of a secret together with the hash of the API key that it stands for. */
function hashOf(text: string, keySha256: string): string {
  return sha256Of(`${text} ${keySha256}`);
}

/** The request was accepted with this key, so the key exists unless it was removed at this moment. */
async function keyOfCaller(
  { store }: SessionDeps,
  presented: string,
  { operator, appId, keyId }: Caller,
): Promise<KeyOfSession> {
  if (operator) return { sha256: sha256Of(presented) };
  const { key } = keyId === undefined ? { key: undefined } : await store.appWithKey(appId, keyId);
  if (!key) throw new MjflowError("unauthorized");
  return { keyId: key.id, sha256: key.sha256 };
}

async function find(
  deps: SessionDeps,
  operators: readonly OperatorKey[],
  kind: "session" | "link",
  presented: string,
): Promise<{ token: AccessToken; key: KeyOfSession } | KeyProblem> {
  const named = parseAccessToken(kind, presented);
  if (!named) return "malformed";
  const token = await deps.store.accessToken(named.owner, named.id);
  // A link that was used has become a session.
  if (token?.kind !== kind) return "revoked";
  const now = deps.clock.now();
  const { app, key } = token.keyId === undefined ? NO_APP : await deps.store.appWithKey(token.owner, token.keyId);
  const candidates = token.keyId === undefined ? operators.map(({ sha256 }) => sha256.toString("hex")) : [key?.sha256];
  const sha256 = candidates.find((each) => each !== undefined && isSameHash(hashOf(presented, each), token.sha256));
  // The secret is wrong, or the key that it stands for was replaced.
  if (sha256 === undefined) return "unknown";
  if (token.expiresAt <= now) return "expired";
  if (token.keyId === undefined) return { token, key: { sha256 } };
  return problemOf(app!, key!, now) ?? { token, key: { keyId: token.keyId, sha256, app: app! } };
}

const NO_APP = { app: undefined, key: undefined };

function problemOf(app: App, key: AppKey, now: number): KeyProblem | undefined {
  if (key.revokedAt !== undefined || app.deletedAt !== undefined) return "revoked";
  if (!isActiveKey(key, now)) return "expired";
  if (!isAppActive(app)) throw new MjflowError("forbidden", { detail: "This app is disabled." });
  return undefined;
}

/** Records the day of use, once per day. A failed write loses only the day. */
async function noteUse({ store, clock, log }: SessionDeps, token: AccessToken): Promise<void> {
  const usedOn = dateOf(clock.now());
  if (token.usedOn === usedOn) return;
  await store.saveAccessToken({ ...token, usedOn }).catch((error: unknown) => {
    log.warn("session.use-unnoted", { app: token.owner, session: token.id, error: String(error) });
  });
}

/** Ends the oldest sessions of an app that has the maximum number. So a user can sign in although many browsers never signed out. */
async function makeRoom({ store }: SessionDeps, appId: string): Promise<void> {
  const all = (await store.accessTokens(appId)).sort((a, b) => a.createdAt - b.createdAt);
  for (const oldest of all.slice(0, Math.max(0, all.length - SESSION.perApp + 1)))
    await store.deleteAccessToken(oldest);
}
