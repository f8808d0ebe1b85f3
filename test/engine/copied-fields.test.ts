/**
 * What a new row, a retry, a restart or a second container takes over from an earlier one: every field but the named ones.
 */
import { failure } from "@mjflow/core/error";
import type { Flow } from "@mjflow/core/flow";
import type { Task } from "@mjflow/core/task";
import { TIMINGS } from "@mjflow/core/timing";
import { applyAcceptedMessage } from "@mjflow/engine/submit";
import { describe, expect, test } from "vitest";
import { createApiClient, OPERATOR } from "../app/api-client.ts";
import { createTestHarness, type TestHarness, tokenOf } from "../support/harness.ts";

const MASKS = ["data:image/png;base64,Zmlyc3Q=", "data:image/png;base64,c2Vjb25k"] as const;
const MINUTE = 60_000;

/** Returns the fields of a row without the named ones and without unset ones. */
function fieldsOf<T extends object>(row: T, without: readonly (keyof T)[]): Partial<T> {
  const kept = Object.entries(row).filter(([name, value]) => value !== undefined && !without.includes(name as keyof T));
  return Object.fromEntries(kept) as Partial<T>;
}

/** Ends the latest submission with SUCCESS. */
async function succeed(harness: TestHarness): Promise<void> {
  const call = harness.vendor.calls.at(-1)!;
  harness.vendor.finished.add(call.id);
  await harness.post(call, "SUCCESS");
  await harness.drain();
}

/** Two minutes with a sweep each, in which a lost flow is restarted. */
async function sweepTwice(harness: TestHarness): Promise<void> {
  for (let i = 0; i < 2; i++) {
    harness.advance(MINUTE);
    await harness.sweep();
    await harness.drain();
  }
}

describe("modals with masks", () => {
  test("two planned inpaints send their own masks and prompts", async () => {
    const harness = createTestHarness();
    const inpaint = (prompt: string, maskBase64: string) => ({ press: "vary:region", modal: { prompt, maskBase64 } });
    await harness.start({
      then: [
        { press: "U1", then: [inpaint("a hat", MASKS[0])] },
        { press: "U2", then: [inpaint("a coat", MASKS[1])] },
      ],
    });
    await harness.drain();
    await succeed(harness);
    for (const upscale of harness.vendor.calls.slice(1)) {
      harness.vendor.finished.add(upscale.id);
      harness.vendor.next((call) => ({ kind: "modal", vendorTaskId: call.id }));
      await harness.post(upscale, "SUCCESS");
      await harness.drain();
    }
    const sent = harness.vendor.calls.filter(({ kind }) => kind === "modal");
    expect(sent.map(({ prompt, mask }) => [prompt, mask])).toEqual([
      ["a hat", MASKS[0]],
      ["a coat", MASKS[1]],
    ]);
  });

  test("a modal response that the table rejects is applied from the queue as an open modal", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    harness.vendor.next((call) => ({ kind: "modal", vendorTaskId: call.id }));
    // The first save is the claim, the second is the outcome.
    harness.storeFault.arm("saveTask", "before", 1);
    await harness.drain();
    expect(harness.storeFault.fired()).toBe(1);
    const task = (await harness.read(flow)).tasks.get("0")!;
    expect(task).toMatchObject({ status: "MODAL", vendorTaskId: harness.vendor.calls[0]!.id });
    expect(task.due).toBe(harness.deps.clock.now() + TIMINGS.modalMs);
  });

  test("the fallback message says whether the vendor waits for a modal answer", async () => {
    for (const [window, status] of [
      [true, "MODAL"],
      [false, "SUBMITTED"],
    ] as const) {
      const harness = createTestHarness();
      const flow = await harness.start();
      harness.vendor.next({ kind: "unclear", reason: "timeout" });
      await harness.drain();
      const message = {
        v: 1,
        type: "taken",
        flowId: flow.id,
        path: "0",
        attempt: 1,
        vendorTaskId: "v",
        window,
      } as const;
      await applyAcceptedMessage(harness.deps, message);
      expect((await harness.read(flow)).tasks.get("0")!.status).toBe(status);
    }
  });
});

test("a planned animation has the pace of a video, by its name and by its label", async () => {
  for (const press of ["animate:high", "Animate (Low motion)", "MJ::JOB::animate_high::1::0-0::SOLO"]) {
    const harness = createTestHarness();
    const flow = await harness.start({ mode: "relax", then: [{ press }, { press: "V1" }] });
    await harness.drain();
    harness.vendor.next({ kind: "busy", reason: "23" });
    await succeed(harness);
    const { tasks } = await harness.read(flow);
    expect(tasks.get("0-0"), press).toMatchObject({ pace: "video", action: "VIDEO" });
    expect(tasks.get("0-1")).toMatchObject({ pace: "relax" });
  }
});

describe("callback tokens and expected callbacks", () => {
  test("a token is valid for the deadline, the longest modal and a day", async () => {
    const harness = createTestHarness();
    const startedAt = harness.deps.clock.now();
    await harness.start({ mode: "relax" });
    await harness.drain();
    const life = TIMINGS.deadlineMs.relax + TIMINGS.modalMs + TIMINGS.hookMs;
    const read = (at: number) => harness.deps.callbackTokens.read(tokenOf(harness.vendor.calls[0]!), at).ok;
    expect([read(startedAt + life - 1_000), read(startedAt + life + 1_000)]).toEqual([true, false]);
  });

  test("a task that the vendor had already is looked up like one of a silent account", async () => {
    const harness = createTestHarness();
    const flow = await harness.start();
    harness.vendor.next((call) => ({ kind: "accepted", vendorTaskId: call.id, existing: true }));
    await harness.drain();
    const { due, submittedAt } = (await harness.read(flow)).tasks.get("0")!;
    expect(due! - submittedAt!).toBe(TIMINGS.silentMs);
  });
});

describe("accountFilter", () => {
  const accounts = { fake: { a: {} }, other: { c: {} } };
  const accountFilter = { channelId: "of the first vendor" };

  test("is sent to the vendor of the request, and not to another vendor that the root moves to", async () => {
    const harness = createTestHarness({ accounts });
    const flow = await harness.start({ provider: "fake", onVendorLoss: "restart", accountFilter });
    harness.vendor.next({ kind: "refused", failure: failure("vendor_unauthorized") });
    await harness.drain();
    const [first, second] = harness.vendor.calls;
    expect((await harness.read(flow)).tasks.get("0")).toMatchObject({ provider: "other", status: "SUBMITTED" });
    expect([first!.context.accountFilter, second!.context.accountFilter]).toEqual([accountFilter, undefined]);
  });
});

describe("retry and restart", () => {
  /** Fields of a task that describe what happened to it, and not what it is. */
  const FATE: (keyof Task)[] = [
    ...([
      "path",
      "rev",
      "status",
      "attempt",
      "createdAt",
      "updatedAt",
      "endedAt",
      "due",
      "flowDue",
      "failure",
    ] as const),
    ...([
      "retried",
      "submittingAt",
      "vendorOrigin",
      "customId",
      "phase",
      "busyAnswers",
      "callbacks",
      "duplicates",
      "lookups",
      "lookupMisses",
    ] as const),
  ];

  test("a retry has every field of the failed task that describes it, also the modal answer with prompt and mask", async () => {
    const api = createApiClient();
    const { harness } = api;
    const modal = { prompt: "a hat", maskBase64: MASKS[1] };
    const then = [{ press: "U1", then: [{ press: "vary:region", modal, then: [{ press: "U2" }] }] }];
    const body = {
      provider: "fake",
      prompt: "a boat --repeat 3",
      mode: "fast",
      resubmit: "never",
      archive: true,
      then,
    };
    const { id } = (await api.call(OPERATOR, "POST", "/v1/flows", body)).body;
    await harness.drain();
    await succeed(harness);
    harness.vendor.next({ kind: "refused", failure: failure("vendor_refused") });
    await succeed(harness);
    const rows = () => harness.dump().tasks.filter(({ flowId }) => flowId === id);
    const failed = rows().find(({ path }) => path === "0-0-0")!;
    expect(failed).toMatchObject({ status: "FAILURE", modal: { prompt: "a hat" } });
    const task = `${id.replace("flow_", "task_")}_0-0-0`;
    expect((await api.call(OPERATOR, "POST", `/v1/tasks/${task}/retry`)).status).toBe(202);
    const retry = rows().find(({ path }) => path === "0-0-mr0")!;
    expect(fieldsOf(retry, FATE)).toEqual(fieldsOf(failed, FATE));
    harness.vendor.next((call) => ({ kind: "modal", vendorTaskId: call.id }));
    await harness.drain();
    expect(harness.vendor.calls.at(-1)).toMatchObject({ kind: "modal", prompt: "a hat", mask: MASKS[1] });
  });

  test("a retried root has every field of the failed root, also its input images", async () => {
    const api = createApiClient();
    const body = { provider: "fake", action: "blend", base64Array: MASKS, mode: "fast", resubmit: "never" };
    api.harness.vendor.next({ kind: "refused", failure: failure("vendor_refused") });
    const { id } = (await api.call(OPERATOR, "POST", "/v1/flows", body)).body;
    await api.harness.drain();
    await api.call(OPERATOR, "POST", `/v1/tasks/${id.replace("flow_", "task_")}_0/retry`);
    const [failed, retry] = api.harness.dump().tasks.toSorted((a, b) => a.path.length - b.path.length);
    expect(fieldsOf(retry!, FATE)).toEqual(fieldsOf(failed!, FATE));
    expect(retry!.inputsRef).toBe(id);
  });

  test("a retried root still needs a vendor that has its optional fields", async () => {
    const api = createApiClient();
    const capabilities = { rootActions: ["imagine", "video"], optionalFields: ["loop"] };
    Object.assign(api.harness.vendor.provider.capabilities, capabilities);
    const body = { provider: "fake", action: "video", image: "https://x.test/a.png", loop: true };
    api.harness.vendor.next({ kind: "refused", failure: failure("vendor_refused") });
    const { id } = (await api.call(OPERATOR, "POST", "/v1/flows", body)).body;
    await api.harness.drain();
    await api.call(OPERATOR, "POST", `/v1/tasks/${id.replace("flow_", "task_")}_0/retry`);
    const retry = api.harness.dump().tasks.find(({ path }) => path !== "0")!;
    expect(retry).toMatchObject({ optionalFields: ["loop"], linkField: "image" });
  });

  test("a restarted video has its options, its image and its needs, and moves only to a vendor that has them", async () => {
    const harness = createTestHarness({ accounts: { fake: { a: {} }, other: { c: {} } } });
    const capabilities = { rootActions: ["imagine", "video"], optionalFields: ["loop", "batchSize"] };
    Object.assign(harness.vendor.provider.capabilities, capabilities);
    const image = "https://x.test/a.png";
    const video = { motion: "high", loop: true, batchSize: 1 } as const;
    const old = await harness.start({
      action: "video",
      image,
      ...video,
      onVendorLoss: "restart",
      then: [{ press: "U1" }],
    });
    await harness.drain();
    harness.vendor.next({ kind: "refused", failure: failure("vendor_unauthorized") });
    await succeed(harness);
    await sweepTwice(harness);
    const { flows, tasks } = harness.dump();
    const next = flows.find(({ restartOf }) => restartOf === old.id)!;
    const root = tasks.find(({ flowId, path }) => flowId === next.id && path === "0")!;
    expect(next).toMatchObject({ action: "video", video });
    expect(root).toMatchObject({ optionalFields: ["loop", "batchSize"], linkField: "image", inputsRef: old.id });
    expect(harness.vendor.calls.at(-1)).toMatchObject({ kind: "submit" });

    const lost = await harness.start({ action: "video", image, ...video, provider: "fake", onVendorLoss: "restart" });
    Object.assign(harness.vendor.provider.capabilities, { optionalFields: ["batchSize"] });
    harness.vendor.next({ kind: "refused", failure: failure("vendor_unauthorized") });
    await harness.drain();
    expect((await harness.read(lost)).tasks.get("0")).toMatchObject({ provider: "fake", status: "FAILURE" });
  });

  test("a restarted flow has every field of the request, also notifyHook, events and progress", async () => {
    const harness = createTestHarness({ accounts: { fake: { a: {} }, other: { c: {} } } });
    harness.deps.translator = { translate: async (texts) => texts.map((text) => `one ${text}`) };
    const old = await harness.start({
      ...{
        prompt: "a {red, blue} boat",
        translate: true,
        mode: "fast",
        botType: "NIJI_JOURNEY",
        state: "order 7",
        archive: true,
      },
      ...{ progress: true, notifyHook: "https://app.test/hook", events: ["task.completed", "flow.completed"] },
      ...{ onVendorLoss: "restart", resubmit: "never", dimensions: "SQUARE", then: [{ press: "U1" }, { press: "U2" }] },
    });
    await harness.drain();
    harness.vendor.next((call) => ({ kind: "accepted", vendorTaskId: call.id }));
    harness.vendor.next({ kind: "refused", failure: failure("vendor_unauthorized") });
    await succeed(harness);
    await harness.post(harness.vendor.calls[1]!, "SUCCESS");
    await harness.drain();
    await sweepTwice(harness);
    const { flows, tasks } = harness.dump();
    const next = flows.find(({ restartOf }) => restartOf === old.id)!;
    const ofFlow: (keyof Flow)[] = [
      ...(["id", "rev", "status", "provider", "account", "createdAt", "endedAt", "due", "restartOf"] as const),
      ...(["restartedAs", "pendingEffects", "endCount", "hasCreditHold", "reopened"] as const),
    ];
    expect(fieldsOf(next, ofFlow)).toEqual(fieldsOf(old, ofFlow));
    const rootOf = (flow: Flow) => tasks.find(({ flowId, path }) => flowId === flow.id && path === "0")!;
    const ofRoot: (keyof Task)[] = [
      ...FATE,
      ...(["flowId", "provider", "account", "vendorTaskId", "vendorTaskIdFrom", "submittedAt", "endedBy"] as const),
      ...(["result", "progress", "pendingEffects", "copies"] as const),
    ];
    expect(fieldsOf(rootOf(next), ofRoot)).toEqual(fieldsOf(rootOf(old), ofRoot));
    expect(rootOf(next)).toMatchObject({ resubmit: "never", taskCount: 2 });
    expect(next).toMatchObject({ prompt: "one a {one red, one blue} one boat", originalPrompt: "a {red, blue} boat" });
  });
});
