import { describe, expect, it } from "vitest";
import { FLOW, NOW, taskIn } from "../test/sample.ts";
import { eventTypeOf, flowEvents, newSubscribedEvents, taskEvents } from "./derived-events.ts";
import {
  archivesLater,
  COMPAT_EVENTS,
  DEFAULT_EVENTS,
  disabledEndpointIdOf,
  EVENT_BITS,
  EVENT_TYPES,
  type EventType,
  endpointDisabledEvent,
  eventIdOf,
  eventMaskOf,
  FLOW_SUBJECT,
  hasSubscribers,
  isSubscribed,
  withArchiveMode,
} from "./event.ts";
import type { Flow } from "./flow.ts";
import { ENDED, type Task } from "./task.ts";

const OF_A_FLOW = EVENT_TYPES.filter((type) => /^(task|flow)\./.test(type));
const names = (task: Task) => taskEvents(task).map(({ name }) => name);

describe("event types", () => {
  it("the event types of flows and tasks are stable", () => {
    expect(OF_A_FLOW).toEqual([
      "task.submitted",
      "task.progress",
      "task.modal",
      "task.completed",
      "task.archived",
      "task.failed",
      "flow.completed",
      "flow.failed",
    ]);
  });

  it("the default subscription contains every event except progress", () => {
    expect([...DEFAULT_EVENTS, "task.progress"].sort()).toEqual([...EVENT_TYPES].sort());
  });
});

describe("event masks", () => {
  it.each([
    ["task.submitted", "submitted"],
    ["task.progress", "progress"],
    ["task.modal", "modal"],
    ["task.completed", "ended"],
    ["task.archived", "archived"],
    ["task.failed", "ended"],
    ["flow.completed", "flow"],
    ["flow.failed", "flow"],
  ] as const)("the event %s has the mask bit %s", (type, bit) => {
    expect(eventMaskOf([type])).toBe(EVENT_BITS[bit]);
    for (const other of OF_A_FLOW)
      expect(isSubscribed(eventMaskOf([type]), other)).toBe(eventMaskOf([other]) === EVENT_BITS[bit]);
  });

  it("a mask combines the bits of its events, and a repeated event changes nothing", () => {
    expect(eventMaskOf(["task.modal", "task.progress", "task.modal"])).toBe(EVENT_BITS.modal | EVENT_BITS.progress);
    expect(eventMaskOf(OF_A_FLOW)).toBe(31 + 64);
    expect(eventMaskOf([])).toBe(0);
  });

  it("a flow that archives later has a mark, and any other flow has no subscriber of the copies", () => {
    const mask = eventMaskOf(["task.completed", "task.archived"]);
    for (const mode of [true, false] as const) {
      expect(withArchiveMode(mask, mode)).toBe(EVENT_BITS.ended);
      expect(archivesLater(withArchiveMode(mask, mode))).toBe(false);
      expect(withArchiveMode(EVENT_BITS.archived, mode)).toBe(0);
    }
    expect(withArchiveMode(mask, "later")).toBe(mask | EVENT_BITS.archiveLater);
    expect([withArchiveMode(mask, "later"), withArchiveMode(0, "later")].map(archivesLater)).toEqual([true, true]);
    expect(archivesLater(undefined)).toBe(false);
  });

  it("a mask with marks alone has no subscriber", () => {
    for (const mask of [0, EVENT_BITS.log, EVENT_BITS.archiveLater, EVENT_BITS.log | EVENT_BITS.archiveLater])
      expect(hasSubscribers(mask)).toBe(false);
    for (const bit of [1, 2, 4, 8, 16, 64]) expect(hasSubscribers(bit | EVENT_BITS.archiveLater)).toBe(true);
  });

  it("the mark is no event, and no event has its bit", () => {
    for (const type of EVENT_TYPES) expect(isSubscribed(EVENT_BITS.archiveLater, type)).toBe(false);
    expect(archivesLater(eventMaskOf(EVENT_TYPES))).toBe(false);
  });

  it("the compat API's hook receives every event except the copies", () => {
    expect(EVENT_TYPES.filter((type) => !COMPAT_EVENTS.includes(type))).toEqual(["task.archived"]);
  });

  it("an empty or missing mask subscribes to no event", () => {
    for (const type of EVENT_TYPES)
      expect([isSubscribed(undefined, type), isSubscribed(0, type)]).toEqual([false, false]);
  });
});

describe("events of a task", () => {
  it("a task has no event before the vendor accepted it", () => {
    for (const status of ["PENDING", "SUBMITTING", "UNCLEAR"] as const) expect(taskEvents(taskIn(status))).toEqual([]);
  });

  it("the events are derived from the row in order", () => {
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

  it.each([...ENDED].filter((status) => status !== "SUCCESS"))("a task that ended as %s has failed", (status) => {
    expect(taskEvents(taskIn(status, { endedAt: NOW }))).toEqual([{ name: "failed", type: "task.failed", at: NOW }]);
  });

  it("a task without an end time has no end event", () => {
    for (const status of ["SUCCESS", "FAILURE"] as const) expect(taskEvents(taskIn(status))).toEqual([]);
  });

  it("a task has a modal event only while the modal waits for an answer", () => {
    const open = taskIn("MODAL", { submittedAt: NOW, updatedAt: NOW + 5 });
    expect(taskEvents(open)[1]).toEqual({ name: "modal", type: "task.modal", at: NOW });
    expect(taskEvents({ ...open, submittedAt: undefined })).toEqual([
      { name: "modal", type: "task.modal", at: NOW + 5 },
    ]);
    expect(names({ ...open, modal: {} })).toEqual(["submitted"]);
    expect(names({ ...open, status: "SUBMITTED" })).toEqual(["submitted"]);
  });

  it("a task without progress has no progress event", () => {
    expect(names(taskIn("IN_PROGRESS", { progress: 0 }))).toEqual([]);
    expect(names(taskIn("IN_PROGRESS", { progress: 1 }))).toEqual(["progress-1"]);
  });
});

describe("events of a flow", () => {
  const flow = { id: FLOW, status: "running" } as Flow;

  it("the end is the only event of a flow, and each further end has its own name", () => {
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

it("an event id is made of flow, subject and name, so that a repeated notification has the same id", () => {
  expect(eventIdOf(FLOW, "0-2", "completed")).toBe("evt_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0-2_completed");
  expect(eventIdOf(FLOW, FLOW_SUBJECT, "failed")).toBe("evt_01K9ZC7T3R8M2V5X0Q4B6N1JHD_flow_failed");
});

describe("eventTypeOf", () => {
  it.each([
    ["0", "completed", "task.completed"],
    ["0-1", "completed-2", "task.completed"],
    ["0-1", "archived", "task.archived"],
    ["0", "progress-31", "task.progress"],
    ["flow", "failed", "flow.failed"],
    ["flow", "completed-2", "flow.completed"],
    ["0", "disabled", "endpoint.disabled"],
    ["flow", "disabled-ep_1", "endpoint.disabled"],
    ["0", "", undefined],
    ["flow", "submitted", undefined],
  ])("the event %s %s has the type %s", (subject, name, type) => {
    expect(eventTypeOf(subject, name)).toBe(type);
  });
});

it("copies that are sent later are an event after the success, at the time when the archiving ended", () => {
  const ended = taskIn("SUCCESS", { endedAt: NOW });
  expect(taskEvents({ ...ended, archivedAt: NOW + 7 }).slice(-2)).toEqual([
    { name: "completed", type: "task.completed", at: NOW },
    { name: "archived", type: "task.archived", at: NOW + 7 },
  ]);
  expect(names(ended)).not.toContain("archived");
});

it("a success whose result came later is another event with another name", () => {
  const ended = taskIn("SUCCESS", { endedAt: NOW });
  const names = (task: Task) => taskEvents(task).map(({ name, at }) => [name, at]);
  expect(names(ended).at(-1)).toEqual(["completed", NOW]);
  expect(names({ ...ended, resultUpdatedAt: NOW + 1 }).at(-1)).toEqual(["completed-2", NOW + 1]);
  const told = { ...ended, eventMask: eventMaskOf(["task.completed"]) };
  expect(newSubscribedEvents(told, { ...told, resultUpdatedAt: NOW + 1 })).toEqual(["completed-2"]);
});

describe("newSubscribedEvents", () => {
  const running = taskIn("IN_PROGRESS", { submittedAt: NOW, progress: 10 });
  const further = { ...running, progress: 20 };
  const hasNew = (events: EventType[], before: Task, next: Task) =>
    newSubscribedEvents(before, { ...next, eventMask: eventMaskOf(events) }).length > 0;

  it("a change counts only if it adds an event that is subscribed to", () => {
    expect(hasNew(["task.progress"], running, further)).toBe(true);
    expect(hasNew(["task.progress"], running, running)).toBe(false);
    expect(hasNew(["task.modal", "task.completed"], running, further)).toBe(false);
    expect(hasNew(["task.submitted"], running, further)).toBe(false);
  });

  it("a new event counts even if other events happened earlier", () => {
    expect(hasNew(["task.completed"], running, { ...running, status: "SUCCESS", endedAt: NOW })).toBe(true);
  });

  it("no change counts without a subscriber", () => {
    expect(newSubscribedEvents(running, further)).toEqual([]);
  });
});

describe("endpoint.disabled events", () => {
  it("the event of a disabled endpoint contains the endpoint id in its name", () => {
    const event = endpointDisabledEvent("ep_1", NOW);
    expect(event).toEqual({ name: "disabled-ep_1", type: "endpoint.disabled", at: NOW });
    expect(disabledEndpointIdOf(event.name)).toBe("ep_1");
  });

  it("no endpoint id is read from the name of another event", () => {
    for (const name of ["completed", "progress-31", "ep_1-disabled-", ""])
      expect(disabledEndpointIdOf(name)).toBeUndefined();
  });

  it("the event has no mask bit, because the worker that disables the endpoint notifies the others", () => {
    expect(eventMaskOf(["endpoint.disabled"])).toBe(0);
  });
});
