/**
 * A report: what a vendor says of one task, in a callback, a look-up or a submit answer, after a provider has read its
 * dialect. It says only what was in the body; whether it is news is decided in `state.ts`.
 */
import type { Button } from "./button.ts";

/** The protocol's statuses (docs/protocol.md 3.3). A relay's empty status is read as NOT_START. */
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
  /** Undefined when the vendor used a word outside the protocol; it is then in `unknownStatus`. */
  status?: ReportStatus;
  unknownStatus?: string;
  action?: string;
  /** 0 to 100. Never proof of completion: 100 stands beside FAILURE at new-api. */
  progress?: number;
  failReason?: string;
  state?: string;
  /** The vendor's clock, epoch ms. */
  finishTime?: number;
  result: Result;
}

/** What a finished task leaves behind. Fields the vendor did not give are absent, never guessed. */
export interface Result {
  imageUrl?: string;
  images?: Media[];
  videos?: Media[];
  /** Undefined: the body had none (Crazyrouter's callbacks); empty: it offers none (swap face). */
  buttons?: Button[];
  prompt?: string;
  promptEn?: string;
  finalPrompt?: string;
  description?: string;
  seed?: string;
  /** The cleaned vendor body, JSON text: no hook URL, no mask, no vendor-internal fields (D7). */
  raw?: string;
}

export function isFinal(status: ReportStatus | undefined): status is "SUCCESS" | "FAILURE" | "CANCEL" {
  return status === "SUCCESS" || status === "FAILURE" || status === "CANCEL";
}

/**
 * Whether a callback with this report must reach the table even when the app did not ask for progress.
 * MODAL must: nothing further happens until it is answered.
 */
export function needsWrite(report: Report): boolean {
  return isFinal(report.status) || report.status === "MODAL" || report.status === undefined;
}
