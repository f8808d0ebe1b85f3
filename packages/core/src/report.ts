/**
 * A report: what a vendor says about one task in a callback or a look-up, after the provider has parsed the vendor's
 * dialect. It contains only what was in the body. `state.ts` decides whether it changes the task.
 */
import type { Button } from "./button.ts";

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
  failReason?: string;
  state?: string;
  /** End of the task by the vendor's clock, epoch ms. */
  finishTime?: number;
  result: Result;
}

/** The result of a finished task. Fields that the vendor did not send are absent; they are never guessed. */
export interface Result {
  imageUrl?: string;
  images?: Media[];
  videos?: Media[];
  /** Undefined: the body had no such field (Crazyrouter's callbacks). Empty: the task has no buttons (swap face). */
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

/**
 * True if a callback with this report must be stored even if the app did not request progress. MODAL must be stored,
 * because the vendor waits until the modal is answered. An unknown status can mean anything, so it is stored too.
 */
export function needsWrite(report: Report): boolean {
  return isFinal(report.status) || report.status === "MODAL" || report.status === undefined;
}
