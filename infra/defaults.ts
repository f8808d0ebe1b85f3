/**
 * Settings for every component of this app. SST reads them when it creates a component, so this file is imported first.
 *
 * - I1 A link only tells a function where a resource is. The function's `permissions` say what the function may do with
 *      the resource. SST's own links would grant `dynamodb:*`, `sqs:*` and `s3:*`.
 * - I2 A role trusts the service that uses it, and no other principal.
 */
import { environment } from "./setting.ts";
import { stage } from "./stage.ts";

sst.Linkable.wrap(sst.aws.Dynamo, (table) => ({ properties: { name: table.name } }));
sst.Linkable.wrap(sst.aws.Queue, (queue) => ({ properties: { url: queue.url } }));
sst.Linkable.wrap(sst.aws.Bucket, (bucket) => ({ properties: { name: bucket.name } }));
// The link has SST's own properties, because `fn.url` throws for a function without a URL. It grants no permission to
// invoke the function.
const functionLink = sst.aws.Function.prototype.getSSTLink;
sst.Linkable.wrap(sst.aws.Function, (fn) => ({ properties: functionLink.call(fn).properties }));

/**
 * Packages in which the SDK looks for credentials that are not in the environment; in Lambda they always are. Each
 * package would add its own client to the bundle. Every cold start reads what those clients share with ours (34 kB in
 * Callback).
 */
export const NO_STATIC_CREDENTIALS = [
  "@aws-sdk/credential-provider-http",
  "@aws-sdk/credential-provider-ini",
  "@aws-sdk/credential-provider-process",
  "@aws-sdk/credential-provider-sso",
  "@aws-sdk/credential-provider-web-identity",
  "@smithy/credential-provider-imds",
];

/** Default bundler options; a function that needs more options extends them. */
export const nodejs = {
  // SST's documentation says that minifying is the default, but its bundler minifies only if this is set.
  minify: true,
  // Modules that are imported on demand (the S3 client, the SQS client) become separate files. A cold start would read
  // a single file completely. Measured locally, split files load in 55 to 65 % of the time of a single file.
  splitting: true,
  // These fields are SST's default. They are explicit because the bundle of the AWS SDK's "main" files is half as large
  // again.
  esbuild: { mainFields: ["module", "main"], external: NO_STATIC_CREDENTIALS },
};

/** SST sets the log format and the log group, but has no option for log levels. */
function logLevels(fn: aws.lambda.FunctionArgs): undefined {
  fn.loggingConfig = $output(fn.loggingConfig).apply((config) => ({
    ...config!,
    systemLogLevel: stage.systemLogLevel,
  }));
}

$transform(sst.aws.Function, (args) => {
  args.runtime ??= "nodejs24.x";
  args.architecture ??= "arm64";
  args.logging ??= { format: "json", retention: stage.logRetention };
  args.nodejs ??= nodejs;
  if (args.transform?.function !== undefined) {
    throw new Error("infra/defaults.ts sets transform.function; combine both transforms there");
  }
  args.transform = { ...args.transform, function: logLevels };
  args.environment = $output(args.environment).apply((own) => ({ ...environment.every, ...own }));

  // SST 4.17.1 intends to trust the root of the account only under `sst dev`. Its condition tests an Output, which is
  // always truthy, so every role would trust the root. Under `sst dev` the bridge needs this trust.
  if ($dev) return;
  const own = args.transform?.role;
  if (own !== undefined) throw new Error("infra/defaults.ts sets transform.role; combine both transforms there");
  args.transform = {
    ...args.transform,
    role: { assumeRolePolicy: aws.iam.assumeRolePolicyForPrincipal({ Service: "lambda.amazonaws.com" }) },
  };
});
