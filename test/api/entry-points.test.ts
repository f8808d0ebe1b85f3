/** The handlers of the callback and dead-letter functions, with their parts composed for a table in memory. */

import { CALLBACK } from "@mjflow/core/limit";
import { createCallbackTokens } from "@mjflow/engine/callback-token";
import { createStore } from "@mjflow/store/dynamo";
import type { LambdaFunctionURLEvent, SQSEvent } from "aws-lambda";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { createTestHarness, HARNESS_START, TOKEN_KEY } from "../support/harness.ts";
import { createMemoryQueue } from "../support/memory/queue.ts";
import { createMemoryTable, type MemoryTable } from "../support/memory/table.ts";

const RESOURCES = {
  App: { name: "mjflow", stage: "test" },
  HookKey: { value: TOKEN_KEY },
  PreviousHookKey: { value: "" },
};

/** What the callback function reads of its event. */
interface CallbackEvent {
  rawPath: string;
  headers: Record<string, string>;
  requestContext: { http: { method: string } };
  body: string;
  isBase64Encoded: boolean;
}

/** Uses the table for functions that are imported after this call. */
async function useTable(table: MemoryTable): Promise<void> {
  vi.resetModules();
  for (const [key, resource] of Object.entries(RESOURCES)) vi.stubEnv(`SST_RESOURCE_${key}`, JSON.stringify(resource));
  vi.stubEnv("MJFLOW_LOG", "silent");
  const { useLocalBackend } = await import("../../functions/composition/base.ts");
  useLocalBackend({
    table,
    queue: createMemoryQueue({ now: Date.now, visibilityMs: 1_000, maxReceiveCount: 5 }),
    queueDepths: async () => [],
    bucketEndpoint: async () => "http://127.0.0.1:1",
    together: async (work) => work(),
  });
}

let table: MemoryTable;
beforeEach(() => {
  table = createMemoryTable();
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

describe("the response to a callback", () => {
  /** Calls the function with the callback of a task that is submitted. */
  async function post(change: (event: CallbackEvent) => Partial<CallbackEvent> = () => ({}), on: MemoryTable = table) {
    // The callback token expires, so the function must be loaded at the time of the harness.
    vi.useFakeTimers({ toFake: ["Date"], now: HARNESS_START });
    const harness = createTestHarness({ table });
    await harness.start({ prompt: "a boat" });
    await harness.drain();
    const { notifyHook } = harness.vendor.calls[0]!.context;
    const event: CallbackEvent = {
      rawPath: new URL(notifyHook!).pathname,
      headers: { "content-type": "application/json" },
      requestContext: { http: { method: "POST" } },
      body: JSON.stringify({ id: "1", status: "SUCCESS", imageUrl: "https://vendor.test/a.png" }),
      isBase64Encoded: false,
    };
    await useTable(on);
    const { handler } = await import("../../functions/callback.ts");
    return handler({ ...event, ...change(event) } as unknown as LambdaFunctionURLEvent);
  }
  const said = (statusCode: number, description: string, headers: object = {}) => ({
    statusCode,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ code: statusCode === 200 ? 1 : 4, description }),
  });
  const LARGE = "x".repeat(CALLBACK.bodyBytes);

  test.each<[string, (event: CallbackEvent) => Partial<CallbackEvent>, object]>([
    ["is ok", () => ({}), said(200, "ok")],
    ["is ok for a path with a slash at its end", ({ rawPath }) => ({ rawPath: `${rawPath}/` }), said(200, "ok")],
    ["is 404 for another path", () => ({ rawPath: "/callbacks/" }), said(404, "not found")],
    ["is 404 for a longer path", ({ rawPath }) => ({ rawPath: `/x${rawPath}` }), said(404, "not found")],
    ["is 404 for a path below it", ({ rawPath }) => ({ rawPath: `${rawPath}/x` }), said(404, "not found")],
    ["is 404 for a very long token", () => ({ rawPath: `/callbacks/${"a".repeat(513)}` }), said(404, "not found")],
    [
      "is 405 with the method that is allowed",
      () => ({ requestContext: { http: { method: "GET" } } }),
      said(405, "use POST", { allow: "POST" }),
    ],
    ["is 401 for a wrong token", () => ({ rawPath: "/callbacks/abc" }), said(401, "not a valid callback URL")],
    ["is 400 for a body that is no task", () => ({ body: "[]" }), said(400, "not a task")],
    ["is 400 for a body of the largest size", () => ({ body: LARGE }), said(400, "not a task")],
    ["is 413 for a larger body", () => ({ body: `${LARGE}x` }), said(413, "too large")],
    [
      "is 413 for a larger body in base64",
      () => ({ body: Buffer.from(`${LARGE}x`).toString("base64"), isBase64Encoded: true }),
      said(413, "too large"),
    ],
    [
      "is ok for a body in base64",
      ({ body }) => ({ body: Buffer.from(body).toString("base64"), isBase64Encoded: true }),
      said(200, "ok"),
    ],
  ])("%s", async (_, change, expected) => {
    expect(await post(change)).toEqual(expected);
  });

  test("is 503 with Retry-After if the callback cannot be stored", async () => {
    const broken = new Proxy(table, { get: () => async () => Promise.reject(new Error("the table is gone")) });
    expect(await post(() => ({}), broken)).toEqual(said(503, "try again", { "retry-after": "2" }));
  });
});

describe("the short way of a callback that is dropped", () => {
  const STEP = '{"id":"1","status":"IN_PROGRESS","progress":"40%"}';
  const claims = { path: "0", attempt: 1, provider: "newapi", account: "default", progress: false, calling: true };

  const used: (string | symbol)[] = [];

  async function load() {
    used.length = 0;
    await useTable(
      new Proxy(table, {
        get(target, name) {
          used.push(name);
          return Reflect.get(target, name);
        },
      }),
    );
    const tokens = createCallbackTokens({ keys: [TOKEN_KEY], callbackUrl: "https://hooks.test" });
    const flowId = "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD";
    const rawPath = new URL(tokens.url({ ...claims, flowId, expiresAt: Date.now() + 60_000 })).pathname;
    const { handler } = await import("../../functions/callback.ts");
    const event = { rawPath, requestContext: { http: { method: "POST" } }, headers: {}, isBase64Encoded: false };
    return {
      ...(await import("../../functions/dropped-callback.ts")),
      token: rawPath.slice("/callbacks/".length),
      handle: (body: string) => handler({ ...event, body } as unknown as LambdaFunctionURLEvent),
    };
  }

  test("says the same as the function, which has to check the token first", async () => {
    const { drop, DROPPED, token, handle } = await load();
    expect(drop(token, STEP)).toBe(false);
    expect(await handle(STEP)).toEqual(DROPPED);
    expect(drop(token, STEP)).toBe(true);
    expect(drop(token, STEP.replace("IN_PROGRESS", "SUCCESS"))).toBe(false);
    expect(drop(`${token}x`, STEP)).toBe(false);
  });

  test("45 steps of progress parse nothing and make no request to the table", async () => {
    const { drop, token, handle } = await load();
    await handle(STEP);
    used.length = 0;
    const parse = vi.spyOn(JSON, "parse");
    onTestFinished(() => parse.mockRestore());
    for (let i = 0; i < 45; i++) expect(drop(token, STEP.replace("40", String(i)))).toBe(true);
    expect(parse).not.toHaveBeenCalled();
    expect(used).toEqual([]);
  });
});

test("a dead-letter message that is received twice is stored once", async () => {
  await useTable(table);
  const { handler } = await import("../../functions/deadletter.ts");
  const attributes = { ApproximateReceiveCount: "6", SentTimestamp: String(Date.UTC(2026, 10, 21)) };
  const event = { Records: [{ messageId: "m-1", receiptHandle: "r", body: "{", attributes }] } as unknown as SQSEvent;
  expect(await handler(event)).toEqual({ batchItemFailures: [] });
  expect(await handler(event)).toEqual({ batchItemFailures: [] });
  expect(await createStore({ table }).listDeadLetters(10)).toMatchObject([
    { body: "{", createdAt: Date.UTC(2026, 10, 21) },
  ]);
});
