/**
 * Which IP addresses are public, that is, reachable for everyone on the internet. mjflow connects only to these.
 *
 * Sources: the IANA registries of special-purpose addresses for IPv4 and IPv6 (RFC 6890 and its successors), and the
 * IPv6 global unicast registry. Everything assigned so far lies in 2000::/3.
 */
import { BlockList, isIPv4, isIPv6 } from "node:net";

/** All IPv4 blocks that are not public unicast, and addresses of cloud-internal services. */
export const IPV4_REFUSED = [
  "0.0.0.0/8", // "this network"; 0.0.0.0 reaches the own machine.
  "10.0.0.0/8", // Private.
  "100.64.0.0/10", // Carrier-grade NAT.
  "127.0.0.0/8", // Loopback.
  "168.63.129.16/32", // Host service of Azure, which issues credentials to its virtual machines.
  "169.254.0.0/16", // Link-local; 169.254.169.254 and .170.2 issue credentials in most clouds.
  "172.16.0.0/12", // Private.
  "192.0.0.0/24", // Protocol assignments.
  "192.0.2.0/24", // Documentation.
  "192.31.196.0/24", // AS112.
  "192.52.193.0/24", // AMT.
  "192.88.99.0/24", // 6to4 relays.
  "192.168.0.0/16", // Private.
  "192.175.48.0/24", // AS112.
  "198.18.0.0/15", // Benchmarks.
  "198.51.100.0/24", // Documentation.
  "203.0.113.0/24", // Documentation.
  "224.0.0.0/4", // Multicast.
  "240.0.0.0/4", // Reserved and broadcast.
] as const;

/**
 * The IPv6 global unicast block. Loopback, link-local, unique local (fd00:ec2::254), multicast, IPv4-mapped and NAT64
 * addresses all lie outside this block.
 */
export const IPV6_GLOBAL = "2000::/3";

/** Blocks within the global block that are not public. Several embed an IPv4 address, which would not be checked. */
export const IPV6_REFUSED = [
  "2001::/23", // Protocol assignments: Teredo, AMT, AS112, ORCHID, benchmarks.
  "2001:db8::/32", // Documentation.
  "2002::/16", // 6to4.
  "2620:4f:8000::/48", // AS112.
  "3ffe::/16", // 6bone, returned.
  "3fff::/20", // Documentation.
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
 * @param address in the notation of a resolver or of `new URL().hostname`, IPv6 without brackets and zone
 * @returns false for every other notation. BlockList reports no match for text that it cannot parse, so such text must
 *   never reach a check against a refusal list.
 */
export function isPublic(address: string): boolean {
  if (isIPv4(address)) return !refused4.check(address, "ipv4");
  if (!isIPv6(address) || address.includes("%")) return false;
  return global6.check(address, "ipv6") && !refused6.check(address, "ipv6");
}
