/**
 * Account selection: the account of a new root, busy and failing accounts, and relocation. Branches never change their
 * account.
 */
import { failure } from "@mjflow/core/error";
import type { Flow } from "@mjflow/core/flow";
import { taskIdOf } from "@mjflow/core/id";
import { LookupError, type SubmitOutcome } from "@mjflow/core/port";
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

/** Lets the cache of the account health expire, as in a new container. */
const expireCache = (harness: TestHarness) => harness.advance(TIMINGS.beliefMs + 1);

async function sent(harness: TestHarness, flow: Flow): Promise<Flow> {
  await harness.drain();
  return flow;
}

describe("new roots", () => {
  test("new roots are distributed by weight, and the same flow id always gets the same account", async () => {
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

  test('new roots use any supporting vendor with "auto", and only the named vendor otherwise', async () => {
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

  test("a new root with a single possible account causes no read of account health", async () => {
    const harness = createTestHarness();
    await harness.start();
    expect(harness.storeFault.calls).not.toContain("health");
  });

  test("the health of 200 accounts is read in one call, and not again while it is cached", async () => {
    const accounts = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`a${i}`, {}]));
    const harness = createTestHarness({ accounts: { fake: accounts } });
    harness.storeFault.calls.length = 0;
    await harness.start();
    await harness.start();
    expect(harness.storeFault.calls.filter((call) => /health/i.test(String(call)))).toEqual(["healths"]);
    expireCache(harness);
    await harness.start();
    expect(harness.storeFault.calls.filter((call) => /health/i.test(String(call)))).toEqual(["healths", "healths"]);
  });

  test("new roots are rejected when all accounts have weight 0, and existing branches continue", async () => {
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

describe("a root at a busy account", () => {
  test("a busy root is submitted to the vendor's other account at once, and its follow-ups stay there", async () => {
    const harness = pair();
    harness.vendor.next(BUSY);
    const flow = await sent(harness, await harness.start({ then: [{ press: "U1" }] }));
    const otherAccount = other(flow.account);
    expect(harness.vendor.calls.map(({ context }) => context.account.apiKey)).toEqual([
      `fake/${flow.account}`,
      `fake/${otherAccount}`,
    ]);
    // The vendor never accepted the first call.
    harness.vendor.finished.add(harness.vendor.calls[0]!.id);
    await harness.finishAll();
    const { tasks, flow: ended, status } = await harness.read(flow);
    expect(status).toBe("completed");
    for (const task of tasks.values()) expect(task.account).toBe(otherAccount);
    expect(ended.account).toBe(otherAccount);
    expect(keyOf(harness)).toBe(`fake/${otherAccount}`);
  });

  test('a busy root moves to another vendor only with "auto"', async () => {
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

  test("a busy root waits at its account if the other account is busy too", async () => {
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

  test("after a busy outcome the next roots of every container use the other account", async () => {
    const harness = pair();
    harness.vendor.next(BUSY);
    const first = await sent(harness, await harness.start());
    for (let i = 0; i < 20; i++) {
      harness.advance(1);
      expect((await harness.start()).account).toBe(other(first.account));
    }
  });

  test("a branch waits for its own account, even if another account is free", async () => {
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

  test("a busy root that the vendor accepted nevertheless gets its image, and nothing else is paid", async () => {
    const harness = pair();
    harness.vendor.next(BUSY);
    // The other account is busy too; meanwhile the first account sends callbacks.
    harness.vendor.next(BUSY);
    const flow = await sent(harness, await harness.start());
    const [acceptedNevertheless] = harness.vendor.calls;
    expect(await harness.post(acceptedNevertheless!, "IN_PROGRESS")).toMatchObject({ kind: "dropped" });
    await harness.post(acceptedNevertheless!, "SUCCESS");
    harness.advance(TIMINGS.busyMaxMs);
    await harness.drain();
    expect(await root(harness, flow)).toMatchObject({
      status: "SUCCESS",
      account: flow.account,
      vendorTaskId: acceptedNevertheless!.id,
    });
    expect(harness.vendor.calls).toHaveLength(2);
  });

  test("a callback of the previous account does not change the relocated root", async () => {
    const harness = pair();
    harness.vendor.next(BUSY);
    const flow = await sent(harness, await harness.start());
    const [rejected, accepted] = harness.vendor.calls;
    expect(tokenOf(rejected!)).not.toBe(tokenOf(accepted!));
    await harness.post(rejected!, "FAILURE");
    expect(await root(harness, flow)).toMatchObject({ status: "SUBMITTED", vendorTaskId: accepted!.id });
  });
});

describe("after an unclear outcome", () => {
  test("an unclear root is submitted again only after its grace period and to the same account", async () => {
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

describe("an account with a permanent fault", () => {
  test("an account with a permanent fault gets no new roots in any container, and one success closes its breaker", async () => {
    const harness = pair();
    harness.vendor.next(refused("vendor_unauthorized"));
    const lost = await sent(harness, await harness.start());
    expect(await root(harness, lost)).toMatchObject({ status: "FAILURE", failure: { code: "vendor_unauthorized" } });
    for (const cache of ["fresh", "stale"]) {
      for (let i = 0; i < 20; i++) {
        harness.advance(1);
        expect((await harness.start()).account, cache).toBe(other(lost.account));
      }
      // The breaker is half-open by now. Only flows with `onVendorLoss: "restart"` may be used for the trial.
      expireCache(harness);
    }
    expect(await harness.deps.store.health("fake", lost.account)).toMatchObject({ fault: "unauthorized", opens: 1 });
    await harness.deps.accounts.recordOutcome("fake", lost.account, "worked");
    expect(await harness.deps.store.health("fake", lost.account)).toMatchObject({ opens: 0, faults: 0 });
  });

  test("a permanent fault ends the root by default, and with onVendorLoss restart the root moves", async () => {
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

  test("other rejections end the root also with onVendorLoss restart, because another account would reject it too", async () => {
    const harness = pair();
    harness.vendor.next({ kind: "refused", failure: failure("banned_prompt") });
    const flow = await sent(harness, await harness.start({ onVendorLoss: "restart" }));
    expect(await root(harness, flow)).toMatchObject({ status: "FAILURE", failure: { code: "banned_prompt" } });
    expect(harness.vendor.calls).toHaveLength(1);
  });
});

test("a healthy account causes no health writes beyond its callbacks", async () => {
  const harness = pair();
  for (let i = 0; i < 10; i++) await harness.start({ then: [{ press: "U1" }] });
  await harness.finishAll();
  const saves = harness.storeFault.calls.filter((verb) => verb === "saveHealth").length;
  expect(saves).toBeLessThanOrEqual(2);
});

test("three unclear outcomes in a row open the breaker, and each failed trial doubles the pause", async () => {
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

describe("the trial of a half-open account with a known task", () => {
  const weighted = () => createTestHarness({ accounts: { fake: { a: { weight: 1_000 }, b: { weight: 1 } } } });
  const open = async (harness: TestHarness, fault: "unauthorized" | "unreachable" | "out_of_money" | "unclear") => {
    const { accounts } = harness.deps;
    for (let i = 0; i < 3; i++) await accounts.recordOutcome("fake", "a", { fault, afterMs: 0 }, "1765000000000042");
    harness.advance(TIMINGS.openMs + 1);
  };
  const health = (harness: TestHarness) => harness.deps.store.health("fake", "a");

  test.each(["unauthorized", "unreachable", "out_of_money", "unclear"] as const)(
    "after %s, a look-up that is refused keeps the account open, and no flow is submitted to it",
    async (fault) => {
      const harness = weighted();
      await open(harness, fault);
      harness.vendor.failLookups(new LookupError("401", { unauthorized: true }));
      const flow = await harness.start({ onVendorLoss: "restart" });
      expect(flow.account).toBe("b");
      expect(harness.vendor.lookups).toEqual([["1765000000000042"]]);
      expect(await health(harness)).toMatchObject({ fault, opens: 2 });
      await harness.start({ onVendorLoss: "restart" });
      expect(harness.vendor.lookups, "one look-up for each trial").toHaveLength(1);
    },
  );

  test.each(["unauthorized", "unreachable"] as const)(
    "after %s, a look-up that works closes the breaker, and the flow goes to the account",
    async (fault) => {
      const harness = weighted();
      await open(harness, fault);
      expect((await harness.start()).account).toBe("a");
      expect(await health(harness)).toMatchObject({ faults: 0, opens: 0 });
      expect((await health(harness))!.openUntil).toBeUndefined();
    },
  );

  test("a look-up that works says nothing about credit: only a flow that can move is the trial", async () => {
    const harness = weighted();
    await open(harness, "out_of_money");
    expect((await harness.start()).account).toBe("b");
    expect(harness.vendor.lookups).toEqual([]);
    expect((await harness.start({ onVendorLoss: "restart" })).account).toBe("a");
    expect(await health(harness)).toMatchObject({ fault: "out_of_money", probing: true });
  });

  test("a look-up that fails for another reason leaves the trial to a flow", async () => {
    const harness = weighted();
    await open(harness, "unclear");
    harness.vendor.failLookups(new LookupError("502"));
    expect((await harness.start()).account).toBe("a");
    expect(await health(harness)).toMatchObject({ fault: "unclear", probing: true });
  });

  test("an account whose task ids are not known is tested by a flow", async () => {
    const harness = weighted();
    await harness.deps.accounts.recordOutcome("fake", "a", { fault: "unauthorized" });
    harness.advance(TIMINGS.openMs + 1);
    expect((await harness.start()).account).toBe("b");
    expect((await harness.start({ onVendorLoss: "restart" })).account).toBe("a");
    expect(harness.vendor.lookups).toEqual([]);
  });

  test("the id of an accepted task is stored with the next fault, and costs no write before", async () => {
    const harness = weighted();
    await sent(harness, await harness.start());
    expect(await health(harness)).toBeUndefined();
    harness.vendor.next(UNCLEAR);
    await sent(harness, await harness.start());
    expect(await health(harness)).toMatchObject({ fault: "unclear", probeId: harness.vendor.calls[0]!.id });
  });
});
