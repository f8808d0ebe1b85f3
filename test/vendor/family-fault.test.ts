/**
 * Faults of vendors with a protocol of their own, through the whole stack: the simulated vendor over HTTP, its provider and the
 * engine. Each test runs for every family that mjflow has a provider for.
 */
import type { Flow } from "@mjflow/core/flow";
import { KNOWN_PROVIDER_IDS } from "@mjflow/providers/families/index";
import { FAMILY_IDS, type Scenario } from "@mjflow/simulator/server";
import { afterEach, describe, expect, test } from "vitest";
import { type Simulated, startSimulated } from "../support/simulated.ts";

const MINUTE = 60_000;
const FAMILIES = FAMILY_IDS.filter((id) => KNOWN_PROVIDER_IDS.includes(id));

let stack: Simulated;
afterEach(() => stack?.stop());

const counts = () => stack.simulator.ledger().counts;
const statusOf = async (flow: Flow) => (await stack.harness.read(flow)).status;

test("at least one family has a provider", () => {
  expect(FAMILIES).toContain("ttapi");
});

describe.each(FAMILIES)("%s", (id) => {
  /** A grid and what comes of it. Only Legnext gives the single pictures of a grid without a paid task. */
  const PLAN = [{ press: "U2", then: [{ press: "zoom:2" }, { press: "vary:strong" }] }, { press: "V1" }];
  const PAID = id === "legnext" ? 4 : 5;

  test("a plan of imagine, upscale, zoom and vary completes with every callback doubled and shuffled, and is paid once", async () => {
    stack = await startSimulated(id);
    const copies = stack.simulator.arm({ kind: "copy-callback", times: 10_000 });
    const shuffles = stack.simulator.arm({ kind: "shuffle-callbacks", times: 10_000 });
    const flow = await stack.start({ then: PLAN });
    await stack.pass(3 * MINUTE);
    const { tasks } = await stack.harness.read(flow);
    expect([...tasks.values()].map(({ path, status }) => `${path} ${status}`)).toEqual(
      ["0", "0-0", "0-0-0", "0-0-1", "0-1"].map((path) => `${path} SUCCESS`),
    );
    expect(await statusOf(flow)).toBe("completed");
    expect(shuffles.fired).toBe(PAID);
    expect(copies.fired).toBeGreaterThanOrEqual(PAID);
    expect(counts()).toMatchObject({ tasks: PAID, duplicatePresses: 0, callbacksRefused: 0 });
  });

  test("the same plan completes without any callback, by look-ups", async () => {
    stack = await startSimulated(id, { silent: true });
    const flow = await stack.start({ then: PLAN });
    await stack.pass(20 * MINUTE, 15_000);
    expect(await statusOf(flow)).toBe("completed");
    expect(counts()).toMatchObject({ tasks: PAID, duplicatePresses: 0, callbacks: 0 });
  });

  test("submissions without an answer are settled by their callbacks and paid once", async () => {
    stack = await startSimulated(id);
    const drops = stack.simulator.arm({ kind: "accept-then-drop", times: 2 });
    const flow = await stack.start({ then: [{ press: "V1" }] });
    expect((await stack.task(flow)).status).toBe("UNCLEAR");
    await stack.pass(MINUTE);
    expect(drops.fired).toBe(2);
    expect(await statusOf(flow)).toBe("completed");
    expect(counts()).toMatchObject({ tasks: 2, duplicatePresses: 0, lookups: 0 });
  });

  test("the vendor's callbacks report both ends of a task, and the first one counts", async () => {
    stack = await startSimulated(id);
    const fault = stack.simulator.arm({ kind: "failure-after-success", action: "IMAGINE" });
    const flow = await stack.start({ then: [{ press: "V1" }] });
    await stack.pass(2 * MINUTE);
    expect(fault.fired).toBe(1);
    expect(await statusOf(flow)).toBe("completed");
    expect(await stack.task(flow)).toMatchObject({ status: "SUCCESS" });
    expect(counts().tasks).toBe(2);
  });

  test.each([
    ["a boat --sim moderated", "banned_prompt"],
    ["a boat --sim fail", "invalid_prompt"],
  ])(
    "%s fails as %s, also where the status or the words mean something else at another vendor",
    async (prompt, code) => {
      stack = await startSimulated(id);
      const flow = await stack.start({ prompt });
      await stack.pass(MINUTE);
      expect(await stack.task(flow)).toMatchObject({ status: "FAILURE", failure: { code } });
    },
  );

  test("a full vendor and a rate limit let the task wait, and it is paid once", async () => {
    stack = await startSimulated(id);
    const full = stack.simulator.arm({ kind: "queue-full" });
    const limit = stack.simulator.arm({ kind: "answer-429" });
    const flow = await stack.start();
    expect((await stack.task(flow)).status).toBe("PENDING");
    await stack.pass(5 * MINUTE);
    expect([full.fired, limit.fired]).toEqual([1, 1]);
    expect(await stack.task(flow)).toMatchObject({ status: "SUCCESS" });
    expect(counts().tasks).toBe(1);
  });

  test.each([
    ["out-of-credit", "vendor_out_of_money"],
    ["account-refused", "vendor_unauthorized"],
  ] as const)("%s is reported as a vendor loss", async (kind, code) => {
    stack = await startSimulated(id);
    stack.simulator.arm({ kind });
    const flow = await stack.start();
    await stack.pass(MINUTE);
    expect(await stack.task(flow)).toMatchObject({ status: "FAILURE", failure: { code } });
    expect(counts().tasks).toBe(0);
  });
});

describe("a lost submission without callbacks", () => {
  test.each([
    ["ttapi", { silent: true, listsHooks: true }, "a paper boat"],
    ["acedatacloud", { silent: true }, "a paper boat"],
    // This vendor lists only the jobs that run.
    ["useapi", { silent: true }, "a paper boat --sim stuck"],
  ] satisfies [(typeof FAMILY_IDS)[number], Scenario, string][])(
    "is found in the list of %s and paid once",
    async (id, scenario, prompt) => {
      if (!FAMILIES.includes(id)) return;
      stack = await startSimulated(id, scenario);
      stack.simulator.arm({ kind: "accept-then-drop", action: "IMAGINE" });
      const flow = await stack.start({ prompt });
      expect((await stack.task(flow)).status).toBe("UNCLEAR");
      await stack.pass(10 * MINUTE, 15_000);
      const task = await stack.task(flow);
      expect(stack.simulator.task(task.vendorTaskId!)).toBeDefined();
      expect(task.attempt).toBe(1);
      expect(counts().tasks).toBe(1);
    },
  );
});
