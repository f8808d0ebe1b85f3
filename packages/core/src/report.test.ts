import { expect, it } from "vitest";
import { report } from "../test/sample.ts";
import { failureCodeOf, isFinal, modalResult, needsWrite, REPORT_STATUSES, withoutQuotes } from "./report.ts";

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

it.each([
  ["可能包含敏感词", "banned_prompt"],
  ["Banned prompt detected", "banned_prompt"],
  ["AI Moderator: Your prompt was blocked", "banned_prompt"],
  ["user sensitive words detected", "banned_prompt"],
  ["Prompt blocked", "banned_prompt"],
  ["The words are banned here", "banned_prompt"],
  ["content policy violation", "banned_prompt"],
  ["[Invalid parameter] Unrecognized parameter(s): `--foo`", "invalid_prompt"],
  ["Invalid link, Invalid URL format", "invalid_prompt"],
  ["参数错误", "invalid_prompt"],
  ["取消任务", "vendor_cancelled"],
  ["任务取消", "vendor_cancelled"],
  ["任务被管理员取消", "vendor_cancelled"],
  ["Canceled", "vendor_cancelled"],
  ["The job canceled", "vendor_cancelled"],
  ["it got canceled by an operator", "vendor_cancelled"],
  ["Cancelled by the user", "vendor_cancelled"],
  ["任务超时", undefined],
  ["Your account has been banned", undefined],
  ["parameters are case-sensitive: --AR", undefined],
  ["a moderate breeze on sensitive skin", undefined],
  ["the picture of a cancelled flight failed", undefined],
] as const)("the words %s mean the failure code %s", (words, code) => {
  expect(failureCodeOf(words)).toBe(code);
});

it("a quotation of the prompt is removed from the words of a vendor, whatever its case and length", () => {
  const prompt = "case 7: a face with sensitive words --foo";
  expect(withoutQuotes('Invalid prompt: "A face with SENSITIVE words --foo": unknown', [undefined, prompt])).toBe(
    'Invalid prompt: " ": unknown',
  );
  expect(withoutQuotes("敏感词: cat", ["cat"])).toBe("敏感词:  ");
  expect(withoutQuotes("too many requests", ["a desk with too many cats"])).toBe("too many requests");
  expect(withoutQuotes("ok", [""])).toBe("ok");
});

it("only a modal that names its prompt has a result", () => {
  expect(modalResult(undefined)).toEqual({});
  expect(modalResult("a boat --v 7")).toEqual({ result: { finalPrompt: "a boat --v 7" } });
});
