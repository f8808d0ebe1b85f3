/**
 * Each rule on what is really registered, and each against broken copies of it: a rule that finds nothing in those would
 * find nothing ever.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { EVERYTHING, evaluated } from "./evaluated.ts";
import type { Infra, Rule } from "./model.ts";
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

/** What a break changes; whatever shape it has. */
// biome-ignore lint/suspicious/noExplicitAny: a break may put anything anywhere
type Broken = any;
type Break = (infra: Infra) => void;

function find(infra: Infra, name: string): Broken {
  const found = infra.resources.find((resource) => resource.name === name);
  if (!found) throw new Error(`${name} is not registered`);
  return found;
}

/** Sets one input, named by its path; undefined removes it. */
function set(name: string, path: string, value: unknown): Break {
  return (infra) => {
    const steps = path.split(".");
    const last = steps.pop()!;
    let at = find(infra, name).inputs;
    for (const step of steps) at = at[step];
    if (value === undefined) delete at[last];
    else at[last] = value;
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
    const gone = mapping(infra, queueName);
    infra.resources = infra.resources.filter((resource) => resource !== gone);
  };
}

function rewrite(name: string, path: string, from: string | RegExp, to: string): Break {
  return (infra) => {
    const steps = path.split(".");
    const last = steps.pop()!;
    let at = find(infra, name).inputs;
    for (const step of steps) at = at[step];
    const text = at[last].replaceAll(from, to);
    if (text === at[last]) throw new Error(`${name}.${path} has no ${from}`);
    at[last] = text;
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

/** By the rule, then by what is broken. */
const RULES: Record<string, [Rule, Record<string, Break>]> = {
  "queues are these": [
    queue.queuesAreAsExpected,
    {
      "one less": drop("ArchiveQueueQueue"),
      "one more": copy("DeliverQueueQueue", "UnseenQueueQueue"),
    },
  ],
  "work has dead letters": [
    queue.workQueuesHaveDeadLetterQueue,
    {
      "no redrive policy": set("SubmitQueueQueue", "redrivePolicy", undefined),
      "more tries": rewrite("ArchiveQueueQueue", "redrivePolicy", '"maxReceiveCount":5', '"maxReceiveCount":50'),
      "to nowhere": rewrite("DeliverQueueQueue", "redrivePolicy", "DeadLetters", "Elsewhere"),
      "to another queue of work": rewrite("DeliverQueueQueue", "redrivePolicy", "DeadLetters", "SubmitQueue"),
      "retention left at four days": set("DeadLettersQueue", "messageRetentionSeconds", undefined),
    },
  ],
  "queues are consumed": [
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
  "consumers answer in part": [
    queue.consumersReportBatchItemFailures,
    {
      submit: (infra) => {
        mapping(infra, "SubmitQueue").inputs.functionResponseTypes = [];
      },
      deliver: (infra) => {
        mapping(infra, "DeliverQueue").inputs.functionResponseTypes = [];
      },
      deadletter: (infra) => {
        delete mapping(infra, "DeadLetters").inputs.functionResponseTypes;
      },
    },
  ],
  "visibility outlasts consumers": [
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
  "queues keep to limits": [
    queue.queuesRespectLimits,
    {
      "another batch": (infra) => {
        mapping(infra, "ArchiveQueue").inputs.batchSize = 10;
      },
      "no bound": (infra) => {
        delete mapping(infra, "DeliverQueue").inputs.scalingConfig;
      },
      "another visibility": set("SubmitQueueQueue", "visibilityTimeoutSeconds", 900),
    },
  ],
  "tables are kept": [
    table.tablesAreRetained,
    {
      "no recovery": set("TableTable", "pointInTimeRecovery.enabled", false),
      provisioned: set("TableTable", "billingMode", "PROVISIONED"),
      unprotected: set("TableTable", "deletionProtectionEnabled", false),
      "not retained": (infra) => {
        find(infra, "TableTable").retainOnDelete = false;
      },
    },
  ],
  "the table is the store's": [
    table.tableMatchesStoreSchema,
    {
      "another sort key": set("TableTable", "rangeKey", "sort"),
      "a due time in text": set("TableTable", "attributes.3.type", "S"),
      "an index less": set("TableTable", "globalSecondaryIndexes.length", 1),
      "indexes of everything": set("TableTable", "globalSecondaryIndexes.0.projectionType", "ALL"),
      "an index by another key": set("TableTable", "globalSecondaryIndexes.1.rangeKey", "createdAt"),
      "no TTL": set("TableTable", "ttl", undefined),
    },
  ],
  "roles name what they may do": [
    role.rolesNameResources,
    {
      "all of an action": rewrite("ApiRole", POLICY, "dynamodb:PutItem", "dynamodb:*"),
      "every index": rewrite("ApiRole", POLICY, "/index/app", "/index/*"),
      everything: rewrite("SubmitRole", POLICY, /arn:aws:sqs:[^"]+/g, "*"),
      "the whole bucket": rewrite("ApiRole", POLICY, "/inputs/*", "/*"),
      "every bus": rewrite("DeliverRole", POLICY, /arn:aws:events:[^"]+/g, "arn:aws:events:eu-west-1:1:event-bus/*"),
      "by exclusion": rewrite("ApiRole", POLICY, '"Action"', '"NotAction"'),
      administrator: set("ApiRole", "managedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
    },
  ],
  "roles trust services only": [
    role.rolesTrustServicesOnly,
    {
      "the account": set("ApiRole", "assumeRolePolicy.Statement.0.Principal.AWS", "arn:aws:iam::123456789012:root"),
      everyone: set("ApiRole", "assumeRolePolicy.Statement.0.Principal", "*"),
      "another service": set(
        "SweepScheduleRole",
        "assumeRolePolicy.Statement.0.Principal.Service",
        "ec2.amazonaws.com",
      ),
      "as text": set(
        "ApiRole",
        "assumeRolePolicy",
        '{"Statement":[{"Effect":"Allow","Principal":{"AWS":"*","Service":"lambda.amazonaws.com"}}]}',
      ),
    },
  ],
  "functions may do what they do": [
    role.functionsHaveNeededPermissions,
    {
      "no writing": rewrite("CallbackRole", POLICY, ',"dynamodb:PutItem"', ""),
      "no receiving": rewrite("SubmitRole", POLICY, '"sqs:ReceiveMessage",', ""),
      "no listing": rewrite("ApiRole", POLICY, "/index/app", "/index/due"),
      "no events": rewrite("DeliverRole", POLICY, "events:PutEvents", "events:DescribeEventBus"),
      "uploads that cannot be ended": rewrite("ArchiveRole", POLICY, ',"s3:AbortMultipartUpload"', ""),
      "pictures to be overwritten by the API": rewrite("ApiRole", POLICY, "s3:GetObject", "s3:PutObject"),
      "too much": rewrite("CallbackRole", POLICY, "dynamodb:PutItem", 'dynamodb:PutItem","dynamodb:DeleteItem'),
      "no role": drop("SweepRole"),
    },
  ],
  "buckets are private": [
    bucket.bucketsArePrivate,
    {
      "no block": drop("BlobsPublicAccessBlock"),
      "half a block": set("BlobsPublicAccessBlock", "restrictPublicBuckets", false),
      "a public policy": rewrite("BlobsPolicy", "policy", '"Deny"', '"Allow"'),
      "every CDN there is": rewrite("ConsoleSitePolicy", "policy", "aws:SourceAccount", "aws:UserAgent"),
      "a CDN that writes": rewrite("ConsoleSitePolicy", "policy", "s3:GetObject", "s3:PutObject"),
    },
  ],
  "objects expire": [
    bucket.objectsExpire,
    {
      "no rule": drop("BlobsLifecycle"),
      disabled: set("BlobsLifecycle", "rules.0.status", "Disabled"),
      elsewhere: set("BlobsLifecycle", "rules.0.filter.prefix", "input/"),
      "pictures before their flows": set("BlobsLifecycle", "rules.1.expiration.days", 30),
    },
  ],
  "uploads end": [
    bucket.uploadsEnd,
    {
      never: set("BlobsLifecycle", "rules.2.abortIncompleteMultipartUpload", undefined),
      elsewhere: set("BlobsLifecycle", "rules.2.filter.prefix", "inputs/"),
    },
  ],
  "functions run as meant": [
    fn.functionsHaveRuntimeSettings,
    {
      "SST's default architecture": set("ApiFunction", "architectures", ["x86_64"]),
      "an older Node": set("SweepFunction", "runtime", "nodejs22.x"),
      "a VPC": set("SubmitFunction", "vpcConfig", { subnetIds: [] }),
    },
  ],
  "logs are JSON, and end": [
    fn.logsAreJsonAndEnd,
    {
      text: set("ApiFunction", "loggingConfig.logFormat", "Text"),
      "for ever": set("ApiLogGroup", "retentionInDays", 0),
      "no group": drop("SweepLogGroup"),
      "every start and end": set("CallbackFunction", "loggingConfig.systemLogLevel", "INFO"),
      "no logging": set("SubmitFunction", "loggingConfig", undefined),
    },
  ],
  "functions have their size": [
    fn.functionsHaveMemoryAndTimeout,
    {
      "SST's default timeout": set("SubmitFunction", "timeout", 20),
      "SST's default memory": set("CallbackFunction", "memorySize", 1024),
      "SST's default disk": set("ArchiveFunction", "ephemeralStorage.size", 512),
      missing: drop("SweepFunction"),
    },
  ],
  "environments hold no secret": [
    fn.environmentsHoldNoSecret,
    {
      "a key": set("ApiFunction", "environment.variables.SST_RESOURCE_ApiKey", JSON.stringify(SECRETS.ApiKey)),
      "a vendor's key in a known place": set("ApiFunction", "environment.variables.MJFLOW_API_URL", SECRETS.Providers),
      "an app's address where nothing is posted": set(
        "SweepFunction",
        "environment.variables.MJFLOW_FACADE_NOTIFY_HOOK",
        "x",
      ),
      "a key in a known place": set("SubmitFunction", "environment.variables.SST_RESOURCE_App", `{${SECRETS.HookKey}}`),
      "anything new": set("SweepFunction", "environment.variables.TOKEN", "x"),
    },
  ],
  "the bus is known": [
    fn.busIsKnown,
    {
      "nobody puts events there": set("DeliverFunction", "environment.variables.MJFLOW_BUS", undefined),
      "nobody expects any": set("ApiFunction", "environment.variables.MJFLOW_BUS", undefined),
      another: set("DeliverFunction", "environment.variables.MJFLOW_BUS", "default"),
      "one that is not there": drop("BusBus"),
    },
  ],
  "functions are given their links": [
    fn.functionsHaveTheirLinks,
    {
      "vendors' keys in the receiver": link("Callback", (links) => [...links, "Providers"]),
      "the vault's key in the receiver": link("Callback", (links) => [...links, "VaultKey"]),
      "no queue": link("Sweep", (links) => links.filter((name) => name !== "SubmitQueue")),
    },
  ],
  "doors are two": [
    fn.onlyTwoFunctionUrls,
    {
      "one door": drop("CallbackUrl"),
      "a third": copy("ApiUrl", "SubmitUrl"),
      signed: set("CallbackUrl", "authorizationType", "AWS_IAM"),
      "all in one piece": set("ApiUrl", "invokeMode", "BUFFERED"),
      "a stream to vendors": set("CallbackUrl", "invokeMode", "RESPONSE_STREAM"),
    },
  ],
  "the console says what the house says": [
    console.consoleHeadersMatchLocalServer,
    {
      "another policy": rewrite(
        HEADERS,
        `${CSP}.contentSecurityPolicy`,
        "script-src 'self'",
        "script-src 'self' 'unsafe-inline'",
      ),
      "another API": rewrite(HEADERS, `${CSP}.contentSecurityPolicy`, "https://api.example.com", "https:"),
      "no policy": set(HEADERS, CSP, undefined),
      "to be framed": set(HEADERS, "securityHeadersConfig.frameOptions.frameOption", "SAMEORIGIN"),
      "types guessed": set(HEADERS, "securityHeadersConfig.contentTypeOptions", undefined),
      "one header less": set(HEADERS, "customHeadersConfig.items", []),
      http: set(HEADERS, "securityHeadersConfig.strictTransportSecurity", undefined),
    },
  ],
  "the console is served safely": [
    console.consoleIsServedSafely,
    {
      "without headers": set(CDN, "defaultCacheBehavior.responseHeadersPolicyId", undefined),
      "over http": set(CDN, "defaultCacheBehavior.viewerProtocolPolicy", "allow-all"),
      "to be posted to": set(CDN, "defaultCacheBehavior.allowedMethods", ["GET", "HEAD", "POST"]),
      "without a first page": set(CDN, "defaultRootObject", undefined),
      "from a public bucket": set(CDN, "origins.0.originAccessControlId", undefined),
      "with old TLS": set(CDN, "viewerCertificate.minimumProtocolVersion", "TLSv1"),
    },
  ],
  "the console's files are there": [
    console.consoleFilesAreThere,
    {
      "no page": drop("Console-index.html"),
      "one less": drop("Console-icon.svg"),
      "of another type": set("Console-icon.svg", "contentType", "text/html"),
      "kept for ever": set("Console-index.html", "cacheControl", "public, max-age=31536000, immutable"),
      "knows no API": rewrite("Console-index.html", "content", "https://api.example.com", ""),
      "of no site": drop(CDN),
    },
  ],
  "only the console may ask": [
    console.corsAllowsConsoleOnly,
    {
      "any page": set("ApiUrl", "cors.allowOrigins", ["*"]),
      "with cookies": set("ApiUrl", "cors.allowCredentials", true),
      "callbacks, too": set("CallbackUrl", "cors", { allowOrigins: ["*"] }),
      "although there is none": drop(CDN),
    },
  ],
  "functions are called at their doors": [
    fn.functionUrlsInvokeTheirFunction,
    {
      "past the door": set("CallbackInvokeFunction", "invokedViaFunctionUrl", false),
      "no door": (infra) => {
        find(infra, "ApiPublicFunctionUrlAccess").inputs.function = find(infra, "SubmitFunction").inputs.name;
      },
    },
  ],
  "callbacks have their share": [
    fn.callbackConcurrencyIsReserved,
    {
      none: set("CallbackFunction", "reservedConcurrentExecutions", undefined),
      "off altogether": set("CallbackFunction", "reservedConcurrentExecutions", 0),
      "another's": set("ApiFunction", "reservedConcurrentExecutions", 10),
    },
  ],
  "the sweeper runs each minute": [
    sweep.sweepRunsEachMinute,
    {
      never: drop("SweepScheduleSchedule"),
      disabled: set("SweepScheduleSchedule", "state", "DISABLED"),
      seldom: set("SweepScheduleSchedule", "scheduleExpression", "rate(5 minutes)"),
      another: rewrite("SweepScheduleSchedule", "target.arn", "Sweep", "Other"),
      "not allowed": rewrite("SweepScheduleRole", POLICY, "InvokeFunction", "GetFunction"),
    },
  ],
  "alarms watch what there is": [
    alarm.alarmMetricsExist,
    {
      "another queue": set("DeadLettersLeft", "dimensions.QueueName", "DeadLetters"),
      "another dimension": set("ApiErrors", "dimensions", { Function: "api" }),
      "nothing in particular": set("ApiErrors", "dimensions", {}),
      nothing: set("UnclearRising", "metricQueries", []),
      "another stage": set("OverdueRising", "dimensions.Stage", "trial"),
      "no stage": set("OverdueRising", "dimensions", { Function: "sweep" }),
      "another function's name": set("OverdueRising", "dimensions.Function", "Sweep"),
      "what nobody counts": set("UnclearRising", "metricQueries.1.metric.metricName", "Unclears"),
    },
  ],
  "alarms calculate": [
    alarm.alarmExpressionsEvaluate,
    {
      "with what is not there": rewrite("UnclearRising", "metricQueries.0.expression", "whole", "total"),
      "without what is": rewrite("UnclearRising", "metricQueries.0.expression", "/ whole", ""),
      "two results": set("UnclearRising", "metricQueries.1.returnData", true),
      "no result": set("UnclearRising", "metricQueries.0.returnData", false),
      "minutes with hours": set("UnclearRising", "metricQueries.1.metric.period", 3_600),
    },
  ],
  "alarms tell someone": [
    alarm.alarmsHaveSubscribers,
    {
      "no action": set("SweepSilent", "alarmActions", []),
      "no topic": drop("AlarmTopic"),
      "no meaning": set("SweepSilent", "alarmDescription", ""),
    },
  ],
  "every fault has its alarm": [
    alarm.everyFaultHasAnAlarm,
    {
      "dead letters": drop("DeadLettersLeft"),
      buried: drop("DeadLettersBuried"),
      "queue age": drop("ArchiveQueueLate"),
      throttling: drop("CallbackThrottled"),
      "callbacks answered 5xx": drop("CallbackFailing"),
      "unclear submissions": drop("UnclearRising"),
      "what is overdue": drop("OverdueRising"),
      "endpoints switched off": drop("EndpointsDisabled"),
      "deliveries given up": drop("DeliveriesGivenUp"),
      "a table written without end": drop("WritesRunaway"),
      "a function's errors": drop("DeliverErrors"),
      "silence taken for health": set("SweepSilent", "treatMissingData", "notBreaching"),
      "the wrong way round": set("DeadLettersLeft", "comparisonOperator", "LessThanThreshold"),
    },
  ],
  "the dashboard shows what there is": [
    dashboard.dashboardMetricsExist,
    {
      "another stage": rewrite("Dashboard", "dashboardBody", '"Stage","production"', '"Stage","trial"'),
      "another function's name": rewrite("Dashboard", "dashboardBody", '"Function","sweep"', '"Function","Sweep"'),
      "what nobody counts": rewrite("Dashboard", "dashboardBody", '"Overdue"', '"Due"'),
      "no region": rewrite("Dashboard", "dashboardBody", '"region"', '"place"'),
    },
  ],
  "the dashboard fits": [
    dashboard.dashboardFits,
    {
      "too wide": rewrite("Dashboard", "dashboardBody", '"width":8', '"width":9'),
      "one upon another": rewrite("Dashboard", "dashboardBody", '"x":8', '"x":0'),
    },
  ],
  "the dashboard shows what alarms": [
    dashboard.dashboardShowsAllAlarms,
    {
      "no overdue": rewrite("Dashboard", "dashboardBody", '"Overdue"', '"Sweeps"'),
      "no queue's age": rewrite("Dashboard", "dashboardBody", "ApproximateAgeOfOldestMessage", "NumberOfMessagesSent"),
      "an alarm that is not listed": rewrite("Dashboard", "dashboardBody", "SweepSilent", "SweepErrors"),
    },
  ],
};

let production: Infra;
let trial: Infra;
/** Production with all that can be asked for: what is broken in copies of it can be anything there is. */
let everything: Infra;

beforeAll(async () => {
  [production, trial, everything] = await Promise.all([
    evaluated("production"),
    evaluated("trial"),
    evaluated("production", { env: EVERYTHING }),
  ]);
});

describe.each(Object.entries(RULES))("%s", (_name, [rule, breaks]) => {
  test("in production", () => expect(rule(production)).toEqual([]));
  test("in a trial stage", () => expect(rule(trial)).toEqual([]));
  test("with all that can be asked for", () => expect(rule(everything)).toEqual([]));
  test.each(Object.entries(breaks))("finds: %s", (_what, breakIt) => {
    const broken = structuredClone(everything);
    breakIt(broken);
    expect(rule(broken)).not.toEqual([]);
  });
});

/** What rules share with the builds' checks. */
const HELPERS = new Set(["watchedBy", "shownOn"]);

test("no rule is left out", () => {
  const modules = [alarm, bucket, console, dashboard, fn, queue, role, sweep, table];
  const exported = modules.flatMap((module) => Object.entries<unknown>(module));
  const rules = exported.filter(([name, value]) => typeof value === "function" && !HELPERS.has(name));
  expect(new Set(Object.values(RULES).map(([rule]) => rule))).toEqual(new Set(rules.map(([, rule]) => rule)));
});
