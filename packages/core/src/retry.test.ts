/** Paths of retries in a lineage, and the flow status that results from retries. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FLOW, taskIn } from "../test/sample.ts";
import { failure } from "./error.ts";
import { flowStatus, isSuperseded } from "./flow.ts";
import {
  childPath,
  depthOf,
  isPlannedChild,
  parentPath,
  parseTaskId,
  ROOT_PATH,
  retriedPath,
  retryPath,
  rootPath,
  taskIdOf,
} from "./id.ts";
import type { Task, TaskStatus } from "./task.ts";

const segment = fc.oneof(fc.nat(199).map(String), fc.stringMatching(/^m[0-9A-Z]{8}$/));
const path = fc.array(segment, { maxLength: 6 }).map((segments) => segments.reduce(childPath, ROOT_PATH));

describe("paths of retries", () => {
  it.each([
    ["0", "0-mr"],
    ["0-mr", "0-mrmr"],
    ["0-2", "0-mr2"],
    ["0-mr2", "0-mrmr2"],
    ["0-2-mX7QABCDE", "0-2-mrmX7QABCDE"],
    ["0-mr-3", "0-mr-mr3"],
  ])("the retry of %s has the path %s", (of, retry) => {
    expect(retryPath(of)).toBe(retry);
    expect(retriedPath(retry)).toBe(of);
  });

  it("for every path, a retry has the depth and the parent of the retried task and is no planned child", () => {
    fc.assert(
      fc.property(path, fc.integer({ min: 1, max: 5 }), (of, times) => {
        let at = of;
        for (let i = 0; i < times; i++) {
          const retry = retryPath(at)!;
          expect(retriedPath(retry)).toBe(at);
          at = retry;
        }
        expect(parentPath(at)).toBe(parentPath(of));
        expect(depthOf(at)).toBe(depthOf(of));
        expect(isPlannedChild(at, parentPath(of) ?? ROOT_PATH)).toBe(false);
        expect(parseTaskId(taskIdOf(FLOW, at))).toEqual({ flowId: FLOW, path: at });
        expect(depthOf(childPath(at, 0))).toBe(depthOf(of) + 1);
        expect(rootPath(childPath(at, 0))).toBe(of === ROOT_PATH ? at : rootPath(of));
      }),
    );
  });

  it("a path that is not a retry has no retried path", () => {
    for (const plain of ["0", "0-1", "0-mX7QABCDE", "0-1-2"]) expect(retriedPath(plain)).toBeUndefined();
  });

  it("the name in a retry path has at most 32 characters after its m", () => {
    expect(retryPath(`0-m${"X".repeat(30)}`)).toBe(`0-mrm${"X".repeat(30)}`);
    expect(retryPath(`0-m${"X".repeat(31)}`)).toBeUndefined();
  });

  it("repeated retries of a task end when the name reaches its maximum length", () => {
    let at: string | undefined = "0-mX7QABCDE";
    for (let i = 0; at !== undefined; i++) {
      expect(i).toBeLessThan(20);
      expect(parseTaskId(taskIdOf(FLOW, at))).toBeDefined();
      at = retryPath(at);
    }
  });
});

const at = (path: string, status: TaskStatus, more: Partial<Task> = {}): Task => ({
  ...taskIn(status, more),
  path,
});
const byUs = { failure: failure("canceled") };
const plan = { then: [{ press: "U1" }, { press: "U2" }] };

describe("status of a retried or canceled flow", () => {
  it.each<[string, Task[], string]>([
    ["the retry of its root is pending", [at("0", "FAILURE"), at("0-mr", "PENDING")], "running"],
    ["the retry of its root succeeded", [at("0", "FAILURE"), at("0-mr", "SUCCESS")], "completed"],
    ["the retry of its root failed too", [at("0", "FAILURE"), at("0-mr", "EXPIRED")], "failed"],
    [
      "the second retry of its root succeeded",
      [at("0", "FAILURE"), at("0-mr", "EXPIRED"), at("0-mrmr", "SUCCESS")],
      "completed",
    ],
    [
      "the follow-ups of the retried root are not stored yet",
      [at("0", "FAILURE", plan), at("0-mr", "SUCCESS", plan)],
      "running",
    ],
    ["its root was canceled before submission", [at("0", "CANCEL", byUs)], "canceled"],
    ["the vendor canceled its root", [at("0", "CANCEL", { failure: failure("vendor_cancelled") })], "failed"],
    [
      "a follow-up was canceled and the others ended",
      [at("0", "SUCCESS", plan), at("0-0", "CANCEL", byUs), at("0-1", "SUCCESS")],
      "canceled",
    ],
    ["its root failed and has no children", [at("0", "FAILURE", plan)], "failed"],
    [
      "a follow-up was canceled and another still runs",
      [at("0", "SUCCESS", plan), at("0-0", "CANCEL", byUs), at("0-1", "SUBMITTED")],
      "running",
    ],
    [
      "the retry of its canceled follow-up succeeded",
      [at("0", "SUCCESS", plan), at("0-0", "CANCEL", byUs), at("0-1", "SUCCESS"), at("0-mr0", "SUCCESS")],
      "completed",
    ],
    [
      "only one of its canceled follow-ups was retried",
      [at("0", "SUCCESS", plan), at("0-0", "CANCEL", byUs), at("0-1", "CANCEL", byUs), at("0-mr0", "SUCCESS")],
      "canceled",
    ],
  ])("the flow status is correct when %s", (_, tasks, status) => {
    expect(flowStatus(tasks)).toBe(status);
    expect(flowStatus(tasks.toReversed())).toBe(status);
  });

  it("a successful task is never superseded by its retry", () => {
    const tasks = [at("0", "SUCCESS"), at("0-mr", "SUCCESS")];
    expect(tasks.map((task) => isSuperseded(task, tasks))).toEqual([false, false]);
  });
});
