/** Parked events in the simulation (D12): an endpoint is down, and its events come back, whatever crashes meanwhile. */

import { describe, expect, test } from "vitest";
import { ENDPOINT_URL } from "./app.ts";
import { expectNoFindings } from "./expect-no-findings.ts";
import { ALL_FAULTS, NO_FAULTS } from "./fault-profile.ts";
import { checkInvariants } from "./invariant.ts";
import type { CallOutcome } from "./process.ts";
import { runSimulation, type SimulationOptions } from "./simulation.ts";

const MINUTE = 60_000;
/** The receiver is down for half an hour, works for some minutes and is down again. */
const isDown = (at: number) => at < 30 * MINUTE || (at > 34 * MINUTE && at < 50 * MINUTE);

async function run(options: Partial<SimulationOptions>) {
  const variant = { isEndpointDown: isDown, createdWithinMs: 40 * MINUTE };
  const result = await runSimulation({ seed: 1, flows: 40, profile: NO_FAULTS, hooks: "always", variant, ...options });
  const { findings, counts } = checkInvariants(result);
  expectNoFindings(findings);
  return { ...result, counts };
}

describe("an endpoint that is down while 40 flows run", () => {
  test("gets every event after it works again, and most of them cost no attempt before", async () => {
    const { posts, metrics, counts } = await run({});
    const ofEndpoint = posts.filter(({ url }) => url === ENDPOINT_URL);
    const failed = ofEndpoint.filter(({ accepted }) => !accepted);
    console.log(`${metrics.get("EventsParked")} events parked, ${failed.length} attempts failed`);
    expect(metrics.get("EventsParked")).toBeGreaterThan(100);
    expect(failed.length).toBeLessThan(60);
    expect(counts.givenUp).toBe(0);
    // Without crashes no event is posted again after it was accepted.
    const accepted = ofEndpoint.filter((post) => post.accepted).map(({ id }) => id);
    expect(new Set(accepted).size).toBe(accepted.length);
  }, 120_000);

  test.each([1, 2, 3])(
    "loses none under all faults, with seed %i",
    async (seed) => {
      await run({ seed, profile: ALL_FAULTS });
    },
    120_000,
  );
});

test("a crash at any point of a flow whose events are parked loses none of them", async () => {
  const options = { seed: 1, flows: 2, plan: [], hooks: "always" as const, profile: NO_FAULTS };
  const variant = { isEndpointDown: (at: number) => at < 5 * MINUTE, createdWithinMs: 2 * MINUTE };
  let points = 0;
  const killAt = async (kill: number) => {
    let fired = 0;
    const outcomeAt = ({ index }: { index: number }): CallOutcome => {
      points = Math.max(points, index + 1);
      if (index !== kill) return { kind: "go", delayMs: 5 };
      fired++;
      return { kind: "die" };
    };
    const result = await runSimulation({ ...options, variant, outcomeAt });
    return { findings: checkInvariants(result).findings, fired, parked: result.metrics.get("EventsParked") ?? 0 };
  };
  const whole = await killAt(-1);
  expectNoFindings(whole.findings);
  expect(whole.parked).toBeGreaterThan(0);
  const all = points;
  for (let at = 0; at < all; at++) {
    const { findings } = await killAt(at);
    expectNoFindings(findings.map((finding) => `crash at point ${at}: ${finding}`));
  }
  console.log(`one crash at each of ${all} points`);
}, 300_000);
