import { QUEUE } from "@mjflow/core/limit";

/**
 * Converts a delay to SQS's unit: whole seconds, rounded up so that no message arrives early, at most 15 minutes. A longer
 * delay is shortened, which is harmless. The worker then finds that it is too early, and the task's due time takes over.
 */
export function delaySeconds(delayMs: number | undefined): number {
  return Math.min(QUEUE.submit.maxDelayS, Math.max(0, Math.ceil((delayMs ?? 0) / 1_000)));
}
