/**
 * Removes everything from a vendor's body that must not be stored or shown (D7). The servers novicezk, plus and trueai-org return our
 * callback URL with its token in `properties.notifyHook`. The server trueai-org adds internals of its operator. The relay new-api adds the
 * mask, which may have megabytes.
 */
import { RESULT } from "@mjflow/core/limit";
import { isFields } from "./json.ts";

/** Removed field names, in lower case. They are removed at any depth, because forks move fields. */
const REMOVED_FIELDS = new Set([
  "notifyhook",
  "maskbase64",
  "base64",
  "base64array",
  "sourcebase64",
  "targetbase64",
  // The state of mjflow, not the state of the app. It would be misleading.
  "state",
  // Internals of the vendor's operator and of Discord.
  "clientip",
  "userid",
  "nonce",
  "messageid",
  "messageids",
  "messagehash",
  "messagecontent",
  "progressmessageid",
  "referencedmessageid",
  "interactionmetadataid",
  "remixmodalmessageid",
  "instanceid",
  "subinstanceid",
  "discordinstanceid",
  "discordchannelid",
  "accountfilter",
  "partnertaskinfo",
  "officialtaskinfo",
  "iswhite",
  "flags",
  "displays",
]);

const DEPTH = 12;

/** Returns the redacted body as JSON text; undefined if it is larger than the limit. */
export function redactRawReport(body: unknown): string | undefined {
  const text = JSON.stringify(redact(body, 0));
  return text !== undefined && Buffer.byteLength(text) <= RESULT.rawBytes ? text : undefined;
}

function redact(value: unknown, depth: number): unknown {
  if (depth > DEPTH) return null;
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  if (typeof value === "string") return isSecret(value) ? null : value;
  if (!isFields(value)) return value;
  const entries = Object.entries(value).filter(
    ([key, item]) => !REMOVED_FIELDS.has(key.toLowerCase()) && item !== null,
  );
  // The null prototype keeps a vendor's "__proto__" an ordinary field.
  return Object.assign(
    Object.create(null) as object,
    Object.fromEntries(entries.map(([k, v]) => [k, redact(v, depth + 1)])),
  );
}

/** Returns true for our callback URL in any field, or an image as a data URI. */
function isSecret(text: string): boolean {
  return text.includes("/callbacks/1.") || /^data:[\w/+.-]+;base64,/.test(text);
}
