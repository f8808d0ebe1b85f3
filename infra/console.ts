/**
 * The console on a CDN, for a stage that was told where (`MJFLOW_CONSOLE_URL`): static files, with the headers that the
 * local house gives them. It knows of the stage only where the API is, and speaks to nothing else.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileHeaders, pageWithApi, siteHeaders } from "../packages/console/site.ts";
import { api } from "./api.ts";
import { setting } from "./setting.ts";
import { stage } from "./stage.ts";

/** AWS's own "CachingOptimized": as long as a file's headers say. */
const CACHE_POLICY = "658327ea-f89d-4fab-a63d-7e88639e58f6";
const HSTS_S = 63_072_000;
const PAGE = "index.html";

const apiOrigin = $output(setting.apiUrl ?? api.url).apply((url) => new URL(url).origin);

function createConsole({ host, certificate }: NonNullable<typeof setting.console>) {
  const bucket = new sst.aws.Bucket("ConsoleSite", {
    cors: false,
    // Read by CloudFront alone, in the name of a distribution of this account.
    policy: [
      {
        principals: [{ type: "service", identifiers: ["cloudfront.amazonaws.com"] }],
        actions: ["s3:GetObject"],
        conditions: [
          { test: "StringEquals", variable: "aws:SourceAccount", values: [aws.getCallerIdentityOutput().accountId] },
        ],
      },
    ],
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
    // The name's record points here by hand, or is CloudFront's own: no zone need be known.
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

/** CloudFront wants the headers that it knows in its own words, and the rest as they are. */
function createHeaders() {
  const headers = apiOrigin.apply((origin) => siteHeaders({ apiOrigin: origin }));
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

/** Built here and now, in a folder of this deployment's own; the page is told where its API is. */
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

/** Undefined where the stage has none. */
export const consoleSite = setting.console && createConsole(setting.console);
