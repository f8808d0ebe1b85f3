/**
 * Relocation: the accounts at which the attempts of a root are made. A root that no vendor accepted can move to another
 * account. A report names an attempt, and the attempt must identify one account. Therefore an attempt number is never
 * used at two accounts. An attempt that was answered busy keeps its number when the root moves.
 *
 *   R1  Only a root moves, and only if no vendor has it or may have it. That is after a clear rejection, or if no call
 *       was made. After an unclear submission the grace period and the look-ups must be over first (P3).
 *   R2  If the previous account did accept the task, the task returns to that account, provided that no other
 *       submission was sent since. Otherwise P3 applies: the attempt that succeeds wins and the other becomes an
 *       orphan.
 */
import { rootPath } from "./id.ts";
import type { AttemptLocation, Task, TaskStatus } from "./task.ts";

type Account = Pick<Task, "provider" | "account">;

/** Maximum number of relocations. After that a root waits at its account. */
const MAX_RELOCATIONS = 8;

/** Returns the account at which an attempt of the task was made or would be made. */
export function accountOfAttempt(task: Task, attempt: number): Account {
  return task.previousLocations?.find((location) => attempt <= location.attempt) ?? task;
}

export function isSameAccount(a: Account, b: Account): boolean {
  return a.provider === b.provider && a.account === b.account;
}

/** Returns the number of submissions that a vendor may have accepted: all attempts minus the rejected ones. */
export function countSubmissions({
  attempt,
  previousLocations = [],
}: Pick<Task, "attempt" | "previousLocations">): number {
  return attempt - previousLocations.filter((location) => location.untaken && location.attempt <= attempt).length;
}

/** Returns the latest attempt up to `attempt` that a vendor may have accepted. */
export function lastPossiblyAcceptedAttempt(task: Task, attempt: number): number {
  let last = attempt;
  while (wasRejected(task, last)) last--;
  return last;
}

/**
 * R2: true if the task waits to be submitted again and this earlier attempt, accepted after all, becomes current again.
 */
export function restoresAttempt(task: Task, attempt: number): boolean {
  if (task.status !== "PENDING" || !task.previousLocations) return false;
  return wasRejected(task, attempt) || attempt === lastPossiblyAcceptedAttempt(task, task.attempt);
}

/** True if a clear response rejected the attempt and the root has moved since. */
export function wasRejected({ previousLocations = [] }: Pick<Task, "previousLocations">, attempt: number): boolean {
  return previousLocations.some(({ untaken, attempt: last }) => untaken && last === attempt);
}

/** Marks a rejected attempt as accepted after all, so that `countSubmissions` counts it. */
export function markAccepted({ previousLocations }: Task, attempt: number): Partial<Task> {
  if (!previousLocations) return {};
  return { previousLocations: previousLocations.map((each) => (each.attempt === attempt ? asAccepted(each) : each)) };
}

function asAccepted({ attempt, provider, account }: AttemptLocation): AttemptLocation {
  return { attempt, provider, account };
}

const UNSENT_STATUSES: ReadonlySet<TaskStatus> = new Set(["PENDING", "SUBMITTING", "UNCLEAR"]);

/** R1: true if the root may move. The caller knows that the last call was clearly rejected or that no call was made. */
export function canRelocate(task: Task): boolean {
  if (task.path !== rootPath(task.path) || !UNSENT_STATUSES.has(task.status) || task.phase !== "submit") return false;
  if (task.vendorTaskId !== undefined || (task.orphans?.length ?? 0) > 0) return false;
  return (task.previousLocations?.length ?? 0) < MAX_RELOCATIONS;
}

/**
 * Moves the task, so that its next attempt is made at `to`. If the task is claimed or was answered busy, the attempt
 * number stays with the previous account. Otherwise no number was used there.
 */
export function relocateTo(task: Task, to: Account): Partial<Task> {
  const claimed = task.status !== "PENDING";
  // A busy response has released the number, but the account has a callback token with it. So the number is not used
  // again.
  const attempt = claimed || task.busyAnswers === 0 ? task.attempt : task.attempt + 1;
  const untaken = (claimed || task.busyAnswers > 0) && !wasRejected(task, attempt);
  const previous: AttemptLocation = {
    attempt,
    provider: task.provider,
    account: task.account,
    ...(untaken && { untaken }),
  };
  return {
    attempt,
    provider: to.provider,
    account: to.account,
    previousLocations: [...(task.previousLocations ?? []), previous],
  };
}

/** Returns the highest attempt number that a vendor account may have a callback token with. */
export function lastUsedAttempt({ attempt, previousLocations = [] }: Task): number {
  // A busy response releases the number of its attempt, but the account keeps the token.
  return Math.max(attempt + 1, ...previousLocations.map((location) => location.attempt));
}

/**
 * Returns the task to the account of an attempt that was accepted after all (R2). The later accounts stay stored: each of
 * them may have accepted its attempt too, and its report must be recorded as an orphan.
 */
export function restoreLocation(task: Task, attempt: number): Partial<Task> {
  const accountThen = accountOfAttempt(task, attempt);
  if (!task.previousLocations || accountThen === task) return {};
  const { provider, account } = accountThen;
  const locations = markAccepted(task, attempt).previousLocations!;
  return { provider, account, previousLocations: [...locations, ...locationOfLatestAttempt(task)] };
}

/** Returns the location of the attempt that the current account has used, or nothing if it has used none. */
function locationOfLatestAttempt(task: Task): AttemptLocation[] {
  const { status, busyAnswers, previousLocations = [], provider, account } = task;
  const isReleased = status === "PENDING" && busyAnswers > 0;
  const attempt = isReleased ? task.attempt + 1 : task.attempt;
  if (previousLocations.some((location) => attempt <= location.attempt)) return [];
  // An UNCLEAR attempt may have been accepted. Every other caller has a clear rejection of the latest attempt.
  return [{ attempt, provider, account, ...(status !== "UNCLEAR" && { untaken: true as const }) }];
}

/**
 * An attempt at another account has succeeded, so the follow-ups are pressed at that account. The account of the latest
 * attempt stays stored, because that attempt becomes an orphan.
 */
export function adoptAttemptLocation(task: Task, attempt: number): Partial<Task> {
  const accountThen = accountOfAttempt(task, attempt);
  if (!task.previousLocations || accountThen === task) return {};
  const latest = { attempt: task.attempt, provider: task.provider, account: task.account };
  const isKnown = task.previousLocations.some((location) => task.attempt <= location.attempt);
  return {
    provider: accountThen.provider,
    account: accountThen.account,
    previousLocations: [...markAccepted(task, attempt).previousLocations!, ...(isKnown ? [] : [latest])],
  };
}
