/** Compares the policies of the deployer, infra/deployer-policy*.json, with the resources that a deployment makes. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { EVERYTHING, evaluated } from "./evaluated.ts";
import { list, type Policy } from "./model.ts";

const read = (name: string) =>
  (JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), "utf8")) as Policy).Statement;
const POLICY = read("deployer-policy.json");
const HOST_NAMES = read("deployer-policy-host-names.json");

/** Calls of AWS that create, read and remove each type of resource. */
const CALLS: Record<string, string[]> = {
  "aws:acm/certificate:Certificate": ["acm:RequestCertificate", "acm:DescribeCertificate", "acm:DeleteCertificate"],
  "aws:acm/certificateValidation:CertificateValidation": ["acm:DescribeCertificate"],
  "aws:budgets/budget:Budget": ["budgets:ModifyBudget", "budgets:ViewBudget"],
  "aws:cloudfront/cachePolicy:CachePolicy": ["cloudfront:CreateCachePolicy", "cloudfront:DeleteCachePolicy"],
  "aws:cloudfront/distribution:Distribution": [
    "cloudfront:CreateDistributionWithTags",
    "cloudfront:GetDistribution",
    "cloudfront:DeleteDistribution",
  ],
  "aws:cloudfront/function:Function": [
    "cloudfront:CreateFunction",
    "cloudfront:DescribeFunction",
    "cloudfront:PublishFunction",
  ],
  "aws:cloudfront/keyValueStore:KeyValueStore": [
    "cloudfront:CreateKeyValueStore",
    "cloudfront:DescribeKeyValueStore",
    "cloudfront-keyvaluestore:UpdateKeys",
  ],
  "aws:cloudfront/originAccessControl:OriginAccessControl": ["cloudfront:CreateOriginAccessControl"],
  "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": ["cloudfront:CreateResponseHeadersPolicy"],
  "aws:cloudwatch/dashboard:Dashboard": ["cloudwatch:PutDashboard", "cloudwatch:DeleteDashboards"],
  "aws:cloudwatch/eventBus:EventBus": ["events:CreateEventBus", "events:DescribeEventBus", "events:DeleteEventBus"],
  "aws:cloudwatch/logGroup:LogGroup": [
    "logs:CreateLogGroup",
    "logs:PutRetentionPolicy",
    "logs:DescribeLogGroups",
    "logs:DeleteLogGroup",
  ],
  "aws:cloudwatch/metricAlarm:MetricAlarm": [
    "cloudwatch:PutMetricAlarm",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:DeleteAlarms",
  ],
  "aws:dynamodb/table:Table": [
    "dynamodb:CreateTable",
    "dynamodb:DescribeTable",
    "dynamodb:UpdateTimeToLive",
    "dynamodb:UpdateContinuousBackups",
    "dynamodb:DeleteTable",
  ],
  "aws:iam/role:Role": ["iam:CreateRole", "iam:GetRole", "iam:PutRolePolicy", "iam:PassRole", "iam:DeleteRole"],
  "aws:lambda/eventSourceMapping:EventSourceMapping": [
    "lambda:CreateEventSourceMapping",
    "lambda:GetEventSourceMapping",
    "lambda:DeleteEventSourceMapping",
  ],
  "aws:lambda/function:Function": [
    "lambda:CreateFunction",
    "lambda:GetFunction",
    "lambda:PutFunctionConcurrency",
    "lambda:DeleteFunction",
  ],
  "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": ["lambda:PutFunctionEventInvokeConfig"],
  "aws:lambda/functionRecursionConfig:FunctionRecursionConfig": [
    "lambda:PutFunctionRecursionConfig",
    "lambda:GetFunctionRecursionConfig",
  ],
  "aws:lambda/functionUrl:FunctionUrl": ["lambda:CreateFunctionUrlConfig", "lambda:DeleteFunctionUrlConfig"],
  "aws:lambda/permission:Permission": ["lambda:AddPermission", "lambda:GetPolicy", "lambda:RemovePermission"],
  "aws:route53/record:Record": ["route53:ChangeResourceRecordSets", "route53:GetChange"],
  "aws:s3/bucket:Bucket": ["s3:CreateBucket", "s3:ListBucket", "s3:DeleteBucket"],
  "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": ["s3:PutBucketCORS"],
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": ["s3:PutLifecycleConfiguration"],
  "aws:s3/bucketObjectv2:BucketObjectv2": ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"],
  "aws:s3/bucketPolicy:BucketPolicy": ["s3:PutBucketPolicy", "s3:DeleteBucketPolicy"],
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ["s3:PutBucketPublicAccessBlock"],
  "aws:scheduler/schedule:Schedule": ["scheduler:CreateSchedule", "scheduler:GetSchedule", "scheduler:DeleteSchedule"],
  "aws:sns/topic:Topic": ["sns:CreateTopic", "sns:GetTopicAttributes", "sns:DeleteTopic"],
  "aws:sns/topicSubscription:TopicSubscription": ["sns:Subscribe", "sns:Unsubscribe"],
  "aws:sqs/queue:Queue": ["sqs:CreateQueue", "sqs:GetQueueAttributes", "sqs:DeleteQueue"],
  "aws:wafv2/webAcl:WebAcl": ["wafv2:CreateWebACL", "wafv2:GetWebACL", "wafv2:DeleteWebACL"],
};

const matches = (pattern: string, text: string) =>
  new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`).test(text);

/** @param arn unset: only the action is compared, because the check knows no ARN for this type */
function allows(policy: typeof POLICY, action: string, arn: string | undefined): boolean {
  return policy.some(
    (statement) =>
      list(statement.Action).some((pattern) => matches(pattern, action)) &&
      (arn === undefined || list(statement.Resource).some((pattern) => matches(pattern, arn))),
  );
}

test.each([
  ["a trial stage", "trial", {}, POLICY],
  [
    "production with all settings and the second policy",
    "production",
    { ...EVERYTHING, MJFLOW_DOMAIN_CERTIFICATE: "" },
    [...POLICY, ...HOST_NAMES],
  ],
])("the deployer's policy allows to create and remove every resource of %s", async (_, stage, env, policy) => {
  const { resources } = await evaluated(stage, { env });
  const made = resources.filter(({ type }) => type.startsWith("aws:"));
  expect(made.filter(({ type }) => !CALLS[type]).map(({ type }) => type)).toEqual([]);
  const denied = made.flatMap(({ type, name, arn }) =>
    CALLS[type]!.filter((action) => !allows(policy, action, arn)).map((action) => `${action} on ${arn ?? name}`),
  );
  expect(denied).toEqual([]);
});

test.each([
  ["dynamodb:DeleteTable", "arn:aws:dynamodb:eu-west-1:1:table/orders"],
  ["iam:PutRolePolicy", "arn:aws:iam::1:role/admin"],
  ["lambda:UpdateFunctionCode", "arn:aws:lambda:eu-west-1:1:function:billing"],
  ["s3:GetObject", "arn:aws:s3:::customers/list.csv"],
  ["iam:CreateUser", "arn:aws:iam::1:user/x"],
  ["iam:PassRole", "arn:aws:iam::1:role/admin"],
])("the deployer may not %s outside of mjflow", (action, arn) => {
  expect(allows([...POLICY, ...HOST_NAMES], action, arn)).toBe(false);
});

test("a missing action and a missing name are noticed", () => {
  const without = POLICY.map((statement) => ({
    ...statement,
    Action: list(statement.Action).filter((action) => action !== "sqs:CreateQueue"),
  }));
  const queue = "arn:aws:sqs:eu-west-1:1:mjflow-trial-SubmitQueue";
  expect([allows(POLICY, "sqs:CreateQueue", queue), allows(without, "sqs:CreateQueue", queue)]).toEqual([true, false]);
  expect(allows(POLICY, "sqs:CreateQueue", "arn:aws:sqs:eu-west-1:1:other")).toBe(false);
});
