/**
 * Checks each rule on the registered resources and on broken copies of them. A rule that reports nothing for a broken
 * copy would never report anything.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { EVERYTHING, evaluated } from "./evaluated.ts";
import type { Infra, Rule } from "./model.ts";
import * as address from "./rule/address.ts";
import * as alarm from "./rule/alarm.ts";
import * as bucket from "./rule/bucket.ts";
import * as console from "./rule/console.ts";
import * as dashboard from "./rule/dashboard.ts";
import * as fn from "./rule/function.ts";
import * as queue from "./rule/queue.ts";
import * as role from "./rule/role.ts";
import * as sweep from "./rule/sweep.ts";
import * as table from "./rule/table.ts";
import { SECRETS } from "./secret.mjs";

/** A resource or an input of any shape, for a `Break` to change. */
// biome-ignore lint/suspicious/noExplicitAny: a break may set any value anywhere
type Broken = any;
/** Changes a copy of the resources, so that a rule must report it. */
type Break = (infra: Infra) => void;

function find(infra: Infra, name: string): Broken {
  const found = infra.resources.find((resource) => resource.name === name);
  if (!found) throw new Error(`${name} is not registered`);
  return found;
}

/** Sets the input at a path; undefined removes it. */
function set(name: string, path: string, value: unknown): Break {
  return (infra) => {
    const steps = path.split(".");
    const last = steps.pop()!;
    let target = find(infra, name).inputs;
    for (const step of steps) target = target[step];
    if (value === undefined) delete target[last];
    else target[last] = value;
  };
}

function drop(name: string): Break {
  return (infra) => {
    find(infra, name);
    infra.resources = infra.resources.filter((resource) => resource.name !== name);
  };
}

function copy(name: string, to: string): Break {
  return (infra) => {
    infra.resources.push({ ...structuredClone(find(infra, name)), name: to });
  };
}

function dropMapping(queueName: string): Break {
  return (infra) => {
    const dropped = mapping(infra, queueName);
    infra.resources = infra.resources.filter((resource) => resource !== dropped);
  };
}

function rewrite(name: string, path: string, from: string | RegExp, to: string): Break {
  return (infra) => {
    const steps = path.split(".");
    const last = steps.pop()!;
    let target = find(infra, name).inputs;
    for (const step of steps) target = target[step];
    const text = target[last].replaceAll(from, to);
    if (text === target[last]) throw new Error(`${name}.${path} does not contain ${from}`);
    target[last] = text;
  };
}

function mapping(infra: Infra, queueName: string): Broken {
  return infra.resources.find(
    ({ type, name }) => type.endsWith(":EventSourceMapping") && name.startsWith(`${queueName}Subscriber`),
  );
}

function link(name: string, change: (links: string[]) => string[]): Break {
  return ({ builds }) => {
    const build = builds.find((candidate) => candidate.name === name)!;
    build.links = change(build.links);
  };
}

const POLICY = "inlinePolicies.0.policy";
const HEADERS = "ConsoleHeaders";
const CSP = "securityHeadersConfig.contentSecurityPolicy";
const CDN = "ConsoleDistribution";

/** Every rule with its title, and the breaks that it must report. */
const RULES: Record<string, [Rule, Record<string, Break>]> = {
  "host names store no response": [
    address.hostNamesCacheNothing,
    {
      "a lifetime": set("ApiRouterServerCachePolicy", "maxTtl", 60),
      "headers in the cache key": set(
        "ApiRouterServerCachePolicy",
        "parametersInCacheKeyAndForwardedToOrigin.headersConfig.headerBehavior",
        "whitelist",
      ),
      "another cache policy": set("CallbackRouterCdnDistribution", "defaultCacheBehavior.cachePolicyId", "other"),
      "no headers": set("StreamRouterCdnDistribution", "defaultCacheBehavior.originRequestPolicyId", undefined),
      "reads only": set("ApiRouterCdnDistribution", "defaultCacheBehavior.allowedMethods", ["GET", "HEAD"]),
    },
  ],
  "host names need a current TLS version": [
    address.hostNamesNeedTls,
    { "an old version": set("ApiRouterCdnDistribution", "viewerCertificate.minimumProtocolVersion", "TLSv1") },
  ],
  "the queues are the expected ones": [
    queue.queuesAreAsExpected,
    {
      "a missing queue": drop("ArchiveQueueQueue"),
      "an additional queue": copy("DeliverQueueQueue", "UnseenQueueQueue"),
    },
  ],
  "every work queue has the dead-letter queue": [
    queue.workQueuesHaveDeadLetterQueue,
    {
      "no redrive policy": set("SubmitQueueQueue", "redrivePolicy", undefined),
      "more receives": rewrite("ArchiveQueueQueue", "redrivePolicy", '"maxReceiveCount":5', '"maxReceiveCount":50'),
      "an unknown target": rewrite("DeliverQueueQueue", "redrivePolicy", "DeadLetters", "Elsewhere"),
      "a work queue as target": rewrite("DeliverQueueQueue", "redrivePolicy", "DeadLetters", "SubmitQueue"),
      "the default retention of four days": set("DeadLettersQueue", "messageRetentionSeconds", undefined),
      "sweep jobs that outlive their minute": set("SweepQueueQueue", "messageRetentionSeconds", 3_600),
    },
  ],
  "every queue has its consumer": [
    queue.queuesAreConsumed,
    {
      "no consumer": dropMapping("DeadLetters"),
      "another consumer": (infra) => {
        mapping(infra, "DeliverQueue").inputs.functionName = mapping(infra, "SubmitQueue").inputs.functionName;
      },
      "an unknown queue": (infra) => {
        mapping(infra, "SubmitQueue").inputs.eventSourceArn = "arn:aws:sqs:eu-west-1:1:other";
      },
    },
  ],
  "consumers report partial batch failures": [
    queue.consumersReportBatchItemFailures,
    {
      "Submit without partial responses": (infra) => {
        mapping(infra, "SubmitQueue").inputs.functionResponseTypes = [];
      },
      "Deliver without partial responses": (infra) => {
        mapping(infra, "DeliverQueue").inputs.functionResponseTypes = [];
      },
      "Deadletter without partial responses": (infra) => {
        delete mapping(infra, "DeadLetters").inputs.functionResponseTypes;
      },
    },
  ],
  "the visibility timeout is long enough for the consumer": [
    queue.visibilityOutlastsConsumers,
    {
      "a shorter visibility": set("SubmitQueueQueue", "visibilityTimeoutSeconds", 599),
      "SST's default": set("DeadLettersQueue", "visibilityTimeoutSeconds", 30),
      "a slower function": set("ArchiveFunction", "timeout", 121),
      "a batching window": (infra) => {
        mapping(infra, "DeliverQueue").inputs.maximumBatchingWindowInSeconds = 1;
      },
    },
  ],
  "queues have the settings of limit.ts": [
    queue.queuesRespectLimits,
    {
      "another batch size": (infra) => {
        mapping(infra, "ArchiveQueue").inputs.batchSize = 10;
      },
      "no limit for the workers of dead letters": (infra) => {
        delete mapping(infra, "DeadLetters").inputs.scalingConfig;
      },
      "no limit for workers": (infra) => {
        delete mapping(infra, "DeliverQueue").inputs.scalingConfig;
      },
      "another visibility timeout": set("SubmitQueueQueue", "visibilityTimeoutSeconds", 900),
    },
  ],
  "recursive loops are stopped": [
    queue.recursionIsLimited,
    {
      "a function without the setting": drop("SubmitRecursion"),
      "a loop that goes on": set("DeliverRecursion", "recursiveLoop", "Allow"),
      "another function": set("ArchiveRecursion", "functionName", "other"),
    },
  ],
  "tables are protected against loss": [
    table.tablesAreRetained,
    {
      "no point-in-time recovery": set("TableTable", "pointInTimeRecovery.enabled", false),
      "provisioned capacity": set("TableTable", "billingMode", "PROVISIONED"),
      "no deletion protection": set("TableTable", "deletionProtectionEnabled", false),
      "a table that is deleted with the stack": (infra) => {
        find(infra, "TableTable").retainOnDelete = false;
      },
    },
  ],
  "no change of the warm throughput replaces the table": [
    table.warmThroughputReplacesNoTable,
    {
      "a table that is replaced": (infra) => {
        find(infra, "TableTable").ignoreChanges = [];
      },
      "an index that is not warm": set("TableTable", "globalSecondaryIndexes.0.warmThroughput", undefined),
    },
  ],
  "the table has the schema of the store": [
    table.tableMatchesStoreSchema,
    {
      "another sort key": set("TableTable", "rangeKey", "sort"),
      "a due time of type text": set("TableTable", "attributes.3.type", "S"),
      "a missing index": set("TableTable", "globalSecondaryIndexes.length", 1),
      "an index of all attributes": set("TableTable", "globalSecondaryIndexes.0.projectionType", "ALL"),
      "an index with another key": set("TableTable", "globalSecondaryIndexes.1.rangeKey", "createdAt"),
      "no TTL": set("TableTable", "ttl", undefined),
    },
  ],
  "roles name their actions and resources": [
    role.rolesNameResources,
    {
      "all actions of a service": rewrite("ApiRole", POLICY, "dynamodb:PutItem", "dynamodb:*"),
      "all indexes": rewrite("ApiRole", POLICY, "/index/app", "/index/*"),
      "all resources": rewrite("SubmitRole", POLICY, /arn:aws:sqs:[^"]+/g, "*"),
      "the whole bucket": rewrite("ApiRole", POLICY, "/inputs/*", "/*"),
      "all buses": rewrite("DeliverRole", POLICY, /arn:aws:events:[^"]+/g, "arn:aws:events:eu-west-1:1:event-bus/*"),
      "actions by exclusion": rewrite("ApiRole", POLICY, '"Action"', '"NotAction"'),
      "the administrator policy": set("ApiRole", "managedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
    },
  ],
  "roles trust services only": [
    role.rolesTrustServicesOnly,
    {
      "trust in the account": set(
        "ApiRole",
        "assumeRolePolicy.Statement.0.Principal.AWS",
        "arn:aws:iam::123456789012:root",
      ),
      "trust in everyone": set("ApiRole", "assumeRolePolicy.Statement.0.Principal", "*"),
      "trust in another service": set(
        "SweepScheduleRole",
        "assumeRolePolicy.Statement.0.Principal.Service",
        "ec2.amazonaws.com",
      ),
      "trust in everyone, with the policy as text": set(
        "ApiRole",
        "assumeRolePolicy",
        '{"Statement":[{"Effect":"Allow","Principal":{"AWS":"*","Service":"lambda.amazonaws.com"}}]}',
      ),
    },
  ],
  "functions have exactly the permissions they need": [
    role.functionsHaveNeededPermissions,
    {
      "no permission to write rows": rewrite("CallbackRole", POLICY, ',"dynamodb:PutItem"', ""),
      "no permission to update rows": rewrite("SubmitRole", POLICY, ',"dynamodb:UpdateItem"', ""),
      "no permission to receive messages": rewrite("SubmitRole", POLICY, '"sqs:ReceiveMessage",', ""),
      "no permission to list flows": rewrite("ApiRole", POLICY, "/index/app", "/index/due"),
      "no permission to put events": rewrite("DeliverRole", POLICY, "events:PutEvents", "events:DescribeEventBus"),
      "no permission to abort uploads": rewrite("ArchiveRole", POLICY, ',"s3:AbortMultipartUpload"', ""),
      "an API that may overwrite images": rewrite("ApiRole", POLICY, "s3:GetObject", "s3:PutObject"),
      "an unnecessary permission": rewrite(
        "CallbackRole",
        POLICY,
        "dynamodb:PutItem",
        'dynamodb:PutItem","dynamodb:DeleteItem',
      ),
      "no role": drop("SweepRole"),
    },
  ],
  "buckets are private": [
    bucket.bucketsArePrivate,
    {
      "no public access block": drop("BlobsPublicAccessBlock"),
      "an incomplete public access block": set("BlobsPublicAccessBlock", "restrictPublicBuckets", false),
      "a public policy": rewrite("BlobsPolicy", "policy", '"Deny"', '"Allow"'),
      "access for distributions of all accounts": rewrite(
        "ConsoleSitePolicy",
        "policy",
        "aws:SourceAccount",
        "aws:UserAgent",
      ),
      "a CDN that may write": rewrite("ConsoleSitePolicy", "policy", "s3:GetObject", "s3:PutObject"),
    },
  ],
  "objects expire": [
    bucket.objectsExpire,
    {
      "no lifecycle rule": drop("BlobsLifecycle"),
      "a disabled rule": set("BlobsLifecycle", "rules.0.status", "Disabled"),
      "a rule for another prefix": set("BlobsLifecycle", "rules.0.filter.prefix", "input/"),
      "images that expire before their flows": set("BlobsLifecycle", "rules.1.expiration.days", 30),
      "uploads that expire before their flows": set("BlobsLifecycle", "rules.2.expiration.days", 7),
    },
  ],
  "unfinished uploads are removed": [
    bucket.uploadsEnd,
    {
      "no rule for uploads": set("BlobsLifecycle", "rules.3.abortIncompleteMultipartUpload", undefined),
      "a rule for another prefix": set("BlobsLifecycle", "rules.3.filter.prefix", "inputs/"),
    },
  ],
  "functions have the expected runtime": [
    fn.functionsHaveRuntimeSettings,
    {
      "SST's default architecture": set("ApiFunction", "architectures", ["x86_64"]),
      "an older Node": set("SweepFunction", "runtime", "nodejs22.x"),
      "a VPC": set("SubmitFunction", "vpcConfig", { subnetIds: [] }),
    },
  ],
  "logs are JSON and expire": [
    fn.logsAreJsonAndEnd,
    {
      "the text format": set("ApiFunction", "loggingConfig.logFormat", "Text"),
      "logs without expiry": set("ApiLogGroup", "retentionInDays", 0),
      "no log group": drop("SweepLogGroup"),
      "a line for each start and end": set("CallbackFunction", "loggingConfig.systemLogLevel", "INFO"),
      "no logging settings": set("SubmitFunction", "loggingConfig", undefined),
    },
  ],
  "functions have their timeout, memory and disk": [
    fn.functionsHaveMemoryAndTimeout,
    {
      "SST's default timeout": set("SubmitFunction", "timeout", 20),
      "SST's default memory": set("CallbackFunction", "memorySize", 1024),
      "SST's default disk": set("ArchiveFunction", "ephemeralStorage.size", 512),
      "a missing function": drop("SweepFunction"),
    },
  ],
  "environments contain no secret": [
    fn.environmentsHoldNoSecret,
    {
      "the operator key": set(
        "ApiFunction",
        "environment.variables.SST_RESOURCE_ApiKey",
        JSON.stringify(SECRETS.ApiKey),
      ),
      "a vendor's API key in a known variable": set(
        "ApiFunction",
        "environment.variables.MJFLOW_API_URL",
        SECRETS.Providers,
      ),
      "a webhook URL in a function that sends none": set(
        "SweepFunction",
        "environment.variables.MJFLOW_FACADE_NOTIFY_HOOK",
        "x",
      ),
      "the callback token key in a known variable": set(
        "SubmitFunction",
        "environment.variables.SST_RESOURCE_App",
        `{${SECRETS.HookKey}}`,
      ),
      "an unknown variable": set("SweepFunction", "environment.variables.TOKEN", "x"),
    },
  ],
  "Api and Deliver know the event bus": [
    fn.busIsKnown,
    {
      "a Deliver function without the bus": set("DeliverFunction", "environment.variables.MJFLOW_BUS", undefined),
      "an Api function without the bus": set("ApiFunction", "environment.variables.MJFLOW_BUS", undefined),
      "another bus": set("DeliverFunction", "environment.variables.MJFLOW_BUS", "default"),
      "a bus that does not exist": drop("BusBus"),
    },
  ],
  "functions have exactly their links": [
    fn.functionsHaveTheirLinks,
    {
      "vendor API keys in Callback": link("Callback", (links) => [...links, "Providers"]),
      "the vault key in Callback": link("Callback", (links) => [...links, "VaultKey"]),
      "a missing queue link": link("Sweep", (links) => links.filter((name) => name !== "SubmitQueue")),
    },
  ],
  "only Api and Callback have a function URL": [
    fn.onlyThreeFunctionUrls,
    {
      "a missing URL": drop("CallbackUrl"),
      "a third URL": copy("ApiUrl", "SubmitUrl"),
      "a URL that requires signatures": set("CallbackUrl", "authorizationType", "AWS_IAM"),
      "an API without streaming": set("ApiUrl", "invokeMode", "BUFFERED"),
      "streaming for callbacks": set("CallbackUrl", "invokeMode", "RESPONSE_STREAM"),
    },
  ],
  "the console has the headers of the local server": [
    console.consoleHeadersMatchLocalServer,
    {
      "another Content-Security-Policy": rewrite(
        HEADERS,
        `${CSP}.contentSecurityPolicy`,
        "script-src 'self'",
        "script-src 'self' 'unsafe-inline'",
      ),
      "any API origin": rewrite(HEADERS, `${CSP}.contentSecurityPolicy`, "https://api.example.com", "https:"),
      "no bucket": rewrite(HEADERS, `${CSP}.contentSecurityPolicy`, / https:\S+\.s3\.[^; ]+/g, ""),
      "no Content-Security-Policy": set(HEADERS, CSP, undefined),
      "a page that may be framed": set(HEADERS, "securityHeadersConfig.frameOptions.frameOption", "SAMEORIGIN"),
      "content types that are guessed": set(HEADERS, "securityHeadersConfig.contentTypeOptions", undefined),
      "missing custom headers": set(HEADERS, "customHeadersConfig.items", []),
      "no HSTS": set(HEADERS, "securityHeadersConfig.strictTransportSecurity", undefined),
    },
  ],
  "the console is served safely": [
    console.consoleIsServedSafely,
    {
      "no response headers": set(CDN, "defaultCacheBehavior.responseHeadersPolicyId", undefined),
      "access over http": set(CDN, "defaultCacheBehavior.viewerProtocolPolicy", "allow-all"),
      "the method POST": set(CDN, "defaultCacheBehavior.allowedMethods", ["GET", "HEAD", "POST"]),
      "no index page": set(CDN, "defaultRootObject", undefined),
      "a bucket without access control": set(CDN, "origins.0.originAccessControlId", undefined),
      "old TLS versions": set(CDN, "viewerCertificate.minimumProtocolVersion", "TLSv1"),
    },
  ],
  "the files of the console exist": [
    console.consoleFilesAreThere,
    {
      "no page": drop("Console-index.html"),
      "a missing file": drop("Console-icon.svg"),
      "a wrong content type": set("Console-icon.svg", "contentType", "text/html"),
      "a page that is cached for a year": set(
        "Console-index.html",
        "cacheControl",
        "public, max-age=31536000, immutable",
      ),
      "a page without the API origin": rewrite("Console-index.html", "content", "https://api.example.com", ""),
      "files without a distribution": drop(CDN),
    },
  ],
  "CORS allows the console and the configured origins": [
    console.corsAllowsTheConsole,
    {
      "every origin": set("ApiFunction", "environment.variables.MJFLOW_CORS_ORIGINS", "*"),
      "no console": set("ApiFunction", "environment.variables.MJFLOW_CORS_ORIGINS", "https://shop.example.com"),
      "no origins": set("ApiFunction", "environment.variables.MJFLOW_CORS_ORIGINS", undefined),
      "CORS settings of AWS for the API": set("ApiUrl", "cors", { allowOrigins: ["*"] }),
      "CORS settings of AWS for callbacks": set("CallbackUrl", "cors", { allowOrigins: ["*"] }),
      "origins for callbacks": set("CallbackFunction", "environment.variables.MJFLOW_CORS_ORIGINS", "https://a.test"),
    },
  ],
  "the bucket allows uploads of the console, and reading by link": [
    console.bucketAllowsPages,
    {
      "uploads of every page": set("BlobsCors", "corsRules.0.allowedOrigins", ["*"]),
      "no reading": set("BlobsCors", "corsRules.1.allowedMethods", []),
      "no rules": drop("BlobsCors"),
    },
  ],
  "functions are invoked only through their URL": [
    fn.functionUrlsInvokeTheirFunction,
    {
      "a direct invocation": set("CallbackPublicInvokeFunction", "invokedViaFunctionUrl", false),
      "a function without a URL": (infra) => {
        find(infra, "ApiPublicFunctionUrlAccess").inputs.function = find(infra, "SubmitFunction").inputs.name;
      },
    },
  ],
  "Callback has reserved concurrency": [
    fn.callbackConcurrencyIsReserved,
    {
      "no reservation": set("CallbackFunction", "reservedConcurrentExecutions", undefined),
      "a reservation of 0": set("CallbackFunction", "reservedConcurrentExecutions", 0),
    },
  ],
  "workers have the concurrency of their mapping": [
    fn.workersAreReserved,
    {
      "no reservation": set("SubmitFunction", "reservedConcurrentExecutions", undefined),
      "less than the mapping uses": set("DeliverFunction", "reservedConcurrentExecutions", 99),
      "a reservation without a limit": (infra) => {
        delete mapping(infra, "ArchiveQueue").inputs.scalingConfig;
      },
    },
  ],
  "Submit knows the number of its workers": [
    fn.submitKnowsItsWorkers,
    {
      "another number": set("SubmitFunction", "environment.variables.MJFLOW_SUBMIT_WORKERS", "7"),
    },
  ],
  "streams have a reservation, and a lower limit": [
    fn.streamsAreReserved,
    {
      "no reservation": set("StreamFunction", "reservedConcurrentExecutions", undefined),
      "a limit as high as the reservation": set(
        "StreamFunction",
        "environment.variables.MJFLOW_STREAMS_PER_DEPLOYMENT",
        "200",
      ),
      "no limit": set("StreamFunction", "environment.variables.MJFLOW_STREAMS_PER_DEPLOYMENT", undefined),
    },
  ],
  "no other function has reserved concurrency": [
    fn.othersReserveNothing,
    { "a reservation for another function": set("ApiFunction", "reservedConcurrentExecutions", 10) },
  ],
  "the sweeper runs each minute": [
    sweep.sweepRunsEachMinute,
    {
      "no schedule": drop("SweepScheduleSchedule"),
      "a disabled schedule": set("SweepScheduleSchedule", "state", "DISABLED"),
      "a longer interval": set("SweepScheduleSchedule", "scheduleExpression", "rate(5 minutes)"),
      "another target": rewrite("SweepScheduleSchedule", "target.arn", "Sweep", "Other"),
      "a role that may not invoke it": rewrite("SweepScheduleRole", POLICY, "InvokeFunction", "GetFunction"),
    },
  ],
  "the metrics of alarms exist": [
    alarm.alarmMetricsExist,
    {
      "another queue": set("DeadLettersNotProcessed", "dimensions.QueueName", "DeadLetters"),
      "another dimension": set("ApiErrors", "dimensions", { Function: "api" }),
      "no dimension": set("ApiErrors", "dimensions", {}),
      "no metric": set("UnclearRising", "metricQueries", []),
      "another stage": set("OverdueRising", "dimensions.Stage", "trial"),
      "no stage": set("OverdueRising", "dimensions", { Function: "sweep" }),
      "another function name": set("OverdueRising", "dimensions.Function", "Sweep"),
      "a metric that no function counts": set("UnclearRising", "metricQueries.1.metric.metricName", "Unclears"),
    },
  ],
  "the expressions of alarms evaluate": [
    alarm.alarmExpressionsEvaluate,
    {
      "an undefined metric": rewrite("UnclearRising", "metricQueries.0.expression", "whole", "total"),
      "an unused metric": rewrite("UnclearRising", "metricQueries.0.expression", "/ whole", ""),
      "two results": set("UnclearRising", "metricQueries.1.returnData", true),
      "no result": set("UnclearRising", "metricQueries.0.returnData", false),
      "different periods": set("UnclearRising", "metricQueries.1.metric.period", 3_600),
    },
  ],
  "alarms have a subscriber and a description": [
    alarm.alarmsHaveSubscribers,
    {
      "no action": set("SweepNotRunning", "alarmActions", []),
      "no topic": drop("AlarmTopic"),
      "no description": set("SweepNotRunning", "alarmDescription", ""),
    },
  ],
  "every fault has its alarm": [
    alarm.everyFaultHasAnAlarm,
    {
      "no alarm for unprocessed dead-letter messages": drop("DeadLettersNotProcessed"),
      "no alarm for received dead-letter messages": drop("DeadLettersReceived"),
      "no alarm for the age of a queue": (infra) => {
        drop("ArchiveQueueLate")(infra);
        drop("ArchivePoolFull")(infra);
      },
      "no alarm for a pool without a free worker": drop("SubmitPoolFull"),
      "no alarm for throttled callbacks": drop("CallbackThrottled"),
      "no alarm for 5xx responses to callbacks": drop("CallbackFailing"),
      "no alarm for unclear submissions": drop("UnclearRising"),
      "no alarm for overdue rows": drop("OverdueRising"),
      "no alarm for long waits": drop("WaitingLong"),
      "no alarm for an unreachable vendor": drop("VendorUnreachable"),
      "no alarm for refused look-ups": drop("LookupsRefused"),
      "no alarm for unreadable secrets": drop("SecretsUnreadable"),
      "no alarm for disabled endpoints": drop("EndpointsDisabled"),
      "no alarm for refused streams": drop("StreamsRefused"),
      "no alarm for repaired credit": drop("CreditRepaired"),
      "no alarm for an overloaded credit counter": drop("CreditOverloaded"),
      "no alarm for failed deliveries": drop("DeliveriesGivenUp"),
      "no alarm for the write rate": drop("WriteRateHigh"),
      "no alarm for the errors of a function": drop("DeliverErrors"),
      "missing sweeper data treated as good": set("SweepNotRunning", "treatMissingData", "notBreaching"),
      "a reversed comparison": set("DeadLettersNotProcessed", "comparisonOperator", "LessThanThreshold"),
    },
  ],
  "the metrics of the dashboard exist": [
    dashboard.dashboardMetricsExist,
    {
      "another stage": rewrite("Dashboard", "dashboardBody", '"Stage","production"', '"Stage","trial"'),
      "another function name": rewrite("Dashboard", "dashboardBody", '"Function","sweep"', '"Function","Sweep"'),
      "a metric that no function counts": rewrite("Dashboard", "dashboardBody", '"Overdue"', '"Due"'),
      "no region": rewrite("Dashboard", "dashboardBody", '"region"', '"place"'),
    },
  ],
  "the charts fit on the dashboard": [
    dashboard.dashboardFits,
    {
      "charts that are too wide": rewrite("Dashboard", "dashboardBody", '"width":8', '"width":9'),
      "overlapping charts": rewrite("Dashboard", "dashboardBody", '"x":8', '"x":0'),
    },
  ],
  "the dashboard shows all alarms and their metrics": [
    dashboard.dashboardShowsAllAlarms,
    {
      "a missing metric": rewrite("Dashboard", "dashboardBody", '"Overdue"', '"Sweeps"'),
      "a missing queue age": rewrite(
        "Dashboard",
        "dashboardBody",
        "ApproximateAgeOfOldestMessage",
        "NumberOfMessagesSent",
      ),
      "a missing alarm": rewrite("Dashboard", "dashboardBody", "SweepNotRunning", "SweepErrors"),
    },
  ],
};

let production: Infra;
let trial: Infra;
/** Production with all settings. Breaks are applied to copies of it, because it contains every kind of resource. */
let everything: Infra;

beforeAll(async () => {
  [production, trial, everything] = await Promise.all([
    evaluated("production"),
    evaluated("trial"),
    evaluated("production", { env: EVERYTHING }),
  ]);
});

describe.each(Object.entries(RULES))("rule: %s", (name, [rule, breaks]) => {
  test(`production satisfies: ${name}`, () => expect(rule(production)).toEqual([]));
  test(`a trial stage satisfies: ${name}`, () => expect(rule(trial)).toEqual([]));
  test(`production with all settings satisfies: ${name}`, () => expect(rule(everything)).toEqual([]));
  test.each(Object.entries(breaks))(`the rule "${name}" reports: %s`, (_what, breakIt) => {
    const broken = structuredClone(everything);
    breakIt(broken);
    expect(rule(broken)).not.toEqual([]);
  });
});

/** Exported functions that are not rules. */
const HELPERS = new Set(["metricsOfAlarm", "metricsOfDashboard"]);

test("RULES contains every exported rule", () => {
  const modules = [address, alarm, bucket, console, dashboard, fn, queue, role, sweep, table];
  const exported = modules.flatMap((module) => Object.entries<unknown>(module));
  const rules = exported.filter(([name, value]) => typeof value === "function" && !HELPERS.has(name));
  expect(new Set(Object.values(RULES).map(([rule]) => rule))).toEqual(new Set(rules.map(([, rule]) => rule)));
});
