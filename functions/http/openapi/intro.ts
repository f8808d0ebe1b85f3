/** What stands before the routes: what mjflow is, and what holds for all of them. Markdown, as OpenAPI has it. */

export const TITLE = "mjflow";

export const SUMMARY =
  "Send a whole plan of Midjourney-style image tasks once; it runs on the vendors' callbacks, and you hear of it by webhook.";

export const INTRO = `mjflow stands between your app and the vendors of the midjourney-proxy family. You send a plan once: a first picture, what to press on it, and what to press on the results of that. mjflow submits each step when the one before has ended, on the vendor's callback and without polling, and tells you by signed webhooks, a stream, or when you ask.

**Keys.** Send \`Authorization: Bearer <key>\`. Only your own flows exist for you; another app's are a 404. Keys never go into an address.

**Errors** are \`application/problem+json\` (RFC 9457) with a stable \`code\`, the \`field\` at fault, what to do about it (\`advice\`), and whether the same request can succeed \`later\` or \`never\`. An address that does not exist is a \`not_found\`; a method it does not have is a \`method_not_allowed\`, with those it has in \`Allow\`.

**Sending again.** \`POST /v1/flows\`, and a task's actions and window, take an \`Idempotency-Key\`: the same request under the same key is the same flow or task, for 24 hours. Without one, read before you send again: each submission is paid for.

**Lists** answer \`{"data": […], "nextCursor": …}\`, newest first; send \`nextCursor\` as \`cursor\` until it is null.

**Growing.** Answers and events may gain members, and lists of codes and types may gain words: ignore what you do not know. Unknown fields in requests are refused. Times are ISO 8601 in UTC.`;

export const WEBHOOKS = `Each event is posted as JSON, \`{"type", "timestamp", "data"}\`, to the endpoints that hear it and to the flow's \`notifyHook\`. Answer 2xx within 15 seconds; anything else is tried again, ten times over three days, 410 never. An event may come twice, and events may overtake each other: deduplicate by \`webhook-id\`, and go by \`data.status\`.

Posts are signed by Standard Webhooks 1.0. To check one: take the raw body before it is parsed; join \`webhook-id\`, \`webhook-timestamp\` and the body with full stops; compare its HMAC-SHA256 under the secret (\`whsec_\` and base64) with each \`v1,\` signature in \`webhook-signature\`, in constant time; refuse a timestamp more than five minutes off. With scheme \`v1a\` it is an ed25519 signature instead, under the public key (\`whpk_\` and base64).

\`\`\`ts
import { createHmac, timingSafeEqual } from "node:crypto";

/** @param body the raw one, as text @param secret whsec_… */
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

\`@mjflow/client\` has the same as \`verifyWebhook()\`, and every library of standardwebhooks.com does it.`;
