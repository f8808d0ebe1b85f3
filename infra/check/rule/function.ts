import { FUNCTION_TIMEOUT_S } from "../../../packages/core/src/limit.ts";
import { all, functionOf, isProduction, type Rule, some } from "../model.ts";
import { SECRET_MARK } from "../secret.mjs";

export const functionsHaveRuntimeSettings: Rule = (infra) =>
  some(infra, "aws:lambda/function:Function").flatMap(({ name, inputs }) => [
    ...(inputs.architectures.join() === "arm64" ? [] : [`${name} runs on ${inputs.architectures}`]),
    ...(inputs.runtime === "nodejs24.x" ? [] : [`${name} runs ${inputs.runtime}`]),
    ...(inputs.vpcConfig === undefined ? [] : [`${name} is in a VPC and would need a NAT gateway to reach vendors`]),
  ]);

export const logsAreJsonAndEnd: Rule = (infra) =>
  some(infra, "aws:lambda/function:Function").flatMap(({ name, inputs: { loggingConfig } }) => {
    const group = all(infra, "aws:cloudwatch/logGroup:LogGroup").find(
      ({ inputs }) => inputs.name === loggingConfig?.logGroup,
    );
    return [
      ...(loggingConfig?.logFormat === "JSON" ? [] : [`${name} does not log JSON`]),
      ...(loggingConfig?.systemLogLevel === "WARN" || !isProduction(infra)
        ? []
        : [`${name} stores Lambda's own INFO lines, which are charged`]),
      // AWS uses 0 for "never expires".
      ...(group && group.inputs.retentionInDays > 0 ? [] : [`${name}'s log has no group of its own or never expires`]),
    ];
  });

interface Size {
  timeoutS: number;
  memoryMb: number;
  diskMb: number;
}

const SIZES: Record<string, Size> = {
  Api: { timeoutS: FUNCTION_TIMEOUT_S.api, memoryMb: 512, diskMb: 512 },
  Stream: { timeoutS: FUNCTION_TIMEOUT_S.stream, memoryMb: 256, diskMb: 512 },
  Callback: { timeoutS: FUNCTION_TIMEOUT_S.callback, memoryMb: 256, diskMb: 512 },
  Submit: { timeoutS: FUNCTION_TIMEOUT_S.submit, memoryMb: 192, diskMb: 512 },
  Deliver: { timeoutS: FUNCTION_TIMEOUT_S.deliver, memoryMb: 192, diskMb: 512 },
  Archive: { timeoutS: FUNCTION_TIMEOUT_S.archive, memoryMb: 1_536, diskMb: 1_024 },
  Sweep: { timeoutS: FUNCTION_TIMEOUT_S.sweep, memoryMb: 512, diskMb: 512 },
  Deadletter: { timeoutS: FUNCTION_TIMEOUT_S.deadletter, memoryMb: 256, diskMb: 512 },
  Reduce: { timeoutS: FUNCTION_TIMEOUT_S.reduce, memoryMb: 1_536, diskMb: 512 },
};

export const functionsHaveMemoryAndTimeout: Rule = (infra) => [
  ...Object.keys(SIZES)
    .filter((name) => !functionOf(infra, name))
    .map((name) => `The function ${name} is missing`),
  ...some(infra, "aws:lambda/function:Function").flatMap(({ name, inputs }) => {
    const size = SIZES[name.replace(/Function$/, "")];
    return [
      ...(inputs.timeout === size?.timeoutS
        ? []
        : [`${name}: timeout ${inputs.timeout} s, limit.ts has ${size?.timeoutS} s`]),
      ...(inputs.memorySize === size?.memoryMb ? [] : [`${name}: memory ${inputs.memorySize} MB`]),
      ...(inputs.ephemeralStorage?.size === size?.diskMb ? [] : [`${name}: disk ${inputs.ephemeralStorage?.size} MB`]),
    ];
  }),
];

/** SST's own variables: the key of the encrypted links in the bundle, and the file with the links. */
const SST = ["SST_KEY", "SST_KEY_FILE", "SST_RESOURCE_App"];

/** Settings of each function, as `functions/composition/` reads them. */
export const ENVIRONMENTS: Record<string, string[]> = {
  Api: [
    "MJFLOW_API_URL",
    "MJFLOW_ARCHIVE",
    "MJFLOW_BANNED_WORDS",
    "MJFLOW_BUS",
    "MJFLOW_CDN_URL",
    "MJFLOW_CONSOLE_URL",
    "MJFLOW_CORS_ORIGINS",
    "MJFLOW_DEFAULT_PROVIDER",
    "MJFLOW_DELIVERY_LOG",
    "MJFLOW_FACADE_NOTIFY_HOOK",
    "MJFLOW_MJ_PUBLIC_IMAGES",
    "MJFLOW_OUTBOUND_ALLOW",
    "MJFLOW_PROGRESS",
    "MJFLOW_RESUBMIT",
    "MJFLOW_STREAM_URL",
    "MJFLOW_TRANSLATE_MODEL",
    "MJFLOW_TRANSLATE_URL",
  ],
  Deliver: [
    "MJFLOW_API_URL",
    "MJFLOW_BUS",
    "MJFLOW_CONSOLE_URL",
    "MJFLOW_FACADE_NOTIFY_HOOK",
    "MJFLOW_OUTBOUND_ALLOW",
    "MJFLOW_WEBHOOK_FIRST_TIMEOUT_S",
  ],
  Archive: ["MJFLOW_OUTBOUND_ALLOW"],
  Submit: ["MJFLOW_CALLBACK_URL", "MJFLOW_SUBMIT_WORKERS"],
  Stream: [
    "MJFLOW_API_URL",
    "MJFLOW_CONSOLE_URL",
    "MJFLOW_CORS_ORIGINS",
    "MJFLOW_STREAMS_PER_APP",
    "MJFLOW_STREAMS_PER_DEPLOYMENT",
  ],
};
/** Variables of functions that follow from the sizes of the stage and are always set. */
export const FIXED_ENVIRONMENTS: Record<string, string[]> = {
  Stream: ["MJFLOW_STREAMS_PER_DEPLOYMENT"],
  Submit: ["MJFLOW_SUBMIT_WORKERS"],
};
export const EVERY_ENVIRONMENT = ["MJFLOW_DUE_SHARDS", "MJFLOW_FAN_OUT", "MJFLOW_LOG"];

/** Everyone who may view a function sees its environment. Therefore secrets are in links, which are encrypted. */
export const environmentsHoldNoSecret: Rule = (infra) =>
  some(infra, "aws:lambda/function:Function").flatMap(({ name, inputs }) => {
    const known = [...SST, ...EVERY_ENVIRONMENT, ...(ENVIRONMENTS[name.replace(/Function$/, "")] ?? [])];
    return Object.entries(inputs.environment.variables).flatMap(([key, value]) => [
      ...(known.includes(key) ? [] : [`${name} has ${key}, which is not in this check`]),
      ...(SECRET_MARK.test(value) ? [`${name} has ${SECRET_MARK.exec(value)} in ${key}`] : []),
    ]);
  });

/** Without the variable the API does not know that the bus is a subscriber, or Deliver does not know its name. */
export const busIsKnown: Rule = (infra) => {
  const [bus] = all(infra, "aws:cloudwatch/eventBus:EventBus");
  return ["Api", "Deliver"].flatMap((name) => {
    const { MJFLOW_BUS: have } = functionOf(infra, name)?.inputs.environment.variables ?? {};
    return have === bus?.inputs.name ? [] : [`${name} has ${have} as the name of the bus`];
  });
};

/**
 * Links of each function, as `functions/composition/` reads them. Callback must not have API keys of vendors, and only
 * Api and Stream, which check the keys of requests, may have the operator key.
 */
export const LINKS: Record<string, string[]> = {
  Api: [
    "ApiKey",
    "ArchiveQueue",
    "Blobs",
    "DeadLetters",
    "DeliverQueue",
    "PreviousVaultKey",
    "Providers",
    "Reduce",
    "Stream",
    "SubmitQueue",
    "Table",
    "TranslateKey",
    "VaultKey",
  ],
  Stream: ["ApiKey", "PreviousVaultKey", "Table", "VaultKey"],
  Callback: ["ArchiveQueue", "DeliverQueue", "HookKey", "PreviousHookKey", "SubmitQueue", "Table"],
  Submit: [
    "Blobs",
    "Callback",
    "DeliverQueue",
    "HookKey",
    "PreviousHookKey",
    "PreviousVaultKey",
    "Providers",
    "SubmitQueue",
    "Table",
    "VaultKey",
  ],
  Deliver: ["Api", "DeliverQueue", "PreviousVaultKey", "Table", "VaultKey"],
  Archive: ["ArchiveQueue", "Blobs", "DeliverQueue", "SubmitQueue", "Table"],
  Sweep: [
    "ArchiveQueue",
    "DeliverQueue",
    "PreviousVaultKey",
    "Providers",
    "RepairQueue",
    "SubmitQueue",
    "SweepQueue",
    "Table",
    "VaultKey",
  ],
  Deadletter: ["DeliverQueue", "Table"],
  Reduce: ["Blobs"],
};

export const functionsHaveTheirLinks: Rule = ({ builds }) =>
  Object.entries(LINKS).flatMap(([name, links]) => {
    const have = builds.find((build) => build.name === name)?.links ?? [];
    return [
      ...links.filter((link) => !have.includes(link)).map((link) => `${name} lacks ${link}`),
      ...have.filter((link) => !links.includes(link)).map((link) => `${name} has the unnecessary link ${link}`),
    ];
  });

/** Streams send events while they happen; callbacks get one short response. */
const FUNCTION_URLS: Record<string, string> = {
  ApiUrl: "RESPONSE_STREAM",
  CallbackUrl: "BUFFERED",
  StreamUrl: "RESPONSE_STREAM",
};

export const onlyThreeFunctionUrls: Rule = (infra) => {
  const urls = all(infra, "aws:lambda/functionUrl:FunctionUrl");
  const names = urls.map(({ name }) => name).sort();
  return [
    ...(names.join() === Object.keys(FUNCTION_URLS).join() ? [] : [`The function URLs are ${names}`]),
    ...urls
      .filter(({ inputs }) => inputs.authorizationType !== "NONE")
      .map(({ name }) => `${name} requires AWS signatures, which its callers do not have`),
    ...urls
      .filter(({ name, inputs }) => inputs.invokeMode !== FUNCTION_URLS[name])
      .map(({ name, inputs }) => `${name} has the invoke mode ${inputs.invokeMode}`),
  ];
};

/** Everyone may send requests to a function URL. No one may invoke a function directly, or a function without a URL. */
export const functionUrlsInvokeTheirFunction: Rule = (infra) =>
  some(infra, "aws:lambda/permission:Permission").flatMap(({ name, inputs }) => {
    const viaUrl = inputs.functionUrlAuthType === "NONE" || inputs.invokedViaFunctionUrl === true;
    const hasUrl = all(infra, "aws:lambda/functionUrl:FunctionUrl").some(
      ({ inputs: { functionName } }) => functionName === inputs.function,
    );
    return viaUrl && hasUrl ? [] : [`${name} lets ${inputs.principal} ${inputs.action} ${inputs.function}`];
  });

/** Reserved concurrency fails in a small AWS account, so only production has any without a setting. */
export const callbackConcurrencyIsReserved: Rule = (infra) => {
  const reserved = functionOf(infra, "Callback")?.inputs.reservedConcurrentExecutions ?? 0;
  return isProduction(infra) && reserved === 0 ? ["Callback has no reserved concurrency"] : [];
};

/**
 * The workers of a queue have their own share of the account, so streams and API requests cannot take it. Less than the
 * mapping uses would be throttled, and a throttled receive counts towards the dead letters.
 */
export const workersAreReserved: Rule = (infra) =>
  all(infra, "aws:lambda/eventSourceMapping:EventSourceMapping").flatMap(({ inputs }) => {
    const fn = all(infra, "aws:lambda/function:Function").find(({ arn }) => arn === inputs.functionName);
    const reserved = fn?.inputs.reservedConcurrentExecutions;
    const used = all(infra, "aws:lambda/eventSourceMapping:EventSourceMapping")
      .filter((other) => other.inputs.functionName === inputs.functionName)
      .reduce((sum, other) => sum + (other.inputs.scalingConfig?.maximumConcurrency ?? 0), 0);
    if (used === 0) return reserved === undefined ? [] : [`${fn?.name} is reserved without a limit for its mapping`];
    // A throttled receive of the dead-letter queue counts towards nothing: the queue has no dead-letter queue of its own.
    if (fn?.name === "DeadletterFunction" && reserved === undefined) return [];
    if (reserved === undefined) return isProduction(infra) ? [`${fn?.name} has no reserved concurrency`] : [];
    return reserved >= used ? [] : [`${fn?.name} reserves ${reserved}, its mappings use ${used}`];
  });

/** With slots for calls, the accounts of a host may hold half of the submit workers. So Submit knows how many its mapping starts. */
export const submitKnowsItsWorkers: Rule = (infra) => {
  const submit = functionOf(infra, "Submit");
  const given = submit?.inputs.environment.variables["MJFLOW_SUBMIT_WORKERS"];
  if (given === undefined) return [];
  const known = Number(given);
  const used = all(infra, "aws:lambda/eventSourceMapping:EventSourceMapping")
    .filter(({ inputs }) => inputs.functionName === submit?.arn)
    .reduce((sum, { inputs }) => sum + (inputs.scalingConfig?.maximumConcurrency ?? 0), 0);
  return known === used ? [] : [`Submit counts on ${known} workers, its mapping starts ${used}`];
};

/**
 * Streams hold their executions. A stage that reserves workers also reserves executions for streams. The limit of open
 * streams is lower, so that there is room for refusals.
 */
export const streamsAreReserved: Rule = (infra) => {
  const { inputs } = functionOf(infra, "Stream") ?? {};
  const reserved = inputs?.reservedConcurrentExecutions;
  const open = Number(inputs?.environment.variables["MJFLOW_STREAMS_PER_DEPLOYMENT"] ?? 0);
  if (!(open > 0)) return ["Stream has no limit of open streams"];
  if (reserved === undefined) return isProduction(infra) ? ["Stream has no reserved concurrency"] : [];
  return open < reserved || reserved === 1 ? [] : [`Stream reserves ${reserved} and allows ${open} open streams`];
};

/** A function without a reason in this check must not take a share of the account from the others. */
export const othersReserveNothing: Rule = (infra) => {
  const consumers = all(infra, "aws:lambda/eventSourceMapping:EventSourceMapping").map(
    ({ inputs }) => inputs.functionName,
  );
  return some(infra, "aws:lambda/function:Function")
    .filter(({ name, arn }) => !["CallbackFunction", "StreamFunction"].includes(name) && !consumers.includes(arn ?? ""))
    .filter(({ inputs }) => (inputs.reservedConcurrentExecutions ?? 0) > 0)
    .map(({ name }) => `${name} has reserved concurrency`);
};
