/** What came from a vendor or an app, before it may become a link or a picture. Text needs nothing: React escapes it. */

/** An address a person may follow, or nothing: `javascript:` and its like never become a link. */
export function linkUrl(text: string | null | undefined): string | undefined {
  const url = parse(text);
  return url && /^https?:$/.test(url.protocol) ? url.href : undefined;
}

/** An address a picture may be shown from: https, or this machine, where the simulator keeps them. */
export function pictureUrl(text: string | null | undefined): string | undefined {
  const url = parse(text);
  if (!url) return undefined;
  if (url.protocol === "https:") return url.href;
  return url.protocol === "http:" && url.hostname === "127.0.0.1" ? url.href : undefined;
}

function parse(text: string | null | undefined): URL | undefined {
  if (!text || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.username || url.password ? undefined : url;
}
