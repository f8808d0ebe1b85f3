/**
 * Fault 30: a vendor is removed from the configuration permanently while it has open branches. The branches end with a
 * failure code, finished tasks stay readable, and flows of other vendors are not affected.
 */

import { failure } from "@mjflow/core/error";
import type { Flow } from "@mjflow/core/flow";
import { taskIdOf } from "@mjflow/core/id";
import type { Providers } from "@mjflow/core/port";
import type { Task } from "@mjflow/core/task";
import { TIMINGS } from "@mjflow/core/timing";
import { pressTask } from "@mjflow/engine/press";
import { beforeEach, describe, expect, test } from "vitest";
import { expectNoFindings } from "../sim/expect-no-findings.ts";
import { ALL_FAULTS, NO_FAULTS, singleFault } from "../sim/fault-profile.ts";
import { checkInvariants } from "../sim/invariant.ts";
import { runSimulation, type SimulationVariant, START } from "../sim/simulation.ts";
import { createTestHarness, type TestHarness } from "../support/harness.ts";

const MINUTE = 60_000;
let harness: TestHarness;

beforeEach(() => {
  harness = createTestHarness();
});

/** Removes the vendor as a deployment without it does: `providers` reads the new configuration. */
function remove(how: "provider" | "account"): void {
  const { get } = harness.deps.providers;
  const providers: Providers = {
    ids: () => (how === "provider" ? [] : ["fake"]),
    get: (id) => (how === "provider" ? undefined : { ...get(id)!, account: () => undefined }),
  };
  Object.assign(harness.deps, { providers });
}

/** Waits two hours, which is longer than every deadline of a fast task, including the one of its modal. */
async function wait(): Promise<void> {
  for (let i = 0; i < 120; i++) {
    harness.advance(MINUTE);
    await harness.sweep();
    await harness.drain();
  }
}

const task = async (flow: Flow, path = "0"): Promise<Task> => (await harness.read(flow)).tasks.get(path)!;

/** Stages of a flow when the vendor is removed, each with the end of its branch. */
const stages: [string, () => Promise<Flow>, string, Partial<Task>][] = [
  [
    "a task waiting for a worker",
    () => harness.start(),
    "0",
    { status: "FAILURE", failure: failure("provider_missing") },
  ],
  [
    "a task waiting for a busy vendor",
    async () => {
      harness.vendor.next({ kind: "busy", reason: "23" });
      return drained(await harness.start());
    },
    "0",
    { status: "FAILURE", attempt: 0, failure: failure("provider_missing") },
  ],
  [
    "a submitted task",
    async () => drained(await harness.start()),
    "0",
    { status: "EXPIRED", attempt: 1, failure: failure("deadline_passed") },
  ],
  [
    "an unclear submission",
    async () => {
      harness.vendor.next({ kind: "unclear", reason: "timeout" });
      return drained(await harness.start());
    },
    "0",
    { status: "FAILURE", attempt: 1, failure: failure("provider_missing") },
  ],
  [
    "an unclear submission that must not be sent again",
    async () => {
      harness.vendor.next({ kind: "unclear", reason: "timeout" });
      return drained(await harness.start({ resubmit: "never" }));
    },
    "0",
    { status: "FAILURE", attempt: 1, failure: failure("submission_unclear") },
  ],
  [
    "a follow-up waiting for a worker",
    async () => {
      const flow = await drained(await harness.start({ then: [{ press: "U1" }] }));
      await harness.post(harness.vendor.calls[0]!, "SUCCESS");
      return flow;
    },
    "0-0",
    { status: "FAILURE", attempt: 0, failure: failure("provider_missing") },
  ],
  [
    "a modal without an answer",
    async () => {
      harness.vendor.next((call) => ({ kind: "modal", vendorTaskId: call.id }));
      return drained(await harness.start());
    },
    "0",
    { status: "EXPIRED", failure: failure("modal_unanswered") },
  ],
  [
    "a modal whose answer is not yet submitted",
    async () => {
      const flow = await drained(await harness.start({ then: [{ press: "V1", prompt: "at night" }] }));
      await harness.post(harness.vendor.calls[0]!, "SUCCESS");
      harness.vendor.next((call) => ({ kind: "modal", vendorTaskId: call.id }));
      harness.vendor.next({ kind: "busy", reason: "23" });
      return drained(flow);
    },
    "0-0",
    { status: "FAILURE", failure: failure("provider_missing") },
  ],
];

async function drained(flow: Flow): Promise<Flow> {
  await harness.drain();
  return flow;
}

describe.each(["provider", "account"] as const)("a removed %s", (how) => {
  test.each(stages)("%s ends with its failure code and without a vendor call", async (_, start, path, end) => {
    const flow = await start();
    const calls = harness.vendor.calls.length;
    remove(how);
    await harness.drain();
    await wait();
    const ended = await task(flow, path);
    expect(ended).toMatchObject(end);
    // The branch ends by its own deadline, not by a later general one.
    expect(ended.endedAt! - flow.createdAt).toBeLessThanOrEqual(TIMINGS.deadlineMs.fast + TIMINGS.lookupMaxMs);
    expect((await harness.read(flow)).flow.status).toBe(path === "0" ? "failed" : "completed");
    expect(harness.vendor.calls).toHaveLength(calls);
    expect(harness.vendor.lookups).toEqual([]);
    expect(harness.queue.size).toBe(0);
    expect(harness.queue.deadLetters).toEqual([]);
    // The sweeper finds nothing of the flow later.
    expect(await harness.sweep()).toMatchObject({ overdue: 0, failed: 0 });
  });

  test("a callback after the removal stores its image, and the follow-ups fail as provider_missing", async () => {
    const flow = await drained(await harness.start({ then: [{ press: ["U1", "U2"] }] }));
    remove(how);
    expect(await harness.post(harness.vendor.calls[0]!, "SUCCESS")).toEqual({ kind: "recorded", moved: true });
    await harness.drain();
    const { tasks, status } = await harness.read(flow);
    expect(status).toBe("completed");
    expect(tasks.get("0")!.result!.imageUrl).toBeDefined();
    for (const path of ["0-0", "0-1"]) expect(tasks.get(path)!.failure!.code).toBe("provider_missing");
  });

  test("an image from a callback after the deadline is stored as a late report", async () => {
    const flow = await drained(await harness.start());
    remove(how);
    await wait();
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    expect(await task(flow)).toMatchObject({
      status: "EXPIRED",
      late: { status: "SUCCESS", result: { imageUrl: expect.any(String) } },
    });
  });

  test("a finished flow can be read, listed and pressed, and the press fails as provider_missing", async () => {
    const flow = await harness.start({ state: "mine", then: [{ press: "U1" }] });
    await harness.finishAll();
    const before = await harness.read(flow);
    remove(how);
    await wait();
    expect(await harness.read(flow)).toEqual(before);
    expect(before).toMatchObject({ status: "completed", flow: { state: "mine" } });
    expect((await harness.deps.store.listFlows("app_a", 10)).flows).toEqual([before.flow]);

    const pressed = await pressTask(harness.deps, "app_a", taskIdOf(flow.id, "0"), { press: "U2" });
    await harness.drain();
    expect(await task(flow, pressed.path)).toMatchObject({ status: "FAILURE", failure: failure("provider_missing") });
    expect((await harness.read(flow)).status).toBe("completed");
  });
});

test("a new flow for a removed provider is rejected with the name of the field", async () => {
  remove("provider");
  await expect(harness.start()).rejects.toMatchObject({ code: "invalid_request", field: "provider" });
});

test("a new flow for a removed account fails as provider_missing", async () => {
  remove("account");
  const flow = await harness.start();
  await harness.drain();
  expect(await task(flow)).toMatchObject({ status: "FAILURE", attempt: 0, failure: failure("provider_missing") });
});

describe("one of two accounts is removed, in the simulation", () => {
  const simulationVariant: SimulationVariant = {
    accounts: ["kept", "gone"],
    isConfigured: (account, at) => account === "kept" || at < 50_000,
  };
  const TYPED = ["provider_missing", "deadline_passed", "modal_unanswered", "submission_unclear", "vendor_failed"];

  test("branches of the removed account end with a failure code, flows of the other complete", async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const run = await runSimulation({ seed, flows: 12, profile: NO_FAULTS, variant: simulationVariant });
      const { findings } = checkInvariants(run);
      expectNoFindings(findings);
      for (const { flow, tasks } of run.flows.values()) {
        if (flow.account === "kept") expect(tasks.every(({ status }) => status === "SUCCESS")).toBe(true);
        for (const { failure } of tasks) if (failure) expect(TYPED).toContain(failure.code);
      }
      const late = run.vendor.accepted.filter(({ account, at }) => account === "gone" && at > START + 51_000);
      expect(late).toEqual([]);
    }
  });

  test.each([
    ["the fault silent", singleFault("silent", 1)],
    ["all faults", ALL_FAULTS],
  ] as const)("with the removal of an account and %s no rule is broken", async (_, profile) => {
    for (let seed = 1; seed <= 8; seed++) {
      const run = await runSimulation({ seed, flows: 12, profile, variant: simulationVariant });
      expectNoFindings(checkInvariants(run).findings);
    }
  });
});
