/** The verdicts of the capacity model (`npm run scale`) on the sizes of docs/operations.md. */
import { beforeAll, describe, expect, test } from "vitest";
import { sizesOf } from "../../infra/size.ts";
import { measureAll } from "../cost/measure.ts";
import type { AllMeasured } from "../cost/page.ts";
import { contention } from "./contention.ts";
import { sweptPerS, wallsOf } from "./model.ts";
import { verdicts } from "./scenario.ts";
import { countSilentEntries } from "./silent.ts";
import { type SizeRow, sizeRows } from "./table.ts";

/** Rates of one app with limits at which the contention model must not fail, by the number of its credit counters. */
const LIMITED_APP_FLOWS_PER_S = { 1: 250, 8: 1_000 };

let measured: AllMeasured;
let silentEntries: number;
let rows: SizeRow[];

beforeAll(async () => {
  measured = await measureAll(["plain", "oneListener", "limitsOneListener", "compat"], 2);
  silentEntries = await countSilentEntries();
  rows = sizeRows();
}, 120_000);

test("the table of sizes has three rows, and a deployment accepts each", () => {
  expect(rows.map(({ flowsPerS }) => flowsPerS)).toEqual([10, 100, 1_000]);
  expect(rows[0]!.sizes).toEqual(sizesOf(true, { MJFLOW_DUE_SHARDS: "4" }));
});

/** A flow has five tasks. Each of them enters the list of a busy account and leaves it, with one write each. */
const ONE_LIST_FLOWS_PER_S = 100;

describe.each([10, 100, 1_000])("with the sizes for %i flows/s", (flowsPerS) => {
  test("every limit that a setting or a quota raises is above the rate", () => {
    const row = rows.find((each) => each.flowsPerS === flowsPerS)!;
    const found = { limitedAppFlowsPerS: LIMITED_APP_FLOWS_PER_S, silentEntries };
    const low = verdicts(row, measured, found)
      .filter(({ title }) => !/5 s$/.test(title))
      .flatMap(({ title, walls }) =>
        walls
          // The limit of one account is in a test of its own.
          .filter((wall) => wall.flowsPerS < flowsPerS && wall.what !== "dispatchers of wait lists")
          .map((wall) => `${title}: ${wall.what} at ${wall.flowsPerS.toFixed(0)}/s`),
      );
    expect(low).toEqual([]);
  });
});

test("the list of one account that was busy ends at 14 flows/s with the workers of production, and at up to 100 with more", () => {
  const rate = (row: number, busyAccounts: number) =>
    wallsOf(rows[row]!.sizes, measured.plain!, { answerMs: 1_500, largestApp: 1, busyAccounts }).find(
      ({ what }) => what === "dispatchers of wait lists",
    )!.flowsPerS;
  expect(rate(0, 1)).toBeGreaterThan(14);
  expect(rate(1, 1)).toBeGreaterThan(60);
  expect(rate(2, 1)).toBe(ONE_LIST_FLOWS_PER_S);
  expect(rate(2, 10)).toBeGreaterThan(5 * ONE_LIST_FLOWS_PER_S);
});

test("the sweep workers for 100 flows/s handle more than 1,000 entries a second", () => {
  expect(sweptPerS(rows[1]!.sizes)).toBeGreaterThan(1_000);
});

test.each([
  [250, 1, 1.6],
  [300, 2, 1.2],
  [300, 8, 1.1],
  [1_000, 8, 1.3],
])(
  "an app with limits starts and ends %i flows/s at once on %i counters without a failure, with less than %d write units for each change",
  async (flowsPerS, counters, units) => {
    // Flows end while others start.
    const found = await contention({ flowsPerS, counters, seconds: 3, flowS: 1 });
    expect(found).toMatchObject({ rejected: 0, lostEnds: 0, unfinished: 0 });
    // More than one unit: entries that other containers set. The model has as many containers as Lambda would need.
    expect(found.unitsPerChange).toBeLessThan(units);
    expect(found.startP99Ms).toBeLessThan(1_000);
  },
  180_000,
);

test("the model finds the limit of a size that is too small", () => {
  const traffic = { answerMs: 1_500, largestApp: 1 };
  const lowest = (env: Record<string, string>) => wallsOf(sizesOf(true, env), measured.plain!, traffic)[0]!;
  expect(lowest({ MJFLOW_CALLBACK_CONCURRENCY: "5" })).toEqual({
    flowsPerS: 1,
    what: "requests to the callback URL",
    raisedBy: "MJFLOW_CALLBACK_CONCURRENCY",
  });
  expect(lowest({ MJFLOW_SUBMIT_CONCURRENCY: "2" }).what).toBe("submit workers");
  expect(lowest({ MJFLOW_ALARM_WRITE_UNITS: "28" }).what).toBe("alarm WriteRateHigh");
});
