/**
 * Which addresses are public: anyone's on the internet, so nobody is surprised when we knock.
 *
 * Sources: the IANA registries of special-purpose addresses, IPv4 and IPv6 (RFC 6890 and what followed), and the IPv6
 * global unicast registry: everything assigned so far lies in 2000::/3.
 */
import { BlockList, isIPv4, isIPv6 } from "node:net";

/** Everything IPv4 that is not public unicast, and what answers on the cloud's own side. */
export const IPV4_REFUSED = [
  "0.0.0.0/8", // this network; 0.0.0.0 itself reaches the machine
  "10.0.0.0/8", // private
  "100.64.0.0/10", // carrier-grade NAT
  "127.0.0.0/8", // loopback
  "168.63.129.16/32", // Azure's host, which hands out credentials to machines there
  "169.254.0.0/16", // link-local; 169.254.169.254 and .170.2 hand out credentials in most clouds
  "172.16.0.0/12", // private
  "192.0.0.0/24", // protocol assignments
  "192.0.2.0/24", // documentation
  "192.31.196.0/24", // AS112
  "192.52.193.0/24", // AMT
  "192.88.99.0/24", // 6to4 relays
  "192.168.0.0/16", // private
  "192.175.48.0/24", // AS112
  "198.18.0.0/15", // benchmarks
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, and broadcast
] as const;

/**
 * What IPv6 has assigned for everyone. Loopback, link-local, unique local (fd00:ec2::254), multicast, IPv4-mapped and
 * NAT64 all lie outside.
 */
export const IPV6_GLOBAL = "2000::/3";

/** Within the global block, and still not anyone's: several carry an IPv4 address that nobody would have checked. */
export const IPV6_REFUSED = [
  "2001::/23", // protocol assignments: Teredo, AMT, AS112, ORCHID, benchmarks
  "2001:db8::/32", // documentation
  "2002::/16", // 6to4
  "2620:4f:8000::/48", // AS112
  "3ffe::/16", // 6bone, given back
  "3fff::/20", // documentation
] as const;

const refused4 = listOf(IPV4_REFUSED, "ipv4");
const global6 = listOf([IPV6_GLOBAL], "ipv6");
const refused6 = listOf(IPV6_REFUSED, "ipv6");

function listOf(blocks: readonly string[], family: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList();
  for (const block of blocks) {
    const [network, bits] = block.split("/");
    list.addSubnet(network!, Number(bits), family);
  }
  return list;
}

/**
 * @param address as a resolver or `new URL().hostname` writes it, IPv6 without brackets or zone
 * @returns false for every other notation: BlockList finds nothing in what it cannot read, so an unread address must
 *   never get as far as a list of refusals.
 */
export function isPublic(address: string): boolean {
  if (isIPv4(address)) return !refused4.check(address, "ipv4");
  if (!isIPv6(address) || address.includes("%")) return false;
  return global6.check(address, "ipv6") && !refused6.check(address, "ipv6");
}
