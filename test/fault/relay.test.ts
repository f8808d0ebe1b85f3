/**
 * Fault 28, stage by stage: one version brings a flow to a stage. Another version continues it from the rows, messages
 * and callback URLs of the first. Both directions are tested.
 */
import { MjflowError } from "@mjflow/core/error";
import type { Flow } from "@mjflow/core/flow";
import { submitMessage } from "@mjflow/core/message";
import type { FlowRequest } from "@mjflow/core/request";
import { hasOwnDueEntry } from "@mjflow/core/task";
import { beforeAll, describe, expect, test } from "vitest";
import { createRelay, type Relay, type Runner } from "./version/relay.ts";
import { EARLIER, earlier, newer, type Release, today, without } from "./version/versions.ts";

const PLAN = [{ press: ["U1", "U2"] }, { press: "V1", prompt: "the same at night", then: [{ press: "reroll" }] }];
const PRESSES = 4;

interface Leg {
  relay: Relay;
  first: Runner;
  second: Runner;
}

/** @returns the flow at the stage where the first version stops */
type Stage = (leg: Leg) => Promise<Flow>;

const refuse = async (): Promise<never> => {
  throw new MjflowError("overloaded");
};
const planned = (first: Runner, more: Partial<FlowRequest> = {}) => first.start({ then: PLAN, ...more });

async function submitted({ first }: Leg): Promise<Flow> {
  const flow = await planned(first);
  await first.drain();
  return flow;
}

async function succeeded(leg: Leg): Promise<Flow> {
  const flow = await submitted(leg);
  const [root] = leg.relay.vendor.calls;
  leg.relay.vendor.finished.add(root!.id);
  await leg.first.post(root!, "SUCCESS");
  return flow;
}

const stages: Record<string, Stage> = {
  "a flow whose message waits in the queue": ({ first }) => planned(first),
  "a flow whose message was lost": async ({ relay, first }) => {
    relay.deps.queue.send = refuse;
    const flow = await planned(first);
    relay.deps.queue.send = relay.queue.send;
    return flow;
  },
  "a task at the vendor": submitted,
  "a task in progress": async (leg) => {
    const flow = await submitted(leg);
    await leg.first.post(leg.relay.vendor.calls[0]!, "IN_PROGRESS");
    return flow;
  },
  "a message received again by the other version during the vendor call": async (leg) => {
    const flow = await planned(leg.first);
    leg.relay.vendor.next(async (call) => {
      await leg.relay.queue.send([{ message: submitMessage(flow.id, "0") }]);
      await leg.second.drain();
      expect(leg.relay.vendor.calls).toHaveLength(1);
      return { kind: "accepted", vendorTaskId: call.id };
    });
    await leg.first.drain();
    return flow;
  },
  "a callback handled by the other version during the vendor call": async (leg) => {
    const flow = await planned(leg.first);
    leg.relay.vendor.next(async (call) => {
      leg.relay.vendor.finished.add(call.id);
      await leg.second.post(call, "SUCCESS");
      return { kind: "accepted", vendorTaskId: call.id };
    });
    await leg.first.drain();
    return flow;
  },
  "an unclear submission": async ({ relay, first }) => {
    relay.vendor.next({ kind: "unclear", reason: "timeout" });
    const flow = await planned(first);
    await first.drain();
    return flow;
  },
  "a submission whose worker died": async ({ relay, first }) => {
    const flow = await planned(first);
    relay.vendor.next(() => new Promise(() => {}));
    void first.drain();
    while (relay.vendor.calls.length === 0) await Promise.resolve();
    return flow;
  },
  "an acceptance that only the queue has": async ({ relay, first }) => {
    const flow = await planned(first);
    let saves = 0;
    const { saveTask } = first.store;
    await first.drain({ saveTask: (task) => (++saves === 2 ? refuse() : saveTask(task)) }, 1);
    expect(saves).toBe(2);
    expect(relay.queue.size).toBeGreaterThan(0);
    return flow;
  },
  "a task whose vendor was busy": async ({ relay, first }) => {
    relay.vendor.next({ kind: "busy", reason: "23" });
    const flow = await planned(first);
    await first.drain();
    return flow;
  },
  "a success whose follow-ups were interrupted": async (leg) => {
    const flow = await submitted(leg);
    const [root] = leg.relay.vendor.calls;
    leg.relay.vendor.finished.add(root!.id);
    let made = 0;
    const { createTask } = leg.first.store;
    const patch = {
      createTask: (task: Parameters<typeof createTask>[0]) => (++made === 2 ? refuse() : createTask(task)),
    };
    await expect(leg.first.post(root!, "SUCCESS", patch)).rejects.toThrow();
    return flow;
  },
  "follow-ups whose messages wait in the queue": succeeded,
  "follow-ups at the vendor, one of which has ended": async (leg) => {
    const flow = await succeeded(leg);
    await leg.first.drain();
    const [, press] = leg.relay.vendor.calls;
    leg.relay.vendor.finished.add(press!.id);
    await leg.first.post(press!, "SUCCESS");
    return flow;
  },
  "a modal whose answer waits in the queue": async (leg) => {
    const flow = await succeeded(leg);
    for (let i = 0; i < 3; i++) {
      leg.relay.vendor.next((call) =>
        call.customId?.includes("variation")
          ? { kind: "modal", vendorTaskId: call.id }
          : { kind: "accepted", vendorTaskId: call.id },
      );
    }
    await leg.first.drain({}, 1);
    return flow;
  },
};

/** Checks that the root and each press of the plan were paid once; modal answers are not paid. */
function expectPaidOnce({ vendor }: Relay): void {
  const paid = vendor.calls.filter(({ kind }) => kind !== "modal");
  expect(paid.filter(({ kind }) => kind === "submit")).toHaveLength(1);
  expect(paid).toHaveLength(1 + PRESSES);
  expect(new Set(vendor.presses()).size).toBe(PRESSES);
}

const pairs: [string, () => Promise<Release>, () => Promise<Release>][] = [
  ...EARLIER.flatMap((name): typeof pairs => [
    [`the version ${name} to the current version`, () => earlier(name), async () => today],
    [`the current version back to ${name}`, async () => today, () => earlier(name)],
  ]),
  ["a newer version back to the current version", async () => newer, async () => today],
  [
    "a version without later fields to the current version",
    async () => without(["la", "od", "or", "ids"]),
    async () => today,
  ],
];

describe.each(pairs)("from %s", (_, from, to) => {
  let releases: [Release, Release];
  beforeAll(async () => {
    releases = [await from(), await to()];
  });

  function createLeg(): Leg {
    const relay = createRelay();
    return { relay, first: relay.runner(releases[0]), second: relay.runner(releases[1]) };
  }

  test.each(Object.entries(stages))("%s is finished, and each press is paid once", async (_stage, stage) => {
    const leg = createLeg();
    const flow = await stage(leg);
    await leg.second.finish();
    const { flows, tasks } = leg.relay.rows();
    expect(flows).toMatchObject([{ id: flow.id, status: "completed", state: "order 7" }]);
    expect(tasks.map(({ path, status }) => `${path} ${status}`).sort()).toEqual(
      ["0", "0-0", "0-1", "0-2", "0-2-0"].map((path) => `${path} SUCCESS`),
    );
    expect([...flows, ...tasks].filter(hasOwnDueEntry)).toEqual([]);
    expectPaidOnce(leg.relay);
    expect(leg.relay.queue.deadLetters).toEqual([]);
  });

  test("duplicate and contradicting callbacks after the end do not change an ended flow", async () => {
    const leg = createLeg();
    await planned(leg.first);
    await leg.first.finish();
    const before = leg.relay.rows();
    for (const call of leg.relay.vendor.calls) {
      for (const status of ["SUCCESS", "IN_PROGRESS", "FAILURE"] as const) {
        expect(await leg.second.post(call, status)).toEqual({ kind: "recorded", moved: false });
      }
    }
    await leg.second.finish();
    const after = leg.relay.rows();
    expect(after.flows).toEqual(before.flows);
    for (const [n, task] of after.tasks.entries()) {
      const { status, result, path, attempt } = before.tasks[n]!;
      expect(task).toMatchObject({ status, result, path, attempt, duplicates: 2 });
    }
    expectPaidOnce(leg.relay);
  });

  test('an unclear submission with resubmit "never" is not submitted again', async () => {
    const leg = createLeg();
    leg.relay.vendor.next({ kind: "unclear", reason: "timeout" });
    await leg.first.start({ resubmit: "never" });
    await leg.first.drain();
    leg.relay.vendor.finished.add(leg.relay.vendor.calls[0]!.id);
    await leg.second.finish();
    expect(leg.relay.rows().tasks).toMatchObject([{ status: "FAILURE", failure: { code: "submission_unclear" } }]);
    expect(leg.relay.vendor.calls).toHaveLength(1);
  });
});

describe.each(EARLIER)("a message for several presses that the version %s receives", (name) => {
  const U = [{ press: "U1" }, { press: "U2" }, { press: "U3" }];
  async function pressedBy(fanOut: "one" | "each") {
    const relay = createRelay();
    Object.assign(relay.deps, { fanOut });
    const [first, second] = [relay.runner(today), relay.runner(await earlier(name))];
    await first.start({ then: U });
    await first.drain();
    const [root] = relay.vendor.calls;
    relay.vendor.finished.add(root!.id);
    await first.post(root!, "SUCCESS");
    await second.drain();
    return { relay, first, presses: () => relay.vendor.calls.length - 1 };
  }

  test("it submits the first press, and the sweeper finds the others when their flow is due", async () => {
    const { relay, first, presses } = await pressedBy("one");
    expect(presses()).toBe(1);
    for (let minutes = 0; minutes < 7; minutes++) {
      relay.advance(60_000);
      await first.sweep();
      await first.drain();
    }
    expect(presses()).toBe(U.length);
  });

  test("it submits all presses if the newer version sends a message for each", async () => {
    expect((await pressedBy("each")).presses()).toBe(U.length);
  });
});
