/**
 * Fault 28: two versions of the code run at the same time, as during every deployment, and the older one alone after a
 * rollback. They share the table, the queue and the callback tokens.
 */

import { archivesLater } from "@mjflow/core/event";
import type { Flow } from "@mjflow/core/flow";
import type { FanOut } from "@mjflow/core/message";
import { describe, expect, test } from "vitest";
import { expectNoFindings } from "../sim/expect-no-findings.ts";
import { ALL_FAULTS, EARLIER_FAULTS, type FaultProfile, NO_FAULTS, singleFault } from "../sim/fault-profile.ts";
import { checkInvariants } from "../sim/invariant.ts";
import { runSimulation } from "../sim/simulation.ts";
import { expectPaidOnce } from "./expect-paid-once.ts";
import {
  archivingLater,
  EARLIER,
  earlier,
  type Mixture,
  mixtureOf,
  NEWER_ATTRIBUTE,
  newer,
  type Release,
  sharded,
  today,
  translating,
  withDeliveryLog,
  without,
} from "./version/versions.ts";

const SEEDS = 3;
const FLOWS = 6;

interface Options {
  /** Attributes that no row may lose. */
  watched?: readonly string[];
  /** True if apps are subscribed; failing deliveries then take virtual days. */
  hooks?: boolean | "always";
  /** What the deployment sets while the earlier version runs beside (MJFLOW_FAN_OUT). */
  fanOut?: FanOut;
}

async function runMixed(
  releases: readonly Release[],
  seed: number,
  profile: FaultProfile,
  { watched, hooks = true, fanOut = "one" }: Options = {},
) {
  const mixture = mixtureOf(releases, seed, watched);
  const run = await runSimulation({ seed, flows: FLOWS, profile, hooks, variant: { ...mixture.variant, fanOut } });
  return { ...mixture, run, ...checkInvariants(run) };
}

function expectBothRan({ ran }: Mixture): void {
  for (const [, processes] of ran) expect(processes).toBeGreaterThan(10);
}

describe.each(EARLIER)("processes of the version %s together with the current version", (name) => {
  test("without faults every flow completes, each image is paid once and no look-up is made", async () => {
    const releases = [await earlier(name), today];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const mixed = await runMixed(releases, seed, NO_FAULTS);
      expectNoFindings(mixed.findings);
      expect(mixed.counts).toMatchObject({ flows: FLOWS, unfinished: 0, resubmitted: 0, lookups: 0 });
      expectPaidOnce(mixed.run);
      expect(mixed.run.ownRefused).toBe(0);
      expectBothRan(mixed);
    }
  });

  test.each(["crash", "copyMessage", "loseMessage", "answerLost", "modal", "silent", "forge", "tableLies"] as const)(
    "with two versions and the fault %s no rule is broken",
    async (fault) => {
      const releases = [await earlier(name), today];
      for (let seed = 1; seed <= 2; seed++) {
        const mixed = await runMixed(releases, seed, singleFault(fault, fault === "crash" ? 0.05 : 0.4), {
          hooks: false,
        });
        expectNoFindings(mixed.findings);
        expect(mixed.run.ownRefused).toBe(0);
      }
    },
  );

  test("with two versions and all faults no rule is broken", async () => {
    const releases = [await earlier(name), today];
    for (let seed = 1; seed <= SEEDS; seed++) {
      expectNoFindings((await runMixed(releases, seed, EARLIER_FAULTS)).findings);
    }
  });
});

describe.each(EARLIER)("follow-ups without a row, beside processes of the version %s", (name) => {
  test.each([
    ["without faults", NO_FAULTS],
    ["with all faults", EARLIER_FAULTS],
  ])("that drop their messages: the sweeper starts them, and no rule is broken, %s", async (_, profile) => {
    const releases = [await earlier(name), today];
    let storedByClaim = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const mixed = await runMixed(releases, seed, profile, { hooks: false });
      expectNoFindings(mixed.findings);
      expect(mixed.counts.unfinished).toBe(0);
      storedByClaim += mixed.counts.storedByClaim;
    }
    expect(storedByClaim).toBeGreaterThan(0);
  });

  test("are not made if the deployment sets MJFLOW_FAN_OUT=each", async () => {
    const releases = [await earlier(name), today];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const mixed = await runMixed(releases, seed, NO_FAULTS, { hooks: false, fanOut: "each" });
      expectNoFindings(mixed.findings);
      expect(mixed.counts.storedByClaim).toBe(0);
    }
  });
});

describe("the delivery log of new flows", () => {
  test("processes with and without the setting share a table, and no rule is broken", async () => {
    const logs = new Set<boolean>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const mixed = await runMixed([withDeliveryLog(false), withDeliveryLog(true)], seed, ALL_FAULTS, {
        hooks: "always",
      });
      expectNoFindings(mixed.findings);
      expectBothRan(mixed);
      for (const flowId of mixed.run.flows.keys()) logs.add(mixed.run.deliveryLogs.has(flowId));
    }
    expect(logs).toEqual(new Set([true, false]));
  });

  test.each(EARLIER)(
    "the version %s, which does not know the log, notifies of every event of such flows if each event has its message",
    async (name) => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const mixed = await runMixed([await earlier(name), withDeliveryLog(true)], seed, NO_FAULTS, {
          hooks: "always",
          // It reads only the first event of a message. If this is the end of the flow, the sweeper never sees the others.
          fanOut: "each",
        });
        expect(mixed.run.deliveryLogs.size).toBeGreaterThan(0);
        // It writes no records of its own, so only the rules about records do not hold.
        expectNoFindings(mixed.findings.filter((finding) => !/^seed \d+: N /.test(finding)));
        expect(mixed.counts.unfinished).toBe(0);
      }
    },
  );
});

describe("flows that archive later", () => {
  const isLater = ({ flow }: { flow: Flow }) => archivesLater(flow.eventMask);

  test("flows of both kinds share a table, and no rule is broken", async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const mixed = await runMixed([today, archivingLater], seed, ALL_FAULTS, { hooks: "always" });
      expectNoFindings(mixed.findings);
      expectBothRan(mixed);
      expect(new Set([...mixed.run.flows.values()].map(isLater)).size).toBe(2);
    }
  });

  test.each(EARLIER)(
    "the version %s, which does not know the mark, breaks no rule and keeps the time of the copies",
    async (name) => {
      let archived = 0;
      for (let seed = 1; seed <= SEEDS; seed++) {
        const releases = [await earlier(name), archivingLater];
        const mixed = await runMixed(releases, seed, EARLIER_FAULTS, { hooks: "always", watched: ["aa"] });
        expectNoFindings(mixed.findings);
        expect(mixed.lost).toEqual([]);
        expectBothRan(mixed);
        archived += mixed.table.dump().filter((item) => item["aa"]).length;
      }
      expect(archived).toBeGreaterThan(2);
    },
  );
});

describe("the time at which a task was claimed", () => {
  test.each(EARLIER)("is kept by the version %s, which does not know it and breaks no rule", async (name) => {
    let claimed = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const mixed = await runMixed([await earlier(name), today], seed, EARLIER_FAULTS, { watched: ["sg"] });
      expectNoFindings(mixed.findings);
      expect(mixed.lost).toEqual([]);
      expectBothRan(mixed);
      claimed += mixed.table.dump().filter((item) => item["sg"]).length;
    }
    expect(claimed).toBeGreaterThan(2);
  });
});

describe("flows whose prompts are translated", () => {
  test.each(EARLIER)(
    "the version %s, which does not know the original prompt, breaks no rule and keeps it (TR1)",
    async (name) => {
      let translated = 0;
      for (let seed = 1; seed <= SEEDS; seed++) {
        const mixed = await runMixed([await earlier(name), translating], seed, EARLIER_FAULTS, { watched: ["op"] });
        expectNoFindings(mixed.findings);
        expect(mixed.lost).toEqual([]);
        expectBothRan(mixed);
        translated += mixed.table.dump().filter((item) => item["op"]).length;
      }
      expect(translated).toBeGreaterThan(2);
    },
  );
});

describe("a version without fields of a later version", () => {
  /** Late reports, unknown statuses, orphans, and the additional vendor ids of one press. */
  const LATER = ["la", "od", "or", "ids"];

  test("an older version breaks no rule and deletes no attribute that the later version wrote", async () => {
    let written = 0;
    for (let seed = 1; seed <= 2 * SEEDS; seed++) {
      const mixed = await runMixed([without(LATER), today], seed, ALL_FAULTS, { watched: ["la", "od"], hooks: false });
      expectNoFindings(mixed.findings);
      expect(mixed.lost).toEqual([]);
      expectBothRan(mixed);
      written += mixed.table.dump().filter((item) => item["la"]).length;
    }
    expect(written).toBeGreaterThan(2);
  });

  test("the current version preserves an unknown attribute in every write", async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const mixed = await runMixed([newer, today], seed, ALL_FAULTS, { watched: [NEWER_ATTRIBUTE] });
      expectNoFindings(mixed.findings);
      expect(mixed.lost).toEqual([]);
      expectBothRan(mixed);
      expect(mixed.table.dump().filter((item) => item[NEWER_ATTRIBUTE]).length).toBeGreaterThan(10);
    }
  });
});

describe("a deployment that changes the number of due shards", () => {
  test.each(["crash", "loseMessage", "silent"] as const)(
    "processes with the old and the new layout find the rows of each other, with the fault %s",
    async (fault) => {
      for (let seed = 1; seed <= 2; seed++) {
        const mixed = await runMixed([today, sharded], seed, singleFault(fault, fault === "crash" ? 0.05 : 0.4));
        expectNoFindings(mixed.findings);
        expectBothRan(mixed);
      }
    },
  );
});
