import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { groupLimit, nextGroup } from "./fair.ts";

const head = (group: string, order: number) => ({ group, order });

describe("the next message of a fair queue", () => {
  test("belongs to the group with the fewest messages in flight, although another group waits longer", () => {
    const inFlight = (group: string) => ({ slow: 3, quiet: 1 })[group] ?? 0;
    expect(nextGroup([head("slow", 1), head("quiet", 9)], inFlight)).toEqual(head("quiet", 9));
  });

  test("is the oldest one of the groups with equally many in flight", () => {
    expect(nextGroup([head("a", 5), head("b", 4), head("c", 6)], () => 2)).toEqual(head("b", 4));
  });

  test("can be a message without a group, which is a group of its own", () => {
    expect(nextGroup([head("a", 1), head("", 2)], () => 1)).toEqual(head("", 2));
  });

  test("is undefined if no message is ready", () => {
    expect(nextGroup([], () => 0)).toBeUndefined();
  });
});

describe("the limit of one group", () => {
  test("one busy group gets a quarter of all slots", () => {
    expect(fill(128, 1)).toEqual([32]);
  });

  test("for every number of busy groups and slots, a slot stays free for one more group while there are fewer groups than slots", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 300 }), fc.integer({ min: 1, max: 40 }), (slots, groups) => {
        fc.pre(groups < slots);
        const taken = fill(slots, groups).reduce((sum, count) => sum + count, 0);
        expect(taken).toBeLessThan(slots);
      }),
    );
  });

  /** Lets groups with endless messages take slots in turn until none may take another one. */
  function fill(slots: number, groups: number): number[] {
    const taken = Array.from({ length: groups }, () => 0);
    for (let before = -1; before !== sum(taken); ) {
      before = sum(taken);
      for (const [i, count] of taken.entries()) {
        const free = slots - sum(taken);
        if (free > 0 && count < groupLimit(free)) taken[i] = count + 1;
      }
    }
    return taken;
  }

  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
});
