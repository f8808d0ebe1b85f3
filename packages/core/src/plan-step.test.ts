import { describe, expect, test } from "vitest";
import type { Press } from "./plan.ts";
import { planSteps } from "./plan-step.ts";
import type { Task } from "./task.ts";

const task = (path: string, status: Task["status"], more: Partial<Task> = {}) => ({ path, status, ...more }) as Task;
const PLAN: Press[] = [
  { press: "U1", then: [{ press: "zoom:2" }, { press: "pan:left" }] },
  { press: "V2", modal: { prompt: "at night" } },
];
const shown = (tasks: readonly Task[], flow = {}) =>
  planSteps(flow, tasks).map(({ path, press, status }) => `${path} ${press} ${status}`);

describe("planSteps", () => {
  test("before the root has ended, all steps are planned, with the paths that their tasks will have", () => {
    expect(planSteps({}, [task("0", "SUBMITTED", { then: PLAN })])).toEqual([
      { path: "0-0", parentPath: "0", press: "U1", status: "planned" },
      { path: "0-0-0", parentPath: "0-0", press: "zoom:2", status: "planned" },
      { path: "0-0-1", parentPath: "0-0", press: "pan:left", status: "planned" },
      { path: "0-1", parentPath: "0", press: "V2", modal: { prompt: "at night" }, status: "planned" },
    ]);
  });

  test("a task gives its step the status, and a failed one skips what is below it", () => {
    const tasks = [task("0", "SUCCESS", { then: PLAN }), task("0-0", "FAILURE"), task("0-1", "IN_PROGRESS")];
    expect(shown(tasks)).toEqual(["0-0 U1 failed", "0-0-0 zoom:2 skipped", "0-0-1 pan:left skipped", "0-1 V2 running"]);
    const root = task("0", "FAILURE", { then: PLAN });
    expect(new Set(planSteps({}, [root]).map(({ status }) => status))).toEqual(new Set(["skipped"]));
  });

  test("a retry takes the place of the failed task, and its children are below it", () => {
    const tasks = [
      task("0", "SUCCESS", { then: PLAN }),
      task("0-0", "FAILURE"),
      task("0-mr0", "EXPIRED"),
      task("0-mrmr0", "SUCCESS"),
      task("0-mrmr0-0", "SUBMITTED"),
      task("0-1", "SUCCESS"),
    ];
    expect(shown(tasks)).toEqual([
      "0-mrmr0 U1 done",
      "0-mrmr0-0 zoom:2 running",
      "0-mrmr0-1 pan:left planned",
      "0-1 V2 done",
    ]);
  });

  test("a retry of the root takes over the plan of the root", () => {
    const tasks = [
      task("0", "FAILURE", { then: PLAN }),
      task("0-mr", "SUCCESS", { then: PLAN }),
      task("0-mr-0", "SUCCESS"),
    ];
    expect(shown(tasks)).toEqual([
      "0-mr-0 U1 done",
      "0-mr-0-0 zoom:2 planned",
      "0-mr-0-1 pan:left planned",
      "0-mr-1 V2 planned",
    ]);
  });

  test("a late success of a retried task keeps its own children", () => {
    const tasks = [task("0", "SUCCESS", { then: PLAN }), task("0-0", "SUCCESS"), task("0-mr0", "FAILURE")];
    expect(shown(tasks)[0]).toBe("0-0 U1 done");
  });

  test("in a canceled flow, steps without a task and tasks that the cancellation ended are skipped", () => {
    const canceled = { code: "canceled", message: "" } as const;
    const tasks = [task("0", "SUCCESS", { then: PLAN }), task("0-0", "CANCEL", { failure: canceled })];
    expect(shown(tasks, { canceledAt: 1 })).toEqual([
      "0-0 U1 skipped",
      "0-0-0 zoom:2 skipped",
      "0-0-1 pan:left skipped",
      "0-1 V2 skipped",
    ]);
  });

  test("the plan below a press of the app has its steps, too", () => {
    const tasks = [task("0", "SUCCESS"), task("0-mX7Q", "SUCCESS", { then: [{ press: "square" }] })];
    expect(shown(tasks)).toEqual(["0-mX7Q-0 square planned"]);
  });

  test("a flow without a plan has no steps", () => {
    expect(planSteps({}, [task("0", "SUCCESS")])).toEqual([]);
  });
});
