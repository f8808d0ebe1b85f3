import { describe, expect, test } from "vitest";
import { add, type Counters } from "./count.ts";
import { runSeed, SYSTEMS, type SystemName } from "./systems.ts";

const FROM = 1;
const SEEDS = 42;

/** Seeds of a comparison whose two rates are close: in 42 seeds chance would decide it. */
const MANY_SEEDS = 3 * SEEDS;

async function runSeeds(name: SystemName, seeds: number, withoutFaults: boolean, from = FROM): Promise<Counters> {
  let sum: Counters | undefined;
  for (let seed = from; seed < from + seeds; seed++) sum = add(sum, await runSeed(name, seed, withoutFaults));
  return sum!;
}

test.each(SYSTEMS)("without faults %s pays each image once and ends every flow", async (name) => {
  const counters = await runSeeds(name, 5, true);
  expect(counters).toMatchObject({ flows: 50, paidAgainKnown: 0, paidAgainUnknown: 0, unfinished: 0, paidUnseen: 0 });
});

describe(`under the faults of seeds ${FROM} to ${FROM + SEEDS - 1}`, () => {
  const runs = new Map<SystemName, Promise<Counters>>();
  const countersOf = (name: SystemName) => {
    if (!runs.has(name)) runs.set(name, runSeeds(name, SEEDS, false));
    return runs.get(name)!;
  };

  test("mjflow pays no accepted image again, ends every flow and accepts no forged callback", async () => {
    const ours = await countersOf("mjflow");
    expect(ours).toMatchObject({ paidAgainKnown: 0, unfinished: 0, forgedAccepted: 0 });
    expect(ours.flows).toBeGreaterThan(SEEDS * 9);
  });

  test("with a vendor that lists its tasks mjflow pays again only for tasks that the list omits", async () => {
    const [searching, plain] = [await countersOf("searching"), await countersOf("mjflow")];
    expect(searching).toMatchObject({ paidAgainKnown: 0, unfinished: 0, forgedAccepted: 0 });
    // With all faults, every tenth response of the list omits an existing task.
    expect(searching.paidAgainUnknown).toBeLessThan(plain.paidAgainUnknown / 5);
  });

  test("with a vendor whose list ends too early mjflow pays no accepted image again and no more than without a list", async () => {
    const manyOf = async (name: SystemName) =>
      add(add(undefined, await countersOf(name)), await runSeeds(name, MANY_SEEDS - SEEDS, false, FROM + SEEDS));
    const [listing, plain] = [await manyOf("listing"), await manyOf("mjflow")];
    expect(listing).toMatchObject({ paidAgainKnown: 0, unfinished: 0, forgedAccepted: 0 });
    expect(listing.paidAgainUnknown).toBeLessThanOrEqual(plain.paidAgainUnknown);
  }, 180_000);

  test("polling ends its flows, but pays again for each lost response and sends a third more requests", async () => {
    const [theirs, ours] = [await countersOf("polling"), await countersOf("mjflow")];
    expect(theirs.unfinished).toBe(0);
    expect(theirs.paidAgainUnknown).toBeGreaterThan(3 * ours.paidAgainUnknown);
    expect(theirs.requests / theirs.flows).toBeGreaterThan(((4 / 3) * ours.requests) / ours.flows);
  });

  test("a simple webhook handler pays again, leaves flows open and accepts forged callbacks", async () => {
    const theirs = await countersOf("webhook");
    expect(theirs.paidAgainKnown).toBeGreaterThan(0);
    expect(theirs.unfinished).toBeGreaterThan(0);
    expect(theirs.forgedAccepted).toBeGreaterThan(0);
  });

  test("a wait that is registered after the submission pays again and loses paid images", async () => {
    const [theirs, ours] = [await countersOf("wait"), await countersOf("mjflow")];
    expect(theirs.paidAgainUnknown).toBeGreaterThan(3 * ours.paidAgainUnknown);
    expect(theirs.paidUnseen).toBeGreaterThan(3 * ours.paidUnseen);
  });
});
