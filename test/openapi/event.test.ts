/** What is posted to apps is what the description says: each kind of event, and the facade's task object. */

import { EVENT_TYPES } from "@mjflow/core/event";
import { MjTask } from "@mjflow/core/mj-response";
import { expect, test } from "vitest";
import { FLOW } from "../app/api-client.ts";
import { expectDocumentedRoute, expectEventSchema, expectSchema } from "./checked.ts";
import { createOpenApiHarness } from "./harness.ts";

test("every kind of event that is told is as described", async () => {
  const { api, harness, key } = await createOpenApiHarness();
  const call = (method: string, path: string, body?: unknown) => api.call(key, method, path, body);
  await call("POST", "/v1/endpoints", { url: "https://shop.test/all", events: EVENT_TYPES });
  const begin = async (more: object = {}) => (await call("POST", "/v1/flows", { ...FLOW, ...more })).body.id as string;
  const last = () => harness.vendor.calls.at(-1)!;

  await begin({ progress: true, state: "order 9", then: [{ press: "U1" }] });
  await harness.drain();
  await harness.post(last(), "IN_PROGRESS", { progress: 30 });
  await harness.finishAll();
  await begin();
  await harness.drain();
  await harness.post(last(), "FAILURE", { failReason: "no" });
  await harness.drain();
  // The last endpoint says that it is gone; the others hear of that.
  harness.receiver.next({ kind: "answered", status: 410, body: "", tookMs: 1 });
  await begin();
  await harness.finishAll();
  harness.advance(120_000);
  await harness.sweep();
  await harness.drain();

  const told = harness.receiver.posts.filter(({ secrets }) => secrets.length > 0).map(({ body }) => body);
  for (const body of told) expectEventSchema("told", body);
  expect(new Set(told.map(({ type }) => type))).toEqual(new Set(EVENT_TYPES));
});

test("what a facade's notifyHook gets is the task object", async () => {
  const { api, harness, key } = await createOpenApiHarness();
  const body = { prompt: "a boat", notifyHook: "https://shop.test/mj" };
  await api.call(key, "POST", "/mj/submit/imagine", body);
  await harness.finishAll();
  const told = harness.receiver.posts.filter(({ url }) => url === body.notifyHook);
  expect(told.length).toBeGreaterThan(0);
  for (const post of told) {
    expectSchema("mj.task", MjTask, post.body);
    expectDocumentedRoute("mj.task", "#/webhooks/mj.task/post/requestBody/content/application~1json/schema", post.body);
  }
});
