import { QUEUE } from "@mjflow/core/limit";

/**
 * A pause as SQS counts it: whole seconds, rounded up so that nothing comes early, at most 15 minutes. A longer pause
 * is cut: the message is only a hint (message.ts), the task then says "not yet", and its due time brings it back.
 */
export function delaySeconds(delayMs: number | undefined): number {
  return Math.min(QUEUE.submit.maxDelayS, Math.max(0, Math.ceil((delayMs ?? 0) / 1_000)));
}
