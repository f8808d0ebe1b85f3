/** Replays in the simulation (D11): all deliveries are sent once more, whatever crashes meanwhile. */

import { expect, test } from "vitest";
import { ENDPOINT_URL } from "./app.ts";
import { expectNoFindings } from "./expect-no-findings.ts";
import { ALL_FAULTS, NO_FAULTS } from "./fault-profile.ts";
import { checkInvariants } from "./invariant.ts";
import type { CallOutcome } from "./process.ts";
import { runSimulation, type SimulationOptions } from "./simulation.ts";

const MINUTE = 60_000;

async function run(options: Partial<SimulationOptions>) {
  const variant = { replayAt: 6 * MINUTE, createdWithinMs: 2 * MINUTE };
  const result = await runSimulation({ seed: 1, flows: 12, profile: NO_FAULTS, hooks: "always", variant, ...options });
  const posts = Map.groupBy(
    result.posts.filter(({ url, accepted }) => url === ENDPOINT_URL && accepted),
    ({ id }) => id,
  );
  return { findings: checkInvariants(result).findings, replays: result.replays, posts };
}

test("without faults a replay sends every delivery exactly once more", async () => {
  const { findings, replays, posts } = await run({});
  expectNoFindings(findings);
  expect(replays).toMatchObject([{ status: "completed", found: posts.size, sent: posts.size, failed: 0, skipped: 0 }]);
  for (const [id, same] of posts) expect([id, same.length]).toEqual([id, 2]);
}, 60_000);

test.each([1, 2, 3])(
  "under all faults a replay ends and handles each delivery that it finds, with seed %i",
  async (seed) => {
    const { findings, replays } = await run({ seed, profile: ALL_FAULTS });
    expectNoFindings(findings);
    expect(replays.length).toBeLessThanOrEqual(2);
  },
  120_000,
);

test("after a crash at any point of a replay it still ends, and every delivery is sent again", async () => {
  const options = { flows: 1, plan: [], variant: { replayAt: 6 * MINUTE, createdWithinMs: 1_000 } };
  let points = 0;
  const killAt = (kill: number, from = 0) =>
    run({
      ...options,
      outcomeAt: ({ index, call }: { index: number; call: string }): CallOutcome => {
        points = Math.max(points, index + 1);
        if (/Replay$/.test(call) && first < 0) first = index;
        return index === kill + from ? { kind: "die" } : { kind: "go", delayMs: 5 };
      },
    });
  let first = -1;
  const whole = await killAt(-1);
  expectNoFindings(whole.findings);
  expect(first).toBeGreaterThan(0);
  const from = first;
  for (let at = 0; at < points - from; at++) {
    const { findings, replays, posts } = await killAt(at, from);
    expectNoFindings(findings.map((finding) => `crash at point ${at}: ${finding}`));
    // If the request crashed before the job was stored, there is none, and the app sends the request again.
    if (replays.length === 0) continue;
    expect([at, replays[0]!.status]).toEqual([at, "completed"]);
    for (const [id, same] of posts) expect([at, id, same.length >= 2]).toEqual([at, id, true]);
  }
  console.log(`one crash at each of ${points - from} points of a replay`);
}, 300_000);
