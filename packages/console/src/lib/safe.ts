/** Checks of addresses from a vendor or an app before the page uses them. Plain text is safe: React escapes it. */

/** Returns the address if it may become a link (http or https). `javascript:` and similar schemes never do. */
export function safeLinkUrl(text: string | null | undefined): string | undefined {
  const url = parse(text);
  return url && /^https?:$/.test(url.protocol) ? url.href : undefined;
}

/**
 * Returns the address if the page may load an image from it: https, the page's own origin, or http on 127.0.0.1 for the simulator.
 *
 * @param own origin of the page: without TLS it is the only other one that the content security policy allows
 */
export function safeImageUrl(
  text: string | null | undefined,
  own: string | undefined = globalThis.location?.origin,
): string | undefined {
  const url = parse(text);
  if (!url) return undefined;
  if (url.protocol === "https:") return url.href;
  return url.protocol === "http:" && (url.hostname === "127.0.0.1" || url.origin === own) ? url.href : undefined;
}

function parse(text: string | null | undefined): URL | undefined {
  if (!text || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.username || url.password ? undefined : url;
}
