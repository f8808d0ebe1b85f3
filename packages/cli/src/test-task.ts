/** Flows and tasks for tests of the output. */
import type { Flow, Task } from "@mjflow/client";
import { sampleTask } from "./sample-event.ts";

const FLOW_ID = "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD";

/** @param path path of the task in its flow: `0`, `0-1`, `0-1-0` */
export function task(path: string, more: Partial<Task> = {}): Task {
  const id = (of: string) => `task_${FLOW_ID.slice(5)}_${of}`;
  const parent = path.includes("-") ? path.slice(0, path.lastIndexOf("-")) : undefined;
  return {
    ...sampleTask("2026-11-21T08:00:00.000Z"),
    id: id(path),
    flowId: FLOW_ID,
    parentId: parent === undefined ? null : id(parent),
    rootId: id("0"),
    depth: path.split("-").length - 1,
    press: parent === undefined ? null : "U1",
    action: parent === undefined ? "IMAGINE" : "UPSCALE",
    status: "SUCCESS",
    progress: 100,
    providerTaskId: null,
    finalPrompt: null,
    submittingAt: null,
    submittedAt: null,
    ...more,
  };
}

export function flow(tasks: Task[], more: Partial<Flow> = {}): Flow {
  return {
    id: FLOW_ID,
    status: "completed",
    state: null,
    action: "imagine",
    provider: "simulator",
    prompt: "a boat",
    mode: null,
    notifyHook: null,
    events: null,
    canceledAt: null,
    restartOf: null,
    restartedAs: null,
    createdAt: "2026-11-21T08:00:00.000Z",
    endedAt: null,
    tasks,
    counts: { submissions: tasks.length, modals: 0, callbacks: 3, duplicates: 0, lookups: 0, writes: 0 },
    ...more,
  };
}
