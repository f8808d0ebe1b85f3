import { expect, test } from "vitest";
import { billOf, countedOf, queueRequests } from "./bill.ts";
import budget from "./budget.json" with { type: "json" };
import { measure } from "./measure.ts";

test("the AWS requests of a flow with one imagine and four upscales stay within the budget", async () => {
  const measured = await measure(5, [{ press: "upscale:all" }]);
  const per = (count: number) => count / measured.flows;
  console.log(Object.fromEntries(Object.entries(measured).map(([name, count]) => [name, per(count)])));
  expect(per(measured.tasks)).toBe(5);
  expect(per(measured.callbacks)).toBeGreaterThan(40);
  expect(per(measured.tableRequests)).toBeLessThanOrEqual(budget.tableRequests);
  expect(per(measured.writeUnits)).toBeLessThanOrEqual(budget.writeUnits);
  expect(per(measured.readUnits)).toBeLessThanOrEqual(budget.readUnits);
  expect(per(queueRequests(measured))).toBeLessThanOrEqual(budget.queueRequests);
  expect(per(measured.tableRequests + queueRequests(measured))).toBeLessThanOrEqual(budget.awsRequests);
  expect(per(measured.logBytes)).toBeLessThanOrEqual(budget.logBytes);
  const counted = countedOf(billOf(measured));
  expect(counted).toBeGreaterThan(20);
  expect(counted).toBeLessThanOrEqual(budget.usdPerMillion);
}, 60_000);
