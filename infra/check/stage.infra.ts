/** What stages have in common, what only production has, and what an evaluation itself must be. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { evaluated } from "./evaluated.ts";
import { all, functionOf } from "./model.ts";
import { tableIsTheStores } from "./rule/table.ts";

test("two evaluations at once say the same", async () => {
  const [one, other] = await Promise.all([evaluated("production"), evaluated("production")]);
  const sorted = (infra: typeof one) => infra.resources.map((resource) => JSON.stringify(resource)).sort();
  expect(sorted(one)).toEqual(sorted(other));
});

test("a trial stage can be removed, and takes nothing out of a small account", async () => {
  const trial = await evaluated("trial");
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
  expect(tableIsTheStores(dev)).toEqual([]);
});

test("nothing of one stage bears another's name", async () => {
  const trial = JSON.stringify(await evaluated("trial"));
  expect(trial).toContain("mjflow-trial-");
  expect(trial).not.toContain("mjflow-production-");
});

test("without a previous hook key there is an empty one, which the code passes over", async () => {
  const { links } = await evaluated("production", { flags: ["--without", "PreviousHookKey"] });
  expect(links["PreviousHookKey"]?.["value"]).toBe("");
});

test.each(["HookKey", "ApiKey", "Providers"])("without %s nothing is deployed", async (name) => {
  await expect(evaluated("production", { flags: ["--without", name] })).rejects.toThrow(`Set a value for ${name}`);
});

test("a mail address for alarms is subscribed to them", async () => {
  const mails = async (env: Record<string, string>) =>
    (await evaluated("trial", { env })).resources.filter(
      ({ type }) => type === "aws:sns/topicSubscription:TopicSubscription",
    );
  expect(await mails({ MJFLOW_ALARM_EMAIL: "" })).toEqual([]);
  expect(await mails({ MJFLOW_ALARM_EMAIL: "ops@example.com" })).toMatchObject([
    { inputs: { endpoint: "ops@example.com", protocol: "email" } },
  ]);
});

test("sst-env.d.ts is what infra/ links", async () => {
  const script = fileURLToPath(new URL("env.mjs", import.meta.url));
  await promisify(execFile)(process.execPath, [script, "--check"]);
});
