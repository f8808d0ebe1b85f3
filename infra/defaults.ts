/**
 * What holds for every component of this app. SST takes it in when a component is made, so this file comes first.
 *
 * - I1 a link tells a function where a thing is; what it may do there stands in its `permissions`. SST's own links grant
 *      `dynamodb:*`, `sqs:*` and `s3:*`.
 * - I2 a role trusts the service that uses it, and nobody else.
 */
import { environment } from "./setting.ts";
import { stage } from "./stage.ts";

sst.Linkable.wrap(sst.aws.Dynamo, (table) => ({ properties: { name: table.name } }));
sst.Linkable.wrap(sst.aws.Queue, (queue) => ({ properties: { url: queue.url } }));
sst.Linkable.wrap(sst.aws.Bucket, (bucket) => ({ properties: { name: bucket.name } }));
// SST's own properties, because `fn.url` throws for a function that has none; without the permission to invoke it.
const functionLink = sst.aws.Function.prototype.getSSTLink;
sst.Linkable.wrap(sst.aws.Function, (fn) => ({ properties: functionLink.call(fn).properties }));

/**
 * Where the SDK would look for credentials next, were they not in the environment; in Lambda they always are. Left in, each
 * brings a client of its own, and what those clients share with ours is read by every cold start (34 kB of the receiver).
 */
export const NO_STATIC_CREDENTIALS = [
  "@aws-sdk/credential-provider-http",
  "@aws-sdk/credential-provider-ini",
  "@aws-sdk/credential-provider-process",
  "@aws-sdk/credential-provider-sso",
  "@aws-sdk/credential-provider-web-identity",
  "@smithy/credential-provider-imds",
];

/** For a function that needs more than this, to add to. */
export const nodejs = {
  // SST's documentation calls it the default; its bundler does not minify unless told to.
  minify: true,
  // What is imported on demand (the S3 client, the SQS client) becomes files of their own. In one file a cold start would
  // read all of it: measured locally, loading takes 55 to 65 % of the time.
  splitting: true,
  // The fields are SST's default, named because by "main" the AWS SDK makes a bundle half as large again.
  esbuild: { mainFields: ["module", "main"], external: NO_STATIC_CREDENTIALS },
};

/** SST sets the format and the group, and has no word for levels. */
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
    throw new Error("infra/defaults.ts sets transform.function; make room for another one there");
  }
  args.transform = { ...args.transform, function: logLevels };
  args.environment = $output(args.environment).apply((own) => ({ ...environment.every, ...own }));

  // SST 4.17.1 means to trust the account's root under `sst dev` alone, but asks an Output for its truth, which is
  // always true: every role would trust it. Under `sst dev` the bridge needs it.
  if ($dev) return;
  const own = args.transform?.role;
  if (own !== undefined) throw new Error("infra/defaults.ts sets transform.role; make room for another one there");
  args.transform = {
    ...args.transform,
    role: { assumeRolePolicy: aws.iam.assumeRolePolicyForPrincipal({ Service: "lambda.amazonaws.com" }) },
  };
});
