import { QUEUE } from "@mjflow/core/limit";

/**
 * Converts a delay to SQS's unit: whole seconds, rounded up so that no message arrives early, at most 15 minutes. A longer
 * delay is shortened. After a `Retry-After` of more than 15 minutes the worker therefore calls the vendor too early, and
 * the vendor can answer busy again.
 */
export function delaySeconds(delayMs: number | undefined): number {
  return Math.min(QUEUE.submit.maxDelayS, Math.max(0, Math.ceil((delayMs ?? 0) / 1_000)));
}
