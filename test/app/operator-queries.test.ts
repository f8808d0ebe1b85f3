import { ROOT_PATH } from "@mjflow/core/id";
import { describe, expect, test } from "vitest";
import { newFlow, taskIn } from "../conformance/factory.ts";
import { createApiClient, FLOW, OPERATOR } from "./api-client.ts";

/** Returns the response body for the operator. */
const readAsOperator = (api: ReturnType<typeof createApiClient>, path: string) =>
  api.call(OPERATOR, "GET", path).then(({ body }) => body);

describe("operator queries over all apps", () => {
  test("an unclear submission is listed with vendor, app and grace period until the vendor reports", async () => {
    const api = createApiClient();
    const { harness } = api;
    const { id: appId, key } = await api.join("shop");
    harness.vendor.next({ kind: "unclear", reason: "timeout" });
    const { id } = (await api.call(key, "POST", "/v1/flows", FLOW)).body;
    await api.call(key, "POST", "/v1/flows", FLOW);
    await harness.drain();
    const graceEnds = new Date(harness.deps.clock.now() + harness.deps.timings.graceMs.fast).toISOString();
    expect(await readAsOperator(api, "/v1/unclear")).toMatchObject({
      data: [{ flowId: id, appId, provider: "fake", account: "default", press: null, attempt: 1, dueAt: graceEnds }],
      looked: 2,
      whole: true,
    });
    await harness.finishAll();
    expect((await readAsOperator(api, "/v1/unclear")).data).toEqual([]);
  });

  test("the queries read at most 800 index entries", async () => {
    const api = createApiClient();
    const { store, clock } = api.harness.deps;
    const due = clock.now() - 1_000;
    for (let i = 0; i < 1_200; i++) await store.createTask(taskIn(newFlow().id, ROOT_PATH, { due }));
    expect(await readAsOperator(api, "/v1/overdue")).toMatchObject({ count: 800, whole: false });
    expect(await readAsOperator(api, "/v1/unclear")).toMatchObject({ data: [], looked: 800, whole: false });
  });

  test("a flow counts as overdue from its due time until it is swept, and the oldest is named", async () => {
    const api = createApiClient();
    const { harness } = api;
    const first = await harness.start();
    harness.advance(1_000);
    await harness.start();
    expect(await readAsOperator(api, "/v1/overdue")).toEqual({ count: 0, whole: true, oldest: null });
    const { due } = (await harness.read(first)).tasks.get(ROOT_PATH)!;
    harness.advance(due! - harness.deps.clock.now());
    const oldest = { kind: "flow", flowId: first.id, dueAt: new Date(due!).toISOString() };
    expect(await readAsOperator(api, "/v1/overdue")).toMatchObject({ count: 1, whole: true, oldest });
    await harness.sweep();
    expect(await readAsOperator(api, "/v1/overdue")).toMatchObject({ count: 0, oldest: null });
  });

  test("the queue depths show waiting messages and messages in flight", async () => {
    const api = createApiClient();
    await api.harness.start();
    await api.harness.start();
    api.harness.queue.receive(1);
    const { data } = await readAsOperator(api, "/v1/queues");
    expect(data).toEqual([{ name: "submit", waiting: 1, inFlight: 1, delayed: 0 }]);
  });
});
