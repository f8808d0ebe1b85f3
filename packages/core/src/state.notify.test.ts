/** Who listens is told: of each thing once, of nothing they did not ask for, and of a picture once its copy is there. */
import { describe, expect, it } from "vitest";
import { accepted, callback, claim, effects, pending, play, windowOf } from "../test/sample.ts";
import { type EventType, eventMaskOf } from "./event.ts";
import type { NewTask } from "./task.ts";

const heard = (events: EventType[], more: Partial<NewTask> = {}) =>
  play(pending({ eventMask: eventMaskOf(events), ...more }), claim).task;
const at = (progress: number) => callback("IN_PROGRESS", 1, { progress });

describe("whoever listens is told", () => {
  it("that the vendor took it", () => {
    expect(effects(play(heard(["task.submitted"]), accepted()).last)).toEqual(["tell"]);
  });

  it("of each step, and of the same step once", () => {
    const start = play(heard(["task.progress"]), accepted(), at(31));
    expect(effects(start.last)).toEqual(["tell"]);
    expect(effects(play(start.task, at(31)).last)).toEqual([]);
    expect(effects(play(start.task, at(62)).last)).toEqual(["tell"]);
  });

  it("beside what has to be done anyway", () => {
    const answered = heard(["task.submitted"], { modal: { prompt: "p" } });
    expect(effects(play(answered, windowOf()).last)).toEqual(["enqueue", "tell"]);
  });

  it("of an end, once", () => {
    const start = play(heard(["task.completed"]), accepted()).task;
    expect(effects(play(start, callback("SUCCESS")).last)).toEqual(["settle", "tell"]);
    expect(effects(play(start, callback("FAILURE")).last)).toEqual(["settle", "tell"]);
  });

  it("of a success once its copies are there, and not before", () => {
    const start = play(heard(["task.completed"], { archive: true }), accepted()).task;
    const { task, last } = play(start, callback("SUCCESS"));
    expect(effects(last)).toEqual(["settle", "archive"]);
    expect(effects(play(task, { kind: "archived", copies: [] }).last)).toEqual(["tell"]);
  });

  it("of an open window, once, and not where its answer lies ready", () => {
    const start = heard(["task.modal"]);
    expect(effects(play(start, windowOf()).last)).toEqual(["tell"]);
    expect(effects(play({ ...start, modal: {} }, windowOf()).last)).toEqual(["enqueue"]);
  });
});

describe("nobody is told", () => {
  it("of what they did not ask for", () => {
    const start = play(heard(["task.modal", "flow.completed"]), accepted(), at(31));
    expect(effects(start.last)).toEqual([]);
    expect(effects(play(start.task, callback("SUCCESS")).last)).toEqual(["settle"]);
  });

  it("where nobody listens", () => {
    const start = play(pending(), claim, accepted(), at(31));
    expect(effects(start.last)).toEqual([]);
    expect(effects(play(start.task, callback("SUCCESS")).last)).toEqual(["settle"]);
  });
});
