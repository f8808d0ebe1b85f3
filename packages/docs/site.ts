/** The HTTP headers of the documentation site, for the local server and for other hosts. */

/** File of the site with its Content-Security-Policy. */
export const POLICY_FILE = "policy.txt";

/**
 * Hash of the style that VitePress adds for a moment when the color scheme changes, so that colors do not fade. A browser
 * test fails if its text changes.
 */
const TRANSITION_STYLE = "'sha256-skqujXORqzxt1aE0NNXxujEanPTX6raoqSscTV/Ww/Y='";

/** @param inlineScripts hashes of the scripts inside pages: they set the color scheme before the first paint */
export function policyOf(inlineScripts: readonly string[]): string {
  return [
    "default-src 'none'",
    `script-src 'self' ${inlineScripts.join(" ")}`,
    `style-src 'self' ${TRANSITION_STYLE}`,
    // The colors of code are style attributes.
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** @param policy content of `POLICY_FILE` */
export function siteHeaders(policy: string): Record<string, string> {
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
