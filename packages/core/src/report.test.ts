import { expect, it } from "vitest";
import { report } from "../test/sample.ts";
import { isFinal, needsWrite, REPORT_STATUSES } from "./report.ts";

it("the protocol's statuses are these seven", () => {
  expect(REPORT_STATUSES).toEqual(["NOT_START", "SUBMITTED", "MODAL", "IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL"]);
});

it.each([
  ["SUCCESS", "ends a task, and is news"],
  ["FAILURE", "ends a task, and is news"],
  ["CANCEL", "ends a task, and is news"],
  ["MODAL", "waits for an answer, and is news"],
  [undefined, "may mean anything, and is news"],
  ["NOT_START", "is progress"],
  ["SUBMITTED", "is progress"],
  ["IN_PROGRESS", "is progress"],
] as const)("%s %s", (status, what) => {
  expect(isFinal(status)).toBe(what.startsWith("ends"));
  expect(needsWrite(report(status))).toBe(what.endsWith("news"));
});
