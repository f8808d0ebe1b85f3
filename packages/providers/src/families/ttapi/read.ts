/** Parses the bodies of TTAPI: callbacks, look-ups and items of its list. See README.md. */
import type { Button } from "@mjflow/core/button";
import type { Report, ReportStatus } from "@mjflow/core/report";
import { type Fields, idOf, isFields, linkOf, parseJson, textOf } from "../../json.ts";
import { cleanVendorText, redactRawReport } from "../../redact.ts";
import { refOf } from "../shared/address.ts";
import { ownButton } from "../shared/press.ts";
import { meaningOf, mediaOf, progressOf, told } from "../shared/result.ts";

export const FAMILY = "ttapi";

const STATUSES: Readonly<Record<string, ReportStatus>> = {
  PENDING_QUEUE: "NOT_START",
  ON_QUEUE: "IN_PROGRESS",
  SUCCESS: "SUCCESS",
  FAILED: "FAILURE",
};

/** Fields with our address and reference, and the price of the operator. */
const REMOVED = new Set(["hookurl", "hook_url", "notify_id", "quota", "mask"]);

export function readCallback(body: string, baseUrl?: string): Report | undefined {
  return reportOf(parseJson(body), baseUrl);
}

/**
 * Returns undefined if the body is no task: neither an id nor a known status is in it. Without an id a FAILED is a task only in a
 * callback, whose address names the task.
 */
export function reportOf(body: unknown, baseUrl?: string): Report | undefined {
  if (!isFields(body)) return undefined;
  const data = isFields(body["data"]) ? body["data"] : {};
  const vendorTaskId = jobIdOf(body) ?? jobIdOf(data);
  const word = textOf(body["status"], 64);
  const status = word === undefined ? undefined : meaningOf(STATUSES, word.toUpperCase());
  if (vendorTaskId === undefined && status === undefined) return undefined;
  const known = status ?? (word === undefined ? "NOT_START" : undefined);
  const report = told<Report>({
    vendorTaskId,
    status: known,
    unknownStatus: known === undefined ? word : undefined,
    state: stateOf(data),
    progress: known === "FAILURE" ? undefined : progressOf(data["progress"]),
    result: {},
  });
  if (known === "FAILURE") {
    const message = textOf(body["message"], 500);
    report.failReason = message && cleanVendorText(message);
    const code = failureCodeOf(message ?? "");
    if (code) report.failureCode = code;
  }
  if (known === "SUCCESS" || known === "FAILURE") report.result = resultOf(body, data, vendorTaskId, baseUrl);
  return report;
}

export function jobIdOf(fields: Fields): string | undefined {
  // The page of action writes job_id, the others jobId.
  return idOf(fields["jobId"]) ?? idOf(fields["job_id"]);
}

/** Returns our `state`: as the reference that the vendor echoes, or from our address. */
export function stateOf(fields: Fields): string | undefined {
  return textOf(fields["notify_id"], 255) ?? refOf(fields["hookUrl"]) ?? refOf(fields["hook_url"]);
}

/** The prefixes of failures (FAQ of the vendor). `[Image denied]`: the moderation of a picture in the prompt. */
export function failureCodeOf(message: string): "banned_prompt" | "invalid_prompt" | undefined {
  if (/\[(?:banned prompt detected|image denied|ttapi prompt filter)\]|banned prompt/i.test(message))
    return "banned_prompt";
  return /\[invalid (?:link|parameter)\]/i.test(message) ? "invalid_prompt" : undefined;
}

function resultOf(
  body: Fields,
  data: Fields,
  jobId: string | undefined,
  baseUrl: string | undefined,
): Report["result"] {
  const images = mediaOf(data["images"], baseUrl);
  return told({
    // Links to Discord end after a day.
    imageUrl: linkOf(data["cdnImage"], baseUrl) ?? linkOf(data["discordImage"], baseUrl) ?? images?.[0]?.url,
    images,
    buttons: jobId === undefined ? undefined : buttonsOf(data["components"], jobId),
    prompt: textOf(data["prompt"], 16_384),
    seed: textOf(data["seed"], 20),
    raw: redactRawReport({ ...body, data }, REMOVED),
  });
}

/** The vendor's words for buttons, as in its list of actions. */
const NAMES: Readonly<Record<string, string>> = {
  reroll: "reroll",
  high_variation: "vary:strong",
  low_variation: "vary:subtle",
  upscale2: "upscale:2x",
  upscale4: "upscale:4x",
  upscale_subtle: "upscale:subtle",
  upscale_creative: "upscale:creative",
  zoom_out_2: "zoom:2",
  zoom_out_1_5: "zoom:1.5",
  make_square: "square",
  pan_left: "pan:left",
  pan_right: "pan:right",
  pan_up: "pan:up",
  pan_down: "pan:down",
};

/** Words that only a single picture has. Such a picture can be redrawn in a region, although no word says so. */
const OF_SINGLE = new Set(["high_variation", "low_variation", "zoom_out_2"]);
/** The word of our own button for `/inpaint`. */
export const INPAINT = "inpaint";

function nameOf(word: string): string | undefined {
  const numbered = /^(upsample|variation)([1-4])$/.exec(word);
  if (numbered) return `${numbered[1] === "upsample" ? "upscale" : "variation"}:${numbered[2]}`;
  return meaningOf(NAMES, word);
}

/** Returns undefined if the body does not tell the buttons: null or absent. */
function buttonsOf(components: unknown, parent: string): Button[] | undefined {
  if (!Array.isArray(components)) return undefined;
  const words = components
    .slice(0, 50)
    .flatMap((word) => (typeof word === "string" && /^\w{1,60}$/.test(word) ? [word] : []));
  const buttons = words.map((word) => ownButton(FAMILY, { name: nameOf(word), word, parent }));
  if (!words.some((word) => OF_SINGLE.has(word))) return buttons;
  return [...buttons, ownButton(FAMILY, { name: "vary:region", word: INPAINT, parent })];
}
