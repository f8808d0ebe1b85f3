/** What useapi.net does beside its fixtures: envelopes, references, buttons that work once, and the custom zoom. */
import type { CallContext } from "@mjflow/core/port";
import { expect, test } from "vitest";
import type { HttpOutcome, VendorHttpRequest } from "../../http-client.ts";
import { connect } from "./calls.ts";
import { readCallback } from "./read.ts";

const account = { baseUrl: "https://api.useapi.net", apiKey: "key" };
const context: CallContext = { account, notifyHook: "https://hooks.test/callbacks/1.a.b", state: "01JZX9_0_1" };
const JOB = "j1130014200000000001i-u90001-c1300000000000000301-bot:midjourney";
const job = (more: object = {}) => ({ jobid: JOB, verb: "imagine", status: "completed", ...more });
const read = (body: object) => readCallback(JSON.stringify(body));

function vendor(answers: Record<string, unknown>) {
  const sent: (VendorHttpRequest & { path: string })[] = [];
  const calls = connect(
    {
      httpClient: async (request): Promise<HttpOutcome> => {
        const path = new URL(request.url).pathname.replace("/v3/midjourney", "");
        sent.push({ ...request, path });
        return { kind: "answered", status: 200, text: JSON.stringify(answers[path] ?? { error: "no" }) };
      },
    },
    new Set(),
  );
  return { calls, sent };
}

test("an id with a colon is kept whole, in callbacks, look-ups and presses", async () => {
  const report = read(job({ response: { buttons: ["U1"] } }))!;
  expect(report.vendorTaskId).toBe(JOB);
  const { calls, sent } = vendor({
    [`/jobs/${JOB}`]: job(),
    "/jobs/button": job({ verb: "button", status: "created" }),
  });
  expect((await calls.lookup([JOB], account)).reports).toMatchObject([{ vendorTaskId: JOB }]);
  await calls.press({ vendorTaskId: JOB, customId: report.result.buttons![0]!.customId }, context);
  expect(sent[1]!.body).toMatchObject({ jobId: JOB, button: "U1" });
});

test.each([
  ["the bare job", job({ replyRef: "01JZX9_0_1" })],
  ["an event around the job", { event: "midjourney_completed", data: job({ replyRef: "01JZX9_0_1" }) }],
  ["the reference in the response", job({ response: { replyRef: "01JZX9_0_1" } })],
  ["the reference beside the job", { job: job(), replyRef: "01JZX9_0_1" }],
  ["the reference in the request", job({ request: { replyRef: "01JZX9_0_1" } })],
  ["only our address", job({ request: { replyUrl: "https://hooks.test/callbacks/1.a.b?ref=01JZX9_0_1" } })],
])("a callback with %s names task and reference", (_, body) =>
  expect(read(body)).toMatchObject({ vendorTaskId: JOB, status: "SUCCESS", state: "01JZX9_0_1" }),
);

test.each([
  ["created", "NOT_START"],
  ["started", "SUBMITTED"],
  ["progress", "IN_PROGRESS"],
  ["completed", "SUCCESS"],
  ["moderated", "FAILURE"],
  ["failed", "FAILURE"],
  ["cancelled", "CANCEL"],
])("the status %s is %s", (status, expected) => expect(read(job({ status }))!.status).toBe(expected));

test("a moderated job is a rejected prompt, whatever its words are", () => {
  const body = job({ status: "moderated", response: { content: "invalid parameter" } });
  expect(read(body)).toMatchObject({ failureCode: "banned_prompt" });
});

test("every submission says that it wants no stream", async () => {
  const created = job({ status: "created" });
  const { calls, sent } = vendor({ "/jobs/imagine": created, "/jobs/blend": created, "/jobs/button": created });
  const base64Array = ["https://x.example/a.png", "https://x.example/b.png"];
  await calls.submit({ action: "imagine", prompt: "a boat", inputs: {} }, { ...context, mode: "relax" });
  await calls.submit({ action: "blend", dimensions: "SQUARE", inputs: { base64Array } }, context);
  const [button] = read(job({ response: { buttons: ["🔄"] } }))!.result.buttons!;
  await calls.press({ vendorTaskId: JOB, customId: button!.customId }, context);
  for (const { body } of sent) expect(body).toMatchObject({ stream: false, replyRef: "01JZX9_0_1" });
  expect(sent[0]!.body).toMatchObject({ prompt: "a boat --relax" });
  expect(sent[1]!.body).toMatchObject({
    imageUrl_1: base64Array[0],
    imageUrl_2: base64Array[1],
    blendDimensions: "Square",
  });
});

test("a custom zoom asks for its prompt without a call, and one call carries both", async () => {
  const { calls, sent } = vendor({ "/jobs/button": job({ verb: "button", status: "created" }) });
  const [button] = read(job({ response: { buttons: ["Custom Zoom"] } }))!.result.buttons!;
  const modal = await calls.press(
    { vendorTaskId: JOB, customId: button!.customId, prompt: "wide --zoom 1.8" },
    context,
  );
  if (modal.kind !== "modal") throw new Error("no modal");
  expect(sent).toEqual([]);
  const answer = { vendorTaskId: modal.vendorTaskId, prompt: "wide --zoom 1.8" };
  expect(await calls.modal(answer, context)).toMatchObject({ kind: "accepted", vendorTaskId: JOB });
  expect(sent[0]!.body).toMatchObject({ jobId: JOB, button: "Custom Zoom", prompt: "wide --zoom 1.8" });
});

test("a lost submission is found while its job runs, and the list proves no absence", async () => {
  const running = job({ status: "progress", request: { replyRef: "01JZX9_0_1" } });
  const { calls } = vendor({ "/jobs": [JOB], [`/jobs/${JOB}`]: running });
  const result = await calls.search(["01JZX9_0_1", "01JZX9_0_2"], account);
  expect(result.reports).toMatchObject([{ vendorTaskId: JOB, status: "IN_PROGRESS" }]);
  expect(result.requests).toBe(2);
  expect(result.completeSince).toBeUndefined();
});

test("buttons that need what mjflow cannot send are left out", () => {
  const buttons = ["Vary (Region)", "❤️", "Animate (High motion)", "1️⃣", "Vary (Subtle)"];
  const names = read(job({ response: { buttons } }))!.result.buttons!.map(({ label }) => label);
  expect(names).toEqual(["Vary (Subtle)"]);
});

test("the channel of the account and our address are not in the stored body", () => {
  const body = job({ request: { replyUrl: "https://hooks.test/callbacks/1.a.b", channel: "1300", prompt: "a boat" } });
  expect(read(body)!.result.raw).toBe(
    JSON.stringify({ jobid: JOB, verb: "imagine", status: "completed", request: { prompt: "a boat" } }),
  );
});
