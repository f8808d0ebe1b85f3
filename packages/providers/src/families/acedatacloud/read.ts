/** Parses the bodies of AceDataCloud: callbacks, and items of look-ups and lists. See README.md. */
import { type Button, isUnsupportedName } from "@mjflow/core/button";
import type { Report, Result } from "@mjflow/core/report";
import { type Fields, idOf, isFields, linkOf, parseJson, textOf } from "../../json.ts";
import { cleanVendorText, redactRawReport } from "../../redact.ts";
import { refOf } from "../shared/address.ts";
import { ownButton } from "../shared/press.ts";
import { linesOf, meaningOf, mediaOf, previewOf, progressOf, told } from "../shared/result.ts";
import { UNSUPPORTED_PRESSES } from "./unsupported.ts";

export const FAMILY = "acedatacloud";

/** Our address, and internals of the operator's account. */
const REMOVED = new Set(["callback_url", "application_id", "credential_id", "_id", "mask", "trace_id"]);

export function readCallback(body: string, baseUrl?: string): Report | undefined {
  return reportOf(parseJson(body), baseUrl);
}

/**
 * Returns undefined if the body is no result of a task.
 *
 * @param hasEnded true if the vendor says elsewhere that the task has ended
 */
export function reportOf(body: unknown, baseUrl?: string, hasEnded = false): Report | undefined {
  if (!isFields(body) || typeof body["success"] !== "boolean") return undefined;
  const vendorTaskId = idOf(body["task_id"]);
  // An error without a task is about a request.
  if (vendorTaskId === undefined) return undefined;
  if (!body["success"]) return failureOf(body, vendorTaskId);
  const progress = progressOf(body["progress"]);
  const image = linkOf(body["raw_image_url"], baseUrl) ?? linkOf(body["image_url"], baseUrl);
  // A report of progress says `success` too. Its picture is removed later and has another `image_id`.
  if (!hasEnded && !isEnd(body, progress))
    return told<Report>({
      vendorTaskId,
      status: "IN_PROGRESS",
      progress: Math.min(progress ?? 0, 99),
      previewUrl: previewOf(image),
      result: {},
    });
  return { vendorTaskId, status: "SUCCESS", progress: 100, result: resultOf(body, image, baseUrl) };
}

/**
 * The end has 100 % and its actions. An edit has no field `actions`, and a text has no progress. A result without a progress that can
 * be read is an end only if its actions are there. Otherwise a look-up says whether the task has ended.
 */
function isEnd(body: Fields, progress: number | undefined): boolean {
  const { actions } = body;
  const hasActions = Array.isArray(actions) && actions.length > 0;
  if (progress === undefined) return hasActions || linesIn(body) !== undefined;
  return progress === 100 && (hasActions || !Array.isArray(actions));
}

/**
 * Returns the texts of a describe or a shorten; undefined for another result. A list without a text is none: a task that it ended would
 * be paid and have no result.
 */
function linesIn(body: Fields): readonly unknown[] | undefined {
  return [body["descriptions"], body["prompts"]].filter(Array.isArray).find((list) => linesOf(list, 1) !== undefined);
}

/** Returns the end of a describe or a shorten whose response has the texts; undefined for another response. */
export function textReportOf(body: Fields): Report | undefined {
  return linesIn(body) && { status: "SUCCESS", progress: 100, result: resultOf(body, undefined, undefined) };
}

const ANSWER = "mjflow-answer";

/** Id of a task that the vendor has ended within its response and has not named. It is never sent to the vendor. */
export function answerId(state: string): string {
  return `${ANSWER}::${state}`;
}

export function isAnswerId(vendorTaskId: string): boolean {
  return vendorTaskId.startsWith(`${ANSWER}::`);
}

function failureOf(body: Fields, vendorTaskId: string): Report {
  const error = isFields(body["error"]) ? body["error"] : {};
  const message = textOf(error["message"], 500);
  return told<Report>({
    vendorTaskId,
    status: "FAILURE",
    failReason: message && cleanVendorText(message),
    failureCode: error["code"] === "forbidden" ? "banned_prompt" : undefined,
    result: told<Result>({ raw: redactRawReport(body, REMOVED) }),
  });
}

function resultOf(body: Fields, imageUrl: string | undefined, baseUrl: string | undefined): Result {
  const images = mediaOf(body["sub_image_urls"], baseUrl);
  const lines = linesIn(body);
  return told<Result>({
    imageUrl: imageUrl ?? images?.[0]?.url,
    images,
    buttons: buttonsOf(body["actions"], idOf(body["image_id"])),
    prompt: lines && linesOf(lines, 16_384),
    raw: redactRawReport(body, REMOVED),
  });
}

/** Parses an item of a look-up or list. A task without a response is not ended. Returns undefined if it is no task. */
export function itemOf(item: unknown, baseUrl?: string): Report | undefined {
  if (!isFields(item)) return undefined;
  const vendorTaskId = idOf(item["id"]);
  if (vendorTaskId === undefined) return undefined;
  const response = isFields(item["response"]) ? { task_id: vendorTaskId, ...item["response"] } : undefined;
  const finishedAt = Number(textOf(item["finished_at"]));
  const report = (response && reportOf(response, baseUrl, finishedAt > 0)) ?? {
    status: "IN_PROGRESS" as const,
    result: {},
  };
  return told<Report>({
    ...report,
    vendorTaskId,
    state: stateOf(item),
    finishTime: finishedAt > 0 ? Math.round(finishedAt * 1_000) : undefined,
  });
}

/** Returns our `state`: each item has the request as it was sent, with our address. */
export function stateOf(item: Fields): string | undefined {
  return isFields(item["request"]) ? refOf(item["request"]["callback_url"]) : undefined;
}

const NAMES: Readonly<Record<string, string>> = {
  reroll: "reroll",
  variation_subtle: "vary:subtle",
  variation_strong: "vary:strong",
  variation_region: "vary:region",
  upscale_2x: "upscale:2x",
  upscale_4x: "upscale:4x",
  zoom_out_2x: "zoom:2",
  zoom_out_1_5x: "zoom:1.5",
  pan_left: "pan:left",
  pan_right: "pan:right",
  pan_up: "pan:up",
  pan_down: "pan:down",
};

function nameOf(word: string): string | undefined {
  const numbered = /^(upscale|variation)([1-4])$/.exec(word);
  return numbered ? `${numbered[1]}:${numbered[2]}` : meaningOf(NAMES, word);
}

/** A result without actions has no buttons: an edit, or a text. */
function buttonsOf(actions: unknown, imageId: string | undefined): Button[] {
  if (!Array.isArray(actions) || imageId === undefined) return [];
  return actions.slice(0, 50).flatMap((word): Button[] => {
    if (typeof word !== "string" || !/^\w{1,60}$/.test(word)) return [];
    const name = nameOf(word);
    if (isUnsupportedName(name, UNSUPPORTED_PRESSES)) return [];
    return [ownButton(FAMILY, { name, word, parent: imageId })];
  });
}
