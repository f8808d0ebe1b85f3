import { expect, it } from "vitest";
import { FLOW, NOW } from "../test/sample.ts";
import { ENDED, hasOwnDueEntry, isEnded, newTask, STATUSES } from "./task.ts";

it("a new task is PENDING, has no attempts and has a due time (T4)", () => {
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

it("a task has ended in exactly four statuses", () => {
  expect([...ENDED]).toEqual(["SUCCESS", "FAILURE", "CANCEL", "EXPIRED"]);
  const task = newTask({ flowId: FLOW, path: "0", action: "", provider: "", account: "", pace: "fast" }, NOW, NOW);
  expect(STATUSES.filter((status) => isEnded({ ...task, status }))).toEqual([...ENDED]);
});

it.each([
  ["with a due time that no flow covers", { due: 7 }, true],
  ["with a due time that differs from flowDue", { due: 7, flowDue: 8 }, true],
  ["with a due time that the flow covers", { due: 7, flowDue: 7 }, false],
  ["without due time", { due: undefined }, false],
  ["without due time but with flowDue", { due: undefined, flowDue: 7 }, false],
] as [string, { due?: number; flowDue?: number }, boolean][])(
  "for a task %s, %j, hasOwnDueEntry is %s",
  (_, task, listed) => {
    expect(hasOwnDueEntry(task)).toBe(listed);
  },
);
