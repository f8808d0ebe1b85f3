/**
 * The console on a CDN, if `MJFLOW_CONSOLE_URL` is set. It consists of static files with the same headers that the
 * local server sends. The files contain only the URL of the stage's API. The page connects to this API, and to the bucket for its files.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileHeaders, pageWithApi, siteHeaders } from "../packages/console/site.ts";
import { api } from "./api.ts";
import { blobs } from "./bucket.ts";
import { apiAddress, environment, setting } from "./setting.ts";
import { stage } from "./stage.ts";

/** AWS's managed policy "CachingOptimized": the headers of a file decide how long it is cached. */
const CACHE_POLICY = "658327ea-f89d-4fab-a63d-7e88639e58f6";
const HSTS_S = 63_072_000;
const PAGE = "index.html";

const apiOrigin = $output(apiAddress ?? api.url).apply((url) => new URL(url).origin);

/** The signed links of the bucket lead to this host name. A link to an archived copy can lead to the operator's CDN instead. */
const fileOrigins = blobs.nodes.bucket.bucketRegionalDomainName.apply((host) => {
  const cdn = environment.api["MJFLOW_CDN_URL"];
  return [`https://${host}`, ...(cdn ? [new URL(cdn).origin] : [])];
});

function createConsole({ host, certificate }: NonNullable<typeof setting.console>) {
  const bucket = new sst.aws.Bucket("ConsoleSite", {
    cors: false,
    // Only CloudFront may read the bucket, and only for a distribution of this account.
    policy: [
      {
        principals: [{ type: "service", identifiers: ["cloudfront.amazonaws.com"] }],
        actions: ["s3:GetObject"],
        conditions: [
          { test: "StringEquals", variable: "aws:SourceAccount", values: [aws.getCallerIdentityOutput().accountId] },
        ],
      },
    ],
    // SST would retain every bucket of production. Each deployment writes these files again, so nothing is lost with them.
    transform: {
      bucket(_, options) {
        options.retainOnDelete = false;
      },
    },
  });
  upload(bucket);
  const access = new aws.cloudfront.OriginAccessControl("ConsoleAccess", {
    name: `${stage.prefix}-console`,
    originAccessControlOriginType: "s3",
    signingBehavior: "always",
    signingProtocol: "sigv4",
  });
  const cdn = new sst.aws.Cdn("Console", {
    comment: `${stage.prefix} console`,
    // The operator creates the DNS record, or the name is CloudFront's own. Therefore no DNS zone is needed here.
    ...(certificate && { domain: { name: host, dns: false, cert: certificate } }),
    origins: [
      {
        originId: "site",
        domainName: bucket.nodes.bucket.bucketRegionalDomainName,
        originAccessControlId: access.id,
      },
    ],
    defaultRootObject: PAGE,
    defaultCacheBehavior: {
      targetOriginId: "site",
      viewerProtocolPolicy: "redirect-to-https",
      allowedMethods: ["GET", "HEAD"],
      cachedMethods: ["GET", "HEAD"],
      compress: true,
      cachePolicyId: CACHE_POLICY,
      responseHeadersPolicyId: createHeaders().id,
    },
  });
  return { url: cdn.url, host: cdn.nodes.distribution.domainName };
}

/** CloudFront has its own fields for the headers that it knows; all other headers are given by name and value. */
function createHeaders() {
  const headers = apiOrigin.apply((origin) =>
    fileOrigins.apply((files) => siteHeaders({ apiOrigin: origin, fileOrigins: files })),
  );
  const override = true;
  return new aws.cloudfront.ResponseHeadersPolicy("ConsoleHeaders", {
    name: `${stage.prefix}-console`,
    securityHeadersConfig: {
      contentSecurityPolicy: {
        contentSecurityPolicy: headers.apply((all) => all["Content-Security-Policy"]),
        override,
      },
      contentTypeOptions: { override },
      frameOptions: { frameOption: headers.apply((all) => all["X-Frame-Options"]), override },
      referrerPolicy: { referrerPolicy: headers.apply((all) => all["Referrer-Policy"]), override },
      strictTransportSecurity: { accessControlMaxAgeSec: HSTS_S, override },
    },
    customHeadersConfig: {
      items: headers.apply((all) =>
        (["Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Permissions-Policy"] as const).map(
          (header) => ({
            header,
            value: all[header],
            override,
          }),
        ),
      ),
    },
  });
}

/** Builds the console in a folder of this deployment, writes the URL of the API into the page and uploads the files. */
function upload(bucket: sst.aws.Bucket): void {
  const folder = join($cli.paths.work, "console");
  execFileSync("node", ["packages/console/build.ts", folder], { cwd: $cli.paths.root });
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  for (const name of names) {
    const path = join(folder, name);
    new aws.s3.BucketObjectv2(`Console-${name}`, {
      bucket: bucket.name,
      key: name,
      ...fileHeaders(name),
      ...(name === PAGE
        ? { content: apiOrigin.apply((origin) => pageWithApi(readFileSync(path, "utf8"), origin)) }
        : { source: new $util.asset.FileAsset(path) }),
    });
  }
}

/** URL and CDN host name; undefined if `MJFLOW_CONSOLE_URL` is not set. */
export const consoleSite = setting.console && createConsole(setting.console);
