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
const PERMANENT = ["provider_missing", "vendor_unauthorized", "vendor_out_of_money"] as const;
const UNREACHABLE = ["deadline_passed", "vendor_lost", "vendor_stalled", "submission_unclear"] as const;

describe("mayRestart for a flow whose root has an image and whose branch lost its vendor", () => {
  it.each([...PERMANENT, ...UNREACHABLE])("the flow restarts after %s if the app wants a restart", (code) => {
    expect(mayRestart(flow, "completed", [root, branch(code)])).toBe(true);
  });

  it.each([
    ["a branch of a branch", "0-1-0"],
    ["the eleventh branch", "0-10"],
    ["a branch that was retried twice", "0-mrmr2"],
    ["a branch of a retried root", "0-mr-3"],
  ])("the flow restarts if this part of the plan is lost: %s", (_, path) => {
    expect(mayRestart(flow, "completed", [root, branch("provider_missing", path)])).toBe(true);
  });

  it("the flow does not restart if the app wants none, if it restarted before or if it is itself a restart (VL2)", () => {
    const tasks = [root, branch("provider_missing")];
    expect(mayRestart({ ...flow, onVendorLoss: undefined }, "completed", tasks)).toBe(false);
    expect(mayRestart({ ...flow, restartedAs: FLOW }, "completed", tasks)).toBe(false);
    expect(mayRestart({ ...flow, restartOf: FLOW }, "completed", tasks)).toBe(false);
  });

  it("the flow does not restart if the root failed or the flow was canceled (VL1)", () => {
    for (const status of ["failed", "canceled", "running"] as const) {
      expect(mayRestart(flow, status, [root, branch("provider_missing")])).toBe(false);
    }
  });

  it("the flow does not restart after failures that are no vendor loss", () => {
    const others = Object.keys(FAILURES).filter((code) => ![...PERMANENT, ...UNREACHABLE].includes(code as never));
    for (const code of others)
      expect(mayRestart(flow, "completed", [root, branch(code as FailureCode)]), code).toBe(false);
  });

  it("the flow does not restart for a lost press by the app or for a lost task with a successful retry", () => {
    expect(mayRestart(flow, "completed", [root, branch("provider_missing", "0-m7QK2M9XA")])).toBe(false);
    expect(mayRestart(flow, "completed", [root, branch("provider_missing", "0-m1234567-0")])).toBe(false);
    const retried = [root, branch("provider_missing", "0-2"), taskIn("SUCCESS", { path: "0-mr2" })];
    expect(mayRestart(flow, "completed", retried)).toBe(false);
    const again = [root, branch("provider_missing", "0-2"), branch("provider_missing", "0-mr2")];
    expect(mayRestart(flow, "completed", again)).toBe(true);
  });
});

describe("findLostTask", () => {
  it.each(PERMANENT)("a task with %s is lost whether or not the account exists", (code) => {
    for (const exists of [true, false]) expect(findLostTask([root, branch(code)], () => exists)?.path).toBe("0-0");
  });

  it.each(UNREACHABLE)("a task with %s is lost only if its account no longer exists", (code) => {
    expect(findLostTask([root, branch(code)], () => true)).toBeUndefined();
    expect(findLostTask([root, branch(code)], () => false)?.path).toBe("0-0");
  });
});
