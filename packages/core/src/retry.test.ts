/** Where a retry stands in a lineage, and what its flow then comes to. */
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

describe("a retry's place", () => {
  it.each([
    ["0", "0-mr"],
    ["0-mr", "0-mrmr"],
    ["0-2", "0-mr2"],
    ["0-mr2", "0-mrmr2"],
    ["0-2-mX7QABCDE", "0-2-mrmX7QABCDE"],
    ["0-mr-3", "0-mr-mr3"],
  ])("of %s is %s", (of, retry) => {
    expect(retryPath(of)).toBe(retry);
    expect(retriedPath(retry)).toBe(of);
  });

  it("is beside the task, at its depth, below its parent, and no planned child's", () => {
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

  it("of what is no retry is nobody's", () => {
    for (const plain of ["0", "0-1", "0-mX7QABCDE", "0-1-2"]) expect(retriedPath(plain)).toBeUndefined();
  });

  it("has a name of 32 letters after its m, and no longer one", () => {
    expect(retryPath(`0-m${"X".repeat(30)}`)).toBe(`0-mrm${"X".repeat(30)}`);
    expect(retryPath(`0-m${"X".repeat(31)}`)).toBeUndefined();
  });

  it("has an end: a name of more than 32 letters is none", () => {
    let at: string | undefined = "0-mX7QABCDE";
    for (let i = 0; at !== undefined; i++) {
      expect(i).toBeLessThan(20);
      expect(parseTaskId(taskIdOf(FLOW, at))).toBeDefined();
      at = retryPath(at);
    }
  });
});

const at = (place: string, status: TaskStatus, more: Partial<Task> = {}): Task => ({
  ...taskIn(status, more),
  path: place,
});
const off = { failure: failure("canceled") };
const plan = { then: [{ press: "U1" }, { press: "U2" }] };

describe("how a flow stands that was gone on with, or called off", () => {
  it.each<[string, Task[], string]>([
    ["its root is tried again", [at("0", "FAILURE"), at("0-mr", "PENDING")], "running"],
    ["its root succeeded the second time", [at("0", "FAILURE"), at("0-mr", "SUCCESS")], "completed"],
    ["its root failed twice", [at("0", "FAILURE"), at("0-mr", "EXPIRED")], "failed"],
    ["and succeeded the third", [at("0", "FAILURE"), at("0-mr", "EXPIRED"), at("0-mrmr", "SUCCESS")], "completed"],
    ["the second root's plan is not stored yet", [at("0", "FAILURE", plan), at("0-mr", "SUCCESS", plan)], "running"],
    ["called off before anything", [at("0", "CANCEL", off)], "canceled"],
    ["cancelled by the vendor", [at("0", "CANCEL", { failure: failure("vendor_cancelled") })], "failed"],
    [
      "called off below its root",
      [at("0", "SUCCESS", plan), at("0-0", "CANCEL", off), at("0-1", "SUCCESS")],
      "canceled",
    ],
    ["called off, and its root failed", [at("0", "FAILURE", plan)], "failed"],
    [
      "called off, one still runs",
      [at("0", "SUCCESS", plan), at("0-0", "CANCEL", off), at("0-1", "SUBMITTED")],
      "running",
    ],
    [
      "what was spared was done after all",
      [at("0", "SUCCESS", plan), at("0-0", "CANCEL", off), at("0-1", "SUCCESS"), at("0-mr0", "SUCCESS")],
      "completed",
    ],
    [
      "part of what was spared was done after all",
      [at("0", "SUCCESS", plan), at("0-0", "CANCEL", off), at("0-1", "CANCEL", off), at("0-mr0", "SUCCESS")],
      "canceled",
    ],
  ])("%s", (_, tasks, status) => {
    expect(flowStatus(tasks)).toBe(status);
    expect(flowStatus(tasks.toReversed())).toBe(status);
  });

  it("a success is never superseded", () => {
    const tasks = [at("0", "SUCCESS"), at("0-mr", "SUCCESS")];
    expect(tasks.map((task) => isSuperseded(task, tasks))).toEqual([false, false]);
  });
});
