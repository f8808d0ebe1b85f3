/**
 * What every answer of the console's site must say, whoever serves it: the house here, a CDN once it is deployed.
 * Everything is refused that is not named. No inline script, no inline style, nothing that is evaluated.
 */

/** @param apiOrigin where the API is, if not where the console is */
export function policy(apiOrigin?: string): string {
  const api = apiOrigin ? ` ${apiOrigin}` : "";
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `connect-src 'self'${api}`,
    // Vendors' links are https; the simulator's pictures are on this machine. data: is what a person chose to send.
    "img-src 'self' https: data: http://127.0.0.1:*",
    "media-src https: http://127.0.0.1:*",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // A string can never become markup or script, not even by a mistake in a library.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
}

export function siteHeaders(apiOrigin?: string): Record<string, string> {
  return {
    "Content-Security-Policy": policy(apiOrigin),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
  };
}
