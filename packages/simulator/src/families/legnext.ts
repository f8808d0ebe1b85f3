/**
 * Legnext: a route for each verb, pictures by number from 0, masks as polygons, and no step that takes one picture out of
 * a grid. Every answer is the job, which always has an `error` object. The README of this folder lists what is assumed.
 */
import type { CallbackFormat } from "../callback.ts";
import { type Fields, field, isFields, text, texts } from "../json.ts";
import type { Draft } from "../protocol.ts";
import { uuidOf } from "../random.ts";
import { type Action, isEnded, isPressable, type ResultKind, type Task } from "../task.ts";
import { imageUrlOf, type Origin, seedOf } from "../wire-format.ts";
import {
  type Answer,
  created,
  type Family,
  type FamilyCall,
  type FamilyDecision,
  type FamilyView,
  failureOf,
  invalid,
  linesOf,
  lookedUp,
  modeOf,
  type Refusals,
  refusalIn,
  tileUrls,
  urlIn,
} from "./family.ts";

const BASE = "/api/v1/";
/** Time that is not set, as the vendor's language writes it. */
const ZERO_TIME = "0001-01-01T00:00:00Z";

export const legnext: Family = {
  id: "legnext",
  keyHeader: "x-api-key",
  imageFields: ["imgUrl", "imgUrls"],
  longIds: false,
  cancelStatus: "FAILURE",
  keepsRefused: false,
  newId: (_draft, atMs, random) => uuidOf(`legnext:${atMs}:${random.int(2 ** 31)}`),

  callbacks: ({ callbackForm = "wrapped", sendsProgress = false }): CallbackFormat => ({
    contentType: "application/json",
    doublesTerminal: false,
    attempts: 1,
    sends: (task) => sendsProgress || isEnded(task.status),
    bodyOf(task, origin, withoutImage) {
      const job = jobOf(task, origin, withoutImage);
      const at = task.finishTime ?? task.startTime ?? task.submitTime;
      return callbackForm === "bare" ? job : { timestamp: Math.trunc(at / 1_000), data: job };
    },
  }),

  read({ method, path, body }, view): FamilyCall | undefined {
    // Its documents do not agree about this path; this one is in two of them.
    if (path === "/api/account/balance" && method === "GET") return lookedUp("list", [], 0, balanceOf(view));
    if (!path.startsWith(BASE)) return undefined;
    const name = path.slice(BASE.length);
    if (method === "GET" && name.startsWith("job/")) return fetched(name.slice("job/".length), view);
    const submit = method === "POST" && Object.hasOwn(SUBMITS, name) ? SUBMITS[name] : undefined;
    return submit && { kind: "submit", verb: submit.verb, decision: submit.decide(body, view) };
  },

  accepted: (task, _request, { origin }) => ({ status: 200, body: jobOf(task, origin) }),
  shown: (task, _request, { origin }) => ({ status: 200, body: jobOf(task, origin) }),

  refused(refusal) {
    const [code, message] = refusalIn(REFUSALS, refusal);
    return { status: code, body: { error: { code, message, raw_message: message, detail: null } } };
  },
};

interface Submit {
  verb: "imagine" | "action" | "blend" | "describe" | "shorten" | "retexture" | "edits";
  decide(body: Fields, view: FamilyView): FamilyDecision;
}

const SUBMITS: Readonly<Record<string, Submit>> = {
  diffusion: {
    verb: "imagine",
    decide(body, view) {
      const prompt = text(body, "text");
      if (prompt === undefined) return invalid("text is required");
      if (prompt.length > 8_192) return invalid("text has more than 8192 characters");
      return job({ action: "IMAGINE", result: "grid", prompt }, body, view);
    },
  },
  blend: {
    verb: "blend",
    decide(body, view) {
      const images = texts(body, "imgUrls") ?? [];
      if (images.length < 2 || images.length > 5) return invalid("imgUrls has 2 to 5 links");
      const ratio = field(body, "aspect_ratio") ?? "1:1";
      if (!["2:3", "1:1", "3:2"].includes(String(ratio))) return invalid("aspect_ratio is unknown");
      return job({ action: "BLEND", result: "grid" }, body, view);
    },
  },
  describe: {
    verb: "describe",
    decide: (body, view) =>
      isLink(text(body, "imgUrl"))
        ? job({ action: "DESCRIBE", result: "describe" }, body, view)
        : invalid("imgUrl is not a link"),
  },
  shorten: {
    verb: "shorten",
    decide(body, view) {
      const prompt = text(body, "prompt");
      if (prompt === undefined) return invalid("prompt is required");
      return job({ action: "SHORTEN", result: "shorten", prompt }, body, view);
    },
  },
  retexture: {
    verb: "retexture",
    decide(body, view) {
      const prompt = text(body, "remixPrompt");
      if (prompt === undefined || !isLink(text(body, "imgUrl"))) return invalid("imgUrl and remixPrompt are required");
      return job({ action: "RETEXTURE", result: "grid", prompt }, body, view);
    },
  },
  // Only listed accounts may use this verb.
  edit: {
    verb: "edits",
    decide: () => ({ kind: "refuse", refusal: { kind: "forbidden", text: ONLY_LISTED } }),
  },
  reroll: { verb: "action", decide: (body, view) => child("reroll", "REROLL", "grid", body, view) },
  variation: {
    verb: "action",
    decide(body, view) {
      const type = numberIn(body, "type", [0, 1]);
      if (type === undefined) return invalid("type is 0 or 1");
      const action = type === 0 ? "LOW_VARIATION" : "HIGH_VARIATION";
      return ofPicture("variation", String(type), action, "grid", body, view);
    },
  },
  upscale: {
    verb: "action",
    decide(body, view) {
      const type = numberIn(body, "type", [0, 1, 2, 3]);
      if (type === undefined) return invalid("type is from 0 to 3");
      return ofPicture("upscale", String(type), "UPSCALE", "single", body, view);
    },
  },
  pan: {
    verb: "action",
    decide(body, view) {
      const direction = numberIn(body, "direction", [0, 1, 2, 3]);
      if (direction === undefined) return invalid("direction is from 0 to 3");
      return scaleProblem(body, 3) ?? ofPicture("pan", String(direction), "PAN", "grid", body, view);
    },
  },
  outpaint: {
    verb: "action",
    decide: (body, view) =>
      scaleProblem(body, 2) ?? ofPicture("outpaint", String(field(body, "scale")), "ZOOM", "grid", body, view),
  },
  inpaint: {
    verb: "action",
    decide: (body, view) =>
      arePolygons(field(body, "mask"))
        ? ofPicture("inpaint", undefined, "INPAINT", "grid", body, view)
        : invalid("mask needs areas of width, height and points"),
  },
  remix: {
    verb: "action",
    decide(body, view) {
      if (text(body, "remixPrompt") === undefined) return invalid("remixPrompt is required");
      const mode = numberIn(body, "mode", [0, 1]);
      if (mode === undefined) return invalid("mode is 0 or 1");
      return ofPicture("remix", String(mode), mode === 0 ? "LOW_VARIATION" : "HIGH_VARIATION", "grid", body, view);
    },
  },
};

const ONLY_LISTED = "This feature is only available for whitelisted accounts.";

const isLink = (value: string | undefined): boolean => /^https?:\/\/\S+$/u.test(value ?? "");

function numberIn(body: Fields, name: string, known: readonly number[]): number | undefined {
  const value = field(body, name);
  return known.find((each) => each === value);
}

function scaleProblem(body: Fields, most: number): FamilyDecision | undefined {
  const scale = field(body, "scale");
  return typeof scale === "number" && scale >= 1.1 && scale <= most
    ? undefined
    : invalid(`scale is a number from 1.1 to ${most}`);
}

/** A mask is not an image here: `{areas: [{width, height, points: [x, y, …]}]}` with at least three points each. */
function arePolygons(mask: unknown): boolean {
  const areas = isFields(mask) ? field(mask, "areas") : undefined;
  return Array.isArray(areas) && areas.length > 0 && areas.every(isPolygon);
}

function isPolygon(area: unknown): boolean {
  if (!isFields(area)) return false;
  const points = field(area, "points");
  const sizes = [field(area, "width"), field(area, "height")];
  return (
    sizes.every((size) => typeof size === "number" && size > 0) &&
    Array.isArray(points) &&
    points.length >= 6 &&
    points.length % 2 === 0 &&
    points.every((value) => typeof value === "number")
  );
}

function job(
  fields: Pick<Draft, "action" | "result"> & Partial<Draft>,
  body: Fields,
  view: FamilyView,
): FamilyDecision {
  // The mode is a flag of the prompt. There is no relax mode.
  const flag = /--(fast|turbo)\b/u.exec(fields.prompt ?? "")?.[1];
  const mode = modeOf(flag) ?? fields.parent?.mode ?? "FAST";
  return created({ ...fields, mode: mode as Draft["mode"], notifyHook: urlIn(body, "callback"), request: body }, view);
}

/** Creates a child of one picture of a grid. `imageNo` starts at 0. */
function ofPicture(
  verb: string,
  detail: string | undefined,
  action: Action,
  result: ResultKind,
  body: Fields,
  view: FamilyView,
): FamilyDecision {
  const number = numberIn(body, "imageNo", [0, 1, 2, 3]);
  if (number === undefined) return invalid("imageNo is from 0 to 3");
  const name = [verb, number, detail].filter((part) => part !== undefined).join(":");
  return child(name, action, result, body, view, number + 1);
}

/** The same verb twice creates two jobs. */
function child(
  name: string,
  action: Action,
  result: ResultKind,
  body: Fields,
  view: FamilyView,
  index = 0,
): FamilyDecision {
  const parentId = text(body, "jobId");
  if (parentId === undefined) return invalid("jobId is required");
  const parent = view.task(parentId);
  const seen = { parentId, customId: name };
  if (!parent) return { kind: "refuse", refusal: { kind: "parent-missing" }, ...seen };
  if (!isPressable(parent)) return { kind: "refuse", refusal: { kind: "not-success" }, ...seen };
  // An enlarged picture has no `available_actions`.
  if (parent.result !== "grid") return { kind: "refuse", refusal: { kind: "not-offered", name }, ...seen };
  const prompt = text(body, "remixPrompt") ?? parent.prompt;
  return job({ action, result, parent, customId: name, label: name, index, prompt }, body, view);
}

function balanceOf({ scenario: { credit = 1_000 }, now }: FamilyView): Answer {
  const data = {
    account_id: 90_001,
    balance_usd: credit / 1_000,
    available_credits: credit,
    available_points: 0,
    alert_threshold: 10,
    low_balance_alert: false,
    updated_at: new Date(now).toISOString(),
  };
  return { status: 200, body: { code: 200, data, message: "success" } };
}

function fetched(id: string, view: FamilyView): FamilyCall {
  const task = view.task(id);
  const answer = task ? { status: 200, body: jobOf(task, view.origin) } : legnext.refused({ kind: "missing" }, view);
  return lookedUp("fetch", [id], task ? 1 : 0, answer);
}

const STATUSES: Readonly<Record<Task["status"], string>> = {
  NOT_START: "pending",
  MODAL: "pending",
  SUBMITTED: "processing",
  IN_PROGRESS: "processing",
  SUCCESS: "completed",
  FAILURE: "failed",
  CANCEL: "failed",
};

const TYPES: Partial<Record<Action, string>> = {
  IMAGINE: "diffusion",
  BLEND: "blend",
  DESCRIBE: "describe",
  SHORTEN: "shorten",
  RETEXTURE: "retexture",
};

function jobOf(task: Task, origin: Origin, withoutImage = false): Fields {
  // Only roots write unset times with zeros.
  const unset = task.parentId === null ? ZERO_TIME : "";
  const timeOf = (ms: number | null) => (ms === null ? unset : `${new Date(ms).toISOString().slice(0, 19)}Z`);
  const points = pointsOf(task);
  return {
    job_id: task.id,
    model: "midjourney",
    task_type: task.customId?.split(":")[0] ?? TYPES[task.action] ?? "diffusion",
    status: task.waiting ? "staged" : STATUSES[task.status],
    config: { service_mode: "public", webhook_config: { endpoint: endpointOf(task), secret: "" } },
    input: null,
    output: withoutImage ? NO_OUTPUT : outputOf(task, origin),
    meta: {
      created_at: timeOf(task.submitTime),
      started_at: timeOf(task.startTime),
      ended_at: timeOf(task.finishTime),
      usage: { type: "point", frozen: points, consume: task.status === "SUCCESS" ? points : 0 },
    },
    detail: null,
    logs: [],
    error: errorOf(task),
  };
}

const endpointOf = ({ request = {} }: Task): string => text(request, "callback") ?? "";

const NO_OUTPUT = { image_url: "", image_urls: null, seed: "" };
const PICTURES = [0, 1, 2, 3];
const OF_PICTURES = ["edit", "inpaint", "outpaint", "pan", "remix", "upscale", "variation"];

function outputOf(task: Task, origin: Origin): Fields {
  if (task.status !== "SUCCESS") return NO_OUTPUT;
  if (task.result === "describe" || task.result === "shorten") return { ...NO_OUTPUT, prompts: linesOf(task) };
  const image = imageUrlOf(task, origin);
  if (task.result !== "grid") return { image_url: image, image_urls: [image], seed: "" };
  return {
    image_url: image,
    image_urls: tileUrls(task, origin),
    seed: seedOf(task),
    available_actions: { ...Object.fromEntries(OF_PICTURES.map((name) => [name, PICTURES])), reroll: true },
  };
}

/** Points in fast mode. The vendor freezes them at the submission and takes them at the end. */
const POINTS: Partial<Record<Action, number>> = {
  LOW_VARIATION: 120,
  HIGH_VARIATION: 120,
  UPSCALE: 120,
  DESCRIBE: 20,
  SHORTEN: 20,
};

function pointsOf({ action, mode, prompt }: Task): number {
  const points = POINTS[action] ?? (/--draft\b/u.test(prompt ?? "") ? 40 : 80);
  return mode === "TURBO" ? points * 2 : points;
}

/** Every job has this object, also without an error. */
function errorOf(task: Task): Fields {
  if (STATUSES[task.status] !== "failed") return { code: 0, raw_message: "", message: "", detail: null };
  const { cause, reason } = failureOf(task);
  const code = cause === "moderated" || cause === "invalid" ? 400 : 500;
  return { code, raw_message: reason, message: reason, detail: null };
}

const REFUSALS: Refusals<[code: number, message: string]> = {
  unauthorized: [401, "Invalid API key"],
  "no-credit": [402, "Insufficient credits"],
  // Content and permission have the same status.
  banned: (refusal) => [403, `Sensitive content detected: ${refusal.word}`],
  forbidden: (refusal) => [403, refusal.text],
  "no-account": [403, ONLY_LISTED],
  "no-route": [404, "Not found"],
  missing: [404, "Not found"],
  invalid: (refusal) => [400, refusal.text],
  "parent-missing": [400, "The job does not exist"],
  "not-success": [400, "The job is not completed"],
  "not-offered": (refusal) => [400, `The job has no action ${refusal.name}`],
  ended: [400, "The job has ended"],
  "queue-full": [429, "Too many requests"],
  "rate-limit": [429, "Too many requests"],
  timeout: [504, "The job has not ended in time"],
  "server-error": (refusal) => [refusal.status, "Internal server error"],
};
