import { expect, test } from "vitest";
import { applyEvents } from "./event-replay.ts";
import type { Copy, Flow, FlowBody, Task } from "./types.ts";

const copies = [{ url: "https://api.test/media/1" }] as Copy[];
const ended = { id: "task_a_0", status: "SUCCESS", progress: 100, copies: [] as Copy[] } as Task;
const flow = { tasks: [ended], counts: {} } as unknown as Flow;
const event = (type: string, task: Task) => ({ type, timestamp: "", data: { ...task, state: null } }) as FlowBody;

test("copies that are sent after the end are added to the ended task, and an older event does not remove them", () => {
  const archived = applyEvents(flow, [event("task.archived", { ...ended, copies })]);
  expect(archived.tasks[0]!.copies).toEqual(copies);
  expect(applyEvents(archived, [event("task.completed", ended)]).tasks[0]!.copies).toEqual(copies);
  expect(applyEvents(flow, [event("task.completed", { ...ended, copies })]).tasks[0]!.copies).toEqual([]);
});
