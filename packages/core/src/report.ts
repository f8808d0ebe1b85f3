/**
 * A report: what a vendor says about one task in a callback or a look-up, after the provider has parsed the vendor's
 * dialect. It contains only what was in the body. `state.ts` decides whether it changes the task.
 */
import type { Button } from "./button.ts";
import type { FailureCode } from "./error.ts";

/** The statuses of the vendor protocol (docs/protocol.md 3.3). The empty status of a relay is read as NOT_START. */
export const REPORT_STATUSES = [
  "NOT_START",
  "SUBMITTED",
  "MODAL",
  "IN_PROGRESS",
  "SUCCESS",
  "FAILURE",
  "CANCEL",
] as const;
export type ReportStatus = (typeof REPORT_STATUSES)[number];

export interface Media {
  url: string;
  thumbnail?: string;
}

export interface Report {
  vendorTaskId?: string;
  /** Undefined if the vendor used a word outside the protocol. `unknownStatus` then contains that word. */
  status?: ReportStatus;
  unknownStatus?: string;
  action?: string;
  /** Percent, 0 to 100. It does not prove completion: new-api reports 100 together with FAILURE. */
  progress?: number;
  /** Link to the picture of a running task, which is blurred. It can change with every report and expires soon. */
  previewUrl?: string;
  failReason?: string;
  /** What a status or code of the vendor says about a failure. It comes before words. Unset: only words say it. */
  failureCode?: Extract<FailureCode, "banned_prompt" | "invalid_prompt" | "vendor_failed">;
  state?: string;
  /** End of the task by the vendor's clock, epoch ms. */
  finishTime?: number;
  result: Result;
}

/** The result of a finished task, or the `finalPrompt` of an open modal. Fields that the vendor did not send are absent; they are never guessed. */
export interface Result {
  imageUrl?: string;
  images?: Media[];
  videos?: Media[];
  /** Undefined: the body did not tell the buttons (Crazyrouter's callbacks). Empty: the task has no buttons (swap face). */
  buttons?: Button[];
  prompt?: string;
  promptEn?: string;
  finalPrompt?: string;
  description?: string;
  seed?: string;
  /** The cleaned vendor body as JSON text: without callback URL, mask and vendor-internal fields (D7). */
  raw?: string;
}

export function isFinal(status: ReportStatus | undefined): status is "SUCCESS" | "FAILURE" | "CANCEL" {
  return status === "SUCCESS" || status === "FAILURE" || status === "CANCEL";
}

/** Result fields of an open modal: the prompt that the vendor would use (trueai-org/midjourney-proxy#59). */
export function modalResult(finalPrompt: string | undefined): { result?: Result } {
  return finalPrompt === undefined ? {} : { result: { finalPrompt } };
}

/**
 * Phrases of vendors and of Midjourney in failure texts, in English and Chinese (docs/protocol.md 6). Only whole phrases: a
 * single word such as "sensitive" or "banned" may come from the prompt, or be about the account.
 */
const BANNED =
  /敏感词|违禁词|banned (?:prompt|word|content)|(?:prompt|word|content)s? (?:is |are |was |were |has been |have been )?(?:banned|blocked)|ai moderat|moderator|moderation (?:team|filter|system|rejected|blocked)|(?:by|failed|content) moderation|sensitive (?:word|content)|content[ _]policy|safety system/i;
const INVALID =
  /invalid (?:prompt|parameter|link)|turbo mode isn.t supported|(?:unrecognized|unknown) (?:parameter|option|argument)|参数(?:错误|无效|不正确|有误)/i;
const CANCELED =
  /任务(?:已|被)?(?:用户|管理员)?取消|取消任务|已取消|cancell?ed by|(?:task|job) (?:was |is |has been )?cancell?ed|^cancell?ed\b/i;

/** Returns the failure code that the words of a vendor mean; undefined if they mean none. Approximate, so keep the words. */
export function failureCodeOf(
  words: string,
): Extract<FailureCode, "banned_prompt" | "invalid_prompt" | "vendor_cancelled"> | undefined {
  if (CANCELED.test(words)) return "vendor_cancelled";
  if (BANNED.test(words)) return "banned_prompt";
  return INVALID.test(words) ? "invalid_prompt" : undefined;
}

/** Common part of two texts from which on it counts as a quotation. Below it are words that any text may have. */
const QUOTED_LENGTH = 10;

/**
 * Removes what a vendor quotes of a prompt from its words, so that the words of the user decide nothing. The comparison
 * ignores upper and lower case.
 */
export function withoutQuotes(words: string, prompts: readonly (string | undefined)[]): string {
  return prompts.reduce<string>((left, prompt) => (prompt ? withoutQuote(left, prompt.toLowerCase()) : left), words);
}

function withoutQuote(words: string, prompt: string): string {
  const lower = words.toLowerCase();
  const least = Math.min(QUOTED_LENGTH, prompt.length);
  let kept = "";
  for (let at = 0; at < words.length; ) {
    let length = prompt.includes(lower.slice(at, at + least)) && at + least <= words.length ? least : 0;
    while (length > 0 && at + length < words.length && prompt.includes(lower.slice(at, at + length + 1))) length++;
    kept += length > 0 ? " " : words[at];
    at += Math.max(1, length);
  }
  return kept;
}

/** How a callback is read. */
export interface ReadCallbackOptions {
  /** Base URL of the vendor, for image links without a host; unset: such links are left out. */
  baseUrl?: string;
  /** True: of a report that needs no write (`needsWrite`) only the status is used, so the reader may leave out the rest. */
  dropsSteps?: boolean;
}

/**
 * True if a callback with this report must be stored even if the app did not request progress. MODAL must be stored,
 * because the vendor waits until the modal is answered. An unknown status can mean anything, so it is stored too.
 */
export function needsWrite({ status }: Pick<Report, "status">): boolean {
  return isFinal(status) || status === "MODAL" || status === undefined;
}
