import { all, type Rule } from "../model.ts";

/** AWS's managed policy "AllViewerExceptHostHeader": a function URL refuses requests with a foreign host header. */
const ALL_HEADERS = "b689b0a8-53d0-40ab-baf2-68738e2966ac";

/** Every key of the cache key that would keep CloudFront from accepting lifetimes of zero. */
const EMPTY_KEY = JSON.stringify({
  cookiesConfig: { cookieBehavior: "none" },
  headersConfig: { headerBehavior: "none" },
  queryStringsConfig: { queryStringBehavior: "none" },
  enableAcceptEncodingBrotli: false,
  enableAcceptEncodingGzip: false,
});

/**
 * CloudFront merges requests with the same cache key while it may store the response. Two apps that read `/v1/flows` at
 * the same moment would get one response.
 */
export const hostNamesCacheNothing: Rule = (infra) => {
  const policies = all(infra, "aws:cloudfront/cachePolicy:CachePolicy");
  return all(infra, "aws:cloudfront/distribution:Distribution")
    .filter(({ name }) => name.includes("Router"))
    .flatMap(({ name, inputs: { defaultCacheBehavior: behavior } }) => {
      const policy = policies.find(({ name }) => name === behavior.cachePolicyId)?.inputs;
      const key = policy?.parametersInCacheKeyAndForwardedToOrigin ?? {};
      const sorted = JSON.stringify(
        key,
        Object.keys(JSON.parse(EMPTY_KEY)).concat("cookieBehavior", "headerBehavior", "queryStringBehavior"),
      );
      return [
        ...(policy?.minTtl === 0 && policy.defaultTtl === 0 && policy.maxTtl === 0
          ? []
          : [`${name} may store responses`]),
        ...(sorted === EMPTY_KEY ? [] : [`${name} has the cache key ${sorted}`]),
        ...(behavior.originRequestPolicyId === ALL_HEADERS ? [] : [`${name} does not pass all headers`]),
        ...(behavior.allowedMethods.length === 7 ? [] : [`${name} allows only ${behavior.allowedMethods}`]),
      ];
    });
};

export const hostNamesNeedTls: Rule = (infra) =>
  all(infra, "aws:cloudfront/distribution:Distribution")
    .filter(({ name }) => name.includes("Router"))
    .filter(({ inputs }) => inputs.viewerCertificate.minimumProtocolVersion !== "TLSv1.2_2021")
    .map(({ name }) => `${name} allows old TLS versions`);
