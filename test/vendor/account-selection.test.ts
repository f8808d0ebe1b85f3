/** Which account takes a new root, how one that is crowded or broken is left alone, and what never moves. */
import { failure } from "@mjflow/core/error";
import type { Flow } from "@mjflow/core/flow";
import { taskIdOf } from "@mjflow/core/id";
import type { SubmitOutcome } from "@mjflow/core/port";
import { TIMINGS } from "@mjflow/core/timing";
import { pressTask } from "@mjflow/engine/press";
import { describe, expect, test } from "vitest";
import { createTestHarness, type TestHarness, tokenOf } from "../support/harness.ts";

const BUSY: SubmitOutcome = { kind: "busy", reason: "23" };
const UNCLEAR: SubmitOutcome = { kind: "unclear", reason: "timeout" };
const refused = (code: "vendor_unauthorized" | "vendor_out_of_money"): SubmitOutcome => ({
  kind: "refused",
  failure: failure(code),
});

const pair = () => createTestHarness({ accounts: { fake: { a: {}, b: {} } } });
const across = () => createTestHarness({ accounts: { fake: { a: {} }, other: { c: {} } } });

const keyOf = (world: TestHarness, i = -1) => world.vendor.calls.at(i)!.context.account.apiKey;
const root = async (world: TestHarness, flow: Flow) => (await world.read(flow)).tasks.get("0")!;
const other = (account: string) => (account === "a" ? "b" : "a");

/** As a new container: nothing is believed, but what was stored. */
const forget = (world: TestHarness) => world.advance(TIMINGS.beliefMs + 1);

async function sent(world: TestHarness, flow: Flow): Promise<Flow> {
  await world.drain();
  return flow;
}

describe("new roots", () => {
  test("are spread over a vendor's accounts by weight, and the same flow always goes the same way", async () => {
    const world = createTestHarness({ accounts: { fake: { a: { weight: 1 }, b: { weight: 3 }, c: { weight: 0 } } } });
    const counts: Record<string, number> = { a: 0, b: 0, c: 0 };
    for (let i = 0; i < 200; i++) {
      world.advance(1);
      const { account } = await world.start();
      counts[account]!++;
    }
    expect(counts["c"]).toBe(0);
    expect(counts["b"]! / 200).toBeGreaterThan(0.6);
    expect(counts["a"]).toBeGreaterThan(20);
  });

  test('go to any vendor that can, where the app says "auto"; to one alone, where it names it', async () => {
    const world = across();
    const seen = new Set<string>();
    for (let i = 0; i < 40; i++) {
      world.advance(1);
      seen.add((await world.start({ provider: "auto" })).provider);
      expect((await world.start({ provider: "other" })).provider).toBe("other");
    }
    expect([...seen].sort()).toEqual(["fake", "other"]);
    await expect(
      world.start({ provider: "auto", action: "describe", base64Array: ["https://x.test/a.png"] }),
    ).rejects.toMatchObject({ field: "action" });
  });

  test("cost no read where there is nothing to choose", async () => {
    const world = createTestHarness();
    await world.start();
    expect(world.storeFault.calls).not.toContain("health");
  });

  test("go nowhere when all accounts have been given weight 0; their branches go on", async () => {
    const world = pair();
    const flow = await world.start();
    await world.finishAll();
    for (const name of ["a", "b"]) {
      await world.deps.vendorStore.saveStoredAccount({
        provider: "fake",
        name,
        rev: 0,
        weight: 0,
        createdAt: 0,
        updatedAt: 0,
      });
    }
    await world.deps.vendors.refresh("anew");
    await expect(world.start()).rejects.toMatchObject({ code: "invalid_request", field: "provider" });
    await pressTask(world.deps, "app_a", taskIdOf(flow.id, "0"), { press: "U1" });
    await world.drain();
    expect(world.vendor.presses()).toHaveLength(1);
    expect(keyOf(world)).toBe(`fake/${flow.account}`);
  });
});

describe("a root that was answered busy", () => {
  test("is taken by the vendor's other account at once; its follow-ups are pressed there", async () => {
    const world = pair();
    world.vendor.next(BUSY);
    const flow = await sent(world, await world.start({ then: [{ press: "U1" }] }));
    const there = other(flow.account);
    expect(world.vendor.calls.map(({ context }) => context.account.apiKey)).toEqual([
      `fake/${flow.account}`,
      `fake/${there}`,
    ]);
    // Its own word: it never had the first.
    world.vendor.finished.add(world.vendor.calls[0]!.id);
    await world.finishAll();
    const { tasks, flow: ended, status } = await world.read(flow);
    expect(status).toBe("completed");
    for (const task of tasks.values()) expect(task.account).toBe(there);
    expect(ended.account).toBe(there);
    expect(keyOf(world)).toBe(`fake/${there}`);
  });

  test('goes to another vendor only where the app said "auto"', async () => {
    for (const [provider, calls] of [
      ["auto", 2],
      ["fake", 1],
    ] as const) {
      const world = across();
      world.vendor.next(BUSY);
      const flow = await sent(world, await world.start({ provider }));
      expect(world.vendor.calls).toHaveLength(calls);
      if (provider === "fake")
        expect(await root(world, flow)).toMatchObject({ provider, status: "PENDING", attempt: 0 });
    }
  });

  test("waits where it is when the other has no room either, and nobody is asked in a circle", async () => {
    const world = pair();
    for (let i = 0; i < 2; i++) world.vendor.next(BUSY);
    const flow = await sent(world, await world.start());
    expect(world.vendor.calls).toHaveLength(2);
    expect(await root(world, flow)).toMatchObject({ status: "PENDING", busyAnswers: 1 });
    world.advance(TIMINGS.busyMaxMs);
    await world.drain();
    expect(await root(world, flow)).toMatchObject({ status: "SUBMITTED" });
    expect(world.vendor.calls).toHaveLength(3);
  });

  test("tells the next roots, of any container, that there is no room", async () => {
    const world = pair();
    world.vendor.next(BUSY);
    const first = await sent(world, await world.start());
    for (let i = 0; i < 20; i++) {
      world.advance(1);
      expect((await world.start()).account).toBe(other(first.account));
    }
  });

  test("a branch waits for its own account, however free another is", async () => {
    const world = pair();
    const flow = await sent(world, await world.start({ then: [{ press: "U1" }] }));
    await world.post(world.vendor.calls[0]!, "SUCCESS");
    world.vendor.next(BUSY);
    await world.drain();
    expect((await world.read(flow)).tasks.get("0-0")).toMatchObject({ account: flow.account, status: "PENDING" });
    world.advance(TIMINGS.busyMaxMs);
    await world.drain();
    expect(keyOf(world)).toBe(`fake/${flow.account}`);
  });

  test("and was taken all the same has its picture: nothing else is paid", async () => {
    const world = pair();
    world.vendor.next(BUSY);
    // The other has no room when it is asked; meanwhile the first calls.
    world.vendor.next(BUSY);
    const flow = await sent(world, await world.start());
    const [lied] = world.vendor.calls;
    expect(await world.post(lied!, "IN_PROGRESS")).toMatchObject({ kind: "dropped" });
    await world.post(lied!, "SUCCESS");
    world.advance(TIMINGS.busyMaxMs);
    await world.drain();
    expect(await root(world, flow)).toMatchObject({ status: "SUCCESS", account: flow.account, vendorTaskId: lied!.id });
    expect(world.vendor.calls).toHaveLength(2);
  });

  test("a token of the account that was left opens nothing else", async () => {
    const world = pair();
    world.vendor.next(BUSY);
    const flow = await sent(world, await world.start());
    const [left, taken] = world.vendor.calls;
    expect(tokenOf(left!)).not.toBe(tokenOf(taken!));
    await world.post(left!, "FAILURE");
    expect(await root(world, flow)).toMatchObject({ status: "SUBMITTED", vendorTaskId: taken!.id });
  });
});

describe("after an unclear answer", () => {
  test("nothing is sent anywhere before the grace has passed; then to the same account", async () => {
    const world = pair();
    world.vendor.next(UNCLEAR);
    const flow = await sent(world, await world.start());
    for (let waited = 0; waited < TIMINGS.graceMs.fast; waited += 30_000) {
      expect(world.vendor.calls).toHaveLength(1);
      world.advance(30_000);
      await world.sweep();
      await world.drain();
    }
    world.advance(60_000);
    await world.sweep();
    await world.drain();
    expect(world.vendor.calls.map(({ context }) => context.account.apiKey)).toEqual(
      Array(2).fill(`fake/${flow.account}`),
    );
    expect(await root(world, flow)).toMatchObject({ attempt: 2, account: flow.account });
  });
});

describe("an account that refuses for good", () => {
  test("gets no new roots from then on, in any container; one success closes it again", async () => {
    const world = pair();
    world.vendor.next(refused("vendor_unauthorized"));
    const lost = await sent(world, await world.start());
    expect(await root(world, lost)).toMatchObject({ status: "FAILURE", failure: { code: "vendor_unauthorized" } });
    for (const belief of ["fresh", "stale"]) {
      for (let i = 0; i < 20; i++) {
        world.advance(1);
        expect((await world.start()).account, belief).toBe(other(lost.account));
      }
      // Half-open by now: still nobody's root is risked there who has not said that it may move on.
      forget(world);
    }
    expect(await world.deps.store.health("fake", lost.account)).toMatchObject({ fault: "unauthorized", opens: 1 });
    await world.deps.accounts.recordOutcome("fake", lost.account, "worked");
    expect(await world.deps.store.health("fake", lost.account)).toMatchObject({ opens: 0, faults: 0 });
  });

  test("ends the root by default, and is left by it where the app wants that", async () => {
    for (const [onVendorLoss, status] of [
      ["end", "FAILURE"],
      ["restart", "SUBMITTED"],
    ] as const) {
      for (const code of ["vendor_unauthorized", "vendor_out_of_money"] as const) {
        const world = across();
        world.vendor.next(refused(code));
        const flow = await sent(world, await world.start({ onVendorLoss }));
        expect(await root(world, flow), code).toMatchObject({
          status,
          provider: status === "FAILURE" ? "fake" : "other",
        });
        expect(world.vendor.calls).toHaveLength(status === "FAILURE" ? 1 : 2);
      }
    }
  });

  test("other refusals end it, whatever the app wants: another would say the same", async () => {
    const world = pair();
    world.vendor.next({ kind: "refused", failure: failure("banned_prompt") });
    const flow = await sent(world, await world.start({ onVendorLoss: "restart" }));
    expect(await root(world, flow)).toMatchObject({ status: "FAILURE", failure: { code: "banned_prompt" } });
    expect(world.vendor.calls).toHaveLength(1);
  });
});

test("a healthy account costs no write beyond its callbacks, however much it is sent", async () => {
  const world = pair();
  for (let i = 0; i < 10; i++) await world.start({ then: [{ press: "U1" }] });
  await world.finishAll();
  const saves = world.storeFault.calls.filter((verb) => verb === "saveHealth").length;
  expect(saves).toBeLessThanOrEqual(2);
});

test("three unclear answers in a row leave the account alone, for longer each time it is tried in vain", async () => {
  const world = pair();
  const opened: number[] = [];
  for (let round = 0; round < 3; round++) {
    const before = (await world.deps.store.health("fake", "a"))?.openUntil;
    if (before !== undefined) {
      world.advance(before - world.deps.clock.now());
      expect(await world.deps.accounts.tryHalfOpen("fake", "a")).toBe(true);
      expect(await world.deps.accounts.tryHalfOpen("fake", "a")).toBe(false);
    }
    for (let i = 0; i < 3; i++) await world.deps.accounts.recordOutcome("fake", "a", { fault: "unclear" });
    const { openUntil } = (await world.deps.store.health("fake", "a"))!;
    opened.push(openUntil! - world.deps.clock.now());
  }
  expect(opened).toEqual([TIMINGS.openMs, 2 * TIMINGS.openMs, 4 * TIMINGS.openMs]);
});
