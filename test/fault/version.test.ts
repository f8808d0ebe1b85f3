/**
 * Fault 28: two versions of the code run at once, as during every deployment, and the older one alone again after a
 * rollback. What they share is the table, the queue and the hook tokens.
 */
import { describe, expect, test } from "vitest";
import { ALL_FAULTS, type FaultProfile, NO_FAULTS, singleFault } from "../sim/fault-profile.ts";
import { checkInvariants } from "../sim/invariant.ts";
import { runSimulation } from "../sim/simulation.ts";
import { expectPaidOnce } from "./expect-paid-once.ts";
import {
  EARLIER,
  earlier,
  type Mixture,
  mixtureOf,
  NEWER_ATTRIBUTE,
  newer,
  type Release,
  today,
  without,
} from "./version/versions.ts";

const SEEDS = 3;
const FLOWS = 6;

interface Options {
  /** Attributes that no row may lose. */
  watched?: readonly string[];
  /** Apps listen; deliveries that fail take virtual days. */
  hooks?: boolean;
}

async function runMixed(
  releases: readonly Release[],
  seed: number,
  profile: FaultProfile,
  { watched, hooks = true }: Options = {},
) {
  const mixture = mixtureOf(releases, seed, watched);
  const run = await runSimulation({ seed, flows: FLOWS, profile, hooks, variant: mixture.variant });
  return { ...mixture, run, ...checkInvariants(run) };
}

function expectBothRan({ ran }: Mixture): void {
  for (const [, processes] of ran) expect(processes).toBeGreaterThan(10);
}

describe.each(EARLIER)("the version of %s beside today's, process by process", (name) => {
  test("in calm weather every flow completes, each picture paid once and no look-up made", async () => {
    const releases = [await earlier(name), today];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const mixed = await runMixed(releases, seed, NO_FAULTS);
      expect(mixed.findings).toEqual([]);
      expect(mixed.counts).toMatchObject({ flows: FLOWS, unfinished: 0, resubmitted: 0, lookups: 0 });
      expectPaidOnce(mixed.run);
      expect(mixed.run.ownRefused).toBe(0);
      expectBothRan(mixed);
    }
  });

  test.each(["crash", "copyMessage", "loseMessage", "answerLost", "modal", "silent", "forge", "tableLies"] as const)(
    "%s besides: no rule is broken",
    async (fault) => {
      const releases = [await earlier(name), today];
      for (let seed = 1; seed <= 2; seed++) {
        const mixed = await runMixed(releases, seed, singleFault(fault, fault === "crash" ? 0.05 : 0.4), {
          hooks: false,
        });
        expect(mixed.findings).toEqual([]);
        expect(mixed.run.ownRefused).toBe(0);
      }
    },
  );

  test("all faults at once: no rule is broken", async () => {
    const releases = [await earlier(name), today];
    for (let seed = 1; seed <= SEEDS; seed++) {
      expect((await runMixed(releases, seed, ALL_FAULTS)).findings).toEqual([]);
    }
  });
});

describe("a version that lacks fields which a later one has", () => {
  /** Late ends, odd words, orphans, and the further ids of one press. */
  const LATER = ["la", "od", "or", "ids"];

  test("breaks no rule, and wipes out nothing that the later one wrote", async () => {
    let written = 0;
    for (let seed = 1; seed <= 2 * SEEDS; seed++) {
      const mixed = await runMixed([without(LATER), today], seed, ALL_FAULTS, { watched: ["la", "od"], hooks: false });
      expect(mixed.findings).toEqual([]);
      expect(mixed.lost).toEqual([]);
      expectBothRan(mixed);
      written += mixed.table.dump().filter((item) => item["la"]).length;
    }
    expect(written).toBeGreaterThan(2);
  });

  test("carries an attribute it has never heard of through every write", async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const mixed = await runMixed([newer, today], seed, ALL_FAULTS, { watched: [NEWER_ATTRIBUTE] });
      expect(mixed.findings).toEqual([]);
      expect(mixed.lost).toEqual([]);
      expectBothRan(mixed);
      expect(mixed.table.dump().filter((item) => item[NEWER_ATTRIBUTE]).length).toBeGreaterThan(10);
    }
  });
});
