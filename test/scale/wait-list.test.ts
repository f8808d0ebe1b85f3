/** The rate of a wait list in the capacity model is the one that the engine has in the simulation. */
import { expect, test } from "vitest";
import price from "../cost/price.json" with { type: "json" };
import { runSimulation, START } from "../sim/simulation.ts";
import { drainedPerS } from "./model.ts";

const FLOWS = 1_000;
/** Time of each call to AWS, ms (test/cost/price.json). */
const AWS_MS = price.assumed.awsRequestMs;
const BUSY_MS = 5 * 60_000;

test.each([500, 1_500])(
  "at a vendor that responds after %i ms, one dispatcher drains a list as fast as the model says",
  async (answerMs) => {
    const { vendor } = await runSimulation({
      seed: 1,
      flows: FLOWS,
      plan: [],
      hooks: false,
      outcomeAt: () => ({ kind: "go", delayMs: AWS_MS }),
      variant: { isBusy: (_, at) => at < BUSY_MS, answerMs: () => answerMs, accounts: ["a"], createdWithinMs: 10_000 },
    });
    const accepted = vendor.submissions.filter(({ isAccepted }) => isAccepted).map(({ at }) => at - START);
    expect(accepted).toHaveLength(FLOWS);
    // The dispatcher begins with one call and doubles.
    const half = accepted.toSorted((a, b) => a - b).slice(FLOWS / 4);
    const perS = (half.length - 1) / ((half.at(-1)! - half[0]!) / 1_000);
    console.log(
      `responses after ${answerMs} ms: ${perS.toFixed(1)} tasks a second, the model says ${drainedPerS(answerMs).toFixed(1)}`,
    );
    // The simulation has no processor time, and the sweeper comes at another moment of its minute.
    expect(perS / drainedPerS(answerMs)).toBeGreaterThan(0.75);
    expect(perS / drainedPerS(answerMs)).toBeLessThan(1.6);
  },
  120_000,
);
