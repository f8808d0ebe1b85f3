/**
 * Creates the evaluated resources of a stage on an AWS-compatible server, and removes them, in Pulumi's order and with its
 * options. Pulumi itself and its AWS provider are not npm packages, so this file maps their inputs to calls of AWS.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Infra, Resource } from "../../infra/check/model.ts";
import type { Aws } from "./aws.ts";

// biome-ignore lint/suspicious/noExplicitAny: inputs of Pulumi, of which each entry reads single fields
type Inputs = any;

interface Kind {
  /** @param folder folder of the evaluation, with the files of objects */
  create(aws: Aws, inputs: Inputs, folder: string): Promise<unknown>;
  remove(aws: Aws, inputs: Inputs): Promise<unknown>;
  /** Names of all resources of this kind. */
  list(aws: Aws): Promise<string[]>;
}

const IAM = "2010-05-08";
const SNS = "2010-03-31";
const MAPPINGS = "/2015-03-31/event-source-mappings/";

const texts = (xml: string, tag: string) =>
  [...xml.matchAll(new RegExp(`<${tag}>([^<]*)</${tag}>`, "g"))].map((m) => m[1]!);
const names = (found: unknown, field: string) => ((found ?? []) as Record<string, string>[]).map((one) => one[field]!);

function tableOf(inputs: Inputs): object {
  const key = (hash: string, range?: string) => [
    { AttributeName: hash, KeyType: "HASH" },
    ...(range ? [{ AttributeName: range, KeyType: "RANGE" }] : []),
  ];
  return {
    TableName: inputs.name,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: inputs.attributes.map(({ name, type }: Inputs) => ({
      AttributeName: name,
      AttributeType: type,
    })),
    KeySchema: key(inputs.hashKey, inputs.rangeKey),
    GlobalSecondaryIndexes: inputs.globalSecondaryIndexes.map(
      ({ name, hashKey, rangeKey, projectionType }: Inputs) => ({
        IndexName: name,
        KeySchema: key(hashKey, rangeKey),
        Projection: { ProjectionType: projectionType },
      }),
    ),
    DeletionProtectionEnabled: inputs.deletionProtectionEnabled ?? false,
  };
}

async function queueUrl(aws: Aws, QueueName: string): Promise<string> {
  const { QueueUrl } = await aws.json("sqs", "AmazonSQS.GetQueueUrl", { QueueName });
  return QueueUrl as string;
}

const target = (service: string) => (operation: string) => `${service}.${operation}`;
const dynamo = target("DynamoDB_20120810");
const logs = target("Logs_20140328");
const watch = target("GraniteServiceVersion20100801");

const upper = (name: string) => name[0]!.toUpperCase() + name.slice(1);
const key = ({ bucket, key: name }: Inputs) => `/${bucket}/${name.split("/").map(encodeURIComponent).join("/")}`;

const KINDS: Record<string, Kind> = {
  "aws:dynamodb/table:Table": {
    create: (aws, inputs) => aws.json("dynamodb", dynamo("CreateTable"), tableOf(inputs)),
    remove: (aws, { name }) => aws.json("dynamodb", dynamo("DeleteTable"), { TableName: name }),
    list: async (aws) => (await aws.json("dynamodb", dynamo("ListTables"), {}))["TableNames"] as string[],
  },
  "aws:sqs/queue:Queue": {
    create: (aws, inputs) =>
      aws.json("sqs", "AmazonSQS.CreateQueue", {
        QueueName: inputs.name,
        Attributes: {
          VisibilityTimeout: String(inputs.visibilityTimeoutSeconds),
          ...(inputs.messageRetentionSeconds && { MessageRetentionPeriod: String(inputs.messageRetentionSeconds) }),
          ...(inputs.redrivePolicy && { RedrivePolicy: inputs.redrivePolicy }),
        },
      }),
    remove: async (aws, { name }) => aws.json("sqs", "AmazonSQS.DeleteQueue", { QueueUrl: await queueUrl(aws, name) }),
    list: async (aws) => ((await aws.json("sqs", "AmazonSQS.ListQueues", {}))["QueueUrls"] ?? []) as string[],
  },
  "aws:s3/bucket:Bucket": {
    create: (aws, { bucket }) =>
      aws.rest(
        "s3",
        "PUT",
        `/${bucket}`,
        "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>",
      ),
    async remove(aws, { bucket, forceDestroy }) {
      // AWS deletes only an empty bucket. The provider empties it first if the program says so.
      const objects = forceDestroy ? texts(await aws.rest("s3", "GET", `/${bucket}?list-type=2`), "Key") : [];
      for (const name of objects) await aws.rest("s3", "DELETE", key({ bucket, key: name }));
      return aws.rest("s3", "DELETE", `/${bucket}`);
    },
    list: async (aws) => texts(await aws.rest("s3", "GET", "/"), "Name"),
  },
  "aws:s3/bucketObjectv2:BucketObjectv2": {
    create: (aws, { content, source, ...object }, folder) =>
      aws.rest("s3", "PUT", key(object), content ?? readFileSync(path.join(folder, source.file))),
    remove: (aws, inputs) => aws.rest("s3", "DELETE", key(inputs)),
    // Objects are found with their bucket.
    list: async () => [],
  },
  "aws:cloudwatch/eventBus:EventBus": {
    create: (aws, { name }) => aws.json("events", "AWSEvents.CreateEventBus", { Name: name }),
    remove: (aws, { name }) => aws.json("events", "AWSEvents.DeleteEventBus", { Name: name }),
    list: async (aws) =>
      names((await aws.json("events", "AWSEvents.ListEventBuses", {}))["EventBuses"], "Name").filter(
        (name) => name !== "default",
      ),
  },
  "aws:cloudwatch/logGroup:LogGroup": {
    async create(aws, { name, retentionInDays }) {
      await aws.json("logs", logs("CreateLogGroup"), { logGroupName: name });
      await aws.json("logs", logs("PutRetentionPolicy"), { logGroupName: name, retentionInDays });
    },
    remove: (aws, { name }) => aws.json("logs", logs("DeleteLogGroup"), { logGroupName: name }),
    list: async (aws) => names((await aws.json("logs", logs("DescribeLogGroups"), {}))["logGroups"], "logGroupName"),
  },
  "aws:cloudwatch/metricAlarm:MetricAlarm": {
    create: (aws, { name, dimensions, metricQueries, ...inputs }) =>
      aws.json("monitoring", watch("PutMetricAlarm"), {
        AlarmName: name,
        ...Object.fromEntries(Object.entries(inputs).map(([field, value]) => [upper(field), value])),
        ...(dimensions && { Dimensions: dimensionsOf(dimensions) }),
        ...(metricQueries && { Metrics: metricQueries.map(queryOf) }),
      }),
    remove: (aws, { name }) => aws.json("monitoring", watch("DeleteAlarms"), { AlarmNames: [name] }),
    list: async (aws) =>
      names((await aws.json("monitoring", watch("DescribeAlarms"), {}))["MetricAlarms"], "AlarmName"),
  },
  "aws:cloudwatch/dashboard:Dashboard": {
    create: (aws, { dashboardName, dashboardBody }) =>
      aws.json("monitoring", watch("PutDashboard"), { DashboardName: dashboardName, DashboardBody: dashboardBody }),
    remove: (aws, { dashboardName }) =>
      aws.json("monitoring", watch("DeleteDashboards"), { DashboardNames: [dashboardName] }),
    list: async (aws) =>
      names((await aws.json("monitoring", watch("ListDashboards"), {}))["DashboardEntries"], "DashboardName"),
  },
  "aws:sns/topic:Topic": {
    create: (aws, { name }) => aws.query("sns", SNS, { Action: "CreateTopic", Name: name }),
    remove: (aws, { name }) =>
      aws.query("sns", SNS, { Action: "DeleteTopic", TopicArn: `arn:aws:sns:eu-west-1:123456789012:${name}` }),
    list: async (aws) => texts(await aws.query("sns", SNS, { Action: "ListTopics" }), "TopicArn"),
  },
  "aws:iam/role:Role": {
    async create(aws, { name, assumeRolePolicy, inlinePolicies = [], managedPolicyArns = [] }) {
      const trust = typeof assumeRolePolicy === "string" ? assumeRolePolicy : JSON.stringify(assumeRolePolicy);
      await aws.query("iam", IAM, { Action: "CreateRole", RoleName: name, AssumeRolePolicyDocument: trust });
      for (const inline of inlinePolicies as { name: string; policy: string }[]) {
        const document = { PolicyName: inline.name, PolicyDocument: inline.policy };
        await aws.query("iam", IAM, { Action: "PutRolePolicy", RoleName: name, ...document });
      }
      for (const PolicyArn of managedPolicyArns as string[])
        await aws.query("iam", IAM, { Action: "AttachRolePolicy", RoleName: name, PolicyArn });
    },
    async remove(aws, { name, inlinePolicies = [], managedPolicyArns = [] }) {
      for (const PolicyArn of managedPolicyArns as string[])
        await aws.query("iam", IAM, { Action: "DetachRolePolicy", RoleName: name, PolicyArn });
      for (const inline of inlinePolicies as { name: string }[])
        await aws.query("iam", IAM, { Action: "DeleteRolePolicy", RoleName: name, PolicyName: inline.name });
      await aws.query("iam", IAM, { Action: "DeleteRole", RoleName: name });
    },
    list: async (aws) => texts(await aws.query("iam", IAM, { Action: "ListRoles" }), "RoleName"),
  },
  "aws:lambda/function:Function": {
    create: (aws, inputs) =>
      aws.rest("lambda", "POST", "/2015-03-31/functions", {
        FunctionName: inputs.name,
        Role: inputs.role,
        Runtime: inputs.runtime,
        Handler: inputs.handler,
        Timeout: inputs.timeout,
        MemorySize: inputs.memorySize,
        Architectures: inputs.architectures,
        Environment: { Variables: inputs.environment.variables },
        Code: { S3Bucket: inputs.s3Bucket, S3Key: inputs.s3Key },
      }),
    remove: (aws, { name }) => aws.rest("lambda", "DELETE", `/2015-03-31/functions/${name}`),
    list: async (aws) =>
      names(JSON.parse(await aws.rest("lambda", "GET", "/2015-03-31/functions/")).Functions, "FunctionName"),
  },
  "aws:lambda/eventSourceMapping:EventSourceMapping": {
    create: (aws, inputs) =>
      aws.rest("lambda", "POST", MAPPINGS, {
        EventSourceArn: inputs.eventSourceArn,
        FunctionName: inputs.functionName,
        BatchSize: inputs.batchSize,
        // moto would take the messages itself. `stage.ts` runs the mapping.
        Enabled: false,
      }),
    async remove(aws, { functionName, eventSourceArn }) {
      const all = JSON.parse(await aws.rest("lambda", "GET", MAPPINGS)).EventSourceMappings as Inputs[];
      const name = functionName.split(":").at(-1);
      const own = all.find((one) => one.EventSourceArn === eventSourceArn && one.FunctionArn.includes(name));
      return aws.rest("lambda", "DELETE", MAPPINGS + own.UUID);
    },
    list: async (aws) => names(JSON.parse(await aws.rest("lambda", "GET", MAPPINGS)).EventSourceMappings, "UUID"),
  },
  "aws:scheduler/schedule:Schedule": {
    create: (aws, inputs) =>
      aws.rest("scheduler", "POST", `/schedules/${inputs.name}`, {
        FlexibleTimeWindow: { Mode: inputs.flexibleTimeWindow.mode },
        ScheduleExpression: inputs.scheduleExpression,
        State: inputs.state,
        Target: { Arn: inputs.target.arn, RoleArn: inputs.target.roleArn, Input: inputs.target.input },
      }),
    remove: (aws, { name }) => aws.rest("scheduler", "DELETE", `/schedules/${name}`),
    list: async (aws) => names(JSON.parse(await aws.rest("scheduler", "GET", "/schedules")).Schedules, "Name"),
  },
};

/** Settings of another resource. AWS deletes them with it. */
const PARTS: ReadonlySet<string> = new Set([
  "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
  "aws:lambda/functionRecursionConfig:FunctionRecursionConfig",
  "aws:lambda/functionUrl:FunctionUrl",
  "aws:lambda/permission:Permission",
  "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
  "aws:s3/bucketPolicy:BucketPolicy",
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
]);

/** CloudFront: moto has no complete one. `console-site.ts` serves the console with the evaluated inputs. */
const isCloudfront = (type: string) => type.startsWith("aws:cloudfront/");

const dimensionsOf = (given: Record<string, string>) => Object.entries(given).map(([Name, Value]) => ({ Name, Value }));

function queryOf({ id, label, expression, returnData, metric }: Inputs): object {
  return {
    Id: id,
    ...(label && { Label: label }),
    ...(expression && { Expression: expression }),
    ReturnData: returnData ?? false,
    ...(metric && {
      MetricStat: {
        Metric: {
          Namespace: metric.namespace,
          MetricName: metric.metricName,
          Dimensions: dimensionsOf(metric.dimensions ?? {}),
        },
        Period: metric.period,
        Stat: metric.stat,
      },
    }),
  };
}

/** Dead-letter queues come before the queues that name them, and objects and roles before their functions. */
const ORDER = [
  "aws:s3/bucket:Bucket",
  "aws:s3/bucketObjectv2:BucketObjectv2",
  "aws:iam/role:Role",
  "aws:sqs/queue:Queue",
];

function inOrder({ resources }: Infra): Resource<Inputs>[] {
  const rank = ({ type, inputs }: Resource<Inputs>) => {
    const position = ORDER.indexOf(type);
    return position < 0
      ? ORDER.length + Number(type.includes("eventSourceMapping"))
      : position + (inputs.redrivePolicy ? 0.5 : 0);
  };
  return (resources as Resource<Inputs>[]).filter(({ type }) => KINDS[type]).toSorted((a, b) => rank(a) - rank(b));
}

/**
 * Creates the resources of a stage.
 *
 * @throws Error for a type that this file does not know, so that none is left out of the check of a removal
 */
export async function createResources(aws: Aws, infra: Infra, folder: string): Promise<void> {
  const unknown = infra.resources.filter(
    ({ type }) => type.startsWith("aws:") && !KINDS[type] && !PARTS.has(type) && !isCloudfront(type),
  );
  if (unknown.length > 0)
    throw new Error(`test/rehearsal/resource.ts does not know ${unknown.map(({ type }) => type)}`);
  for (const { type, inputs } of inOrder(infra)) await KINDS[type]!.create(aws, inputs, folder);
}

/** Removes the resources as `sst remove` does: in reverse order, and without those that the program retains. */
export async function removeResources(aws: Aws, infra: Infra): Promise<void> {
  const removed = inOrder(infra).filter(({ retainOnDelete }) => !retainOnDelete);
  for (const { type, inputs } of removed.toReversed()) await KINDS[type]!.remove(aws, inputs);
}

/** Lists what exists, by kind: "aws:s3/bucket:Bucket sst-asset". */
export async function existing(aws: Aws): Promise<string[]> {
  const found: string[] = [];
  for (const [type, kind] of Object.entries(KINDS))
    found.push(...(await kind.list(aws)).map((name) => `${type} ${name}`));
  const { Parameters } = await aws.json("ssm", "AmazonSSM.DescribeParameters", {});
  found.push(...names(Parameters, "Name").map((name) => `aws:ssm/parameter:Parameter ${name}`));
  return found;
}

/** What the first command of SST makes in an account, and with a stage. */
export async function bootstrap(aws: Aws, { app, stage }: Infra): Promise<void> {
  for (const bucket of ["sst-asset", "sst-state"]) await KINDS["aws:s3/bucket:Bucket"]!.create(aws, { bucket }, "");
  for (const Name of ["/sst/bootstrap", `/sst/passphrase/${app}/${stage}`])
    await aws.json("ssm", "AmazonSSM.PutParameter", { Name, Value: "a value", Type: "String" });
}

/**
 * Returns what a removal left behind and the guide does not name.
 *
 * @param guide text of docs/deploy.md. Its section about the removal of a trial stage names in backticks what remains; "-…" is
 * any end of a name.
 */
export function unnamed(left: readonly string[], guide: string): string[] {
  const section = /\*\*A trial stage\.\*\*[\s\S]*?\*\*Production\.\*\*/.exec(guide)?.[0] ?? "";
  const named = [...section.matchAll(/`([^`\n]+)`/g)].map(([, name]) => name!);
  const isNamed = (name: string) =>
    named.some((one) => one === name || (one.endsWith("-…") && `${name}-`.startsWith(one.slice(0, -1))));
  return left.filter((one) => !isNamed(one.split(" ")[1]!));
}
