import { describe, expect, it } from "vitest";
import { FLOW, NOW, taskIn } from "../test/sample.ts";
import {
  acquireSlot,
  DEFAULT_ACCOUNT,
  hasSlot,
  isAccountName,
  newSlots,
  pruneSlots,
  releaseSlot,
  type Slots,
} from "./account.ts";
import { ENDED, STATUSES, type Task } from "./task.ts";

const GRACE = 1_000;
const task = (status: Task["status"], more: Partial<Task> = {}) => taskIn(status, { account: "a", ...more });
const empty = newSlots("sim", "a");
const one: Slots = { ...empty, held: [{ flowId: FLOW, path: "0", at: NOW }] };
const LATER = NOW + GRACE;

describe("an account's name", () => {
  it("travels in tokens and keys as it is", () => {
    for (const name of [DEFAULT_ACCOUNT, "a", "Team_2-b", "x".repeat(40)]) expect(isAccountName(name), name).toBe(true);
  });

  it("is nothing that would not", () => {
    for (const name of ["", "a b", "a.b", "/a", "a/", "ä", "x".repeat(41), "a\n"]) {
      expect(isAccountName(name), name).toBe(false);
    }
  });

  it("is this one where the configuration names none", () => expect(DEFAULT_ACCOUNT).toBe("default"));
});

describe("a slot", () => {
  it("names its task, and since when", () => {
    expect(empty).toEqual({ provider: "sim", account: "a", rev: 0, held: [] });
    expect(acquireSlot(empty, { flowId: FLOW, path: "0" }, 1, NOW)).toEqual(one);
  });

  it("is held by that task, not by another of its flow, nor by its like in another flow", () => {
    expect(hasSlot(one, { flowId: FLOW, path: "0" }, NOW - 1)).toBe(true);
    expect(hasSlot(one, { flowId: FLOW, path: "0-1" }, NOW - 1)).toBe(false);
    expect(hasSlot(one, { flowId: "flow_x", path: "0" }, NOW - 1)).toBe(false);
    expect(hasSlot(empty, { flowId: FLOW, path: "0" }, NOW - 1)).toBe(false);
  });

  it("is its task's until it might have been given to another: then it is taken anew", () => {
    const task = { flowId: FLOW, path: "0" };
    expect(hasSlot(one, task, NOW)).toBe(false);
    expect(acquireSlot(releaseSlot(one, task), task, 1, LATER)!.held).toEqual([{ ...task, at: LATER }]);
    expect(releaseSlot(one, { flowId: FLOW, path: "0-1" })).toEqual(one);
  });

  it("is given as long as there are some, and the others keep theirs", () => {
    const two = acquireSlot(one, { flowId: FLOW, path: "0-1" }, 2, NOW + 1);
    expect(two?.held).toEqual([...one.held, { flowId: FLOW, path: "0-1", at: NOW + 1 }]);
    expect(acquireSlot(two!, { flowId: FLOW, path: "0-2" }, 2, NOW)).toBeUndefined();
  });
});

describe("a slot is free again", () => {
  const left = (tasks: Task[], now = LATER, slots = one) => pruneSlots(slots, tasks, GRACE, now).held.length;

  it("once its task has ended, was never stored, or went to another account", () => {
    for (const status of ENDED) expect(left([task(status)]), status).toBe(0);
    expect(left([])).toBe(0);
    expect(left([task("SUBMITTED", { path: "0-1" })])).toBe(0);
    expect(left([task("SUBMITTED", { account: "b" })])).toBe(0);
    expect(left([task("SUBMITTED", { provider: "other" })])).toBe(0);
  });

  it("and not while the vendor may be at work on it", () => {
    for (const status of ["SUBMITTING", "UNCLEAR", "SUBMITTED", "IN_PROGRESS"] as const) {
      expect(left([task(status)]), status).toBe(1);
    }
  });

  it("where it waits, or its window waits, unless it was taken just now", () => {
    for (const status of ["PENDING", "MODAL"] as const) {
      expect(left([task(status)], LATER - 1), status).toBe(1);
      expect(left([task(status)], LATER), status).toBe(0);
    }
  });

  it("even at once, where its task has ended", () => {
    for (const status of STATUSES.filter((each) => ENDED.has(each))) expect(left([task(status)], NOW)).toBe(0);
  });

  it("alone: the others stay, each asked about its own task", () => {
    const two = { ...one, held: [...one.held, { flowId: FLOW, path: "0-1", at: NOW }] };
    const tasks = [task("SUCCESS"), task("IN_PROGRESS", { path: "0-1" })];
    expect(pruneSlots(two, tasks, GRACE, LATER)).toEqual({ ...two, held: [two.held[1]] });
  });
});
