/** What Legnext does beside its fixtures: an answer that the readers of midjourney-proxy refuse, and pictures that are free. */
import { readFileSync } from "node:fs";
import { canonicalButtonName, resolvePress } from "@mjflow/core/button";
import type { CallContext } from "@mjflow/core/port";
import { expect, test } from "vitest";
import type { HttpOutcome, VendorHttpRequest } from "../../http-client.ts";
import { parseSubmitResponse } from "../../submit-response.ts";
import { DIALECTS } from "../../vendors/index.ts";
import { connect } from "./calls.ts";
import { pictureId, readCallback } from "./read.ts";

const account = { baseUrl: "https://api.legnext.ai", apiKey: "key" };
const context: CallContext = { account, notifyHook: "https://hooks.test/callbacks/1.a.b", state: "01JZX9_0_1" };
const bodyOf = (name: string): object => {
  const url = new URL(`../../../fixtures/legnext/${name}.json`, import.meta.url);
  return (JSON.parse(readFileSync(url, "utf8")) as { body: object }).body;
};
const JOB = "8b000000-aaaa-4bbb-8ccc-000000000401";

function vendor(body: object, status = 200) {
  const sent: VendorHttpRequest[] = [];
  const calls = connect(
    {
      httpClient: async (request): Promise<HttpOutcome> => {
        sent.push(request);
        return { kind: "answered", status, text: JSON.stringify(body) };
      },
    },
    new Set(),
  );
  return { calls, sent };
}

const grid = readCallback(JSON.stringify(bodyOf("callback-flat-success")))!;
const customIdOf = (press: string, buttons = grid.result.buttons!) => {
  const found = resolvePress(press, buttons);
  if (!found.ok) throw new Error(press);
  return found.button.customId;
};

test("an accepted, paid 200 is an acceptance here, although the readers of midjourney-proxy would have it paid again", async () => {
  const body = bodyOf("submit-ok");
  expect(body).toHaveProperty("error");
  const text = JSON.stringify(body);
  const misread = parseSubmitResponse({ kind: "answered", status: 200, text }, DIALECTS.get("newapi")!);
  // An unclear submission is sent again, at the latest after its grace period.
  expect(misread.kind).toBe("unclear");
  const { calls } = vendor(body);
  const outcome = await calls.submit({ action: "imagine", prompt: "a boat", inputs: {} }, context);
  expect(outcome).toEqual({ kind: "accepted", vendorTaskId: JOB });
});

test("a picture of the grid is selected for free, and a look-up of the grid shows it at once", async () => {
  const { calls, sent } = vendor(bodyOf("query-success"));
  const outcome = await calls.press({ vendorTaskId: JOB, customId: customIdOf("U2") }, context);
  expect(outcome).toMatchObject({ kind: "accepted", vendorTaskId: pictureId(JOB, 1), existing: true });
  expect(outcome).toMatchObject({ report: { status: "SUCCESS", result: { images: [{ url: expect.anything() }] } } });
  expect(sent.map(({ method }) => method)).toEqual(["GET"]);
  const failing = vendor({}, 502);
  expect(await failing.calls.press({ vendorTaskId: JOB, customId: customIdOf("U2") }, context)).toEqual({
    kind: "accepted",
    vendorTaskId: pictureId(JOB, 1),
    existing: true,
  });
  const { reports, requests } = await calls.lookup([pictureId(JOB, 1), pictureId(JOB, 3), JOB], account);
  expect(requests).toBe(1);
  expect(reports.map(({ vendorTaskId, status }) => [vendorTaskId, status])).toEqual([
    [pictureId(JOB, 1), "SUCCESS"],
    [pictureId(JOB, 3), "SUCCESS"],
    [JOB, "SUCCESS"],
  ]);
  expect(reports[0]!.result.imageUrl).toMatch(/_1\.png$/);
  const names = reports[0]!.result.buttons!.map(({ customId }) => canonicalButtonName(customId));
  expect(names).toEqual(["upscale:subtle", "upscale:creative", "vary:subtle", "vary:strong", "zoom:2", "zoom:1.5"]);
});

test.each([
  ["V3", grid.result.buttons!, "/variation", { imageNo: 2, type: 1 }],
  ["reroll", grid.result.buttons!, "/reroll", {}],
])("the press %s of a grid is sent to %s", async (press, buttons, path, body) => {
  const { calls, sent } = vendor(bodyOf("submit-ok-upscale"));
  await calls.press({ vendorTaskId: JOB, customId: customIdOf(press, buttons) }, context);
  expect(sent[0]!.url).toBe(`https://api.legnext.ai/api/v1${path}`);
  expect(sent[0]!.body).toEqual({ jobId: JOB, ...body, callback: context.notifyHook });
});

test.each([
  ["upscale:creative", "/upscale", { imageNo: 1, type: 1 }],
  ["vary:subtle", "/variation", { imageNo: 1, type: 0 }],
  ["zoom:1.5", "/outpaint", { imageNo: 1, scale: 1.5 }],
])("the press %s of a picture names job and picture", async (press, path, body) => {
  const shown = vendor(bodyOf("query-success"));
  const { reports } = await shown.calls.lookup([pictureId(JOB, 1)], account);
  const { calls, sent } = vendor(bodyOf("submit-ok-upscale"));
  const customId = customIdOf(press, reports[0]!.result.buttons!);
  await calls.press({ vendorTaskId: pictureId(JOB, 1), customId }, context);
  expect(sent[0]!.url).toBe(`https://api.legnext.ai/api/v1${path}`);
  expect(sent[0]!.body).toEqual({ jobId: JOB, ...body, callback: context.notifyHook });
});

test("fast is the default, turbo is a flag, and relax is refused without a request", async () => {
  const { calls, sent } = vendor(bodyOf("submit-ok"));
  const submit = (mode: CallContext["mode"]) =>
    calls.submit({ action: "imagine", prompt: "a boat", inputs: {} }, { ...context, ...(mode && { mode }) });
  await submit("fast");
  await submit("turbo");
  expect((await submit("relax")).kind).toBe("refused");
  expect(sent.map(({ body }) => (body as { text: string }).text)).toEqual(["a boat", "a boat --turbo"]);
});

test.each([
  ["sensitive content detected", "banned_prompt"],
  ["This feature is only available for whitelisted accounts.", "vendor_unauthorized"],
])("a 403 that says %s is %s", async (message, code) => {
  const { calls } = vendor({ error: { code: 403, message, raw_message: message, detail: null } }, 403);
  const outcome = await calls.submit({ action: "imagine", prompt: "a boat", inputs: {} }, context);
  expect(outcome).toMatchObject({ kind: "refused", failure: { code } });
});

test("a grid that has not ended shows no picture yet, and the seed is in the result", async () => {
  const running = vendor(bodyOf("query-running"));
  expect((await running.calls.lookup([pictureId(JOB, 0)], account)).reports).toMatchObject([{ status: "IN_PROGRESS" }]);
  const { calls } = vendor(bodyOf("query-success"));
  expect(await calls.seed(JOB, account)).toBe("3000000001");
});
