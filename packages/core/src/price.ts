/**
 * What a picture costs, roughly: for telling what a doubled submission was worth, never for a bill. Vendors differ;
 * these are xfusionai's published prices (apifox.com/apidoc/shared/b575efe8-…, price list), in USD.
 */
import { actionOf, canonicalPress, TILE_ACTION } from "./button.ts";
import type { Press } from "./plan.ts";
import { isEnded, type Task } from "./task.ts";
import type { Pace } from "./timing.ts";

const PICTURE_USD: Record<Pace, number> = { relax: 0.015, fast: 0.04, turbo: 0.108, video: 0.108 };
const SMALL_USD = 0.01;
const SMALL: ReadonlySet<string> = new Set(["UPSCALE", "DESCRIBE", "SHORTEN", "SWAP_FACE"]);

export function estimateUsd({ action, pace }: { action: string; pace: Pace }): number {
  if (action === TILE_ACTION) return 0;
  return SMALL.has(action) ? SMALL_USD : PICTURE_USD[pace];
}

/** Whole micro-USD: sums of these are exact. */
export function estimateMicroUsd(work: { action: string; pace: Pace }): number {
  return Math.round(estimateUsd(work) * 1e6);
}

/** A task and all that its plan may start, as follow-ups are made of it (engine, follow.ts). */
export function planMicroUsd(work: { action: string; pace: Pace }, then: readonly Press[] | undefined): number {
  return (then ?? []).reduce((sum, node) => {
    const action = actionOf(canonicalPress(node.press));
    const pace = action === "VIDEO" ? "video" : work.pace;
    return sum + planMicroUsd({ action, pace }, node.then);
  }, estimateMicroUsd(work));
}

/** What vendors took of these tasks, orphans and siblings included. */
export function costMicroUsd(tasks: readonly Task[]): number {
  return tasks.reduce((sum, task) => sum + acceptedSubmissionCount(task) * estimateMicroUsd(task), 0);
}

/**
 * Submissions of a task that a vendor is known to have taken. Refused ones are not, nor what moderation stopped; a window
 * that nobody answered drew nothing; one that may or may not have been taken counts once it has turned up.
 */
export function acceptedSubmissionCount(task: Task): number {
  const orphans = task.orphans?.length ?? 0;
  return wasAccepted(task) ? 1 + (task.vendorSiblings?.length ?? 0) + orphans : orphans;
}

/** Ends that are ours and say that the vendor had it: it took it, and then did not tell of it in time. */
const ACCEPTED_THEN_LOST: ReadonlySet<string> = new Set(["deadline_passed", "vendor_lost"]);

function wasAccepted({ status, failure, endedBy, submittedAt, late, ...task }: Task): boolean {
  if (failure?.code === "banned_prompt") return false;
  if (late?.status === "SUCCESS" || endedBy !== undefined) return true;
  if (!isEnded({ ...task, status })) return submittedAt !== undefined;
  return submittedAt !== undefined && ACCEPTED_THEN_LOST.has(failure?.code ?? "");
}
