/**
 * mjflow as a vendor of mjflow: our own provider adapter is a client of the compat API, in the dialect of each vendor.
 */
import type { CallContext } from "@mjflow/core/port";
import type { HttpClient } from "@mjflow/providers/http-client";
import { createProvider, type MjproxyProvider } from "@mjflow/providers/mjproxy";
import { DIALECTS } from "@mjflow/providers/vendors/index";
import { beforeEach, describe, expect, test } from "vitest";
import { type Client, createClient, SECRET } from "./client.ts";

const account = { baseUrl: "http://facade.test", apiKey: SECRET };
const hook = "https://hooks.elsewhere.test/callbacks/1.abc";
const context: CallContext = { account, notifyHook: hook, state: "01K9_0_1" };

let client: Client;
beforeEach(() => {
  client = createClient();
});

function adapter(id: string): MjproxyProvider {
  const httpClient: HttpClient = async ({ method, url, headers, body }) => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await client.app.request(url.slice(account.baseUrl.length), {
      method,
      headers: { "content-type": "application/json", ...headers },
      ...sent,
    });
    return { kind: "answered", status: response.status, text: await response.text() };
  };
  return createProvider(DIALECTS.get(id)!, { httpClient });
}

const ids = [...DIALECTS.keys()];

describe.each(ids)("in the dialect of %s", (id) => {
  test("the adapter submits an image, looks it up and presses one of its buttons", async () => {
    const provider = adapter(id);
    const inputs = {};
    const submitted = await provider.submit(
      { action: "imagine", prompt: "a boat", inputs },
      { ...context, mode: "fast" },
    );
    expect(submitted).toEqual({ kind: "accepted", vendorTaskId: expect.stringMatching(/^\d{16}$/) });
    const { vendorTaskId } = submitted as Extract<typeof submitted, { kind: "accepted" }>;
    expect((await provider.lookup([vendorTaskId], account)).reports).toMatchObject([
      { vendorTaskId, status: "NOT_START", state: context.state, progress: 0 },
    ]);
    await client.harness.finishAll();
    const [grid] = (await provider.lookup([vendorTaskId], account)).reports;
    expect(grid).toMatchObject({
      vendorTaskId,
      status: "SUCCESS",
      action: "IMAGINE",
      result: { imageUrl: expect.any(String) },
    });
    const button = grid!.result.buttons!.find(({ label }) => label === "U2")!;
    const pressed = await provider.press({ vendorTaskId, customId: button.customId }, context);
    expect(pressed).toEqual({ kind: "accepted", vendorTaskId: expect.stringMatching(/^\d{16}$/) });
    await client.harness.finishAll();
    expect(client.harness.vendor.presses()).toEqual([button.customId]);
  });

  test("a look-up omits an unknown id, a wrong key is refused, and a blend of one image is refused", async () => {
    const provider = adapter(id);
    expect((await provider.lookup(["1765432109876123"], account)).reports).toEqual([]);
    const wrong = { ...context, account: { ...account, apiKey: "wrong" } };
    const call = { action: "imagine", prompt: "a boat", inputs: {} } as const;
    expect(await provider.submit(call, wrong)).toMatchObject({
      kind: "refused",
      // A relay writes no code of the protocol into its own 401, so that response is about the relay's own key.
      failure: { code: id === "newapi" ? "vendor_refused" : "vendor_unauthorized" },
    });
    await expect(provider.lookup(["1765432109876123"], wrong.account)).rejects.toMatchObject({ unauthorized: true });
    const one = { action: "blend" as const, inputs: { base64Array: ["data:image/png;base64,AAAA"] } };
    expect(await provider.submit(one, context)).toMatchObject({ kind: "refused" });
  });
});

const dialectsWithModal = ids.filter((id) => DIALECTS.get(id)!.operations.includes("modal"));

test.each(dialectsWithModal)("in the dialect of %s the adapter gets a modal and its answer is accepted", async (id) => {
  const provider = adapter(id);
  const grid = await client.imagined();
  const { body } = await client.post("/mj/submit/action", {
    taskId: grid,
    customId: await client.customId(grid, "U1"),
  });
  await client.harness.finishAll();
  const customId = await client.customId(body.result, "Custom Zoom");
  const pressed = await provider.press({ vendorTaskId: body.result, customId }, context);
  expect(pressed).toMatchObject({ kind: "modal", vendorTaskId: expect.stringMatching(/^\d{16}$/) });
  const { vendorTaskId } = pressed as Extract<typeof pressed, { kind: "modal" }>;
  expect((await provider.lookup([vendorTaskId], account)).reports).toMatchObject([{ status: "MODAL" }]);
  expect(await provider.modal({ vendorTaskId, prompt: "a boat --zoom 2" }, context)).toEqual({
    kind: "accepted",
    vendorTaskId,
  });
});

test("an overloaded table makes the submission busy, never unclear", async () => {
  const { MjflowError } = await import("@mjflow/core/error");
  client.harness.deps.mjTaskIds.create = () => Promise.reject(new MjflowError("overloaded"));
  const call = { action: "imagine", prompt: "a boat", inputs: {} } as const;
  expect(await adapter("simulator").submit(call, context)).toMatchObject({ kind: "busy" });
});

test("the callback parser reads the webhooks that the compat API sends", async () => {
  const provider = adapter("simulator");
  await provider.submit({ action: "imagine", prompt: "a boat", inputs: {} }, context);
  await client.harness.finishAll();
  const posts = client.harness.receiver.posts.filter(({ url }) => url === hook);
  const reports = posts.map(({ body }) => provider.readCallback(JSON.stringify(body)));
  expect(reports.at(-1)).toMatchObject({
    status: "SUCCESS",
    state: context.state,
    result: { imageUrl: expect.any(String) },
  });
  expect(JSON.stringify(posts.map(({ body }) => body))).not.toContain("/callbacks/");
});
