import { expect, test } from "vitest";
import { checkedLog, wrongLine } from "./log-line.ts";

const nothing = () => {};
const log = checkedLog({ info: nothing, warn: nothing, error: nothing, count: nothing });

test.each([
  ["info", "flow.ended", { flow: "flow_1", status: "completed", tasks: 5 }],
  ["warn", "account.callbacks", { provider: "fake", account: "a", callbacks: "silent", before: undefined }],
  ["error", "batch.bug", { error: "Error: x" }],
])("%s %s has its fields", (level, event, fields) => {
  expect(wrongLine(level, event, fields)).toBeUndefined();
});

test.each([
  ["info", "", {}, 'No line of the log has the name ""'],
  ["info", "flow.over", {}, "No line of the log"],
  ["info", "toString", {}, "No line of the log"],
  ["warn", "flow.ended", { flow: "flow_1", status: "completed", tasks: 5 }, "has the level info, not warn"],
  ["info", "flow.ended", {}, "missing: flow status tasks"],
  ["info", "flow.ended", { flow: "flow_1", status: "failed", tasks: 5, why: "x" }, "unknown: why"],
])("%s %j with %j is wrong", (level, event, fields, why) => {
  expect(wrongLine(level, event, fields)).toContain(why);
});

test("the log of a test refuses a wrong line and an unknown metric", () => {
  expect(() => log.info("flow.over")).toThrow(/No line/);
  expect(() => log.count("Flows" as never)).toThrow(/No metric/);
  expect(() => log.count("FlowsEnded", 2)).not.toThrow();
});
