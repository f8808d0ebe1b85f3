/** Images on their way to a vendor: a few at a time, and none of them lost or sent twice for it. */
import { createImageSemaphore } from "@mjflow/engine/image-semaphore";
import { expect, test } from "vitest";
import { createTestHarness } from "../support/harness.ts";

const IMAGE = `data:image/png;base64,${"A".repeat(64)}`;

function worldWithRoom(places: number) {
  const world = createTestHarness();
  Object.assign(world.deps, { imageSemaphore: createImageSemaphore(places) });
  const prompts = () => world.vendor.calls.map(({ prompt }) => prompt).sort();
  return { ...world, prompts };
}

test("of a batch as many as there is room for are sent; the others come later, each once, with no attempt spent", async () => {
  const { vendor, prompts, ...world } = worldWithRoom(2);
  const all = ["a", "b", "c", "d", "e"];
  for (const prompt of all) await world.start({ prompt, base64Array: [IMAGE] });
  for (const sent of [2, 4, 5]) {
    await world.drain();
    expect(vendor.calls).toHaveLength(sent);
    world.advance(world.deps.timings.busyMs);
  }
  expect(prompts()).toEqual(all);
  expect(world.dump().tasks.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 1]);
});

test("what has no images needs no room", async () => {
  const { prompts, ...world } = worldWithRoom(0);
  await world.start({ prompt: "with", base64Array: [IMAGE] });
  await world.start({ prompt: "without" });
  await world.drain();
  expect(prompts()).toEqual(["without"]);
});

test("a vendor that fails gives its room back", async () => {
  const { vendor, ...world } = worldWithRoom(1);
  vendor.next({ kind: "unclear", reason: "hung up" });
  await world.start({ prompt: "first", base64Array: [IMAGE] });
  await world.drain();
  await world.start({ prompt: "second", base64Array: [IMAGE] });
  await world.drain();
  expect(vendor.calls.map(({ prompt }) => prompt)).toEqual(["first", "second"]);
});
