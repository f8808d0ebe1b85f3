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

const keyOf = (harness: TestHarness, i = -1) => harness.vendor.calls.at(i)!.context.account.apiKey;
const root = async (harness: TestHarness, flow: Flow) => (await harness.read(flow)).tasks.get("0")!;
const other = (account: string) => (account === "a" ? "b" : "a");

/** As a new container: nothing is believed, but what was stored. */
const forget = (harness: TestHarness) => harness.advance(TIMINGS.beliefMs + 1);

async function sent(harness: TestHarness, flow: Flow): Promise<Flow> {
  await harness.drain();
  return flow;
}

describe("new roots", () => {
  test("are spread over a vendor's accounts by weight, and the same flow always goes the same way", async () => {
    const harness = createTestHarness({ accounts: { fake: { a: { weight: 1 }, b: { weight: 3 }, c: { weight: 0 } } } });
    const counts: Record<string, number> = { a: 0, b: 0, c: 0 };
    for (let i = 0; i < 200; i++) {
      harness.advance(1);
      const { account } = await harness.start();
      counts[account]!++;
    }
    expect(counts["c"]).toBe(0);
    expect(counts["b"]! / 200).toBeGreaterThan(0.6);
    expect(counts["a"]).toBeGreaterThan(20);
  });

  test('go to any vendor that can, where the app says "auto"; to one alone, where it names it', async () => {
    const harness = across();
    const seen = new Set<string>();
    for (let i = 0; i < 40; i++) {
      harness.advance(1);
      seen.add((await harness.start({ provider: "auto" })).provider);
      expect((await harness.start({ provider: "other" })).provider).toBe("other");
    }
    expect([...seen].sort()).toEqual(["fake", "other"]);
    await expect(
      harness.start({ provider: "auto", action: "describe", base64Array: ["https://x.test/a.png"] }),
    ).rejects.toMatchObject({ field: "action" });
  });

  test("cost no read where there is nothing to choose", async () => {
    const harness = createTestHarness();
    await harness.start();
    expect(harness.storeFault.calls).not.toContain("health");
  });

  test("go nowhere when all accounts have been given weight 0; their branches go on", async () => {
    const harness = pair();
    const flow = await harness.start();
    await harness.finishAll();
    for (const name of ["a", "b"]) {
      await harness.deps.vendorStore.saveStoredAccount({
        provider: "fake",
        name,
        rev: 0,
        weight: 0,
        createdAt: 0,
        updatedAt: 0,
      });
    }
    await harness.deps.vendors.refresh("force");
    await expect(harness.start()).rejects.toMatchObject({ code: "invalid_request", field: "provider" });
    await pressTask(harness.deps, "app_a", taskIdOf(flow.id, "0"), { press: "U1" });
    await harness.drain();
    expect(harness.vendor.presses()).toHaveLength(1);
    expect(keyOf(harness)).toBe(`fake/${flow.account}`);
  });
});

describe("a root that was answered busy", () => {
  test("is taken by the vendor's other account at once; its follow-ups are pressed there", async () => {
    const harness = pair();
    harness.vendor.next(BUSY);
    const flow = await sent(harness, await harness.start({ then: [{ press: "U1" }] }));
    const there = other(flow.account);
    expect(harness.vendor.calls.map(({ context }) => context.account.apiKey)).toEqual([
      `fake/${flow.account}`,
      `fake/${there}`,
    ]);
    // Its own word: it never had the first.
    harness.vendor.finished.add(harness.vendor.calls[0]!.id);
    await harness.finishAll();
    const { tasks, flow: ended, status } = await harness.read(flow);
    expect(status).toBe("completed");
    for (const task of tasks.values()) expect(task.account).toBe(there);
    expect(ended.account).toBe(there);
    expect(keyOf(harness)).toBe(`fake/${there}`);
  });

  test('goes to another vendor only where the app said "auto"', async () => {
    for (const [provider, calls] of [
      ["auto", 2],
      ["fake", 1],
    ] as const) {
      const harness = across();
      harness.vendor.next(BUSY);
      const flow = await sent(harness, await harness.start({ provider }));
      expect(harness.vendor.calls).toHaveLength(calls);
      if (provider === "fake")
        expect(await root(harness, flow)).toMatchObject({ provider, status: "PENDING", attempt: 0 });
    }
  });

  test("waits where it is when the other has no room either, and nobody is asked in a circle", async () => {
    const harness = pair();
    for (let i = 0; i < 2; i++) harness.vendor.next(BUSY);
    const flow = await sent(harness, await harness.start());
    expect(harness.vendor.calls).toHaveLength(2);
    expect(await root(harness, flow)).toMatchObject({ status: "PENDING", busyAnswers: 1 });
    harness.advance(TIMINGS.busyMaxMs);
    await harness.drain();
    expect(await root(harness, flow)).toMatchObject({ status: "SUBMITTED" });
    expect(harness.vendor.calls).toHaveLength(3);
  });

  test("tells the next roots, of any container, that there is no room", async () => {
    const harness = pair();
    harness.vendor.next(BUSY);
    const first = await sent(harness, await harness.start());
    for (let i = 0; i < 20; i++) {
      harness.advance(1);
      expect((await harness.start()).account).toBe(other(first.account));
    }
  });

  test("a branch waits for its own account, however free another is", async () => {
    const harness = pair();
    const flow = await sent(harness, await harness.start({ then: [{ press: "U1" }] }));
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    harness.vendor.next(BUSY);
    await harness.drain();
    expect((await harness.read(flow)).tasks.get("0-0")).toMatchObject({ account: flow.account, status: "PENDING" });
    harness.advance(TIMINGS.busyMaxMs);
    await harness.drain();
    expect(keyOf(harness)).toBe(`fake/${flow.account}`);
  });

  test("and was taken all the same has its picture: nothing else is paid", async () => {
    const harness = pair();
    harness.vendor.next(BUSY);
    // The other has no room when it is asked; meanwhile the first calls.
    harness.vendor.next(BUSY);
    const flow = await sent(harness, await harness.start());
    const [lied] = harness.vendor.calls;
    expect(await harness.post(lied!, "IN_PROGRESS")).toMatchObject({ kind: "dropped" });
    await harness.post(lied!, "SUCCESS");
    harness.advance(TIMINGS.busyMaxMs);
    await harness.drain();
    expect(await root(harness, flow)).toMatchObject({
      status: "SUCCESS",
      account: flow.account,
      vendorTaskId: lied!.id,
    });
    expect(harness.vendor.calls).toHaveLength(2);
  });

  test("a token of the account that was left opens nothing else", async () => {
    const harness = pair();
    harness.vendor.next(BUSY);
    const flow = await sent(harness, await harness.start());
    const [left, taken] = harness.vendor.calls;
    expect(tokenOf(left!)).not.toBe(tokenOf(taken!));
    await harness.post(left!, "FAILURE");
    expect(await root(harness, flow)).toMatchObject({ status: "SUBMITTED", vendorTaskId: taken!.id });
  });
});

describe("after an unclear answer", () => {
  test("nothing is sent anywhere before the grace has passed; then to the same account", async () => {
    const harness = pair();
    harness.vendor.next(UNCLEAR);
    const flow = await sent(harness, await harness.start());
    for (let waited = 0; waited < TIMINGS.graceMs.fast; waited += 30_000) {
      expect(harness.vendor.calls).toHaveLength(1);
      harness.advance(30_000);
      await harness.sweep();
      await harness.drain();
    }
    harness.advance(60_000);
    await harness.sweep();
    await harness.drain();
    expect(harness.vendor.calls.map(({ context }) => context.account.apiKey)).toEqual(
      Array(2).fill(`fake/${flow.account}`),
    );
    expect(await root(harness, flow)).toMatchObject({ attempt: 2, account: flow.account });
  });
});

describe("an account that refuses for good", () => {
  test("gets no new roots from then on, in any container; one success closes it again", async () => {
    const harness = pair();
    harness.vendor.next(refused("vendor_unauthorized"));
    const lost = await sent(harness, await harness.start());
    expect(await root(harness, lost)).toMatchObject({ status: "FAILURE", failure: { code: "vendor_unauthorized" } });
    for (const belief of ["fresh", "stale"]) {
      for (let i = 0; i < 20; i++) {
        harness.advance(1);
        expect((await harness.start()).account, belief).toBe(other(lost.account));
      }
      // Half-open by now: still nobody's root is risked there who has not said that it may move on.
      forget(harness);
    }
    expect(await harness.deps.store.health("fake", lost.account)).toMatchObject({ fault: "unauthorized", opens: 1 });
    await harness.deps.accounts.recordOutcome("fake", lost.account, "worked");
    expect(await harness.deps.store.health("fake", lost.account)).toMatchObject({ opens: 0, faults: 0 });
  });

  test("ends the root by default, and is left by it where the app wants that", async () => {
    for (const [onVendorLoss, status] of [
      ["end", "FAILURE"],
      ["restart", "SUBMITTED"],
    ] as const) {
      for (const code of ["vendor_unauthorized", "vendor_out_of_money"] as const) {
        const harness = across();
        harness.vendor.next(refused(code));
        const flow = await sent(harness, await harness.start({ onVendorLoss }));
        expect(await root(harness, flow), code).toMatchObject({
          status,
          provider: status === "FAILURE" ? "fake" : "other",
        });
        expect(harness.vendor.calls).toHaveLength(status === "FAILURE" ? 1 : 2);
      }
    }
  });

  test("other refusals end it, whatever the app wants: another would say the same", async () => {
    const harness = pair();
    harness.vendor.next({ kind: "refused", failure: failure("banned_prompt") });
    const flow = await sent(harness, await harness.start({ onVendorLoss: "restart" }));
    expect(await root(harness, flow)).toMatchObject({ status: "FAILURE", failure: { code: "banned_prompt" } });
    expect(harness.vendor.calls).toHaveLength(1);
  });
});

test("a healthy account costs no write beyond its callbacks, however much it is sent", async () => {
  const harness = pair();
  for (let i = 0; i < 10; i++) await harness.start({ then: [{ press: "U1" }] });
  await harness.finishAll();
  const saves = harness.storeFault.calls.filter((verb) => verb === "saveHealth").length;
  expect(saves).toBeLessThanOrEqual(2);
});

test("three unclear answers in a row leave the account alone, for longer each time it is tried in vain", async () => {
  const harness = pair();
  const opened: number[] = [];
  for (let round = 0; round < 3; round++) {
    const before = (await harness.deps.store.health("fake", "a"))?.openUntil;
    if (before !== undefined) {
      harness.advance(before - harness.deps.clock.now());
      expect(await harness.deps.accounts.tryHalfOpen("fake", "a")).toBe(true);
      expect(await harness.deps.accounts.tryHalfOpen("fake", "a")).toBe(false);
    }
    for (let i = 0; i < 3; i++) await harness.deps.accounts.recordOutcome("fake", "a", { fault: "unclear" });
    const { openUntil } = (await harness.deps.store.health("fake", "a"))!;
    opened.push(openUntil! - harness.deps.clock.now());
  }
  expect(opened).toEqual([TIMINGS.openMs, 2 * TIMINGS.openMs, 4 * TIMINGS.openMs]);
});
