/**
 * Root actions through the whole engine, with recorded bodies in the place of the vendor: the response to the submission, and the
 * callback with the result. Every dialect plays every verb that it has, so a new verb of a dialect needs a recorded result.
 */
import { readFileSync } from "node:fs";
import type { FlowRequest } from "@mjflow/core/request";
import { ROOT_ACTIONS, type RootAction } from "@mjflow/core/root-action";
import { taskView } from "@mjflow/engine/view";
import type { VendorHttpRequest } from "@mjflow/providers/http-client";
import { createProviders } from "@mjflow/providers/registry";
import { DIALECTS } from "@mjflow/providers/vendors/index";
import { expect, test } from "vitest";
import { createTestHarness } from "../support/harness.ts";

const PNG = "data:image/png;base64,iVBORw0KGgo=";
const LINK = "https://x.test/a.png";

type Recorded = Record<string, unknown>;
const recorded = (name: string) =>
  JSON.parse(
    readFileSync(new URL(`../../packages/providers/fixtures/${name}.json`, import.meta.url), "utf8"),
  ) as Recorded;

interface Play {
  request: Partial<FlowRequest>;
  /** Recorded results: of the dialect's own server, or of one with the same shape (`other`). */
  results: Readonly<Record<string, string>> & { other: string };
  /** Recorded responses to the submission. */
  accepted?: Readonly<Record<string, string>>;
  action: string;
  /** What the result has: a number of films, buttons, or a part of its text. */
  has: { videos?: number; buttons?: true; text?: string };
}

const PLAYS: Record<RootAction, Play> = {
  imagine: {
    request: { prompt: "a paper boat" },
    results: {
      trueai: "task-success-imagine.trueai",
      newapi: "task-success-imagine.newapi",
      cometapi: "task-success-imagine.cometapi",
      other: "task-success-imagine.plus",
    },
    accepted: { agicto: "submit-01-ok.integer-result", xfusionai: "submit-01-ok.string-code" },
    action: "IMAGINE",
    has: { buttons: true },
  },
  blend: {
    request: { action: "blend", base64Array: [PNG, PNG] },
    results: { other: "task-success-imagine.plus" },
    accepted: { cometapi: "submit-01-ok.integer-result" },
    action: "BLEND",
    has: { buttons: true },
  },
  describe: {
    request: { action: "describe", base64Array: [PNG] },
    results: { other: "task-success-describe.plus" },
    action: "DESCRIBE",
    has: { text: "origami boat on a lake" },
  },
  shorten: {
    request: { action: "shorten", prompt: "a very small paper boat" },
    results: { other: "task-success-shorten.plus" },
    action: "SHORTEN",
    has: { text: "paper boat, water" },
  },
  "swap-face": {
    request: { action: "swap-face", sourceBase64: PNG, targetBase64: PNG },
    results: { other: "task-success-swapface.trueai" },
    accepted: { newapi: "submit-01-ok.null-properties" },
    action: "SWAP_FACE",
    has: {},
  },
  video: {
    request: { action: "video", prompt: "slow drift", image: LINK, motion: "low" },
    results: { trueai: "task-success-video.trueai", other: "task-success-video.newapi" },
    accepted: { cometapi: "submit-01-video.cometapi", trueai: "submit-22-video.trueai" },
    action: "VIDEO",
    has: { videos: 4 },
  },
  edit: {
    request: { action: "edit", prompt: "a red sail", image: LINK },
    results: { other: "task-success-edits.newapi" },
    action: "EDITS",
    has: { buttons: true },
  },
  retexture: {
    request: { action: "retexture", prompt: "as an oil painting", image: LINK },
    results: { other: "task-success-retexture.trueai" },
    action: "RETEXTURE",
    has: {},
  },
};

const pairs = [...DIALECTS.values()].flatMap(({ id, operations }) =>
  ROOT_ACTIONS.filter((action) => operations.includes(action)).map((action) => [action, id] as const),
);

test("videos, edits and retextures are played by the dialects that have them", () => {
  const dialectsOf = (verb: RootAction) => pairs.filter(([action]) => action === verb).map(([, id]) => id);
  expect(dialectsOf("video").sort()).toEqual(["cometapi", "newapi", "simulator", "trueai"]);
  expect(dialectsOf("edit").sort()).toEqual(["cometapi", "newapi", "simulator", "trueai"]);
  expect(dialectsOf("retexture").sort()).toEqual(["simulator", "trueai"]);
});

test.each(pairs)(
  "%s at %s: the recorded acceptance is paid once, and the recorded callback ends the flow",
  async (action, id) => {
    const { request, results, accepted = {}, action: protocolAction, has } = PLAYS[action];
    const acceptance = recorded(accepted[id] ?? "submit-01-ok.plus");
    const sent: VendorHttpRequest[] = [];
    const registry = createProviders(
      { [id]: { baseUrl: "https://vendor.test", apiKey: "key" } },
      {
        httpClient: async (call) => {
          sent.push(call);
          return { kind: "answered", status: 200, text: JSON.stringify(acceptance) };
        },
      },
    );
    const harness = createTestHarness({ registry });
    const flow = await harness.start({ provider: id, ...request });
    await harness.drain();
    const submissions = sent.filter(({ method }) => method === "POST");
    expect(submissions).toHaveLength(1);
    const { notifyHook, state } = submissions[0]!.body as { notifyHook: string; state: string };

    const result = {
      ...recorded(results[id] ?? results.other),
      id: String(acceptance["result"]),
      action: protocolAction,
      state,
    };
    await harness.postRaw(notifyHook.split("/").at(-1)!, JSON.stringify(result));
    await harness.drain();
    const { status, tasks } = await harness.read(flow);
    const root = tasks.get("0")!;
    expect([status, root.vendorTaskId]).toEqual(["completed", result.id]);
    expect(root).toMatchObject({ status: "SUCCESS", action: protocolAction, attempt: 1 });
    if (has.videos) expect(root.result!.videos).toHaveLength(has.videos);
    if (has.buttons) expect(root.result!.buttons!.length).toBeGreaterThan(0);
    if (has.text) expect(taskView(root, { api: "", media: (key) => key }).text).toContain(has.text);
    else expect(root.result!.imageUrl).toMatch(/^https:/);
    expect(sent.filter(({ method }) => method === "POST")).toHaveLength(1);
  },
);
