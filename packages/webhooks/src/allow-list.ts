/** The allow-list: destinations that the operator allows although they are not public. Empty by default. */

/** A parsed entry. */
export interface Allowed {
  /** Allowed scheme. Undefined means https only if `port` is undefined, otherwise http and https. */
  scheme: "http" | "https" | undefined;
  /** Host in the notation of `new URL()`: IPv6 in brackets, no trailing dot. */
  host: string;
  /** Allowed port, or `*` for any. Undefined means the ports that are allowed for public addresses. */
  port: number | "*" | undefined;
}

const ENTRY = /^(?:(https?):\/\/)?(\[[0-9a-f:.]+\]|[^\s/?#@:[\]\\*,%]+)(?::(\d{1,5}|\*))?$/i;
const DEFAULT_PORT = { http: 80, https: 443 } as const;

/**
 * Reads one entry, `[scheme://]host[:port]`:
 *
 * - `hooks.internal.example` allows https to this name on the usual ports, whatever the name resolves to.
 * - `10.0.0.7:8080` and `127.0.0.1:*` allow http and https to this address, on this port or on any port.
 * - `http://127.0.0.1:4601` allows only http.
 * - `http://127.0.0.1` allows only http on port 80 (with https: on 443).
 *
 * The host in the URL must be the same as in the entry. `127.0.0.1:*` allows neither `localhost` nor a name that
 * resolves to 127.0.0.1. Hosts have no wildcards.
 *
 * @throws TypeError for all other text, including paths: an invalid entry must not seem to work
 */
export function parseAllowed(entry: string): Allowed {
  const [, scheme, host, port] = ENTRY.exec(entry) ?? [];
  const url = host === undefined ? null : URL.parse(`https://${host}/`);
  const number = port === undefined || port === "*" ? port : Number(port);
  if (!url?.hostname || number === 0 || (typeof number === "number" && number > 65_535)) {
    throw new TypeError(`The allow-list entry ${JSON.stringify(entry)} is not [http://|https://]host[:port|:*].`);
  }
  const lowerScheme = scheme?.toLowerCase() as Allowed["scheme"];
  return {
    scheme: lowerScheme,
    host: url.hostname.replace(/\.$/, ""),
    port: number ?? (lowerScheme && DEFAULT_PORT[lowerScheme]),
  };
}

/** @param url with a hostname without a trailing dot */
export function isAllowed(url: URL, list: readonly Allowed[], usualPorts: readonly number[]): boolean {
  const scheme = url.protocol.slice(0, -1);
  const port = portOf(url);
  return list.some(
    (entry) =>
      entry.host === url.hostname &&
      (entry.scheme === undefined ? entry.port !== undefined || scheme === "https" : entry.scheme === scheme) &&
      (entry.port === "*" || (entry.port === undefined ? usualPorts.includes(port) : entry.port === port)),
  );
}

/** @param url an http or https URL */
export function portOf(url: URL): number {
  if (url.port !== "") return Number(url.port);
  return url.protocol === "https:" ? DEFAULT_PORT.https : DEFAULT_PORT.http;
}
