/**
 * Where a root's attempts are made. One that no vendor has taken may move to another account, and what is told of an
 * attempt is told of the account it was made at: so an attempt's number is never used at two accounts, and one that was
 * answered "busy", and then left behind, keeps its own.
 *
 *   R1  Only a root moves, and only while no vendor is known to have it, or may have it: after a clear "no", or where
 *       nothing was asked; after doubt not before its grace and its look-up have passed (P3).
 *   R2  Should the account that was left have taken it after all, the task is that account's again, if nothing else was
 *       sent since; otherwise it is another submission like any (P3): the one that succeeds wins, the other is an orphan.
 */
import { rootPath } from "./id.ts";
import type { AttemptLocation, Task, TaskStatus } from "./task.ts";

type Account = Pick<Task, "provider" | "account">;

/** Beyond this a root waits where it is. */
const MAX_RELOCATIONS = 8;

/** At which account an attempt of it was made, or would be. */
export function accountOfAttempt(task: Task, attempt: number): Account {
  return task.previousLocations?.find((place) => attempt <= place.attempt) ?? task;
}

export function isSameAccount(a: Account, b: Account): boolean {
  return a.provider === b.provider && a.account === b.account;
}

/** Submissions made, those not counted that were left behind untaken. */
export function countSubmissions({
  attempt,
  previousLocations = [],
}: Pick<Task, "attempt" | "previousLocations">): number {
  return attempt - previousLocations.filter(({ untaken }) => untaken).length;
}

/** The latest attempt up to this one that may have been taken. */
export function lastPossiblyAcceptedAttempt(task: Task, attempt: number): number {
  let last = attempt;
  while (wasRejected(task, last)) last--;
  return last;
}

/** R2: what the vendor has after all of a task that waits to be sent. */
export function restoresAttempt(task: Task, attempt: number): boolean {
  if (task.status !== "PENDING" || !task.previousLocations) return false;
  return wasRejected(task, attempt) || attempt === lastPossiblyAcceptedAttempt(task, task.attempt);
}

export function wasRejected({ previousLocations = [] }: Pick<Task, "previousLocations">, attempt: number): boolean {
  return previousLocations.some((place) => place.untaken && place.attempt === attempt);
}

/** Attempts that turned up belong to the count of what was made. */
export function markAccepted({ previousLocations }: Task, attempt: number): Partial<Task> {
  return previousLocations
    ? { previousLocations: previousLocations.map((place) => (place.attempt === attempt ? asAccepted(place) : place)) }
    : {};
}

function asAccepted({ attempt, provider, account }: AttemptLocation): AttemptLocation {
  return { attempt, provider, account };
}

const UNSENT_STATUSES: ReadonlySet<TaskStatus> = new Set(["PENDING", "SUBMITTING", "UNCLEAR"]);

/** R1. What is asked to move has just been told "no", or was not asked. */
export function canRelocate(task: Task): boolean {
  if (task.path !== rootPath(task.path) || !UNSENT_STATUSES.has(task.status) || task.phase !== "submit") return false;
  if (task.vendorTaskId !== undefined || (task.orphans?.length ?? 0) > 0) return false;
  return (task.previousLocations?.length ?? 0) < MAX_RELOCATIONS;
}

/** The task's next attempt is made there. Claimed or tried, its number stays behind; else there is none to leave. */
export function relocateTo(task: Task, to: Account): Partial<Task> {
  const claimed = task.status !== "PENDING";
  // Busy answers gave their number back: the account it belonged to has a token with it.
  const attempt = claimed || task.busyAnswers === 0 ? task.attempt : task.attempt + 1;
  const untaken = (claimed || task.busyAnswers > 0) && !wasRejected(task, attempt);
  const left: AttemptLocation = {
    attempt,
    provider: task.provider,
    account: task.account,
    ...(untaken && { untaken }),
  };
  return {
    attempt,
    provider: to.provider,
    account: to.account,
    previousLocations: [...(task.previousLocations ?? []), left],
  };
}

/** The task is, as it turns out, where that attempt was made, and later ones are forgotten. */
export function restoreLocation(task: Task, attempt: number): Partial<Task> {
  const at = accountOfAttempt(task, attempt);
  if (!task.previousLocations || at === task) return {};
  const places = task.previousLocations.filter((place) => place.attempt < attempt);
  return { provider: at.provider, account: at.account, previousLocations: places.length > 0 ? places : undefined };
}

/** An attempt made elsewhere has succeeded: what follows is pressed there. Where the latest was made stays known. */
export function adoptAttemptLocation(task: Task, attempt: number): Partial<Task> {
  const at = accountOfAttempt(task, attempt);
  if (!task.previousLocations || at === task) return {};
  const latest = { attempt: task.attempt, provider: task.provider, account: task.account };
  return {
    provider: at.provider,
    account: at.account,
    previousLocations: [...markAccepted(task, attempt).previousLocations!, latest],
  };
}
