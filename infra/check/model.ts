/** Types of the output of evaluate.mjs, as far as the rules use it. */

interface QueueInputs {
  name: string;
  visibilityTimeoutSeconds: number;
  messageRetentionSeconds?: number;
  redrivePolicy?: string;
}

interface MappingInputs {
  eventSourceArn: string;
  functionName: string;
  batchSize: number;
  maximumBatchingWindowInSeconds?: number;
  functionResponseTypes?: string[];
  scalingConfig?: { maximumConcurrency: number };
}

interface FunctionInputs {
  name: string;
  role: string;
  runtime: string;
  timeout: number;
  memorySize: number;
  architectures: string[];
  environment: { variables: Record<string, string> };
  loggingConfig?: { logFormat: string; logGroup: string; systemLogLevel?: string };
  ephemeralStorage?: { size: number };
  reservedConcurrentExecutions?: number;
  vpcConfig?: unknown;
}

interface TableInputs {
  name: string;
  hashKey: string;
  rangeKey?: string;
  billingMode: string;
  attributes: { name: string; type: string }[];
  globalSecondaryIndexes: {
    name: string;
    hashKey: string;
    rangeKey?: string;
    projectionType: string;
    warmThroughput?: { writeUnitsPerSecond?: number };
  }[];
  pointInTimeRecovery?: { enabled: boolean };
  deletionProtectionEnabled?: boolean;
  warmThroughput?: { readUnitsPerSecond?: number; writeUnitsPerSecond?: number };
  ttl?: { attributeName: string; enabled: boolean };
}

interface RoleInputs {
  name: string;
  assumeRolePolicy: string | Policy;
  inlinePolicies?: { name: string; policy: string }[];
  managedPolicyArns?: string[];
}

export interface AlarmInputs {
  name: string;
  alarmDescription?: string;
  /** Set if the alarm uses one metric, together with the next two. */
  namespace?: string;
  metricName?: string;
  dimensions?: Record<string, string>;
  /** Set if the alarm calculates with several metrics. */
  metricQueries?: {
    id: string;
    expression?: string;
    returnData?: boolean;
    metric?: { namespace: string; metricName: string; dimensions: Record<string, string>; period: number };
  }[];
  comparisonOperator: string;
  threshold: number;
  treatMissingData?: string;
  alarmActions?: string[];
}

export interface Policy {
  Statement: Statement[];
}

export interface Statement {
  Effect: string;
  Action?: string | string[];
  Resource?: string | string[];
  Principal?: string | Record<string, string | string[]>;
  Condition?: unknown;
}

interface Types {
  "aws:sqs/queue:Queue": QueueInputs;
  "aws:lambda/eventSourceMapping:EventSourceMapping": MappingInputs;
  "aws:lambda/function:Function": FunctionInputs;
  "aws:lambda/functionRecursionConfig:FunctionRecursionConfig": { functionName: string; recursiveLoop: string };
  "aws:lambda/functionUrl:FunctionUrl": {
    functionName: string;
    authorizationType: string;
    invokeMode?: string;
    cors?: unknown;
  };
  "aws:lambda/permission:Permission": {
    action: string;
    function: string;
    principal: string;
    functionUrlAuthType?: string;
    invokedViaFunctionUrl?: boolean;
  };
  "aws:dynamodb/table:Table": TableInputs;
  "aws:iam/role:Role": RoleInputs;
  "aws:cloudwatch/logGroup:LogGroup": { name: string; retentionInDays: number };
  "aws:cloudwatch/metricAlarm:MetricAlarm": AlarmInputs;
  "aws:cloudwatch/dashboard:Dashboard": { dashboardName: string; dashboardBody: string };
  "aws:cloudwatch/eventBus:EventBus": { name: string };
  "aws:budgets/budget:Budget": {
    name: string;
    limitAmount: string;
    timeUnit: string;
    notifications: { notificationType: string; threshold: number; subscriberEmailAddresses: string[] }[];
  };
  "aws:sns/topic:Topic": { name: string };
  "aws:s3/bucket:Bucket": { bucket: string };
  "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": {
    bucket: string;
    corsRules: { allowedMethods: string[]; allowedOrigins: string[] }[];
  };
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {
    bucket: string;
    blockPublicAcls: boolean;
    blockPublicPolicy: boolean;
    ignorePublicAcls: boolean;
    restrictPublicBuckets: boolean;
  };
  "aws:s3/bucketObjectv2:BucketObjectv2": { key: string; contentType: string; cacheControl: string; content?: string };
  "aws:cloudfront/distribution:Distribution": {
    aliases: string[];
    defaultRootObject?: string;
    origins: { domainName: string; originAccessControlId?: string }[];
    defaultCacheBehavior: {
      viewerProtocolPolicy: string;
      allowedMethods: string[];
      responseHeadersPolicyId?: string;
      cachePolicyId?: string;
      originRequestPolicyId?: string;
    };
    webAclId?: string;
    viewerCertificate: { acmCertificateArn?: string; minimumProtocolVersion?: string };
  };
  "aws:cloudfront/cachePolicy:CachePolicy": {
    minTtl: number;
    defaultTtl: number;
    maxTtl: number;
    parametersInCacheKeyAndForwardedToOrigin: Record<string, unknown>;
  };
  "aws:route53/record:Record": { name: string; type: string };
  "aws:wafv2/webAcl:WebAcl": {
    scope: string;
    rules: { name: string; statement: { rateBasedStatement?: { limit: number; aggregateKeyType: string } } }[];
  };
  "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": {
    name: string;
    securityHeadersConfig: {
      contentSecurityPolicy?: { contentSecurityPolicy: string };
      contentTypeOptions?: { override: boolean };
      frameOptions?: { frameOption: string };
      referrerPolicy?: { referrerPolicy: string };
      strictTransportSecurity?: { accessControlMaxAgeSec: number };
    };
    customHeadersConfig: { items: { header: string; value: string }[] };
  };
  "aws:s3/bucketPolicy:BucketPolicy": { bucket: string; policy: string };
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": {
    bucket: string;
    rules: {
      status: string;
      filter?: { prefix?: string };
      expiration?: { days?: number };
      abortIncompleteMultipartUpload?: { daysAfterInitiation: number };
    }[];
  };
  "aws:scheduler/schedule:Schedule": {
    name: string;
    scheduleExpression: string;
    state: string;
    target: { arn: string; roleArn: string };
  };
}

export interface Resource<Inputs> {
  type: string;
  name: string;
  arn?: string;
  parent?: string;
  protect: boolean;
  retainOnDelete: boolean;
  /** Inputs whose changes a deployment leaves out. */
  ignoreChanges: string[];
  inputs: Inputs;
}

export interface Build {
  name: string;
  handler: string;
  links: string[];
  /** Size of the bundle. This field and all below are set after a build. "Eager" is what a cold start reads. */
  bytes?: number;
  eagerBytes?: number;
  packages?: Record<string, number>;
  eagerPackages?: Record<string, number>;
  /** Imported packages that are neither in the bundle nor Node's own. */
  missing?: string[];
  external?: string[];
  /** npm packages that are installed next to the bundle. */
  install?: string[];
  /** Names of SST links that the text of the bundle mentions, so the function probably reads them. */
  reads?: string[];
  /** Metrics that the code counts. */
  counts?: string[];
  loadMs?: number;
  /** Outcome of one event that needs no AWS; see wake.mjs. */
  outcome?: unknown;
}

export interface Infra {
  app: string;
  stage: string;
  links: Record<string, Record<string, string>>;
  builds: Build[];
  resources: Resource<unknown>[];
}

/** A rule returns one line for each violation, and an empty list if there is none. */
export type Rule = (infra: Infra) => string[];

export function all<T extends keyof Types>({ resources }: Infra, type: T): Resource<Types[T]>[] {
  return resources.filter((resource): resource is Resource<Types[T]> => resource.type === type);
}

/** @throws Error if no such resource exists, because a rule would then always pass */
export function some<T extends keyof Types>(infra: Infra, type: T): Resource<Types[T]>[] {
  const found = all(infra, type);
  if (found.length === 0) throw new Error(`No ${type} was registered`);
  return found;
}

/** The function resource of the component with this name. */
export function functionOf(infra: Infra, name: string): Resource<FunctionInputs> | undefined {
  return all(infra, "aws:lambda/function:Function").find((fn) => fn.name === `${name}Function`);
}

/** The function URL of this function; undefined if it has none. */
export function functionUrlOf(infra: Infra, name: string) {
  return all(infra, "aws:lambda/functionUrl:FunctionUrl").find((url) => url.name === `${name}Url`);
}

export function list<T>(value: T | T[] | undefined): T[] {
  return value === undefined ? [] : ([value].flat() as T[]);
}

export function isProduction(infra: Infra): boolean {
  return infra.stage === "production";
}
