/** A request that may come twice and is carried out once: `Idempotency-Key`. One conditional put, and one update. */
import { createHash } from "node:crypto";
import { MjflowError } from "@mjflow/core/error";
import {
  canonicalJson,
  IDEMPOTENCY_LEASE_MS,
  type IdempotencyRecord,
  idempotencyStateOf,
} from "@mjflow/core/idempotency";
import type { EngineDeps } from "./deps.ts";

type IdempotencyDeps = Pick<EngineDeps, "store" | "clock" | "log">;

/** What is to be made, and whether an earlier try may have begun it. */
export interface ChosenTarget {
  target: string;
  resumed: boolean;
}

export interface IdempotentRequest {
  appId: string;
  key: string;
  /** Method and path: the same key at another address is another request. */
  route: string;
  /** As validated: what an app did not send does not count. */
  request: unknown;
}

export interface IdempotentWork<T> {
  /** The id of what is to be made; asked once, and kept with the key before anything else is written. */
  choose(): string;
  /** Makes it; with `resumed`, also where it is there in part or whole. */
  run(chosen: ChosenTarget): Promise<T>;
  /** What was made, as it stands. */
  show(target: string): Promise<T>;
}

/**
 * @throws MjflowError idempotency_in_flight, idempotency_mismatch; and whatever the work throws: the key is then free for
 *   the same request again, and after a refusal, when nothing was made, for a corrected one
 */
export async function runOnce<T>(
  deps: IdempotencyDeps,
  keyed: IdempotentRequest,
  work: IdempotentWork<T>,
): Promise<{ value: T; replayed: boolean }> {
  const { appId, key } = keyed;
  const fingerprint = fingerprintOf(keyed);
  const claim = (target: string, over: Pick<IdempotencyRecord, "rev" | "createdAt">): IdempotencyRecord => ({
    ...{ appId, key, fingerprint, target, state: "running" },
    ...{ rev: over.rev, createdAt: over.createdAt, leaseUntil: deps.clock.now() + IDEMPOTENCY_LEASE_MS },
  });
  let resumed = false;
  let saved = await deps.store.saveIdempotency(claim(work.choose(), { rev: 0, createdAt: deps.clock.now() }));
  if (!saved.ok) {
    const before = saved.current;
    // Gone between the refusal and its reading: TTL took it at this very moment.
    if (!before) throw new MjflowError("idempotency_in_flight");
    const standing = idempotencyStateOf(before, fingerprint, deps.clock.now());
    if (standing.kind === "mismatch") throw new MjflowError("idempotency_mismatch");
    if (standing.kind === "in_flight") throw new MjflowError("idempotency_in_flight");
    if (standing.kind === "done") return { value: await work.show(before.target), replayed: true };
    resumed = standing.kind === "resume";
    const next = resumed
      ? claim(before.target, before)
      : claim(work.choose(), { rev: before.rev, createdAt: deps.clock.now() });
    saved = await deps.store.saveIdempotency(next);
    if (!saved.ok) throw new MjflowError("idempotency_in_flight");
  }
  const row = saved.item;
  try {
    const value = await work.run({ target: row.target, resumed });
    await saveRecord(deps, { ...row, state: "done", leaseUntil: undefined });
    return { value, replayed: resumed };
  } catch (error) {
    const refused = !resumed && error instanceof MjflowError && error.status < 500;
    await saveRecord(deps, { ...row, leaseUntil: undefined, ...(refused && { fingerprint: undefined }) });
    throw error;
  }
}

/** A hint for the next request. Where it cannot be written, the lease runs out, and the next one finds what was made. */
async function saveRecord({ store, log }: IdempotencyDeps, row: IdempotencyRecord): Promise<void> {
  await store.saveIdempotency(row).catch((error: unknown) => {
    log.warn("idempotency.end-unwritten", { app: row.appId, target: row.target, error: String(error) });
  });
}

function fingerprintOf({ route, request }: IdempotentRequest): string {
  return createHash("sha256")
    .update(`${route}\n${canonicalJson(request)}`)
    .digest("base64url");
}
