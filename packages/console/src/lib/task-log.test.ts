import type { Delivery, Task } from "@mjflow/client";
import { expect, test } from "vitest";
import { taskLogOf } from "./task-log.ts";

const at = (second: number) => `2026-12-01T10:00:${String(second).padStart(2, "0")}.000Z`;
const task = {
  id: "task_1_0-0",
  status: "SUCCESS",
  provider: "simulator",
  providerTaskId: "v1",
  createdAt: at(0),
  submittingAt: at(1),
  submittedAt: at(1),
  endedAt: at(9),
  attempts: 1,
  callbacks: 4,
  lookups: 0,
} as Task;
const delivery = (taskId: string, type: string, ...times: number[]) =>
  ({ taskId, type, endpoint: "ep_1", attempts: times.map((second) => ({ at: at(second), status: 204 })) }) as Delivery;

test("a finished task has its submission, acceptance, callbacks, end, cost and webhooks in the order of time", () => {
  const log = taskLogOf(
    task,
    [
      delivery(task.id, "task.completed", 10, 12),
      delivery("another", "task.completed", 5),
      delivery(task.id, "task.submitted", 2),
    ],
    0.01,
    at(20),
  );
  expect(log.map(({ kind, at: time }) => [kind, time.slice(17, 19)])).toEqual([
    ["submit", "01"],
    ["accepted", "01"],
    ["webhook", "02"],
    ["callbacks", "09"],
    ["ended", "09"],
    ["cost", "09"],
    ["webhook", "10"],
    ["webhook", "12"],
  ]);
});

test("a task that waits has its submission only, and a failed one that cost nothing has no cost", () => {
  const waiting = {
    ...task,
    status: "PENDING",
    submittingAt: null,
    submittedAt: null,
    endedAt: null,
    callbacks: 0,
  } as Task;
  expect(taskLogOf(waiting, [], 0, at(20)).map(({ kind }) => kind)).toEqual(["submit"]);
  const failed = { ...task, status: "FAILURE" } as Task;
  expect(taskLogOf(failed, [], 0, at(20)).map(({ kind }) => kind)).toEqual([
    "submit",
    "accepted",
    "callbacks",
    "ended",
  ]);
});
