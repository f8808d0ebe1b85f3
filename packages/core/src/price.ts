/**
 * Estimated prices. Credit and the estimate of a doubled submission use them; they are never a vendor's bill, because vendors
 * differ. The amounts are xfusionai's published prices in USD (price list of apifox.com/apidoc/shared/b575efe8-…). Only the
 * price of a video is CometAPI's (`mj_fast_video`, 0.6 USD a call), because xfusionai sells no videos. new-api's default price
 * is 0.8 units of its operator. Vendors ask this price for each call, whatever the number of videos is. An edit costs as
 * much as an image: new-api's defaults are 0.1 for both.
 */
import { actionOfPress, TILE_ACTION } from "./button.ts";
import type { Press } from "./plan.ts";
import { isEnded, type Task } from "./task.ts";
import type { Pace } from "./timing.ts";

const IMAGE_USD: Record<Pace, number> = { relax: 0.015, fast: 0.04, turbo: 0.108, video: 0.6 };
/** Price of an action in `SMALL`, at every pace. */
const SMALL_USD = 0.01;
const SMALL: ReadonlySet<string> = new Set(["UPSCALE", "DESCRIBE", "SHORTEN", "SWAP_FACE"]);

/** What a price is estimated for. `taskCount`: how many tasks Midjourney makes of the prompt; unset: one. */
type PricedWork = { action: string; pace: Pace; taskCount?: number | undefined };

export function estimateUsd({ action, pace, taskCount = 1 }: PricedWork): number {
  if (action === TILE_ACTION) return 0;
  return taskCount * (SMALL.has(action) ? SMALL_USD : IMAGE_USD[pace]);
}

/** Returns the estimate in whole micro-USD, so that sums are exact. */
export function estimateMicroUsd(work: PricedWork): number {
  return Math.round(estimateUsd(work) * 1e6);
}

/** Returns the estimate of a task and of all follow-ups that its plan can start (created in engine/step/follow-ups.ts). */
export function planMicroUsd(work: PricedWork, then: readonly Press[] | undefined): number {
  return (then ?? []).reduce((sum, node) => {
    const action = actionOfPress(node.press);
    const pace = action === "VIDEO" ? "video" : work.pace;
    return sum + planMicroUsd({ action, pace }, node.then);
  }, estimateMicroUsd(work));
}

/** Returns the estimated cost of all accepted submissions of these tasks, including orphans and siblings. */
export function costMicroUsd(tasks: readonly Task[]): number {
  return tasks.reduce((sum, task) => sum + acceptedSubmissionCount(task) * estimateMicroUsd(task), 0);
}

/**
 * Returns the number of submissions of a task that a vendor is known to have accepted. Rejected submissions and prompts
 * that moderation stopped do not count. An unanswered modal produced no image and does not count. An unclear submission
 * counts once the vendor is known to have accepted it.
 */
export function acceptedSubmissionCount(task: Task): number {
  const orphans = task.orphans?.length ?? 0;
  return wasAccepted(task) ? 1 + (task.vendorSiblings?.length ?? 0) + orphans : orphans;
}

/**
 * Returns a task as a settlement at `settledAt` saw it: without a success that was reported later. Such a success may be
 * the first sign that the vendor accepted the task.
 */
export function asSettled(task: Task, settledAt: number | undefined): Task {
  const isLater = settledAt !== undefined && task.late !== undefined && task.late.at > settledAt;
  return isLater ? { ...task, late: undefined } : task;
}

/** Failure codes set by mjflow for tasks that the vendor had accepted but did not finish in time. */
const ACCEPTED_THEN_LOST: ReadonlySet<string> = new Set(["deadline_passed", "vendor_lost", "vendor_stalled"]);

function wasAccepted({ status, failure, endedBy, submittedAt, late, ...task }: Task): boolean {
  if (failure?.code === "banned_prompt") return false;
  if (late?.status === "SUCCESS" || endedBy !== undefined) return true;
  if (!isEnded({ ...task, status })) return submittedAt !== undefined;
  return submittedAt !== undefined && ACCEPTED_THEN_LOST.has(failure?.code ?? "");
}
