/** Two clocks compared. Pure. */
import type { Finding } from "./finding.ts";

/** Standard Webhooks: a receiver refuses a message whose time is this far off. */
const REFUSED_S = 300;
const NOTABLE_S = 5;

/**
 * @param date the answer's Date header, which has whole seconds
 * @param sentMs, receivedMs our clock around the request
 */
export function checkClock(date: string | null, sentMs: number, receivedMs: number): Finding {
  const about = "clock";
  const ms = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(ms)) return { level: "unknown", subject: about, message: "the server tells no time" };
  // Somewhere within that second, and somewhere within the request: only what both leave no room for is a difference.
  const ahead = Math.max(0, ms - receivedMs);
  const behind = Math.max(0, sentMs - (ms + 1_000));
  const offS = Math.round(Math.max(ahead, behind) / 1_000);
  const side = ahead > 0 ? "behind" : "ahead of";
  if (offS < NOTABLE_S) return { level: "ok", subject: about, message: "agrees with the server's" };
  const advice = `Set this machine's clock: webhooks more than ${REFUSED_S} s off are refused by who verifies them.`;
  return {
    level: offS >= REFUSED_S ? "bad" : "warn",
    subject: about,
    message: `${offS} s ${side} the server's`,
    advice,
  };
}
