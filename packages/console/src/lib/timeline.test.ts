import type { Task } from "@mjflow/client";
import { expect, test } from "vitest";
import type { FlowNode } from "./flow-plan.ts";
import { timelineOf } from "./timeline.ts";

const at = (s: number) => new Date(Date.UTC(2026, 0, 1) + s * 1_000).toISOString();
const nodeOf = (
  id: string,
  parentId: string | null,
  created: number,
  submitted?: number,
  ended?: number,
): FlowNode => ({
  id,
  parentId,
  task: {
    id,
    createdAt: at(created),
    submittedAt: submitted === undefined ? null : at(submitted),
    endedAt: ended === undefined ? null : at(ended),
  } as Task,
});

test("each task has its waiting and drawing times since the start, and a running task ends now", () => {
  const { rows, totalMs, marks } = timelineOf(
    [nodeOf("a", null, 0, 1, 24), nodeOf("b", "a", 24, 26), nodeOf("c", "a", 24)],
    Date.parse(at(30)),
  );
  expect(rows.map(({ depth, startMs, submittedMs, endMs }) => [depth, startMs, submittedMs, endMs])).toEqual([
    [0, 0, 1_000, 24_000],
    [1, 24_000, 26_000, 30_000],
    [1, 24_000, undefined, 30_000],
  ]);
  expect(totalMs).toBeCloseTo(32_400);
  expect(marks).toEqual([0, 10_000, 20_000, 30_000]);
});

test("a planned step has a row without times", () => {
  const step = { taskId: "b", parentId: "a", press: "U1", prompt: null, hasMask: false, status: "planned" } as const;
  const { rows } = timelineOf([nodeOf("a", null, 0), { id: "b", parentId: "a", step }], Date.parse(at(1)));
  expect(rows[1]).toMatchObject({ depth: 1, startMs: undefined, endMs: undefined });
});
