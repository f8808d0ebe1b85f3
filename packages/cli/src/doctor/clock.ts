/** Compares the clock of this machine with the server's. Pure. */
import type { Finding } from "./finding.ts";

/** A receiver of Standard Webhooks rejects a message whose time differs by more than this, in seconds. */
const REJECTED_S = 300;
const NOTABLE_S = 5;

/**
 * @param date the Date header of the response, in whole seconds
 * @param sentMs, receivedMs time of this machine before and after the request, epoch ms
 */
export function checkClock(date: string | null, sentMs: number, receivedMs: number): Finding {
  const subject = "clock";
  const ms = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(ms)) return { level: "unknown", subject, message: "the server sent no Date header" };
  // The server's time lies somewhere within that second and somewhere within the request. Only an offset beyond both is
  // certain.
  const ahead = Math.max(0, ms - receivedMs);
  const behind = Math.max(0, sentMs - (ms + 1_000));
  const offS = Math.round(Math.max(ahead, behind) / 1_000);
  const side = ahead > 0 ? "behind" : "ahead of";
  if (offS < NOTABLE_S) return { level: "ok", subject, message: "matches the server's clock" };
  const advice = `Set this machine's clock. Receivers reject webhooks whose time differs by more than ${REJECTED_S} s.`;
  return {
    level: offS >= REJECTED_S ? "bad" : "warn",
    subject,
    message: `${offS} s ${side} the server's clock`,
    advice,
  };
}
