/**
 * Cancel, resume and retry: a canceled flow spends nothing more and loses nothing that is paid; failed tasks are
 * retried.
 */
import { beforeEach, describe, expect, test } from "vitest";
import { type ApiClient, createApiClient, FLOW, type Json } from "./api-client.ts";

let api: ApiClient;
let app: { id: string; key: string };
beforeEach(async () => {
  api = createApiClient();
  app = await api.join("shop", { creditsUsd: 1 });
});

const PLAN = { ...FLOW, then: [{ press: "U1", then: [{ press: "zoom:2" }] }, { press: "V2" }] };
const call = (method: string, path: string, body?: unknown) => api.call(app.key, method, path, body);
const create = async (body: object = PLAN) => (await call("POST", "/v1/flows", body)).body.id as string;
const read = async (id: string) => (await call("GET", `/v1/flows/${id}`)).body;
const cancel = (id: string) => call("POST", `/v1/flows/${id}/cancel`);
const resume = (id: string) => call("POST", `/v1/flows/${id}/resume`);
const retry = (id: string) => call("POST", `/v1/tasks/${id}/retry`);
const taskId = (id: string, path: string) => `${id.replace("flow_", "task_")}_${path}`;
const usage = async () => (await call("GET", "/v1/usage")).body;
/** The status of each task by its path. */
const statusByPath = (flow: Json): Record<string, string> =>
  Object.fromEntries(flow.tasks.map((task: Json) => [task.id.split("_")[2], task.status]));
/** Rejects the next submissions; these calls never get a callback. */
const rejectNext = (times = 1) => {
  const { vendor } = api.harness;
  for (let i = 0; i < times; i++) {
    vendor.next(({ id }) => {
      vendor.finished.add(id);
      return { kind: "refused", failure: { code: "vendor_refused", message: "no" } };
    });
  }
};

describe("cancel", () => {
  test("a flow that is canceled before any submission ends at once, costs nothing and gets its hold refunded", async () => {
    const id = await create();
    const canceled = await cancel(id);
    expect(canceled.status).toBe(200);
    expect(canceled.body).toMatchObject({
      status: "canceled",
      canceledAt: expect.any(String),
      endedAt: expect.any(String),
    });
    expect(canceled.body.tasks).toMatchObject([{ status: "CANCEL", failure: { code: "canceled" } }]);
    await api.harness.finishAll();
    expect(api.harness.vendor.calls).toEqual([]);
    expect(await usage()).toMatchObject({ balanceUsd: 1, settledUsd: 0, reservedUsd: 0 });
    expect((await call("GET", "/v1/flows?status=canceled")).body.data).toMatchObject([{ id }]);
  });

  test("a flow that is canceled while its root runs keeps the image and presses nothing", async () => {
    const id = await create();
    await api.harness.drain();
    expect(await cancel(id)).toMatchObject({
      status: 202,
      body: { status: "running", canceledAt: expect.any(String) },
    });
    await api.harness.finishAll();
    const flow = await read(id);
    expect(flow.status).toBe("canceled");
    expect(statusByPath(flow)).toEqual({ "0": "SUCCESS", "0-0": "CANCEL", "0-1": "CANCEL" });
    expect(flow.tasks[0].imageUrl).toMatch(/^https/);
    expect(api.harness.vendor.calls).toHaveLength(1);
    expect(await usage()).toMatchObject({ settledUsd: 0.04, reservedUsd: 0 });
  });

  test("a cancellation ends waiting tasks, lets submitted tasks finish and submits nothing again", async () => {
    const id = await create({ ...FLOW, then: [{ press: ["U1", "U2", "U3"] }] });
    const { vendor } = api.harness;
    await api.harness.drain();
    vendor.next({ kind: "accepted", vendorTaskId: "1765000000000777" });
    vendor.next({ kind: "unclear", reason: "timeout" });
    vendor.next({ kind: "busy", reason: "23" });
    vendor.finished.add(vendor.calls[0]!.id);
    await api.harness.post(vendor.calls[0]!, "SUCCESS");
    await api.harness.drain();
    expect(statusByPath(await read(id))).toEqual({
      "0": "SUCCESS",
      "0-0": "SUBMITTED",
      "0-1": "UNCLEAR",
      "0-2": "PENDING",
    });
    await cancel(id);
    expect(statusByPath(await read(id))).toEqual({
      "0": "SUCCESS",
      "0-0": "SUBMITTED",
      "0-1": "UNCLEAR",
      "0-2": "CANCEL",
    });
    // The UNCLEAR task is not submitted again after its grace period.
    for (let i = 0; i < 6; i++) {
      api.harness.advance(10 * 60_000);
      await api.harness.sweep();
      await api.harness.drain();
    }
    expect(vendor.calls).toHaveLength(4);
    const flow = await read(id);
    expect(statusByPath(flow)["0-1"]).toBe("CANCEL");
    expect(flow.status).toBe("canceled");
  });

  test("a modal of a canceled flow accepts no answer", async () => {
    api.harness.vendor.next((c) => ({ kind: "modal", vendorTaskId: c.id }));
    const id = await create(FLOW);
    await api.harness.drain();
    expect((await cancel(id)).body).toMatchObject({ status: "canceled", tasks: [{ status: "CANCEL" }] });
    expect((await call("POST", `/v1/tasks/${taskId(id, "0")}/modal`, { prompt: "x" })).status).toBe(409);
    await api.harness.finishAll();
    expect(api.harness.vendor.calls).toHaveLength(1);
  });

  test("a canceled flow that completes nevertheless has status completed", async () => {
    const id = await create(FLOW);
    await api.harness.drain();
    await cancel(id);
    await api.harness.finishAll();
    expect((await read(id)).status).toBe("completed");
  });

  test("repeated cancellations have one effect, and the cancellation of an ended flow returns 409", async () => {
    const id = await create();
    const first = await cancel(id);
    api.harness.advance(1_000);
    expect((await cancel(id)).body).toEqual(first.body);
    const other = await create(FLOW);
    await api.harness.finishAll();
    expect(await cancel(other)).toMatchObject({ status: 409, body: { code: "wrong_state" } });
    expect((await cancel("flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD")).status).toBe(404);
  });

  test.each(["saveFlow", "saveTask"] as const)(
    "a cancellation that crashes at %s spends nothing more after it is repeated",
    async (verb) => {
      for (const when of ["before", "after"] as const) {
        api = createApiClient();
        app = await api.join("shop", { creditsUsd: 1 });
        const id = await create();
        await api.harness.finishAll();
        const again = await create();
        api.harness.storeFault.arm(verb, when);
        expect((await cancel(again)).status).toBe(500);
        const calls = api.harness.vendor.calls.length;
        if (verb === "saveTask" || when === "after") await api.harness.drain();
        expect((await cancel(again)).status).toBe(200);
        await api.harness.finishAll();
        expect(api.harness.vendor.calls).toHaveLength(calls);
        expect((await read(again)).status).toBe("canceled");
        expect((await read(id)).status).toBe("completed");
      }
    },
  );

  test("a flow that is canceled while its worker claims it is either not submitted or keeps its image", async () => {
    const id = await create();
    await Promise.all([cancel(id), api.harness.drain()]);
    await api.harness.finishAll();
    const flow = await read(id);
    expect(flow.status).toBe("canceled");
    expect(api.harness.vendor.calls).toHaveLength(flow.tasks[0].status === "SUCCESS" ? 1 : 0);
  });
});

describe("retry", () => {
  test("a retry is a sibling task with the same press and plan, and the flow gets its result", async () => {
    const id = await create();
    await api.harness.drain();
    const { vendor } = api.harness;
    rejectNext();
    vendor.finished.add(vendor.calls[0]!.id);
    await api.harness.post(vendor.calls[0]!, "SUCCESS");
    await api.harness.finishAll();
    const failed = await read(id);
    expect(statusByPath(failed)).toEqual({ "0": "SUCCESS", "0-0": "FAILURE", "0-1": "SUCCESS" });

    const retried = await retry(taskId(id, "0-0"));
    expect(retried).toMatchObject({
      status: 202,
      body: {
        id: taskId(id, "0-mr0"),
        parentId: taskId(id, "0"),
        retryOf: taskId(id, "0-0"),
        press: "U1",
        depth: 1,
        status: "PENDING",
      },
    });
    expect(await read(id)).toMatchObject({ status: "running", endedAt: null });
    expect((await retry(taskId(id, "0-0"))).body.id).toBe(taskId(id, "0-mr0"));
    await api.harness.finishAll();
    const flow = await read(id);
    expect(statusByPath(flow)).toEqual({
      "0": "SUCCESS",
      "0-0": "FAILURE",
      "0-1": "SUCCESS",
      "0-mr0": "SUCCESS",
      "0-mr0-0": "SUCCESS",
    });
    expect(flow).toMatchObject({ status: "completed", endedAt: expect.any(String) });
    expect(flow.tasks[1]).toEqual(failed.tasks[1]);
    expect(await usage()).toMatchObject({ settledUsd: 0.13, reservedUsd: 0 });
  });

  test("a retry of a failed root starts a new lineage, and the flow completes", async () => {
    rejectNext();
    const id = await create();
    await api.harness.finishAll();
    expect(await read(id)).toMatchObject({ status: "failed" });
    const retried = (await retry(taskId(id, "0"))).body;
    expect(retried).toMatchObject({
      id: taskId(id, "0-mr"),
      parentId: null,
      depth: 0,
      retryOf: taskId(id, "0"),
      press: null,
    });
    expect(retried.rootId).toBe(retried.id);
    await api.harness.finishAll();
    const flow = await read(id);
    expect(flow.status).toBe("completed");
    expect(statusByPath(flow)).toEqual({
      "0": "FAILURE",
      "0-mr": "SUCCESS",
      "0-mr-0": "SUCCESS",
      "0-mr-0-0": "SUCCESS",
      "0-mr-1": "SUCCESS",
    });
    expect(flow.tasks.find((task: Json) => task.id.endsWith("_0-mr-0-0"))).toMatchObject({
      depth: 2,
      rootId: retried.id,
    });
    expect(api.harness.vendor.calls[1]).toMatchObject({ kind: "submit", prompt: "a paper boat" });
    expect((await call("GET", "/v1/flows")).body.data).toMatchObject([{ id, status: "completed" }]);
  });

  test("a task that fails repeatedly can be retried each time until it succeeds", async () => {
    rejectNext(3);
    const id = await create(FLOW);
    await api.harness.finishAll();
    for (const path of ["0", "0-mr", "0-mrmr"]) {
      expect(await read(id)).toMatchObject({ status: "failed" });
      expect((await retry(taskId(id, path))).status).toBe(202);
      await api.harness.finishAll();
    }
    expect(await read(id)).toMatchObject({ status: "completed", counts: { submissions: 4 } });
  });

  test("a retry is rejected for tasks that are running, successful, unknown, of a canceled flow or beyond the credit", async () => {
    const id = await create(FLOW);
    expect((await retry(taskId(id, "0"))).status).toBe(409);
    await api.harness.finishAll();
    expect((await retry(taskId(id, "0"))).status).toBe(409);
    expect((await retry(taskId(id, "0-9"))).status).toBe(404);
    const canceled = await create(FLOW);
    await cancel(canceled);
    expect((await retry(taskId(canceled, "0"))).body).toMatchObject({
      status: 409,
      detail: expect.stringContaining("resume"),
    });
    api = createApiClient();
    app = await api.join("shop", { creditsUsd: 0.04 });
    rejectNext();
    const poor = await create(FLOW);
    await api.harness.finishAll();
    await create(FLOW);
    expect((await retry(taskId(poor, "0"))).status).toBe(402);
    expect(await read(poor)).toMatchObject({ status: "failed", tasks: [{ status: "FAILURE" }] });
  });
});

describe("resume", () => {
  test("a resumed flow submits the canceled tasks, and no task twice", async () => {
    const id = await create();
    await api.harness.drain();
    await cancel(id);
    await api.harness.finishAll();
    const resumed = await resume(id);
    expect(resumed).toMatchObject({ status: 202, body: { status: "running", canceledAt: null } });
    await api.harness.finishAll();
    const flow = await read(id);
    expect(flow.status).toBe("completed");
    expect(statusByPath(flow)).toEqual({
      "0": "SUCCESS",
      "0-0": "CANCEL",
      "0-1": "CANCEL",
      "0-mr0": "SUCCESS",
      "0-mr0-0": "SUCCESS",
      "0-mr1": "SUCCESS",
    });
    expect(api.harness.vendor.calls).toHaveLength(4);
    expect(await usage()).toMatchObject({ settledUsd: 0.13, reservedUsd: 0 });
    expect((await resume(id)).status).toBe(409);
  });

  test("a flow that is resumed before it has ended starts its follow-ups again", async () => {
    const id = await create();
    await api.harness.drain();
    await cancel(id);
    expect((await resume(id)).body).toMatchObject({ status: "running", canceledAt: null });
    await api.harness.finishAll();
    expect((await read(id)).status).toBe("completed");
    expect(api.harness.vendor.calls).toHaveLength(4);
  });

  test("a resume retries failures that may succeed and skips the others", async () => {
    const id = await create({ ...FLOW, then: [{ press: "U1" }, { press: "Zoom Out 9x" }, { press: "U2" }] });
    await api.harness.drain();
    const { vendor } = api.harness;
    rejectNext();
    vendor.next({ kind: "refused", failure: { code: "banned_prompt", message: "banned" } });
    vendor.finished.add(vendor.calls[0]!.id);
    await api.harness.post(vendor.calls[0]!, "SUCCESS");
    await api.harness.finishAll();
    expect((await resume(id)).status).toBe(202);
    await api.harness.finishAll();
    expect(statusByPath(await read(id))).toEqual({
      "0": "SUCCESS",
      "0-0": "FAILURE",
      "0-1": "FAILURE",
      "0-2": "FAILURE",
      "0-mr0": "SUCCESS",
    });
    expect((await resume(id)).status).toBe(409);
  });

  test.each([
    "banned_prompt",
    "invalid_prompt",
    "press_not_offered",
    "press_ambiguous",
    "press_doubled",
    "unsupported",
  ] as const)(
    "a resume does not pay again for a task that failed with %s, and its retry by name does",
    async (code) => {
      const id = await create({ ...FLOW, then: [{ press: "U1" }] });
      await api.harness.drain();
      const { vendor } = api.harness;
      vendor.next({ kind: "refused", failure: { code, message: "no" } });
      vendor.finished.add(vendor.calls[0]!.id);
      await api.harness.post(vendor.calls[0]!, "SUCCESS");
      await api.harness.finishAll();
      expect((await resume(id)).body).toMatchObject({ status: 409, code: "wrong_state" });
      expect((await retry(taskId(id, "0-0"))).status).toBe(202);
    },
  );

  test("a resume retries a task that failed with vendor_refused", async () => {
    const id = await create({ ...FLOW, then: [{ press: "U1" }] });
    await api.harness.drain();
    const { vendor } = api.harness;
    rejectNext();
    vendor.finished.add(vendor.calls[0]!.id);
    await api.harness.post(vendor.calls[0]!, "SUCCESS");
    await api.harness.finishAll();
    expect((await resume(id)).status).toBe(202);
  });

  test.each(["changeCredit", "createTask", "saveFlow"] as const)(
    "a resume that crashes at %s is completed once by a repeated resume or the sweeper",
    async (verb) => {
      for (const when of ["before", "after"] as const) {
        api = createApiClient();
        app = await api.join("shop", { creditsUsd: 1 });
        rejectNext();
        const id = await create();
        await api.harness.finishAll();
        api.harness.storeFault.arm(verb, when);
        expect((await resume(id)).status).toBe(500);
        expect(api.harness.storeFault.fired()).toBe(1);
        await api.harness.finishAll();
        // If the retry was stored before the crash, the sweeper completes it. Otherwise the request is repeated.
        if ((await read(id)).status !== "completed") await resume(id);
        for (let i = 0; i < 3; i++) {
          await api.harness.finishAll();
          api.harness.advance(25 * 60_000);
          await api.harness.sweep();
        }
        await api.harness.finishAll();
        expect(await read(id)).toMatchObject({ status: "completed" });
        expect(api.harness.vendor.calls.filter((request) => request.kind === "submit")).toHaveLength(2);
        expect(await usage()).toMatchObject({ reservedUsd: 0, settledUsd: 0.13 });
        expect(api.harness.dump().flows[0]).toMatchObject({ status: "completed" });
        expect(api.harness.dump().flows[0]!.due).toBeUndefined();
      }
    },
  );
});

test("each end of a flow is delivered as an event of its own", async () => {
  await call("POST", "/v1/endpoints", { url: "https://shop.test/hook", events: ["flow.completed", "flow.failed"] });
  rejectNext(2);
  const id = await create(FLOW);
  await api.harness.finishAll();
  for (let i = 0; i < 2; i++) {
    await resume(id);
    await api.harness.finishAll();
  }
  const received = api.harness.receiver.posts.map(({ id: event, body }) => [
    event.split("_").at(-1),
    body.type,
    body.data.status,
  ]);
  expect(received).toEqual([
    ["failed", "flow.failed", "failed"],
    ["failed-2", "flow.failed", "failed"],
    ["completed-3", "flow.completed", "completed"],
  ]);
  const canceled = await create(FLOW);
  await cancel(canceled);
  await api.harness.drain();
  expect(api.harness.receiver.posts.at(-1)!.body).toMatchObject({ type: "flow.failed", data: { status: "canceled" } });
});
