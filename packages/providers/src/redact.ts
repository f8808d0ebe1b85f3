/**
 * Removes everything from a vendor's body that must not be stored or shown (D7). The servers novicezk, plus and trueai-org return our
 * callback URL with its token in `properties.notifyHook`. The server trueai-org adds internals of its operator. The relay new-api adds the
 * mask, which may have megabytes. Relays write parts of the operator's API key and balance into their error texts.
 */
import { replaceCallbackUrls } from "@mjflow/core/callback-url";
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

/**
 * Returns the redacted body as JSON text; undefined if it is larger than the limit.
 *
 * @param more further fields that are removed, in lower case. Unset: none
 */
export function redactRawReport(body: unknown, more: ReadonlySet<string> = NO_FIELDS): string | undefined {
  const text = JSON.stringify(redact(body, 0, "", more));
  return text !== undefined && Buffer.byteLength(text) <= RESULT.rawBytes ? text : undefined;
}

const NO_FIELDS: ReadonlySet<string> = new Set();

/** @param key name of the field in lower case */
function redact(value: unknown, depth: number, key: string, more: ReadonlySet<string>): unknown {
  if (depth > DEPTH) return null;
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1, key, more));
  if (typeof value === "string") return redactText(value, key);
  if (!isFields(value)) return value;
  const kept: Record<string, unknown> = {};
  for (const field of Object.keys(value)) {
    const item = value[field];
    const name = field.toLowerCase();
    if (item === null || REMOVED_FIELDS.has(name) || more.has(name)) continue;
    const redacted = redact(item, depth + 1, name, more);
    // A vendor's "__proto__" stays an ordinary field. An assignment would set the prototype.
    if (field === "__proto__") Object.defineProperty(kept, field, { value: redacted, enumerable: true });
    else kept[field] = redacted;
  }
  return kept;
}

/** Our callback URL in any field is removed. An image as data is replaced by its size, so `raw` says that there was one. */
function redactText(text: string, key: string): string | null {
  if (text.includes("/callbacks/1.")) return null;
  const data = /^\s*data:([\w/+.-]+)(?:[^\w/+.,-][^,]*)?;base64,/i.exec(text);
  if (data) return `(${data[1]}, ${text.length} characters of a data URI removed)`;
  return WORDS.has(key) ? cleanVendorText(text) : text;
}

/** Fields with the vendor's own words. Other texts, such as the prompt, stay as they are. */
const WORDS = new Set(["failreason", "fail_reason", "description", "message", "msg", "error", "detail"]);

/** Traces of the operator's account in the texts of relays, and their replacement. */
const TRACES: readonly (readonly [RegExp, string])[] = [
  // Masked keys: "[sk-GX6***u87]" of new-api, "sk-abc***xyz" of others; also whole ones.
  [/\[?\bsk-[\w*.…-]{4,}\]?/g, ""],
  [/\[\w+\*{3,}\w*\]/g, ""],
  [/(?:(?<!\s)\s+)?[(（]\s*(?:request|trace)[ _-]?id\s*[:：][^)）]{0,300}[)）]/gi, ""],
  [/(?:request|trace)[ _-]?id\s*[:：=]\s*[\w-]+/gi, ""],
  [/!?token\.UnlimitedQuota\s*&&\s*/g, ""],
  [/(?:token\.)?RemainQuota\s*=\s*-?[\d.]+/gi, ""],
  [
    /((?:剩余|用户|预扣费|需要|当前)?(?:额度|余额)|(?:current |remaining |user )?(?:balance|quota)(?: left| remaining)?|need(?:ed)? quota)\s*(?:[:：=]|is|为)\s*(?:[$＄¥￥]\s*)?-?\d+(?:[.,]\d+)*/gi,
    "$1",
  ],
];

/** A text without any of these words has no trace. Each pattern above needs one of them. */
const TRACE_WORDS = /sk-|\*\*\*|(?:request|trace)[ _-]?id|quota|balance|额度|余额|\/callbacks\//i;

/**
 * Removes from a vendor's text what belongs to the operator: parts of the API key, balances, request ids and our callback
 * URL. Apps see the rest.
 *
 * @param apiKey the key of the account; removed if the text contains it whole
 */
export function cleanVendorText(text: string, apiKey?: string): string {
  const named = apiKey ? text.replaceAll(apiKey, "") : text;
  if (named === text && !TRACE_WORDS.test(text)) return text;
  const cleaned = TRACES.reduce((left, [pattern, to]) => left.replace(pattern, to), replaceCallbackUrls(named, ""));
  return cleaned === text ? text : cleaned.replace(/[ \t]{2,}/g, " ").trim();
}
