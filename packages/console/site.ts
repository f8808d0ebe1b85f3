/**
 * The HTTP headers of every response of the console's site. The local server sends them, and so does the CDN of a
 * deployment (`infra/console.ts`). The policy forbids everything that it does not name: inline script, inline style and
 * evaluated strings are forbidden.
 */

export interface ConsoleSiteAddress {
  /** Origin of the API; unset if the console has the same origin. */
  apiOrigin?: string | undefined;
  /** Origins to which the page sends uploads, and from which it reads copies to save them: the bucket's and the CDN's. */
  fileOrigins?: readonly string[];
  /**
   * True if vendors are simulated: the page may load the simulator's images from 127.0.0.1. Default false: the page
   * requests nothing from the visitor's machine.
   */
  simulated?: boolean;
}

export function contentSecurityPolicy({
  apiOrigin,
  fileOrigins = [],
  simulated = false,
}: ConsoleSiteAddress = {}): string {
  const sources = ["'self'", ...new Set([...(apiOrigin ? [apiOrigin] : []), ...fileOrigins])];
  const loopback = simulated ? " http://127.0.0.1:*" : "";
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `connect-src ${sources.join(" ")}`,
    // Image links of vendors use https. Images that the user chose to send are data URIs.
    `img-src 'self' https: data:${loopback}`,
    // The archive copies of the local server have the page's origin.
    `media-src 'self' https:${loopback}`,
    "font-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // A string can never become markup or script, even if a library has a bug.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
}

export function siteHeaders(address?: ConsoleSiteAddress) {
  return securityHeaders(contentSecurityPolicy(address));
}

/** The security headers of a static site, also of the documentation. */
export function securityHeaders(policy: string) {
  return {
    "Content-Security-Policy": policy,
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
  json: "application/json; charset=utf-8",
  png: "image/png",
  svg: "image/svg+xml",
  txt: "text/plain; charset=utf-8",
  woff2: "font/woff2",
};

/** @param name path of the file relative to the site, with `/` */
export function fileHeaders(name: string): { contentType: string; cacheControl: string } {
  return {
    contentType: TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream",
    // The name of an asset contains a hash of its content; the name of a page does not.
    cacheControl: name.startsWith("assets/") ? "public, max-age=31536000, immutable" : "no-cache",
  };
}

/** Returns the page with the address of its API. @param apiOrigin an origin, so it needs no HTML escaping */
export function pageWithApi(html: string, apiOrigin: string): string {
  const page = html.replace('name="mjflow-api" content=""', `name="mjflow-api" content="${new URL(apiOrigin).origin}"`);
  if (page === html) throw new Error('index.html of the console has no empty <meta name="mjflow-api">');
  return page;
}
