/**
 * A replay: a job that sends many deliveries of one subscriber again, each under its own `webhook-id`. A worker does it in
 * steps. The row of the job has its position and its counts, which change together in one write. So a step that a crash has
 * cut is made again, and nothing is counted twice (D11). All functions are pure.
 */
import { flowIdOf } from "./id.ts";

/** Which deliveries are sent: the failed ones, those of parked events, or every one. */
type ReplayFilter = "failed" | "all" | "parked";

/** `counting`: it searches the deliveries, so that `found` is the whole number. `sending`: it sends them, the oldest first. */
export type ReplayStatus = "counting" | "sending" | "completed" | "canceled" | "failed";

/** Why a replay failed: its endpoint receives nothing any more. */
export type ReplayFailure = "endpoint_deleted" | "endpoint_disabled";

interface ReplayCounts {
  /** Number of deliveries that match. While the replay counts, the number of those that it has found so far. */
  found: number;
  /** Number of deliveries that the receiver accepted. */
  sent: number;
  /** Number of deliveries whose attempt failed. Their further attempts follow their own schedule. */
  failed: number;
  /** Number of deliveries that needed no attempt any more, for example because another request has replayed them. */
  skipped: number;
}

export interface Replay extends ReplayCounts {
  appId: string;
  /** `rpl_…` */
  id: string;
  rev: number;
  /** Subscriber whose deliveries are sent: an endpoint id, or `hook`. */
  listener: string;
  only: ReplayFilter;
  /** Bounds of the creation of a delivery, epoch ms, both included. For `parked`: of the creation of its flow. */
  since: number;
  until: number;
  status: ReplayStatus;
  failure?: ReplayFailure;
  /** Where the last page ended. Unset: at the beginning. */
  cursor?: string;
  /** Creation of the last flow of which it has sent deliveries, epoch ms. Unset: none, or the job reads no flows. */
  position?: number;
  /** A worker has the job until then, or it waits until then, epoch ms. Unset: its next step may be made. */
  leaseUntil?: number;
  /** Until when it waits, because its receiver fails or hangs, epoch ms. Unset: it does not wait. */
  waitsUntil?: number;
  /** Due time for the sweeper, epoch ms; unset when the replay has ended. */
  due?: number;
  createdAt: number;
  endedAt?: number;
}

/** Running replays of one app. Each is paced on its own, so more of them would be as fast as none. */
export const REPLAYS_PER_APP = 5;
/** Longest time of one step with all its posts, and for storing the result. After a crash another worker makes the step. */
export const REPLAY_LEASE_MS = 60_000;
/** Time after a step was due until the sweeper assumes that its message was lost. */
const OVERDUE_MS = 30_000;

const ID = /^rpl_[0-9A-HJKMNP-TV-Z]{26}$/;

/** @param random 10 bytes */
export function replayIdOf(timeMs: number, random: Uint8Array): string {
  return `rpl_${flowIdOf(timeMs, random).slice("flow_".length)}`;
}

export function isReplayId(id: string): boolean {
  return ID.test(id);
}

export function newReplay(
  fields: Pick<Replay, "appId" | "id" | "listener" | "only" | "since" | "until">,
  now: number,
): Replay {
  const counts = { found: 0, sent: 0, failed: 0, skipped: 0 };
  return { ...fields, rev: 0, status: "counting", ...counts, createdAt: now, due: now + OVERDUE_MS };
}

export function isReplayEnded({ status }: Pick<Replay, "status">): boolean {
  return status !== "counting" && status !== "sending";
}

/** Returns how many deliveries are still to be sent, as far as the replay has counted. */
export function leftOf({ found, sent, failed, skipped, status }: Replay): number {
  return status === "completed" ? 0 : Math.max(0, found - sent - failed - skipped);
}

/** Claims a step. Returns undefined if the replay has ended, another worker has it, or it waits. */
export function claimReplay(replay: Replay, now: number): Replay | undefined {
  if (isReplayEnded(replay) || (replay.leaseUntil ?? 0) > now) return undefined;
  const leaseUntil = now + REPLAY_LEASE_MS;
  return { ...replay, leaseUntil, due: leaseUntil, waitsUntil: undefined };
}

/** What a page has added to the counts, and where it ended. `cursor` unset: it was the last page. */
export interface ReplayPage extends Partial<ReplayCounts> {
  cursor?: string | undefined;
  position?: number | undefined;
}

/**
 * Records a page. After the last page a replay that counts begins to send, and one that sends is completed. A replay that was
 * canceled meanwhile keeps its end and gets the counts of the posts that were under way.
 */
export function recordReplayPage(replay: Replay, page: ReplayPage, now: number): Replay {
  const counted = addReplayCounts(replay, page);
  const { cursor } = page;
  if (isReplayEnded(replay)) return counted;
  if (cursor !== undefined) {
    const position = replay.status === "sending" ? (page.position ?? replay.position) : undefined;
    return { ...counted, cursor, ...(position !== undefined && { position }) };
  }
  if (replay.status === "counting") return { ...counted, status: "sending", cursor: undefined };
  return endReplay(counted, "completed", now);
}

/** Adds to the counts without a change of the position. */
export function addReplayCounts(
  replay: Replay,
  { found = 0, sent = 0, failed = 0, skipped = 0 }: Partial<ReplayCounts>,
): Replay {
  return {
    ...replay,
    found: replay.found + found,
    sent: replay.sent + sent,
    failed: replay.failed + failed,
    skipped: replay.skipped + skipped,
  };
}

/** Ends a replay. A completed one has handled everything that it found, so the rest was skipped. */
export function endReplay(
  replay: Replay,
  status: "completed" | "canceled" | "failed",
  now: number,
  failure?: ReplayFailure,
): Replay {
  const handled = replay.sent + replay.failed + replay.skipped;
  // Deliveries that came after the count were found too.
  const found = status === "completed" ? Math.max(replay.found, handled) : replay.found;
  const skipped = status === "completed" ? replay.skipped + (found - handled) : replay.skipped;
  return { ...replay, found, skipped, status, failure, endedAt: now, ...NO_LONGER_RUNNING };
}

/** The lease stays, so that a worker whose step is under way recognizes its job and records its posts. */
const NO_LONGER_RUNNING = { due: undefined, cursor: undefined, waitsUntil: undefined } as const;

/**
 * Gives the job back. Its next step is made at `from`, by the message that the worker sends or by the sweeper.
 *
 * @param isWaiting true if its receiver fails or hangs until then
 */
export function releaseReplay(
  replay: Replay,
  from: number,
  { hasMessage, isWaiting }: { hasMessage: boolean; isWaiting: boolean },
): Replay {
  const waitsUntil = isWaiting ? from : undefined;
  return { ...replay, leaseUntil: from, due: hasMessage ? from + OVERDUE_MS : from, waitsUntil };
}

/** Id of the recovery of an endpoint. A second start of the same recovery finds the first. @param from time, epoch ms */
export function recoveryIdOf(endpointId: string, from: number): string {
  const random = endpointId.slice(-16);
  return `${replayIdOf(from, new Uint8Array(10)).slice(0, -random.length)}${random}`;
}

/** The flow of an event that was parked a moment ago may be missing in a listing, so a recovery begins later than that. */
const RECOVERY_DELAY_MS = 10_000;
/** Parked events have the time of the worker that recorded them, whose clock may be ahead. */
const CLOCKS_DIFFER_MS = 15 * 60_000;

/**
 * Returns the replay that sends the parked events of an endpoint. A recovery that runs already is set back to the earlier of its
 * position and `from`, because the breaker opened again.
 *
 * @param stored the replay with this id; undefined: none
 * @param from creation of the first flow that may have parked events, epoch ms
 */
export function recoveryOf(
  stored: Replay | undefined,
  { appId, id, listener, from }: Pick<Replay, "appId" | "id" | "listener"> & { from: number },
  now: number,
): Replay {
  const start = {
    status: "counting" as const,
    until: now + CLOCKS_DIFFER_MS,
    due: now + RECOVERY_DELAY_MS + OVERDUE_MS,
  };
  const begun: Replay = stored ?? newReplay({ appId, id, listener, only: "parked", since: from, until: now }, now);
  const { sent, failed, skipped } = begun;
  return {
    ...begun,
    ...start,
    since: stored ? Math.min(sentUntil(stored), from) : from,
    found: sent + failed + skipped,
    leaseUntil: Math.max(begun.leaseUntil ?? 0, now + RECOVERY_DELAY_MS),
    cursor: undefined,
    position: undefined,
    waitsUntil: undefined,
    failure: undefined,
    endedAt: undefined,
  };
}

/** Returns the creation of the first flow of which a recovery has perhaps not sent everything, epoch ms. */
export function sentUntil({ status, position, since }: Replay): number {
  if (status === "completed") return Number.POSITIVE_INFINITY;
  return position ?? since;
}

/** Time after which the first step of a recovery is made, ms. */
export function recoveryDelayMs({ leaseUntil = 0 }: Replay, now: number): number {
  return Math.max(0, leaseUntil - now);
}

/** Postpones an overdue replay whose message the sweeper sends again. */
export function postponeOverdueReplay(replay: Replay, now: number): Replay {
  return { ...replay, due: now + OVERDUE_MS };
}
