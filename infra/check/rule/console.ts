import { fileHeaders, siteHeaders } from "../../../packages/console/site.ts";
import { all, functionOf, functionUrlOf, type Infra, type Rule } from "../model.ts";

/** Origin of the stage's API: from `MJFLOW_API_URL`, otherwise from its function URL. */
function apiOriginOf(infra: Infra): string {
  const { MJFLOW_API_URL } = all(infra, "aws:lambda/function:Function").find(({ name }) => name === "ApiFunction")!
    .inputs.environment.variables;
  return new URL(MJFLOW_API_URL ?? infra.links["Api"]!["url"]!).origin;
}

/** Origins of the links to files: the bucket's, and the CDN's if the operator has one. */
function fileOriginsOf(infra: Infra): string[] {
  const bucket = all(infra, "aws:s3/bucket:Bucket").find(({ name }) => name === "BlobsBucket")!;
  const { MJFLOW_CDN_URL: cdn } = functionOf(infra, "Api")!.inputs.environment.variables;
  const [, region] = new URL(String(infra.links["SubmitQueue"]!["url"])).host.split(".");
  return [`https://${bucket.inputs.bucket}.s3.${region}.amazonaws.com`, ...(cdn ? [new URL(cdn).origin] : [])];
}

/** The console has the same headers as on the local server, and also HSTS. */
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
    const want: Record<string, string> = siteHeaders({
      apiOrigin: apiOriginOf(infra),
      fileOrigins: fileOriginsOf(infra),
    });
    const names = new Set([...Object.keys(want), ...Object.keys(have)]);
    return [
      ...[...names].filter((name) => have[name] !== want[name]).map((name) => `${name} is ${have[name]}`),
      ...((security.strictTransportSecurity?.accessControlMaxAgeSec ?? 0) > 0 ? [] : ["The console has no HSTS"]),
    ];
  });

/** The distribution of the console; the host names of the function URLs have others. */
function sitesOf(infra: Infra) {
  return all(infra, "aws:cloudfront/distribution:Distribution").filter(({ name }) => name === "ConsoleDistribution");
}

export const consoleIsServedSafely: Rule = (infra) =>
  sitesOf(infra).flatMap(({ inputs }) => {
    const { defaultCacheBehavior: served, viewerCertificate, origins, aliases } = inputs;
    const [policy] = all(infra, "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy");
    const isOwnName = aliases.length > 0;
    return [
      ...(served.responseHeadersPolicyId === policy?.inputs.name ? [] : ["The console is served without its headers"]),
      ...(served.viewerProtocolPolicy === "redirect-to-https" ? [] : ["The console is served over http"]),
      ...(served.allowedMethods.join() === "GET,HEAD"
        ? []
        : [`The console allows the methods ${served.allowedMethods}`]),
      ...(inputs.defaultRootObject === "index.html" ? [] : ["The console has no index page"]),
      ...origins
        .filter((origin) => !origin.originAccessControlId)
        .map(() => "CloudFront reads the bucket without an access control"),
      ...(isOwnName && viewerCertificate.minimumProtocolVersion !== "TLSv1.2_2021"
        ? ["The console allows old TLS versions"]
        : []),
    ];
  });

/** Every file exists with its headers, and the page contains the origin of the API. */
export const consoleFilesAreThere: Rule = (infra) => {
  // SST also stores the code of functions in bucket objects.
  const files = all(infra, "aws:s3/bucketObjectv2:BucketObjectv2").filter(({ name }) => name.startsWith("Console-"));
  const hasSite = sitesOf(infra).length > 0;
  if (!hasSite) return files.map(({ name }) => `${name} exists without a distribution`);
  const page = files.find(({ inputs }) => inputs.key === "index.html")?.inputs.content ?? "";
  const named = [...page.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, name]) => name!);
  const missing = named.filter((name) => !files.some(({ inputs }) => inputs.key === name));
  return [
    ...(named.length >= 3 ? [] : ["The page does not name a script, a style and an icon"]),
    ...missing.map((name) => `The page names ${name}, which does not exist`),
    ...(page.includes(`name="mjflow-api" content="${apiOriginOf(infra)}"`)
      ? []
      : ["The page does not contain the origin of its API"]),
    ...files.flatMap(({ inputs: { key, contentType, cacheControl } }) => {
      const want = fileHeaders(key);
      return contentType === want.contentType && cacheControl === want.cacheControl
        ? []
        : [`${key}: ${contentType}, ${cacheControl}`];
    }),
  ];
};

/** Pages of the API's origins may send uploads to the bucket, and a page with a signed link may read. No page may do more. */
export const bucketAllowsPages: Rule = (infra) => {
  const origins = functionOf(infra, "Api")?.inputs.environment.variables["MJFLOW_CORS_ORIGINS"]?.split(",") ?? [];
  const want = [...origins.map((origin) => `PUT ${origin}`), ...(origins.length > 0 ? ["GET *"] : [])].sort();
  const have = all(infra, "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration")
    .flatMap(({ inputs }) => inputs.corsRules)
    .flatMap(({ allowedMethods, allowedOrigins }) =>
      allowedMethods.flatMap((m) => allowedOrigins.map((o) => `${m} ${o}`)),
    )
    .sort();
  return have.join() === want.join() ? [] : [`The bucket allows ${have}, and should allow ${want}`];
};

/**
 * The code sends the CORS headers, so neither function URL has CORS settings. The console of the stage is one of the
 * allowed origins. The function `Callback` allows no web page.
 */
export const corsAllowsTheConsole: Rule = (infra) => {
  const [site] = sitesOf(infra);
  const [host] = site?.inputs.aliases ?? [];
  const originsOf = (name: string) => {
    const { MJFLOW_CORS_ORIGINS } = functionOf(infra, name)?.inputs.environment.variables ?? {};
    return MJFLOW_CORS_ORIGINS?.split(",") ?? [];
  };
  const origins = originsOf("Api");
  const isConsoleMissing = host !== undefined && !origins.includes(`https://${host}`);
  return [
    ...["Api", "Callback"]
      .filter((name) => functionUrlOf(infra, name)?.inputs.cors !== undefined)
      .map((name) => `The function URL of ${name} has CORS settings`),
    ...(isConsoleMissing ? [`The API does not allow the console at ${host}`] : []),
    ...(origins.includes("*") ? ["The API allows every origin"] : []),
    ...(originsOf("Callback").length > 0 ? ["Callback allows web pages"] : []),
  ];
};
