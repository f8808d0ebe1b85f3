import { describe, expect, it } from "vitest";
import { FLOW, NOW, taskIn } from "../test/sample.ts";
import { FAILURES, type FailureCode, failure } from "./error.ts";
import type { Flow } from "./flow.ts";
import { findLostTask, mayRestart } from "./restart.ts";
import type { Task } from "./task.ts";

const flow: Flow = {
  ...{ id: FLOW, appId: "app_a", rev: 1, status: "running", action: "imagine", provider: "sim", account: "a" },
  ...{ progress: false, createdAt: NOW, onVendorLoss: "restart" },
};
const root = taskIn("SUCCESS");
const branch = (code: FailureCode, path = "0-0", more: Partial<Task> = {}): Task =>
  taskIn("FAILURE", { path, failure: failure(code), ...more });
const FOR_GOOD = ["provider_missing", "vendor_unauthorized", "vendor_out_of_money"] as const;
const LEFT = ["deadline_passed", "vendor_lost", "submission_unclear"] as const;

describe("a flow that has a picture, and a branch whose vendor is lost", () => {
  it.each([...FOR_GOOD, ...LEFT])("owes its app another, which asked for that: %s", (code) => {
    expect(mayRestart(flow, "completed", [root, branch(code)])).toBe(true);
  });

  it.each([
    ["a branch of a branch", "0-1-0"],
    ["the eleventh branch", "0-10"],
    ["a branch that was tried a second time", "0-mrmr2"],
    ["a branch of a root that was tried again", "0-mr-3"],
  ])("owes it whichever part of the plan is lost: %s", (_, path) => {
    expect(mayRestart(flow, "completed", [root, branch("provider_missing", path)])).toBe(true);
  });

  it("owes it nothing that did not ask, nor a second time, nor where it is the second itself", () => {
    const tasks = [root, branch("provider_missing")];
    expect(mayRestart({ ...flow, onVendorLoss: undefined }, "completed", tasks)).toBe(false);
    expect(mayRestart({ ...flow, restartedAs: FLOW }, "completed", tasks)).toBe(false);
    expect(mayRestart({ ...flow, restartOf: FLOW }, "completed", tasks)).toBe(false);
  });

  it("owes nothing when its root failed, or it was called off", () => {
    for (const status of ["failed", "canceled", "running"] as const) {
      expect(mayRestart(flow, status, [root, branch("provider_missing")])).toBe(false);
    }
  });

  it("owes nothing for what another vendor would not do either", () => {
    const others = Object.keys(FAILURES).filter((code) => ![...FOR_GOOD, ...LEFT].includes(code as never));
    for (const code of others)
      expect(mayRestart(flow, "completed", [root, branch(code as FailureCode)]), code).toBe(false);
  });

  it("owes nothing for what was pressed by hand, or has been tried again", () => {
    expect(mayRestart(flow, "completed", [root, branch("provider_missing", "0-m7QK2M9XA")])).toBe(false);
    expect(mayRestart(flow, "completed", [root, branch("provider_missing", "0-m1234567-0")])).toBe(false);
    const retried = [root, branch("provider_missing", "0-2"), taskIn("SUCCESS", { path: "0-mr2" })];
    expect(mayRestart(flow, "completed", retried)).toBe(false);
    const again = [root, branch("provider_missing", "0-2"), branch("provider_missing", "0-mr2")];
    expect(mayRestart(flow, "completed", again)).toBe(true);
  });
});

describe("what is lost", () => {
  it.each(FOR_GOOD)("%s, whether or not the account is still there", (code) => {
    for (const isThere of [true, false]) expect(findLostTask([root, branch(code)], () => isThere)?.path).toBe("0-0");
  });

  it.each(LEFT)("%s, only where there is no such account any more", (code) => {
    expect(findLostTask([root, branch(code)], () => true)).toBeUndefined();
    expect(findLostTask([root, branch(code)], () => false)?.path).toBe("0-0");
  });
});
