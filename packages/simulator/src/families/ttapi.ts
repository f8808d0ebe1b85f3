/**
 * TTAPI: one verb `action` for all buttons, named by strings in the result of the parent; callbacks only at the end, with
 * the body of `fetch`. The README of this folder lists what is documented and what is assumed.
 */
import type { CallbackFormat } from "../callback.ts";
import { type Fields, field, text, texts } from "../json.ts";
import type { Draft } from "../protocol.ts";
import { uuidOf } from "../random.ts";
import { isEnded, isPressable, type Task } from "../task.ts";
import { finalPromptOf, imageUrlOf, type Origin, seedOf } from "../wire-format.ts";
import {
  type Answer,
  created,
  type Family,
  type FamilyDecision,
  type FamilyRequest,
  type FamilyView,
  failureOf,
  invalid,
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

const BASE = "/midjourney/v1";

/** Action strings of a grid, in the order of the vendor. */
const OF_GRID: ReadonlyMap<string, Press> = new Map([
  ...[1, 2, 3, 4].map((n) => [`upsample${n}`, press("UPSCALE", "single", n)] as const),
  ["reroll", press("REROLL")],
  ...[1, 2, 3, 4].map((n) => [`variation${n}`, press("VARIATION", "grid", n)] as const),
]);

const SIZES = ["upscale2", "upscale4", "upscale_subtle", "upscale_creative"];

/** Action strings of a single picture. */
const OF_SINGLE: ReadonlyMap<string, Press> = new Map([
  ...SIZES.map((name) => [name, press("UPSCALE", "single")] as const),
  ["high_variation", press("HIGH_VARIATION")],
  ["low_variation", press("LOW_VARIATION")],
  ["zoom_out_2", press("ZOOM")],
  ["zoom_out_1_5", press("ZOOM")],
  ["make_square", press("ZOOM")],
  ...["left", "right", "up", "down"].map((way) => [`pan_${way}`, press("PAN")] as const),
  ["reroll", press("REROLL")],
]);

/** An enlarged picture can be enlarged again from its original. */
const OF_ENLARGED: ReadonlyMap<string, Press> = new Map([
  ...SIZES.map((name) => [`redo_${name}`, press("UPSCALE", "single")] as const),
  ...[...OF_SINGLE].filter(([name]) => !SIZES.includes(name)),
]);

export const ttapi: Family = {
  id: "ttapi",
  keyHeader: "tt-api-key",
  imageFields: ["imgBase64Array", "base64", "url", "mask"],
  longIds: false,
  cancelStatus: "FAILURE",
  keepsRefused: false,
  newId: (_draft, atMs, random) => uuidOf(`ttapi:${atMs}:${random.int(2 ** 31)}`),

  callbacks: (scenario): CallbackFormat => ({
    contentType: "application/json",
    doublesTerminal: false,
    attempts: 3,
    sends: (task) => scenario.sendsProgress === true || isEnded(task.status),
    bodyOf: (task, origin, withoutImage) => {
      const body = jobOf(task, origin);
      const unset = { discordImage: null, cdnImage: null, images: null };
      return withoutImage ? { ...body, data: { ...(body.data as Fields), ...unset } } : body;
    },
  }),

  read(request, view) {
    const { method, path } = request;
    if (!path.startsWith(`${BASE}/`)) return undefined;
    const name = path.slice(BASE.length + 1);
    // One public client posts this look-up.
    if (name === "fetch") return fetched(request, view);
    if (name === "fetch-list" && method === "GET") return listed(request, view);
    if (name === "info" && method === "GET") return lookedUp("list", [], 0, accountOf(view));
    const submit = method === "POST" && Object.hasOwn(SUBMITS, name) ? SUBMITS[name] : undefined;
    return submit && { kind: "submit", verb: submit.verb, decision: submit.decide(request.body, view) };
  },

  accepted(task, { path }): Answer {
    // The pages of action and inpaint print another spelling of the id than those of imagine.
    const name = /\/(?:action|inpaint)$/u.test(path) ? "job_id" : "jobId";
    return { status: 200, body: { status: "SUCCESS", message: "success", data: { [name]: task.id } } };
  },

  shown: (task, _request, view) => ({ status: 200, body: jobOf(task, view.origin) }),

  refused(refusal): Answer {
    const [status, message] = refusalIn(REFUSALS, refusal);
    return { status, body: { status: "FAILED", message, data: null } };
  },
};

interface Submit {
  verb: "imagine" | "action" | "blend" | "describe";
  decide(body: Fields, view: FamilyView): FamilyDecision;
}

const SUBMITS: Readonly<Record<string, Submit>> = {
  imagine: {
    verb: "imagine",
    decide(body, view) {
      const prompt = text(body, "prompt");
      if (prompt === undefined) return invalid("[Invalid parameter] prompt is required");
      return root({ action: "IMAGINE", result: "grid", prompt }, body, view);
    },
  },
  blend: {
    verb: "blend",
    decide(body, view) {
      const images = texts(body, "imgBase64Array");
      if (!images || images.length < 2 || images.length > 5) return invalid("[Invalid parameter] 2 to 5 images");
      return root({ action: "BLEND", result: "grid" }, body, view);
    },
  },
  describe: {
    verb: "describe",
    decide(body, view) {
      if (text(body, "base64") === undefined && text(body, "url") === undefined) {
        return invalid("[Invalid parameter] url or base64 is required");
      }
      return root({ action: "DESCRIBE", result: "describe" }, body, view);
    },
  },
  action: {
    verb: "action",
    decide(body, view) {
      const name = text(body, "action");
      if (name === undefined) return invalid("[Invalid parameter] action is required");
      return child(name, componentsOf, body, view);
    },
  },
  inpaint: {
    verb: "action",
    decide(body, view) {
      if (text(body, "mask") === undefined) return invalid("[Invalid parameter] mask is required");
      if (text(body, "mask")?.startsWith("data:")) return invalid("[Invalid parameter] mask has a prefix");
      const prompt = text(body, "prompt");
      if (prompt === undefined) return invalid("[Invalid parameter] prompt is required");
      const region = new Map([["inpaint", press("INPAINT")]]);
      return child("inpaint", ({ result }) => (result === "single" ? region : new Map()), body, view, prompt);
    },
  },
  seed: {
    verb: "action",
    decide(body, view) {
      const seed = new Map([["seed", press("SEED", "plain")]]);
      return child("seed", ({ result }) => (result === "plain" ? new Map() : seed), body, view);
    },
  },
};

function root(fields: Pick<Draft, "action" | "result"> & Partial<Draft>, body: Fields, view: FamilyView) {
  const mode = modeOf(field(body, "mode") ?? "fast");
  if (mode === undefined) return invalid("[Invalid parameter] mode is fast, relax or turbo");
  const problem = timeoutProblem(body, mode === "RELAX" ? 600 : 300);
  return problem ?? created({ ...fields, mode, notifyHook: urlIn(body, "hookUrl"), request: body }, view);
}

/** Creates a child. It has the mode of its parent. The same action twice creates two jobs. */
function child(
  name: string,
  offers: (parent: Task) => ReadonlyMap<string, Press>,
  body: Fields,
  view: FamilyView,
  prompt?: string,
): FamilyDecision {
  const parentId = text(body, "jobId");
  if (parentId === undefined) return invalid("[Invalid parameter] jobId is required");
  const parent = view.task(parentId);
  const seen = { parentId, customId: name };
  if (!parent) return { kind: "refuse", refusal: { kind: "parent-missing" }, ...seen };
  if (!isPressable(parent)) return { kind: "refuse", refusal: { kind: "not-success" }, ...seen };
  const offered = offers(parent).get(name);
  if (!offered) return { kind: "refuse", refusal: { kind: "not-offered", name }, ...seen };
  return (
    timeoutProblem(body, 300) ??
    created(
      {
        ...offered,
        parent,
        customId: name,
        label: name,
        prompt: prompt ?? parent.prompt,
        mode: parent.mode as Draft["mode"],
        notifyHook: urlIn(body, "hookUrl"),
        request: body,
      },
      view,
    )
  );
}

function timeoutProblem(body: Fields, leastS: number): FamilyDecision | undefined {
  const timeout = Number(field(body, "timeout") ?? leastS);
  return timeout >= leastS && timeout <= 1_200
    ? undefined
    : invalid(`[Invalid parameter] timeout is from ${leastS} to 1200`);
}

function componentsOf({ result, customId }: Task): ReadonlyMap<string, Press> {
  if (result === "grid") return OF_GRID;
  if (result !== "single") return new Map();
  return /upscale/u.test(customId ?? "") ? OF_ENLARGED : OF_SINGLE;
}

function fetched({ method, query, body }: FamilyRequest, view: FamilyView) {
  const id = (method === "POST" ? text(body, "jobId") : query.get("jobId")) ?? "";
  const task = view.task(id);
  const answer = task ? { status: 200, body: jobOf(task, view.origin) } : ttapi.refused({ kind: "missing" }, view);
  return lookedUp("fetch", [id], task ? 1 : 0, answer);
}

/** Names of a job's state in look-ups, and its numbers in the list. Only the number 2 is documented. */
function stateOf({ status }: Task): [name: string, number: number] {
  if (status === "SUCCESS") return ["SUCCESS", 2];
  if (isEnded(status)) return ["FAILED", 3];
  return status === "NOT_START" ? ["PENDING_QUEUE", 0] : ["ON_QUEUE", 1];
}

/** Body of `fetch` and of callbacks. */
function jobOf(task: Task, origin: Origin): Fields {
  const [status] = stateOf(task);
  const isDone = status === "SUCCESS";
  const common = { action: actionOf(task), jobId: task.id, progress: String(isDone ? 100 : percentOf(task)) };
  const notifyId = text(task.request ?? {}, "notify_id");
  const asked = {
    prompt: promptOf(task),
    hookUrl: hookUrlOf(task),
    // An older page documents this field of the client.
    ...(notifyId !== undefined && { notify_id: notifyId }),
  };
  return {
    status,
    message: status === "FAILED" ? failureTextOf(task) : isDone ? "success" : "",
    jobId: task.id,
    data: isDone
      ? { ...common, ...asked, ...resultOf(task, origin), ...partsOf(task, origin) }
      : { ...common, ...asked, components: null, images: null },
  };
}

function resultOf(task: Task, origin: Origin): Fields {
  const image = task.action === "SEED" || task.result === "describe" ? null : imageUrlOf(task, origin);
  const size = image === null ? null : task.result === "grid" ? 1_024 : 512;
  return { quota: String(quotaOf(task)), discordImage: image, cdnImage: image, width: size, height: size };
}

function partsOf(task: Task, origin: Origin): Fields {
  // The four pictures of a grid come only if the client asked for them.
  const hasImages = task.result === "grid" && field(task.request ?? {}, "getUImages") === true;
  return {
    components: [...componentsOf(task).keys()],
    seed: task.action === "SEED" ? seedOf(task) : null,
    images: hasImages ? tileUrls(task, origin) : [],
  };
}

const actionOf = ({ customId, action }: Task): string => customId ?? action.toLowerCase();

/** The text of a describe is the prompt of its job. No document shows such a job. */
const promptOf = (task: Task): string =>
  task.result === "describe" && task.status === "SUCCESS" ? finalPromptOf(task) : (task.prompt ?? "");

/** The job repeats our callback URL, whether or not the vendor sends callbacks. */
const hookUrlOf = ({ request = {} }: Task): string => text(request, "hookUrl") ?? "";

const QUOTA: Readonly<Record<string, number>> = { RELAX: 1, FAST: 2, TURBO: 4 };
const quotaOf = ({ mode }: Task): number => QUOTA[mode] ?? 2;

function failureTextOf(task: Task): string {
  const { cause, reason } = failureOf(task);
  return cause === "moderated" ? "[Banned prompt detected] refused by the moderator" : reason;
}

function listed({ query }: FamilyRequest, view: FamilyView) {
  const limit = Math.min(100, Number(query.get("limit") ?? 10) || 10);
  const page = Math.max(1, Number(query.get("page") ?? 1) || 1);
  const wanted = query.get("status");
  const fitting = view.all().filter((task) => wanted === null || stateOf(task)[0] === wanted);
  const ordered = query.get("order") === "asc" ? fitting.toReversed() : fitting;
  const tasks = ordered.slice((page - 1) * limit, page * limit);
  const data = tasks.map((task) => itemOf(task, view));
  return lookedUp("list", [], tasks.length, { status: 200, body: { status: "SUCCESS", data, message: "success" } });
}

/** Item of the list: snake case and a number as status. Whether it names the callback URL is not known. */
function itemOf(task: Task, { origin, scenario }: FamilyView): Fields {
  const [, status] = stateOf(task);
  const image = imageUrlOf(task, origin);
  return {
    job_id: task.id,
    model: task.mode.toLowerCase(),
    action: actionOf(task),
    quota: quotaOf(task),
    status,
    progress: String(percentOf(task)),
    prompt: promptOf(task),
    discord_image: image,
    cdn_image: image,
    ...(scenario.listsHooks && { hook_url: hookUrlOf(task) }),
  };
}

function accountOf({ scenario }: FamilyView): Answer {
  const data = {
    balance: scenario.credit ?? 1_000,
    freeze_balance: 0,
    max_queue: scenario.queue?.running ?? 10,
  };
  return { status: 200, body: { status: "SUCCESS", message: "success", data } };
}

const REFUSALS: Refusals<[status: number, message: string]> = {
  unauthorized: [401, "TT-API-KEY error"],
  "no-route": [404, "Job not found"],
  missing: [404, "Job not found"],
  "parent-missing": [404, "Job not found"],
  invalid: (refusal) => [400, refusal.text],
  banned: (refusal) => [400, `[TTAPI prompt filter] word not allowed: ${refusal.word}`],
  "not-success": [400, "[Invalid parameter] the job has not succeeded"],
  "not-offered": (refusal) => [400, `[Invalid parameter] the job has no action ${refusal.name}`],
  "no-credit": [402, "Insufficient balance"],
  forbidden: (refusal) => [403, refusal.text],
  "no-account": [403, "Account block"],
  "rate-limit": [429, "Requests too frequent"],
  "queue-full": [499, "Insufficient queues"],
  "server-error": (refusal) => [refusal.status, "Server error"],
  timeout: [504, "Request timeout"],
  ended: [400, "[Invalid parameter] the job has ended"],
};
