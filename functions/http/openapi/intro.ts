/** The introduction of the API reference: what mjflow is, and the rules of all routes. The texts are Markdown. */

export const TITLE = "mjflow";

export const SUMMARY =
  "Send a whole plan of Midjourney-style image tasks in one request. The vendors' callbacks drive it, and webhooks notify your app.";

export const INTRO = `mjflow connects your app to vendors with a midjourney-proxy API. You send one request with a first image and a plan. The plan names the buttons to press on the image and on the result of each press. mjflow submits each step when the step before has succeeded. The vendor's callback starts the next step, so no polling is needed. You get the results by signed webhooks, by a stream of events, or by reading them.

**Keys.** Send \`Authorization: Bearer <key>\`. You can see only your own flows; a flow of another app is a 404. Never put a key into a URL.

**Errors** are \`application/problem+json\` (RFC 9457) with a stable \`code\`, the wrong \`field\`, what to do (\`advice\`), and whether the same request can succeed \`later\` or \`never\` (\`retry\`). An unknown path is a \`route_not_found\`, and \`detail\` names the nearest route. A wrong method is a \`method_not_allowed\`, and the header \`Allow\` lists the right ones. With a wrong key, \`reason\` says whether it is missing, malformed, unknown, revoked or expired.

**Repeating a request.** \`POST /v1/flows\` and the actions and modal answers of a task accept an \`Idempotency-Key\`. For 24 hours the same request with the same key returns the same flow or task. Without a key, check what exists before you repeat a request, because each submission is charged.

**Sizes.** A body is at most 6 MB. URL and headers are together at most 16 KB; above that the response is 431 without a body. Header values are 7-bit ASCII. Other characters arrive percent-encoded.

**Lists** return \`{"data": […], "nextCursor": …}\`, newest first. Send \`nextCursor\` as \`cursor\` to get the next page, until it is null.

**Compatibility.** Responses and events can get new members, and lists of codes and types can get new values. Ignore what you do not know. Requests with unknown fields are rejected. Times are ISO 8601 in UTC.`;

export const WEBHOOKS = `Each event is sent as a POST with the JSON \`{"type", "timestamp", "data"}\` to the webhook endpoints that receive this type, and to the flow's \`notifyHook\`. Respond 2xx within 3 seconds, before you start any long work. After any other or later response the event is sent again, with at most ten attempts in three days; after a 410 it is not. Five failures in a row pause an endpoint: its new events are parked, and a replay sends them when it works again. An event can arrive twice, and events can arrive in a different order. Detect duplicates by \`webhook-id\`, and use \`data.status\` as the current status.

Webhooks are signed as Standard Webhooks 1.0 defines. To verify a webhook, take the raw body before it is parsed. Join \`webhook-id\`, \`webhook-timestamp\` and the body with full stops. Compute the HMAC-SHA256 of this text with the secret (\`whsec_\` and base64). Compare it in constant time with each \`v1,\` signature in \`webhook-signature\`. Reject a timestamp that differs by more than five minutes from your clock. With scheme \`v1a\` the signature is ed25519; verify it with the public key (\`whpk_\` and base64).

\`\`\`ts
import { createHmac, timingSafeEqual } from "node:crypto";

/** @param body the raw body, as text @param secret whsec_… */
export function isSigned(headers: Headers, body: string, secret: string): boolean {
  const [id, time] = [headers.get("webhook-id"), headers.get("webhook-timestamp")];
  if (!(Math.abs(Date.now() / 1000 - Number(time)) <= 300)) return false;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const expected = createHmac("sha256", key).update(\`\${id}.\${time}.\${body}\`).digest();
  const given = (headers.get("webhook-signature") ?? "").split(" ");
  return given.some((text) => {
    const signature = Buffer.from(text.startsWith("v1,") ? text.slice(3) : "", "base64");
    return signature.length === expected.length && timingSafeEqual(signature, expected);
  });
}
\`\`\`

\`@mjflow/client\` has this check as \`verifyWebhook()\`. Every library of standardwebhooks.com verifies \`v1\`. The libraries do not verify \`v1a\`: use \`@mjflow/client\` or ed25519, as docs/webhooks.md shows.`;
