/** What stages have in common, what only production has, and what an evaluation itself must be. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, expect, test, vi } from "vitest";
import { EVERYTHING, evaluated } from "./evaluated.ts";
import { all, functionOf, type Infra } from "./model.ts";
import { ENVIRONMENTS, EVERY_ENVIRONMENT, LINKS } from "./rule/function.ts";
import { tableMatchesStoreSchema } from "./rule/table.ts";
import { compositionFiles } from "./watched.ts";

let trial: Infra;
let everything: Infra;

beforeAll(async () => {
  [trial, everything] = await Promise.all([evaluated("trial"), evaluated("trial", { env: EVERYTHING })]);
});

test("two evaluations at once say the same", async () => {
  const [one, other] = await Promise.all([evaluated("production"), evaluated("production")]);
  const sorted = (infra: typeof one) => infra.resources.map((resource) => JSON.stringify(resource)).sort();
  expect(sorted(one)).toEqual(sorted(other));
});

test("a trial stage can be removed, and takes nothing out of a small account", () => {
  const [table] = all(trial, "aws:dynamodb/table:Table");
  expect(table?.inputs.deletionProtectionEnabled).toBe(false);
  expect(
    trial.resources.filter(({ retainOnDelete, type }) => retainOnDelete && !type.includes("bucketObject")),
  ).toEqual([]);
  expect(functionOf(trial, "Callback")?.inputs.reservedConcurrentExecutions).toBeUndefined();
});

test("sst dev gets what it needs, and the table as it is", async () => {
  const dev = await evaluated("trial", { flags: ["--dev"] });
  // Lambda runs SST's bridge, which hands events to the machine of the one who develops.
  expect(functionOf(dev, "Submit")?.inputs.runtime).toBe("provided.al2023");
  expect(tableMatchesStoreSchema(dev)).toEqual([]);
});

test("nothing of one stage bears another's name", () => {
  expect(JSON.stringify(trial)).toContain("mjflow-trial-");
  expect(JSON.stringify(trial)).not.toContain("mjflow-production-");
});

test.each(["PreviousHookKey", "PreviousVaultKey"])(
  "without %s there is an empty one, which the code passes over",
  async (name) => {
    const { links } = await evaluated("production", { flags: ["--without", name] });
    expect(links[name]?.["value"]).toBe("");
  },
);

test.each(["HookKey", "VaultKey", "ApiKey", "Providers"])("without %s nothing is deployed", async (name) => {
  await expect(evaluated("production", { flags: ["--without", name] })).rejects.toThrow(`Set a value for ${name}`);
});

test("a mail address for alarms is subscribed to them, and hears of the budget", () => {
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

test("there is a bus where one is asked for, and nowhere else", () => {
  const buses = (infra: Infra) => all(infra, "aws:cloudwatch/eventBus:EventBus");
  expect(buses(trial)).toEqual([]);
  expect(buses(everything)).toHaveLength(1);
});

test("the console is deployed where a stage says where, at CloudFront's own name without a certificate", async () => {
  expect(all(trial, "aws:cloudfront/distribution:Distribution")).toEqual([]);
  const [own] = all(everything, "aws:cloudfront/distribution:Distribution");
  expect(own?.inputs.aliases).toEqual(["console.example.com"]);
  const { resources } = await evaluated("trial", { env: { MJFLOW_CONSOLE_URL: "https://d1.cloudfront.net" } });
  const inputsOf = (name: string) => resources.find((resource) => resource.name === name)?.inputs;
  expect(inputsOf("ConsoleDistribution")).toMatchObject({
    aliases: [],
    viewerCertificate: { cloudfrontDefaultCertificate: true },
  });
  expect(inputsOf("ApiUrl")).toMatchObject({ cors: { allowOrigins: ["https://d1.cloudfront.net"] } });
});

test("a restored table takes the place of the stage's own, for every function, alarm and chart", async () => {
  const restored = await evaluated("production", { env: { MJFLOW_TABLE: "restored" } });
  expect(all(restored, "aws:dynamodb/table:Table")).toEqual([]);
  expect(restored.links["Table"]).toMatchObject({ name: "restored" });
  const text = (name: string) => JSON.stringify(restored.resources.find((resource) => resource.name === name)?.inputs);
  for (const name of Object.keys(LINKS)) expect(text(`${name}Role`), name).toContain(":table/restored");
  expect(JSON.stringify(restored.resources)).not.toContain("TableTable");
  expect(text("WritesRunaway")).toContain('"TableName":"restored"');
  expect(text("Dashboard")).toContain("restored");
});

async function readSettings(name: string, value: string) {
  vi.resetModules();
  for (const other of Object.keys(process.env).filter((key) => key.startsWith("MJFLOW_"))) vi.stubEnv(other, undefined);
  vi.stubEnv(name, value);
  return import("../setting.ts").finally(() => vi.unstubAllEnvs());
}

test.each([
  ["MJFLOW_BUS", "yes"],
  ["MJFLOW_ARCHIVE", "true"],
  ["MJFLOW_PROGRESS", "ON"],
  ["MJFLOW_RESUBMIT", "always"],
  ["MJFLOW_LOG", "verbose"],
  ["MJFLOW_API_URL", "api.example.com"],
  ["MJFLOW_CDN_URL", "img"],
  ["MJFLOW_FACADE_NOTIFY_HOOK", "/mj"],
  ["MJFLOW_OUTBOUND_ALLOW", "https://app.example.com/path"],
  ["MJFLOW_CONSOLE_URL", "http://console.example.com"],
  ["MJFLOW_CONSOLE_URL", "https://console.example.com/path"],
  // A name of one's own, without a certificate for it.
  ["MJFLOW_CONSOLE_URL", "https://console.example.com"],
  ["MJFLOW_BUDGET_USD", "a lot"],
  ["MJFLOW_BUDGET_USD", "-1"],
])("a setting that means nothing ends the deployment: %s=%s", async (name, value) => {
  await expect(readSettings(name, value)).rejects.toThrow(name);
});

test.each(["MJFLOW_BUS", "MJFLOW_ARCHIVE", "MJFLOW_API_URL", "MJFLOW_BUDGET_USD", "MJFLOW_OUTBOUND_ALLOW"])(
  "%s that is empty is not set",
  async (name) => {
    const { setting, environment } = await readSettings(name, "");
    expect(setting).toEqual({
      alarmEmail: undefined,
      apiUrl: undefined,
      budgetUsd: 100,
      console: undefined,
      table: undefined,
      bus: false,
    });
    expect(environment).toEqual({ every: {}, api: {}, deliver: {}, archive: {} });
  },
);

test("what is set is handed on to whom it concerns, and unset is not there", () => {
  const settings = (infra: Infra, name: string) =>
    Object.keys(functionOf(infra, name)!.inputs.environment.variables).filter((key) => key.startsWith("MJFLOW_"));
  for (const name of Object.keys(LINKS)) {
    const expected = [...EVERY_ENVIRONMENT, ...(ENVIRONMENTS[name] ?? [])].sort();
    expect(settings(everything, name).sort(), name).toEqual(expected);
    expect(settings(trial, name), name).toEqual([]);
  }
});

/** What only the local house sets, and what Lambda itself does. */
const NOT_DEPLOYED = ["MJFLOW_TIMINGS", "AWS_LAMBDA_FUNCTION_NAME"];

test("functions/composition/ reads what a deployment gives, and a deployment gives what it reads", async () => {
  const files = compositionFiles().map((file) => readFile(new URL(file, import.meta.url), "utf8"));
  const wire = (await Promise.all(files)).join("\n");
  const read = (pattern: RegExp) => [...new Set([...wire.matchAll(pattern)].map(([, name]) => name!))].sort();
  const given = [...EVERY_ENVIRONMENT, ...NOT_DEPLOYED, ...Object.values(ENVIRONMENTS).flat()];
  expect(read(/\benv\["(\w+)"\]/g)).toEqual([...new Set(given)].sort());
  expect(read(/\bResource\.(\w+)/g)).toEqual([...new Set(["App", ...Object.values(LINKS).flat()])].sort());
});

test("docs/operations.md says what to do about each alarm, and what each setting does", async () => {
  const text = await readFile(new URL("../../docs/operations.md", import.meta.url), "utf8");
  /** What stands in the first cells of the tables, as code. */
  const named = text.split("\n").flatMap((line) => /^\| ((?:`\w+`(?:, )?)+) \|/.exec(line)?.[1]?.match(/\w+/g) ?? []);
  const alarms = all(everything, "aws:cloudwatch/metricAlarm:MetricAlarm").map(({ name }) => name);
  expect(named.toSorted()).toEqual([...alarms, ...Object.keys(EVERYTHING), "MJFLOW_TABLE"].sort());
});

test("sst-env.d.ts is what infra/ links", async () => {
  const script = fileURLToPath(new URL("env.mjs", import.meta.url));
  await promisify(execFile)(process.execPath, [script, "--check"]);
});
