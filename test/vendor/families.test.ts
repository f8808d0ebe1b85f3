/**
 * Plans through vendors of every protocol family: the simulated vendor, its adapter and the engine. Their faults are in
 * family-fault.test.ts.
 */
import { FORMS } from "@mjflow/providers/families/index";
import type { FamilyId } from "@mjflow/simulator/server";
import { afterEach, describe, expect, test } from "vitest";
import { type Simulated, startSimulated } from "../support/simulated.ts";

const MINUTE = 60_000;

let stack: Simulated;
afterEach(() => stack?.stop());

const paid = () => stack.simulator.ledger().counts.tasks;

const FAMILIES = [...FORMS.keys()] as FamilyId[];

test("a lost root goes only to a vendor that has its mode, and its images in their form", async () => {
  stack = await startSimulated("ttapi", { credit: 0 }, "legnext", "midjourney-proxy");
  const flow = await stack.start({ mode: "relax", onVendorLoss: "restart" });
  await stack.pass(6 * MINUTE);
  const task = await stack.task(flow);
  // Legnext has no relax mode.
  expect([task.provider, task.status]).toEqual(["midjourney-proxy", "SUCCESS"]);
  expect(paid()).toBe(1);
});

test("a request for what a family cannot do is rejected before anything is stored or paid", async () => {
  stack = await startSimulated("legnext");
  const data = ["data:image/png;base64,iVBORw0KGgo="];
  for (const request of [
    { mode: "relax" as const },
    { base64Array: data },
    { then: [{ press: "pan:left" }] },
    { then: [{ press: "vary:region", modal: { prompt: "a hat" } }] },
  ])
    await expect(stack.start(request), JSON.stringify(request)).rejects.toThrow(/legnext/);
  expect(paid()).toBe(0);
});

describe.each(FAMILIES)("family %s", (id) => {
  // The four pictures of Legnext come with the grid, so selecting one is no paid task.
  const ofUpscale = id === "legnext" ? 0 : 1;

  test("a plan of imagine, upscale, vary and zoom is carried out, and each task is paid once", async () => {
    stack = await startSimulated(id);
    const then = [{ press: "U2", then: [{ press: "vary:subtle" }, { press: "zoom:2" }] }, { press: "V1" }];
    const flow = await stack.start({ mode: "fast", then });
    await stack.pass(6 * MINUTE);
    const { flow: ended, tasks } = await stack.harness.read(flow);
    expect([...tasks.values()].map(({ path, press, status }) => [path, press, status])).toEqual([
      ["0", undefined, "SUCCESS"],
      ["0-0", "U2", "SUCCESS"],
      ["0-0-0", "vary:subtle", "SUCCESS"],
      ["0-0-1", "zoom:2", "SUCCESS"],
      ["0-1", "V1", "SUCCESS"],
    ]);
    expect(ended!.status).toBe("completed");
    expect(paid()).toBe(4 + ofUpscale);
    for (const { path, result } of tasks.values()) expect(result?.imageUrl, path).toMatch(/^http/);
    expect(JSON.stringify([...tasks.values()])).not.toContain("/callbacks/");
  });

  test("a prompt that moderation rejects is a typed failure", async () => {
    stack = await startSimulated(id);
    const flow = await stack.start({ prompt: "a gory scene" });
    await stack.pass(2 * MINUTE);
    expect(await stack.task(flow)).toMatchObject({ status: "FAILURE", failure: { code: "banned_prompt" } });
  });

  test("a flow whose account is out of credit completes at a midjourney-proxy vendor, and nothing is paid twice", async () => {
    stack = await startSimulated(id, { credit: 0 }, "midjourney-proxy");
    const flow = await stack.start({ onVendorLoss: "restart", then: [{ press: "U1" }] });
    await stack.pass(6 * MINUTE);
    const { flow: ended, tasks } = await stack.harness.read(flow);
    expect(ended!.status).toBe("completed");
    expect([...tasks.values()].map(({ provider, status }) => [provider, status])).toEqual([
      ["midjourney-proxy", "SUCCESS"],
      ["midjourney-proxy", "SUCCESS"],
    ]);
    expect(tasks.get("0")!.previousLocations).toMatchObject([{ provider: id }]);
    expect(paid()).toBe(2);
  });

  test("a flow whose account runs out of credit after its image is restarted elsewhere, linked both ways", async () => {
    stack = await startSimulated(id, { credit: 1 }, "midjourney-proxy");
    const flow = await stack.start({ onVendorLoss: "restart", then: [{ press: "V1" }] });
    await stack.pass(8 * MINUTE);
    const { flow: ended } = await stack.harness.read(flow);
    expect(ended!.restartedAs).toBeDefined();
    const next = await stack.harness.deps.store.loadFlow(ended!.restartedAs!);
    expect(next.flow).toMatchObject({ restartOf: flow.id, provider: "midjourney-proxy", status: "completed" });
    // One image at the first vendor, two at the second one.
    expect(paid()).toBe(3);
  });
});
