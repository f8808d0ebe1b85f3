/** Each function as it would be uploaded: that it runs with what it is given, and that nobody's weight creeps in. */
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

test("every function has a budget", () => {
  expect(infra.builds.map(({ name }) => name).sort()).toEqual([...NAMES].sort());
});

test.each(BUDGETS)("%s starts with less than %i kB", (name, budget) => {
  expect(kb(name)).toBeGreaterThan(0);
  expect(kb(name)).toBeLessThan(budget);
});

test.each([
  // To a caller without a token; to a question about itself; to an empty batch.
  ["Callback", { statusCode: 401 }],
  ["Api", { streamed: 200 }],
  ["Submit", { batchItemFailures: [] }],
  ["Deliver", { batchItemFailures: [] }],
  ["Archive", { batchItemFailures: [] }],
  ["Deadletter", { batchItemFailures: [] }],
  ["Sweep", { asked: "the table" }],
])("%s answers, with its own links and no others", (name, answer) => {
  expect(build(name).answer).toMatchObject(answer);
});

/** The queues are one part with three addresses, each read when something goes that way: see send.infra.ts. */
const isQueue = (link: string) => link.endsWith("Queue");

test.each(NAMES)("%s has every link that its code reads, and no other", (name) => {
  const reads = build(name).reads!.filter((link) => link in infra.links && !isQueue(link));
  expect(reads).toEqual(LINKS[name]!.filter((link) => !isQueue(link)));
});

// Split bundles carry a file of it even where nothing imports it any more: esbuild makes one for each `import()` it reads.
test.each(NAMES)("%s starts without S3, the event bus and the image library", (name) => {
  expect(build(name).eagerPackages).toHaveProperty(["@aws-sdk/client-dynamodb"]);
  expect(build(name).eagerPackages).not.toHaveProperty(["@aws-sdk/client-s3"]);
  expect(build(name).eagerPackages).not.toHaveProperty(["@aws-sdk/client-eventbridge"]);
  expect(build(name).eagerPackages).not.toHaveProperty(["sharp"]);
});

test.each(["Api", "Submit", "Archive"])("%s has S3 for when it needs it", (name) => {
  expect(build(name).packages).toHaveProperty(["@aws-sdk/client-s3"]);
});

test("the function that tells has the event bus for when there is one", () => {
  expect(build("Deliver").packages).toHaveProperty(["@aws-sdk/client-eventbridge"]);
});

test.each(NAMES)("%s finds beside it what is not in its bundle, and nothing else is there", (name) => {
  const { missing = [], external = [], install } = build(name);
  expect(missing.filter((imported) => !external.includes(imported))).toEqual(install);
  expect(build(name).install).toEqual(name === "Archive" ? ["sharp"] : []);
});

test.each(NAMES)(
  "%s is left without one thing only: other places to find credentials, which the environment has",
  (name) => {
    const { missing = [], external = [] } = build(name);
    for (const left of missing.filter((imported) => external.includes(imported))) {
      expect(left).toMatch(/\/credential-provider-\w/);
    }
  },
);

test("what is installed is pinned, and is there for the processor that functions run on", () => {
  const read = (file: string) => JSON.parse(readFileSync(new URL(`../../${file}`, import.meta.url), "utf8"));
  const { dependencies } = read("package.json");
  const { packages } = read("package-lock.json");
  // SST takes the version from here, and "*" where there is none.
  expect(dependencies.sharp).toMatch(/^\d+\.\d+\.\d+$/);
  expect(packages["node_modules/sharp"].version).toBe(dependencies.sharp);
  expect(packages["node_modules/sharp"].optionalDependencies).toHaveProperty(["@img/sharp-linux-arm64"]);
});

test("only the API has a framework", () => {
  expect(infra.builds.filter(({ packages }) => packages?.["hono"]).map(({ name }) => name)).toEqual(["Api"]);
});

test("alarms and charts are of what their function does count", () => {
  const alarms = all(infra, "aws:cloudwatch/metricAlarm:MetricAlarm").flatMap(({ inputs }) => metricsOfAlarm(inputs));
  const ours = [...alarms, ...metricsOfDashboard(infra)].filter(({ namespace }) => namespace === "mjflow");
  expect(ours.length).toBeGreaterThan(0);
  const uncounted = ours.filter(({ metricName, dimensions }) => {
    const found = infra.builds.find(({ name }) => name.toLowerCase() === dimensions["Function"]);
    return !found?.counts?.includes(metricName);
  });
  expect(uncounted).toEqual([]);
});
