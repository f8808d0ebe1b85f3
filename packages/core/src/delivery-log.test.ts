import { describe, expect, it } from "vitest";
import { NOW, taskIn } from "../test/sample.ts";
import {
  type DeliveryLog,
  deliveriesOfRecord,
  EMPTY_LOG,
  isEndHeldBack,
  isNotifiedByFlow,
  isOverlooked,
  logRowOf,
  logRowsFor,
  mergedLog,
  recordedTaskEvents,
  recordKeyOf,
  unrecordedEvents,
} from "./delivery-log.ts";
import { EVENT_BITS, EVENT_TYPES, eventMaskOf } from "./event.ts";
import type { Flow } from "./flow.ts";
import { newTask, type PendingEffect } from "./task.ts";

const ALL = eventMaskOf(EVENT_TYPES) | EVENT_BITS.log;
const DAY = 24 * 3_600_000;
const ended = taskIn("SUCCESS", { submittedAt: NOW, endedAt: NOW + 5, eventMask: ALL, flowDue: NOW });
const flow = {
  id: ended.flowId,
  appId: "app_a",
  status: "completed",
  endedAt: NOW + 6,
  eventMask: ALL,
} as Flow;
const logWith = (...keys: [string, string][]): DeliveryLog => ({
  isFlowEnded: false,
  records: new Map(
    keys.map(([subject, name]) => [
      recordKeyOf(subject, name),
      { subject, name, happenedAt: NOW, recordedAt: NOW, outcomes: new Map([["hook", 200 as const]]) },
    ]),
  ),
});

describe("events that need a record", () => {
  const namesOf = (log: DeliveryLog, of = flow, tasks = [ended]) =>
    unrecordedEvents(of, tasks, log, NOW).events.map(({ subject, event }) => `${subject} ${event.name}`);

  it("every event with a subscriber needs one: the submission and the end of each task, and the end of the flow", () => {
    expect(namesOf(EMPTY_LOG)).toEqual([`${ended.path} submitted`, `${ended.path} completed`, "flow completed"]);
    expect(namesOf(logWith([ended.path, "submitted"], ["flow", "completed"]))).toEqual([`${ended.path} completed`]);
  });

  it("an event without a subscriber needs none", () => {
    const quiet = { ...ended, eventMask: EVENT_BITS.log };
    expect(namesOf(EMPTY_LOG, { ...flow, eventMask: EVENT_BITS.log }, [quiet])).toEqual([]);
  });

  it("progress needs none", () => {
    expect(recordedTaskEvents(taskIn("IN_PROGRESS", { progress: 50, eventMask: ALL }))).toEqual([]);
  });

  it("the end of a task waits for its images to be archived", () => {
    const archiving = { ...ended, pendingEffects: ["archive" as const] };
    expect(recordedTaskEvents(archiving).map(({ name }) => name)).toEqual(["submitted"]);
    expect(unrecordedEvents(flow, [archiving], EMPTY_LOG, NOW).isWaiting).toBe(true);
    expect(unrecordedEvents(flow, [ended], EMPTY_LOG, NOW).isWaiting).toBe(false);
  });

  it("copies that are sent later hold back only the flow, and only if they have a subscriber", () => {
    const archiving = (eventMask: number) => ({ ...ended, eventMask, pendingEffects: ["archive" as const] });
    const later = archiving(ALL | EVENT_BITS.archiveLater);
    expect(recordedTaskEvents(later).map(({ name }) => name)).toEqual(["submitted", "completed"]);
    expect(unrecordedEvents(flow, [later], EMPTY_LOG, NOW).isWaiting).toBe(true);
    const onlyEnd = archiving(EVENT_BITS.ended | EVENT_BITS.archiveLater | EVENT_BITS.log);
    expect(unrecordedEvents(flow, [onlyEnd], EMPTY_LOG, NOW).isWaiting).toBe(false);
    const onlyCopies = archiving(EVENT_BITS.archived | EVENT_BITS.archiveLater | EVENT_BITS.log);
    expect(unrecordedEvents(flow, [onlyCopies], EMPTY_LOG, NOW).isWaiting).toBe(true);
    expect(unrecordedEvents(flow, [archiving(EVENT_BITS.archived)], EMPTY_LOG, NOW).isWaiting).toBe(false);
    const archived = { ...later, pendingEffects: undefined, archivedAt: NOW + 9 };
    expect(recordedTaskEvents(archived).map(({ name }) => name)).toEqual(["submitted", "completed", "archived"]);
  });

  it("the end is held back only while images are archived whose copies are not sent later", () => {
    const heldBack = (pendingEffects: PendingEffect[] | undefined, eventMask: number) =>
      isEndHeldBack({ pendingEffects, eventMask });
    expect([heldBack(["archive"], ALL), heldBack(["archive"], ALL | EVENT_BITS.archiveLater)]).toEqual([true, false]);
    expect([heldBack(["tell"], ALL), heldBack(undefined, ALL)]).toEqual([false, false]);
  });

  it("the end of a flow waits for its restart, so that the event names the new flow", () => {
    const restarting = { ...flow, pendingEffects: ["restart" as const, "tell" as const] };
    expect(namesOf(EMPTY_LOG, restarting, [])).toEqual([]);
    expect(unrecordedEvents(restarting, [], EMPTY_LOG, NOW).isWaiting).toBe(true);
  });

  it("an event whose record has expired is not sent again", () => {
    expect(unrecordedEvents(flow, [ended], EMPTY_LOG, NOW + 26 * DAY).events).toEqual([]);
    expect(isOverlooked({ name: "completed", type: "task.completed", at: NOW }, NOW + 26 * DAY)).toBe(false);
  });

  it("an event counts as overlooked after 30 s", () => {
    const event = { name: "completed", type: "task.completed" as const, at: NOW };
    expect([29_999, 30_000].map((ms) => isOverlooked(event, NOW + ms))).toEqual([false, true]);
  });
});

describe("who stands for a notification", () => {
  it("the flow stands for the tasks of its plan, and a press by the app for itself", () => {
    expect(isNotifiedByFlow({ eventMask: ALL, flowDue: NOW })).toBe(true);
    expect(isNotifiedByFlow({ eventMask: ALL, flowDue: 0 })).toBe(true);
    expect(isNotifiedByFlow({ eventMask: ALL })).toBe(false);
    expect(isNotifiedByFlow({ eventMask: eventMaskOf(EVENT_TYPES), flowDue: NOW })).toBe(false);
  });

  it("the mark of the log is copied with the event mask to a new task", () => {
    const { eventMask } = newTask({ ...ended, path: "0-1" }, NOW, NOW);
    expect(isNotifiedByFlow({ eventMask, flowDue: NOW })).toBe(true);
  });
});

describe("rows of the log", () => {
  it("eight planned tasks share a row", () => {
    expect([1, 8, 9, 200].map(logRowsFor)).toEqual([1, 1, 2, 25]);
  });

  it("each task has one row, and the flow's own events are in the first", () => {
    const rows = Array.from({ length: 200 }, (_, i) => logRowOf(`0-${i}`, { logRows: 25 }));
    expect(new Set(rows).size).toBe(25);
    expect(Math.max(...rows)).toBe(24);
    expect(logRowOf("flow", { logRows: 25 })).toBe(0);
    expect(logRowOf("0-3", {})).toBe(0);
  });

  it("several rows are read as one log, which has ended if one of them has", () => {
    const log = mergedLog([logWith(["0", "submitted"]), { ...logWith(["0-1", "submitted"]), isFlowEnded: true }]);
    expect([...log.records.keys()]).toEqual(["0.submitted", "0-1.submitted"]);
    expect(log.isFlowEnded).toBe(true);
  });
});

describe("deliveries of a record", () => {
  it("each success is a delivery with one attempt; what has a row is left out", () => {
    const outcomes = new Map<string, number | "row">([
      ["hook", 204],
      ["ep_1", "row"],
    ]);
    const record = { subject: "0-1", name: "completed-2", happenedAt: NOW, recordedAt: NOW + 9, outcomes };
    expect(deliveriesOfRecord(flow, record)).toEqual([
      {
        flowId: flow.id,
        appId: "app_a",
        subject: "0-1",
        name: "completed-2",
        listener: "hook",
        type: "task.completed",
        happenedAt: NOW,
        rev: 0,
        status: "delivered",
        tries: 1,
        attempts: [{ at: NOW + 9, status: 204 }],
        createdAt: NOW + 9,
        endedAt: NOW + 9,
      },
    ]);
  });
});
