/**
 * Settings for every component of this app. SST reads them when it creates a component, so this file is imported first.
 *
 * - I1 A link only tells a function where a resource is. The function's `permissions` say what the function may do with
 *      the resource. SST's own links would grant `dynamodb:*`, `sqs:*` and `s3:*`.
 * - I2 A role trusts the service that uses it, and no other principal.
 */
import { nodejs } from "./bundle-option.ts";
import { environment } from "./setting.ts";
import { stage } from "./stage.ts";

sst.Linkable.wrap(sst.aws.Dynamo, (table) => ({ properties: { name: table.name } }));
sst.Linkable.wrap(sst.aws.Queue, (queue) => ({ properties: { url: queue.url } }));
sst.Linkable.wrap(sst.aws.Bucket, (bucket) => ({ properties: { name: bucket.name } }));
// The link has SST's own properties, because `fn.url` throws for a function without a URL. It grants no permission to
// invoke the function.
const functionLink = sst.aws.Function.prototype.getSSTLink;
sst.Linkable.wrap(sst.aws.Function, (fn) => ({ properties: functionLink.call(fn).properties }));

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
