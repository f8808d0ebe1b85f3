/** The handlers of the callback and dead-letter functions, with their parts composed for a table in memory. */

import { createStore } from "@mjflow/store/dynamo";
import type { LambdaFunctionURLEvent, SQSEvent } from "aws-lambda";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createTestHarness, HARNESS_START } from "../support/harness.ts";
import { createMemoryQueue } from "../support/memory/queue.ts";
import { createMemoryTable, type MemoryTable } from "../support/memory/table.ts";

const SECRET = "a callback token key for tests, long enough to be accepted";
const RESOURCES = {
  App: { name: "mjflow", stage: "test" },
  HookKey: { value: SECRET },
  PreviousHookKey: { value: "" },
};

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

test("a callback that cannot be stored gets 503 with Retry-After", async () => {
  // The callback token expires, so the function must be loaded at the time of the harness.
  vi.useFakeTimers({ toFake: ["Date"], now: HARNESS_START });
  const broken = new Proxy(table, { get: () => async () => Promise.reject(new Error("the table is gone")) });
  await useTable(broken);
  const { handler } = await import("../../functions/callback.ts");
  const harness = createTestHarness();
  await harness.start({ prompt: "a boat" });
  await harness.drain();
  const { notifyHook } = harness.vendor.calls[0]!.context;
  const response = await handler({
    rawPath: new URL(notifyHook!).pathname,
    headers: { "content-type": "application/json" },
    requestContext: { http: { method: "POST" } },
    body: JSON.stringify({ id: "1", status: "SUCCESS", imageUrl: "https://vendor.test/a.png" }),
    isBase64Encoded: false,
  } as unknown as LambdaFunctionURLEvent);
  expect(response).toMatchObject({ statusCode: 503, headers: { "retry-after": expect.stringMatching(/^[1-9]\d*$/) } });
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
