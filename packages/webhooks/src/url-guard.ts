/**
 * Where we go on someone's word (D5): the URL is judged before anything happens, and the addresses behind its name at
 * the moment a socket is opened, so that what was checked is what is connected to.
 */
import { isIP, type LookupFunction } from "node:net";
import { OutboundError } from "@mjflow/core/port";
import { isPublic } from "./address.ts";
import { isAllowed, parseAllowed, portOf } from "./allow-list.ts";
import type { Resolve } from "./resolve.ts";

export type UrlCheck =
  /** `trusted`: an operator named it, so its address is not checked. */
  | { ok: true; url: URL; trusted: boolean }
  /** @property why for a person; of the URL it holds at most the host */
  | { ok: false; why: string };

export interface UrlGuard {
  /**
   * All that can be said without a resolver; also for telling an app at once that its URL will never do.
   * @param base what a relative `url` is relative to
   */
  check(url: string, base?: URL): UrlCheck;
}

export interface GuardOptions {
  /** Entries as `parseAllowed` describes them. Default: none. */
  allow?: readonly string[];
  /** Default: 443 and 8443. */
  ports?: readonly number[];
}

/** RFC 1035; the URL standard itself has no limit. */
const MAX_HOST_LENGTH = 253;
/** More than one label, none of them empty: a single one is completed by search domains, or is nobody's. */
const NAME = /^[^.]+(?:\.[^.]+)+$/;
/** Names that mean "here" or "inside" by RFC 6761, 6762, 8375 and ICANN's reservation, whatever a resolver says. */
const INTERNAL_NAME = /(?:^|\.)(?:localhost|local|internal|home\.arpa)$/;

/** @throws TypeError for an allow-list entry that cannot be understood. */
export function createUrlGuard({ allow = [], ports = [443, 8443] }: GuardOptions = {}): UrlGuard {
  const allowed = allow.map(parseAllowed);

  function objection(url: URL): string | undefined {
    const host = url.hostname;
    if (url.protocol !== "https:") return `${host}: only https is spoken`;
    if (!ports.includes(portOf(url))) return `${host}: only on port ${ports.join(" or ")}`;
    const literal = host.replace(/^\[|\]$/g, "");
    // No lookup is made for a literal: this is the only check it gets.
    if (isIP(literal)) return isPublic(literal) ? undefined : `${host}: not a public address`;
    return !NAME.test(host) || INTERNAL_NAME.test(host) ? `${host}: not a public name` : undefined;
  }

  return {
    check(text, base) {
      const url = URL.parse(text, base);
      if (!url) return { ok: false, why: "not an address" };
      if (url.protocol !== "https:" && url.protocol !== "http:") return { ok: false, why: "only https is spoken" };
      // One name for `host.` and `host`, in the allow-list, in Host and in SNI, which knows no dot at the end.
      url.hostname = url.hostname.replace(/\.$/, "");
      if (url.hostname.length > MAX_HOST_LENGTH) return { ok: false, why: "the host's name is too long" };
      if (url.username !== "" || url.password !== "") {
        return { ok: false, why: `${url.hostname}: no user and password in an address` };
      }
      const trusted = isAllowed(url, allowed, ports);
      const why = trusted ? undefined : objection(url);
      return why === undefined ? { ok: true, url, trusted } : { ok: false, why };
    },
  };
}

/**
 * A socket's own lookup: the addresses it hands on are those it has checked, and there is no other way to an address, so
 * neither a name that changes its mind nor a race between addresses ("Happy Eyeballs") reaches an unchecked one.
 *
 * One address that is not public refuses the name: which of them a socket ends up at is up to the network.
 */
export function guardedLookup(resolve: Resolve): LookupFunction {
  return lookupOf(async (name) => {
    const addresses = await resolve(name);
    if (!addresses.every(isPublic)) throw new OutboundError("forbidden", `${name}: resolves to no public address`);
    return addresses;
  });
}

/** `resolve` in the shape that sockets ask for. */
export function lookupOf(resolve: Resolve): LookupFunction {
  return (name, { all }, callback) => {
    resolve(name)
      .then((addresses) => {
        if (addresses.length === 0) throw Object.assign(new Error("No address."), { code: "ENODATA" });
        return addresses.map((address) => ({ address, family: isIP(address) }));
      })
      .then(
        (found) => (all ? callback(null, found) : callback(null, found[0]!.address, found[0]!.family)),
        (error) => callback(error, []),
      );
  };
}
