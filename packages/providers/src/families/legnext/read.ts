/** Parses the jobs of Legnext: in callbacks, look-ups and responses. See README.md. */
import type { Button } from "@mjflow/core/button";
import type { Report, ReportStatus, Result } from "@mjflow/core/report";
import { type Fields, idOf, isFields, linkOf, parseJson, textOf } from "../../json.ts";
import { cleanVendorText, redactRawReport } from "../../redact.ts";
import { ownButton } from "../shared/press.ts";
import { linesOf, meaningOf, mediaOf, told } from "../shared/result.ts";

export const FAMILY = "legnext";

const STATUSES: Readonly<Record<string, ReportStatus>> = {
  pending: "NOT_START",
  staged: "NOT_START",
  processing: "IN_PROGRESS",
  completed: "SUCCESS",
  failed: "FAILURE",
};

/** Our address, and the price of the operator. */
const REMOVED = new Set(["webhook_config", "usage", "callback", "mask"]);

export function readCallback(body: string, baseUrl?: string): Report | undefined {
  return reportOf(parseJson(body), baseUrl);
}

/** Returns the job of a body. The vendor's receiver reads `{timestamp, data}`, its SDK the bare job. */
export function jobIn(body: unknown): Fields | undefined {
  if (!isFields(body)) return undefined;
  return [body, body["data"]].filter(isFields).find((each) => idOf(each["job_id"]) !== undefined);
}

export function reportOf(body: unknown, baseUrl?: string): Report | undefined {
  const job = jobIn(body);
  const word = job && textOf(job["status"], 64);
  if (!job || word === undefined) return undefined;
  const vendorTaskId = idOf(job["job_id"])!;
  const status = meaningOf(STATUSES, word.toLowerCase());
  const isOver = status === "SUCCESS" || status === "FAILURE";
  const words = status === "FAILURE" ? errorTextOf(job) : undefined;
  const meta = isFields(job["meta"]) ? job["meta"] : {};
  return told<Report>({
    vendorTaskId,
    status,
    unknownStatus: status === undefined ? word : undefined,
    progress: status === "SUCCESS" ? 100 : undefined,
    failReason: words && cleanVendorText(words),
    finishTime: isOver ? timeOf(meta["ended_at"]) : undefined,
    result: isOver ? resultOf(job, vendorTaskId, baseUrl) : {},
  });
}

/** Every job has the object `error`. Code 0 with empty texts is no error. */
export function errorTextOf(body: Fields): string | undefined {
  const error = isFields(body["error"]) ? body["error"] : {};
  return textOf(error["message"], 500) ?? textOf(error["raw_message"], 500);
}

/** An unset time is empty, or of the year 1. */
function timeOf(value: unknown): number | undefined {
  const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return time > 0 ? time : undefined;
}

function resultOf(job: Fields, jobId: string, baseUrl: string | undefined): Result {
  const output = isFields(job["output"]) ? job["output"] : {};
  const images = mediaOf(output["image_urls"], baseUrl);
  const lines = Array.isArray(output["prompts"]) ? linesOf(output["prompts"], 16_384) : undefined;
  const text = lines ?? output["finalPrompt"] ?? output["description"];
  // An enlarged picture and a text have no buttons. Of anything else without actions the vendor has not told them yet.
  const isBare = images?.length === 1 || textOf(text) !== undefined;
  return told<Result>({
    imageUrl: linkOf(output["image_url"], baseUrl) ?? images?.[0]?.url,
    images,
    buttons: gridButtons(output["available_actions"], jobId) ?? (isBare ? [] : undefined),
    prompt: textOf(text, 16_384),
    seed: textOf(output["seed"], 20),
    raw: redactRawReport(job, REMOVED),
  });
}

// ── presses ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a press asks for: a path of the API, the picture from 0, and the value of `type` or `scale`. */
export interface Verb {
  path: "upscale" | "variation" | "outpaint" | "reroll" | "picture";
  picture: number;
  value: number;
}

const PICTURES = [0, 1, 2, 3];

/** Presses on one picture, by press name: path and value. The documents contradict each other about `pan`. */
const OF_PICTURE: readonly (readonly [name: string, path: Verb["path"], value: number])[] = [
  ["upscale:subtle", "upscale", 0],
  ["upscale:creative", "upscale", 1],
  ["vary:subtle", "variation", 0],
  ["vary:strong", "variation", 1],
  ["zoom:2", "outpaint", 2],
  ["zoom:1.5", "outpaint", 1.5],
];

const wordOf = ({ path, picture, value }: Verb): string => `${path} ${picture} ${value}`;

export function verbOf(word: string): Verb | undefined {
  const [path, picture, value] = word.split(" ");
  const isKnown =
    path === "upscale" || path === "variation" || path === "outpaint" || path === "reroll" || path === "picture";
  return isKnown ? { path, picture: Number(picture), value: Number(value) } : undefined;
}

/** Returns undefined for a result without `available_actions`. */
function gridButtons(actions: unknown, parent: string): Button[] | undefined {
  if (!isFields(actions)) return undefined;
  const button = (name: string, verb: Verb) => ownButton(FAMILY, { name, word: wordOf(verb), parent });
  const has = (path: string, picture: number) => Array.isArray(actions[path]) && actions[path].includes(picture);
  return [
    // The four pictures come with the grid, so selecting one costs nothing.
    ...PICTURES.map((picture) => button(`upscale:${picture + 1}`, { path: "picture", picture, value: 0 })),
    ...(actions["reroll"] === true ? [button("reroll", { path: "reroll", picture: 0, value: 0 })] : []),
    ...PICTURES.filter((picture) => has("variation", picture)).map((picture) =>
      button(`variation:${picture + 1}`, { path: "variation", picture, value: 1 }),
    ),
  ];
}

const PICTURE = "mjflow-picture";

/** Id of the task that stands for one picture of a grid. No vendor has it. */
export function pictureId(jobId: string, picture: number): string {
  return [PICTURE, jobId, picture].join("::");
}

export function pictureOf(vendorTaskId: string): { jobId: string; picture: number } | undefined {
  const [own, jobId, picture] = vendorTaskId.split("::");
  return own === PICTURE && jobId !== undefined ? { jobId, picture: Number(picture) } : undefined;
}

/**
 * Returns the report of one picture, from the report of its grid. If the grid has pictures, but not this one, it is a failure. If the
 * vendor has not told the pictures yet, the task goes on.
 */
export function reportOfPicture(grid: Report, { jobId, picture }: { jobId: string; picture: number }): Report {
  const vendorTaskId = pictureId(jobId, picture);
  if (grid.status !== "SUCCESS") return { ...grid, vendorTaskId };
  const { images } = grid.result;
  if (!images) return { vendorTaskId, status: "IN_PROGRESS", result: {} };
  const url = images[picture]?.url;
  if (url === undefined)
    return { vendorTaskId, status: "FAILURE", failReason: "the grid has no such picture", result: {} };
  const buttons = OF_PICTURE.map(([name, path, value]) =>
    ownButton(FAMILY, { name, word: wordOf({ path, picture, value }), parent: jobId }),
  );
  const { prompt, seed } = grid.result;
  return {
    vendorTaskId,
    status: "SUCCESS",
    progress: 100,
    result: told<Result>({ imageUrl: url, images: [{ url }], buttons, prompt, seed }),
  };
}
