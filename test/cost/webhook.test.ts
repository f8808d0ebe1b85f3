/**
 * The cost of a flow whose events go to webhook endpoints. Each file runs in a process of its own, because the functions keep
 * the table that they were started with.
 */
import { expect, test } from "vitest";
import budget from "./budget.json" with { type: "json" };
import { measure } from "./measure.ts";

test("a flow with one webhook endpoint stays within the budget of write units and requests", async () => {
  const measured = await measure(5, [{ press: "upscale:all" }], 1);
  const per = (count: number) => count / measured.flows;
  console.log(Object.fromEntries(Object.entries(measured).map(([name, count]) => [name, per(count)])));
  expect(per(measured.tasks)).toBe(5);
  expect(per(measured.writeUnits)).toBeGreaterThan(35);
  expect(per(measured.writeUnits)).toBeLessThanOrEqual(budget.webhook.writeUnits);
  expect(per(measured.readUnits)).toBeLessThanOrEqual(budget.webhook.readUnits);
  expect(per(measured.tableRequests)).toBeLessThanOrEqual(budget.webhook.tableRequests);
}, 60_000);
