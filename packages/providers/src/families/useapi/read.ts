/** Parses the jobs of useapi.net v3: in callbacks, look-ups and responses. See README.md. */
import { type Button, canonicalPress, isUnsupportedName } from "@mjflow/core/button";
import type { Media, Report, ReportStatus, Result } from "@mjflow/core/report";
import { type Fields, isFields, linkOf, parseJson, textOf } from "../../json.ts";
import { cleanVendorText, redactRawReport } from "../../redact.ts";
import { refOf } from "../shared/address.ts";
import { ownButton } from "../shared/press.ts";
import { meaningOf, previewOf, progressOf, told } from "../shared/result.ts";
import { UNSUPPORTED_PRESSES } from "./unsupported.ts";

export const FAMILY = "useapi";

const STATUSES: Readonly<Record<string, ReportStatus>> = {
  created: "NOT_START",
  started: "SUBMITTED",
  progress: "IN_PROGRESS",
  completed: "SUCCESS",
  moderated: "FAILURE",
  failed: "FAILURE",
  cancelled: "CANCEL",
};

/** Our address and reference, and the user's accounts. */
const REMOVED = new Set(["replyurl", "replyref", "mask", "discord", "channel", "server"]);

export function readCallback(body: string, baseUrl?: string): Report | undefined {
  return reportOf(parseJson(body), baseUrl);
}

/** Ids have a colon: `j…-u…-c…-bot:midjourney`. */
export function jobIdOf(value: unknown): string | undefined {
  return typeof value === "string" && /^[A-Za-z0-9_.:-]{1,200}$/.test(value) && !value.includes("::")
    ? value
    : undefined;
}

/** Returns the job of a body: the body itself, or the object in the envelope of an event. */
export function jobIn(body: unknown): Fields | undefined {
  if (!isFields(body)) return undefined;
  return [body, body["data"], body["job"]].filter(isFields).find((each) => jobIdOf(each["jobid"]) !== undefined);
}

export function reportOf(body: unknown, baseUrl?: string): Report | undefined {
  const job = jobIn(body);
  const word = job && textOf(job["status"], 64);
  if (!job || word === undefined) return undefined;
  const status = meaningOf(STATUSES, word.toLowerCase());
  const response = isFields(job["response"]) ? job["response"] : {};
  const isOver = status === "SUCCESS" || status === "FAILURE" || status === "CANCEL";
  const image = imageUrlOf(response, baseUrl);
  const words =
    isOver && status !== "SUCCESS" ? (textOf(response["content"], 500) ?? textOf(job["error"], 500)) : undefined;
  return told<Report>({
    vendorTaskId: jobIdOf(job["jobid"]),
    status,
    unknownStatus: status === undefined ? word : undefined,
    state: stateOf(isFields(body) ? body : {}, job),
    progress: status === "FAILURE" || status === "CANCEL" ? undefined : progressOf(response["progress_percent"]),
    previewUrl: status === "IN_PROGRESS" ? previewOf(image) : undefined,
    failReason: words && cleanVendorText(words),
    failureCode: word.toLowerCase() === "moderated" ? "banned_prompt" : undefined,
    finishTime: isOver ? timeOf(job["updated"]) : undefined,
    result: isOver ? resultOf(job, response, image, baseUrl) : {},
  });
}

/** The documents show the reference in the response; v2 had it on top. */
function stateOf(body: Fields, job: Fields): string | undefined {
  const request = isFields(job["request"]) ? job["request"] : {};
  const response = isFields(job["response"]) ? job["response"] : {};
  const shown = [response["replyRef"], job["replyRef"], body["replyRef"], request["replyRef"]];
  return shown.map((value) => textOf(value, 255)).find((text) => text !== undefined) ?? refOf(request["replyUrl"]);
}

function timeOf(value: unknown): number | undefined {
  const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return time > 0 ? time : undefined;
}

function imageUrlOf({ attachments }: Fields, baseUrl: string | undefined): string | undefined {
  const [first] = Array.isArray(attachments) ? attachments : [];
  return isFields(first) ? linkOf(first["url"], baseUrl) : undefined;
}

function resultOf(job: Fields, response: Fields, image: string | undefined, baseUrl: string | undefined): Result {
  const images = imagesOf(response["imageUx"], baseUrl);
  const [embed] = Array.isArray(response["embeds"]) ? response["embeds"] : [];
  const request = isFields(job["request"]) ? job["request"] : {};
  const text = job["verb"] === "describe" && isFields(embed) ? embed["description"] : request["prompt"];
  return told<Result>({
    imageUrl: image ?? images?.[0]?.url,
    images,
    buttons: buttonsOf(response["buttons"], jobIdOf(job["jobid"])),
    prompt: textOf(text, 16_384),
    seed: textOf(response["seed"], 20),
    raw: redactRawReport(job, REMOVED),
  });
}

/** Items are `{id, url}`; the id is the number of the picture. */
function imagesOf(value: unknown, baseUrl: string | undefined): Media[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const items = value.filter(isFields).sort((a, b) => Number(textOf(a["id"])) - Number(textOf(b["id"])));
  const media = items.flatMap((item): Media[] => {
    const url = linkOf(item["url"], baseUrl);
    return url === undefined ? [] : [{ url }];
  });
  return media.length > 0 ? media.slice(0, 16) : undefined;
}

/** Labels are those of Midjourney. Undefined: the body does not tell the buttons. */
function buttonsOf(labels: unknown, parent: string | undefined): Button[] | undefined {
  if (!Array.isArray(labels) || parent === undefined) return undefined;
  return labels.slice(0, 50).flatMap((label): Button[] => {
    if (typeof label !== "string" || label === "" || label.length > 60 || label.includes("::")) return [];
    const press = canonicalPress(label);
    const name = press === label.trim() ? undefined : press;
    // A describe has buttons with numbers alone; what they start is not documented.
    if (name === undefined && /^\d/.test(label)) return [];
    if (isUnsupportedName(name, UNSUPPORTED_PRESSES)) return [];
    return [ownButton(FAMILY, { name, word: label, parent })];
  });
}
