/** Checks on whole stages, on settings, and on the evaluation itself. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, expect, test, vi } from "vitest";
import { missingTrial, secretFaults } from "../readiness.ts";
import { reservedOf, sizesOf } from "../size.ts";
import { EVERYTHING, evaluated, evaluatedWithOutput } from "./evaluated.ts";
import { all, functionOf, type Infra } from "./model.ts";
import { ENVIRONMENTS, EVERY_ENVIRONMENT, FIXED_ENVIRONMENTS, LINKS } from "./rule/function.ts";
import { tableMatchesStoreSchema } from "./rule/table.ts";
import { compositionFiles } from "./watched.ts";

let trial: Infra;
let everything: Infra;

beforeAll(async () => {
  [trial, everything] = await Promise.all([evaluated("trial"), evaluated("trial", { env: EVERYTHING })]);
});

test("two concurrent evaluations have the same result", async () => {
  const [one, other] = await Promise.all([evaluated("production"), evaluated("production")]);
  const sorted = (infra: typeof one) => infra.resources.map((resource) => JSON.stringify(resource)).sort();
  expect(sorted(one)).toEqual(sorted(other));
});

test("a trial stage can be removed and reserves no concurrency", () => {
  const [table] = all(trial, "aws:dynamodb/table:Table");
  expect(table?.inputs.deletionProtectionEnabled).toBe(false);
  expect(
    trial.resources.filter(({ retainOnDelete, type }) => retainOnDelete && !type.includes("bucketObject")),
  ).toEqual([]);
  for (const { name, inputs } of all(trial, "aws:lambda/function:Function"))
    expect(inputs.reservedConcurrentExecutions, name).toBeUndefined();
});

test("the sizes of a stage are settings: mappings, reservations, warm throughput and the alarm follow them", () => {
  const reserved = (name: string) => functionOf(everything, name)?.inputs.reservedConcurrentExecutions;
  expect(["Callback", "Submit", "Deliver", "Archive", "Sweep", "Stream"].map(reserved)).toEqual([
    500, 400, 100, 60, 41, 200,
  ]);
  const { variables } = functionOf(everything, "Stream")!.inputs.environment;
  expect(variables["MJFLOW_STREAMS_PER_DEPLOYMENT"]).toBe("180");
  const limits = all(everything, "aws:lambda/eventSourceMapping:EventSourceMapping").map(
    ({ inputs }) => inputs.scalingConfig?.maximumConcurrency,
  );
  expect(limits).toEqual(expect.arrayContaining([400, 100, 60, 30, 10]));
  const [table] = all(everything, "aws:dynamodb/table:Table");
  expect(table?.inputs.warmThroughput).toEqual({ readUnitsPerSecond: 20_000, writeUnitsPerSecond: 12_000 });
  const alarm = all(everything, "aws:cloudwatch/metricAlarm:MetricAlarm").find(({ name }) => name === "WriteRateHigh");
  expect(alarm?.inputs.threshold).toBe(5 * 60 * 5_000);
});

test("production keeps its table and its images if it is removed, but not the files of the console", async () => {
  const { MJFLOW_CONSOLE_URL, MJFLOW_CONSOLE_CERTIFICATE } = EVERYTHING;
  const { resources } = await evaluated("production", { env: { MJFLOW_CONSOLE_URL, MJFLOW_CONSOLE_CERTIFICATE } });
  const kept = resources.filter(({ retainOnDelete, type }) => retainOnDelete && !type.includes("bucketObject"));
  expect(kept.map(({ name }) => name).sort()).toEqual(["BlobsBucket", "TableTable"]);
});

test("sst dev deploys SST's bridge and the same table", async () => {
  const dev = await evaluated("trial", { flags: ["--dev"] });
  // Lambda runs SST's bridge, which forwards events to the machine of the developer.
  expect(functionOf(dev, "Submit")?.inputs.runtime).toBe("provided.al2023");
  expect(tableMatchesStoreSchema(dev)).toEqual([]);
});

test("no resource of a trial stage has the name of production", () => {
  expect(JSON.stringify(trial)).toContain("mjflow-trial-");
  expect(JSON.stringify(trial)).not.toContain("mjflow-production-");
});

test.each(["PreviousHookKey", "PreviousVaultKey", "TranslateKey"])(
  "if %s is not set, its link is empty",
  async (name) => {
    const { links } = await evaluated("production", { flags: ["--without", name] });
    expect(links[name]?.["value"]).toBe("");
  },
);

test.each([
  ["a missing secret", "--without HookKey --without Providers", {}, "Set a value for HookKey"],
  ["production without a trial stage", "--stages=", {}, "Deploy a trial stage"],
  ["an invalid setting", "", { MJFLOW_BUS: "yes" }, "MJFLOW_BUS"],
  [
    "an account that is too small for the settings",
    "--quota 10",
    { MJFLOW_SUBMIT_CONCURRENCY: "300" },
    "grants this account 10",
  ],
] as const)("%s stops the deployment before it makes anything", async (_, flags, env, message) => {
  const deployment = evaluated("production", { flags: flags.split(" ").filter(Boolean), env });
  await expect(deployment).rejects.toThrow(message);
  await expect(deployment).rejects.toThrow(/Registered before the error: 0$/m);
});

test("all missing secrets are named together", () => {
  expect(secretFaults({}).join()).toMatch(/HookKey.*VaultKey.*ApiKey.*Providers/);
});

const GOOD = {
  SST_SECRET_HookKey: "h".repeat(32),
  SST_SECRET_VaultKey: "v".repeat(32),
  SST_SECRET_ApiKey: "a".repeat(32),
  SST_SECRET_Providers: '{"cometapi":{"baseUrl":"https://api.example.com","apiKey":"sk-private"}}',
};

test.each([
  ["nothing", {}, []],
  ["a short key", { SST_SECRET_VaultKey: "short" }, [/^VaultKey has 5 characters/]],
  ["one value for two keys", { SST_SECRET_ApiKey: GOOD.SST_SECRET_HookKey }, [/^ApiKey has the value of another key/]],
  ["text that is no JSON", { SST_SECRET_Providers: "{sk-private" }, [/^Providers is not JSON/]],
  ["a list", { SST_SECRET_Providers: "[]" }, [/^Providers must be a JSON object/]],
  ["an unknown vendor", { SST_SECRET_Providers: '{"midj":{}}' }, [/^Providers: Unknown provider "midj"/]],
  ["a key of a vendor with a blank", { SST_SECRET_Providers: GOOD.SST_SECRET_Providers.replace("-", " ") }, [/apiKey/]],
])("the preflight reports %s and no value of a secret", (_, change, faults) => {
  const found = secretFaults({ ...GOOD, ...change });
  expect(found).toEqual(faults.map((fault) => expect.stringMatching(fault)));
  expect(found.join()).not.toMatch(/private|hhhh|vvvv|aaaa/);
});

test("production needs another stage in the account, unless it exists or the operator wants none", () => {
  const first = { production: true, exists: false, others: [], skip: false };
  expect(missingTrial(first)).toContain("Deploy a trial stage");
  for (const known of [
    { production: false },
    { exists: true },
    { others: ["trial"] },
    { others: undefined },
    { skip: true },
  ])
    expect(missingTrial({ ...first, ...known })).toBeUndefined();
});

test("production with its defaults reserves nothing in a new account, and the deployment warns about it", async () => {
  const { infra, printed } = await evaluatedWithOutput("production", { flags: ["--quota", "10"] });
  for (const { name, inputs } of all(infra, "aws:lambda/function:Function"))
    expect(inputs.reservedConcurrentExecutions, name).toBeUndefined();
  for (const { name, inputs } of all(infra, "aws:lambda/eventSourceMapping:EventSourceMapping"))
    expect(inputs.scalingConfig?.maximumConcurrency, name).toBe(2);
  expect(printed).toContain("Warning: AWS grants this account 10 concurrent executions, and production reserves 583");
});

test("a deployer who may not read the quota deploys with the usual one", async () => {
  const { infra, printed } = await evaluatedWithOutput("production", { flags: ["--quota", "0"] });
  expect(functionOf(infra, "Callback")?.inputs.reservedConcurrentExecutions).toBe(100);
  expect(printed).toContain("servicequotas:GetServiceQuota failed");
});

test("the mail address for alarms is subscribed to the alarms and the budget", () => {
  const mails = ({ resources }: Infra) =>
    resources.filter(({ type }) => type === "aws:sns/topicSubscription:TopicSubscription");
  expect(mails(trial)).toEqual([]);
  expect(all(trial, "aws:budgets/budget:Budget")).toEqual([]);
  const subscriberEmailAddresses = [EVERYTHING.MJFLOW_ALARM_EMAIL];
  expect(mails(everything)).toMatchObject([{ inputs: { endpoint: "ops@example.com", protocol: "email" } }]);
  const [budget] = all(everything, "aws:budgets/budget:Budget");
  expect(budget?.inputs).toMatchObject({ limitAmount: "250", timeUnit: "MONTHLY" });
  expect(budget?.inputs.notifications).toMatchObject([
    { notificationType: "FORECASTED", threshold: 100, subscriberEmailAddresses },
    { notificationType: "ACTUAL", threshold: 100, subscriberEmailAddresses },
  ]);
});

test("a stage without alarms has no alarm, no topic and no dashboard, and everything else", async () => {
  const { resources } = await evaluated("trial", { env: { MJFLOW_ALARMS: "off" } });
  const names = (list: Infra["resources"]) => list.map(({ type, name }) => `${type} ${name}`).sort();
  const paid = /aws:(cloudwatch\/(metricAlarm|dashboard)|sns\/)/;
  expect(names(resources)).toEqual(names(trial.resources.filter(({ type }) => !paid.test(type))));
});

test("a stage has an event bus only if MJFLOW_BUS is on", () => {
  const buses = (infra: Infra) => all(infra, "aws:cloudwatch/eventBus:EventBus");
  expect(buses(trial)).toEqual([]);
  expect(buses(everything)).toHaveLength(1);
});

test("MJFLOW_CONSOLE_URL deploys the console; CloudFront's own host name needs no certificate", async () => {
  expect(all(trial, "aws:cloudfront/distribution:Distribution")).toEqual([]);
  const own = all(everything, "aws:cloudfront/distribution:Distribution").find(
    ({ name }) => name === "ConsoleDistribution",
  );
  expect(own?.inputs.aliases).toEqual(["console.example.com"]);
  const { resources } = await evaluated("trial", { env: { MJFLOW_CONSOLE_URL: "https://d1.cloudfront.net" } });
  const inputsOf = (name: string) => resources.find((resource) => resource.name === name)?.inputs;
  expect(inputsOf("ConsoleDistribution")).toMatchObject({
    aliases: [],
    viewerCertificate: { cloudfrontDefaultCertificate: true },
  });
  expect(inputsOf("ApiFunction")).toMatchObject({
    environment: { variables: { MJFLOW_CORS_ORIGINS: "https://d1.cloudfront.net" } },
  });
});

const DOMAINS = {
  MJFLOW_API_DOMAIN: "api.example.com",
  MJFLOW_CALLBACK_DOMAIN: "callbacks.example.com",
  MJFLOW_STREAM_DOMAIN: "streams.example.com",
};

test("host names of the operator reach every function that writes or reads an address", async () => {
  const named = await evaluated("trial", { env: DOMAINS });
  const urlOf = (link: string) => named.links[link]?.["url"];
  expect([urlOf("Api"), urlOf("Callback"), urlOf("Stream")]).toEqual([
    "https://api.example.com",
    "https://callbacks.example.com",
    "https://streams.example.com",
  ]);
  for (const name of ["Api", "Deliver", "Stream"])
    expect(functionOf(named, name)?.inputs.environment.variables["MJFLOW_API_URL"], name).toBe(
      "https://api.example.com",
    );
  // Without a certificate, SST requests one and creates the records in Route 53.
  expect(all(named, "aws:route53/record:Record").map(({ inputs }) => inputs.name)).toContain("callbacks.example.com");
  expect(all(everything, "aws:route53/record:Record")).toEqual([]);
});

test("a former host name of callbacks still leads to them, and the function URL stays as it was", async () => {
  const aliases = all(everything, "aws:cloudfront/distribution:Distribution").map(({ inputs }) => inputs.aliases);
  expect(aliases).toContainEqual(["callbacks.example.com", "hooks.example.com"]);
  const urls = (infra: Infra) =>
    all(infra, "aws:lambda/functionUrl:FunctionUrl").map(({ name, inputs }) => [name, inputs.authorizationType]);
  const named = await evaluated("trial", { env: DOMAINS });
  expect(urls(named).sort()).toEqual(urls(trial).sort());
});

test("the rate limit of the API does not apply to callbacks and streams", () => {
  const [acl, ...more] = all(everything, "aws:wafv2/webAcl:WebAcl");
  expect(more).toEqual([]);
  expect(acl?.inputs.rules).toMatchObject([
    { statement: { rateBasedStatement: { limit: 3_000, aggregateKeyType: "IP" } } },
  ]);
  const limited = all(everything, "aws:cloudfront/distribution:Distribution").filter(({ inputs }) => inputs.webAclId);
  expect(limited.map(({ name }) => name)).toEqual(["ApiRouterCdnDistribution"]);
  expect(all(trial, "aws:wafv2/webAcl:WebAcl")).toEqual([]);
});

test("a restored table replaces the stage's own table in every function, alarm and chart", async () => {
  const restored = await evaluated("production", { env: { MJFLOW_TABLE: "restored" } });
  expect(all(restored, "aws:dynamodb/table:Table")).toEqual([]);
  expect(restored.links["Table"]).toMatchObject({ name: "restored" });
  const text = (name: string) => JSON.stringify(restored.resources.find((resource) => resource.name === name)?.inputs);
  for (const [name, links] of Object.entries(LINKS)) {
    expect(text(`${name}Role`).includes(":table/restored"), name).toBe(links.includes("Table"));
  }
  expect(JSON.stringify(restored.resources)).not.toContain("TableTable");
  expect(text("WriteRateHigh")).toContain('"TableName":"restored"');
  expect(text("Dashboard")).toContain("restored");
});

async function readSettings(name: string, value: string, others: Record<string, string> = {}) {
  vi.resetModules();
  for (const other of Object.keys(process.env).filter((key) => key.startsWith("MJFLOW_"))) vi.stubEnv(other, undefined);
  for (const each of Object.entries({ ...others, [name]: value })) vi.stubEnv(...each);
  return import("../setting.ts").finally(() => vi.unstubAllEnvs());
}

test.each([
  ["MJFLOW_BUS", "yes"],
  ["MJFLOW_RECURSIVE_LOOP", "Allow"],
  ["MJFLOW_CALL_SLOTS", "true"],
  ["MJFLOW_FAN_OUT", "all"],
  ["MJFLOW_TRIAL_STAGE", "no"],
  ["MJFLOW_ALARMS", "no"],
  ["MJFLOW_ARCHIVE", "true"],
  ["MJFLOW_PROGRESS", "ON"],
  ["MJFLOW_RESUBMIT", "always"],
  ["MJFLOW_DELIVERY_LOG", "OFF"],
  ["MJFLOW_LOG", "verbose"],
  ["MJFLOW_API_URL", "api.example.com"],
  ["MJFLOW_STREAM_URL", "streams.example.com"],
  ["MJFLOW_TRANSLATE_URL", "api.example.com/v1"],
  // One without the other translates nothing.
  ["MJFLOW_TRANSLATE_URL", "https://api.example.com/v1"],
  ["MJFLOW_TRANSLATE_MODEL", "gpt-5-mini"],
  ["MJFLOW_CDN_URL", "img"],
  ["MJFLOW_FACADE_NOTIFY_HOOK", "/mj"],
  ["MJFLOW_MJ_PUBLIC_IMAGES", "on"],
  ["MJFLOW_CORS_ORIGINS", "shop.example.com"],
  ["MJFLOW_CORS_ORIGINS", "https://shop.example.com/"],
  ["MJFLOW_OUTBOUND_ALLOW", "https://app.example.com/path"],
  ["MJFLOW_CONSOLE_URL", "http://console.example.com"],
  ["MJFLOW_CONSOLE_URL", "https://console.example.com/path"],
  // A host name that is not CloudFront's, without a certificate.
  ["MJFLOW_CONSOLE_URL", "https://console.example.com"],
  ["MJFLOW_API_DOMAIN", "https://api.example.com"],
  ["MJFLOW_CALLBACK_DOMAIN", "localhost"],
  ["MJFLOW_CALLBACK_URL", "callbacks.example.com"],
  ["MJFLOW_STREAM_DOMAIN", "Streams.example.com"],
  // It would answer nothing without a new host name.
  ["MJFLOW_PREVIOUS_CALLBACK_DOMAIN", "hooks.example.com"],
  ["MJFLOW_API_RATE_LIMIT", "9"],
  // Only a distribution can have a limit.
  ["MJFLOW_API_RATE_LIMIT", "3000"],
  ["MJFLOW_BUDGET_USD", "a lot"],
  ["MJFLOW_BUDGET_USD", "-1"],
  ["MJFLOW_WEBHOOK_FIRST_TIMEOUT_S", "0"],
  ["MJFLOW_WEBHOOK_FIRST_TIMEOUT_S", "2.5"],
])("the invalid setting %s=%s stops the deployment", async (name, value) => {
  await expect(readSettings(name, value)).rejects.toThrow(name);
});

test.each([
  ["MJFLOW_CALLBACK_DOMAIN", "api.example.com"],
  ["MJFLOW_PREVIOUS_CALLBACK_DOMAIN", "callbacks.example.com"],
  ["MJFLOW_STREAM_DOMAIN", "callbacks.example.com"],
  ["MJFLOW_CONSOLE_URL", "https://streams.example.com"],
])("a host name of another setting in %s=%s stops the deployment", async (name, value) => {
  const others = { ...DOMAINS, MJFLOW_CONSOLE_CERTIFICATE: "arn:aws:acm:us-east-1:123456789012:certificate/1" };
  await expect(readSettings(name, value, others)).rejects.toThrow(`${name} and MJFLOW_`);
});

test.each([
  [{ MJFLOW_SUBMIT_CONCURRENCY: "1" }, "MJFLOW_SUBMIT_CONCURRENCY must be a whole number from 2"],
  [{ MJFLOW_DELIVER_CONCURRENCY: "many" }, "MJFLOW_DELIVER_CONCURRENCY must be a whole number"],
  [{ MJFLOW_ARCHIVE_CONCURRENCY: "2.5" }, "MJFLOW_ARCHIVE_CONCURRENCY must be a whole number"],
  [{ MJFLOW_SWEEP_CONCURRENCY: "3" }, "MJFLOW_SWEEP_CONCURRENCY must be a whole number from 4"],
  [{ MJFLOW_DUE_SHARDS: "33" }, "MJFLOW_DUE_SHARDS must be a whole number from 0 to 32"],
  [{ MJFLOW_CALLBACK_CONCURRENCY: "0" }, "MJFLOW_CALLBACK_CONCURRENCY must be a whole number from 1"],
  [{ MJFLOW_RESERVE_WORKERS: "yes" }, "MJFLOW_RESERVE_WORKERS must be one of on, off"],
  [{ MJFLOW_WARM_WRITE_UNITS: "3999" }, "MJFLOW_WARM_WRITE_UNITS must be a whole number from 4000"],
  [{ MJFLOW_WARM_READ_UNITS: "11999" }, "MJFLOW_WARM_READ_UNITS must be a whole number from 12000"],
  [{ MJFLOW_ALARM_WRITE_UNITS: "-1" }, "MJFLOW_ALARM_WRITE_UNITS must be a whole number"],
  [{ MJFLOW_CALLBACK_CONCURRENCY: "900" }, "AWS grants this account 1000 concurrent executions"],
  [{ MJFLOW_LAMBDA_QUOTA: "400" }, "MJFLOW_LAMBDA_QUOTA is 400, but the functions reserve"],
])("the sizes %o stop the deployment of production", (env, message) => {
  expect(() => sizesOf(true, env)).toThrow(message);
});

test("a trial stage reserves nothing, and a deployment to a new account names what it can use at most", () => {
  expect(reservedOf(sizesOf(false, {}))).toBe(0);
  expect(sizesOf(false, {}, 10)).toMatchObject({
    streamConcurrency: 2,
    warnings: [expect.stringMatching(/grants this account 10 .* Up to 15 run for queues, the sweeper and streams/)],
  });
  // Settings raise the number in the warning.
  expect(sizesOf(false, { MJFLOW_SUBMIT_CONCURRENCY: "5" }, 10).warnings[0]).toContain("Up to 18 run");
  expect(sizesOf(false, {}, 1_000).warnings).toEqual([]);
  expect(reservedOf(sizesOf(true, { MJFLOW_RESERVE_WORKERS: "off" }))).toBe(100);
  expect(() => sizesOf(false, { MJFLOW_LAMBDA_QUOTA: "10" })).not.toThrow();
});

test.each([
  "MJFLOW_BUS",
  "MJFLOW_ARCHIVE",
  "MJFLOW_API_URL",
  "MJFLOW_BUDGET_USD",
  "MJFLOW_CORS_ORIGINS",
  "MJFLOW_OUTBOUND_ALLOW",
])("an empty %s counts as unset", async (name) => {
  const { setting, environment } = await readSettings(name, "");
  expect(setting).toEqual({
    alarms: true,
    alarmEmail: undefined,
    apiUrl: undefined,
    budgetUsd: 100,
    console: undefined,
    table: undefined,
    bus: false,
    recursiveLoop: "Terminate",
    callSlots: true,
    skipsTrialStage: false,
    domains: { api: undefined, callback: undefined, stream: undefined },
    apiRateLimit: undefined,
  });
  expect(environment).toEqual({ every: {}, api: {}, deliver: {}, archive: {}, submit: {}, stream: {} });
});

test("each function gets exactly the settings that it reads, and no unset ones", () => {
  const settings = (infra: Infra, name: string) =>
    Object.keys(functionOf(infra, name)!.inputs.environment.variables).filter((key) => key.startsWith("MJFLOW_"));
  for (const name of Object.keys(LINKS)) {
    const expected = [...EVERY_ENVIRONMENT, ...(ENVIRONMENTS[name] ?? [])].sort();
    expect(settings(everything, name).sort(), name).toEqual(expected);
    expect(settings(trial, name), name).toEqual(FIXED_ENVIRONMENTS[name] ?? []);
  }
});

/** Variables that only the local server sets, or that Lambda itself sets. */
const NOT_DEPLOYED = ["MJFLOW_BUCKET_URL", "MJFLOW_TIMINGS", "MJFLOW_STREAMS", "AWS_LAMBDA_FUNCTION_NAME"];

test("functions/composition/ reads exactly the links and settings that a deployment gives", async () => {
  const files = compositionFiles().map((file) => readFile(new URL(file, import.meta.url), "utf8"));
  const source = (await Promise.all(files)).join("\n");
  const read = (pattern: RegExp) => [...new Set([...source.matchAll(pattern)].map(([, name]) => name!))].sort();
  const given = [...EVERY_ENVIRONMENT, ...NOT_DEPLOYED, ...Object.values(ENVIRONMENTS).flat()];
  expect(read(/\benv\["(\w+)"\]/g)).toEqual([...new Set(given)].sort());
  expect(read(/\bResource\.(\w+)/g)).toEqual([...new Set(["App", ...Object.values(LINKS).flat()])].sort());
});

test("docs/operations.md describes each alarm and each setting", async () => {
  const text = await readFile(new URL("../../docs/operations.md", import.meta.url), "utf8");
  /** Names in code format in the first cells of the tables. */
  const named = text.split("\n").flatMap((line) => /^\| ((?:`\w+`(?:, )?)+) \|/.exec(line)?.[1]?.match(/\w+/g) ?? []);
  const alarms = all(everything, "aws:cloudwatch/metricAlarm:MetricAlarm").map(({ name }) => name);
  expect(named.toSorted()).toEqual([...alarms, ...Object.keys(EVERYTHING), "MJFLOW_TABLE"].sort());
});

test("sst-env.d.ts matches the links in infra/", async () => {
  const script = fileURLToPath(new URL("env.mjs", import.meta.url));
  await promisify(execFile)(process.execPath, [script, "--check"]);
});
