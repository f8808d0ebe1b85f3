import { describe, expect, test } from "vitest";
import { createTestHarness } from "../support/harness.ts";

const PLAN = [{ press: ["U1", "U2", "U3", "U4"] }, { press: "V2", then: [{ press: "reroll" }] }];

describe("a plan runs on callbacks alone", () => {
  test("an imagine with a plan runs to its end, each press once, with no look-up", async () => {
    const world = createTestHarness();
    const flow = await world.start({ then: PLAN });
    await world.finishAll();

    const { flow: ended, tasks, status } = await world.read(flow);
    expect(status).toBe("completed");
    expect(ended).toMatchObject({ status: "completed", endedAt: expect.any(Number) });
    expect(ended.due).toBeUndefined();
    expect([...tasks.keys()].sort()).toEqual(["0", "0-0", "0-1", "0-2", "0-3", "0-4", "0-4-0"]);
    expect(world.vendor.calls).toHaveLength(7);
    expect(world.vendor.lookups).toEqual([]);
    expect(new Set(world.vendor.presses()).size).toBe(6);
  });

  test("every callback sent three times starts everything once, and is counted", async () => {
    const world = createTestHarness();
    const flow = await world.start({ then: PLAN });
    await world.finishAll(3);

    const { tasks, status } = await world.read(flow);
    expect(status).toBe("completed");
    expect(world.vendor.calls).toHaveLength(7);
    expect([...tasks.values()].every((task) => task.duplicates === 2)).toBe(true);
  });

  test("a customId is read from the parent's newest result, never from the plan", async () => {
    const world = createTestHarness();
    await world.start({ then: [{ press: "upscale:3", then: [{ press: "Zoom Out 2x" }] }] });
    await world.finishAll();
    const [root, upscale, zoom] = world.vendor.calls;
    expect(upscale).toMatchObject({ parent: root!.id, customId: expect.stringMatching(/^MJ::JOB::upsample::3::/) });
    expect(zoom).toMatchObject({ parent: upscale!.id, customId: expect.stringMatching(/^MJ::Outpaint::50::/) });
  });

  test("a label outside our vocabulary is pressed as the vendor shows it", async () => {
    const world = createTestHarness();
    await world.start({ then: [{ press: "Remaster" }] });
    await world.finishAll();
    expect(world.vendor.presses()).toEqual([expect.stringMatching(/^MJ::Remaster::/)]);
  });

  test("a press that is not on offer ends its branch, naming what was, and pays nothing", async () => {
    const world = createTestHarness();
    const flow = await world.start({ then: [{ press: "Zoom Out 9x" }, { press: "U1" }] });
    await world.finishAll();
    const { tasks, status } = await world.read(flow);
    expect(status).toBe("completed");
    expect(tasks.get("0-0")).toMatchObject({ status: "FAILURE", attempt: 0, failure: { code: "press_not_offered" } });
    expect(tasks.get("0-0")!.failure!.offered).toContain("U1");
    expect(tasks.get("0-1")!.status).toBe("SUCCESS");
  });

  test("two spellings that turn out to be one button press it once", async () => {
    const world = createTestHarness();
    const flow = await world.start({ then: [{ press: "Remaster" }, { press: "✨" }] });
    await world.finishAll();
    const { tasks } = await world.read(flow);
    expect(world.vendor.presses()).toHaveLength(1);
    expect(tasks.get("0-1")).toMatchObject({ status: "FAILURE", failure: { code: "press_doubled" } });
  });

  test("a failed branch leaves the others running, and the flow completes with it visible", async () => {
    const world = createTestHarness();
    const flow = await world.start({ then: [{ press: "U1", then: [{ press: "zoom:2" }] }, { press: "U2" }] });
    await world.drain();
    await world.post(world.vendor.calls[0]!, "SUCCESS");
    world.vendor.finished.add(world.vendor.calls[0]!.id);
    await world.drain();
    const u1 = world.vendor.calls.find((c) => c.customId?.includes("upsample::1"))!;
    world.vendor.finished.add(u1.id);
    await world.post(u1, "FAILURE", { failReason: "Job failed" });
    await world.finishAll();
    const { tasks, status } = await world.read(flow);
    expect(status).toBe("completed");
    expect(tasks.get("0-0")).toMatchObject({ status: "FAILURE", failure: { code: "vendor_failed" } });
    expect(tasks.get("0-1")!.status).toBe("SUCCESS");
    expect(tasks.has("0-0-0")).toBe(false);
  });

  test("a root that fails ends the flow as failed, with nothing pressed", async () => {
    const world = createTestHarness();
    const flow = await world.start({ then: PLAN });
    await world.drain();
    await world.post(world.vendor.calls[0]!, "FAILURE", { failReason: "可能包含敏感词" });
    await world.drain();
    const { flow: ended, tasks } = await world.read(flow);
    expect(ended.status).toBe("failed");
    expect(tasks.get("0")!.failure).toMatchObject({ code: "banned_prompt", vendor: { description: "可能包含敏感词" } });
    expect(world.vendor.calls).toHaveLength(1);
  });

  test("the caller's state is kept byte for byte, and no vendor ever sees it", async () => {
    const world = createTestHarness();
    const state = `"quotes"\n\t\\ 🛶 \u0000 ${"é".repeat(1_000)}`;
    const flow = await world.start({ state, then: [{ press: "U1" }] });
    await world.finishAll();
    expect((await world.read(flow)).flow.state).toBe(state);
    const sent = JSON.stringify(world.vendor.calls);
    expect(sent).not.toContain("quotes");
    for (const call of world.vendor.calls) expect(call.context.state).toMatch(/^[\w-]{1,200}$/);
  });
});

describe("windows (MODAL)", () => {
  const mask = "data:image/png;base64,iVBORw0KGgo=";

  test("a window is answered from the plan, prompt and mask, once", async () => {
    const world = createTestHarness();
    const then = [{ press: "U1", then: [{ press: "vary:region", modal: { prompt: "a red sail", maskBase64: mask } }] }];
    const flow = await world.start({ then });
    await world.drain();
    await world.post(world.vendor.calls[0]!, "SUCCESS");
    await world.drain();
    world.vendor.next((call) => ({ kind: "modal", vendorTaskId: call.id }));
    await world.post(world.vendor.calls[1]!, "SUCCESS");
    await world.drain();
    const modal = world.vendor.calls.filter((call) => call.kind === "modal");
    expect(modal).toMatchObject([{ prompt: "a red sail", mask, id: world.vendor.calls[2]!.id }]);
    await world.post(modal[0]!, "SUCCESS");
    await world.drain();
    const { tasks, status } = await world.read(flow);
    expect(status).toBe("completed");
    expect(tasks.get("0-0-0")).toMatchObject({ attempt: 1, modals: 1 });
  });

  test("a window nobody answers ends typed, after its own time", async () => {
    const world = createTestHarness();
    const flow = await world.start({ then: [{ press: "V1" }] });
    await world.drain();
    world.vendor.next((call) => ({ kind: "modal", vendorTaskId: call.id }));
    await world.post(world.vendor.calls[0]!, "SUCCESS");
    await world.drain();
    expect((await world.read(flow)).tasks.get("0-0")!.status).toBe("MODAL");
    world.advance(world.deps.timings.modalMs);
    await world.sweep();
    const { tasks, flow: ended } = await world.read(flow);
    expect(tasks.get("0-0")).toMatchObject({ status: "EXPIRED", failure: { code: "modal_unanswered" } });
    expect(ended.status).toBe("completed");
  });

  test("a window a relay hid behind code 1 is found by look-up and answered", async () => {
    const world = createTestHarness();
    await world.start({ then: [{ press: "V1", prompt: "the same, at night" }] });
    await world.drain();
    await world.post(world.vendor.calls[0]!, "SUCCESS");
    await world.drain();
    world.vendor.holds(world.vendor.calls[1]!, "MODAL");
    world.advance(world.deps.timings.quietMs.fast);
    await world.sweep();
    await world.drain();
    expect(world.vendor.calls.at(-1)).toMatchObject({ kind: "modal", prompt: "the same, at night" });
  });
});
