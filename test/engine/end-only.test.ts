/** A vendor that sends one callback, at the end: look-ups for progress, and accounts of which nothing is known yet. */
import { beforeEach, describe, expect, test } from "vitest";
import { createTestHarness, HARNESS_START } from "../support/harness.ts";

let harness: ReturnType<typeof createTestHarness>;

function createEndOnly(more: object = {}) {
  harness = createTestHarness();
  Object.assign(harness.vendor.provider.capabilities, { endOnly: true, ...more });
  return harness;
}

const { unknownMs, silentMs, quietMs } = createTestHarness().deps.timings;

async function firstLookupOf(request: object): Promise<number> {
  const flow = await harness.start(request);
  await harness.drain();
  return (await harness.read(flow)).tasks.get("0")!.due! - HARNESS_START;
}

describe("an account of which nothing is known", () => {
  beforeEach(() => void createEndOnly());

  test("is looked up when the end can be expected: ten minutes in relax mode", async () => {
    expect(await firstLookupOf({ mode: "relax" })).toBe(600_000);
    expect(await firstLookupOf({ mode: "fast" })).toBe(unknownMs);
  });
});

describe("a flow that wants progress", () => {
  test("is looked up while it runs if look-ups tell the progress", async () => {
    createEndOnly({ lookupProgress: true });
    expect(await firstLookupOf({ progress: true })).toBe(silentMs);
  });

  test("is not looked up if look-ups tell none, or if it wants no progress", async () => {
    createEndOnly();
    expect(await firstLookupOf({ progress: true })).toBe(unknownMs);
    createEndOnly({ lookupProgress: true });
    expect(await firstLookupOf({ progress: false })).toBe(unknownMs);
  });

  test("does not make its account silent, although look-ups find ends before their callbacks", async () => {
    createEndOnly({ lookupProgress: true });
    // One callback makes the account known.
    await harness.start({});
    await harness.drain();
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    await harness.drain();
    harness.advance(quietMs.fast);
    for (let n = 1; n <= 4; n++) {
      const flow = await harness.start({ progress: true });
      await harness.drain();
      harness.vendor.holds(harness.vendor.calls[n]!, "SUCCESS");
      harness.advance(silentMs);
      await harness.sweep();
      await harness.drain();
      expect((await harness.read(flow)).status).toBe("completed");
    }
    expect(await harness.deps.store.health("fake", "default")).toMatchObject({ callbacks: "calling", misses: 0 });
  });
});
