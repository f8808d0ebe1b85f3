/** Tests of requests: retries, errors, lists, and that the API key appears nowhere else. */
import { getEventListeners } from "node:events";
import { inspect } from "node:util";
import { isMjflowError, Mjflow, MjflowError } from "@mjflow/client";
import { afterEach, describe, expect, test } from "vitest";
import { type CannedResponse, FLOW_ID, flow, json, KEY, problem, type Server, serve, task } from "./test-server.ts";

let server: Server;
const given = async (respond: CannedResponse) => {
  server = await serve(respond);
  return server.client();
};
afterEach(() => server?.close());

const done = flow("completed", [task("0", "SUCCESS", 100)]);
const created = flow("running", [task("0", "PENDING")]);
const caught = (work: Promise<unknown>): Promise<MjflowError> =>
  work.then(
    () => {
      throw new Error("the promise did not reject");
    },
    (error) => error,
  );

describe("flows.create", () => {
  test("a lost response is requested again with the same idempotency key, a random UUID", async () => {
    const mjflow = await given((response, _, n) => (n < 2 ? response.destroy() : json(response, 202, created)));
    const handle = await mjflow.flows.create({ provider: "simulator", prompt: "a boat" });
    expect(handle.flow).toEqual(created);
    const keys = server.requests.map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set(server.requests.map(({ body }) => body)).size).toBe(1);
  });

  test("a response that was cut in the middle is requested again with the same key", async () => {
    const mjflow = await given((response, _, n) => {
      if (n > 0) return json(response, 202, created);
      response.writeHead(202, { "content-length": "1000" });
      response.write('{"id":', () => response.destroy());
    });
    expect((await mjflow.flows.create({ provider: "simulator" })).id).toBe(FLOW_ID);
    expect(new Set(server.requests.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
  });

  test("every call has its own idempotency key, and a given key is sent unchanged", async () => {
    const mjflow = await given((response) => json(response, 202, created));
    await mjflow.flows.create({ provider: "simulator" });
    await mjflow.flows.create({ provider: "simulator" });
    await mjflow.flows.create({ provider: "simulator" }, { idempotencyKey: "order-7" });
    const [one, two, own] = server.requests.map(({ headers }) => headers["idempotency-key"]);
    expect(one).not.toBe(two);
    expect(own).toBe("order-7");
  });

  test("after idempotency_in_flight the request is repeated when Retry-After has passed", async () => {
    const mjflow = await given((response, _, n) =>
      n === 0
        ? problem(response, 409, "idempotency_in_flight", { retry: "later", headers: { "retry-after": "2" } })
        : json(response, 202, created),
    );
    expect((await mjflow.flows.create({ provider: "simulator" })).id).toBe(FLOW_ID);
    expect(server.sleeps[0]).toBeGreaterThanOrEqual(2_000);
  });

  test("waitS is sent as a Prefer header", async () => {
    const mjflow = await given((response) => json(response, 200, created));
    await mjflow.flows.create({ provider: "simulator" }, { waitS: 20 });
    expect(server.requests[0]?.headers.prefer).toBe("wait=20");
  });
});

describe("charged requests", () => {
  test.each<[string, (mjflow: Mjflow, options?: { idempotencyKey: string }) => Promise<unknown>]>([
    ["a press", (mjflow, options) => mjflow.tasks.press("task_1", "U1", options)],
    ["a modal answer", (mjflow, options) => mjflow.tasks.modal("task_1", { prompt: "a" }, options)],
  ])("%s is sent again with the same idempotency key", async (_, act) => {
    const mjflow = await given((response, _, n) => (n === 0 ? response.destroy() : json(response, 202, {})));
    await act(mjflow);
    await act(mjflow, { idempotencyKey: "mine" });
    const [first, second, own] = server.requests.map(({ headers }) => headers["idempotency-key"]);
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect(second).toBe(first);
    expect(own).toBe("mine");
  });

  test.each<[string, (mjflow: Mjflow) => Promise<unknown>]>([
    ["a retry", (mjflow) => mjflow.tasks.retry("task_1")],
    ["a resumption", (mjflow) => mjflow.flows.resume("flow_1")],
    ["a cancellation", (mjflow) => mjflow.flows.cancel("flow_1")],
    ["a POST with request()", (mjflow) => mjflow.request({ method: "POST", path: "/v1/x" })],
  ])("%s has no idempotency key and is never repeated", async (_, act) => {
    const mjflow = await given((response) => response.destroy());
    expect(await caught(act(mjflow))).toMatchObject({ code: "unreachable", retry: "later" });
    expect(server.requests).toHaveLength(1);
  });
});

describe("pauses and time limits", () => {
  test.each([429, 503])("after status %i the request is repeated when Retry-After has passed", async (status) => {
    const mjflow = await given((response, _, n) =>
      n < 2 ? problem(response, status, "busy", { headers: { "retry-after": "3" } }) : json(response, 200, created),
    );
    expect((await mjflow.flows.get(FLOW_ID)).id).toBe(FLOW_ID);
    expect(server.sleeps).toHaveLength(2);
    for (const ms of server.sleeps) expect(ms).toBeGreaterThanOrEqual(3_000);
  });

  test("after three retries the call rejects with the server's Retry-After", async () => {
    const mjflow = await given((response) =>
      problem(response, 429, "rate_limited", { headers: { "retry-after": "1" } }),
    );
    expect(await caught(mjflow.flows.get(FLOW_ID))).toMatchObject({
      code: "rate_limited",
      status: 429,
      retryAfterMs: 1_000,
    });
    expect(server.requests).toHaveLength(4);
  });

  test("maxRetries sets the number of retries, and 0 turns them off", async () => {
    await given((response) => problem(response, 503, "overloaded"));
    await caught(server.client({ maxRetries: 0 }).flows.get(FLOW_ID));
    expect(server.requests).toHaveLength(1);
    await caught(server.client({ maxRetries: 5 }).flows.get(FLOW_ID));
    expect(server.requests).toHaveLength(7);
  });

  test("a Retry-After of an hour rejects immediately", async () => {
    const mjflow = await given((response) =>
      problem(response, 503, "overloaded", { headers: { "retry-after": "3600" } }),
    );
    expect(await caught(mjflow.flows.get(FLOW_ID))).toMatchObject({ retryAfterMs: 3_600_000 });
    expect(server.requests).toHaveLength(1);
  });

  test("the caller's signal ends a request or a pause without another request", async () => {
    const controller = new AbortController();
    await given(() => controller.abort());
    const waiting = server.client().flows.get(FLOW_ID, { signal: controller.signal });
    expect(await caught(waiting)).toMatchObject({ code: "aborted" });
    const pausing = new AbortController();
    const second = server.client({
      fetch: async () => new Response(null, { status: 503 }),
      sleep: async () => pausing.abort(),
    });
    expect(await caught(second.flows.get(FLOW_ID, { signal: pausing.signal }))).toMatchObject({ code: "aborted" });
    expect(await caught(second.flows.get(FLOW_ID, { signal: AbortSignal.abort() }))).toMatchObject({ code: "aborted" });
    expect(server.requests).toHaveLength(1);
  });

  test("calls leave no listeners on a long-lived signal", async () => {
    await given((response, { path }, n) =>
      path.endsWith("/events")
        ? problem(response, n % 2 ? 500 : 503, "x")
        : json(response, 200, n < 4 ? created : done),
    );
    const mjflow = server.client();
    const { signal } = new AbortController();
    await mjflow.flows.get(FLOW_ID, { signal });
    await mjflow.flows.wait(FLOW_ID, { signal });
    for await (const _ of mjflow.flows.events(FLOW_ID, { signal })) break;
    const real = new Mjflow({ baseUrl: server.url, maxRetries: 1 });
    await caught(real.request({ path: "/v1/x/events", signal }));
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test("a server that never responds is unreachable after the time limit of a request", async () => {
    await given(() => {});
    let attempts = 0;
    const counted: typeof fetch = (...args) => {
      attempts++;
      return fetch(...args);
    };
    const mjflow = server.client({ requestTimeoutMs: 20, maxRetries: 1, fetch: counted });
    const error = await caught(mjflow.flows.get(FLOW_ID));
    expect(error).toMatchObject({ code: "unreachable", status: undefined });
    expect(error.detail).toContain("did not respond within 20 ms");
    expect(attempts).toBe(2);
  });
});

describe("errors", () => {
  test("an error contains every member of the problem document", async () => {
    const mjflow = await given((response) =>
      problem(response, 422, "press_not_offered", {
        detail: "There is no U9.",
        field: "press",
        advice: "Press one of the buttons in `offered`.",
        offered: ["U1", "U2"],
      }),
    );
    const error = await caught(mjflow.tasks.press("task_1", "U9"));
    expect(error).toBeInstanceOf(MjflowError);
    expect(error).toMatchObject({
      name: "MjflowError",
      message: "press_not_offered: There is no U9.",
      code: "press_not_offered",
      status: 422,
      detail: "There is no U9.",
      field: "press",
      advice: "Press one of the buttons in `offered`.",
      retry: "never",
      requestId: "r-1",
      more: { offered: ["U1", "U2"] },
    });
    expect(isMjflowError(error)).toBe(true);
    expect(isMjflowError(error, "press_not_offered")).toBe(true);
    expect(isMjflowError(error, "not_found")).toBe(false);
  });

  test.each([
    [401, "unauthorized", "never"],
    [404, "not_found", "never"],
    [413, "too_large", "never"],
    [503, "overloaded", "later"],
    [500, "unexpected_answer", "later"],
    [418, "unexpected_answer", "never"],
  ])("status %i with an HTML page instead of a problem document gives %s", async (status, code, retry) => {
    await given((response) => {
      response.writeHead(status, { "content-type": "text/html", "x-request-id": "r-9" });
      response.end("<h1>Sorry</h1>");
    });
    const error = await caught(server.client({ maxRetries: 0 }).flows.get(FLOW_ID));
    expect(error).toMatchObject({ code, status, retry, requestId: "r-9" });
  });

  test("status 200 with an HTML page is an unexpected_answer error", async () => {
    const mjflow = await given((response) => response.end("<h1>Wi-Fi login</h1>"));
    expect(await caught(mjflow.flows.get(FLOW_ID))).toMatchObject({ code: "unexpected_answer", status: 200 });
  });

  test.each([301, 302, 307, 308])(
    "a redirect with status %i is reported and not followed, so the key is not sent elsewhere",
    async (status) => {
      const mjflow = await given((response) => {
        response.writeHead(status, { location: "/elsewhere" });
        response.end();
      });
      const error = await caught(mjflow.flows.create({ provider: "simulator" }));
      expect(error).toMatchObject({ code: "unexpected_answer", status });
      expect(server.requests).toHaveLength(1);
    },
  );

  test("a refused connection is reported as unreachable with its reason", async () => {
    await given(() => {});
    await server.close();
    const error = await caught(server.client().flows.get(FLOW_ID));
    expect(error).toMatchObject({ code: "unreachable", retry: "later", status: undefined });
    expect(error.detail).toContain("ECONNREFUSED");
    expect(server.sleeps).toHaveLength(3);
  });

  test.each(["", ".", "..", undefined, 7])("the invalid id %j is rejected without a request", async (id) => {
    const mjflow = await given((response) => json(response, 200, {}));
    expect(await caught(mjflow.flows.get(id as string))).toMatchObject({ code: "invalid_argument" });
    expect(await caught(mjflow.endpoints.delete(id as string))).toMatchObject({ code: "invalid_argument" });
    expect(await caught(mjflow.flows.wait(id as string))).toMatchObject({ code: "invalid_argument" });
    expect(server.requests).toHaveLength(0);
  });

  test("an id cannot change the path of the request", async () => {
    const mjflow = await given((response) => json(response, 200, {}));
    await mjflow.tasks.get("../apps?x=1#y");
    expect(server.requests[0]?.path).toBe("/v1/tasks/..%2Fapps%3Fx%3D1%23y");
  });

  test("a body that is not JSON and an idempotency key that is not a header value are rejected without a request", async () => {
    const mjflow = await given((response) => json(response, 200, {}));
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    expect(await caught(mjflow.request({ method: "POST", path: "/v1/flows", body: circular }))).toMatchObject({
      code: "invalid_argument",
    });
    const create = mjflow.flows.create({ provider: "simulator" }, { idempotencyKey: "a\nb" });
    expect(await caught(create)).toMatchObject({ code: "invalid_argument", field: "idempotencyKey" });
    expect(server.requests).toHaveLength(0);
  });
});

describe("the API key", () => {
  const everything = (value: unknown): string =>
    [inspect(value, { depth: 20, showHidden: true, getters: true }), JSON.stringify(value), String(value)].join("\n");
  const fullText = (error: unknown): string => {
    let text = "";
    for (let at = error; at instanceof Error; at = at.cause) text += everything(at) + at.stack + at.message;
    return text;
  };

  test("the key is sent only in the authorization header", async () => {
    const mjflow = await given((response) => json(response, 200, created));
    await mjflow.flows.get(FLOW_ID);
    expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
    expect(server.requests[0]?.path).not.toContain(KEY);
  });

  test("printing the client or a handle does not print the key", async () => {
    const mjflow = await given((response) => json(response, 202, created));
    expect(everything(mjflow)).not.toContain(KEY);
    expect(everything(await mjflow.flows.create({ provider: "simulator" }))).not.toContain(KEY);
  });

  test.each<[string, CannedResponse]>([
    [
      "a server that repeats the key in a problem document",
      (r) => problem(r, 400, KEY, { detail: `bad ${KEY}`, field: KEY, headers: {}, errors: [{ [KEY]: [KEY] }] }),
    ],
    ["a server that repeats the key in a page", (r) => r.writeHead(500).end(`<h1>Bearer ${KEY}</h1>`)],
    ["a server that repeats the key in a redirect", (r) => r.writeHead(302, { location: `/?key=${KEY}` }).end()],
    ["a cut connection", (r) => r.destroy()],
  ])("the error does not contain the key after %s", async (_, respond) => {
    await given(respond);
    const error = await caught(server.client({ maxRetries: 0 }).flows.get(FLOW_ID));
    expect(error).toBeInstanceOf(MjflowError);
    expect(fullText(error)).not.toContain(KEY);
  });

  test("the error does not contain the key if the platform's error repeats it in message, cause and request", async () => {
    const fetch = async (_url: unknown, init?: RequestInit): Promise<Response> => {
      const cause = Object.assign(new Error(`socket of ${KEY}`), { code: "ECONNRESET", request: init });
      throw Object.assign(new TypeError(`failed: ${JSON.stringify(init?.headers)}`, { cause }), { config: init });
    };
    const mjflow = new Mjflow({ apiKey: KEY, fetch, maxRetries: 0 });
    const error = await caught(mjflow.flows.get(FLOW_ID));
    expect(error).toMatchObject({ code: "unreachable", detail: expect.stringContaining("ECONNRESET") });
    expect((error.cause as Error).message).toContain("failed:");
    expect(fullText(error)).not.toContain(KEY);
  });
});

describe("lists", () => {
  const pages: Record<string, unknown> = {
    "/v1/flows?status=running&since=2026-11-21T00%3A00%3A00.000Z&limit=2": {
      data: [{ id: "a" }, { id: "b" }],
      nextCursor: "c 1",
    },
    "/v1/flows?status=running&since=2026-11-21T00%3A00%3A00.000Z&limit=2&cursor=c+1": {
      data: [{ id: "c" }],
      nextCursor: null,
    },
  };
  const query = { status: "running", since: new Date("2026-11-21"), limit: 2 } as const;

  test("iteration reads all pages, each only when it is needed", async () => {
    const mjflow = await given((response, { path }) => json(response, 200, pages[path]));
    const ids: string[] = [];
    for await (const { id } of mjflow.flows.list(query)) ids.push(id);
    expect(ids).toEqual(["a", "b", "c"]);
    for await (const _ of mjflow.flows.list(query)) break;
    expect(server.requests).toHaveLength(3);
  });

  test("page() reads one page", async () => {
    const mjflow = await given((response, { path }) => json(response, 200, pages[path]));
    const first = await mjflow.flows.list(query).page();
    expect(first).toEqual({ data: [{ id: "a" }, { id: "b" }], nextCursor: "c 1" });
    expect((await mjflow.flows.list(query).page(first.nextCursor!)).data).toEqual([{ id: "c" }]);
  });

  test("a list without a cursor has one page, and a repeated cursor is an error", async () => {
    const mjflow = await given((response, { path }) =>
      json(response, 200, path.startsWith("/v1/dead") ? { data: [] } : { data: [], nextCursor: "again" }),
    );
    for await (const _ of mjflow.deadLetters.list()) throw new Error("the list must be empty");
    const walk = async () => {
      for await (const _ of mjflow.flows.list()) throw new Error("the list must be empty");
    };
    expect(await caught(walk())).toMatchObject({ code: "unexpected_answer" });
    expect(server.requests).toHaveLength(3);
  });
});
