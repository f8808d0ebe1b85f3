/**
 * What every answer of the console's site must say, whoever serves it: the house here, a CDN once it is deployed
 * (`infra/console.ts`). Everything is refused that is not named. No inline script, no inline style, nothing evaluated.
 */

export interface ConsoleSiteAddress {
  /** Where the API is, if not where the console is. */
  apiOrigin?: string | undefined;
  /** The simulator's pictures are on this machine; elsewhere nothing of a visitor's machine is asked for. */
  simulated?: boolean;
}

export function contentSecurityPolicy({ apiOrigin, simulated = false }: ConsoleSiteAddress = {}): string {
  const [api, here] = [apiOrigin ? ` ${apiOrigin}` : "", simulated ? " http://127.0.0.1:*" : ""];
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `connect-src 'self'${api}`,
    // Vendors' links are https; data: is what a person chose to send.
    `img-src 'self' https: data:${here}`,
    `media-src https:${here}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // A string can never become markup or script, not even by a mistake in a library.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
}

export function siteHeaders(place?: ConsoleSiteAddress) {
  return {
    "Content-Security-Policy": contentSecurityPolicy(place),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
  };
}

const TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** @param name with `/`, relative to the site */
export function fileHeaders(name: string): { contentType: string; cacheControl: string } {
  return {
    contentType: TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream",
    // An asset's name changes with what is in it; the page's does not.
    cacheControl: name.startsWith("assets/") ? "public, max-age=31536000, immutable" : "no-cache",
  };
}

/** The page, told where its API is. @param apiOrigin an origin: it holds nothing that HTML would read otherwise */
export function pageWithApi(html: string, apiOrigin: string): string {
  const told = html.replace('name="mjflow-api" content=""', `name="mjflow-api" content="${new URL(apiOrigin).origin}"`);
  if (told === html) throw new Error("the console's page has no place for its API's address");
  return told;
}

/** What the API must allow a console elsewhere, and no other page: what its client sends, and what it reads. */
export function apiCors(consoleOrigin: string) {
  return {
    allowOrigins: [consoleOrigin],
    allowMethods: ["GET" as const, "POST" as const, "PATCH" as const, "DELETE" as const],
    allowHeaders: ["authorization", "content-type", "idempotency-key", "if-none-match", "last-event-id", "prefer"],
    exposeHeaders: ["etag", "location", "retry-after", "x-request-id"],
  };
}
