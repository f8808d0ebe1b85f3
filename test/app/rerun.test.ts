/** `POST /v1/flows/{id}/rerun`: a new flow from the request of an earlier one, with changes. */
import { beforeEach, describe, expect, test } from "vitest";
import { type ApiClient, createApiClient, FLOW, type Json } from "./api-client.ts";

let api: ApiClient;
let key: string;
beforeEach(async () => {
  api = createApiClient();
  key = (await api.join()).key;
});
const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  api.call(key, method, path, body, headers);
const rerun = (id: string, changes: unknown = {}, headers?: Record<string, string>) =>
  call("POST", `/v1/flows/${id}/rerun`, changes, headers);

/** A request with most fields. */
const REQUEST = {
  ...FLOW,
  mode: "relax",
  botType: "NIJI_JOURNEY",
  accountFilter: { modes: ["RELAX"] },
  state: "order 7",
  notifyHook: "https://shop.test/hook",
  events: ["flow.completed"],
  archive: "later",
  progress: true,
  resubmit: "never",
  onVendorLoss: "restart",
  base64Array: ["data:image/png;base64,iVBORw0KGgo="],
  then: [
    { press: ["U1", "V2"] },
    { press: "vary:region", modal: { prompt: "a lake", maskBase64: "data:image/png;base64,iVBORw0KGgo=" } },
  ],
};

async function stored(id: string) {
  const { flow, tasks } = await api.harness.deps.store.loadFlow(id);
  const root = tasks.find(({ path }) => path === "0")!;
  const {
    id: _,
    createdAt,
    rev,
    due,
    account,
    status,
    credit,
    hasCreditHold,
    rerunOf,
    endedAt,
    pendingEffects,
    ...fields
  } = flow!;
  const masks = JSON.parse(JSON.stringify(root.then ?? []).replaceAll(id, "the flow"));
  const inputs = root.inputsRef && (await api.harness.deps.blobs.getInputs(root.inputsRef));
  const { pace, action, resubmit, taskCount, eventMask } = root;
  return { flow: fields, root: { pace, action, resubmit, taskCount, eventMask, then: masks }, inputs, rerunOf };
}

test("without changes the new flow is the same as the old one, with its images, its masks and its plan", async () => {
  const { body } = await call("POST", "/v1/flows", REQUEST);
  await api.harness.finishAll();
  const again = await rerun(body.id);
  expect([again.status, again.headers.get("location")]).toEqual([202, `/v1/flows/${again.body.id}`]);
  expect(again.body).toMatchObject({ rerunOf: body.id, state: "order 7", prompt: FLOW.prompt });
  expect(again.body.id).not.toBe(body.id);
  const [before, after] = [await stored(body.id), await stored(again.body.id)];
  expect(after).toEqual({ ...before, rerunOf: body.id });
  expect(after.inputs).toMatchObject({ base64Array: REQUEST.base64Array, masks: [expect.any(String)] });
  await api.harness.finishAll();
  expect((await call("GET", `/v1/flows/${again.body.id}`)).body.status).toBe("completed");
});

test.each([
  ["a video", { action: "video", image: "https://x.test/a.png", motion: "high", batchSize: 2, prompt: "drift" }],
  [
    "a face swap",
    {
      action: "swap-face",
      sourceBase64: "data:image/png;base64,iVBORw0KGgo=",
      targetBase64: "data:image/png;base64,iVBORw0KGgo=",
    },
  ],
  [
    "a blend",
    { action: "blend", base64Array: Array(2).fill("data:image/png;base64,iVBORw0KGgo="), dimensions: "SQUARE" },
  ],
  [
    "an edit",
    {
      action: "edit",
      image: "https://x.test/a.png",
      maskBase64: "data:image/png;base64,iVBORw0KGgo=",
      prompt: "a lake",
    },
  ],
  ["any provider", { provider: "auto", prompt: "a boat" }],
])("%s is made again with the same fields", async (_, request) => {
  Object.assign(api.harness.vendor.provider.capabilities, {
    rootActions: ["imagine", "video", "swap-face", "blend", "edit"],
    optionalFields: ["batchSize", "maskBase64"],
  });
  const { body, status } = await call("POST", "/v1/flows", { provider: "fake", ...request });
  expect([status, body.detail]).toEqual([202, undefined]);
  const again = (await rerun(body.id)).body;
  const [before, after] = [await stored(body.id), await stored(again.id)];
  expect(after).toEqual({ ...before, rerunOf: body.id });
});

describe("changes", () => {
  test("a changed field replaces the old one, and null removes it", async () => {
    const { body } = await call("POST", "/v1/flows", REQUEST);
    const changes = {
      prompt: "the same boat at night",
      state: null,
      mode: null,
      then: [{ press: "U4" }],
      base64Array: null,
    };
    const again = (await rerun(body.id, changes)).body;
    expect(again).toMatchObject({ prompt: "the same boat at night", state: null, mode: null });
    expect(again.plan.map(({ press }: Json) => press)).toEqual(["U4"]);
    const { flow, inputs } = await stored(again.id);
    expect(flow).toMatchObject({ botType: "NIJI_JOURNEY", onVendorLoss: "restart" });
    expect(inputs).toBeUndefined();
  });

  test("a template can replace the plan, and the plan of a template that was changed stays", async () => {
    await call("PUT", "/v1/templates/one", { then: [{ press: "U1" }] });
    const { body } = await call("POST", "/v1/flows", { ...FLOW, template: "one" });
    await call("PUT", "/v1/templates/one", { then: [{ press: "U2" }] });
    const same = (await rerun(body.id)).body;
    expect([same.plan[0].press, same.template]).toEqual(["U1", null]);
    const renewed = (await rerun(body.id, { template: "one" })).body;
    expect([renewed.plan[0].press, renewed.template]).toEqual(["U2", "one"]);
  });

  test.each([
    [{ prompt: "" }, "prompt"],
    [{ prompt: null }, "prompt"],
    [{ provider: "nobody" }, "provider"],
    [{ nobodyKnows: 1 }, "nobodyKnows"],
    [{ nobodyKnows: null }, "nobodyKnows"],
    [{ batch: [{}] }, "batch"],
    [{ permutations: "expand" }, "permutations"],
    [{ notifyHook: "http://127.0.0.1/" }, "notifyHook"],
    [{ then: [{ press: "U1" }, { press: "U1" }] }, "then[1].press"],
    [{ image: "https://x.test/a.png" }, "image"],
  ])("%j gets 400 with the field %s", async (changes, field) => {
    const { body } = await call("POST", "/v1/flows", FLOW);
    expect((await rerun(body.id, changes)).body).toMatchObject({ status: 400, code: "invalid_request", field });
    expect((await call("GET", "/v1/flows")).body.data).toHaveLength(1);
  });
});

test("a repeated key creates one flow, also after a crash, and another flow or change gets its own", async () => {
  const { body } = await call("POST", "/v1/flows", FLOW);
  const keyed = { "idempotency-key": "k" };
  api.harness.storeFault.arm("createFlow", "after");
  expect((await rerun(body.id, {}, keyed)).status).toBe(500);
  const first = await rerun(body.id, {}, keyed);
  expect(first.headers.get("idempotency-replayed")).toBe("true");
  expect((await rerun(body.id, {}, keyed)).body.id).toBe(first.body.id);
  expect((await rerun(body.id, { mode: "turbo" }, keyed)).body.code).toBe("idempotency_mismatch");
  await api.harness.finishAll();
  expect(api.harness.vendor.calls).toHaveLength(2);
  expect((await call("GET", "/v1/flows")).body.data).toHaveLength(2);
});

test("a rerun is charged and limited like a new flow", async () => {
  key = (await api.join("limited", { creditsUsd: 0.09 })).key;
  const { body } = await call("POST", "/v1/flows", FLOW);
  expect((await rerun(body.id)).status).toBe(202);
  expect((await rerun(body.id)).body.code).toBe("out_of_credit");
});

describe("images that are no longer stored", () => {
  test("get wrong_state, unless the changes have other images", async () => {
    const { body } = await call("POST", "/v1/flows", { ...REQUEST, then: [] });
    const blobs = { ...api.deps.blobs, getInputs: async () => undefined };
    const emptied = (await import("../../functions/http/app.ts")).createApp({ ...api.deps, blobs });
    const at = `/v1/flows/${body.id}/rerun`;
    expect((await api.call(key, "POST", at, {}, {}, emptied)).body.code).toBe("wrong_state");
    const changes = { base64Array: REQUEST.base64Array };
    expect((await api.call(key, "POST", at, changes, {}, emptied)).status).toBe(202);
  });
});

test("the flow of another app does not exist", async () => {
  const { body } = await call("POST", "/v1/flows", FLOW);
  const stranger = await api.join("stranger");
  const response = await api.call(stranger.key, "POST", `/v1/flows/${body.id}/rerun`, {}, { "idempotency-key": "k" });
  expect(response.body.code).toBe("not_found");
});
