/** Checks what a second deployment would change. A change without a cause would replace resources at each upgrade. */
import { expect, test } from "vitest";
import { differences } from "./diff.ts";
import { EVERYTHING, evaluated } from "./evaluated.ts";

test.each([
  ["trial", {}],
  ["production", EVERYTHING],
])(
  "a second deployment of %s changes nothing, although SST draws other random names",
  async (stage, env) => {
    const state = await evaluated(stage, { env });
    expect(differences(state, await evaluated(stage, { env, state }))).toEqual([]);
  },
  180_000,
);

test("production is deployed again after its trial stage was removed", async () => {
  const state = await evaluated("production");
  expect(differences(state, await evaluated("production", { state, flags: ["--stages="] }))).toEqual([]);
});

test("a diff shows the functions with a changed setting, a new resource and one that is gone", async () => {
  const state = await evaluated("trial", { env: { MJFLOW_ALARMS: "off" } });
  const next = await evaluated("trial", {
    env: { MJFLOW_ALARMS: "off", MJFLOW_LOG: "error", MJFLOW_BUS: "on" },
    state,
  });
  const found = differences(state, next);
  expect(found).toContain("create aws:cloudwatch/eventBus:EventBus BusBus");
  expect(found).toContain("change aws:lambda/function:Function SweepFunction: environment");
  expect(found.filter((line) => line.includes("Queue") || line.includes("Table"))).toEqual([]);
  expect(differences(next, state)).toContain("delete aws:cloudwatch/eventBus:EventBus BusBus");
});

test("the check sees a name that is drawn again", async () => {
  const state = await evaluated("trial", { env: { MJFLOW_ALARMS: "off" } });
  // Without a former state nothing keeps the names.
  const next = await evaluated("trial", { env: { MJFLOW_ALARMS: "off" }, state: { resources: [] } });
  expect(differences(state, next)).toContain("change aws:dynamodb/table:Table TableTable: name");
});
