import { isDeepStrictEqual } from "node:util";
import { apiCors, fileHeaders, siteHeaders } from "../../../packages/console/site.ts";
import { all, functionUrlOf, type Infra, type Rule } from "../model.ts";

/** The origin that a stage's API names in its links, or is reached at. */
function apiOriginOf(infra: Infra): string {
  const { MJFLOW_API_URL } = all(infra, "aws:lambda/function:Function").find(({ name }) => name === "ApiFunction")!
    .inputs.environment.variables;
  return new URL(MJFLOW_API_URL ?? infra.links["Api"]!["url"]!).origin;
}

/** As the house here serves it, and besides by https alone. */
export const consoleHeadersMatchLocalServer: Rule = (infra) =>
  all(infra, "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy").flatMap(({ inputs }) => {
    const { securityHeadersConfig: security, customHeadersConfig: custom } = inputs;
    const have: Record<string, string | undefined> = {
      "Content-Security-Policy": security.contentSecurityPolicy?.contentSecurityPolicy,
      "X-Content-Type-Options": security.contentTypeOptions?.override ? "nosniff" : undefined,
      "X-Frame-Options": security.frameOptions?.frameOption,
      "Referrer-Policy": security.referrerPolicy?.referrerPolicy,
      ...Object.fromEntries(custom.items.map(({ header, value }) => [header, value])),
    };
    const want: Record<string, string> = siteHeaders({ apiOrigin: apiOriginOf(infra) });
    const names = new Set([...Object.keys(want), ...Object.keys(have)]);
    return [
      ...[...names].filter((name) => have[name] !== want[name]).map((name) => `${name} is ${have[name]}`),
      ...((security.strictTransportSecurity?.accessControlMaxAgeSec ?? 0) > 0 ? [] : ["It may be asked for over http"]),
    ];
  });

export const consoleIsServedSafely: Rule = (infra) =>
  all(infra, "aws:cloudfront/distribution:Distribution").flatMap(({ inputs }) => {
    const { defaultCacheBehavior: served, viewerCertificate, origins, aliases } = inputs;
    const [policy] = all(infra, "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy");
    const isOwnName = aliases.length > 0;
    return [
      ...(served.responseHeadersPolicyId === policy?.inputs.name ? [] : ["It is served without its headers"]),
      ...(served.viewerProtocolPolicy === "redirect-to-https" ? [] : ["It is served over http"]),
      ...(served.allowedMethods.join() === "GET,HEAD" ? [] : [`It answers ${served.allowedMethods}`]),
      ...(inputs.defaultRootObject === "index.html" ? [] : ["It has no first page"]),
      ...origins.filter((origin) => !origin.originAccessControlId).map(() => "Its bucket does not know who asks"),
      ...(isOwnName && viewerCertificate.minimumProtocolVersion !== "TLSv1.2_2021" ? ["It speaks old TLS"] : []),
    ];
  });

/** What a browser is told of each file, and the page of its API. */
export const consoleFilesAreThere: Rule = (infra) => {
  // SST puts functions' code into objects, too.
  const files = all(infra, "aws:s3/bucketObjectv2:BucketObjectv2").filter(({ name }) => name.startsWith("Console-"));
  const hasSite = all(infra, "aws:cloudfront/distribution:Distribution").length > 0;
  if (!hasSite) return files.map(({ name }) => `${name} is of no site`);
  const page = files.find(({ inputs }) => inputs.key === "index.html")?.inputs.content ?? "";
  const named = [...page.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, name]) => name!);
  const missing = named.filter((name) => !files.some(({ inputs }) => inputs.key === name));
  return [
    ...(named.length >= 3 ? [] : ["The page names no script, style and icon"]),
    ...missing.map((name) => `The page names ${name}, which is not there`),
    ...(page.includes(`name="mjflow-api" content="${apiOriginOf(infra)}"`) ? [] : ["The page does not know its API"]),
    ...files.flatMap(({ inputs: { key, contentType, cacheControl } }) => {
      const want = fileHeaders(key);
      return contentType === want.contentType && cacheControl === want.cacheControl
        ? []
        : [`${key}: ${contentType}, ${cacheControl}`];
    }),
  ];
};

/** The API answers no web page but the stage's console; vendors' callbacks answer none. */
export const corsAllowsConsoleOnly: Rule = (infra) => {
  const [site] = all(infra, "aws:cloudfront/distribution:Distribution");
  const [origin] = site?.inputs.aliases ?? [];
  const want = origin === undefined ? undefined : apiCors(`https://${origin}`);
  const [api, callback] = ["Api", "Callback"].map((name) => functionUrlOf(infra, name)?.inputs.cors);
  return [
    ...(isDeepStrictEqual(api, want) ? [] : [`The API answers pages: ${JSON.stringify(api)}`]),
    ...(callback === undefined ? [] : ["Callbacks answer pages"]),
  ];
};
