import type { Task } from "@mjflow/client";
import { expect, test } from "vitest";
import type { FlowNode } from "./flow-plan.ts";
import { groupsOf, nextIn, tasksIn } from "./node-group.ts";

const taskNode = (id: string, status: Task["status"], rest: Partial<Task> = {}): FlowNode => {
  const isEnded = ["SUCCESS", "FAILURE", "CANCEL", "EXPIRED"].includes(status);
  const task = { id, status, retryOf: null, endedAt: isEnded ? "2026-12-01T10:00:00Z" : null, ...rest } as Task;
  return { id, parentId: null, task };
};
const stepNode = (id: string, status: "planned" | "skipped"): FlowNode => ({
  id,
  parentId: null,
  step: { taskId: id, parentId: "a", press: "U1", prompt: null, hasMask: false, status },
});

const nodes = [
  taskNode("done", "SUCCESS"),
  taskNode("drawing", "IN_PROGRESS"),
  taskNode("asks", "MODAL"),
  taskNode("lost", "FAILURE"),
  taskNode("again", "SUCCESS", { retryOf: "lost" }),
  taskNode("late", "EXPIRED"),
  taskNode("off", "CANCEL"),
  stepNode("soon", "planned"),
  stepNode("never", "skipped"),
];

test("each node has one group, but a failed task that was retried and a step that will not start have none", () => {
  expect([...groupsOf(nodes)]).toEqual([
    ["done", "done"],
    ["drawing", "running"],
    ["asks", "running"],
    ["again", "done"],
    ["late", "failed"],
    ["off", "failed"],
    ["soon", "planned"],
  ]);
  expect(tasksIn(nodes, groupsOf(nodes), "failed").map(({ id }) => id)).toEqual(["late", "off"]);
});

test("the next and the previous node of a group go around its ends, and begin there if none is selected", () => {
  const ids = ["a", "b", "c"];
  expect([nextIn(ids, "a", 1), nextIn(ids, "c", 1), nextIn(ids, "a", -1)]).toEqual(["b", "a", "c"]);
  expect([nextIn(ids, undefined, 1), nextIn(ids, "x", -1), nextIn([], "a", 1)]).toEqual(["a", "c", undefined]);
});
