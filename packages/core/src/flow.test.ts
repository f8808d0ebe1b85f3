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

describe("how a flow stands", () => {
  it.each([
    ["no task is stored yet", [], "running"],
    ["the root is not there", [at("0-1", "SUCCESS")], "running"],
    ["the root waits", [at("0", "SUBMITTED")], "running"],
    ["a plain root succeeded", [at("0", "SUCCESS")], "completed"],
    ["the root failed, so its plan never starts", [at("0", "FAILURE", 4)], "failed"],
    ["the root expired", [at("0", "EXPIRED")], "failed"],
    ["the root was cancelled", [at("0", "CANCEL")], "failed"],
    ["its follow-ups are not stored yet", [at("0", "SUCCESS", 2)], "running"],
    ["one of two is stored", [at("0", "SUCCESS", 2), at("0-0", "SUCCESS")], "running"],
    ["one of two runs", [at("0", "SUCCESS", 2), at("0-0", "SUCCESS"), at("0-1", "PENDING")], "running"],
    ["both ended, one of them badly", [at("0", "SUCCESS", 2), at("0-0", "SUCCESS"), at("0-1", "FAILURE")], "completed"],
    ["a grandchild is missing", [at("0", "SUCCESS", 1), at("0-0", "SUCCESS", 1)], "running"],
    ["a branch failed above its plan", [at("0", "SUCCESS", 1), at("0-0", "FAILURE", 3)], "completed"],
    ["a press by hand runs", [at("0", "SUCCESS"), at("0-mABC", "IN_PROGRESS")], "running"],
    ["a press by hand stands for no planned one", [at("0", "SUCCESS", 1), at("0-mABC", "SUCCESS")], "running"],
    ["a deeper child stands for no nearer one", [at("0", "SUCCESS", 1), at("0-0-0", "SUCCESS")], "running"],
  ] as [string, Task[], string][])("%s: %o", (_, tasks, status) => {
    expect(flowStatus(tasks)).toBe(status);
  });

  it("does not depend on the order tasks are read in", () => {
    const tasks = [at("0", "SUCCESS", 2), at("0-0", "SUCCESS", 1), at("0-1", "FAILURE"), at("0-0-0", "CANCEL")];
    fc.assert(fc.property(fc.shuffledSubarray(tasks, { minLength: 4 }), (mixed) => flowStatus(mixed) === "completed"));
  });

  it("has ended only when every task has", () => {
    const status = fc.constantFrom<TaskStatus>("PENDING", "SUBMITTED", "SUCCESS", "FAILURE", "EXPIRED", "MODAL");
    fc.assert(
      fc.property(fc.array(status, { minLength: 1, maxLength: 6 }), (statuses) => {
        const tasks = statuses.map((s, i) => at(i === 0 ? "0" : `0-m${i}`, s));
        expect(flowStatus(tasks) !== "running").toBe(statuses.every((s) => ENDED.has(s)));
      }),
    );
  });
});

describe("a running flow is looked at", () => {
  const waiting = (due: number, own = false): Task => ({ ...pending(), due, ...(!own && { flowDue: due }) });
  it.each([
    ["as soon as a task that is created now would be", {}, [], TIMINGS.quietMs.fast],
    ["so too at another pace", { mode: "turbo" }, [], TIMINGS.quietMs.turbo],
    ["no later than a video that is pressed on it", { mode: "relax" }, [], TIMINGS.quietMs.video],
    ["when the first of its tasks is due", {}, [waiting(NOW + 9), waiting(NOW + 7)], 7],
    ["at once when one is overdue", {}, [waiting(NOW - 7)], -7],
    ["not for one that is looked at by itself", {}, [waiting(NOW + 9, true)], TIMINGS.quietMs.fast],
    ["not for one that has ended", {}, [{ ...waiting(NOW + 9), status: "FAILURE" }], TIMINGS.quietMs.fast],
    ["not for one that waits for nothing", {}, [{ ...waiting(NOW + 9), due: undefined }], TIMINGS.quietMs.fast],
  ] as [string, Pick<Flow, "mode">, Task[], number][])("%s", (_, of, tasks, afterMs) => {
    expect(nextFlowDue(of, tasks, NOW, TIMINGS)).toBe(NOW + afterMs);
  });
});

it("the protocol writes actions in its own way", () => {
  expect(vendorActionOf("imagine")).toBe("IMAGINE");
  expect(vendorActionOf("swap-face")).toBe("SWAP_FACE");
});

describe("a flow is closed", () => {
  const done = [at("0", "SUCCESS")];
  it.each([
    ["once its end is recorded", { status: "completed" }, done, true],
    ["not before", { status: "running" }, done, false],
    ["not with another end than its tasks come to", { status: "failed" }, done, false],
    ["not while a press after its end runs", { status: "completed" }, [...done, at("0-mABC", "SUBMITTED")], false],
    ["not while what that press held is not settled", { status: "completed", reopened: true }, done, false],
    ["not while it runs", { status: "running" }, [at("0", "SUBMITTED")], false],
  ] as [string, { status: FlowStatus; reopened?: boolean }, Task[], boolean][])("%s", (_, flow, tasks, closed) => {
    expect(isEndRecorded(flow, tasks)).toBe(closed);
  });
});

describe("what a flow cost", () => {
  it("is the sum over its tasks, and its own writes", () => {
    const task = { ...pending(), rev: 6, attempt: 2, modals: 1, callbacks: 3, duplicates: 4, lookups: 5 };
    const twice = { submissions: 4, modals: 2, callbacks: 6, duplicates: 8, lookups: 10 };
    expect(countsOf({ rev: 2 }, [task, task])).toEqual({ ...twice, writes: 14 });
    const none = { submissions: 0, modals: 0, callbacks: 0, duplicates: 0, lookups: 0 };
    expect(countsOf({ rev: 1 }, [])).toEqual({ ...none, writes: 1 });
  });
});

it("videos have a pace of their own; modes unset count as fast", () => {
  expect(paceOf("turbo", "VIDEO")).toBe("video");
  expect(paceOf("relax", "IMAGINE")).toBe("relax");
  expect(paceOf(undefined, "IMAGINE")).toBe("fast");
});
