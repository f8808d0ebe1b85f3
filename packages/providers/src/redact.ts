/**
 * The vendor's body as it may be kept and shown (D7). novicezk, plus and trueai-org echo our own hook URL, token and all,
 * in `properties.notifyHook`; trueai-org adds the operator's internals; new-api the mask, megabytes of it.
 */
import { RESULT } from "@mjflow/core/limit";
import { isFields } from "./json.ts";

/** Compared in lower case and at any depth, because forks move fields about. */
const REMOVED_FIELDS = new Set([
  "notifyhook",
  "maskbase64",
  "base64",
  "base64array",
  "sourcebase64",
  "targetbase64",
  // Ours, not the app's: it would only confuse.
  "state",
  // The operator's and Discord's internals.
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

/** JSON text of what may be kept; undefined when that is still too large to keep. */
export function redactRawReport(body: unknown): string | undefined {
  const text = JSON.stringify(clean(body, 0));
  return text !== undefined && Buffer.byteLength(text) <= RESULT.rawBytes ? text : undefined;
}

function clean(value: unknown, depth: number): unknown {
  if (depth > DEPTH) return null;
  if (Array.isArray(value)) return value.map((item) => clean(item, depth + 1));
  if (typeof value === "string") return isSecret(value) ? null : value;
  if (!isFields(value)) return value;
  const kept = Object.entries(value).filter(([key, item]) => !REMOVED_FIELDS.has(key.toLowerCase()) && item !== null);
  // A null prototype: a vendor's "__proto__" stays a field.
  return Object.assign(
    Object.create(null) as object,
    Object.fromEntries(kept.map(([k, v]) => [k, clean(v, depth + 1)])),
  );
}

/** Our own hook under a name nobody foresaw, or an image as a data URI. */
function isSecret(text: string): boolean {
  return text.includes("/callbacks/1.") || /^data:[\w/+.-]+;base64,/.test(text);
}
