import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FLOW, NOW, taskIn } from "../test/sample.ts";
import { type BreakerRecord, newBreakerRecord } from "./circuit-breaker.ts";
import {
  callLimit,
  callRows,
  freeSlots,
  isSlotAged,
  occupiesSlot,
  outdatedCallSlots,
  outdatedTaskSlots,
  preferredRows,
  rowCount,
  rowLimit,
  rowLimits,
  SLOTS_PER_ROW,
  type SlotRow,
  slotNameOf,
  taskOfSlot,
} from "./concurrency-limiter.ts";
import { ENDED, STATUSES, type Task } from "./task.ts";
import { TIMINGS } from "./timing.ts";

const max = fc.integer({ min: 0, max: 1_000 });
const kind = fc.constantFrom("tasks" as const, "calls" as const);
const account = { provider: "sim", account: "a" };
const rowsOf = (counts: readonly number[]): SlotRow[] =>
  counts.map((count, row) => ({
    kind: "tasks",
    row,
    held: Object.fromEntries(Array.from({ length: count }, (_, i) => [`${row}.${i}`, NOW])),
  }));

describe("rows of a limit", () => {
  it("for every limit, the limits of the rows add up to it and no row is larger than a write unit", () => {
    fc.assert(
      fc.property(kind, max, (kindOf, limit) => {
        const limits = Array.from({ length: rowCount(kindOf, limit) + 2 }, (_, row) => rowLimit(kindOf, limit, row));
        expect(limits.reduce((sum, each) => sum + each, 0)).toBe(limit);
        expect(Math.max(...limits)).toBeLessThanOrEqual(SLOTS_PER_ROW[kindOf]);
      }),
    );
  });

  it("for every limit and number, the preferred rows exist and differ", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 84 }),
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        (count, chance) => {
          const rows = preferredRows(count, chance);
          expect(new Set(rows).size).toBe(Math.min(2, count));
          for (const row of rows) expect(row).toBeLessThan(count);
        },
      ),
    );
  });

  it("for every content of the rows, exactly so many slots are free that the limit is not exceeded", () => {
    const counts = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 10 });
    fc.assert(
      fc.property(max, counts, fc.nat({ max: 20 }), (limit, held, earlier) => {
        const rows = rowsOf(held);
        const free = freeSlots("tasks", limit, rows, earlier);
        const total = held.reduce((sum, each) => sum + each, 0) + earlier;
        expect(free).toBe(Math.max(0, limit - total));
      }),
    );
  });

  it("after a limit was lowered, the entries above the new rows use up slots", () => {
    expect(rowLimits("tasks", 24, rowsOf([10, 10, 10]))).toEqual([10, 10]);
    expect(rowLimits("tasks", 13, rowsOf([12, 2]))).toEqual([7, 2]);
    expect(rowLimits("tasks", 24, [])).toEqual([12, 12]);
    expect(freeSlots("tasks", 24, rowsOf([10, 10, 10]))).toBe(0);
    expect(freeSlots("tasks", 24, rowsOf([10, 10, 0]))).toBe(4);
    expect(freeSlots("tasks", 24, rowsOf([10, 10]), 3)).toBe(1);
  });
});

describe("slots of tasks", () => {
  it("the name of a slot gives the task back", () => {
    for (const path of ["0", "0-1-m12", "0r2"]) {
      expect(taskOfSlot(slotNameOf({ flowId: FLOW, path }))).toEqual({ flowId: FLOW, path });
    }
  });

  const held = { [slotNameOf({ flowId: FLOW, path: "0" })]: NOW };
  const LATER = NOW + TIMINGS.slotMs;
  const task = (status: Task["status"], more: Partial<Task> = {}) => taskIn(status, { account: "a", ...more });
  const outdated = (tasks: Task[], now = LATER) =>
    Object.keys(outdatedTaskSlots({ held }, account, tasks, TIMINGS, now));

  it("a slot is outdated once its task has ended, waits, was never stored or has another account", () => {
    for (const status of [...ENDED, "PENDING", "MODAL"] as const)
      expect(outdated([task(status)]), status).toHaveLength(1);
    expect(outdated([])).toHaveLength(1);
    expect(outdated([task("SUBMITTED", { path: "0-1" })])).toHaveLength(1);
    expect(outdated([task("SUBMITTED", { account: "b" })])).toHaveLength(1);
    expect(outdated([task("SUBMITTED", { provider: "other" })])).toHaveLength(1);
  });

  it("a slot is not outdated while the vendor may be working on its task, however old it is", () => {
    for (const status of ["SUBMITTING", "UNCLEAR", "SUBMITTED", "IN_PROGRESS"] as const) {
      expect(outdated([task(status)], LATER + 3_600_000), status).toEqual([]);
    }
  });

  it("no slot is outdated within slotMs after it was acquired, whatever its task is", () => {
    for (const status of STATUSES) expect(outdated([task(status)], LATER - 1), status).toEqual([]);
    expect(outdated([], LATER - 1)).toEqual([]);
  });

  it("a slot is aged after half of slotMs, so the claim is stored before another task can get the slot", () => {
    const slot = { row: 0, at: NOW };
    expect(isSlotAged(slot, TIMINGS, NOW + TIMINGS.slotMs / 2)).toBe(false);
    expect(isSlotAged(slot, TIMINGS, NOW + TIMINGS.slotMs / 2 + 1)).toBe(true);
  });

  it("a waiting task occupies its slot only if the slot is recent", () => {
    expect([occupiesSlot(task("PENDING"), account, true), occupiesSlot(task("PENDING"), account, false)]).toEqual([
      true,
      false,
    ]);
  });
});

describe("calls", () => {
  it("the slot of a call is outdated once its function can no longer be running", () => {
    expect(outdatedCallSlots({ held: { a: NOW, b: NOW + 1 } }, 1_000, NOW + 1_000)).toEqual({ a: NOW });
  });

  const limits = (max: number, breaker?: BreakerRecord, now = NOW) =>
    callRows(max, breaker, now, 0).map(({ limit }) => limit);
  const total = (...args: Parameters<typeof limits>) => limits(...args).reduce((sum, each) => sum + each, 0);

  it("for every limit, its rows have it together, each has at most a write unit, and finished calls leave half of it free", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (max, chance) => {
          const rows = callRows(max, undefined, NOW, chance);
          expect(new Set(rows.map(({ row }) => row)).size).toBe(rows.length);
          expect(rows.reduce((sum, { limit }) => sum + limit, 0)).toBe(max);
          for (const { row, limit, keep } of rows) {
            expect(limit).toBeGreaterThan(0);
            expect(limit).toBeLessThanOrEqual(SLOTS_PER_ROW.calls);
            expect(keep).toBeLessThanOrEqual(row === 0 ? 0 : limit / 2);
          }
        },
      ),
    );
  });

  it("an account gets one call while its breaker is open and two while it is half-open", () => {
    const opened = { ...newBreakerRecord(), faults: 3, fault: "unclear" as const, faultAt: NOW, openUntil: NOW + 1 };
    expect([NOW, NOW + 1].map((now) => total(50, opened, now))).toEqual([1, 2]);
    expect(total(1, opened, NOW + 1)).toBe(1);
    expect(total(50, newBreakerRecord())).toBe(50);
  });

  it("an unclear response alone changes no limit, because some response of many gets lost", () => {
    expect(total(50, { ...newBreakerRecord(), faults: 2, fault: "unclear", faultAt: NOW })).toBe(50);
  });

  it("the rows in trouble are among the rows of a calm account and keep no finished calls", () => {
    const halfOpen = { ...newBreakerRecord(), openUntil: NOW };
    expect(callRows(50, halfOpen, NOW, 0)).toEqual([{ row: 0, limit: 2, keep: 0 }]);
    expect(callRows(50, undefined, NOW, 0).at(-1)).toEqual({ row: 0, limit: 2, keep: 0 });
  });
});

describe("the limit of calls of an account", () => {
  const account = (name: string, host: string, weight = 1) => ({ provider: "sim", account: name, host, weight });
  const limitsOf = (workers: number, accounts: ReturnType<typeof account>[]) =>
    accounts.map((each) => callLimit(workers, accounts, each));

  it("the only account of a deployment has none", () => {
    expect(limitsOf(200, [account("a", "x")])).toEqual([undefined]);
  });

  it("is half of the workers if each account has a host of its own", () => {
    expect(limitsOf(200, [account("a", "x"), account("b", "y")])).toEqual([100, 100]);
    expect(limitsOf(200, [account("a", "x"), account("b", "y"), account("c", "z")])).toEqual([100, 100, 100]);
  });

  it("is a part of the half by weight if accounts share their host", () => {
    const accounts = [account("a", "x", 3), account("b", "x", 1), account("c", "x", 0), account("d", "y")];
    expect(limitsOf(200, accounts)).toEqual([75, 25, 1, 100]);
  });

  it("is a part of all workers if all accounts have one host", () => {
    expect(limitsOf(200, [account("a", "x"), account("b", "x", 3)])).toEqual([50, 150]);
    expect(limitsOf(200, [account("a", "x", 0), account("b", "x", 0)])).toEqual([100, 100]);
  });

  it("belongs to provider and name together, and an account that was just removed has one call", () => {
    const accounts = [account("a", "x"), { ...account("a", "y"), provider: "other" }, account("b", "y")];
    expect(limitsOf(200, accounts)).toEqual([100, 50, 50]);
    expect(callLimit(200, accounts, account("c", "x"))).toBe(1);
  });

  it("for any accounts, the accounts of one host never have more than half of the workers, or one call each", () => {
    const some = fc.array(fc.record({ host: fc.constantFrom("x", "y", "z"), weight: fc.nat(5) }), { minLength: 2 });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 1_000 }), some, (workers, drawn) => {
        const accounts = drawn.map(({ host, weight }, i) => account(`a${i}`, host, weight));
        const hosts = Map.groupBy(accounts, ({ host }) => host);
        fc.pre(hosts.size > 1);
        for (const own of hosts.values()) {
          const sum = own.reduce((total, each) => total + callLimit(workers, accounts, each)!, 0);
          expect(sum).toBeLessThanOrEqual(workers / 2 + own.length);
        }
      }),
    );
  });
});
