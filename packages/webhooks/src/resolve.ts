/** Resolution of names to IP addresses. */

/** Loaded with the first name: most functions that can resolve names do not need it at a cold start. */
const dns = () => process.getBuiltinModule("node:dns/promises");

/** @returns addresses in connection order; @throws the error of the resolver with its `code` */
export type Resolve = (name: string) => Promise<string[]>;

/**
 * Creates a resolver that queries the name servers directly, without hosts file and search domains. `dns.lookup` uses
 * the four threads of the shared pool, where a few slow names would delay all others.
 *
 * IPv4 addresses come first, because a Lambda function outside a VPC has no IPv6.
 *
 * @param servers in the format of `dns.setServers`; default: the name servers of the machine
 */
export function createResolve({ servers }: { servers?: readonly string[] } = {}): Resolve {
  return async (name) => {
    const resolver = new (dns().Resolver)({ timeout: 2_000, tries: 2 });
    if (servers) resolver.setServers(servers);
    const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    const found = [four, six].flatMap((result) => (result.status === "fulfilled" ? result.value : []));
    if (found.length === 0 && four.status === "rejected") throw four.reason;
    return found;
  };
}

/** Resolves a name with the system resolver, including the hosts file. Used for names on the allow-list. */
export async function resolveWithSystem(name: string): Promise<string[]> {
  return (await dns().lookup(name, { all: true })).map(({ address }) => address);
}
