import type { Task } from "@mjflow/client";
import { expect, test } from "vitest";
import type { FlowNode } from "./flow-plan.ts";
import { timelineOf } from "./timeline.ts";

const at = (s: number) => new Date(Date.UTC(2026, 0, 1) + s * 1_000).toISOString();
const timeOf = (s: number | undefined) => (s === undefined ? null : at(s));
type Times = Partial<Record<"created" | "submitting" | "submitted" | "ended", number>>;
const nodeOf = (id: string, parentId: string | null, times: Times, status = "SUCCESS"): FlowNode => ({
  id,
  parentId,
  task: {
    id,
    status,
    createdAt: at(times.created ?? 0),
    submittingAt: timeOf(times.submitting),
    submittedAt: timeOf(times.submitted),
    endedAt: timeOf(times.ended),
  } as Task,
});
const timesOf = (nodes: readonly FlowNode[], now: number) =>
  timelineOf(nodes, Date.parse(at(now))).rows.map((row) => [
    row.depth,
    row.startMs,
    row.submittingMs,
    row.submittedMs,
    row.endMs,
  ]);

test("each task has its queued, submitting and drawing times since the start, and a running task ends now", () => {
  const nodes = [
    nodeOf("a", null, { submitting: 1, submitted: 2, ended: 24 }),
    nodeOf("b", "a", { created: 24, submitting: 25, submitted: 26 }, "IN_PROGRESS"),
    nodeOf("c", "a", { created: 24 }, "PENDING"),
  ];
  expect(timesOf(nodes, 30)).toEqual([
    [0, 0, 1_000, 2_000, 24_000],
    [1, 24_000, 25_000, 26_000, 30_000],
    [1, 24_000, undefined, undefined, 30_000],
  ]);
  const { totalMs, marks, nowMs } = timelineOf(nodes, Date.parse(at(30)));
  expect(totalMs).toBeCloseTo(32_400);
  expect(marks).toEqual([0, 10_000, 20_000, 30_000]);
  expect(nowMs).toBe(30_000);
});

test("a task of a server without the time of the call is queued until it is accepted", () => {
  expect(timesOf([nodeOf("a", null, { submitted: 2, ended: 9 })], 30)).toEqual([[0, 0, undefined, 2_000, 9_000]]);
});

test("a task whose modal answer is being sent is submitting, although a time of its acceptance is set", () => {
  const sending = nodeOf("a", null, { submitting: 8, submitted: 8 }, "SUBMITTING");
  expect(timesOf([sending], 9)).toEqual([[0, 0, 8_000, undefined, 9_000]]);
});

test("no bar begins before the one to its left ends, even if a callback came before the repeated call", () => {
  expect(timesOf([nodeOf("a", null, { submitting: 5, submitted: 3, ended: 9 })], 30)).toEqual([
    [0, 0, 5_000, 5_000, 9_000],
  ]);
});

test("the sums are those of the task that ended last and of the tasks before it, and they add up to the whole time", () => {
  const { sums } = timelineOf(
    [
      nodeOf("a", null, { submitting: 1, submitted: 2, ended: 10 }),
      nodeOf("b", "a", { created: 11, submitting: 11, submitted: 13, ended: 20 }),
      nodeOf("c", "a", { created: 11, submitting: 12, submitted: 13, ended: 15 }),
    ],
    Date.parse(at(60)),
  );
  expect(sums).toEqual({ queuedMs: 1_000, submittingMs: 3_000, drawingMs: 15_000, followUpMs: 1_000 });
});

test("a planned step has a row without times, and room after now while the flow runs", () => {
  const step = { taskId: "b", parentId: "a", press: "U1", prompt: null, hasMask: false, status: "planned" } as const;
  const nodes = [nodeOf("a", null, {}, "PENDING"), { id: "b", parentId: "a", step }];
  const { rows, totalMs } = timelineOf(nodes, Date.parse(at(10)));
  expect(rows[1]).toMatchObject({ depth: 1, startMs: undefined, endMs: undefined });
  expect(totalMs).toBe(12_000);
});

test("a flow that has ended has no line of now", () => {
  expect(timelineOf([nodeOf("a", null, { ended: 3 })], Date.parse(at(10))).nowMs).toBeUndefined();
});
