/**
 * A task object, read (docs/protocol.md 3): the same for callbacks and look-ups, for every dialect. Pure and tolerant: only an
 * object that names neither an id nor a status is no task. Fields nobody knows are kept in `raw`; a status nobody knows
 * is told as such (D4).
 */
import type { Button } from "@mjflow/core/button";
import { type Media, REPORT_STATUSES, type Report, type ReportStatus, type Result } from "@mjflow/core/report";
import { type Fields, idOf, isFields, linkOf, textOf } from "./json.ts";
import { redactRawReport } from "./redact.ts";

export interface ReadOptions {
  /** The vendor may be a novicezk without buttons or /submit/action: then a grid's nine are made up (`change.ts`). */
  changeButtons?: readonly Button[];
}

const GRIDS = new Set(["IMAGINE", "VARIATION", "REROLL", "BLEND"]);
const STATUSES: ReadonlySet<string> = new Set(REPORT_STATUSES);

export function parseTask(body: unknown, { changeButtons }: ReadOptions = {}): Report | undefined {
  if (!isFields(body)) return undefined;
  const vendorTaskId = idOf(body["id"]);
  if (vendorTaskId === undefined && typeof body["status"] !== "string") return undefined;
  const status = statusOf(body["status"]);
  const action = textOf(body["action"], 40)?.toUpperCase();
  const report: Report = { ...status, result: {} };
  if (vendorTaskId !== undefined) report.vendorTaskId = vendorTaskId;
  if (action) report.action = action;
  const failReason = textOf(body["failReason"], 500);
  if (failReason) report.failReason = failReason;
  const state = textOf(body["state"], 255);
  if (state) report.state = state;
  // 100 % beside FAILURE says nothing (new-api).
  const progress = status.status === "FAILURE" ? undefined : progressOf(body["progress"]);
  if (progress !== undefined) report.progress = progress;
  const finishTime = timeOf(body["finishTime"]);
  if (finishTime !== undefined) report.finishTime = finishTime;
  if (status.status === "SUCCESS" || status.status === "FAILURE" || status.status === "CANCEL") {
    report.result = resultOf(body);
    const buttonless = status.status === "SUCCESS" && !("buttons" in body);
    if (buttonless && changeButtons && GRIDS.has(action ?? "")) report.result.buttons = [...changeButtons];
  }
  return report;
}

/** list-by-condition answers a bare array; a wrapper may put it under `data`. What is no task in it is left out. */
export function parseTasks(body: unknown, options: ReadOptions = {}): Report[] {
  return (taskList(body) ?? []).flatMap((item) => parseTask(item, options) ?? []);
}

/** A bare array (everyone's lists), a page's `content` (plus), or `data`. Undefined: not a list. */
export function taskList(body: unknown): readonly unknown[] | undefined {
  if (Array.isArray(body)) return body;
  const list = isFields(body) ? (body["content"] ?? body["data"]) : undefined;
  return Array.isArray(list) ? list : undefined;
}

function statusOf(value: unknown): { status?: ReportStatus; unknownStatus?: string } {
  // A relay that has not asked its upstream yet sends "" (new-api, the first 15 s).
  if (value === undefined || value === null || value === "") return { status: "NOT_START" };
  const word = textOf(value, 64) ?? "";
  const upper = word.toUpperCase();
  return STATUSES.has(upper) ? { status: upper as ReportStatus } : { unknownStatus: word };
}

/** "31%", "100", 31; free text ("Waiting to start") is no number and no error (docs/protocol.md 3.5). */
function progressOf(value: unknown): number | undefined {
  const match = /^\s*(\d{1,3})(?:\.\d+)?\s*%?\s*$/.exec(String(value ?? ""));
  return match ? Math.min(100, Number(match[1])) : undefined;
}

/** Epoch ms; 0 is unset (new-api), and a value below 10^11 would be seconds (docs/protocol.md 7). */
function timeOf(value: unknown): number | undefined {
  const time = Number(value);
  if (!Number.isFinite(time) || time <= 0) return undefined;
  return time < 1e11 ? time * 1_000 : time;
}

function resultOf(body: Fields): Result {
  const properties = isFields(body["properties"]) ? body["properties"] : {};
  const images = mediaOf(body["imageUrls"]);
  const videos = mediaOf(body["videoUrls"] ?? body["videoUrl"]);
  const found: Result = {
    imageUrl: linkOf(body["imageUrl"]) ?? images?.[0]?.url,
    images,
    videos,
    buttons: buttonsOf(body["buttons"]),
    prompt: textOf(body["prompt"], 16_384),
    promptEn: textOf(body["promptEn"], 16_384),
    finalPrompt: textOf(properties["finalPrompt"], 16_384),
    description: textOf(body["description"], 500),
    seed: textOf(body["seed"], 20),
    raw: redactRawReport(body),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)) as Result;
}

/** Links, or objects of `{url, thumbnail}` (GeekNow's page shows both). */
function mediaOf(value: unknown): Media[] | undefined {
  const list = Array.isArray(value) ? value : value ? [value] : [];
  const media = list.flatMap((item): Media[] => {
    const url = linkOf(isFields(item) ? item["url"] : item);
    const thumbnail = isFields(item) ? linkOf(item["thumbnail"]) : undefined;
    return url ? [{ url, ...(thumbnail && { thumbnail }) }] : [];
  });
  return media.length > 0 ? media.slice(0, 16) : undefined;
}

/** Undefined where the body has none to speak of: absent is not the same as empty (docs/protocol.md 4). */
function buttonsOf(value: unknown): Button[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.slice(0, 50).flatMap((item): Button[] => {
    if (!isFields(item) || typeof item["customId"] !== "string" || item["customId"] === "") return [];
    const customId = item["customId"];
    if (customId.length > 300) return [];
    return [{ customId, label: textOf(item["label"], 100) ?? "", emoji: textOf(item["emoji"], 40) ?? "" }];
  });
}
