import { FUNCTION_TIMEOUT_S } from "../../../packages/core/src/limit.ts";
import { all, functionOf, isProduction, type Rule, some } from "../model.ts";
import { SECRETS } from "../secret.mjs";

export const functionsRunAsMeant: Rule = (infra) =>
  some(infra, "aws:lambda/function:Function").flatMap(({ name, inputs }) => [
    ...(inputs.architectures.join() === "arm64" ? [] : [`${name} runs on ${inputs.architectures}`]),
    ...(inputs.runtime === "nodejs24.x" ? [] : [`${name} runs ${inputs.runtime}`]),
    ...(inputs.vpcConfig === undefined ? [] : [`${name} is in a VPC, and would need a NAT gateway to reach vendors`]),
  ]);

export const logsAreJsonAndEnd: Rule = (infra) =>
  some(infra, "aws:lambda/function:Function").flatMap(({ name, inputs: { loggingConfig } }) => {
    const group = all(infra, "aws:cloudwatch/logGroup:LogGroup").find(
      ({ inputs }) => inputs.name === loggingConfig?.logGroup,
    );
    return [
      ...(loggingConfig?.logFormat === "JSON" ? [] : [`${name} does not log JSON`]),
      // 0 is AWS's "never".
      ...(group && group.inputs.retentionInDays > 0 ? [] : [`${name}'s log has no group of its own, or no end`]),
    ];
  });

const TIMEOUTS: Record<string, number> = {
  Api: FUNCTION_TIMEOUT_S.api,
  Callback: FUNCTION_TIMEOUT_S.callback,
  Submit: FUNCTION_TIMEOUT_S.submit,
  Sweep: FUNCTION_TIMEOUT_S.sweep,
  Deadletter: FUNCTION_TIMEOUT_S.deadletter,
};
const MEMORY_MB: Record<string, number> = { Api: 512, Callback: 256, Submit: 512, Sweep: 256, Deadletter: 256 };

export const functionsHaveTheirSize: Rule = (infra) => [
  ...Object.keys(TIMEOUTS)
    .filter((name) => !functionOf(infra, name))
    .map((name) => `There is no ${name}`),
  ...some(infra, "aws:lambda/function:Function").flatMap(({ name, inputs }) => {
    const component = name.replace(/Function$/, "");
    return [
      ...(inputs.timeout === TIMEOUTS[component] ? [] : [`${name}: ${inputs.timeout} s, not limit.ts's`]),
      ...(inputs.memorySize === MEMORY_MB[component] ? [] : [`${name}: ${inputs.memorySize} MB`]),
    ];
  }),
];

/** SST's own: the key of the encrypted links beside the code, and where they are. */
const KNOWN = new Set(["SST_KEY", "SST_KEY_FILE", "SST_RESOURCE_App"]);

/** Anyone who may look at a function sees its environment; links travel encrypted instead. */
export const environmentsHoldNoSecret: Rule = (infra) =>
  some(infra, "aws:lambda/function:Function").flatMap(({ name, inputs }) =>
    Object.entries(inputs.environment.variables).flatMap(([key, value]) => [
      ...(KNOWN.has(key) ? [] : [`${name} has ${key}, which nobody has looked at here`]),
      ...Object.entries(SECRETS)
        .filter(([, secret]) => value.includes(secret))
        .map(([secret]) => `${name} has ${secret} in ${key}`),
    ]),
  );

/** By what `functions/wire.ts` reads. A vendor's key has no business in the receiver, nor an app's key outside the API. */
const LINKS: Record<string, string[]> = {
  Api: ["ApiKey", "Blobs", "Providers", "SubmitQueue", "Table"],
  Callback: ["HookKey", "PreviousHookKey", "SubmitQueue", "Table"],
  Submit: ["Blobs", "Callback", "HookKey", "PreviousHookKey", "Providers", "SubmitQueue", "Table"],
  Sweep: ["Providers", "SubmitQueue", "Table"],
  Deadletter: ["SubmitQueue", "Table"],
};

export const functionsAreGivenTheirLinks: Rule = ({ builds }) =>
  Object.entries(LINKS).flatMap(([name, links]) => {
    const have = builds.find((build) => build.name === name)?.links ?? [];
    return [
      ...links.filter((link) => !have.includes(link)).map((link) => `${name} lacks ${link}`),
      ...have.filter((link) => !links.includes(link)).map((link) => `${name} need not know ${link}`),
    ];
  });

export const doorsAreTwo: Rule = (infra) => {
  const urls = all(infra, "aws:lambda/functionUrl:FunctionUrl");
  const open = urls.map(({ name }) => name.replace(/Url$/, "")).sort();
  return [
    ...(open.join() === "Api,Callback" ? [] : [`Reached from outside: ${open}`]),
    ...urls
      .filter(({ inputs }) => inputs.authorizationType !== "NONE")
      .map(({ name }) => `${name}: vendors cannot sign`),
    ...urls.filter(({ inputs }) => inputs.cors !== undefined).map(({ name }) => `${name} answers web pages`),
  ];
};

/** Reserving anything at all fails in a small account, so only production does. */
export const callbacksHaveTheirShare: Rule = (infra) =>
  some(infra, "aws:lambda/function:Function").flatMap(({ name, inputs }) => {
    const expected = isProduction(infra) && name === "CallbackFunction";
    const reserved = (inputs.reservedConcurrentExecutions ?? 0) > 0;
    return reserved === expected ? [] : [`${name}: ${expected ? "nothing" : "something"} is reserved`];
  });
