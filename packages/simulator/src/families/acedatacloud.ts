/**
 * AceDataCloud: follow-ups name an image id instead of a task, a call without `callback_url` blocks until the end, and
 * progress reports say `success: true`, too. The README of this folder lists what is documented and what is assumed.
 */
import type { CallbackFormat } from "../callback.ts";
import { type Fields, field, text, texts } from "../json.ts";
import type { Draft } from "../protocol.ts";
import { snowflakeOf, uuidOf } from "../random.ts";
import { type Action, isEnded, isPressable, type Task } from "../task.ts";
import { imageUrlOf, type Origin, seedOf } from "../wire-format.ts";
import {
  type Answer,
  created,
  type Family,
  type FamilyCall,
  type FamilyDecision,
  type FamilyRequest,
  type FamilyView,
  failureOf,
  invalid,
  linesOf,
  lookedUp,
  modeOf,
  type Press,
  percentOf,
  press,
  type Refusals,
  refusalIn,
  tileUrls,
  urlIn,
} from "./family.ts";

const BASE = "/midjourney/";

const OF_GRID: ReadonlyMap<string, Press> = new Map([
  ...[1, 2, 3, 4].map((n) => [`upscale${n}`, press("UPSCALE", "single", n)] as const),
  ["reroll", press("REROLL")],
  ...[1, 2, 3, 4].map((n) => [`variation${n}`, press("VARIATION", "grid", n)] as const),
]);

const OF_SINGLE: ReadonlyMap<string, Press> = new Map([
  ["upscale_2x", press("UPSCALE", "single")],
  ["upscale_4x", press("UPSCALE", "single")],
  ["variation_subtle", press("LOW_VARIATION")],
  ["variation_strong", press("HIGH_VARIATION")],
  ["zoom_out_2x", press("ZOOM")],
  ["zoom_out_1_5x", press("ZOOM")],
  ...["left", "right", "up", "down"].map((way) => [`pan_${way}`, press("PAN")] as const),
]);

/** A result does not list this action. */
const REGION = press("INPAINT");

export const acedatacloud: Family = {
  id: "acedatacloud",
  keyHeader: "authorization",
  imageFields: ["image_url", "end_image_url", "mask"],
  longIds: false,
  cancelStatus: "FAILURE",
  keepsRefused: false,
  newId: (_draft, atMs, random) => uuidOf(`acedatacloud:${atMs}:${random.int(2 ** 31)}`),

  callbacks: (): CallbackFormat => ({
    contentType: "application/json",
    doublesTerminal: false,
    attempts: 1,
    sends: (task) => isEnded(task.status) || (task.sendsProgress === true && percentOf(task) > 0),
    bodyOf(task, origin, withoutImage) {
      const body = reportOf(task, origin);
      return withoutImage ? { ...body, image_url: null, raw_image_url: null, actions: [] } : body;
    },
  }),

  read(request, view): FamilyCall | undefined {
    const { method, path, body } = request;
    if (method !== "POST" || !path.startsWith(BASE)) return undefined;
    const name = path.slice(BASE.length);
    if (name === "tasks") return tasks(body, view);
    if (name === "seed") return seed(body, view);
    const submit = Object.hasOwn(SUBMITS, name) ? SUBMITS[name] : undefined;
    return submit && { kind: "submit", verb: submit.verb(body), decision: submit.decide(request, view) };
  },

  accepted: (task) => ({ status: 200, body: { task_id: task.id } }),

  shown: (task, _request, { origin, now }) =>
    task.status === "SUCCESS" ? { status: 200, body: reportOf(task, origin) } : failureAnswer(task, now),

  refused: (refusal, { now }) => errorOf(...refusalIn(REFUSALS, refusal), now),
};

interface Submit {
  verb(body: Fields): "imagine" | "action" | "describe" | "shorten" | "edits" | "video";
  decide(request: FamilyRequest, view: FamilyView): FamilyDecision;
}

const SUBMITS: Readonly<Record<string, Submit>> = {
  imagine: {
    verb: (body) => (isGenerate(body) ? "imagine" : "action"),
    decide(request, view) {
      const { body } = request;
      if (!isGenerate(body)) return child(request, view);
      const prompt = text(body, "prompt");
      if (prompt === undefined) return invalid("prompt is required");
      return task({ action: "IMAGINE", result: "grid", prompt }, request, view);
    },
  },
  describe: {
    verb: () => "describe",
    decide: (request, view) =>
      text(request.body, "image_url") === undefined
        ? invalid("image_url is required")
        : task({ action: "DESCRIBE", result: "describe" }, request, view),
  },
  shorten: {
    verb: () => "shorten",
    decide(request, view) {
      const prompt = text(request.body, "prompt");
      if (prompt === undefined) return invalid("prompt is required");
      return task({ action: "SHORTEN", result: "shorten", prompt }, request, view);
    },
  },
  edits: {
    verb: () => "edits",
    decide(request, view) {
      const prompt = text(request.body, "prompt");
      if (prompt === undefined) return invalid("prompt is required");
      if (text(request.body, "image_url") === undefined) return invalid("image_url is required");
      return task({ action: "EDITS", result: "grid", prompt }, request, view);
    },
  },
  videos: {
    verb: () => "video",
    decide(request, view) {
      const { body } = request;
      const prompt = text(body, "prompt") ?? null;
      if (field(body, "action") === "extend") return extended(request, view, prompt);
      if (text(body, "image_url") === undefined) return invalid("image_url is required");
      return task({ action: "VIDEO", result: "video", prompt }, request, view);
    },
  },
};

const isGenerate = (body: Fields): boolean => (field(body, "action") ?? "generate") === "generate";

function task(
  fields: Pick<Draft, "action" | "result"> & Partial<Draft>,
  { body, accept }: FamilyRequest,
  view: FamilyView,
): FamilyDecision {
  const mode = modeOf(field(body, "mode") ?? "fast");
  if (mode === undefined) return invalid("mode is fast, relax or turbo");
  const notifyHook = urlIn(body, "callback_url");
  const sendsProgress = notifyHook !== null && accept.includes("application/x-ndjson");
  const blocks = notifyHook === null && field(body, "async") !== true;
  return created({ ...fields, mode, notifyHook, sendsProgress, request: body }, view, { blocks });
}

/** Creates a child of the image that the request names. The same action twice creates two tasks. */
function child(request: FamilyRequest, view: FamilyView): FamilyDecision {
  const { body } = request;
  const name = text(body, "action") ?? "";
  const imageId = text(body, "image_id");
  if (imageId === undefined) return invalid("image_id is required");
  const parent = view.all().find((each) => imageIdOf(each) === imageId);
  if (!parent) return { kind: "refuse", refusal: { kind: "parent-missing" }, customId: name };
  const seen = { parentId: parent.id, customId: name };
  if (!isPressable(parent)) return { kind: "refuse", refusal: { kind: "not-success" }, ...seen };
  const isRegion = name === "variation_region" && parent.result === "single";
  const offered = isRegion ? REGION : actionsOf(parent).get(name);
  if (!offered) return { kind: "refuse", refusal: { kind: "not-offered", name }, ...seen };
  const prompt = text(body, "prompt");
  if (isRegion && (prompt === undefined || text(body, "mask") === undefined)) {
    return invalid("variation_region needs mask and prompt");
  }
  return task({ ...offered, parent, customId: name, label: name, prompt: prompt ?? parent.prompt }, request, view);
}

/** Extends one of the videos of a result. This index starts at 0. */
function extended(request: FamilyRequest, view: FamilyView, prompt: string | null): FamilyDecision {
  const { body } = request;
  const videoId = text(body, "video_id");
  const index = Number(field(body, "video_index") ?? 0);
  const parent = view.all().find((each) => each.result === "video" && videoIdOf(each) === videoId);
  if (!parent) return { kind: "refuse", refusal: { kind: "parent-missing" } };
  if (!isPressable(parent)) return { kind: "refuse", refusal: { kind: "not-success" }, parentId: parent.id };
  if (!Number.isInteger(index) || index < 0 || index > 3) return invalid("video_index is from 0 to 3");
  const name = `extend:${index}`;
  return task(
    { action: "VIDEO", result: "video", parent, customId: name, label: name, prompt: prompt ?? parent.prompt },
    request,
    view,
  );
}

const actionsOf = ({ result }: Task): ReadonlyMap<string, Press> =>
  result === "grid" ? OF_GRID : result === "single" ? OF_SINGLE : new Map();

/** Id of the final image, which follow-ups name. Previews have other ids. */
const imageIdOf = ({ id }: Task): string => snowflakeOf(`${id}:image`);
const videoIdOf = ({ id }: Task): string => snowflakeOf(`${id}:video`).slice(0, 16);

/** Body of callbacks, of blocking responses, and of `response` in look-ups. */
function reportOf(task: Task, origin: Origin): Fields {
  if (task.status !== "SUCCESS" && isEnded(task.status)) {
    const [code, message] = failureCodeOf(task);
    return { success: false, task_id: task.id, error: { code, message } };
  }
  const common = { success: true, task_id: task.id };
  const isDone = task.status === "SUCCESS";
  if (task.result === "describe") return { ...common, ...(isDone && { descriptions: linesOf(task) }) };
  if (task.result === "shorten") return { ...common, ...(isDone && { prompts: linesOf(task) }) };
  if (task.result === "video") return { ...common, ...videoOf(task, origin) };
  const size = isDone ? (task.result === "grid" ? 1_024 : 512) : 512;
  const image = imageUrlOf(task, origin);
  return {
    ...common,
    image_url: image && `${image}${image.includes("?") ? "&" : "?"}width=${size / 2}`,
    image_width: size / 2,
    image_height: size / 2,
    image_id: isDone ? imageIdOf(task) : snowflakeOf(`${task.id}:${task.progress}`),
    raw_image_url: image,
    raw_image_width: size,
    raw_image_height: size,
    progress: isDone ? 100 : percentOf(task),
    actions: isDone ? [...actionsOf(task).keys()] : [],
    ...(isDone && isSplit(task) && { sub_image_urls: tileUrls(task, origin) }),
  };
}

const isSplit = ({ result, request = {} }: Task): boolean =>
  result === "grid" && field(request, "split_images") === true;

function videoOf(task: Task, origin: Origin): Fields {
  const isDone = task.status === "SUCCESS";
  return {
    image_url: imageUrlOf(task, origin),
    image_width: 512,
    image_height: 512,
    progress: isDone ? 100 : percentOf(task),
    ...(isDone && {
      video_id: videoIdOf(task),
      video_urls: [0, 1, 2, 3].map((n) => `${origin}/videos/${task.id}_${n}.mp4`),
    }),
  };
}

function failureCodeOf(task: Task): [code: string, message: string] {
  const { cause, reason } = failureOf(task);
  if (cause === "moderated") return ["forbidden", "the moderators feel the prompt may be against the standards"];
  if (cause === "invalid") return ["bad_request", reason];
  return [cause === "timeout" ? "timeout" : "api_error", reason];
}

function failureAnswer(task: Task, now: number): Answer {
  const [code, message] = failureCodeOf(task);
  const status = { forbidden: 403, bad_request: 400, timeout: 504 }[code] ?? 500;
  return errorOf(status, code, message, now);
}

function tasks(body: Fields, view: FamilyView): FamilyCall | undefined {
  const action = field(body, "action");
  if (action === "retrieve") {
    const id = text(body, "id") ?? "";
    const found = view.task(id);
    const answer = found
      ? { status: 200, body: itemOf(found, view.origin) }
      : errorOf(404, "not_found", "The task does not exist.", view.now);
    return lookedUp("fetch", [id], found ? 1 : 0, answer);
  }
  if (action !== "retrieve_batch") {
    return lookedUp("list-by-condition", [], 0, errorOf(400, "bad_request", "action is unknown", view.now));
  }
  const ids = texts(body, "ids") ?? [];
  const offset = Number(field(body, "offset") ?? 0);
  const limit = Number(field(body, "limit") ?? 12);
  // Without ids the vendor lists the recent tasks.
  const all = ids.length > 0 ? ids.flatMap((id) => view.task(id) ?? []) : view.all();
  const items = all.slice(offset, offset + limit).map((each) => itemOf(each, view.origin));
  const verb = ids.length > 0 ? "list-by-condition" : "list";
  return lookedUp(verb, ids, items.length, { status: 200, body: { items, count: items.length } });
}

const TYPES: Partial<Record<Action, string>> = {
  DESCRIBE: "describe",
  SHORTEN: "shorten",
  EDITS: "edits",
  VIDEO: "videos",
};

/** A running task has no response and no end. `request` is the body as sent, with our callback URL. */
function itemOf(task: Task, origin: Origin): Fields {
  const isDone = task.status === "SUCCESS";
  const hasImage = isDone && task.result !== "describe" && task.result !== "shorten";
  return {
    _id: uuidOf(`${task.id}:_id`).replaceAll("-", "").slice(0, 24),
    id: task.id,
    application_id: uuidOf("acedatacloud:application"),
    created_at: task.submitTime / 1_000,
    credential_id: uuidOf("acedatacloud:credential"),
    request: task.request ?? {},
    type: TYPES[task.action] ?? "imagine",
    hold: false,
    ...(hasImage && { image_id: imageIdOf(task) }),
    ...(isDone && { job_id: task.jobId }),
    ...(isEnded(task.status) && {
      response: { ...reportOf(task, origin), ...(isDone && { job_id: task.jobId, hold: false }) },
      duration: ((task.finishTime ?? 0) - (task.startTime ?? 0)) / 1_000,
      finished_at: (task.finishTime ?? 0) / 1_000,
    }),
  };
}

function seed(body: Fields, view: FamilyView): FamilyCall {
  const imageId = text(body, "image_id") ?? "";
  const found = view.all().find((each) => imageIdOf(each) === imageId && each.status === "SUCCESS");
  const answer = found
    ? { status: 200, body: { seed: seedOf(found) } }
    : errorOf(400, "bad_request", "image_id is unknown", view.now);
  return lookedUp("image-seed", [imageId], found ? 1 : 0, answer);
}

const REFUSALS: Refusals<[status: number, code: string, message: string]> = {
  unauthorized: [401, "invalid_token", "The specified token is invalid or wrong."],
  "no-route": [400, "api_not_implemented", "The API is not implemented."],
  invalid: (refusal) => [400, "bad_request", refusal.text],
  banned: [403, "forbidden", "the moderators feel the prompt may be against the standards"],
  forbidden: (refusal) => [403, "forbidden", refusal.text],
  "parent-missing": [400, "bad_request", "image_id is unknown"],
  "not-success": [400, "bad_request", "the image is not finished"],
  "not-offered": (refusal) => [400, "bad_request", `the image has no action ${refusal.name}`],
  missing: [404, "not_found", "The task does not exist."],
  // No document shows this response. Its status is that of a banned prompt.
  "no-credit": [403, "used_up", "Your balance is not sufficient."],
  "no-account": [400, "token_mismatched", "The specified token is not matched with the API."],
  "queue-full": [429, "too_many_requests", "You have exceeded the rate limit."],
  "rate-limit": [429, "too_many_requests", "You have exceeded the rate limit."],
  timeout: [504, "timeout", "The task has not ended in time."],
  ended: [400, "bad_request", "the task has ended"],
  "server-error": (refusal) => [refusal.status, "api_error", "fetch failed"],
};

function errorOf(status: number, code: string, message: string, now: number): Answer {
  const body = { error: { code, message }, trace_id: uuidOf(`acedatacloud:trace:${now}`) };
  return { status, body: code === "api_error" ? { success: false, ...body } : body };
}
