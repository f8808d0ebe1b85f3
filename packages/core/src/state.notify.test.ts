/**
 * Notification effects: one notification per event, none for events without subscribers, and none for a success before
 * its images are archived.
 */
import { describe, expect, it } from "vitest";
import { accepted, callback, claim, effects, modalOpened, pending, play } from "../test/sample.ts";
import { type EventType, eventMaskOf } from "./event.ts";
import type { NewTask } from "./task.ts";

const claimedTask = (events: EventType[], more: Partial<NewTask> = {}) =>
  play(pending({ eventMask: eventMaskOf(events), ...more }), claim).task;
const at = (progress: number) => callback("IN_PROGRESS", 1, { progress });

describe("events with subscribers", () => {
  it("acceptance by the vendor causes a notification", () => {
    expect(effects(play(claimedTask(["task.submitted"]), accepted()).last)).toEqual(["tell"]);
  });

  it("new progress causes a notification, and repeated progress does not", () => {
    const start = play(claimedTask(["task.progress"]), accepted(), at(31));
    expect(effects(start.last)).toEqual(["tell"]);
    expect(effects(play(start.task, at(31)).last)).toEqual([]);
    expect(effects(play(start.task, at(62)).last)).toEqual(["tell"]);
  });

  it("the notification comes in addition to other effects", () => {
    const answered = claimedTask(["task.submitted"], { modal: { prompt: "p" } });
    expect(effects(play(answered, modalOpened()).last)).toEqual(["enqueue", "tell"]);
  });

  it("an end causes one notification", () => {
    const start = play(claimedTask(["task.completed"]), accepted()).task;
    expect(effects(play(start, callback("SUCCESS")).last)).toEqual(["settle", "tell"]);
    expect(effects(play(start, callback("FAILURE")).last)).toEqual(["settle", "tell"]);
  });

  it("a success with archiving causes the notification only after the images are archived", () => {
    const start = play(claimedTask(["task.completed"], { archive: true }), accepted()).task;
    const { task, last } = play(start, callback("SUCCESS"));
    expect(effects(last)).toEqual(["settle", "archive"]);
    expect(effects(play(task, { kind: "archived", copies: [] }).last)).toEqual(["tell"]);
  });

  it("an open modal causes one notification, and none if its answer is already stored", () => {
    const start = claimedTask(["task.modal"]);
    expect(effects(play(start, modalOpened()).last)).toEqual(["tell"]);
    expect(effects(play({ ...start, modal: {} }, modalOpened()).last)).toEqual(["enqueue"]);
  });
});

describe("events without subscribers", () => {
  it("events that the mask does not contain cause no notification", () => {
    const start = play(claimedTask(["task.modal", "flow.completed"]), accepted(), at(31));
    expect(effects(start.last)).toEqual([]);
    expect(effects(play(start.task, callback("SUCCESS")).last)).toEqual(["settle"]);
  });

  it("a task without event mask causes no notification", () => {
    const start = play(pending(), claim, accepted(), at(31));
    expect(effects(start.last)).toEqual([]);
    expect(effects(play(start.task, callback("SUCCESS")).last)).toEqual(["settle"]);
  });
});
