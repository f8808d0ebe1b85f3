/** What AceDataCloud does beside its fixtures: progress that claims success, searches, seeds. */
import type { CallContext, RootCall } from "@mjflow/core/port";
import { expect, test } from "vitest";
import type { HttpOutcome, VendorHttpRequest } from "../../http-client.ts";
import { connect } from "./calls.ts";
import { readCallback } from "./read.ts";

const account = { baseUrl: "https://api.acedata.cloud", apiKey: "key" };
const context: CallContext = { account, notifyHook: "https://hooks.test/callbacks/1.a.b", state: "01JZX9_0_1" };
const TASK = "7a000000-1111-4222-8333-000000000201";
const address = "https://hooks.test/callbacks/1.a.b?ref=01JZX9_0_1";

function vendor(answer: unknown, { status = 200, on = [] as string[] } = {}) {
  const sent: VendorHttpRequest[] = [];
  const calls = connect(
    {
      httpClient: async (request): Promise<HttpOutcome> => {
        sent.push(request);
        const body = typeof answer === "function" ? answer(request) : answer;
        return { kind: "answered", status, text: JSON.stringify(body) };
      },
    },
    new Set(on),
  );
  return { calls, sent };
}

const done = {
  success: true,
  task_id: TASK,
  image_id: "1300000000000000201",
  raw_image_url: "https://x.example/a.png",
};
const read = (body: object) => readCallback(JSON.stringify(body));

test.each([
  ["35 % without actions", { progress: 35, actions: [] }, "IN_PROGRESS"],
  ["100 % without actions", { progress: 100, actions: [] }, "IN_PROGRESS"],
  ["35 % with actions", { progress: 35, actions: ["reroll"] }, "IN_PROGRESS"],
  ["100 % with actions", { progress: 100, actions: ["reroll"] }, "SUCCESS"],
  ["100 % without the field, as an edit", { progress: 100 }, "SUCCESS"],
  ["a progress that cannot be read", { progress: "soon" }, "IN_PROGRESS"],
  ["a progress of another type and no actions", { progress: [35], actions: [] }, "IN_PROGRESS"],
  ["no progress and no actions", {}, "IN_PROGRESS"],
  ["no progress, but actions", { actions: ["reroll"] }, "SUCCESS"],
  ["no progress, but texts", { descriptions: ["a boat"] }, "SUCCESS"],
])("a callback that says success with %s is read as what it is", (_, more, status) => {
  const report = read({ ...done, ...more })!;
  expect(report.status).toBe(status);
  if (status === "IN_PROGRESS") expect(report.result).toEqual({});
  if (status === "IN_PROGRESS") expect(report.progress).toBeLessThan(100);
});

test("a press names the image and never the task", async () => {
  const { calls, sent } = vendor({ task_id: TASK });
  const [button] = read({ ...done, progress: 100, actions: ["variation3"] })!.result.buttons!;
  await calls.press({ vendorTaskId: TASK, customId: button!.customId }, { ...context, mode: "relax" });
  expect(sent[0]!.body).toMatchObject({ action: "variation3", image_id: "1300000000000000201", mode: "relax" });
  expect(JSON.stringify(sent[0]!.body)).not.toContain(TASK);
});

test.each([
  ["a prompt that moderation rejects", 403, { code: "forbidden", message: "against the standards" }, "banned_prompt"],
  ["money", 403, { code: "used_up", message: "Your balance is used up." }, "vendor_out_of_money"],
  ["the key", 400, { code: "token_mismatched", message: "no" }, "vendor_unauthorized"],
  ["a verb", 400, { code: "api_not_implemented", message: "no" }, "unsupported"],
  ["an argument", 400, { code: "bad_request", message: "Unrecognized argument(s): `-c`" }, "invalid_prompt"],
])("an error about %s has its own failure", async (_, status, error, code) => {
  const { calls } = vendor({ error, trace_id: "9c" }, { status });
  const outcome = await calls.submit({ action: "imagine", prompt: "a boat", inputs: {} }, context);
  expect(outcome).toMatchObject({ kind: "refused", failure: { code } });
});

test("a lost submission is found by the address in its request", async () => {
  const items = [
    { id: "other", created_at: 1_790_000_100, request: { callback_url: "https://elsewhere.example/x" } },
    { id: TASK, created_at: 1_790_000_000.5, request: { callback_url: address } },
  ];
  const { calls, sent } = vendor({ items });
  const result = await calls.search(["01JZX9_0_1", "01JZX9_0_9"], account);
  expect(result.reports).toMatchObject([{ vendorTaskId: TASK, state: "01JZX9_0_1", status: "IN_PROGRESS" }]);
  // The list shows addresses of ours, so it is complete since its earliest task.
  expect(result.completeSince).toBe(1_790_000_000_500);
  expect(sent[0]!.body).toEqual({ action: "retrieve_batch", offset: 0, limit: 50 });
});

test("a list without addresses of ours proves no absence", async () => {
  const { calls } = vendor({ items: [{ id: "other", created_at: 1_790_000_100, request: {} }] });
  const result = await calls.search(["01JZX9_0_1"], account);
  expect(result.reports).toEqual([]);
  expect(result.completeSince).toBeUndefined();
});

test("the seed is asked by the image of the task", async () => {
  const { calls, sent } = vendor((request: VendorHttpRequest) =>
    request.url.endsWith("/seed") ? { seed: "123" } : { id: TASK, image_id: "1300000000000000201", request: {} },
  );
  expect(await calls.seed(TASK, account)).toBe("123");
  expect(sent.map(({ body }) => body)).toEqual([{ action: "retrieve", id: TASK }, { image_id: "1300000000000000201" }]);
});

test.each([
  [200, "123"],
  [400, undefined],
  [404, undefined],
  [403, "HTTP 403"],
  [500, "HTTP 500"],
])("a question for the seed that is answered with %i gives %s", async (status, seed) => {
  const httpClient = async ({ url }: VendorHttpRequest): Promise<HttpOutcome> => {
    const isSeed = url.endsWith("/seed");
    const body = isSeed ? { seed: "123" } : { id: TASK, request: {}, response: { image_id: "13" } };
    return { kind: "answered", status: isSeed ? status : 200, text: JSON.stringify(body) };
  };
  const asked = connect({ httpClient }, new Set()).seed(TASK, account);
  expect(await asked.catch(({ message }: Error) => message)).toBe(seed);
});

test("a task without an image has no seed, and nothing more is asked", async () => {
  const { calls, sent } = vendor({ id: TASK, request: {} });
  expect(await calls.seed(TASK, account)).toBeUndefined();
  expect(sent).toHaveLength(1);
});

test("a blend is a prompt of links with its ratio; shorten is off unless it is turned on", async () => {
  const { calls, sent } = vendor({ task_id: TASK });
  const base64Array = ["https://x.example/a.png", "https://x.example/b.png"];
  await calls.submit({ action: "blend", dimensions: "PORTRAIT", inputs: { base64Array } }, context);
  expect(sent[0]!.body).toMatchObject({ prompt: "https://x.example/a.png https://x.example/b.png --ar 2:3" });
  const shorten = { action: "shorten", prompt: "a boat", inputs: {} } as const;
  expect((await calls.submit(shorten, context)).kind).toBe("refused");
  const on = vendor({ task_id: TASK }, { on: ["shorten"] });
  expect((await on.calls.submit(shorten, context)).kind).toBe("accepted");
  expect(read({ success: true, task_id: TASK, descriptions: ["a boat", "a ship"] })!.result.prompt).toBe(
    "a boat\na ship",
  );
});

const DESCRIBE: RootCall = { action: "describe", inputs: { base64Array: ["https://x.example/a.png"] } };

test("a describe ends with its response, which has the texts and names no task", async () => {
  const { calls, sent } = vendor({ descriptions: ["a boat", "a ship"] });
  const outcome = await calls.submit(DESCRIBE, context);
  expect(outcome).toMatchObject({
    kind: "accepted",
    report: { status: "SUCCESS", result: { prompt: "a boat\na ship" } },
  });
  if (outcome.kind !== "accepted") return;
  // A look-up of this task asks nothing, because the vendor does not know its id.
  expect(await calls.lookup([outcome.vendorTaskId], account)).toEqual({ reports: [], requests: 0 });
  expect(sent).toHaveLength(1);
});

test("a describe whose response has an empty list of texts has not ended", async () => {
  const named = vendor({ task_id: TASK, descriptions: [] });
  expect(await named.calls.submit(DESCRIBE, context)).toEqual({ kind: "accepted", vendorTaskId: TASK });
  const unnamed = vendor({ descriptions: ["", null] });
  expect(await unnamed.calls.submit(DESCRIBE, context)).toMatchObject({ kind: "unclear" });
  const report = { success: true, task_id: TASK, descriptions: [] };
  expect(readCallback(JSON.stringify(report))).toMatchObject({ status: "IN_PROGRESS" });
});

test("a describe whose response names a task waits for its callback", async () => {
  const { calls } = vendor({ task_id: TASK });
  expect(await calls.submit(DESCRIBE, context)).toEqual({ kind: "accepted", vendorTaskId: TASK });
});
