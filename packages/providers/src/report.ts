/**
 * Parses task objects (docs/protocol.md 3) of callbacks and look-ups for every dialect. The parser is pure and tolerant:
 * only an object without id and status is not a task. Unknown fields stay in `raw`. An unknown status is reported as
 * `unknownStatus` (D4).
 */
import type { Button } from "@mjflow/core/button";
import { type Media, REPORT_STATUSES, type Report, type ReportStatus, type Result } from "@mjflow/core/report";
import { type Fields, idOf, isFields, linkOf, textOf } from "./json.ts";
import { redactRawReport } from "./redact.ts";

export interface ReadOptions {
  /** Buttons for a grid without buttons, if the vendor may be novicezk, which has no /submit/action (`legacy-change.ts`). */
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
  // new-api reports 100 % with FAILURE, so the progress of a failure is ignored.
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

/** Parses a task list and skips items that are no tasks. */
export function parseTasks(body: unknown, options: ReadOptions = {}): Report[] {
  return (taskList(body) ?? []).flatMap((item) => parseTask(item, options) ?? []);
}

/** Returns the items of a bare array (all vendors), of `content` (a page of plus) or of `data`; undefined if no list. */
export function taskList(body: unknown): readonly unknown[] | undefined {
  if (Array.isArray(body)) return body;
  const list = isFields(body) ? (body["content"] ?? body["data"]) : undefined;
  return Array.isArray(list) ? list : undefined;
}

function statusOf(value: unknown): { status?: ReportStatus; unknownStatus?: string } {
  // new-api sends "" for up to 15 s, until it has first polled its upstream.
  if (value === undefined || value === null || value === "") return { status: "NOT_START" };
  const word = textOf(value, 64) ?? "";
  const upper = word.toUpperCase();
  return STATUSES.has(upper) ? { status: upper as ReportStatus } : { unknownStatus: word };
}

/** Parses "31%", "100" and 31. Free text such as "Waiting to start" gives no progress (docs/protocol.md 3.5). */
function progressOf(value: unknown): number | undefined {
  const match = /^\s*(\d{1,3})(?:\.\d+)?\s*%?\s*$/.exec(String(value ?? ""));
  return match ? Math.min(100, Number(match[1])) : undefined;
}

/** Returns epoch ms. 0 means unset (new-api), and values below 10^11 are seconds (docs/protocol.md 7). */
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

/** Parses links or objects `{url, thumbnail}` (the document of GeekNow shows both). */
function mediaOf(value: unknown): Media[] | undefined {
  const list = Array.isArray(value) ? value : value ? [value] : [];
  const media = list.flatMap((item): Media[] => {
    const url = linkOf(isFields(item) ? item["url"] : item);
    const thumbnail = isFields(item) ? linkOf(item["thumbnail"]) : undefined;
    return url ? [{ url, ...(thumbnail && { thumbnail }) }] : [];
  });
  return media.length > 0 ? media.slice(0, 16) : undefined;
}

/** Returns undefined if the body has no button list, which differs from an empty list (docs/protocol.md 4). */
function buttonsOf(value: unknown): Button[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.slice(0, 50).flatMap((item): Button[] => {
    if (!isFields(item) || typeof item["customId"] !== "string" || item["customId"] === "") return [];
    const customId = item["customId"];
    if (customId.length > 300) return [];
    return [{ customId, label: textOf(item["label"], 100) ?? "", emoji: textOf(item["emoji"], 40) ?? "" }];
  });
}
