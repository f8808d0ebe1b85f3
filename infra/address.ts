/**
 * Host names of the operator in front of the function URLs (docs/decisions/0043). A function URL belongs to its function: a
 * stage that is made again has others, and vendors call a callback URL up to 27 hours after they got it.
 *
 * Each function has a CloudFront distribution of its own, so the rate limit of the API cannot refuse callbacks. The
 * function URL stays reachable: callbacks on their way to it arrive also after a host name was added.
 */
import type { Domain } from "./setting.ts";
import { stage } from "./stage.ts";

/**
 * CloudFront must store nothing and must not merge requests of different keys into one: its cache key would not contain
 * the API key. CloudFront accepts lifetimes of zero only with an empty cache key. Then it merges no requests either.
 */
const NO_CACHE = {
  minTtl: 0,
  defaultTtl: 0,
  maxTtl: 0,
  parametersInCacheKeyAndForwardedToOrigin: {
    cookiesConfig: { cookieBehavior: "none" },
    headersConfig: { headerBehavior: "none" },
    queryStringsConfig: { queryStringBehavior: "none" },
    enableAcceptEncodingBrotli: false,
    enableAcceptEncodingGzip: false,
  },
};

/** CloudFront ends a request when its origin sends nothing for this time. It must be longer than the function may take. */
const READ_TIMEOUT = "60 seconds";

interface Options {
  domain: Domain | undefined;
  /** Requests of one IP address in five minutes; more get 403. Unset: no limit. */
  rateLimit?: number | undefined;
}

/**
 * Creates the distribution of a host name.
 *
 * @param name name of the function, which is part of the names of the resources
 * @returns the part of the function's `url` that leads requests from the host name to it; empty without a host name
 */
export function addressOf(name: string, { domain, rateLimit }: Options) {
  if (domain === undefined) return {};
  const { host, previous, certificate } = domain;
  const instance = new sst.aws.Router(`${name}Router`, {
    domain: {
      name: host,
      ...(previous && { aliases: [previous] }),
      // With a certificate, the operator creates the DNS records. Otherwise SST creates both in a hosted zone of Route 53.
      ...(certificate && { dns: false as const, cert: certificate }),
    },
    // The managed rules of AWS look for attacks in bodies. A prompt is any text, so they would refuse good requests.
    ...(rateLimit !== undefined && {
      waf: {
        rateLimitPerIp: rateLimit,
        managedRules: { coreRuleSet: false, knownBadInputs: false, sqlInjection: false },
      },
    }),
    transform: {
      cachePolicy: { ...NO_CACHE, comment: `${stage.prefix} ${name}: no cache` },
      cdn: { comment: `${stage.prefix} ${name}` },
    },
  });
  distributions.push({ host, cdn: instance.nodes.cdn.nodes.distribution.domainName });
  return { router: { instance, readTimeout: READ_TIMEOUT as "60 seconds" } };
}

/** Host names, and the distributions to which their DNS records must lead. */
export const distributions: { host: string; cdn: $util.Output<string> }[] = [];
