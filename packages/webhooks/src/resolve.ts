/** From a name to its addresses. */
import { lookup, Resolver } from "node:dns/promises";

/** @returns addresses in the order to try them; @throws the resolver's error, with its `code` */
export type Resolve = (name: string) => Promise<string[]>;

/**
 * Asks the name servers themselves: no hosts file, no search domains, and none of the four threads that `lookup`
 * shares with everyone, where a few names on slow servers would keep all others waiting.
 *
 * IPv4 first: a Lambda function outside a VPC has no IPv6.
 *
 * @param servers as in `dns.setServers`; default: the machine's
 */
export function createResolve({ servers }: { servers?: readonly string[] } = {}): Resolve {
  return async (name) => {
    const resolver = new Resolver({ timeout: 2_000, tries: 2 });
    if (servers) resolver.setServers(servers);
    const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    const found = [four, six].flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    if (found.length === 0 && four.status === "rejected") throw four.reason;
    return found;
  };
}

/** As every other program on the machine would, hosts file included: for names that an operator has listed. */
export async function resolveWithSystem(name: string): Promise<string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}
