import { beforeAll, describe, expect, test } from "vitest";
import { billOf, countedOf, queueRequests, totalOf } from "./bill.ts";
import budget from "./budget.json" with { type: "json" };
import { type Measured, measureAll } from "./measure.ts";
import { PAGE_SCENARIOS, priceRows } from "./page.ts";
import type { ScenarioName } from "./scenario.ts";

const FLOWS = 4;

const BUDGETED = Object.keys(budget.scenarios) as (keyof typeof budget.scenarios)[];

/** Highest write units of refused conditions per flow. Their number depends on the order in which callbacks meet. */
const REFUSED_MAX = 5;

/** The writes that a flow needs, without those that lost a conflict. The price page counts both. */
function needed(found: Measured): Measured {
  return { ...found, writeUnits: found.writeUnits - found.refusedWriteUnits };
}

let measured: Partial<Record<ScenarioName, Measured>>;

beforeAll(async () => {
  measured = await measureAll(BUDGETED, FLOWS);
}, 240_000);

describe.each(BUDGETED)("a flow with one imagine and four upscales: %s", (name) => {
  const limits = budget.scenarios[name];

  test("the AWS requests stay within the budget", () => {
    const found = measured[name]!;
    const per = (count: number) => count / found.flows;
    expect(per(found.tasks)).toBe(5);
    expect(per(found.callback)).toBeGreaterThan(40);
    expect(per(found.posts)).toBe(limits.posts);
    expect(per(found.tableRequests)).toBeLessThanOrEqual(limits.tableRequests);
    expect(per(needed(found).writeUnits)).toBeLessThanOrEqual(limits.writeUnits);
    expect(per(found.refusedWriteUnits)).toBeLessThanOrEqual(REFUSED_MAX);
    expect(per(found.readUnits)).toBeLessThanOrEqual(limits.readUnits);
    expect(per(queueRequests(found))).toBeLessThanOrEqual(limits.queueRequests);
    expect(per(found.logBytes)).toBeLessThanOrEqual(limits.logBytes);
  });

  test("the cost stays within the budget, and each line without a count names what it assumes", () => {
    const lines = billOf(needed(measured[name]!), { answerMs: 1_500 });
    expect(countedOf(lines)).toBeGreaterThan(20);
    expect(totalOf(lines)).toBeLessThanOrEqual(limits.usdPerMillion);
    expect(lines.find(({ what }) => what === "function GB-seconds")?.assumes).toMatch(/^run times/);
  });

  test("the units by key add up to all units", () => {
    const { keys, writeUnits, readUnits } = measured[name]!;
    const sum = (of: "writes" | "reads") => Object.values(keys).reduce((total, units) => total + units[of], 0);
    expect(sum("writes")).toBeCloseTo(writeUnits, 6);
    expect(sum("reads")).toBeCloseTo(readUnits, 6);
  });
});

test("three webhook endpoints cost no more write units than one: the record of an event serves all of them", () => {
  // Writes that lose a conflict are charged too, but their number depends on the order of the callbacks.
  const kept = (found: Measured) => needed(found).writeUnits / found.flows;
  expect(kept(measured.threeListeners!)).toBeLessThanOrEqual(kept(measured.oneListener!) + 1);
});

test("copies that are sent later cost at most one write unit more for each archived task", () => {
  const kept = (name: ScenarioName) => needed(measured[name]!).writeUnits / FLOWS;
  expect(kept("archiveLater") - kept("archiveOneListener")).toBeLessThanOrEqual(5);
});

test("the price page has a row for each kind of flow that was measured", () => {
  const rows = priceRows(measured);
  expect(PAGE_SCENARIOS).toEqual(expect.arrayContaining(BUDGETED));
  expect(rows.length).toBeGreaterThanOrEqual(6);
  for (const { lines, usdPerMillion } of rows) expect(usdPerMillion).toBeCloseTo(totalOf(lines), 6);
});
