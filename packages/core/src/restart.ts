/**
 * Restart after a vendor loss. If the vendor is lost after the root has an image, the image stays. Its branches cannot
 * continue at another account, because buttons belong to an account. If the app wants it (`onVendorLoss`), a new flow
 * with the same request starts at another account. It is paid like any flow.
 *
 *   VL1  Only a flow whose root has an image restarts. A root without an image moves instead, as the same task
 *        (relocation.ts).
 *   VL2  A flow restarts once. The id of the new flow is derived from the id of the old one, and a flow that is itself
 *        a restart does not restart again.
 *   VL3  The restart is a pending effect of the row that records the end, until the new flow is started or can never
 *        be.
 */
import { isVendorLoss } from "./error.ts";
import { type Flow, isSuperseded } from "./flow.ts";
import type { Task } from "./task.ts";

/** Failure codes that mean a vendor loss if the account no longer exists, because then no look-up was possible. */
const CODES_OF_UNREACHABLE_VENDOR: ReadonlySet<string> = new Set([
  "deadline_passed",
  "vendor_lost",
  "vendor_stalled",
  "submission_unclear",
]);

/**
 * True if the end that is recorded now may need a restart (VL1, VL2). The sweeper, which knows the configured accounts,
 * checks for a lost task again before it starts the new flow.
 */
export function mayRestart(flow: Flow, status: Flow["status"], tasks: readonly Task[]): boolean {
  if (flow.onVendorLoss !== "restart" || status !== "completed") return false;
  if (flow.restartOf !== undefined || flow.restartedAs !== undefined) return false;
  return findLostTask(tasks, () => false) !== undefined;
}

/**
 * Returns a task of the plan whose vendor or account is lost.
 *
 * @param accountExists whether the account of a task still exists
 */
export function findLostTask(tasks: readonly Task[], accountExists: (task: Task) => boolean): Task | undefined {
  return tasks.find((task) => isInPlan(task, tasks) && hasLostItsVendor(task, accountExists));
}

function hasLostItsVendor(task: Task, accountExists: (task: Task) => boolean): boolean {
  const { failure } = task;
  return (
    failure !== undefined &&
    (isVendorLoss(failure) || (CODES_OF_UNREACHABLE_VENDOR.has(failure.code) && !accountExists(task)))
  );
}

/**
 * Paths of the plan and its retries. A press by the app is in no plan, so a restart of the plan would not repeat it.
 */
const PLANNED_PATH = /^0(?:-(?:mr)*\d*)*$/;

function isInPlan(task: Task, tasks: readonly Task[]): boolean {
  return PLANNED_PATH.test(task.path) && !isSuperseded(task, tasks);
}
