/**
 * A vendor with idempotency keys: an unclear submission is sent again with its key, and paid once. No known vendor has them, so the
 * simulator plays one, and the dialect of the simulator gets the switch.
 */
import { cancelFlow } from "@mjflow/engine/cancel";
import { createHttpClient } from "@mjflow/providers/http-client";
import { createProvider } from "@mjflow/providers/mjproxy";
import { DIALECTS } from "@mjflow/providers/vendors/index";
import { afterEach, expect, test } from "vitest";
import { type Simulated, startSimulated } from "../support/simulated.ts";

const MINUTE = 60_000;
let stack: Simulated;

/** Without callbacks only the key can settle a submission that soon. */
async function start(silent: boolean): Promise<void> {
  stack = await startSimulated("simulator", { idempotencyKeys: true, silent });
  const { providers } = stack.harness.deps;
  const keyed = { ...DIALECTS.get("simulator")!, idempotencyHeader: "idempotency-key" };
  const provider = createProvider(keyed, { httpClient: createHttpClient() });
  stack.harness.deps.providers = {
    ...providers,
    get: (id) => {
      const vendor = providers.get(id);
      return vendor && { ...vendor, provider };
    },
  };
}
afterEach(() => stack.stop());

const counts = () => stack.simulator.ledger().counts;
const outcomes = () => stack.simulator.ledger().submissions.map(({ outcome, taskId }) => [outcome, taskId]);

test.each(["accept-then-drop", "answer-5xx", "answer-garbage"] as const)(
  "a submission with the fault %s is settled within seconds by its key, and paid once",
  async (kind) => {
    await start(true);
    stack.simulator.arm({ kind, times: 2, ...(kind !== "accept-then-drop" && { accepted: true }) });
    const flow = await stack.start({ then: [{ press: "U1" }] });
    expect(await stack.task(flow)).toMatchObject({ status: "UNCLEAR", attempt: 1 });
    await stack.pass(5_000);
    const { vendorTaskId, attempt, status } = await stack.task(flow);
    expect(["SUBMITTED", "IN_PROGRESS", "SUCCESS"]).toContain(status);
    expect(attempt).toBe(1);
    const [first, second] = outcomes();
    expect(second).toEqual(["existing", first![1]]);
    expect(vendorTaskId).toBe(first![1]);
    await stack.pass(10 * MINUTE, 15_000);
    expect((await stack.harness.read(flow)).status).toBe("completed");
    expect(counts().tasks).toBe(2);
  },
);

test("a request that the vendor never got is sent again at once, with the same attempt", async () => {
  await start(false);
  stack.simulator.arm({ kind: "drop-before-accept" });
  const flow = await stack.start();
  expect((await stack.task(flow)).status).toBe("UNCLEAR");
  await stack.pass(MINUTE);
  expect(await stack.task(flow)).toMatchObject({ status: "SUCCESS", attempt: 1 });
  expect(counts().tasks).toBe(1);
});

test("a vendor that is busy at the repetition leaves the submission unclear, and it is sent once more", async () => {
  await start(true);
  stack.simulator.arm({ kind: "drop-before-accept" });
  const flow = await stack.start();
  const full = stack.simulator.arm({ kind: "answer-429" });
  await stack.pass(5_000);
  expect(full.fired).toBe(1);
  expect(await stack.task(flow)).toMatchObject({ status: "UNCLEAR", attempt: 1 });
  await stack.pass(10 * MINUTE, 15_000);
  expect(await stack.task(flow)).toMatchObject({ status: "SUCCESS", attempt: 1 });
  expect(counts().tasks).toBe(1);
});

test("in a canceled flow the submission is not sent again, and its callback still counts", async () => {
  await start(false);
  stack.simulator.arm({ kind: "accept-then-drop" });
  const flow = await stack.start();
  await cancelFlow(stack.harness.deps, flow.appId, flow.id);
  await stack.pass(10_000);
  expect(outcomes()).toHaveLength(1);
  await stack.simulator.waitFor(({ callbacks }) => callbacks.length > 0);
  await stack.pass(MINUTE);
  expect(await stack.task(flow)).toMatchObject({ status: "SUCCESS" });
});
