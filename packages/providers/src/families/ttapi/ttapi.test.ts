/** What TTAPI does beside its fixtures: windows without a vendor, searches, and images. */
import type { CallContext } from "@mjflow/core/port";
import { expect, test } from "vitest";
import type { VendorHttpRequest } from "../../http-client.ts";
import { connect } from "./calls.ts";
import { readCallback } from "./read.ts";

const account = { baseUrl: "https://api.ttapi.io", apiKey: "key" };
const context: CallContext = { account, notifyHook: "https://hooks.test/callbacks/1.a.b", state: "01JZX9_0_1" };
const JOB = "5f0c1d2e-0a1b-4c3d-8e4f-000000000101";
const GRID = {
  status: "SUCCESS",
  jobId: JOB,
  data: { jobId: JOB, progress: "100", cdnImage: "https://x.example/a.png" },
};

/** A vendor with one answer for each path. */
function vendor(answers: Record<string, unknown>) {
  const sent: (VendorHttpRequest & { path: string })[] = [];
  const calls = connect(
    {
      httpClient: async (request) => {
        const path = new URL(request.url).pathname.replace("/midjourney/v1", "");
        sent.push({ ...request, path });
        return { kind: "answered", status: 200, text: JSON.stringify(answers[path] ?? {}) };
      },
    },
    new Set(),
  );
  return { calls, sent };
}

const accepted = { status: "SUCCESS", data: { job_id: JOB } };
const redraw = readCallback(
  JSON.stringify({ ...GRID, data: { ...GRID.data, components: ["low_variation"] } }),
)!.result.buttons!.at(-1)!;

test("a mask is asked for without calling the vendor, and one paid call carries mask and prompt", async () => {
  const { calls, sent } = vendor({ "/inpaint": accepted });
  const modal = await calls.press({ vendorTaskId: JOB, customId: redraw.customId }, context);
  if (modal.kind !== "modal") throw new Error("no modal");
  expect(sent).toEqual([]);
  const answer = { vendorTaskId: modal.vendorTaskId, prompt: "a hat", maskBase64: "data:image/png;base64,AAAA" };
  expect(await calls.modal(answer, context)).toEqual({ kind: "accepted", vendorTaskId: JOB });
  expect(sent.map(({ path }) => path)).toEqual(["/inpaint"]);
  expect(sent[0]!.body).toMatchObject({ jobId: JOB, mask: "AAAA", prompt: "a hat" });
});

test("an answer without a mask is refused without a call", async () => {
  const { calls, sent } = vendor({});
  const modal = await calls.press({ vendorTaskId: JOB, customId: redraw.customId }, context);
  if (modal.kind !== "modal") throw new Error("no modal");
  const outcome = await calls.modal({ vendorTaskId: modal.vendorTaskId, prompt: "a hat" }, context);
  expect(outcome).toMatchObject({ kind: "refused", failure: { code: "input_missing" } });
  expect(sent).toEqual([]);
});

test("a lost answer is searched by our reference; a look-up never says that the modal is still open", async () => {
  const item = { job_id: JOB, status: 2, hook_url: "https://hooks.test/callbacks/1.a.b?ref=01JZX9_0_1" };
  const found = vendor({ "/fetch-list": { status: "SUCCESS", data: [item] }, "/fetch": GRID });
  const modal = await found.calls.press({ vendorTaskId: JOB, customId: redraw.customId }, context);
  if (modal.kind !== "modal") throw new Error("no modal");
  const { reports } = await found.calls.lookup([modal.vendorTaskId], account);
  expect(reports).toMatchObject([{ vendorTaskId: modal.vendorTaskId, status: "SUCCESS" }]);
  const lacking = vendor({ "/fetch-list": { status: "SUCCESS", data: [] } });
  expect((await lacking.calls.lookup([modal.vendorTaskId], account)).reports).toEqual([]);
});

test.each([
  ["notify_id", { notify_id: "01JZX9_0_1" }],
  ["hookUrl", { hookUrl: "https://hooks.test/callbacks/1.a.b?ref=01JZX9_0_1" }],
  ["hook_url", { hook_url: "https://hooks.test/callbacks/1.a.b?ref=01JZX9_0_1" }],
])("a lost submission is found by %s, and a list that lacks it proves nothing", async (_, echoed) => {
  const list = { status: "SUCCESS", data: [{ job_id: "other" }, { job_id: JOB, ...echoed }] };
  const { calls } = vendor({ "/fetch-list": list, "/fetch": GRID });
  const result = await calls.search(["01JZX9_0_1", "01JZX9_0_2"], account);
  expect(result.reports).toMatchObject([{ vendorTaskId: JOB, state: "01JZX9_0_1", status: "SUCCESS" }]);
  expect(result.completeSince).toBeUndefined();
  expect(result.requests).toBe(2);
});

test("images of an imagine must be links, those of a blend data URIs, a describe takes both", async () => {
  const link = "https://x.example/a.png";
  const data = "data:image/png;base64,AAAA";
  const { calls, sent } = vendor({ "/imagine": accepted, "/blend": accepted, "/describe": accepted });
  const submit = (action: "imagine" | "blend" | "describe", base64Array: string[]) =>
    calls.submit({ action, prompt: "a boat", inputs: { base64Array } }, context);
  expect((await submit("imagine", [link])).kind).toBe("accepted");
  expect((await submit("imagine", [data])).kind).toBe("refused");
  expect((await submit("blend", [data, data])).kind).toBe("accepted");
  expect((await submit("blend", [link, data])).kind).toBe("refused");
  expect((await submit("describe", [link])).kind).toBe("accepted");
  expect((await submit("describe", [data])).kind).toBe("accepted");
  expect(sent.map(({ body }) => body)).toMatchObject([
    { prompt: `${link} a boat` },
    { imgBase64Array: [data, data] },
    { url: link },
    { base64: data },
  ]);
});

test("a text of the moderation that quotes the prompt decides nothing by the words of the prompt", async () => {
  const { calls } = vendor({
    "/imagine": { status: "FAILED", message: "cannot draw: a poster, banned prompt", data: null },
  });
  const call = { action: "imagine", prompt: "a poster, banned prompt", inputs: {} } as const;
  expect(await calls.submit(call, context)).toMatchObject({ kind: "refused", failure: { code: "vendor_refused" } });
});

test.each([
  ["PENDING_QUEUE", "NOT_START"],
  ["ON_QUEUE", "IN_PROGRESS"],
  ["SUCCESS", "SUCCESS"],
  ["FAILED", "FAILURE"],
])("the status %s is %s", (word, status) =>
  expect(readCallback(JSON.stringify({ status: word, jobId: JOB, data: null }))?.status).toBe(status),
);

test("an unknown status is recorded as such, and a body of null buttons does not tell them", () => {
  expect(readCallback(JSON.stringify({ status: "HELD", jobId: JOB }))).toMatchObject({ unknownStatus: "HELD" });
  const report = readCallback(JSON.stringify({ ...GRID, data: { ...GRID.data, components: null, images: null } }))!;
  expect(report.result.buttons).toBeUndefined();
  expect(report.result.images).toBeUndefined();
});
