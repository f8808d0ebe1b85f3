/**
 * Each rule on what is really registered, and each against broken copies of it: a rule that finds nothing in those would
 * find nothing ever.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { evaluated } from "./evaluated.ts";
import type { Infra, Rule } from "./model.ts";
import * as alarm from "./rule/alarm.ts";
import * as bucket from "./rule/bucket.ts";
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

/** By the rule, then by what is broken. */
const RULES: Record<string, [Rule, Record<string, Break>]> = {
  "consumed queues have dead letters": [
    queue.consumedQueuesHaveDeadLetters,
    {
      "no redrive policy": set("SubmitQueueQueue", "redrivePolicy", undefined),
      "more tries": rewrite("SubmitQueueQueue", "redrivePolicy", '"maxReceiveCount":5', '"maxReceiveCount":50'),
      "to nowhere": rewrite("SubmitQueueQueue", "redrivePolicy", "SubmitDeadLetters", "Elsewhere"),
      "retention left at four days": set("SubmitDeadLettersQueue", "messageRetentionSeconds", undefined),
      "an unknown queue": (infra) => {
        mapping(infra, "SubmitQueue").inputs.eventSourceArn = "arn:aws:sqs:eu-west-1:1:other";
      },
    },
  ],
  "dead letters are consumed": [
    queue.deadLettersAreConsumed,
    {
      "no consumer": (infra) => {
        const gone = mapping(infra, "SubmitDeadLetters");
        infra.resources = infra.resources.filter((resource) => resource !== gone);
      },
    },
  ],
  "consumers answer in part": [
    queue.consumersAnswerInPart,
    {
      submit: (infra) => {
        mapping(infra, "SubmitQueue").inputs.functionResponseTypes = [];
      },
      deadletter: (infra) => {
        delete mapping(infra, "SubmitDeadLetters").inputs.functionResponseTypes;
      },
    },
  ],
  "visibility outlasts consumers": [
    queue.visibilityOutlastsConsumers,
    {
      "a shorter visibility": set("SubmitQueueQueue", "visibilityTimeoutSeconds", 599),
      "SST's default": set("SubmitDeadLettersQueue", "visibilityTimeoutSeconds", 30),
      "a slower function": set("SubmitFunction", "timeout", 101),
      "a batching window": (infra) => {
        mapping(infra, "SubmitQueue").inputs.maximumBatchingWindowInSeconds = 1;
      },
    },
  ],
  "queues keep to limits": [
    queue.queuesKeepToLimits,
    {
      "another batch": (infra) => {
        mapping(infra, "SubmitQueue").inputs.batchSize = 1;
      },
      "no bound": (infra) => {
        delete mapping(infra, "SubmitQueue").inputs.scalingConfig;
      },
      "another visibility": set("SubmitQueueQueue", "visibilityTimeoutSeconds", 900),
    },
  ],
  "tables are kept": [
    table.tablesAreKept,
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
    table.tableIsTheStores,
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
    role.rolesNameWhatTheyMayDo,
    {
      "all of an action": rewrite("ApiRole", POLICY, "dynamodb:PutItem", "dynamodb:*"),
      "every index": rewrite("ApiRole", POLICY, "/index/app", "/index/*"),
      everything: rewrite("SubmitRole", POLICY, /arn:aws:sqs:[^"]+/g, "*"),
      "the whole bucket": rewrite("ApiRole", POLICY, "/inputs/*", "/*"),
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
    role.functionsMayDoWhatTheyDo,
    {
      "no writing": rewrite("CallbackRole", POLICY, ',"dynamodb:PutItem"', ""),
      "no receiving": rewrite("SubmitRole", POLICY, '"sqs:ReceiveMessage",', ""),
      "no listing": rewrite("ApiRole", POLICY, "/index/app", "/index/due"),
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
    },
  ],
  "inputs expire": [
    bucket.inputsExpire,
    {
      "no rule": drop("BlobsLifecycle"),
      disabled: set("BlobsLifecycle", "rules.0.status", "Disabled"),
      elsewhere: set("BlobsLifecycle", "rules.0.filter.prefix", "input/"),
    },
  ],
  "functions run as meant": [
    fn.functionsRunAsMeant,
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
      "no logging": set("SubmitFunction", "loggingConfig", undefined),
    },
  ],
  "functions have their size": [
    fn.functionsHaveTheirSize,
    {
      "SST's default timeout": set("SubmitFunction", "timeout", 20),
      "SST's default memory": set("CallbackFunction", "memorySize", 1024),
      missing: drop("SweepFunction"),
    },
  ],
  "environments hold no secret": [
    fn.environmentsHoldNoSecret,
    {
      "a key": set("ApiFunction", "environment.variables.SST_RESOURCE_ApiKey", JSON.stringify(SECRETS.ApiKey)),
      "a key in a known place": set("SubmitFunction", "environment.variables.SST_RESOURCE_App", `{${SECRETS.HookKey}}`),
      "anything new": set("SweepFunction", "environment.variables.TOKEN", "x"),
    },
  ],
  "functions are given their links": [
    fn.functionsAreGivenTheirLinks,
    {
      "vendors' keys in the receiver": link("Callback", (links) => [...links, "Providers"]),
      "no queue": link("Sweep", (links) => links.filter((name) => name !== "SubmitQueue")),
    },
  ],
  "doors are two": [
    fn.doorsAreTwo,
    {
      "one door": drop("CallbackUrl"),
      "a third": (infra) => {
        infra.resources.push({ ...structuredClone(find(infra, "ApiUrl")), name: "SubmitUrl" });
      },
      signed: set("CallbackUrl", "authorizationType", "AWS_IAM"),
      "for browsers": set("ApiUrl", "cors", { allowOrigins: ["*"] }),
    },
  ],
  "callbacks have their share": [
    fn.callbacksHaveTheirShare,
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
    alarm.alarmsWatchWhatThereIs,
    {
      "another queue": set("DeadLettersLeft", "dimensions.QueueName", "SubmitDeadLetters"),
      "another dimension": set("ApiErrors", "dimensions", { Function: "api" }),
      nothing: set("ApiErrors", "dimensions", {}),
      "no action": set("SweepSilent", "alarmActions", []),
      "no topic": drop("AlarmTopic"),
    },
  ],
  "every fault has its alarm": [
    alarm.everyFaultHasItsAlarm,
    {
      "dead letters": drop("DeadLettersLeft"),
      buried: drop("DeadLettersBuried"),
      "queue age": drop("SubmitQueueLate"),
      throttling: drop("CallbackThrottled"),
      "a function's errors": drop("SubmitErrors"),
      "silence taken for health": set("SweepSilent", "treatMissingData", "notBreaching"),
      "the wrong way round": set("DeadLettersLeft", "comparisonOperator", "LessThanThreshold"),
    },
  ],
};

let production: Infra;
let trial: Infra;

beforeAll(async () => {
  [production, trial] = await Promise.all([evaluated("production"), evaluated("trial")]);
});

describe.each(Object.entries(RULES))("%s", (_name, [rule, breaks]) => {
  test("in production", () => expect(rule(production)).toEqual([]));
  test("in a trial stage", () => expect(rule(trial)).toEqual([]));
  test.each(Object.entries(breaks))("finds: %s", (_what, breakIt) => {
    const broken = structuredClone(production);
    breakIt(broken);
    expect(rule(broken)).not.toEqual([]);
  });
});

test("no rule is left out", () => {
  const modules = [alarm, bucket, fn, queue, role, sweep, table];
  const exported = modules.flatMap((module): unknown[] => Object.values(module));
  expect(new Set(Object.values(RULES).map(([rule]) => rule))).toEqual(new Set(exported));
});
