/** The rate of a wait list in the capacity model is the one that the engine has in the simulation. */
import { describe, expect, test } from "vitest";
import price from "../cost/price.json" with { type: "json" };
import { runSimulation, type SimulationRun, START } from "../sim/simulation.ts";
import { drainedPerS } from "./model.ts";

/** Time of each call to AWS, ms (test/cost/price.json). */
const AWS_MS = price.assumed.awsRequestMs;

interface Busy {
  flows: number;
  /** How long the vendor is busy, ms. */
  busyMs: number;
  answerMs: number;
  createdWithinMs: number;
  submitWorkers?: number | undefined;
}

/** Flows without a plan at one account that is busy at first. */
function run({ flows, busyMs, answerMs, createdWithinMs, submitWorkers }: Busy): Promise<SimulationRun> {
  return runSimulation({
    seed: 1,
    flows,
    plan: [],
    hooks: false,
    outcomeAt: () => ({ kind: "go", delayMs: AWS_MS }),
    variant: {
      isBusy: (_, at) => at < busyMs,
      answerMs: () => answerMs,
      accounts: ["a"],
      createdWithinMs,
      ...(submitWorkers !== undefined && { submitWorkers }),
    },
  });
}

const acceptedAt = ({ vendor }: SimulationRun) =>
  vendor.submissions
    .filter(({ isAccepted }) => isAccepted)
    .map(({ at }) => at - START)
    .toSorted((a, b) => a - b);

/** The sweeper comes at another moment of its minute in each run. */
const PHASES_MS = [0, 20_000, 40_000];

test.each([500, 1_500])(
  "at a vendor that responds after %i ms, one dispatcher drains a list as fast as the model says",
  async (answerMs) => {
    const flows = 800;
    let seconds = 0;
    for (const phaseMs of PHASES_MS) {
      const busyMs = 5 * 60_000 + phaseMs;
      const accepted = acceptedAt(await run({ flows, busyMs, answerMs, createdWithinMs: 10_000 }));
      expect(accepted).toHaveLength(flows);
      // The dispatcher begins with one call and doubles.
      seconds += (accepted.at(-1)! - accepted[flows / 4]!) / 1_000;
    }
    const perS = (PHASES_MS.length * (flows * 0.75 - 1)) / seconds;
    console.log(
      `responses after ${answerMs} ms: ${perS.toFixed(1)} tasks a second, the model says ${drainedPerS(answerMs).toFixed(1)}`,
    );
    // The simulation has no processor time.
    expect(perS / drainedPerS(answerMs)).toBeGreaterThan(0.75);
    expect(perS / drainedPerS(answerMs)).toBeLessThan(1.6);
  },
  120_000,
);

describe("a list that tasks enter faster than one dispatcher calls", () => {
  const [busyMs, answerMs, submitWorkers] = [50_000, 1_500, 40];
  const busy = { flows: 2_400, busyMs, answerMs, createdWithinMs: 160_000 };
  const enteringPerS = busy.flows / (busy.createdWithinMs / 1_000);

  /** Longest time from the creation of a flow to its acceptance, for flows that were created after a time, ms. */
  function longestWait({ vendor, flows }: SimulationRun, from: number): number {
    const waits = vendor.accepted
      .map(({ flowPart, at }) => ({ at, createdAt: flows.get(`flow_${flowPart}`)!.flow.createdAt }))
      .filter(({ createdAt }) => createdAt - START >= from)
      .map(({ at, createdAt }) => at - createdAt);
    return Math.max(...waits);
  }

  test("ends because other submit workers call for the dispatcher, at the rate of the model", async () => {
    expect(enteringPerS).toBeGreaterThan(1.5 * drainedPerS(answerMs));
    const result = await run({ ...busy, submitWorkers });
    // From the time when the dispatcher has doubled its calls, while the list is long.
    const [from, to] = [busyMs + 15_000, busyMs + 40_000];
    const perS = acceptedAt(result).filter((at) => at >= from && at < to).length / ((to - from) / 1_000);
    const model = drainedPerS(answerMs, submitWorkers);
    const waited = longestWait(result, 140_000);
    console.log(
      `${enteringPerS} tasks a second enter, ${perS.toFixed(1)} leave, the model says ${model.toFixed(1)}; at the end a task waits ${waited} ms`,
    );
    expect(result.vendor.accepted).toHaveLength(busy.flows);
    expect(perS / model).toBeGreaterThan(0.75);
    expect(perS / model).toBeLessThan(1.6);
    expect(waited).toBeLessThan(10_000);
  }, 240_000);

  test("does not end while tasks enter if the dispatcher hands none over", async () => {
    const result = await run(busy);
    expect(longestWait(result, 140_000)).toBeGreaterThan(30_000);
  }, 240_000);
});
