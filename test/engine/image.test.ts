/** Images on their way to a vendor: a few at a time, and none of them lost or sent twice for it. */
import { createImageSemaphore } from "@mjflow/engine/image-semaphore";
import { expect, test } from "vitest";
import { createTestHarness } from "../support/harness.ts";

const IMAGE = `data:image/png;base64,${"A".repeat(64)}`;

function worldWithRoom(places: number) {
  const harness = createTestHarness();
  Object.assign(harness.deps, { imageSemaphore: createImageSemaphore(places) });
  const prompts = () => harness.vendor.calls.map(({ prompt }) => prompt).sort();
  return { ...harness, prompts };
}

test("of a batch as many as there is room for are sent; the others come later, each once, with no attempt spent", async () => {
  const { vendor, prompts, ...harness } = worldWithRoom(2);
  const all = ["a", "b", "c", "d", "e"];
  for (const prompt of all) await harness.start({ prompt, base64Array: [IMAGE] });
  for (const sent of [2, 4, 5]) {
    await harness.drain();
    expect(vendor.calls).toHaveLength(sent);
    harness.advance(harness.deps.timings.busyMs);
  }
  expect(prompts()).toEqual(all);
  expect(harness.dump().tasks.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 1]);
});

test("what has no images needs no room", async () => {
  const { prompts, ...harness } = worldWithRoom(0);
  await harness.start({ prompt: "with", base64Array: [IMAGE] });
  await harness.start({ prompt: "without" });
  await harness.drain();
  expect(prompts()).toEqual(["without"]);
});

test("a vendor that fails gives its room back", async () => {
  const { vendor, ...harness } = worldWithRoom(1);
  vendor.next({ kind: "unclear", reason: "hung up" });
  await harness.start({ prompt: "first", base64Array: [IMAGE] });
  await harness.drain();
  await harness.start({ prompt: "second", base64Array: [IMAGE] });
  await harness.drain();
  expect(vendor.calls.map(({ prompt }) => prompt)).toEqual(["first", "second"]);
});
