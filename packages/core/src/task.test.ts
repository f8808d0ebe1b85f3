import { expect, it } from "vitest";
import { FLOW, NOW } from "../test/sample.ts";
import { ENDED, hasOwnDueEntry, isEnded, newTask, STATUSES } from "./task.ts";

it("a new task waits to be submitted, has cost nothing, and is looked at in time (T4)", () => {
  const fields = { flowId: FLOW, path: "0", action: "IMAGINE", provider: "sim", account: "a", pace: "fast" } as const;
  expect(newTask(fields, NOW, NOW + 7)).toStrictEqual({
    ...fields,
    rev: 0,
    status: "PENDING",
    attempt: 0,
    phase: "submit",
    modals: 0,
    busyAnswers: 0,
    progress: 0,
    createdAt: NOW,
    updatedAt: NOW,
    due: NOW + 7,
    callbacks: 0,
    duplicates: 0,
    lookups: 0,
    lookupMisses: 0,
  });
});

it("a task has ended in these four states, and in no other", () => {
  expect([...ENDED]).toEqual(["SUCCESS", "FAILURE", "CANCEL", "EXPIRED"]);
  const task = newTask({ flowId: FLOW, path: "0", action: "", provider: "", account: "", pace: "fast" }, NOW, NOW);
  expect(STATUSES.filter((status) => isEnded({ ...task, status }))).toEqual([...ENDED]);
});

it.each([
  ["with a due time of its own", { due: 7 }, true],
  ["with one that has moved from its flow's", { due: 7, flowDue: 8 }, true],
  ["not while its flow's stands for it", { due: 7, flowDue: 7 }, false],
  ["not when it waits for nothing", { due: undefined }, false],
  ["not when it waits for nothing any more", { due: undefined, flowDue: 7 }, false],
] as [string, { due?: number; flowDue?: number }, boolean][])("the due index names a task %s", (_, task, listed) => {
  expect(hasOwnDueEntry(task)).toBe(listed);
});
