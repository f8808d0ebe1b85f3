/**
 * A flow whose vendor is lost after it had drawn: its picture stays, and its branches can go on nowhere, for buttons belong
 * to an account. Where its app wants that, the whole of it is drawn once more elsewhere, as a flow of its own.
 *
 *   V1  Only a flow that has a picture: a root without one moves, as the same task (place.ts).
 *   V2  Once: the new flow's id follows from the old one's, and a flow that was begun so is not begun again.
 *   V3  The row that records the end owes it, until it is done or can never be.
 */
import { isVendorLoss } from "./error.ts";
import { type Flow, isSuperseded } from "./flow.ts";
import type { Task } from "./task.ts";

/** Ends that mean a loss if there is no such account any more: what nobody could be asked about, too. */
const CODES_OF_UNREACHABLE_VENDOR: ReadonlySet<string> = new Set([
  "deadline_passed",
  "vendor_lost",
  "submission_unclear",
]);

/** Whether an end that is recorded now may oblige us to a restart: asked again, with what is configured, when it is made. */
export function mayRestart(flow: Flow, status: Flow["status"], tasks: readonly Task[]): boolean {
  if (flow.onVendorLoss !== "restart" || status !== "completed") return false;
  if (flow.restartOf !== undefined || flow.restartedAs !== undefined) return false;
  return findLostTask(tasks, () => false) !== undefined;
}

/** A task whose vendor, or account there, is lost. @param isThere there still is such an account */
export function findLostTask(tasks: readonly Task[], isThere: (task: Task) => boolean): Task | undefined {
  return tasks.find((task) => isInPlan(task, tasks) && hasLostItsVendor(task, isThere));
}

function hasLostItsVendor(task: Task, isThere: (task: Task) => boolean): boolean {
  const { failure } = task;
  return (
    failure !== undefined &&
    (isVendorLoss(failure) || (CODES_OF_UNREACHABLE_VENDOR.has(failure.code) && !isThere(task)))
  );
}

/** What was pressed by hand is in no plan, so beginning the plan anew would not bring it back. */
const PLANNED_PATH = /^0(?:-(?:mr)*\d*)*$/;

function isInPlan(task: Task, tasks: readonly Task[]): boolean {
  return PLANNED_PATH.test(task.path) && !isSuperseded(task, tasks);
}
