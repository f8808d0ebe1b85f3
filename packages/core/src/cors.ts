/** The setting `MJFLOW_CORS_ORIGINS`: the origins whose web pages may call the API. */

/**
 * Reads a comma-separated list of origins. `*` stands for every origin. A blank text is an empty list.
 *
 * @throws Error that names the entry, if the entry is no origin in the form that browsers send
 */
export function parseCorsOrigins(text: string): string[] {
  const entries = text.split(",").map((entry) => entry.trim());
  const origins = entries.filter((entry) => entry !== "");
  for (const origin of origins) if (origin !== "*") assertOrigin(origin);
  return [...new Set(origins)];
}

/** A scheme and a host. Pages of desktop and mobile apps have schemes of their own, for example `capacitor://localhost`. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^/?#@*\s]+$/;

function assertOrigin(entry: string): void {
  const quoted = JSON.stringify(entry);
  const origin = URL.parse(entry)?.origin;
  if (origin === undefined) {
    throw new Error(`${quoted} is no origin. Write a scheme and a host, for example https://app.example.com, or *.`);
  }
  // Browsers send the scheme and host in lower case, without a path and without the default port.
  if (origin !== "null" && origin !== entry) throw new Error(`${quoted} must be written as ${origin}`);
  if (!ORIGIN.test(entry)) throw new Error(`${quoted} is no origin. Write a scheme and a host, without a path.`);
}
