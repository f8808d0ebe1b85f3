/** The Content-Security-Policy of the documentation site, for the local server and for other hosts. */

/** File of the site with its Content-Security-Policy. */
export const POLICY_FILE = "policy.txt";

/** The API reference on one page, and its policy. The renderer of the API makes both. */
export const REFERENCE_FILE = "api.html";
export const REFERENCE_POLICY_FILE = "api-policy.txt";

/** The same reference for programs: files of the site, which the server has at its root. */
export const REFERENCE_TEXTS = ["openapi.json", "llms.txt"] as const;

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
