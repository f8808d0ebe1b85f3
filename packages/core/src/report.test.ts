import { expect, it } from "vitest";
import { report } from "../test/sample.ts";
import { isFinal, needsWrite, REPORT_STATUSES } from "./report.ts";

it("the vendor protocol has seven statuses", () => {
  expect(REPORT_STATUSES).toEqual(["NOT_START", "SUBMITTED", "MODAL", "IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL"]);
});

it.each([
  ["SUCCESS", "ends a task and must be stored"],
  ["FAILURE", "ends a task and must be stored"],
  ["CANCEL", "ends a task and must be stored"],
  ["MODAL", "waits for a modal answer and must be stored"],
  [undefined, "is unknown and must be stored"],
  ["NOT_START", "is progress and may be dropped"],
  ["SUBMITTED", "is progress and may be dropped"],
  ["IN_PROGRESS", "is progress and may be dropped"],
] as const)("a report with the status %s %s", (status, what) => {
  expect(isFinal(status)).toBe(what.startsWith("ends"));
  expect(needsWrite(report(status))).toBe(what.endsWith("must be stored"));
});
