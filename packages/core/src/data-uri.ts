/** Data URIs of images (RFC 2397) in base64 (RFC 4648, 4). */

/** Type, parameters and `base64`. The type and the word `base64` can be in upper case. */
const HEAD = /^\s*data:(image\/[\w.+-]{1,100})((?:;[^;,]{0,200}){0,20});base64,/i;

export type ImageData =
  /** `uri`: the same image in the form that every vendor reads. Undefined: the text is no data URI. */
  { uri: string | undefined } | { problem: string };

/**
 * Returns the data URI in its plain form: type in lower case, no parameters, no white space, complete padding. Vendors
 * refuse other forms, some of them only after the submission. The bytes of the image do not change.
 */
export function readImageData(text: string): ImageData {
  const [head, type = ""] = HEAD.exec(text.slice(0, 5_000)) ?? [];
  if (head === undefined)
    return /^\s*data:/i.test(text) ? { problem: "the data URI is not of an image in base64" } : { uri: undefined };
  const data = withoutEscapes(text.slice(head.length)).replace(/[\t\n\f\r ]+/g, "");
  const [, digits = "", padding = ""] = /^([A-Za-z0-9+/]*)(=*)$/.exec(data) ?? [];
  if (data === "") return { problem: "the data URI has no data" };
  if (digits.length + padding.length !== data.length) {
    const at = data.search(/[^A-Za-z0-9+/]/);
    return { problem: `the base64 has the wrong character ${JSON.stringify(data[at])} at position ${at + 1}` };
  }
  const missing = (4 - (digits.length % 4)) % 4;
  if (missing === 3) return { problem: "the base64 is cut off: one character is left over" };
  if (padding !== "" && padding.length !== missing) {
    return { problem: `the base64 has ${padding.length} "=" at its end, but needs ${missing}` };
  }
  return { uri: `data:${type.toLowerCase()};base64,${digits}${"=".repeat(missing)}` };
}

/** In a URI "+", "/" and "=" may be percent-encoded. */
function withoutEscapes(data: string): string {
  return data.replace(/%(2b|2f|3d|0a|0d|20)/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
