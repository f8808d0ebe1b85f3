/** The webhooks that apps receive match their descriptions: every event type, and the task object of the compat API. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { EVENT_TYPES } from "@mjflow/core/event";
import { MjTask } from "@mjflow/core/mj-response";
import { afterAll, expect, test } from "vitest";
import { FLOW } from "../app/api-client.ts";
import { expectDocumentedRoute, expectEventSchema, expectSchema } from "./checked.ts";
import { createOpenApiHarness, type Json } from "./harness.ts";
import { isRecording, shownJson } from "./record.ts";

/** The documentation shows one webhook of each type. `npm run docs:examples` writes the file. */
const FILE = new URL("../../packages/docs/examples/events.json", import.meta.url);
const written = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, "utf8")) as Record<string, Json>) : {};
const recorded: Record<string, Json> = {};

function record(type: string, body: unknown): void {
  recorded[type] ??= shownJson(JSON.stringify(body));
}

afterAll(() => {
  if (isRecording) writeFileSync(FILE, `${JSON.stringify(recorded, null, 1)}\n`);
});

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
  for (const body of received) record(body.type, body);
  if (!isRecording) expect(written, "run `npm run docs:examples`").toMatchObject(recorded);
});

test("a notifyHook of the compat API receives the task object", async () => {
  const { api, harness, key } = await createOpenApiHarness();
  const body = { prompt: "a boat", notifyHook: "https://shop.test/mj" };
  await api.call(key, "POST", "/mj/submit/imagine", body);
  await harness.finishAll();
  const received = harness.receiver.posts.filter(({ url }) => url === body.notifyHook);
  expect(received.length).toBeGreaterThan(0);
  record("mj.task", received.at(-1)!.body);
  if (!isRecording) expect(written["mj.task"], "run `npm run docs:examples`").toEqual(recorded["mj.task"]);
  for (const post of received) {
    expectSchema("mj.task", MjTask, post.body);
    expectDocumentedRoute("mj.task", "#/webhooks/mj.task/post/requestBody/content/application~1json/schema", post.body);
  }
});
