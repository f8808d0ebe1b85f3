/**
 * Parses task objects (docs/protocol.md 3) of callbacks and look-ups for every dialect. The parser is pure and tolerant:
 * only an object without id and status is not a task. Unknown fields stay in `raw`. An unknown status is reported as
 * `unknownStatus` (D4).
 */
import type { Button } from "@mjflow/core/button";
import {
  isFinal,
  type Media,
  needsWrite,
  REPORT_STATUSES,
  type Report,
  type ReportStatus,
  type Result,
} from "@mjflow/core/report";
import { type Fields, idOf, integerOf, isFields, linkOf, parseStrict, textOf } from "./json.ts";
import { cleanVendorText, redactRawReport } from "./redact.ts";
import { videoButtons } from "./video.ts";

export interface ReadOptions {
  /** Buttons for a grid without buttons, if the vendor may be novicezk, which has no /submit/action (`legacy-change.ts`). */
  changeButtons?: readonly Button[];
  /** False for a button that the vendor shows but cannot press; unset: all buttons can be pressed. */
  canPress?: (customId: string) => boolean;
  /** How the vendor makes videos (`Dialect.videoBy`); unset: it has no video request. */
  videoBy?: "action" | "submit";
  /** Base URL of the vendor, for links without a host (QuantumNous/new-api#144); unset: such links are left out. */
  baseUrl?: string;
  /** True: a report that needs no write has only its status. Nine of ten callbacks are such steps, and no reader uses more of them. */
  dropsSteps?: boolean;
}

const GRIDS = new Set(["IMAGINE", "VARIATION", "REROLL", "BLEND"]);
const STATUSES: ReadonlySet<string> = new Set(REPORT_STATUSES);

/** Words of other servers for the statuses (docs/protocol.md 3.3), without case, blank and hyphen. */
const SYNONYMS: Readonly<Record<string, ReportStatus>> = {
  SUCCEEDED: "SUCCESS",
  SUCCEED: "SUCCESS",
  SUCCESSFUL: "SUCCESS",
  FINISHED: "SUCCESS",
  FINISH: "SUCCESS",
  COMPLETED: "SUCCESS",
  COMPLETE: "SUCCESS",
  DONE: "SUCCESS",
  FAILED: "FAILURE",
  FAIL: "FAILURE",
  ERROR: "FAILURE",
  REJECTED: "FAILURE",
  TIMEOUT: "FAILURE",
  TIMED_OUT: "FAILURE",
  CANCELED: "CANCEL",
  CANCELLED: "CANCEL",
  RUNNING: "IN_PROGRESS",
  PROCESSING: "IN_PROGRESS",
  GENERATING: "IN_PROGRESS",
  INPROGRESS: "IN_PROGRESS",
  STARTED: "IN_PROGRESS",
  QUEUED: "NOT_START",
  IN_QUEUE: "NOT_START",
  PENDING: "NOT_START",
  WAITING: "NOT_START",
  CREATED: "NOT_START",
  NOT_STARTED: "NOT_START",
};

/** Words that say only that the work has ended. With a reason and without a picture it has failed. */
const ENDED = new Set(["FINISHED", "FINISH", "COMPLETED", "COMPLETE", "DONE"]);

/** Fields in which servers wrap a task or a list (QuantumNous/new-api#1673, docs/protocol.md 1.14). */
const WRAPPERS = ["result", "data", "task"] as const;
const LISTS = ["content", "data", "result", "list", "tasks", "items", "rows", "records"] as const;

export function parseTask(body: unknown, options: ReadOptions = {}): Report | undefined {
  const task = taskIn(body);
  if (!task) return undefined;
  const status = statusOf(task);
  if (options.dropsSteps && !needsWrite(status)) return { ...status, result: {} };
  const vendorTaskId = taskIdOf(task);
  const action = actionOf(task["action"]);
  const report: Report = { ...status, result: {} };
  if (vendorTaskId !== undefined) report.vendorTaskId = vendorTaskId;
  if (action) report.action = action;
  const failReason = failReasonOf(task);
  if (failReason) report.failReason = failReason;
  const state = textOf(task["state"], 255);
  if (state) report.state = state;
  // new-api reports 100 % with FAILURE, so the progress of a failure is ignored.
  const progress = status.status === "FAILURE" ? undefined : progressOf(task["progress"]);
  if (progress !== undefined) report.progress = progress;
  const previewUrl = status.status === "IN_PROGRESS" ? previewUrlOf(task, options) : undefined;
  if (previewUrl !== undefined) report.previewUrl = previewUrl;
  const finishTime = timeOf(task["finishTime"] ?? task["finish_time"]);
  if (finishTime !== undefined) report.finishTime = finishTime;
  if (isFinal(status.status)) {
    report.result = resultOf(task, options);
    const buttonless = status.status === "SUCCESS" && !("buttons" in task);
    if (buttonless && options.changeButtons && GRIDS.has(action ?? "")) {
      report.result.buttons = [...options.changeButtons];
    }
    if (status.status === "SUCCESS" && options.videoBy) {
      const added = videoButtons(action, report.result, options.videoBy === "submit");
      // Without a list of buttons the body says nothing about them, so there is nothing to complete.
      if (added.length > 0 && report.result.buttons) report.result.buttons = [...report.result.buttons, ...added];
    }
  } else if (status.status === "IN_PROGRESS" && progress === 100) {
    // A relay may never change this row again. Then its picture is all that can be had (docs/protocol.md 3.5).
    report.result = previewOf(resultOf(task, options));
  } else if (status.status === "MODAL") {
    const finalPrompt = finalPromptOf(task);
    if (finalPrompt !== undefined) report.result = { finalPrompt };
  }
  return report;
}

/**
 * Returns the task of a body: the body itself, or the object in which a gateway wrapped it. An envelope can have an id or a status of
 * its own, so an object with both comes first, then one with a status.
 */
function taskIn(body: unknown): Fields | undefined {
  if (!isFields(body)) return undefined;
  const hasStatus = (task: Fields) => typeof task["status"] === "string";
  const outerId = taskIdOf(body);
  if (hasStatus(body) && outerId !== undefined) return body;
  const wrapped = WRAPPERS.map((name) => body[name]).filter(isFields);
  const whole = wrapped.find((task) => hasStatus(task) && taskIdOf(task) !== undefined);
  if (whole || hasStatus(body)) return whole ?? body;
  const withStatus = wrapped.find(hasStatus);
  if (withStatus) return outerId === undefined ? withStatus : { ...withStatus, id: outerId };
  return outerId === undefined ? wrapped.find((task) => taskIdOf(task) !== undefined) : body;
}

function taskIdOf(task: Fields): string | undefined {
  // A row of new-api's panel has the number of the row in `id`.
  return idOf(task["mj_id"]) ?? idOf(task["id"]) ?? idOf(task["taskId"]) ?? idOf(task["task_id"]);
}

/** Parses a task list and skips items that are no tasks. */
export function parseTasks(body: unknown, options: ReadOptions = {}): Report[] {
  return (taskList(body) ?? []).flatMap((item) => parseTask(item, options) ?? []);
}

/**
 * Returns the items of a list: a bare array (all vendors), a page of plus (`content`), or a list in the envelope of a
 * gateway. A map by id and a single task are lists, too. Undefined if the body is no list: then it says nothing about any
 * task. An error in a 200 and a list of other things than tasks are no lists.
 */
export function taskList(body: unknown): readonly unknown[] | undefined {
  // Some servers write null for an unknown id.
  const items = itemsOf(body, 2)?.filter((item) => item !== null);
  if (!items || items.length === 0) return items;
  return items.some((item) => taskIn(item) !== undefined) ? items : undefined;
}

function itemsOf(body: unknown, depth: number): readonly unknown[] | undefined {
  if (Array.isArray(body)) return body;
  if (!isFields(body) || isErrorEnvelope(body)) return undefined;
  if (taskIdOf(body) !== undefined) return [body];
  const named = LISTS.map((name) => body[name]);
  const list = named.find(Array.isArray);
  if (list) return list as readonly unknown[];
  const byId = Object.entries(body);
  if (byId.length > 0 && byId.every(([id, item]) => isFields(item) && taskIdOf(item) === id))
    return Object.values(body);
  const inner = depth > 0 ? named.find(isFields) : undefined;
  return inner && itemsOf(inner, depth - 1);
}

/** True for a body that reports an error, whatever its HTTP status is. Success codes: 1 (protocol), 0 and 200 (gateways). */
export function isErrorEnvelope(body: Fields): boolean {
  const { code, error, success } = body;
  const number = integerOf(code);
  if (number !== undefined && ![0, 1, 200].includes(number)) return true;
  if (typeof code === "string" && number === undefined && !/^(?:success|ok)?$/i.test(code)) return true;
  return success === false || isError(error);
}

/** An empty error object is no error: servers in Go write it beside a result. */
export function isError(error: unknown): boolean {
  if (isFields(error)) return Object.values(error).some((value) => value !== null && value !== "" && value !== 0);
  return error === true || (typeof error === "string" && error.trim() !== "");
}

/** How far a row is in comparison to other rows of its id. */
const finalRank = ({ status }: Report) => (isFinal(status) ? 1 : 0);

/**
 * Keeps one report of each id: an end if there is one, otherwise the last. After a modal answer new-api has two rows of one
 * id, and the older row stays in MODAL.
 */
export function latestById(reports: readonly Report[]): Report[] {
  const byId = new Map<string | undefined, Report>();
  for (const report of reports) {
    const earlier = byId.get(report.vendorTaskId);
    if (!earlier || finalRank(report) >= finalRank(earlier)) byId.set(report.vendorTaskId, report);
  }
  return [...byId.values()];
}

function statusOf(task: Fields): { status?: ReportStatus; unknownStatus?: string } {
  const value = task["status"];
  // new-api sends "" for up to 15 s, until it has first polled its upstream.
  if (value === undefined || value === null || value === "") return { status: "NOT_START" };
  if (STATUSES.has(value as string)) return { status: value as ReportStatus };
  const word = textOf(value, 64) ?? "";
  const upper = word.toUpperCase().replace(/[\s-]+/g, "_");
  if (STATUSES.has(upper)) return { status: upper as ReportStatus };
  const status = Object.hasOwn(SYNONYMS, upper) ? SYNONYMS[upper] : undefined;
  if (status === undefined) return { unknownStatus: word };
  const hasFailed = ENDED.has(upper) && failReasonOf(task) !== undefined && linksOf(task).every((link) => !link);
  return { status: hasFailed ? "FAILURE" : status };
}

function linksOf(task: Fields): unknown[] {
  return [
    task["imageUrl"],
    task["image_url"],
    task["imageUrls"],
    task["image_urls"],
    task["videoUrl"],
    task["video_url"],
  ];
}

/** new-api names the action of the row that a modal answer creates MODAL, which is a status. */
function actionOf(value: unknown): string | undefined {
  const action = textOf(value, 40)?.toUpperCase();
  return action === "MODAL" ? undefined : action;
}

/** Never `description`, which repeats the text of the submit response. */
function failReasonOf(task: Fields): string | undefined {
  const { error } = task;
  const reason =
    textOf(task["failReason"], 500) ??
    textOf(task["fail_reason"], 500) ??
    textOf(isFields(error) ? error["message"] : error, 500);
  return reason && cleanVendorText(reason);
}

/** Parses "31%", "(31%)", "62.5 %", "100" and 31. Text such as "Waiting to start" gives no progress (docs/protocol.md 3.5). */
function progressOf(value: unknown): number | undefined {
  const match = /^(?:\(\s*)?(\d{1,3})(?:\.\d+)?\s*(?:%\s*)?\)?$/.exec(isScalar(value) ? String(value).trim() : "");
  return match ? Math.min(100, Number(match[1])) : undefined;
}

/** Any other value has no text, or none that a vendor means. */
function isScalar(value: unknown): value is string | number {
  return typeof value === "string" || typeof value === "number";
}

/** Returns epoch ms. 0 means unset (new-api), and values below 10^11 are seconds (docs/protocol.md 7). */
export function timeOf(value: unknown): number | undefined {
  const zoned = typeof value === "string" && /^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:?\d\d)$/i.test(value);
  const time = zoned ? Date.parse(value) : isScalar(value) ? Number(value) : Number.NaN;
  if (!Number.isFinite(time) || time <= 0) return undefined;
  return time < 1e11 ? time * 1_000 : time;
}

function resultOf(task: Fields, { baseUrl, canPress }: ReadOptions): Result {
  const images = firstMedia([task["imageUrls"], task["image_urls"]], baseUrl);
  const imageUrl = linkOf(task["imageUrl"], baseUrl) ?? linkOf(task["image_url"], baseUrl) ?? images?.[0]?.url;
  const videos =
    firstMedia([task["videoUrls"], task["video_urls"], task["videoUrl"], task["video_url"]], baseUrl) ??
    // trueai-org names the one video that was selected only here.
    (isVideoLink(imageUrl) ? [{ url: imageUrl! }] : undefined);
  const found: Result = {
    imageUrl,
    images,
    videos,
    buttons: buttonsOf(task["buttons"])?.filter(({ customId }) => canPress?.(customId) ?? true),
    prompt: textOf(task["prompt"], 16_384),
    promptEn: textOf(task["promptEn"] ?? task["prompt_en"], 16_384),
    finalPrompt: finalPromptOf(task),
    description: textOf(task["description"], 500),
    seed: textOf(task["seed"], 20),
    raw: redactRawReport(task),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)) as Result;
}

/** A longer link would make a write of the progress cost more than one unit. */
const PREVIEW_URL_LENGTH = 500;

function previewUrlOf(task: Fields, { baseUrl }: ReadOptions): string | undefined {
  const url = linkOf(task["imageUrl"], baseUrl) ?? linkOf(task["image_url"], baseUrl);
  return url !== undefined && url.length <= PREVIEW_URL_LENGTH ? url : undefined;
}

/** What a row without an end can show: its picture and its body. Its buttons cannot be pressed. */
function previewOf({ imageUrl, images, videos, raw }: Result): Result {
  const shown = { imageUrl, images, videos, raw };
  return Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== undefined)) as Result;
}

function finalPromptOf(task: Fields): string | undefined {
  const properties = asFields(task["properties"]);
  // trueai-org also has it in a field of its own.
  return textOf(properties["finalPrompt"] ?? properties["final_prompt"] ?? task["promptFull"], 16_384);
}

/** Returns the fields of an object or of a JSON text of one; xfusionai sends `properties` as text. */
export function asFields(value: unknown): Fields {
  const fields = jsonOf(value);
  return isFields(fields) ? fields : {};
}

/**
 * Some relays store lists and objects as JSON text and send that text (`Buttons` and `VideoUrls` of new-api). Some of their
 * resellers escape the quotation marks of this text for HTML.
 */
function jsonOf(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return value;
  return parseStrict(value) ?? (value.includes("&quot;") ? parseStrict(unescaped(value)) : undefined);
}

function unescaped(html: string): string {
  return html.replaceAll("&quot;", '"').replaceAll("&amp;", "&");
}

/** A video has its own type in the link of trueai-org. An animated `.webp` is a picture for every reader. */
function isVideoLink(url: string | undefined): boolean {
  return url !== undefined && /\.(?:mp4|webm|mov)$/i.test(URL.parse(url)?.pathname ?? "");
}

function firstMedia(values: readonly unknown[], baseUrl: string | undefined): Media[] | undefined {
  for (const value of values) {
    const media = mediaOf(value, baseUrl);
    if (media) return media;
  }
  return undefined;
}

/** Parses links or objects `{url, thumbnail}` (the document of GeekNow shows both), as a list, as JSON text or with commas. */
function mediaOf(value: unknown, baseUrl: string | undefined): Media[] | undefined {
  const given = jsonOf(value);
  const list = Array.isArray(given) ? given : typeof given === "string" ? splitLinks(given) : given ? [given] : [];
  const media = list.flatMap((item): Media[] => {
    const url = linkOf(isFields(item) ? item["url"] : item, baseUrl);
    const thumbnail = isFields(item) ? linkOf(item["thumbnail"], baseUrl) : undefined;
    return url ? [{ url, ...(thumbnail && { thumbnail }) }] : [];
  });
  return media.length > 0 ? media.slice(0, 16) : undefined;
}

/** A link may contain a comma. Therefore only a comma or blank before the next link separates. */
function splitLinks(text: string): string[] {
  return text.split(/(?<![\s,;|])[\s,;|]+(?=https?:\/\/|\/)/i);
}

/**
 * Returns undefined if the body does not tell the buttons, which differs from an empty list (docs/protocol.md 4). Forms: a
 * list of objects, its JSON text, or an object from label to customId.
 */
function buttonsOf(value: unknown): Button[] | undefined {
  const given = jsonOf(value);
  const list = Array.isArray(given)
    ? given
    : isFields(given)
      ? Object.entries(given).map(([label, customId]) => ({ label, customId }))
      : undefined;
  if (!list) return undefined;
  const buttons = list.slice(0, 50).flatMap((item): Button[] => {
    const customId = isFields(item) ? customIdOf(item["customId"] ?? item["custom_id"]) : undefined;
    if (!isFields(item) || customId === undefined) return [];
    return [{ customId, label: textOf(item["label"], 100) ?? "", emoji: textOf(item["emoji"], 40) ?? "" }];
  });
  const areButtons = list.every(
    (item) => isFields(item) && ("customId" in item || "custom_id" in item || "url" in item),
  );
  return buttons.length > 0 || areButtons ? buttons : undefined;
}

/** A link button of Discord has no customId. No customId of Midjourney has control characters. */
function customIdOf(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const customId = value.replace(/[\p{Cc}\p{Cf}]/gu, "").trim();
  return customId !== "" && customId.length <= 300 ? customId : undefined;
}
