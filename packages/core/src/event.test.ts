import { describe, expect, it } from "vitest";
import { FLOW, NOW, taskIn } from "../test/sample.ts";
import { flowEvents, hasNewSubscribedEvent, taskEvents } from "./derived-events.ts";
import {
  DEFAULT_EVENTS,
  disabledEndpointIdOf,
  EVENT_BITS,
  EVENT_TYPES,
  type EventType,
  endpointDisabledEvent,
  eventIdOf,
  eventMaskOf,
  FLOW_SUBJECT,
  isSubscribed,
} from "./event.ts";
import type { Flow } from "./flow.ts";
import { ENDED, type Task } from "./task.ts";

const OF_A_FLOW = EVENT_TYPES.filter((type) => /^(task|flow)\./.test(type));
const names = (task: Task) => taskEvents(task).map(({ name }) => name);

describe("the names an app may listen for", () => {
  it("are these, and stay these", () => {
    expect(OF_A_FLOW).toEqual([
      "task.submitted",
      "task.progress",
      "task.modal",
      "task.completed",
      "task.failed",
      "flow.completed",
      "flow.failed",
    ]);
  });

  it("are all heard but progress, unless it chose", () => {
    expect([...DEFAULT_EVENTS, "task.progress"].sort()).toEqual([...EVENT_TYPES].sort());
  });
});

describe("what is listened for", () => {
  it.each([
    ["task.submitted", "submitted"],
    ["task.progress", "progress"],
    ["task.modal", "modal"],
    ["task.completed", "ended"],
    ["task.failed", "ended"],
    ["flow.completed", "flow"],
    ["flow.failed", "flow"],
  ] as const)("%s travels with each row as the bit %s", (type, bit) => {
    expect(eventMaskOf([type])).toBe(EVENT_BITS[bit]);
    for (const other of OF_A_FLOW)
      expect(isSubscribed(eventMaskOf([type]), other)).toBe(eventMaskOf([other]) === EVENT_BITS[bit]);
  });

  it("adds up, and twice is once", () => {
    expect(eventMaskOf(["task.modal", "task.progress", "task.modal"])).toBe(EVENT_BITS.modal | EVENT_BITS.progress);
    expect(eventMaskOf(OF_A_FLOW)).toBe(31);
    expect(eventMaskOf([])).toBe(0);
  });

  it("where nobody listens is nothing", () => {
    for (const type of EVENT_TYPES)
      expect([isSubscribed(undefined, type), isSubscribed(0, type)]).toEqual([false, false]);
  });
});

describe("what has happened to a task", () => {
  it("is nothing before the vendor has it", () => {
    for (const status of ["PENDING", "SUBMITTING", "UNCLEAR"] as const) expect(taskEvents(taskIn(status))).toEqual([]);
  });

  it("is read off its row, in order", () => {
    const running = taskIn("IN_PROGRESS", { submittedAt: NOW, progress: 31, updatedAt: NOW + 5 });
    expect(taskEvents(running)).toEqual([
      { name: "submitted", type: "task.submitted", at: NOW },
      { name: "progress-31", type: "task.progress", at: NOW + 5 },
    ]);
    expect(taskEvents({ ...running, status: "SUCCESS", progress: 100, endedAt: NOW + 9 })).toEqual([
      { name: "submitted", type: "task.submitted", at: NOW },
      { name: "completed", type: "task.completed", at: NOW + 9 },
    ]);
  });

  it.each([...ENDED].filter((status) => status !== "SUCCESS"))("ended as %s, it has failed", (status) => {
    expect(taskEvents(taskIn(status, { endedAt: NOW }))).toEqual([{ name: "failed", type: "task.failed", at: NOW }]);
  });

  it("has no end before it is dated", () => {
    for (const status of ["SUCCESS", "FAILURE"] as const) expect(taskEvents(taskIn(status))).toEqual([]);
  });

  it("is a window only while it waits for the app", () => {
    const open = taskIn("MODAL", { submittedAt: NOW, updatedAt: NOW + 5 });
    expect(taskEvents(open)[1]).toEqual({ name: "modal", type: "task.modal", at: NOW });
    expect(taskEvents({ ...open, submittedAt: undefined })).toEqual([
      { name: "modal", type: "task.modal", at: NOW + 5 },
    ]);
    expect(names({ ...open, modal: {} })).toEqual(["submitted"]);
    expect(names({ ...open, status: "SUBMITTED" })).toEqual(["submitted"]);
  });

  it("is no progress while there is none", () => {
    expect(names(taskIn("IN_PROGRESS", { progress: 0 }))).toEqual([]);
    expect(names(taskIn("IN_PROGRESS", { progress: 1 }))).toEqual(["progress-1"]);
  });
});

describe("a flow's end", () => {
  const flow = { id: FLOW, status: "running" } as Flow;

  it("is its only event, and none before it is dated", () => {
    expect(flowEvents({ ...flow, endedAt: NOW })).toEqual([]);
    expect(flowEvents({ ...flow, status: "completed" })).toEqual([]);
    expect(flowEvents({ ...flow, status: "completed", endedAt: NOW })).toEqual([
      { name: "completed", type: "flow.completed", at: NOW },
    ]);
    expect(flowEvents({ ...flow, status: "failed", endedAt: NOW, endCount: 1 })[0]?.name).toBe("failed-2");
    expect(flowEvents({ ...flow, status: "completed", endedAt: NOW, endCount: 2 })[0]?.name).toBe("completed-3");
    expect(flowEvents({ ...flow, status: "failed", endedAt: NOW })).toEqual([
      { name: "failed", type: "flow.failed", at: NOW },
    ]);
  });
});

it("an event's id is where and what it was, so that told twice it is one event", () => {
  expect(eventIdOf(FLOW, "0-2", "completed")).toBe("evt_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0-2_completed");
  expect(eventIdOf(FLOW, FLOW_SUBJECT, "failed")).toBe("evt_01K9ZC7T3R8M2V5X0Q4B6N1JHD_flow_failed");
});

describe("a listener has something new to hear", () => {
  const running = taskIn("IN_PROGRESS", { submittedAt: NOW, progress: 10 });
  const further = { ...running, progress: 20 };
  const heard = (events: EventType[], before: Task, next: Task) =>
    hasNewSubscribedEvent(before, { ...next, eventMask: eventMaskOf(events) });

  it("only when something has happened that it listens for", () => {
    expect(heard(["task.progress"], running, further)).toBe(true);
    expect(heard(["task.progress"], running, running)).toBe(false);
    expect(heard(["task.modal", "task.completed"], running, further)).toBe(false);
    expect(heard(["task.submitted"], running, further)).toBe(false);
  });

  it("though other things had happened before", () => {
    expect(heard(["task.completed"], running, { ...running, status: "SUCCESS", endedAt: NOW })).toBe(true);
  });

  it("never where nobody listens", () => {
    expect(hasNewSubscribedEvent(running, further)).toBe(false);
  });
});

describe("an endpoint that is switched off", () => {
  it("is an event of its own, named after it", () => {
    const event = endpointDisabledEvent("ep_1", NOW);
    expect(event).toEqual({ name: "disabled-ep_1", type: "endpoint.disabled", at: NOW });
    expect(disabledEndpointIdOf(event.name)).toBe("ep_1");
  });

  it("is read from no other event's name", () => {
    for (const name of ["completed", "progress-31", "ep_1-disabled-", ""])
      expect(disabledEndpointIdOf(name)).toBeUndefined();
  });

  it("travels in no row: who switches it off tells the others", () => {
    expect(eventMaskOf(["endpoint.disabled"])).toBe(0);
  });
});
