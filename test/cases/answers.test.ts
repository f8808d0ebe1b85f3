/**
 * Replays `answers.json`: what each answer or callback of a vendor means. The provider adapters and their HTTP client are
 * real, and so is the engine. The vendor is a stub on 127.0.0.1, the table is in memory and the clock is moved by hand.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ROOT_PATH } from "@mjflow/core/id";
import type { FlowRequest } from "@mjflow/core/request";
import { ENDED, type Task } from "@mjflow/core/task";
import { TIMINGS } from "@mjflow/core/timing";
import { type TaskView, taskView } from "@mjflow/engine/view";
import { createHttpClient } from "@mjflow/providers/http-client";
import { createProviders } from "@mjflow/providers/registry";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeBody } from "../../functions/callback.ts";
import { createTestHarness, type TestHarness } from "../support/harness.ts";
import { type AnswerCase, type Meaning, readAnswerCases, type StubResponse } from "./answer-case.ts";
import { bytesOf, type StubServer, type StubVendor, startStubServer } from "./stub-vendor.ts";

const cases = readAnswerCases();
const SECOND = 1_000;
const PNG = "data:image/png;base64,iVBORw0KGgo=";
/** Real time limit of the HTTP client. Only the case without a response waits for it. */
const timeoutOf = ({ http }: AnswerCase) => (http.transport === "timeout" ? 250 : 30_000);
const httpClient = createHttpClient();

let server: StubServer;
let closedOrigin: string;

beforeAll(async () => {
  server = await startStubServer();
  const spare = createServer().listen(0, "127.0.0.1");
  await once(spare, "listening");
  closedOrigin = `http://127.0.0.1:${(spare.address() as AddressInfo).port}`;
  spare.close();
  await once(spare, "close");
});

afterAll(() => server.close());

const SENTENCES: Record<Meaning["kind"], (means: Meaning) => string> = {
  accepted: ({ vendorTaskId }) => `the vendor has the task as ${vendorTaskId}`,
  window: ({ vendorTaskId }) => `the vendor has the task as ${vendorTaskId} and waits for a modal answer`,
  busy: () => "nothing was started, and the task is sent again",
  refused: ({ code, codes }) => `nothing was started, and the task ends with ${(codes ?? [code]).join(" or ")}`,
  unclear: () => "the vendor may have the task, so it is not sent again",
  unreachable: () => "the vendor was not reached, and mjflow says so",
  report: ({ status }) => `the report has the status ${[status ?? "of a late picture"].flat().join(" or ")}`,
  lookup_failed: () => "a failed look-up, which proves nothing about the task",
  unknown_task: () => "the vendor does not know the task",
  ignore: () => "nothing changes",
};

describe.each(["submit", "list", "fetch", "search", "callback"] as const)("answers to %s", (kind) => {
  const named = cases
    .filter((answerCase) => answerCase.kind === kind)
    .map((answerCase) => ({ ...answerCase, meaning: SENTENCES[answerCase.means.kind](answerCase.means) }));

  it.each(named)("$id means: $meaning", async (answerCase) => {
    const scene = await play(answerCase);
    const problems: string[] = [];
    for (const means of [answerCase.means, ...(answerCase.means.or ?? [])]) {
      const problem = await JUDGES[means.kind](scene, means);
      if (problem === undefined) return;
      problems.push(`${means.kind}: ${problem}`);
    }
    expect(problems.join(" | "), answerCase.why).toBe("");
  });
});

it("every case has its own id and says why", () => {
  expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
  expect(cases.filter(({ why }) => why.length < 8)).toEqual([]);
  expect(cases).toHaveLength(235);
});

// ── playing a case ─────────────────────────────────────────────────────────────────────────────────────────────────

interface Scene {
  answerCase: AnswerCase;
  harness: TestHarness;
  vendor: StubVendor;
  /** The task that the case is about: the root, or its child if the case is about a press. */
  view(): Promise<TaskView | undefined>;
  task(path?: string): Promise<Task | undefined>;
  /** Moves the clock, then runs the sweeper and the queue. */
  pass(ms: number): Promise<void>;
  callback(response: StubResponse): Promise<void>;
}

async function play(answerCase: AnswerCase): Promise<Scene> {
  const { id, provider, kind, http, context = {} } = answerCase;
  const vendor = server.open(answerCase);
  const baseUrl = http.transport === "refused" ? closedOrigin : `${server.origin}/${id}`;
  const registry = createProviders(
    { [provider]: { baseUrl, apiKey: "vendor-key" } },
    { httpClient, submitTimeoutMs: timeoutOf(answerCase) },
  );
  const harness = createTestHarness({ registry });
  // The vendor's lists reach back to the start of the harness, and the submission is later.
  harness.advance(3_600 * SECOND);

  async function callback(response: StubResponse): Promise<void> {
    const { pathname } = new URL(vendor.submitted.at(-1)!.notifyHook);
    const body = bytesOf(response, vendor.fill).toString("base64");
    const text = await decodeBody({ body, isBase64Encoded: true, headers: response.headers ?? JSON_TYPE });
    await harness.postRaw(pathname.replace("/callbacks/", ""), text ?? "");
  }
  async function callbacks(): Promise<void> {
    for (const bodyText of context.before ?? []) await callback({ bodyText });
    await callback(http);
  }

  if (context.idKnown === false) vendor.beforeResponse(callbacks);
  const flow = await harness.start(requestOf(answerCase));
  await harness.drain();
  const isPress = kind === "submit" && (context.verb === "action" || context.verb === "modal");
  const finished = JSON.stringify(vendor.goodTask(context.parentButtons === null ? { buttons: undefined } : {}));
  if (isPress) await callback({ bodyText: finished });
  if (kind === "callback" && context.idKnown !== false) await callbacks();
  if (context.when === "press") await callback({ bodyText: JSON.stringify(vendor.goodTask({ buttons: undefined })) });
  await harness.drain();

  const task = async (path = isPress ? `${ROOT_PATH}-0` : ROOT_PATH) => (await harness.read(flow)).tasks.get(path);
  return {
    answerCase,
    harness,
    vendor,
    task,
    callback,
    async view() {
      const found = await task();
      return found && taskView(found, { api: "https://api.test", media: (key) => key });
    },
    async pass(ms) {
      harness.advance(ms);
      await harness.sweep();
      await harness.drain();
    },
  };
}

const JSON_TYPE = { "content-type": "application/json" };

function requestOf({ id, kind, provider, context = {}, means }: AnswerCase): Partial<FlowRequest> {
  const { verb = "imagine", press, prompt = "a paper boat" } = context;
  const request = { provider, prompt: `case ${id}: ${prompt}`, progress: true };
  const planned = [means, ...(means.or ?? [])].flatMap((each) => Object.keys(each.press ?? {}));
  if (context.when === "press") planned.push(press ?? "upscale:1");
  const withoutPrompt = { provider, prompt: undefined, progress: true };
  if (verb === "blend") return { ...withoutPrompt, action: "blend", base64Array: [PNG, PNG] };
  if (verb === "describe") return { ...withoutPrompt, action: "describe", base64Array: [PNG] };
  if (verb === "shorten") return { ...request, action: "shorten" };
  if (verb === "swap-face") return { ...withoutPrompt, action: "swap-face", sourceBase64: PNG, targetBase64: PNG };
  if (verb === "modal") {
    return { ...request, then: [{ press: press ?? "zoom:custom", modal: { prompt: "a boat --zoom 1.4" } }] };
  }
  if (kind === "submit" && verb === "action") return { ...request, then: [{ press: press ?? "upscale:1" }] };
  return planned.length > 0 ? { ...request, then: [...new Set(planned)].map((name) => ({ press: name })) } : request;
}

// ── judging a case ─────────────────────────────────────────────────────────────────────────────────────────────────

/** Returns what is wrong; undefined if the case means this. */
type Judge = (scene: Scene, means: Meaning) => Promise<string | undefined>;

const JUDGES: Record<Meaning["kind"], Judge> = {
  async accepted(scene, { vendorTaskId }) {
    const goesOn = async () => {
      const { status, vendorTaskId: id } = (await scene.task())!;
      return id === vendorTaskId && ["SUBMITTED", "IN_PROGRESS", "SUCCESS"].includes(status);
    };
    if (!(await goesOn())) return said(scene);
    await scene.pass(30 * SECOND);
    return (await goesOn()) ? onlyOnce(scene) : said(scene);
  },

  async window(scene, { vendorTaskId, finalPrompt }) {
    const view = (await scene.view())!;
    if (view.status !== "MODAL" || view.providerTaskId !== vendorTaskId) return said(scene);
    if (finalPrompt !== undefined && view.finalPrompt !== finalPrompt) return `finalPrompt is ${view.finalPrompt}`;
    return onlyOnce(scene);
  },

  async busy(scene) {
    const waits = async () => ["PENDING", "MODAL"].includes((await scene.task())?.status ?? "");
    if (!(await waits())) return said(scene);
    const retryAfterS = Number(scene.answerCase.http.headers?.["retry-after"] ?? 0);
    if (retryAfterS > 0) {
      await scene.pass((retryAfterS - 1) * SECOND);
      if (scene.vendor.sent().length !== 1) return "it was sent again before Retry-After";
    }
    for (let i = 0; i < 6 && scene.vendor.sent().length < 2; i++) await scene.pass(10 * SECOND);
    return (await waits()) && scene.vendor.sent().length >= 2 ? undefined : said(scene);
  },

  async refused(scene, { code, codes = code ? [code] : [], says, notSays, bannedWord }) {
    const view = (await scene.view())!;
    if (view.status !== "FAILURE" || !codes.includes(view.failure?.code ?? "")) return said(scene);
    const shown = JSON.stringify([view.failReason, view.failure]);
    if (says !== undefined && !shown.includes(says)) return `it does not say ${says}: ${shown}`;
    if (notSays !== undefined && shown.includes(notSays)) return `it says ${notSays}: ${shown}`;
    if (bannedWord !== undefined && view.failure?.vendor?.bannedWord !== bannedWord) return `no bannedWord: ${shown}`;
    await scene.pass(60 * SECOND);
    return onlyOnce(scene);
  },

  async unclear(scene) {
    if ((await scene.task())?.status !== "UNCLEAR") return said(scene);
    await scene.pass(60 * SECOND);
    return (await scene.task())?.status === "UNCLEAR" ? onlyOnce(scene) : said(scene);
  },

  async unreachable(scene) {
    const { provider } = scene.answerCase;
    const { fault } = await scene.harness.deps.accounts.health(provider, "default");
    for (let waited = 0; waited <= TIMINGS.pendingMs.fast; waited += 61 * SECOND) await scene.pass(61 * SECOND);
    const view = (await scene.view())!;
    return fault === "unreachable" && view.failure?.code === "vendor_unreachable"
      ? undefined
      : `${await said(scene)}, fault ${fault}`;
  },

  async report(scene, means) {
    const { when, press = "upscale:1" } = scene.answerCase.context ?? {};
    if (when === "press") return pressArrives(scene, press, means.pressed!);
    const isLookup = scene.answerCase.kind !== "callback";
    let problem = await misses(scene, means);
    for (let i = 0; isLookup && problem !== undefined && i < 30; i++) {
      await scene.pass(30 * SECOND);
      problem = await misses(scene, means);
    }
    if (problem !== undefined) return `${problem}; ${await said(scene)}`;
    for (const [name, customId] of Object.entries(means.press ?? {})) {
      const wrong = await pressArrives(scene, name, customId);
      if (wrong !== undefined) return wrong;
    }
    const buttons = (await scene.view())!.buttons.length;
    if (means.buttonCount !== undefined && buttons !== means.buttonCount) return `${buttons} buttons`;
    return scene.vendor.submitted.length === 1 ? undefined : `${scene.vendor.submitted.length} submissions`;
  },

  async lookup_failed(scene) {
    const { kind } = scene.answerCase;
    const enough = kind === "search" ? 3 : 6;
    for (let i = 0; scene.vendor.lookups() < enough; i++) {
      if (i === 75) return `only ${scene.vendor.lookups()} look-ups; ${await said(scene)}`;
      await scene.pass(30 * SECOND);
      const ended = ENDED.has((await scene.task())!.status);
      if (ended || scene.vendor.submitted.length > 1) return `it ended or was sent again: ${await said(scene)}`;
    }
    scene.vendor.recover();
    const isTaken = async () => {
      const { status, vendorTaskId } = (await scene.task())!;
      return kind === "search" ? vendorTaskId === scene.vendor.vendorTaskId : status === "SUCCESS";
    };
    for (let i = 0; i < 20 && !(await isTaken()); i++) await scene.pass(30 * SECOND);
    return (await isTaken()) ? onlyOnce(scene) : `a good answer after it was not taken: ${await said(scene)}`;
  },

  async unknown_task(scene) {
    if (scene.answerCase.kind === "search") {
      for (let i = 0; i < 60 && scene.vendor.submitted.length < 2; i++) await scene.pass(30 * SECOND);
      await scene.pass(60 * SECOND);
      return scene.vendor.submitted.length === 2 && scene.vendor.lookups() >= 2 ? undefined : said(scene);
    }
    const isEnded = async () => ENDED.has((await scene.task())!.status);
    for (let i = 0; i < 60 && !(await isEnded()); i++) await scene.pass(30 * SECOND);
    const task = (await scene.task())!;
    const isLost = task.status === "EXPIRED" && task.failure?.code === "vendor_lost";
    return isLost && scene.vendor.lookups() >= 2 ? undefined : said(scene);
  },

  async ignore(scene, { after, imageUrl }) {
    const view = (await scene.view())!;
    if (after !== undefined) {
      return view.status === after && view.imageUrl === imageUrl ? undefined : said(scene);
    }
    if (ENDED.has(view.status)) return `it ended: ${await said(scene)}`;
    const good = scene.vendor.goodTask();
    await scene.callback({ bodyText: JSON.stringify(good) });
    const later = (await scene.view())!;
    if (later.status !== "SUCCESS" || later.imageUrl !== good.imageUrl) return `after it: ${await said(scene)}`;
    return onlyOnce(scene);
  },
};

/** Returns the first field of the task that is not as the report says. */
async function misses(scene: Scene, means: Meaning): Promise<string | undefined> {
  const view = (await scene.view())!;
  const is = (name: string, found: unknown, wanted: unknown) =>
    wanted === undefined || [wanted].flat().includes(found as never) ? undefined : `${name} is ${String(found)}`;
  const links = (media: readonly { url: string }[]) => media.map(({ url }) => url).join(" ");
  const imageUrl = view.imageUrl ?? "";
  const isResolved = /^https?:/.test(imageUrl) && imageUrl.endsWith(means.imageUrlEndsWith ?? "");
  const reason = view.failReason ?? "";
  return (
    is("status", view.status, means.status) ??
    is("providerTaskId", view.providerTaskId, means.vendorTaskId) ??
    is("progress", view.progress, means.progress) ??
    is("imageUrl", view.imageUrl, means.imageUrl) ??
    is("action", view.action, means.action) ??
    is("finalPrompt", view.finalPrompt, means.finalPrompt) ??
    is("images", links(view.images), means.images?.join(" ")) ??
    is("videos", links(view.videos), means.videos?.join(" ")) ??
    is("failure", view.failure?.code, means.failCode) ??
    is("imageUrl", isResolved, means.imageUrlEndsWith && true) ??
    is("failReason", reason.includes(means.failReason ?? ""), true) ??
    is("failReason", means.notFailReason !== undefined && reason.includes(means.notFailReason), false) ??
    is("picture", view.imageUrl === means.picture || view.late?.imageUrl === means.picture, means.picture && true)
  );
}

async function pressArrives({ vendor, pass, task }: Scene, press: string, customId: string) {
  const arrived = () => vendor.actions.some((body) => body.customId === customId);
  for (let i = 0; i < 20 && !arrived(); i++) await pass(15 * SECOND);
  if (arrived()) return vendor.submitted.length === 1 ? undefined : `${vendor.submitted.length} submissions`;
  const child = await task(`${ROOT_PATH}-0`);
  const got = vendor.actions.map((body) => body.customId).join(", ");
  return `${press} sent ${got || "nothing"}, not ${customId}; child ${child?.status} ${child?.failure?.code ?? ""}`;
}

function onlyOnce({ vendor }: Scene): string | undefined {
  const count = vendor.sent().length;
  return count === 1 ? undefined : `${count} submissions`;
}

async function said(scene: Scene): Promise<string> {
  const view = await scene.view();
  if (!view) return "no such task";
  const { status, failure, providerTaskId, progress, imageUrl, buttons, failReason } = view;
  const counts = `${scene.vendor.sent().length} submissions, ${scene.vendor.lookups()} look-ups, ${buttons.length} buttons`;
  const result = `id ${providerTaskId}, progress ${progress}, imageUrl ${imageUrl}, reason ${failReason}`;
  return `${status} ${failure?.code ?? ""}, ${counts}, ${result}`;
}
