/** Mocks AWS's responses, as far as SST's components read them. */
import { createHash } from "node:crypto";

const ACCOUNT = "123456789012";

/** Key with which Pulumi marks a secret value in serialised properties. */
const SECRET_KEY = "4dabf18193072939515e22adb298388d";

/** Removes Pulumi's secret marks from a value. */
export function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  if (SECRET_KEY in value && "value" in value) return plain(value.value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/**
 * @param lambdaQuota concurrent executions of the account; 0: the deployer may not read the quota
 * @param stages stages of the app that the account has
 */
export function createMocks({ region, lambdaQuota, stages }) {
  const arns = new Map();
  const short = (text) => createHash("sha256").update(text).digest("hex").slice(0, 12);
  const regional = (service, rest) => `arn:aws:${service}:${region}:${ACCOUNT}:${rest}`;

  const arnByType = {
    "aws:sqs/queue:Queue": (name) => regional("sqs", name),
    "aws:dynamodb/table:Table": (name) => regional("dynamodb", `table/${name}`),
    "aws:lambda/function:Function": (name) => regional("lambda", `function:${name}`),
    "aws:wafv2/webAcl:WebAcl": (name) => `arn:aws:wafv2:us-east-1:${ACCOUNT}:global/webacl/${name}/1`,
    "aws:iam/role:Role": (name) => `arn:aws:iam::${ACCOUNT}:role/${name}`,
    "aws:s3/bucket:Bucket": (name) => `arn:aws:s3:::${name}`,
    "aws:sns/topic:Topic": (name) => regional("sns", name),
    "aws:cloudwatch/logGroup:LogGroup": (name) => regional("logs", `log-group:${name}`),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (name) => regional("cloudwatch", `alarm:${name}`),
    "aws:cloudwatch/eventBus:EventBus": (name) => regional("events", `event-bus/${name}`),
    "aws:scheduler/schedule:Schedule": (name) => regional("scheduler", `schedule/default/${name}`),
  };
  const stateByType = {
    "aws:sqs/queue:Queue": (name) => ({ url: `https://sqs.${region}.amazonaws.com/${ACCOUNT}/${name}` }),
    "aws:lambda/function:Function": () => ({ version: "1", lastModified: "2026-01-01T00:00:00Z" }),
    "aws:lambda/functionUrl:FunctionUrl": (name) => ({
      functionUrl: `https://${short(name)}.lambda-url.${region}.on.aws/`,
    }),
    "aws:s3/bucket:Bucket": (name) => ({ bucketRegionalDomainName: `${name}.s3.${region}.amazonaws.com` }),
    "aws:cloudfront/distribution:Distribution": () => ({ domainName: "d1.cloudfront.net" }),
    "aws:acm/certificate:Certificate": (_, { domainName, subjectAlternativeNames = [] }) => ({
      domainValidationOptions: [domainName, ...subjectAlternativeNames].map((host) => ({
        domainName: host,
        resourceRecordName: `_proof.${host}`,
        resourceRecordType: "CNAME",
        resourceRecordValue: "_proof.acm-validations.aws",
      })),
    }),
    "random:index/randomBytes:RandomBytes": () => ({ base64: Buffer.alloc(32, 7).toString("base64") }),
  };

  return {
    arnOf: (type, name) => arns.get(`${type}::${name}`),
    newResource({ type, name, inputs, id }) {
      const { name: own, bucket } = plain(inputs);
      const physical = own ?? (type === "aws:s3/bucket:Bucket" ? bucket : undefined) ?? (id || name);
      const arn = arnByType[type]?.(physical);
      if (arn) arns.set(`${type}::${name}`, arn);
      return {
        id: id || physical,
        state: { ...inputs, name: physical, ...(arn && { arn }), ...stateByType[type]?.(physical, plain(inputs)) },
      };
    },
    call({ token, inputs }) {
      switch (token) {
        case "aws:index/getRegion:getRegion":
          return { region, name: region };
        case "aws:index/getPartition:getPartition":
          return { partition: "aws" };
        case "aws:index/getCallerIdentity:getCallerIdentity":
          return { accountId: ACCOUNT };
        case "aws:servicequotas/getServiceQuota:getServiceQuota":
          if (lambdaQuota === 0) throw new Error("AccessDeniedException: not authorized");
          return { value: lambdaQuota };
        case "aws:ssm/getParametersByPath:getParametersByPath":
          return { names: stages.map((stage) => `${inputs.path}/${stage}`) };
        case "aws:iam/getPolicyDocument:getPolicyDocument":
          return { ...inputs, json: policyJson(plain(inputs.statements)) };
        default:
          throw new Error(`infra/check/mock.mjs has no response for ${token}`);
      }
    },
  };
}

function policyJson(statements = []) {
  const Statement = statements.map(({ effect = "Allow", actions, resources, principals, conditions }) => ({
    Effect: effect,
    Action: actions,
    Resource: resources,
    ...(principals && {
      Principal: Object.fromEntries(principals.map(({ type, identifiers }) => [type, identifiers])),
    }),
    ...(conditions && { Condition: conditions }),
  }));
  return JSON.stringify({ Version: "2012-10-17", Statement });
}
