/** The allow-list: what an operator lets us reach although it is not public. Empty unless someone writes it. */

/** An entry as understood. */
export interface Allowed {
  /** Undefined: https where `port` is undefined, and otherwise both. */
  scheme: "http" | "https" | undefined;
  /** As `new URL()` writes it, IPv6 in brackets, no dot at the end. */
  host: string;
  /** Undefined: the ports that every other address may have. */
  port: number | "*" | undefined;
}

const ENTRY = /^(?:(https?):\/\/)?(\[[0-9a-f:.]+\]|[^\s/?#@:[\]\\*,%]+)(?::(\d{1,5}|\*))?$/i;
const DEFAULT_PORT = { http: 80, https: 443 } as const;

/**
 * Reads one entry, `[scheme://]host[:port]`:
 *
 * | entry | lets through |
 * | --- | --- |
 * | `hooks.internal.example` | https to that name on the usual ports; whatever it resolves to |
 * | `10.0.0.7:8080`, `127.0.0.1:*` | http and https to that address on that port, on any port |
 * | `http://127.0.0.1:4601` | http only |
 * | `http://127.0.0.1` | http only, on port 80 (https: on 443) |
 *
 * The host must be written in the URL as it is here: `127.0.0.1:*` lets neither `localhost` through, nor a name that
 * resolves to 127.0.0.1. There are no wildcards in hosts.
 *
 * @throws TypeError for anything else, paths included: an entry that is not understood must not look like it works.
 */
export function parseAllowed(entry: string): Allowed {
  const [, scheme, host, port] = ENTRY.exec(entry) ?? [];
  const url = host === undefined ? null : URL.parse(`https://${host}/`);
  const number = port === undefined || port === "*" ? port : Number(port);
  if (!url?.hostname || number === 0 || (typeof number === "number" && number > 65_535)) {
    throw new TypeError(`The allow-list entry ${JSON.stringify(entry)} is not [http://|https://]host[:port|:*].`);
  }
  const known = scheme?.toLowerCase() as Allowed["scheme"];
  return {
    scheme: known,
    host: url.hostname.replace(/\.$/, ""),
    port: number ?? (known && DEFAULT_PORT[known]),
  };
}

/** @param url its hostname without a dot at the end */
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

/** @param url http or https */
export function portOf(url: URL): number {
  if (url.port !== "") return Number(url.port);
  return url.protocol === "https:" ? DEFAULT_PORT.https : DEFAULT_PORT.http;
}
