import { describe, expect, test } from "vitest";
import { createTestHarness } from "../support/harness.ts";

const PLAN = [{ press: ["U1", "U2", "U3", "U4"] }, { press: "V2", then: [{ press: "reroll" }] }];

describe("flows with a plan", () => {
  test("an imagine with a plan completes on callbacks alone, with each press made once and no look-up", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ then: PLAN });
    await harness.finishAll();

    const { flow: ended, tasks, status } = await harness.read(flow);
    expect(status).toBe("completed");
    expect(ended).toMatchObject({ status: "completed", endedAt: expect.any(Number) });
    expect(ended.due).toBeUndefined();
    expect([...tasks.keys()].sort()).toEqual(["0", "0-0", "0-1", "0-2", "0-3", "0-4", "0-4-0"]);
    expect(harness.vendor.calls).toHaveLength(7);
    expect(harness.vendor.lookups).toEqual([]);
    expect(new Set(harness.vendor.presses()).size).toBe(6);
  });

  test("callbacks that are sent three times start each press once and are counted as duplicates", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ then: PLAN });
    await harness.finishAll(3);

    const { tasks, status } = await harness.read(flow);
    expect(status).toBe("completed");
    expect(harness.vendor.calls).toHaveLength(7);
    expect([...tasks.values()].every((task) => task.duplicates === 2)).toBe(true);
  });

  test("the customId of a press comes from the parent's result and never from the plan", async () => {
    const harness = createTestHarness();
    await harness.start({ then: [{ press: "upscale:3", then: [{ press: "Zoom Out 2x" }] }] });
    await harness.finishAll();
    const [root, upscale, zoom] = harness.vendor.calls;
    expect(upscale).toMatchObject({ parent: root!.id, customId: expect.stringMatching(/^MJ::JOB::upsample::3::/) });
    expect(zoom).toMatchObject({ parent: upscale!.id, customId: expect.stringMatching(/^MJ::Outpaint::50::/) });
  });

  test("a press with an unknown label presses the vendor's button of that label", async () => {
    const harness = createTestHarness();
    await harness.start({ then: [{ press: "Remaster" }] });
    await harness.finishAll();
    expect(harness.vendor.presses()).toEqual([expect.stringMatching(/^MJ::Remaster::/)]);
  });

  test("a press without a matching button fails its branch, names the offered buttons and is not submitted", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ then: [{ press: "Zoom Out 9x" }, { press: "U1" }] });
    await harness.finishAll();
    const { tasks, status } = await harness.read(flow);
    expect(status).toBe("completed");
    expect(tasks.get("0-0")).toMatchObject({ status: "FAILURE", attempt: 0, failure: { code: "press_not_offered" } });
    expect(tasks.get("0-0")!.failure!.offered).toContain("U1");
    expect(tasks.get("0-1")!.status).toBe("SUCCESS");
  });

  test("two plan entries that resolve to one button press the button once", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ then: [{ press: "Remaster" }, { press: "✨" }] });
    await harness.finishAll();
    const { tasks } = await harness.read(flow);
    expect(harness.vendor.presses()).toHaveLength(1);
    expect(tasks.get("0-1")).toMatchObject({ status: "FAILURE", failure: { code: "press_doubled" } });
  });

  test("a failed branch does not stop the others, and the flow completes with the failure visible", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ then: [{ press: "U1", then: [{ press: "zoom:2" }] }, { press: "U2" }] });
    await harness.drain();
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    harness.vendor.finished.add(harness.vendor.calls[0]!.id);
    await harness.drain();
    const u1 = harness.vendor.calls.find((c) => c.customId?.includes("upsample::1"))!;
    harness.vendor.finished.add(u1.id);
    await harness.post(u1, "FAILURE", { failReason: "Job failed" });
    await harness.finishAll();
    const { tasks, status } = await harness.read(flow);
    expect(status).toBe("completed");
    expect(tasks.get("0-0")).toMatchObject({ status: "FAILURE", failure: { code: "vendor_failed" } });
    expect(tasks.get("0-1")!.status).toBe("SUCCESS");
    expect(tasks.has("0-0-0")).toBe(false);
  });

  test("a flow whose root fails ends as failed without any press", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ then: PLAN });
    await harness.drain();
    await harness.post(harness.vendor.calls[0]!, "FAILURE", { failReason: "可能包含敏感词" });
    await harness.drain();
    const { flow: ended, tasks } = await harness.read(flow);
    expect(ended.status).toBe("failed");
    expect(tasks.get("0")!.failure).toMatchObject({ code: "banned_prompt", vendor: { description: "可能包含敏感词" } });
    expect(harness.vendor.calls).toHaveLength(1);
  });

  test("the app's state is stored byte for byte and never sent to a vendor", async () => {
    const harness = createTestHarness();
    const state = `"quotes"\n\t\\ 🛶 \u0000 ${"é".repeat(1_000)}`;
    const flow = await harness.start({ state, then: [{ press: "U1" }] });
    await harness.finishAll();
    expect((await harness.read(flow)).flow.state).toBe(state);
    const sent = JSON.stringify(harness.vendor.calls);
    expect(sent).not.toContain("quotes");
    for (const call of harness.vendor.calls) expect(call.context.state).toMatch(/^[\w-]{1,200}$/);
  });
});

describe("modals (status MODAL)", () => {
  const mask = "data:image/png;base64,iVBORw0KGgo=";

  test("a modal gets the prompt and mask of the plan, once", async () => {
    const harness = createTestHarness();
    const then = [{ press: "U1", then: [{ press: "vary:region", modal: { prompt: "a red sail", maskBase64: mask } }] }];
    const flow = await harness.start({ then });
    await harness.drain();
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    await harness.drain();
    harness.vendor.next((call) => ({ kind: "modal", vendorTaskId: call.id }));
    await harness.post(harness.vendor.calls[1]!, "SUCCESS");
    await harness.drain();
    const modal = harness.vendor.calls.filter((call) => call.kind === "modal");
    expect(modal).toMatchObject([{ prompt: "a red sail", mask, id: harness.vendor.calls[2]!.id }]);
    await harness.post(modal[0]!, "SUCCESS");
    await harness.drain();
    const { tasks, status } = await harness.read(flow);
    expect(status).toBe("completed");
    expect(tasks.get("0-0-0")).toMatchObject({ attempt: 1, modals: 1 });
  });

  test("a task whose modal gets no answer expires with modal_unanswered after modalMs", async () => {
    const harness = createTestHarness();
    const flow = await harness.start({ then: [{ press: "V1" }] });
    await harness.drain();
    harness.vendor.next((call) => ({ kind: "modal", vendorTaskId: call.id }));
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    await harness.drain();
    expect((await harness.read(flow)).tasks.get("0-0")!.status).toBe("MODAL");
    harness.advance(harness.deps.timings.modalMs);
    await harness.sweep();
    const { tasks, flow: ended } = await harness.read(flow);
    expect(tasks.get("0-0")).toMatchObject({ status: "EXPIRED", failure: { code: "modal_unanswered" } });
    expect(ended.status).toBe("completed");
  });

  test("a modal that a relay reports as plain acceptance is found by look-up and answered from the plan", async () => {
    const harness = createTestHarness();
    await harness.start({ then: [{ press: "V1", prompt: "the same, at night" }] });
    await harness.drain();
    await harness.post(harness.vendor.calls[0]!, "SUCCESS");
    await harness.drain();
    harness.vendor.holds(harness.vendor.calls[1]!, "MODAL");
    harness.advance(harness.deps.timings.quietMs.fast);
    await harness.sweep();
    await harness.drain();
    expect(harness.vendor.calls.at(-1)).toMatchObject({ kind: "modal", prompt: "the same, at night" });
  });
});
