import { describe, expect, test } from "vitest";
import { add, type Counters } from "./count.ts";
import { runSeed, SYSTEMS, type SystemName } from "./systems.ts";

const FROM = 1;
const SEEDS = 42;

async function many(name: SystemName, seeds: number, calm: boolean): Promise<Counters> {
  let sum: Counters | undefined;
  for (let seed = FROM; seed < FROM + seeds; seed++) sum = add(sum, await runSeed(name, seed, calm));
  return sum!;
}

test.each(SYSTEMS)("in calm weather %s pays each picture once and ends every flow", async (name) => {
  const counters = await many(name, 5, true);
  expect(counters).toMatchObject({ flows: 50, paidAgainKnown: 0, paidAgainUnknown: 0, unfinished: 0, paidUnseen: 0 });
});

describe(`under the faults of seeds ${FROM} to ${FROM + SEEDS - 1}`, () => {
  const runs = new Map<SystemName, Promise<Counters>>();
  const countersOf = (name: SystemName) => {
    if (!runs.has(name)) runs.set(name, many(name, SEEDS, false));
    return runs.get(name)!;
  };

  test("mjflow pays nothing again that was known, leaves nothing open and believes nobody unknown", async () => {
    const ours = await countersOf("mjflow");
    expect(ours).toMatchObject({ paidAgainKnown: 0, unfinished: 0, forgedAccepted: 0 });
    expect(ours.flows).toBeGreaterThan(SEEDS * 9);
  });

  test("with a vendor that can be searched mjflow pays again only what the vendor's own list left out", async () => {
    const [searching, plain] = [await countersOf("searching"), await countersOf("mjflow")];
    expect(searching).toMatchObject({ paidAgainKnown: 0, unfinished: 0, forgedAccepted: 0 });
    // In a storm every tenth answer of its list lacks a task it has.
    expect(searching.paidAgainUnknown).toBeLessThan(plain.paidAgainUnknown / 5);
  });

  test("polling ends its flows, but pays again for each answer that was lost, and asks a third more often", async () => {
    const [theirs, ours] = [await countersOf("polling"), await countersOf("mjflow")];
    expect(theirs.unfinished).toBe(0);
    expect(theirs.paidAgainUnknown).toBeGreaterThan(3 * ours.paidAgainUnknown);
    expect(theirs.requests / theirs.flows).toBeGreaterThan(((4 / 3) * ours.requests) / ours.flows);
  });

  test("a handler without dedupe, tokens or a clock pays again, leaves flows open and believes forgeries", async () => {
    const theirs = await countersOf("webhook");
    expect(theirs.paidAgainKnown).toBeGreaterThan(0);
    expect(theirs.unfinished).toBeGreaterThan(0);
    expect(theirs.forgedAccepted).toBeGreaterThan(0);
  });

  test("a wait registered after the submission pays again and drops pictures that were paid", async () => {
    const [theirs, ours] = [await countersOf("wait"), await countersOf("mjflow")];
    expect(theirs.paidAgainUnknown).toBeGreaterThan(3 * ours.paidAgainUnknown);
    expect(theirs.paidUnseen).toBeGreaterThan(3 * ours.paidUnseen);
  });
});
