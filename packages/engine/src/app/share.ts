/**
 * Share links of flows: anyone who has the link can see the flow, read-only, until the link expires or is revoked (D15). Only a
 * hash of its secret is stored. See docs/decisions/0095.
 */
import { type AccessToken, isAccessTokenId, newAccessToken, parseAccessToken, SHARE } from "@mjflow/core/access-token";
import { DEFAULT_APP, isAppActive } from "@mjflow/core/app";
import { MjflowError } from "@mjflow/core/error";
import { FLOW_RETENTION_MS } from "@mjflow/core/limit";
import type { ShareRequest } from "@mjflow/core/request";
import type { EngineDeps } from "../deps.ts";
import { getOwnFlow } from "../read/own.ts";
import type { FlowWithTasks } from "../step/update-flow.ts";
import { isSameHash, removeAccessToken, sha256Of } from "./access-token.ts";

type ShareDeps = Pick<EngineDeps, "store" | "clock" | "log">;

/** A new share link. `text` is the secret. It is returned only here and stored nowhere. */
export interface NewShare {
  share: AccessToken;
  text: string;
}

/**
 * Creates a share link. It ends at the latest when the flow is no longer stored.
 *
 * @throws MjflowError `not_found`; `limit_reached` if the flow has the maximum number of share links; `overloaded`
 */
export async function createShare(
  deps: ShareDeps & Pick<EngineDeps, "random">,
  appId: string,
  flowId: string,
  { expiresInS, showsPrompt, showsVendorLinks, label }: ShareRequest,
): Promise<NewShare> {
  const { flow } = await getOwnFlow(deps, appId, flowId);
  if ((await sharesOf(deps, flowId)).length >= SHARE.perFlow) {
    const detail = `A flow has at most ${SHARE.perFlow} share links. Revoke one first.`;
    throw new MjflowError("limit_reached", { detail });
  }
  const { id, text } = newAccessToken("share", flowId, deps.random.bytes(25));
  const now = deps.clock.now();
  const saved = await deps.store.saveAccessToken({
    ...{ kind: "share", owner: flowId, id, rev: 0, sha256: sha256Of(text), createdAt: now },
    expiresAt: Math.min(now + expiresInS * 1_000, flow.createdAt + FLOW_RETENTION_MS),
    ...(label !== undefined && { label }),
    ...(!showsPrompt && { hidesPrompt: true }),
    ...(showsVendorLinks && { showsVendorLinks: true }),
  });
  if (!saved.ok) throw new MjflowError("overloaded", { detail: "The id of the new share link already exists." });
  deps.log.info("share.created", { app: appId, flow: flowId, share: id });
  return { share: saved.item, text };
}

/**
 * Lists the share links of a flow that have not expired, newest first.
 * @throws MjflowError `not_found`
 */
export async function listShares(deps: ShareDeps, appId: string, flowId: string): Promise<AccessToken[]> {
  await getOwnFlow(deps, appId, flowId);
  return (await sharesOf(deps, flowId)).sort((a, b) => b.createdAt - a.createdAt);
}

/**
 * Revokes a share link. The next read of the link finds nothing.
 * @throws MjflowError `not_found`; `write_conflict`
 */
export async function revokeShare(deps: ShareDeps, appId: string, flowId: string, id: string): Promise<void> {
  await getOwnFlow(deps, appId, flowId);
  const share = isAccessTokenId(id) ? await deps.store.accessToken(flowId, id) : undefined;
  if (share?.kind !== "share") throw new MjflowError("not_found");
  await removeAccessToken(deps, share, "share link");
  deps.log.info("share.revoked", { app: appId, flow: flowId, share: id });
}

/** What the secret of a share link opens. */
export interface OpenedShare extends FlowWithTasks {
  share: AccessToken;
}

/**
 * Finds the flow of a share link. A stranger learns one thing only: whether the link works.
 *
 * @returns undefined if the text does not have the format of a share link
 * @throws MjflowError `share_not_found` if the link never existed, has expired or was revoked, or if its flow was deleted or its
 *   app is not active; `too_many_reads`; `overloaded`
 */
export async function openShare(deps: ShareDeps, presented: string): Promise<OpenedShare | undefined> {
  const named = parseAccessToken("share", presented);
  if (!named) return undefined;
  const hash = sha256Of(presented);
  countRead(deps, hash);
  const share = await deps.store.accessToken(named.owner, named.id);
  if (share?.kind !== "share" || !isSameHash(hash, share.sha256)) throw notFound();
  if (share.expiresAt <= deps.clock.now()) throw notFound();
  const { flow, tasks } = await deps.store.loadFlow(share.owner);
  if (!flow || flow.deletedAt !== undefined || !(await isOfActiveApp(deps, flow.appId))) throw notFound();
  return { share, flow, tasks };
}

// ── parts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

async function sharesOf({ store, clock }: ShareDeps, flowId: string): Promise<AccessToken[]> {
  const now = clock.now();
  return (await store.accessTokens(flowId)).filter(({ kind, expiresAt }) => kind === "share" && expiresAt > now);
}

/** The flows of the operator belong to no stored app. */
async function isOfActiveApp({ store }: Pick<ShareDeps, "store">, appId: string): Promise<boolean> {
  if (appId === DEFAULT_APP) return true;
  const app = await store.app(appId);
  return app !== undefined && isAppActive(app);
}

function notFound(): MjflowError {
  return new MjflowError("share_not_found", {
    detail: "The share link has expired, was revoked or was copied incompletely, or its flow was deleted.",
  });
}

// ── limit of reads ─────────────────────────────────────────────────────────────────────────────────────────────────

interface Reads {
  /** Beginning of the minute, epoch ms. */
  since: number;
  count: number;
}

/** What this process remembers. It belongs to the store, as a container has one. */
const memory = new WeakMap<object, Map<string, Reads>>();
/** Links that a process remembers; it forgets the oldest when there are more. */
const MAX_LINKS = 1_000;
const MINUTE_MS = 60_000;

/**
 * Counts a read before anything is read, so a link that is read too often costs nothing. Only who has the whole secret counts
 * towards its limit: a stranger who knows the id alone cannot lock the viewers out.
 *
 * @throws MjflowError `too_many_reads`
 */
function countRead({ store, clock }: ShareDeps, secretHash: string): void {
  const reads = memory.get(store) ?? new Map<string, Reads>();
  memory.set(store, reads);
  const now = clock.now();
  const known = reads.get(secretHash);
  const current = known && now - known.since < MINUTE_MS ? known : { since: now, count: 0 };
  if (current.count >= SHARE.readsPerMinute) {
    throw new MjflowError("too_many_reads", { retry: { afterMs: current.since + MINUTE_MS - now } });
  }
  current.count += 1;
  reads.delete(secretHash);
  reads.set(secretHash, current);
  if (reads.size > MAX_LINKS) reads.delete(reads.keys().next().value!);
}
