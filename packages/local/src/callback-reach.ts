/** Tells which real vendors cannot reach the callback URL. Without callbacks a flow is slow and costs look-ups. */
import { BlockList, isIP, isIPv6 } from "node:net";
import { TIMINGS } from "@mjflow/core/timing";

/** Addresses that are not public (RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291). */
const notPublic = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
] as const) {
  notPublic.addSubnet(network, prefix);
}
notPublic.addAddress("::1", "ipv6");
notPublic.addSubnet("fc00::", 7, "ipv6");
notPublic.addSubnet("fe80::", 10, "ipv6");

/** Names that no public DNS server knows (RFC 6761, RFC 6762, RFC 9476). */
const PRIVATE_NAME = /^(?:localhost|[^.]+|.*\.(?:localhost|local|internal|lan|test|invalid))$/i;

/** True for a URL that only this machine or its network can reach. Decides by the text; it asks no DNS server. */
export function isPrivateUrl(url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) === 0) return PRIVATE_NAME.test(host);
  return notPublic.check(host, isIPv6(host) ? "ipv6" : "ipv4");
}

/** Returns the ids of the real vendors that cannot reach the callback URL. A vendor of the own network may reach it. */
export function cutOffVendors(callbackUrl: string, providers: Readonly<Record<string, { baseUrl: string }>>): string[] {
  if (!isPrivateUrl(callbackUrl)) return [];
  return Object.keys(providers).filter((id) => !isPrivateUrl(providers[id]!.baseUrl));
}

/** What a task without callbacks costs: time, and requests to the vendor. It costs no additional images. */
const COST =
  "Without callbacks mjflow looks up each task, with one request or more to the vendor, and notices its end about";

/** @param vendors ids of `cutOffVendors`, at least one */
export function cutOffWarning(callbackUrl: string, vendors: readonly string[]): string {
  const seconds = TIMINGS.unknownMs / 1_000;
  return `${vendors.join(", ")} cannot reach ${callbackUrl}, so no callback arrives. ${COST} ${seconds} s later. Start with \`mjflow dev --tunnel\`, or set MJFLOW_PUBLIC_URL to a public address that leads to this server.`;
}

/** @param why why the test callback did not arrive */
export function tunnelWarning(url: string, why: string): string {
  const seconds = TIMINGS.unknownMs / 1_000;
  return `No test callback arrived through ${url}: ${why}. Callbacks of vendors may not arrive either. ${COST} ${seconds} s later. Start again, or use another tunnel program.`;
}

/** @param why why the test callback of this machine did not arrive */
export function publicUrlWarning(url: string, why: string): string {
  const seconds = TIMINGS.unknownMs / 1_000;
  return `A test callback to ${url} did not arrive here: ${why}. If vendors cannot reach this address either, no callback arrives. ${COST} ${seconds} s later. Check that MJFLOW_PUBLIC_URL leads to this server, and that its proxy passes /callbacks/.`;
}
