/** Requests of each dialect, and outcomes of responses and network failures. The vendor is a local stub server. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type CallContext, LookupError } from "@mjflow/core/port";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createHttpClient } from "./http-client.ts";
import { createProvider } from "./mjproxy.ts";
import { createProviders, PROVIDER_IDS } from "./registry.ts";
import { DIALECTS } from "./vendors/index.ts";

interface SeenRequest {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: Record<string, unknown>;
}

let server: Server;
let origin: string;
let seen: SeenRequest[];
let reply: (
  request: SeenRequest,
) => { status?: number; body: string; headers?: Record<string, string> } | "hang" | "drop";

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const seenRequest = {
      method: request.method!,
      url: request.url!,
      headers: request.headers,
      body: text ? JSON.parse(text) : {},
    };
    seen.push(seenRequest);
    const outcome = reply(seenRequest);
    if (outcome === "drop") return void request.socket.destroy();
    if (outcome === "hang") return;
    response.writeHead(outcome.status ?? 200, { "content-type": "text/plain", ...outcome.headers }).end(outcome.body);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

beforeEach(() => {
  seen = [];
  reply = () => ({ body: '{"code":1,"description":"ok","result":"1765432109876123"}' });
});

const PNG = "data:image/png;base64,iVBORw0KGgo=";
const providerOf = (id: string, submitTimeoutMs?: number) =>
  createProvider(DIALECTS.get(id)!, { httpClient: createHttpClient(), ...(submitTimeoutMs && { submitTimeoutMs }) });
const context = (more: Partial<CallContext> = {}): CallContext => ({
  account: { baseUrl: origin, apiKey: "vendor-key" },
  notifyHook: "https://hooks.test/callbacks/token",
  state: "01ABC_0_1",
  ...more,
});

describe("imagine in fast mode", () => {
  const wanted: [string, string, string, Record<string, unknown>][] = [
    ["cometapi", "/mj-fast/mj/submit/imagine", "bearer", { prompt: "a boat" }],
    ["gitaigc", "/mj/submit/imagine", "bearer", { prompt: "a boat", accountFilter: { modes: ["FAST"] } }],
    ["xfusionai", "/mj-fast/mj/submit/imagine", "bearer", { prompt: "a boat" }],
    ["agicto", "/v1/mj/submit/imagine", "bearer", { prompt: "a boat --fast" }],
    ["midjourney-proxy", "/mj/submit/imagine", "mj-api-secret", { prompt: "a boat --fast" }],
    ["trueai", "/mj-fast/mj/submit/imagine", "mj-api-secret", { prompt: "a boat" }],
    ["newapi", "/mj/submit/imagine", "bearer", { prompt: "a boat --fast" }],
    ["simulator", "/mj-fast/mj/submit/imagine", "bearer", { prompt: "a boat" }],
  ];

  test.each(wanted)("%s gets POST %s with the key as %s", async (id, path, auth, body) => {
    const outcome = await providerOf(id).submit(
      { action: "imagine", prompt: "a boat", inputs: {} },
      context({ mode: "fast" }),
    );
    expect(outcome).toEqual({ kind: "accepted", vendorTaskId: "1765432109876123" });
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ method: "POST", url: path });
    expect(seen[0]!.body).toEqual({ ...body, notifyHook: "https://hooks.test/callbacks/token", state: "01ABC_0_1" });
    const { authorization, "mj-api-secret": secret } = seen[0]!.headers;
    expect([authorization, secret]).toEqual(
      auth === "bearer" ? ["Bearer vendor-key", undefined] : [undefined, "vendor-key"],
    );
  });

  test("the table has all eight providers", () => {
    expect(wanted.map(([id]) => id).sort()).toEqual([...PROVIDER_IDS].sort());
  });
});

test.each([
  ["cometapi", { enableRemix: true }],
  ["trueai", { enableRemix: true }],
  ["newapi", { enableRemix: true }],
  ["simulator", { enableRemix: true }],
  ["gitaigc", { accountFilter: { remix: true } }],
  ["midjourney-proxy", { accountFilter: { remix: true } }],
  ["xfusionai", {}],
  ["agicto", {}],
])("%s is asked with %j to open the modal of a press that has a prompt", async (id, asked) => {
  const press = async (customId: string, more: object) => {
    seen = [];
    await providerOf(id).press({ vendorTaskId: "7", customId, ...more }, context());
    const { enableRemix, accountFilter } = seen[0]!.body;
    return { ...(enableRemix !== undefined && { enableRemix }), ...(accountFilter !== undefined && { accountFilter }) };
  };
  expect(await press("MJ::JOB::variation::1::x", { prompt: "at night" })).toEqual(asked);
  expect(await press("MJ::JOB::variation::1::x", {})).toEqual({});
  expect(await press("MJ::Inpaint::1::x::SOLO", { prompt: "a hat" })).toEqual({});
});

describe.each([...PROVIDER_IDS])("%s", (id) => {
  const dialect = DIALECTS.get(id)!;
  const provider = providerOf(id);

  test("each supported operation sends its path and body, and an unsupported operation is refused without a request", async () => {
    const inputs = { base64Array: [PNG, PNG], sourceBase64: PNG, targetBase64: PNG };
    const one = { image: "https://x.test/a.png" };
    const video = { motion: "high", batchSize: 1 } as const;
    const calls = {
      blend: () => provider.submit({ action: "blend", dimensions: "PORTRAIT", inputs }, context()),
      describe: () => provider.submit({ action: "describe", inputs: { base64Array: [PNG] } }, context()),
      shorten: () => provider.submit({ action: "shorten", prompt: "a long prompt", inputs: {} }, context()),
      "swap-face": () => provider.submit({ action: "swap-face", inputs }, context()),
      video: () => provider.submit({ action: "video", prompt: "waves", video, inputs: one }, context()),
      edit: () => provider.submit({ action: "edit", prompt: "snow", inputs: { ...one, maskBase64: PNG } }, context()),
      retexture: () => provider.submit({ action: "retexture", prompt: "of wood", inputs: one }, context()),
      modal: () => provider.modal({ vendorTaskId: "7", prompt: "more sky", maskBase64: PNG }, context()),
      action: () => provider.press({ vendorTaskId: "7", customId: "MJ::JOB::upsample::1::x" }, context()),
    } as const;
    const bodies: Record<keyof typeof calls, Record<string, unknown>> = {
      blend: { base64Array: [PNG, PNG], dimensions: "PORTRAIT" },
      describe: { base64: PNG },
      shorten: { prompt: "a long prompt" },
      "swap-face": { sourceBase64: PNG, targetBase64: PNG },
      video: { prompt: "waves", image: one.image, motion: "high", batchSize: 1 },
      edit: { prompt: "snow", image: one.image, maskBase64: PNG },
      retexture: { prompt: "of wood", image: one.image },
      modal: { taskId: "7", prompt: "more sky", maskBase64: PNG },
      action: {
        taskId: "7",
        customId: "MJ::JOB::upsample::1::x",
        ...(dialect.chooseSameChannel && { chooseSameChannel: true }),
      },
    };
    const own = { notifyHook: context().notifyHook, state: context().state };
    for (const [operation, call] of Object.entries(calls) as [
      keyof typeof calls,
      () => ReturnType<typeof provider.modal>,
    ][]) {
      seen = [];
      const outcome = await call();
      if (!dialect.operations.includes(operation)) {
        expect(outcome).toMatchObject({ kind: "refused", failure: { code: "unsupported" } });
        expect(seen).toEqual([]);
        continue;
      }
      expect(outcome.kind, operation).toBe("accepted");
      const paths: Record<string, string> = { "swap-face": "/insight-face/swap", edit: "/submit/edits" };
      const path = paths[operation] ?? `/submit/${operation}`;
      expect(seen[0]!.url).toBe(`${dialect.prefix}${path}`);
      expect(seen[0]!.body).toEqual({ ...bodies[operation], ...own });
    }
  });

  test("a look-up is one request if the vendor has a list, and unknown ids are omitted", async () => {
    reply = ({ url, body }) => {
      if (url.endsWith("/task/list-by-condition")) {
        const [first] = (body as { ids: string[] }).ids;
        return { body: JSON.stringify([{ id: first, status: "SUCCESS" }]) };
      }
      return url.includes("/101/") ? { body: '{"id":"101","status":"SUCCESS"}' } : { body: "" };
    };
    const { reports, requests } = await provider.lookup(["101", "102"], context().account);
    expect(reports).toMatchObject([{ vendorTaskId: "101", status: "SUCCESS" }]);
    expect(requests).toBe(dialect.operations.includes("list") ? 1 : 2);
    expect(seen).toHaveLength(requests);
  });

  test.skipIf(!dialect.operations.includes("list"))(
    "a look-up uses single fetches if the list route is missing",
    async () => {
      reply = ({ url }) =>
        url.endsWith("/list-by-condition") ? { status: 404, body: "" } : { body: '{"id":"5","status":"IN_PROGRESS"}' };
      const { reports, requests } = await provider.lookup(["5"], context().account);
      expect([reports.length, requests]).toEqual([1, 2]);
    },
  );

  test("a failed look-up throws LookupError, with unauthorized: true if the key is rejected", async () => {
    reply = () => ({ status: 502, body: "<html>" });
    await expect(provider.lookup(["1"], context().account)).rejects.toThrow(LookupError);
    reply = () => ({ status: 401, body: "" });
    await expect(provider.lookup(["1"], context().account)).rejects.toMatchObject({ unauthorized: true });
    reply = () => ({ status: 403, body: "<!doctype html>", headers: { "cf-mitigated": "challenge" } });
    await expect(provider.lookup(["1"], context().account)).rejects.toMatchObject({ unauthorized: false });
    const closed = { baseUrl: "http://127.0.0.1:1", apiKey: "vendor-key" };
    await expect(provider.lookup(["1"], closed)).rejects.toMatchObject({ unreachable: true });
  });

  test("the error of a failed look-up has the words of the vendor without the key", async () => {
    reply = () => ({ status: 401, body: '{"error":{"message":"[sk-a***b] vendor-key 该令牌额度已用尽"}}' });
    await expect(provider.lookup(["1"], context().account)).rejects.toThrow("HTTP 401: 该令牌额度已用尽");
  });
});

describe("modes and filters", () => {
  const filter = { modes: ["RELAX" as const], remark: "a" };
  const imagine = async (id: string, prompt: string, more: Partial<CallContext>) => {
    await providerOf(id).submit({ action: "imagine", prompt, inputs: {} }, context(more));
    return seen[0]!.body;
  };

  test("a prompt with its own mode flag stays as it is", async () => {
    expect(await imagine("newapi", "a boat --relax --ar 2:3", { mode: "fast" })).toMatchObject({
      prompt: "a boat --relax --ar 2:3",
    });
  });

  test("the app's own accountFilter.modes has precedence over the mode", async () => {
    const body = await imagine("gitaigc", "a boat", { mode: "turbo", accountFilter: filter });
    expect(body).toMatchObject({ accountFilter: filter });
  });

  test("a press sends the accountFilter", async () => {
    await providerOf("gitaigc").press({ vendorTaskId: "7", customId: "x" }, context({ accountFilter: filter }));
    expect(seen[0]!.body).toMatchObject({ accountFilter: filter, chooseSameChannel: true });
  });

  test("links for a face swap at new-api are refused without a request", async () => {
    const inputs = { sourceBase64: "https://x.test/1.png", targetBase64: PNG };
    const outcome = await providerOf("newapi").submit({ action: "swap-face", inputs }, context());
    expect(outcome).toMatchObject({ kind: "refused", failure: { code: "unsupported" } });
    expect(seen).toEqual([]);
  });
});

test("a look-up and a seed look-up that hang end after lookupTimeoutMs", async () => {
  reply = () => "hang";
  const provider = createProvider(DIALECTS.get("trueai")!, { httpClient: createHttpClient(), lookupTimeoutMs: 100 });
  await expect(provider.lookup(["1"], context().account)).rejects.toThrow("timeout");
  await expect(provider.seed("1", context().account)).rejects.toThrow("timeout");
  await expect(provider.search(["x"], context().account)).rejects.toThrow("timeout");
});

test("upscales of trueai-org are instant, those of others are not", () => {
  for (const id of PROVIDER_IDS) {
    expect(providerOf(id).capabilities.instantActions).toEqual(id === "trueai" ? ["UPSCALE"] : []);
  }
});

describe("pressing by index", () => {
  test("a grid of novicezk without buttons is pressed with /submit/change", async () => {
    const provider = providerOf("midjourney-proxy");
    const done = provider.readCallback(
      '{"id":"9","action":"IMAGINE","status":"SUCCESS","imageUrl":"https://x.test/a.png"}',
    );
    const [u1, , , , reroll] = done!.result.buttons!;
    await provider.press({ vendorTaskId: "9", customId: u1!.customId }, context());
    await provider.press({ vendorTaskId: "9", customId: reroll!.customId }, context());
    expect(seen.map(({ url }) => url)).toEqual(["/mj/submit/change", "/mj/submit/change"]);
    expect(seen.map(({ body }) => body)).toMatchObject([
      { taskId: "9", action: "UPSCALE", index: 1 },
      { taskId: "9", action: "REROLL" },
    ]);
  });
});

test("the words of the prompt decide nothing if a refusal quotes the prompt, also without the flag that we added", async () => {
  const prompt = "a poster with the words queue is full and insufficient balance";
  for (const [action, provider] of [
    ["imagine", "newapi"],
    ["shorten", "simulator"],
  ] as const) {
    reply = () => ({ body: JSON.stringify({ code: 4, description: `cannot read: ${prompt}` }) });
    const outcome = await providerOf(provider).submit({ action, prompt, inputs: {} }, context({ mode: "relax" }));
    expect(outcome).toMatchObject({ kind: "refused", failure: { code: "vendor_refused" } });
  }
});

describe("outcomes of a press", () => {
  const press = (baseUrl = origin, submitTimeoutMs?: number) =>
    providerOf("simulator", submitTimeoutMs).press(
      { vendorTaskId: "7", customId: "MJ::JOB::reroll::0::x::SOLO" },
      context({ account: { baseUrl, apiKey: "vendor-key" } }),
    );

  test("a press is busy if the TCP port is closed, because nothing was sent", async () => {
    const spare = createServer();
    await new Promise<void>((ready) => spare.listen(0, "127.0.0.1", ready));
    const { port } = spare.address() as AddressInfo;
    await new Promise((closed) => spare.close(closed));
    expect(await press(`http://127.0.0.1:${port}`)).toMatchObject({ kind: "busy", about: "connection" });
  });

  test.each(["hang", "drop"] as const)(
    "a press is unclear if the server does %s after the request",
    async (failure) => {
      reply = () => failure;
      expect((await press(origin, 1_000)).kind).toBe("unclear");
      expect(seen).toHaveLength(1);
    },
  );

  const responses: [string, { status?: number; body: string; headers?: Record<string, string> }, object][] = [
    ["an empty 200", { body: "" }, { kind: "unclear" }],
    ["a page of HTML", { status: 502, body: "<html>bad gateway</html>" }, { kind: "unclear" }],
    ["524 of a CDN", { status: 524, body: "" }, { kind: "unclear" }],
    ["code 1 without an id", { body: '{"code":1,"result":null}' }, { kind: "unclear" }],
    ["code 1 with an invalid id", { body: '{"code":1,"result":"../../x"}' }, { kind: "unclear" }],
    ["an unknown code", { body: '{"code":77,"result":"123"}' }, { kind: "unclear" }],
    [
      "429 with Retry-After",
      { status: 429, body: "", headers: { "retry-after": "7" } },
      { kind: "busy", afterMs: 7_000 },
    ],
    ["an empty 403 (trueai-org's rate limit)", { status: 403, body: "" }, { kind: "busy" }],
    [
      "a 403 about money",
      { status: 403, body: '{"error":{"message":"用户额度不足"}}' },
      { kind: "refused", failure: { code: "vendor_out_of_money" } },
    ],
    [
      "an empty 401 (novicezk)",
      { status: 401, body: "" },
      { kind: "refused", failure: { code: "vendor_unauthorized" } },
    ],
    [
      "4xx with a success code: the id that it names is paid",
      { status: 400, body: '{"code":1,"result":"123","description":"x"}' },
      { kind: "accepted", vendorTaskId: "123" },
    ],
    ["201 (gitaigc)", { status: 201, body: '{"code":22,"result":"55"}' }, { kind: "accepted", vendorTaskId: "55" }],
    ["a redirect", { status: 301, body: "", headers: { location: "http://127.0.0.1:1/" } }, { kind: "refused" }],
    [
      "a relay that accepted the task and failed to store it",
      { status: 400, body: '{"description":"insert_midjourney_task_failed","code":4}' },
      { kind: "unclear" },
    ],
  ];
  test.each(responses)("a press has the expected outcome for %s", async (_, outcome, wanted) => {
    reply = () => outcome;
    expect(await press()).toMatchObject(wanted);
  });

  test("an outcome never contains the key, the callback URL or an image, and its text is cut", async () => {
    reply = () => ({
      status: 400,
      body: JSON.stringify({ code: 4, description: `x\u0000\u001b[31m${"y".repeat(900)}` }),
    });
    const outcome = await press();
    const text = JSON.stringify(outcome);
    expect(text).not.toMatch(/vendor-key|hooks\.test|base64|\\u001b|\\u0000/);
    expect(text.length).toBeLessThan(700);
  });
});

test("an upload returns links, and a seed look-up returns the digits of the seed", async () => {
  const trueai = providerOf("trueai");
  reply = () => ({ body: '{"code":1,"result":["https://cdn.test/1.png","https://cdn.test/2.png"]}' });
  expect(await trueai.upload([PNG], context().account)).toEqual({
    kind: "uploaded",
    urls: ["https://cdn.test/1.png", "https://cdn.test/2.png"],
  });
  reply = () => ({ body: '{"code":1,"result":"636646000"}' });
  expect(await trueai.seed("1", context().account)).toBe("636646000");
  for (const status of [404, 400]) {
    reply = () => ({ status, body: '{"code":3}' });
    expect(await trueai.seed("1", context().account)).toBeUndefined();
  }
});

test("a base URL works with and without /mj, /v1 and /v1/mj", async () => {
  const press = (id: string, baseUrl: string) =>
    providerOf(id).press({ vendorTaskId: "7", customId: "x" }, context({ account: { baseUrl, apiKey: "k" } }));
  for (const baseUrl of [origin, `${origin}/`, `${origin}/mj`]) await press("newapi", baseUrl);
  for (const baseUrl of [origin, `${origin}/v1`, `${origin}/v1/mj`]) await press("agicto", baseUrl);
  expect(seen.map(({ url }) => url)).toEqual([
    ...Array(3).fill("/mj/submit/action"),
    ...Array(3).fill("/v1/mj/submit/action"),
  ]);
});

describe("invalid configuration", () => {
  const bad: [string, Record<string, { baseUrl: string; apiKey: string }>][] = [
    ["an unknown provider", { nobody: { baseUrl: "https://x.test", apiKey: "sk-secret" } }],
    ["no address", { cometapi: { baseUrl: "", apiKey: "sk-secret" } }],
    ["another scheme", { cometapi: { baseUrl: "file:///etc", apiKey: "sk-secret" } }],
    ["no key", { cometapi: { baseUrl: "https://x.test", apiKey: "" } }],
  ];
  test.each(bad)("createProviders throws for %s, and the error does not contain the key", (_, config) => {
    expect(() => createProviders(config, { httpClient: createHttpClient() })).toThrow(/provider/i);
    expect(() => createProviders(config, { httpClient: createHttpClient() })).not.toThrow(/sk-secret/);
  });
});
