/** Signs a webhook for one delivery attempt and sends it. */
import type { Outbound, PostOutcome } from "@mjflow/core/port";
import { sign } from "./sign.ts";

export interface Webhook {
  url: string;
  /** Id of the event, the same for every delivery attempt, so that a receiver can detect duplicates. */
  id: string;
  /** JSON text that is signed and sent. */
  body: string;
  /** Secrets as for `sign`. */
  secrets: readonly string[];
  /** Time limit in ms. Default: 15 s, the minimum that the standard recommends. */
  timeoutMs?: number;
}

export const WEBHOOK_TIMEOUT_MS = 15_000;

/**
 * @param now time of this delivery attempt, epoch ms. The signature covers this time and not the time of the event,
 *   because receivers reject timestamps that are a few minutes old. The body has the time of the event.
 * @throws TypeError for a malformed secret or id
 */
export async function sendWebhook(
  outbound: Outbound,
  { url, id, body, secrets, timeoutMs = WEBHOOK_TIMEOUT_MS }: Webhook,
  now: number,
): Promise<PostOutcome> {
  const timestampS = Math.floor(now / 1_000);
  return await outbound.post({
    url,
    body,
    timeoutMs,
    headers: {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(timestampS),
      "webhook-signature": sign({ id, timestampS, body }, secrets),
    },
  });
}
