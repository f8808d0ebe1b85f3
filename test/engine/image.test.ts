/** The image semaphore: a limited number of submissions with images at one time, none lost and none submitted twice. */
import { createImageSemaphore } from "@mjflow/engine/image-semaphore";
import { expect, test } from "vitest";
import { createTestHarness } from "../support/harness.ts";

const IMAGE = `data:image/png;base64,${"A".repeat(64)}`;

function harnessWithImageSlots(slots: number) {
  const harness = createTestHarness();
  Object.assign(harness.deps, { imageSemaphore: createImageSemaphore(slots) });
  const prompts = () => harness.vendor.calls.map(({ prompt }) => prompt).sort();
  return { ...harness, prompts };
}

test("a batch submits as many tasks with images as there are slots, and the others follow later with one attempt each", async () => {
  const { vendor, prompts, ...harness } = harnessWithImageSlots(2);
  const all = ["a", "b", "c", "d", "e"];
  for (const prompt of all) await harness.start({ prompt, base64Array: [IMAGE] });
  // The pause before each further message of a task is twice as long.
  for (const [hop, sent] of [2, 4, 5].entries()) {
    await harness.drain();
    expect(vendor.calls).toHaveLength(sent);
    harness.advance(harness.deps.timings.busyMs * 2 ** hop);
  }
  expect(prompts()).toEqual(all);
  expect(harness.dump().tasks.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 1]);
});

test("a task without images needs no slot", async () => {
  const { prompts, ...harness } = harnessWithImageSlots(0);
  await harness.start({ prompt: "with", base64Array: [IMAGE] });
  await harness.start({ prompt: "without" });
  await harness.drain();
  expect(prompts()).toEqual(["without"]);
});

test("a failed submission releases its slot", async () => {
  const { vendor, ...harness } = harnessWithImageSlots(1);
  vendor.next({ kind: "unclear", reason: "hung up" });
  await harness.start({ prompt: "first", base64Array: [IMAGE] });
  await harness.drain();
  await harness.start({ prompt: "second", base64Array: [IMAGE] });
  await harness.drain();
  expect(vendor.calls.map(({ prompt }) => prompt)).toEqual(["first", "second"]);
});
