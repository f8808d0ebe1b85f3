/** Checks the bundle of each function: it runs with its own links, and its size stays within the budget. */
import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { BUDGET_KB } from "./budget.mjs";
import { evaluated } from "./evaluated.ts";
import { all, type Build, type Infra } from "./model.ts";
import { metricsOfAlarm } from "./rule/alarm.ts";
import { metricsOfDashboard } from "./rule/dashboard.ts";
import { LINKS } from "./rule/function.ts";

let infra: Infra;

const BUDGETS = Object.entries(BUDGET_KB);
const NAMES = Object.keys(BUDGET_KB);

beforeAll(async () => {
  infra = await evaluated("production", { flags: ["--build"] });
  console.table(Object.fromEntries(BUDGETS.map(([name, budget]) => [name, { kB: kb(name), budget }])));
});

const build = (name: string): Build => infra.builds.find((candidate) => candidate.name === name)!;
const kb = (name: string) => (build(name).eagerBytes ?? 0) / 1_000;

test("every function has a size budget", () => {
  expect(infra.builds.map(({ name }) => name).sort()).toEqual([...NAMES].sort());
});

test.each(BUDGETS)("a cold start of %s reads less than %i kB", (name, budget) => {
  expect(kb(name)).toBeGreaterThan(0);
  expect(kb(name)).toBeLessThan(budget);
});

test.each([
  // Events: a callback without a token, the index of the API, a path that Stream does not have, an empty batch, a scheduled run.
  ["Callback", { statusCode: 401 }],
  ["Api", { streamed: 200 }],
  ["Stream", { streamed: 404 }],
  ["Submit", { batchItemFailures: [] }],
  ["Deliver", { batchItemFailures: [] }],
  ["Archive", { batchItemFailures: [] }],
  ["Deadletter", { batchItemFailures: [] }],
  ["Reduce", { error: { code: "gone" } }],
  ["Sweep", { calledTable: true }],
])("%s handles an event with only its own links", (name, outcome) => {
  expect(build(name).outcome).toMatchObject(outcome);
});

/**
 * Queue links are checked in send.infra.ts: all functions share the code that reads the three queue links on demand.
 */
const isQueue = (link: string) => link.endsWith("Queue");

test.each(NAMES)("%s has exactly the links that its code reads", (name) => {
  const reads = build(name).reads!.filter((link) => link in infra.links && !isQueue(link));
  expect(reads).toEqual(LINKS[name]!.filter((link) => !isQueue(link)));
});

// Only the eager part is checked. esbuild writes a file for each `import()` that it reads, even if no code imports that
// file any more.
test.each(NAMES)("a cold start of %s does not load S3, the event bus client or the image library", (name) => {
  // Reduce has no table. Its store is composed only by other functions.
  if (name !== "Reduce") expect(build(name).eagerPackages).toHaveProperty(["@aws-sdk/client-dynamodb"]);
  expect(build(name).eagerPackages).not.toHaveProperty(["@aws-sdk/client-lambda"]);
  expect(build(name).eagerPackages).not.toHaveProperty(["@aws-sdk/client-s3"]);
  expect(build(name).eagerPackages).not.toHaveProperty(["@aws-sdk/client-eventbridge"]);
  expect(build(name).eagerPackages).not.toHaveProperty(["sharp"]);
});

test.each(["Api", "Submit", "Archive", "Reduce"])("%s can load the S3 client on demand", (name) => {
  expect(build(name).packages).toHaveProperty(["@aws-sdk/client-s3"]);
});

test("only the API can load the client that calls functions, on demand", () => {
  const names = infra.builds.filter(({ packages }) => packages?.["@aws-sdk/client-lambda"]).map(({ name }) => name);
  expect(names).toEqual(["Api"]);
});

test("Deliver can load the event bus client on demand", () => {
  expect(build("Deliver").packages).toHaveProperty(["@aws-sdk/client-eventbridge"]);
});

test.each(NAMES)("%s has exactly the packages installed that its bundle lacks", (name) => {
  const { missing = [], external = [], install } = build(name);
  expect(missing.filter((imported) => !external.includes(imported))).toEqual(install);
  expect(build(name).install).toEqual(["Archive", "Reduce"].includes(name) ? ["sharp"] : []);
});

test.each(NAMES)(
  "%s lacks only credential providers, which are not needed because the environment has the credentials",
  (name) => {
    const { missing = [], external = [] } = build(name);
    for (const excluded of missing.filter((imported) => external.includes(imported))) {
      expect(excluded).toMatch(/\/credential-provider-\w/);
    }
  },
);

test("sharp is pinned and is available for arm64, on which the functions run", () => {
  const read = (file: string) => JSON.parse(readFileSync(new URL(`../../${file}`, import.meta.url), "utf8"));
  const { dependencies } = read("package.json");
  const { packages } = read("package-lock.json");
  // SST takes the version from package.json, and "*" if package.json has none.
  expect(dependencies.sharp).toMatch(/^\d+\.\d+\.\d+$/);
  expect(packages["node_modules/sharp"].version).toBe(dependencies.sharp);
  expect(packages["node_modules/sharp"].optionalDependencies).toHaveProperty(["@img/sharp-linux-arm64"]);
});

test("only the bundles of the API and its streams contain hono", () => {
  const names = infra.builds.filter(({ packages }) => packages?.["hono"]).map(({ name }) => name);
  expect(names.sort()).toEqual(["Api", "Stream"]);
});

test("every alarm and chart uses a metric that its function counts", () => {
  const alarms = all(infra, "aws:cloudwatch/metricAlarm:MetricAlarm").flatMap(({ inputs }) => metricsOfAlarm(inputs));
  const ours = [...alarms, ...metricsOfDashboard(infra)].filter(({ namespace }) => namespace === "mjflow");
  expect(ours.length).toBeGreaterThan(0);
  const uncounted = ours.filter(({ metricName, dimensions }) => {
    const found = infra.builds.find(({ name }) => name.toLowerCase() === dimensions["Function"]);
    return !found?.counts?.includes(metricName);
  });
  expect(uncounted).toEqual([]);
});
