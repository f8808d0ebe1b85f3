/** The vendor's words in the result of an account test: untrusted, bounded, and without secrets of the account. */
import { ACCOUNT_TEST } from "@mjflow/core/account-test";
import { withoutEndSlashes } from "@mjflow/core/end-slash";
import type { AccountConfig } from "@mjflow/core/port";
import { isFields, parseJson } from "../json.ts";
import { cleanVendorText } from "../redact.ts";
import { failureTextOf } from "../submit-response.ts";

/** Characters of a key that are enough to recognize it. A vendor that quotes a part of the key quotes its beginning or its end. */
const KEY_PART = 6;

/** Returns what an error body says; undefined if it says nothing, or is a page. */
export function vendorTextOf(body: string, { apiKey, baseUrl }: AccountConfig): string | undefined {
  const json = parseJson(body);
  const said = isFields(json) ? failureTextOf(json) : json === undefined && !/^\s*</.test(body) ? body : undefined;
  if (said === undefined) return undefined;
  const cleaned = withoutPath(withoutKey(cleanVendorText(said, apiKey), apiKey), baseUrl)
    // Control characters and marks of the writing direction could change how a terminal shows the rest.
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, " ")
    .trim();
  return cleaned === "" ? undefined : cleaned.slice(0, ACCOUNT_TEST.textLength);
}

function withoutKey(text: string, apiKey: string): string {
  if (apiKey.length < 2 * KEY_PART) return text;
  const parts = [apiKey.slice(0, KEY_PART), apiKey.slice(-KEY_PART)];
  return text.replace(/\S+/g, (word) => (parts.some((part) => word.includes(part)) ? "…" : word));
}

/** The path of a base URL may be a secret, and a vendor may quote the path of the request. */
function withoutPath(text: string, baseUrl: string): string {
  const { pathname = "/", search = "" } = URL.parse(baseUrl) ?? {};
  const path = withoutEndSlashes(pathname);
  return [path, search].filter((part) => part.length > 1).reduce((left, part) => left.replaceAll(part, "…"), text);
}
