import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NOW, pending, taskIn } from "../test/sample.ts";
import {
  countsOf,
  type Flow,
  type FlowStatus,
  flowStatus,
  isEndRecorded,
  nextFlowDue,
  paceOf,
  vendorActionOf,
} from "./flow.ts";
import { ENDED, type Task, type TaskStatus } from "./task.ts";
import { TIMINGS } from "./timing.ts";

const at = (path: string, status: TaskStatus, presses = 0): Task => ({
  ...taskIn(status),
  path,
  ...(presses > 0 && { then: Array.from({ length: presses }, (_, i) => ({ press: `U${i + 1}` })) }),
});

describe("flowStatus", () => {
  it.each([
    ["no task is stored yet", [], "running"],
    ["the root is missing", [at("0-1", "SUCCESS")], "running"],
    ["the root is submitted", [at("0", "SUBMITTED")], "running"],
    ["a root without a plan succeeded", [at("0", "SUCCESS")], "completed"],
    ["the root failed, so its follow-ups never start", [at("0", "FAILURE", 4)], "failed"],
    ["the root expired", [at("0", "EXPIRED")], "failed"],
    ["the vendor canceled the root", [at("0", "CANCEL")], "failed"],
    ["the follow-ups are not stored yet", [at("0", "SUCCESS", 2)], "running"],
    ["one of two follow-ups is stored", [at("0", "SUCCESS", 2), at("0-0", "SUCCESS")], "running"],
    ["one of two follow-ups runs", [at("0", "SUCCESS", 2), at("0-0", "SUCCESS"), at("0-1", "PENDING")], "running"],
    [
      "both follow-ups ended, one with a failure",
      [at("0", "SUCCESS", 2), at("0-0", "SUCCESS"), at("0-1", "FAILURE")],
      "completed",
    ],
    ["a grandchild is missing", [at("0", "SUCCESS", 1), at("0-0", "SUCCESS", 1)], "running"],
    ["a branch with a plan failed", [at("0", "SUCCESS", 1), at("0-0", "FAILURE", 3)], "completed"],
    ["a press by the app runs", [at("0", "SUCCESS"), at("0-mABC", "IN_PROGRESS")], "running"],
    ["a press by the app does not replace a planned one", [at("0", "SUCCESS", 1), at("0-mABC", "SUCCESS")], "running"],
    ["a grandchild does not replace a child", [at("0", "SUCCESS", 1), at("0-0-0", "SUCCESS")], "running"],
  ] as [string, Task[], string][])("if %s, the tasks %o give the status %s", (_, tasks, status) => {
    expect(flowStatus(tasks)).toBe(status);
  });

  it("the status does not depend on the order of the tasks", () => {
    const tasks = [at("0", "SUCCESS", 2), at("0-0", "SUCCESS", 1), at("0-1", "FAILURE"), at("0-0-0", "CANCEL")];
    fc.assert(fc.property(fc.shuffledSubarray(tasks, { minLength: 4 }), (mixed) => flowStatus(mixed) === "completed"));
  });

  it("a flow has ended only if every task has ended", () => {
    const status = fc.constantFrom<TaskStatus>("PENDING", "SUBMITTED", "SUCCESS", "FAILURE", "EXPIRED", "MODAL");
    fc.assert(
      fc.property(fc.array(status, { minLength: 1, maxLength: 6 }), (statuses) => {
        const tasks = statuses.map((s, i) => at(i === 0 ? "0" : `0-m${i}`, s));
        expect(flowStatus(tasks) !== "running").toBe(statuses.every((s) => ENDED.has(s)));
      }),
    );
  });
});

describe("nextFlowDue", () => {
  const waiting = (due: number, own = false): Task => ({ ...pending(), due, ...(!own && { flowDue: due }) });
  const ended = (due: number): Task => ({ ...waiting(due), status: "SUCCESS", then: [{ press: "U1" }] });
  it.each([
    ["is the due time of a task created now if no task waits", {}, [], TIMINGS.quietMs.fast],
    ["is the due time of a task created now, also for turbo", { mode: "turbo" }, [], TIMINGS.quietMs.turbo],
    ["is not later than the due time of a video task created now", { mode: "relax" }, [], TIMINGS.quietMs.video],
    ["is the earliest due time of the waiting tasks", {}, [waiting(NOW + 9), waiting(NOW + 7)], 7],
    ["is in the past if a task is overdue", {}, [waiting(NOW - 7)], -7],
    ["ignores a task with its own index entry", {}, [waiting(NOW + 9, true)], TIMINGS.quietMs.fast],
    ["ignores an ended task", {}, [{ ...waiting(NOW + 9), status: "FAILURE", due: undefined }], TIMINGS.quietMs.fast],
    ["is the due time of an ended task with a missing follow-up", {}, [ended(NOW + 9)], 9],
    [
      "ignores an ended task with all its follow-ups",
      {},
      [ended(NOW + 9), at("0-0", "SUBMITTED")],
      TIMINGS.quietMs.fast,
    ],
    ["ignores an ended task without a plan", {}, [{ ...ended(NOW + 9), then: undefined }], TIMINGS.quietMs.fast],
    ["ignores a task without due time", {}, [{ ...waiting(NOW + 9), due: undefined }], TIMINGS.quietMs.fast],
  ] as [string, Pick<Flow, "mode">, Task[], number][])("the next due time of a flow %s", (_, flow, tasks, afterMs) => {
    expect(nextFlowDue(flow, tasks, NOW, TIMINGS)).toBe(NOW + afterMs);
  });
});

it("vendorActionOf returns the action name in the spelling of the vendor protocol", () => {
  expect(vendorActionOf("imagine")).toBe("IMAGINE");
  expect(vendorActionOf("swap-face")).toBe("SWAP_FACE");
});

describe("isEndRecorded", () => {
  const done = [at("0", "SUCCESS")];
  it.each([
    ["true once the end is recorded", { status: "completed" }, done, true],
    ["false before the end is recorded", { status: "running" }, done, false],
    ["false if the recorded end differs from the status of the tasks", { status: "failed" }, done, false],
    ["false while a press after the end runs", { status: "completed" }, [...done, at("0-mABC", "SUBMITTED")], false],
    ["false while the credit hold of that press is not settled", { status: "completed", reopened: true }, done, false],
    ["false while the flow runs", { status: "running" }, [at("0", "SUBMITTED")], false],
  ] as [string, { status: FlowStatus; reopened?: boolean }, Task[], boolean][])(
    "isEndRecorded is %s",
    (_, flow, tasks, recorded) => {
      expect(isEndRecorded(flow, tasks)).toBe(recorded);
    },
  );
});

describe("countsOf", () => {
  it("counts are the sums over the tasks, and the writes include those of the flow", () => {
    const task = { ...pending(), rev: 6, attempt: 2, modals: 1, callbacks: 3, duplicates: 4, lookups: 5 };
    const twice = { submissions: 4, modals: 2, callbacks: 6, duplicates: 8, lookups: 10 };
    expect(countsOf({ rev: 2 }, [task, task])).toEqual({ ...twice, writes: 14 });
    const none = { submissions: 0, modals: 0, callbacks: 0, duplicates: 0, lookups: 0 };
    expect(countsOf({ rev: 1 }, [])).toEqual({ ...none, writes: 1 });
  });
});

it("videos have their own pace, and an unset mode counts as fast", () => {
  expect(paceOf("turbo", "VIDEO")).toBe("video");
  expect(paceOf("relax", "IMAGINE")).toBe("relax");
  expect(paceOf(undefined, "IMAGINE")).toBe("fast");
  expect(paceOf(undefined, "IMAGINE", { prompt: "x --turbo" })).toBe("turbo");
  const filtered = (...modes: ("FAST" | "RELAX" | "TURBO")[]) =>
    paceOf(undefined, "IMAGINE", { accountFilter: { modes } });
  expect([filtered("RELAX"), filtered("RELAX", "FAST"), filtered("FAST", "TURBO"), filtered()]).toEqual([
    "relax",
    "fast",
    "turbo",
    "fast",
  ]);
  expect(paceOf(undefined, "IMAGINE", { accountFilter: { remark: "x" } })).toBe("fast");
  expect(paceOf("turbo", "IMAGINE", { prompt: "x --relax" })).toBe("relax");
  expect(paceOf(undefined, "IMAGINE", { accountFilter: { modes: ["RELAX", "TURBO"] } })).toBe("turbo");
  expect(paceOf("relax", "IMAGINE", { accountFilter: { modes: ["TURBO"] } })).toBe("relax");
  expect(paceOf("turbo", "VIDEO", { prompt: "x --relax" })).toBe("video");
});
