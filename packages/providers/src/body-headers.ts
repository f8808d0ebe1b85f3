/** Headers that say how a body is encoded, and the charset that they declare. No import: each cold start reads this file. */

export interface BodyHeaders {
  "content-encoding"?: string | undefined;
  "content-type"?: string | undefined;
}

/** Returns the declared charset; undefined for UTF-8 and if there is none. The label may be wrong. */
export function otherCharsetOf({ "content-type": contentType = "" }: BodyHeaders): string | undefined {
  const label = /charset\s*=\s*["']?([\w:.+-]+)/i.exec(contentType)?.[1];
  return label === undefined || /^utf-?8$/i.test(label) ? undefined : label;
}
