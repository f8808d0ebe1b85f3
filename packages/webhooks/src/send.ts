/** A webhook on its way: signed for this try, and posted. */
import type { Outbound, PostOutcome } from "@mjflow/core/port";
import { sign } from "./sign.ts";

export interface Webhook {
  url: string;
  /** The same at every try: a receiver knows a message again by it. */
  id: string;
  /** JSON, as it is signed and sent. */
  body: string;
  /** As `sign` takes them. */
  secrets: readonly string[];
  /** Default: 15 s, the least that the standard recommends. */
  timeoutMs?: number;
}

export const WEBHOOK_TIMEOUT_MS = 15_000;

/**
 * @param now ms since 1970: when this try is made. It is what is signed, and not when the event happened, because a
 *   receiver refuses what is more than a few minutes old; the event's own time is in the body.
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
