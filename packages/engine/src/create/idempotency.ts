/** `Idempotency-Key`: a request that arrives twice is executed once. This costs one conditional put and one update. */
import { createHash } from "node:crypto";
import { MjflowError } from "@mjflow/core/error";
import {
  canonicalJson,
  IDEMPOTENCY_LEASE_MS,
  type IdempotencyRecord,
  idempotencyStateOf,
} from "@mjflow/core/idempotency";
import type { EngineDeps } from "../deps.ts";

type IdempotencyDeps = Pick<EngineDeps, "store" | "clock" | "log">;

/** The id of the resource to create. `resumed`: an earlier request may have created part of it. */
export interface ChosenTarget {
  target: string;
  resumed: boolean;
}

export interface IdempotentRequest {
  appId: string;
  key: string;
  /** Method and path. The same key on another route is a different request. */
  route: string;
  /** The validated request. Fields that the app did not send are not part of it. */
  request: unknown;
}

/**
 * `done`: a repeated request gets what `show` returns. `incomplete`: a part is missing, and a repeated request runs again
 * with the same id. `rejected`: nothing was created, and the key accepts another request.
 */
export type IdempotentOutcome = "done" | "incomplete" | "rejected";

export interface IdempotentWork<T> {
  /** Returns the id of the resource to create. The id is stored with the key before anything else is written. */
  choose(): string;
  /** Creates the resource. With `resumed`, some or all of it may exist already. */
  run(chosen: ChosenTarget): Promise<T>;
  /** Returns the current state of the created resource. */
  show(target: string): Promise<T>;
  /** Returns how far the work came. Unset: it is done when `run` returns. */
  outcome?(value: T): IdempotentOutcome;
}

/**
 * Runs the work once per key, or returns the resource that an earlier request created.
 *
 * @throws MjflowError `idempotency_in_flight` while an earlier request runs; `idempotency_mismatch` if the key was used
 *   for a different request. Errors of the work are passed on. The same request may then use the key again. If the
 *   first run failed with a status below 500, nothing was created and a corrected request may use the key too.
 */
export async function runOnce<T>(
  deps: IdempotencyDeps,
  keyed: IdempotentRequest,
  work: IdempotentWork<T>,
): Promise<{ value: T; replayed: boolean }> {
  const { appId, key } = keyed;
  const fingerprint = fingerprintOf(keyed);
  // The age of the key and of its lease is judged by the time when the request arrived, and not after slow writes.
  const now = deps.clock.now();
  const claim = (target: string, over: Pick<IdempotencyRecord, "rev" | "createdAt">): IdempotencyRecord => ({
    ...{ appId, key, fingerprint, target, state: "running" },
    ...{ rev: over.rev, createdAt: over.createdAt, leaseUntil: now + IDEMPOTENCY_LEASE_MS },
  });
  let resumed = false;
  let saved = await deps.store.saveIdempotency(claim(work.choose(), { rev: 0, createdAt: now }));
  if (!saved.ok) {
    const existing = saved.current;
    // The record was deleted by TTL between the rejected write and the read.
    if (!existing) throw new MjflowError("idempotency_in_flight");
    const state = idempotencyStateOf(existing, fingerprint, now);
    if (state.kind === "mismatch") throw new MjflowError("idempotency_mismatch");
    if (state.kind === "in_flight") throw new MjflowError("idempotency_in_flight");
    if (state.kind === "done") return { value: await work.show(existing.target), replayed: true };
    resumed = state.kind === "resume";
    const next = resumed
      ? claim(existing.target, existing)
      : claim(work.choose(), { rev: existing.rev, createdAt: now });
    saved = await deps.store.saveIdempotency(next);
    if (!saved.ok) throw new MjflowError("idempotency_in_flight");
  }
  const row = saved.item;
  try {
    const value = await work.run({ target: row.target, resumed });
    const outcome = work.outcome?.(value) ?? "done";
    await saveRecord(deps, {
      ...row,
      leaseUntil: undefined,
      ...(outcome === "done" && { state: "done" }),
      ...(outcome === "rejected" && !resumed && { fingerprint: undefined }),
    });
    return { value, replayed: resumed };
  } catch (error) {
    const isRejected = !resumed && error instanceof MjflowError && error.status < 500;
    await saveRecord(deps, { ...row, leaseUntil: undefined, ...(isRejected && { fingerprint: undefined }) });
    throw error;
  }
}

/**
 * Stores the result of the run. If this write fails, the lease expires and the next request resumes with the stored id.
 */
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
