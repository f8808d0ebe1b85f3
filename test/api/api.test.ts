import { MjflowError } from "@mjflow/core/error";
import { beforeEach, describe, expect, test } from "vitest";
import { createApp } from "../../functions/http/app.ts";
import { apiKeyOf } from "../../functions/http/operator-key.ts";
import { checked } from "../openapi/checked.ts";
import { createTestHarness, type TestHarness } from "../support/harness.ts";

const KEY = "mjk_test_key";
let harness: TestHarness;
let app: ReturnType<typeof checked>;

beforeEach(() => {
  harness = createTestHarness();
  const apiKeys = [apiKeyOf("app_a", KEY), apiKeyOf("app_b", "mjk_other_key")];
  app = checked(createApp({ ...harness.deps, apiKeys, storeProgress: false, resubmit: "after-grace", archive: false }));
});

function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const json = body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) };
  return app.request(path, {
    method,
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json", ...headers },
    ...json,
  });
}

const flow = { provider: "fake", prompt: "a paper boat" };

/** The JSON body of a response. */
// biome-ignore lint/suspicious/noExplicitAny: a test looks into JSON
const json = async (response: Response): Promise<any> => response.json();

describe("POST /v1/flows", () => {
  test("a new flow gets 202 with its Location and can be read at once", async () => {
    const response = await call("POST", "/v1/flows", { ...flow, state: '🛶 "x"\n', then: [{ press: "U1" }] });
    expect(response.status).toBe(202);
    const created = await json(response);
    expect(response.headers.get("location")).toBe(`/v1/flows/${created.id}`);
    expect(created).toMatchObject({ status: "running", state: '🛶 "x"\n', tasks: [{ status: "PENDING", depth: 0 }] });
    const read = await call("GET", `/v1/flows/${created.id}`);
    expect(read.status).toBe(200);
    expect(await json(read)).toMatchObject({ id: created.id, counts: { submissions: 0, lookups: 0 } });
  });

  const bad: [string, unknown, string][] = [
    ["a flow without provider", { prompt: "x" }, "provider"],
    ["a flow with an unknown provider", { ...flow, provider: "nobody" }, "provider"],
    ["a flow without prompt", { provider: "fake" }, "prompt"],
    ["a flow with a blank prompt", { ...flow, prompt: "   " }, "prompt"],
    ["a flow with an unknown field", { ...flow, promt: "x" }, "promt"],
    ["a flow with an unknown mode", { ...flow, mode: "warp" }, "mode"],
    ["a state above 16 KB", { ...flow, state: "é".repeat(8_193) }, "state"],
    ["a state that cannot be stored", { ...flow, state: "\ud800" }, "state"],
    ["a prompt that cannot be stored", { ...flow, prompt: "a \ud800 boat" }, "prompt"],
    ["a notifyHook that is no http(s) URL", { ...flow, notifyHook: "ftp://x" }, "notifyHook"],
    ["a notifyHook with credentials", { ...flow, notifyHook: "https://a:b@x.test/" }, "notifyHook"],
    ["an image that is neither a data URI nor a link", { ...flow, base64Array: ["hello"] }, "base64Array[0]"],
    [
      "a mask that is no data URI",
      { ...flow, then: [{ press: "U1", modal: { maskBase64: "x" } }] },
      "then[0].modal.maskBase64",
    ],
    ["a plan step without a press", { ...flow, then: [{ press: "U1" }, { then: [] }] }, "then[1].press"],
    [
      "an unknown field deep in the plan",
      { ...flow, then: [{ press: "U1", then: [{ press: "V1", x: 1 }] }] },
      "then[0].then[0].x",
    ],
    [
      "a plan that presses one button twice",
      { ...flow, then: [{ press: "U1" }, { press: "upscale:1" }] },
      "then[1].press",
    ],
    [
      "an action that the vendor does not support",
      { ...flow, action: "swap-face", sourceBase64: "http://a/b", targetBase64: "http://a/b" },
      "action",
    ],
    [
      "a blend of one image",
      { provider: "fake", action: "blend", base64Array: ["https://a.test/b.png"] },
      "base64Array",
    ],
  ];

  test.each(bad)("%s gets 400 with the field, and nothing is written", async (_, body, field) => {
    const response = await call("POST", "/v1/flows", body);
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await json(response)).toMatchObject({ code: "invalid_request", status: 400, field, retry: "never" });
    expect(harness.storeFault.calls).toEqual([]);
    expect(harness.queue.size).toBe(0);
  });

  test("a plan with more than 200 presses gets 400", async () => {
    const then = Array.from({ length: 41 }, (_, i) => ({
      press: `b${i}`,
      then: [1, 2, 3, 4, 5].map((n) => ({ press: `${n}` })),
    }));
    const response = await call("POST", "/v1/flows", { ...flow, then });
    expect(await json(response)).toMatchObject({ code: "invalid_request", detail: expect.stringContaining("200") });
  });

  test("a body that is no JSON, no UTF-8, no JSON by its content type, too deep or too large gets the matching error code", async () => {
    expect((await call("POST", "/v1/flows", "{")).status).toBe(400);
    expect(await json(await call("POST", "/v1/flows", "{"))).toMatchObject({ code: "invalid_json" });
    expect((await call("POST", "/v1/flows", flow, { "content-type": "text/plain" })).status).toBe(415);
    const deep = `{"provider":"fake","prompt":"x","then":${'[{"press":"U1","then":'.repeat(20_000)}[]${"}]".repeat(20_000)}}`;
    expect(await json(await call("POST", "/v1/flows", deep))).toMatchObject({ code: "invalid_request" });
    expect((await call("POST", "/v1/flows", { ...flow, prompt: "x".repeat(6 * 1024 * 1024) })).status).toBe(413);
    const latin1 = await app.request("/v1/flows", {
      method: "POST",
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
      body: new Uint8Array([0x7b, 0xff, 0x7d]),
    });
    expect(await json(latin1)).toMatchObject({ code: "invalid_json" });
  });

  test("__proto__ in a body gets 400 like any unknown field and changes no prototype", async () => {
    const response = await call("POST", "/v1/flows", '{"provider":"fake","prompt":"x","__proto__":{"isAdmin":true}}');
    expect(response.status).toBe(400);
    expect(({} as Record<string, unknown>)["isAdmin"]).toBeUndefined();
  });

  test("a flow whose write failed gets 500 and is not listed", async () => {
    harness.storeFault.arm("createFlow", "before");
    expect((await call("POST", "/v1/flows", flow)).status).toBe(500);
    expect(await json(await call("GET", "/v1/flows"))).toEqual({ data: [], nextCursor: null });
  });
});

describe("authorization", () => {
  test("a missing key, a wrong key and a key in the wrong place get 401 with WWW-Authenticate", async () => {
    for (const authorization of ["", "Bearer", "Bearer wrong", `Basic ${KEY}`, KEY]) {
      const response = await call("GET", "/v1/flows", undefined, { authorization });
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toContain("Bearer");
    }
    expect((await call("GET", `/v1/flows?key=${KEY}`, undefined, { authorization: "" })).status).toBe(401);
  });

  test("the flow, task and buttons of another app get 404", async () => {
    const { id } = await json(await call("POST", "/v1/flows", flow));
    await harness.finishAll();
    const other = { authorization: "Bearer mjk_other_key" };
    const task = id.replace("flow_", "task_");
    expect((await call("GET", `/v1/flows/${id}`, undefined, other)).status).toBe(404);
    expect((await call("GET", `/v1/tasks/${task}_0`, undefined, other)).status).toBe(404);
    expect((await call("POST", `/v1/tasks/${task}_0/actions`, { press: "U1" }, other)).status).toBe(404);
    expect((await call("POST", `/v1/tasks/${task}_0/modal`, {}, other)).status).toBe(404);
    expect(await json(await call("GET", "/v1/flows", undefined, other))).toMatchObject({ data: [] });
  });

  test("an unknown path or id gets 404, a wrong method gets 405 with Allow", async () => {
    expect((await call("GET", "/v1/nothing")).status).toBe(404);
    expect((await call("GET", "/v1/flows/flow_x")).status).toBe(404);
    expect((await call("GET", "/v1/tasks/task_x")).status).toBe(404);
    const response = await call("DELETE", "/v1/flows");
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD, POST"]);
    expect((await app.request("/healthz")).status).toBe(200);
  });
});

describe("presses and modal answers of an app", () => {
  async function finished() {
    const { id } = await json(await call("POST", "/v1/flows", { ...flow, then: [{ press: "U1" }] }));
    await harness.finishAll();
    const read = await json(await call("GET", `/v1/flows/${id}`));
    return { id, root: read.tasks[0].id as string, read };
  }

  test("a press on a finished task creates a child, and the plan of the press continues", async () => {
    const { id, root } = await finished();
    const response = await call("POST", `/v1/tasks/${root}/actions`, { press: "V3", then: [{ press: "U4" }] });
    expect(response.status).toBe(202);
    expect(await json(response)).toMatchObject({ parentId: root, press: "V3", depth: 1, status: "PENDING" });
    await harness.finishAll();
    const read = await json(await call("GET", `/v1/flows/${id}`));
    expect(read).toMatchObject({ status: "completed", counts: { submissions: 4 } });
    expect(read.tasks.map((t: { press: string }) => t.press)).toEqual(expect.arrayContaining(["U1", "V3", "U4"]));
  });

  test("a customId that the task does not have gets 422 with the offered buttons", async () => {
    const { root, read } = await finished();
    const offered = read.tasks[0].buttons[4];
    expect(offered).toMatchObject({ name: "reroll" });
    expect((await call("POST", `/v1/tasks/${root}/actions`, { customId: offered.customId })).status).toBe(202);
    const foreign = await call("POST", `/v1/tasks/${root}/actions`, { customId: "MJ::JOB::upsample::1::x" });
    expect(foreign.status).toBe(422);
    expect(await json(foreign)).toMatchObject({
      code: "press_not_offered",
      field: "customId",
      offered: expect.arrayContaining(["U1"]),
    });
  });

  test("a press on an unfinished task gets 409; a press with neither or both of press and customId gets 400", async () => {
    const { id } = await json(await call("POST", "/v1/flows", flow));
    const task = `${id.replace("flow_", "task_")}_0`;
    expect((await call("POST", `/v1/tasks/${task}/actions`, { press: "U1" })).status).toBe(409);
    expect((await call("POST", `/v1/tasks/${task}/actions`, {})).status).toBe(400);
    expect((await call("POST", `/v1/tasks/${task}/actions`, { press: "U1", customId: "x" })).status).toBe(400);
  });

  test("a second, different modal answer gets 409, and the vendor gets only the first", async () => {
    const { root } = await finished();
    harness.vendor.next((c) => ({ kind: "modal", vendorTaskId: c.id }));
    const { id } = await json(await call("POST", `/v1/tasks/${root}/actions`, { press: "V1" }));
    await harness.drain();
    expect(await json(await call("GET", `/v1/tasks/${id}`))).toMatchObject({ status: "MODAL" });
    const mask = "data:image/png;base64,AAAA";
    expect((await call("POST", `/v1/tasks/${id}/modal`, { prompt: "at night", maskBase64: mask })).status).toBe(202);
    expect((await call("POST", `/v1/tasks/${id}/modal`, { prompt: "again" })).status).toBe(409);
    await harness.drain();
    expect(harness.vendor.calls.filter((c) => c.kind === "modal")).toMatchObject([{ prompt: "at night", mask }]);
  });
});

test("GET /v1/flows returns all flows of an app in pages, newest first", async () => {
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) {
    harness.advance(1_000);
    ids.unshift((await json(await call("POST", "/v1/flows", flow))).id);
  }
  const first = await json(await call("GET", "/v1/flows?limit=3"));
  const second = await json(await call("GET", `/v1/flows?limit=3&cursor=${first.nextCursor}`));
  expect([...first.data, ...second.data].map((f: { id: string }) => f.id)).toEqual(ids);
  expect(second.nextCursor).toBeNull();
  for (const query of ["limit=0", "limit=x", "limit=101", "cursor=%00", "page=2"]) {
    expect((await call("GET", `/v1/flows?${query}`)).status, query).toBe(400);
  }
});

test("a flow shows no callback URL, key or internal field", async () => {
  await call("POST", "/v1/flows", { ...flow, then: [{ press: "U1" }] });
  await harness.finishAll();
  const list = await json(await call("GET", "/v1/flows"));
  const text = await (await call("GET", `/v1/flows/${list.data[0].id}`)).text();
  for (const word of ["/callbacks/", "hooks.test", "secret-key", "leaseUntil", '"rev"', '"due"', "inputsRef"]) {
    expect(text).not.toContain(word);
  }
});

describe("GET /healthz", () => {
  test("a table that cannot be written gets 503 with Retry-After, and 200 when it can be written again", async () => {
    let isFull = true;
    const checkStorage = async () => {
      if (isFull) throw new MjflowError("overloaded", { retry: { afterMs: 1_000 }, cause: new Error("disk is full") });
    };
    const options = {
      apiKeys: [apiKeyOf("app_a", KEY)],
      storeProgress: false,
      resubmit: "after-grace",
      archive: false,
    };
    const checkedApp = checked(
      createApp({ ...harness.deps, ...options, checkStorage } as Parameters<typeof createApp>[0]),
    );
    const response = await checkedApp.request("/healthz");
    expect([response.status, response.headers.get("retry-after"), (await json(response)).code]).toEqual([
      503,
      "1",
      "overloaded",
    ]);
    expect(harness.log.join()).toContain("disk is full");
    isFull = false;
    expect((await checkedApp.request("/healthz")).status).toBe(200);
  });
});
