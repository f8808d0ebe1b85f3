import { describe, expect, it } from "vitest";
import { FLOW, NOW, taskIn } from "../test/sample.ts";
import { DEFAULT_ACCOUNT, type EarlierSlots, isAccountName, pruneSlots } from "./account.ts";
import { ENDED, STATUSES, type Task } from "./task.ts";

const GRACE = 1_000;
const task = (status: Task["status"], more: Partial<Task> = {}) => taskIn(status, { account: "a", ...more });
const one: EarlierSlots = { provider: "sim", account: "a", rev: 0, held: [{ flowId: FLOW, path: "0", at: NOW }] };
const LATER = NOW + GRACE;

describe("account names", () => {
  it("letters, digits, underscore and hyphen are valid, up to 40 characters", () => {
    for (const name of [DEFAULT_ACCOUNT, "a", "Team_2-b", "x".repeat(40)]) expect(isAccountName(name), name).toBe(true);
  });

  it("other characters, an empty name and more than 40 characters are rejected", () => {
    for (const name of ["", "a b", "a.b", "/a", "a/", "ä", "x".repeat(41), "a\n"]) {
      expect(isAccountName(name), name).toBe(false);
    }
  });

  it('the name of an unnamed account is "default"', () => expect(DEFAULT_ACCOUNT).toBe("default"));
});

describe("pruning of the slots of an earlier version", () => {
  const left = (tasks: Task[], now = LATER, slots = one) => pruneSlots(slots, tasks, GRACE, now).held.length;

  it("a slot is free once its task has ended, was never stored or has another account", () => {
    for (const status of ENDED) expect(left([task(status)]), status).toBe(0);
    expect(left([])).toBe(0);
    expect(left([task("SUBMITTED", { path: "0-1" })])).toBe(0);
    expect(left([task("SUBMITTED", { account: "b" })])).toBe(0);
    expect(left([task("SUBMITTED", { provider: "other" })])).toBe(0);
  });

  it("a slot is not free while the vendor may be working on its task", () => {
    for (const status of ["SUBMITTING", "UNCLEAR", "SUBMITTED", "IN_PROGRESS"] as const) {
      expect(left([task(status)]), status).toBe(1);
    }
  });

  it("the slot of a pending task or an open modal is free unless it was acquired within the grace time", () => {
    for (const status of ["PENDING", "MODAL"] as const) {
      expect(left([task(status)], LATER - 1), status).toBe(1);
      expect(left([task(status)], LATER), status).toBe(0);
    }
  });

  it("the slot of an ended task is free immediately", () => {
    for (const status of STATUSES.filter((each) => ENDED.has(each))) expect(left([task(status)], NOW)).toBe(0);
  });

  it("only the slots of ended tasks are removed and the others stay", () => {
    const two = { ...one, held: [...one.held, { flowId: FLOW, path: "0-1", at: NOW }] };
    const tasks = [task("SUCCESS"), task("IN_PROGRESS", { path: "0-1" })];
    expect(pruneSlots(two, tasks, GRACE, LATER)).toEqual({ ...two, held: [two.held[1]] });
  });
});
