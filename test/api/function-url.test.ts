/** The handlers of the API's function URL: events of payload format 2.0 in, streamed and buffered responses out. */
import { PassThrough } from "node:stream";
import type { LambdaFunctionURLEvent } from "aws-lambda";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { bufferedHandler, type Fetch, streamingHandler } from "../../functions/http/function-url.ts";
import { type ApiClient, createApiClient, FLOW, type Json, OPERATOR } from "../app/api-client.ts";

type Event = Partial<LambdaFunctionURLEvent> & { method?: string; domainName?: string };

function eventOf({ method = "GET", domainName = "api.test", headers = {}, ...event }: Event): LambdaFunctionURLEvent {
  return {
    version: "2.0",
    rawPath: "/",
    rawQueryString: "",
    headers: { host: domainName, authorization: `Bearer ${OPERATOR}`, ...headers },
    requestContext: { domainName, http: { method, path: event.rawPath ?? "/" } },
    isBase64Encoded: false,
    ...event,
  } as LambdaFunctionURLEvent;
}

interface Sent {
  status: number | undefined;
  headers: Record<string, string>;
  text: string;
  body: Json;
}

function sentOf(status: number | undefined, headers: Record<string, string>, text: string): Sent {
  const isJson = text !== "" && headers["content-type"]?.includes("json");
  return { status, headers, text, body: isJson ? JSON.parse(text) : undefined };
}

/** Sends the event through the streaming handler, with the runtime of Lambda replaced. */
async function stream(fetch: Fetch, event: Event): Promise<Sent> {
  let head: { statusCode?: number; headers?: Record<string, string> } = {};
  const out = new PassThrough();
  const chunks: Buffer[] = [];
  out.on("data", (chunk: Buffer) => chunks.push(chunk));
  const runtime = {
    streamifyResponse: (handler: unknown) => handler,
    HttpResponseStream: {
      from(to: PassThrough, given: typeof head) {
        head = given;
        return to;
      },
    },
  };
  const handler = streamingHandler(fetch, runtime as never) as unknown as (...args: unknown[]) => Promise<void>;
  await handler(eventOf(event), out, {});
  return sentOf(head.statusCode, head.headers ?? {}, Buffer.concat(chunks).toString());
}

async function buffer(fetch: Fetch, event: Event): Promise<Sent> {
  const { statusCode, headers, body } = await bufferedHandler(fetch)(eventOf(event));
  return sentOf(statusCode, headers as Record<string, string>, body ?? "");
}

let api: ApiClient;
let fetch: Fetch;
beforeEach(() => {
  api = createApiClient();
  fetch = (request) => api.app.fetch(request);
});
afterEach(() => vi.restoreAllMocks());

/** A GET path for each kind of route, with and without a key, and the compat API. */
const READS = [
  ...["/", "/healthz", "/docs", "/openapi.json", "/v1/flows", "/v1/providers", "/v1/nothing"],
  // new-api sends the body `null` with these.
  ...["/mj/task/list", "/mj/task/1795998324515494/image-seed", "/mj/task/1795998324515494/fetch"],
];

describe.each([
  ["streaming", stream],
  ["buffered", buffer],
] as const)("the %s handler", (_, send) => {
  test.each(READS.flatMap((path) => ["GET", "HEAD"].map((method) => [method, path] as const)))(
    "responds to %s %s with a body as without one",
    async (method, rawPath) => {
      const without = await send(fetch, { method, rawPath });
      for (const body of ["null", "{}", '{"status":"running"}', "not JSON"]) {
        const headers = { "content-type": "application/json", "content-length": String(body.length) };
        const response = await send(fetch, { method, rawPath, body, headers });
        expect([response.status, response.headers["content-type"]]).toEqual([
          without.status,
          without.headers["content-type"],
        ]);
        expect(response.headers["x-request-id"]).toBeTruthy();
        expect(response.text.length).toBe(without.text.length);
      }
      const bytes = { body: Buffer.from([0xff, 0]).toString("base64"), isBase64Encoded: true };
      expect((await send(fetch, { method, rawPath, ...bytes })).status).toBe(without.status);
    },
  );

  test("a GET with a body and without a key gets 401", async () => {
    const response = await send(fetch, { rawPath: "/v1/flows", body: "{}", headers: { authorization: "" } });
    expect([response.status, response.body.code]).toEqual([401, "unauthorized"]);
  });

  test("a POST is passed on with its body, as text and as base64", async () => {
    const body = JSON.stringify({ ...FLOW, prompt: "a böat" });
    const headers = { "content-type": "application/json" };
    for (const sent of [{ body }, { body: Buffer.from(body).toString("base64"), isBase64Encoded: true }]) {
      const response = await send(fetch, { method: "POST", rawPath: "/v1/flows", headers, ...sent });
      expect([response.status, response.body.prompt]).toEqual([202, "a böat"]);
    }
  });

  test.each([
    ["a domain name with a space", { domainName: "a b" }],
    ["an empty domain name", { domainName: "" }],
    ["a header name with a space", { headers: { "a b": "c" } }],
    ["a header value with a line break", { headers: { a: "b\r\nc: d" } }],
    ["a header value with a NUL character", { headers: { a: "\0" } }],
    ["a method with a space", { method: "A B" }],
    ["an empty method", { method: "" }],
  ])("an event with %s gets 400 as problem+json with a request id", async (_, event) => {
    const response = await send(fetch, event);
    expect([response.status, response.headers["content-type"]]).toEqual([400, "application/problem+json"]);
    expect(response.body).toMatchObject({ code: "invalid_request", requestId: response.headers["x-request-id"] });
  });

  test.each([
    ["rejects", () => Promise.reject(new Error("sk-secret"))],
    [
      "throws",
      () => {
        throw new TypeError("sk-secret");
      },
    ],
  ] as [string, Fetch][])("an app that %s gets 500 as problem+json with a request id", async (_, broken) => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const response = await send(broken, {});
    expect([response.status, response.headers["content-type"]]).toEqual([500, "application/problem+json"]);
    expect(response.body).toMatchObject({ code: "internal", requestId: response.headers["x-request-id"] });
    expect(response.text).not.toContain("sk-secret");
    expect(JSON.parse(logged.mock.calls[0]![0])).toMatchObject({
      level: "error",
      event: "api.failed",
      requestId: response.body.requestId,
    });
  });

  test.each(["TRACE", "TRACK", "CONNECT", "PROPFIND", "DELETE"])(
    "the method %s gets 405 as problem+json with Allow",
    async (method) => {
      const response = await send(fetch, { method, rawPath: "/v1/flows", body: "x" });
      expect([response.status, response.headers["content-type"]]).toEqual([405, "application/problem+json"]);
      expect([response.headers["allow"], response.body.code]).toEqual(["GET, HEAD, POST", "method_not_allowed"]);
      expect(response.body.requestId).toBe(response.headers["x-request-id"]);
    },
  );

  test("a header without a value reaches the app, and other characters than ASCII are percent-encoded", async () => {
    const seen: (string | null)[] = [];
    const echo: Fetch = ({ headers }) => {
      seen.push(headers.get("x-empty"), headers.get("x-text"), headers.get("x-half"));
      return new Response("");
    };
    await send(echo, { headers: { "x-empty": "", "x-text": "böat", "x-half": "\ud800" } });
    expect(seen).toEqual(["", "b%C3%B6at", "%EF%BF%BD"]);
  });

  test("an empty Idempotency-Key gets 400 that names the header, and no flow is created", async () => {
    const headers = { "content-type": "application/json", "idempotency-key": "" };
    const event = { method: "POST", rawPath: "/v1/flows", headers, body: JSON.stringify(FLOW) };
    const response = await send(fetch, event);
    expect([response.status, response.body.field]).toEqual([400, "Idempotency-Key"]);
    expect(response.body.detail).toContain("Idempotency-Key: must be 1 to 255 visible ASCII characters");
    expect(api.harness.dump().flows).toEqual([]);
  });

  test("a path that starts with two slashes stays a path", async () => {
    const response = await send(fetch, { rawPath: "//evil.test/v1/flows" });
    expect(response.status).toBe(404);
  });
});

test("a body that fails after the head makes the streaming handler fail, so that Lambda cuts the response off", async () => {
  const broken = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("first "));
    },
    pull() {
      throw new Error("the table is gone");
    },
  });
  await expect(stream(() => new Response(broken), {})).rejects.toThrow("the table is gone");
});
