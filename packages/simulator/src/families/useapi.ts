/**
 * useapi.net v3: a bridge to the user's own Midjourney account. Follow-ups name Midjourney's own button labels, every event is
 * called back, and a call streams unless it says `stream: false`. The README of this folder lists what is assumed.
 */
import type { CallbackFormat } from "../callback.ts";
import { type Fields, field, text } from "../json.ts";
import type { Draft } from "../protocol.ts";
import { decoded } from "../route.ts";
import { type Action, isEnded, isPressable, type Task } from "../task.ts";
import { finalPromptOf, imageUrlOf, type Origin, seedOf } from "../wire-format.ts";
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

const BASE = "/v3/midjourney/jobs";

const OF_GRID: ReadonlyMap<string, Press> = new Map([
  ...[1, 2, 3, 4].map((n) => [`U${n}`, press("UPSCALE", "single", n)] as const),
  ["🔄", press("REROLL")],
  ...[1, 2, 3, 4].map((n) => [`V${n}`, press("VARIATION", "grid", n)] as const),
]);

const OF_SINGLE: ReadonlyMap<string, Press> = new Map([
  ["Upscale (Subtle)", press("UPSCALE", "single")],
  ["Upscale (Creative)", press("UPSCALE", "single")],
  ["Vary (Subtle)", press("LOW_VARIATION")],
  ["Vary (Strong)", press("HIGH_VARIATION")],
  ["Vary (Region)", press("INPAINT")],
  ["Zoom Out 2x", press("ZOOM")],
  ["Zoom Out 1.5x", press("ZOOM")],
  ["Custom Zoom", press("CUSTOM_ZOOM")],
  ["Make Square", press("ZOOM")],
  ...["⬅️", "➡️", "⬆️", "⬇️"].map((label) => [label, press("PAN")] as const),
]);

const OF_DESCRIBE: ReadonlyMap<string, Press> = new Map([1, 2, 3, 4].map((n) => [`${n}️⃣`, press("IMAGINE", "grid", n)]));

export const useapi: Family = {
  id: "useapi",
  keyHeader: "authorization",
  imageFields: ["mask", "imageUrl", ...[1, 2, 3, 4, 5].map((n) => `imageUrl_${n}`)],
  longIds: false,
  cancelStatus: "CANCEL",
  keepsRefused: true,

  newId(draft, atMs, random) {
    const time = new Date(atMs).toISOString().replaceAll(/\D/gu, "").slice(4, 14);
    const digits = String(random.int(1_000_000_000)).padStart(9, "0");
    return `j${time}${digits}${LETTERS[verbOf(draft)]}-u90001-c1300000000000000301-bot:midjourney`;
  },

  callbacks: ({ callbackForm = "bare" }): CallbackFormat => ({
    contentType: "application/json",
    doublesTerminal: false,
    attempts: 1,
    sends: () => true,
    bodyOf(task, origin, withoutImage) {
      const job = { ...jobOf(task, origin, withoutImage), ...parentOf(task) };
      const replyRef = task.state === null ? {} : { replyRef: task.state };
      if (callbackForm === "bare") return { ...job, ...replyRef };
      return {
        event: `midjourney_${job.status}`,
        data: { ...job, response: { ...(job.response as Fields), ...replyRef } },
      };
    },
  }),

  read(request, view): FamilyCall | undefined {
    const { method, path, body } = request;
    if (path === BASE && method === "GET") {
      const ids = runningIds(view);
      return lookedUp("list", [], ids.length, { status: 200, body: ids });
    }
    if (!path.startsWith(`${BASE}/`)) return undefined;
    const name = decoded(path.slice(BASE.length + 1));
    if (method === "GET") return fetched(name, request, view);
    if (method === "DELETE") return { kind: "cancel", id: name };
    const submit = method === "POST" && Object.hasOwn(SUBMITS, name) ? SUBMITS[name] : undefined;
    return submit && { kind: "submit", verb: submit.verb, decision: submit.decide(body, view) };
  },

  accepted: (task, _request, { origin }) => ({ status: 200, body: jobOf(task, origin) }),

  shown(task, { method, body }, { origin }): Answer {
    const job = jobOf(task, origin);
    if (method !== "POST" || !streams(body)) return { status: 200, body: job };
    return { status: 200, body: eventOf(`midjourney_${job.status}`, job), contentType: "text/event-stream" };
  },

  refused(refusal, view): Answer {
    const [code, error, more = {}] = refusalIn(REFUSALS, refusal);
    return { status: code, body: { error, ...more, ...(code === 429 && { executingJobs: runningIds(view) }), code } };
  },
};

type Verb = "imagine" | "button" | "describe" | "blend" | "seed";
const LETTERS: Readonly<Record<Verb, string>> = { imagine: "i", button: "b", describe: "d", blend: "l", seed: "s" };

function verbOf({ action, customId }: { action: Action; customId?: string | null }): Verb {
  if (action === "SEED") return "seed";
  if (customId != null) return "button";
  return action === "DESCRIBE" ? "describe" : action === "BLEND" ? "blend" : "imagine";
}

interface Submit {
  verb: "imagine" | "action" | "describe" | "blend";
  decide(body: Fields, view: FamilyView): FamilyDecision;
}

const SUBMITS: Readonly<Record<string, Submit>> = {
  imagine: {
    verb: "imagine",
    decide(body, view) {
      const prompt = text(body, "prompt");
      if (prompt === undefined) return invalid("Parameter prompt is required");
      return job({ action: "IMAGINE", result: "grid", prompt }, body, view);
    },
  },
  describe: {
    verb: "describe",
    decide: (body, view) =>
      text(body, "imageUrl") === undefined
        ? invalid("Parameter imageUrl is required")
        : job({ action: "DESCRIBE", result: "describe" }, body, view),
  },
  blend: {
    verb: "blend",
    decide(body, view) {
      const images = [1, 2, 3, 4, 5].filter((n) => text(body, `imageUrl_${n}`) !== undefined);
      if (images.length < 2) return invalid("Parameters imageUrl_1 and imageUrl_2 are required");
      return job({ action: "BLEND", result: "grid" }, body, view);
    },
  },
  button: { verb: "action", decide: pressed },
  seed: {
    verb: "action",
    decide(body, view) {
      const parent = parentIn(body, view);
      if ("kind" in parent) return parent;
      return job({ action: "SEED", result: "plain", parent, prompt: parent.prompt }, body, view);
    },
  },
};

function job(
  fields: Pick<Draft, "action" | "result"> & Partial<Draft>,
  body: Fields,
  view: FamilyView,
): FamilyDecision {
  const { stream: _, ...request } = body;
  const state = text(body, "replyRef") ?? null;
  if ((state?.length ?? 0) > 1_024) return invalid("Parameter replyRef is too long");
  // The modes are flags of the prompt.
  const flag = /--(relax|fast|turbo)\b/u.exec(fields.prompt ?? "")?.[1];
  const mode = modeOf(flag) ?? fields.parent?.mode ?? "FAST";
  return created(
    { ...fields, mode: mode as Draft["mode"], state, notifyHook: urlIn(body, "replyUrl"), request },
    view,
    { blocks: streams(body) },
  );
}

/** A call streams its events unless it says no. */
const streams = (body: Fields): boolean => field(body, "stream") !== false;

function pressed(body: Fields, view: FamilyView): FamilyDecision {
  const label = text(body, "button") ?? "";
  const parent = parentIn(body, view);
  if ("kind" in parent) return { ...parent, customId: label };
  const seen = { parentId: parent.id, customId: label };
  const offered = buttonsOf(parent).get(label);
  if (!offered) return { kind: "refuse", refusal: { kind: "not-offered", name: label }, ...seen };
  if (offered.action === "UPSCALE" && offered.index > 0) {
    // These four buttons work once: a second press answers with the first child.
    const existing = view
      .all()
      .find((each) => each.parentId === parent.id && each.customId === label && isUsable(each));
    if (existing) return { kind: "existing", task: existing };
  }
  const prompt = text(body, "prompt");
  // The documents ask for a WebP image in base64.
  if (label === "Vary (Region)" && !text(body, "mask")?.startsWith("UklGR")) {
    return { ...invalid("Parameter mask is required"), ...seen };
  }
  if (label === "Custom Zoom" && prompt === undefined) return { ...invalid("Parameter prompt is required"), ...seen };
  const line = parent.result === "describe" ? linesOf(parent)[offered.index - 1] : undefined;
  return job({ ...offered, parent, customId: label, label, prompt: prompt ?? line ?? parent.prompt }, body, view);
}

const isUsable = ({ status }: Task): boolean => !isEnded(status) || status === "SUCCESS";

function parentIn(body: Fields, view: FamilyView): Task | (FamilyDecision & { kind: "refuse" }) {
  const parentId = text(body, "jobId") ?? "";
  const parent = view.task(parentId);
  if (!parent) return { kind: "refuse", refusal: { kind: "parent-missing" }, parentId };
  return isPressable(parent) ? parent : { kind: "refuse", refusal: { kind: "not-success" }, parentId };
}

function buttonsOf({ result }: Task): ReadonlyMap<string, Press> {
  if (result === "grid") return OF_GRID;
  return result === "single" ? OF_SINGLE : result === "describe" ? OF_DESCRIBE : new Map();
}

function fetched(id: string, request: FamilyRequest, view: FamilyView): FamilyCall {
  const task = view.task(id);
  const answer = task ? useapi.shown(task, request, view) : useapi.refused({ kind: "missing" }, view);
  return lookedUp("fetch", [id], task ? 1 : 0, answer);
}

function statusOf({ status, ending }: Task): string {
  switch (status) {
    case "NOT_START":
    case "MODAL":
      return "created";
    case "SUBMITTED":
      return "started";
    case "IN_PROGRESS":
      return "progress";
    case "SUCCESS":
      return "completed";
    case "CANCEL":
      return "cancelled";
    case "FAILURE":
      return ending.kind === "failure" && ending.cause === "moderated" ? "moderated" : "failed";
  }
}

function jobOf(task: Task, origin: Origin, withoutImage = false): Fields & { status: string } {
  const status = statusOf(task);
  const updated = task.finishTime ?? task.startTime ?? task.submitTime;
  const response = responseOf(task, origin);
  if (withoutImage && response) Object.assign(response, { attachments: [] });
  const isLost = status === "failed" || status === "moderated" || status === "cancelled";
  return {
    jobid: task.id,
    verb: verbOf(task),
    status,
    created: new Date(task.submitTime).toISOString(),
    updated: new Date(updated).toISOString(),
    request: task.request ?? {},
    ...(response && { response }),
    ...(isLost && { error: status === "moderated" ? "moderated" : failureOf(task).reason }),
  };
}

const parentOf = ({ parentId }: Task): Fields => (parentId === null ? {} : { parentJobId: parentId });

function responseOf(task: Task, origin: Origin): Fields | undefined {
  switch (task.status) {
    case "IN_PROGRESS":
      return {
        content: `**${task.prompt ?? ""}** - <@1> (${percentOf(task)}%) (${task.mode.toLowerCase()})`,
        progress_percent: percentOf(task),
        attachments: attachmentsOf(task, origin),
      };
    case "SUCCESS":
      return resultOf(task, origin);
    case "FAILURE":
    case "CANCEL": {
      const { cause, reason } = failureOf(task);
      return {
        content:
          cause === "moderated"
            ? "Sorry! The AI moderators feel your prompt might be against our community standards."
            : reason,
      };
    }
    default:
      return undefined;
  }
}

function resultOf(task: Task, origin: Origin): Fields {
  const common = { progress_percent: 100, attachments: attachmentsOf(task, origin) };
  if (task.action === "SEED")
    return { content: `**Seed** ${seedOf(task)}`, ...common, attachments: [], seed: seedOf(task) };
  const buttons = [...buttonsOf(task).keys()];
  if (task.result === "describe") {
    return { content: "", ...common, embeds: [{ type: "rich", description: finalPromptOf(task) }], buttons };
  }
  const name = task.result === "single" && task.index > 0 ? ` - Image #${task.index} <@1>` : " - <@1> (fast)";
  const tiles = task.result === "grid" ? tileUrls(task, origin).map((url, i) => ({ id: i + 1, url })) : undefined;
  return { content: `**${task.prompt ?? ""}**${name}`, ...common, buttons, ...(tiles && { imageUx: tiles }) };
}

function attachmentsOf(task: Task, origin: Origin): Fields[] {
  const url = task.action === "SEED" || task.result === "describe" ? null : imageUrlOf(task, origin);
  if (url === null) return [];
  const isGrid = task.status === "SUCCESS" && task.result === "grid";
  const size = isGrid ? 1_024 : 512;
  return [{ url, ...(isGrid && { proxy_url: url }), filename: `${task.jobId}.png`, width: size, height: size }];
}

function eventOf(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

const runningIds = (view: FamilyView) => view.all().flatMap(({ id, status }) => (isEnded(status) ? [] : [id]));

const REFUSALS: Refusals<[code: number, error: string, more?: Fields]> = {
  unauthorized: [401, "Unauthorized"],
  "no-route": [404, "Not found"],
  invalid: (refusal) => [400, refusal.text],
  banned: (refusal) => [422, "Moderated", { jobid: refusal.task?.id ?? "", status: "moderated" }],
  missing: [404, "Job not found"],
  "parent-missing": [404, "Job not found"],
  "not-success": [400, "The job is not completed"],
  "not-offered": (refusal) => [400, `The job has no button ${refusal.name}`],
  forbidden: (refusal) => [403, refusal.text],
  "no-credit": [402, "Account has no subscription or subscription expired"],
  "no-account": [412, "Channel not configured"],
  "queue-full": [429, "All job slots are taken"],
  "rate-limit": [429, "Too many requests"],
  ended: [400, "The job has ended"],
  timeout: [504, "The job has not ended in time"],
  "server-error": (refusal) => [refusal.status, "Internal error"],
};
