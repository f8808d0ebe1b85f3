/** As webhook.test.ts, with three endpoints: the record of an event serves all of them. */
import { expect, test } from "vitest";
import budget from "./budget.json" with { type: "json" };
import { measure } from "./measure.ts";

test("a flow with three webhook endpoints costs no more write units than a flow with one", async () => {
  const measured = await measure(5, [{ press: "upscale:all" }], 3);
  expect(measured.tasks / measured.flows).toBe(5);
  expect(measured.writeUnits / measured.flows).toBeLessThanOrEqual(budget.webhook.writeUnits);
}, 60_000);
