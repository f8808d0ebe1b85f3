/** The webhooks that apps receive match their descriptions: every event type, and the task object of the compat API. */

import { EVENT_TYPES } from "@mjflow/core/event";
import { MjTask } from "@mjflow/core/mj-response";
import { expect, test } from "vitest";
import { FLOW } from "../app/api-client.ts";
import { expectDocumentedRoute, expectEventSchema, expectSchema } from "./checked.ts";
import { createOpenApiHarness } from "./harness.ts";

test("the webhook of every event type matches its schema and the document", async () => {
  const { api, harness, key } = await createOpenApiHarness();
  const call = (method: string, path: string, body?: unknown) => api.call(key, method, path, body);
  await call("POST", "/v1/endpoints", { url: "https://shop.test/all", events: EVENT_TYPES });
  const startFlow = async (more: object = {}) =>
    (await call("POST", "/v1/flows", { ...FLOW, ...more })).body.id as string;
  const last = () => harness.vendor.calls.at(-1)!;

  await startFlow({ progress: true, state: "order 9", archive: "later", then: [{ press: "U1" }] });
  await harness.drain();
  await harness.post(last(), "IN_PROGRESS", { progress: 30 });
  await harness.finishAll();
  await startFlow();
  await harness.drain();
  await harness.post(last(), "FAILURE", { failReason: "no" });
  await harness.drain();
  // One endpoint responds 410 and is disabled. The other endpoints get an event about it.
  harness.receiver.next({ kind: "answered", status: 410, body: "", tookMs: 1 });
  await startFlow();
  await harness.finishAll();
  harness.advance(120_000);
  await harness.sweep();
  await harness.drain();

  const received = harness.receiver.posts.filter(({ secrets }) => secrets.length > 0).map(({ body }) => body);
  for (const body of received) expectEventSchema("received", body);
  expect(new Set(received.map(({ type }) => type))).toEqual(new Set(EVENT_TYPES));
});

test("a notifyHook of the compat API receives the task object", async () => {
  const { api, harness, key } = await createOpenApiHarness();
  const body = { prompt: "a boat", notifyHook: "https://shop.test/mj" };
  await api.call(key, "POST", "/mj/submit/imagine", body);
  await harness.finishAll();
  const received = harness.receiver.posts.filter(({ url }) => url === body.notifyHook);
  expect(received.length).toBeGreaterThan(0);
  for (const post of received) {
    expectSchema("mj.task", MjTask, post.body);
    expectDocumentedRoute("mj.task", "#/webhooks/mj.task/post/requestBody/content/application~1json/schema", post.body);
  }
});
