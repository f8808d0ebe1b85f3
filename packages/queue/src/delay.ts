import { QUEUE } from "@mjflow/core/limit";

/**
 * Converts a delay to SQS's unit: whole seconds, rounded up so that no message arrives early, at most 15 minutes. A longer
 * delay is shortened. The state machine gives no longer one: a longer pause is a due time (docs/decisions/0028).
 */
export function delaySeconds(delayMs: number | undefined): number {
  return Math.min(QUEUE.submit.maxDelayS, Math.max(0, Math.ceil((delayMs ?? 0) / 1_000)));
}
