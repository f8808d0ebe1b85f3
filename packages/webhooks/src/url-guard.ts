/**
 * Checks of URLs that an app or a vendor gave (D5). The URL is checked before any other step. The addresses of its name
 * are checked when a socket is opened, so that mjflow connects to exactly the addresses that it has checked.
 */
import { isIP, type LookupFunction } from "node:net";
import { OutboundError } from "@mjflow/core/port";
import { isPublic } from "./address.ts";
import { isAllowed, parseAllowed, portOf } from "./allow-list.ts";
import type { Resolve } from "./resolve.ts";

export type UrlCheck =
  /** `trusted`: the allow-list of the operator has the URL, so its addresses are not checked. */
  | { ok: true; url: URL; trusted: boolean }
  /** @property why readable reason; of the URL it contains at most the host */
  | { ok: false; why: string };

export interface UrlGuard {
  /**
   * Checks a URL without a resolver. The API also uses it to reject a URL when an app registers it.
   * @param base base URL of a relative `url`
   */
  check(url: string, base?: URL): UrlCheck;
}

export interface GuardOptions {
  /** Allow-list entries, see `parseAllowed`. Default: none. */
  allow?: readonly string[];
  /** Allowed TCP ports. Default: 443 and 8443. */
  ports?: readonly number[];
}

/** Limit of RFC 1035. The URL standard has no limit. */
const MAX_HOST_LENGTH = 253;
/** Two or more labels, none of them empty. Search domains would complete a single label, or it is not public. */
const NAME = /^[^.]+(?:\.[^.]+)+$/;
/** Names of local or internal hosts (RFC 6761, 6762, 8375 and the ICANN reservation), independent of any resolver. */
const INTERNAL_NAME = /(?:^|\.)(?:localhost|local|internal|home\.arpa)$/;

/** @throws TypeError for an invalid allow-list entry */
export function createUrlGuard({ allow = [], ports = [443, 8443] }: GuardOptions = {}): UrlGuard {
  const allowed = allow.map(parseAllowed);

  function problemOf(url: URL): string | undefined {
    const host = url.hostname;
    if (url.protocol !== "https:") return `${host}: only https is allowed`;
    if (!ports.includes(portOf(url))) return `${host}: only port ${ports.join(" or ")} is allowed`;
    const literal = host.replace(/^\[|\]$/g, "");
    // A literal address gets no lookup, so this is its only check.
    if (isIP(literal)) return isPublic(literal) ? undefined : `${host}: not a public address`;
    return !NAME.test(host) || INTERNAL_NAME.test(host) ? `${host}: not a public name` : undefined;
  }

  return {
    check(text, base) {
      const url = URL.parse(text, base);
      if (!url) return { ok: false, why: "not a valid URL" };
      if (url.protocol !== "https:" && url.protocol !== "http:") return { ok: false, why: "only https is allowed" };
      // Removes the trailing dot, so that allow-list, Host header and SNI use the same name. SNI allows no trailing dot.
      url.hostname = url.hostname.replace(/\.$/, "");
      if (url.hostname.length > MAX_HOST_LENGTH) return { ok: false, why: "the host name is too long" };
      if (url.username !== "" || url.password !== "") {
        return { ok: false, why: `${url.hostname}: must not contain user name and password` };
      }
      const trusted = isAllowed(url, allowed, ports);
      const why = trusted ? undefined : problemOf(url);
      return why === undefined ? { ok: true, url, trusted } : { ok: false, why };
    },
  };
}

/**
 * Lookup function for sockets that returns only checked addresses. A socket gets addresses only from this function. So
 * neither a name whose addresses change (DNS rebinding) nor an address race ("Happy Eyeballs") reaches an unchecked
 * address.
 *
 * A single address that is not public rejects the whole name, because the network decides which address a socket uses.
 */
export function guardedLookup(resolve: Resolve): LookupFunction {
  return lookupOf(async (name) => {
    const addresses = await resolve(name);
    if (!addresses.every(isPublic))
      throw new OutboundError("forbidden", `${name}: does not resolve to a public address`);
    return addresses;
  });
}

/** Converts `resolve` to the lookup interface of sockets. */
export function lookupOf(resolve: Resolve): LookupFunction {
  return (name, { all }, callback) => {
    resolve(name)
      .then((addresses) => {
        if (addresses.length === 0) throw Object.assign(new Error("The name has no address."), { code: "ENODATA" });
        return addresses.map((address) => ({ address, family: isIP(address) }));
      })
      .then(
        (found) => (all ? callback(null, found) : callback(null, found[0]!.address, found[0]!.family)),
        (error) => callback(error, []),
      );
  };
}
