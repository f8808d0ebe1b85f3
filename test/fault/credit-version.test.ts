/**
 * Fault 28 for an app with limits: the new version moves the app to the counter, and processes of the version before still run.
 * They must not count apart from the counter (docs/decisions/0026).
 */
import type { Limits } from "@mjflow/core/app";
import { ORPHANED_HOLD_AFTER_MS } from "@mjflow/core/flow-credit";
import { usageOf } from "@mjflow/engine/credit-repair";
import { describe, expect, test } from "vitest";
import { createRelay, type Relay, type Runner } from "./version/relay.ts";
import { EARLIER, earlier, today } from "./version/versions.ts";

const APP = "app_a";
/** An image costs 40,000 micro-USD, so three flows fit. */
const LIMITS: Limits = { creditsUsd: 0.12, runningFlows: 10 };
const PRICE = 40_000;

async function pair(name: (typeof EARLIER)[number]) {
  const relay = createRelay();
  Object.assign(relay.deps, { limits: LIMITS });
  return { relay, old: relay.runner(await earlier(name)), next: relay.runner(today) };
}

const usage = ({ deps }: Relay, { store }: Runner) => usageOf({ store, clock: deps.clock, log: deps.log }, APP);

describe.each(EARLIER)("an app with limits while the version %s is replaced", (name) => {
  test("a flow of the old version keeps its hold, and the new version settles it once", async () => {
    const { relay, old, next } = await pair(name);
    const first = await old.start();
    await next.start();
    expect(await usage(relay, next)).toMatchObject({ used: 2 * PRICE, running: 2, settled: 0 });
    await next.finish();
    expect(relay.rows().flows.map(({ status }) => status)).toEqual(["completed", "completed"]);
    expect((await next.store.load(first.id, [])).flow!.credit).toMatchObject({ held: 0, runs: 0, settlements: 1 });
    expect(await usage(relay, next)).toMatchObject({ used: 2 * PRICE, running: 0, settled: 2 * PRICE, refunded: 0 });
  });

  test("after the move the old version admits no limited flow, with an error that names the newer row", async () => {
    const { relay, old, next } = await pair(name);
    await next.start();
    for (let i = 0; i < 3; i++) await expect(old.start()).rejects.toThrow(/schema version/);
    expect(relay.rows().flows).toHaveLength(1);
    await next.start();
    await next.start();
    await expect(next.start()).rejects.toMatchObject({ code: "out_of_credit" });
    expect(await usage(relay, next)).toMatchObject({ used: 3 * PRICE, running: 3 });
  });

  test("an app with several counters gets no flow from the old version, and its flows end in the new one", async () => {
    const { relay, old, next } = await pair(name);
    Object.assign(relay.deps, { limits: { ...LIMITS, counters: 3 } });
    await next.start();
    await expect(old.start()).rejects.toThrow(/schema version/);
    await next.finish();
    const { deps } = relay;
    const sum = await usageOf({ store: next.store, clock: deps.clock, log: deps.log }, APP, { counters: 3 });
    expect(sum).toMatchObject({ used: PRICE, running: 0, settled: PRICE });
  });

  test("a flow that only the old version works on ends late, when the new version has its messages", async () => {
    const { relay, old, next } = await pair(name);
    await old.start();
    await next.start();
    await old.drain();
    for (const call of relay.vendor.calls) {
      relay.vendor.finished.add(call.id);
      // The end is stored. Only the settlement fails, because the old version cannot read the frozen row.
      await old.post(call, "SUCCESS").catch(() => {});
    }
    await next.finish();
    relay.advance(ORPHANED_HOLD_AFTER_MS);
    await next.sweep();
    expect(relay.rows().flows.map(({ status }) => status)).toEqual(["completed", "completed"]);
    expect(await usage(relay, next)).toMatchObject({ used: 2 * PRICE, running: 0, settled: 2 * PRICE });
  });

  test("the way back: when no flow runs and the limits are removed, the old version runs new flows, uncounted", async () => {
    const { relay, old, next } = await pair(name);
    await next.start();
    await next.finish();
    Object.assign(relay.deps, { limits: undefined });
    await old.start();
    await old.finish();
    expect(relay.rows().flows.map(({ status }) => status)).toEqual(["completed", "completed"]);
    expect(await usage(relay, next)).toMatchObject({ used: PRICE, running: 0, settled: PRICE });
  });
});
