/** The cases of `answers.json`: answers and callbacks of vendors, each with what it means. test/cases/README.md explains them. */
import { readFileSync } from "node:fs";

export interface StubResponse {
  /** HTTP status; unset: 200. */
  status?: number;
  headers?: Record<string, string>;
  /** `{{state}}` is replaced by the `state` that we sent. */
  bodyText?: string;
  bodyBase64?: string;
  /** `reset`: after the request. `cut`: within the body. `timeout`: no response. `refused`: closed TCP port. */
  transport?: "reset" | "cut" | "timeout" | "refused";
}

export interface Meaning {
  kind:
    | "accepted"
    | "window"
    | "busy"
    | "refused"
    | "unclear"
    | "unreachable"
    | "report"
    | "lookup_failed"
    | "unknown_task"
    | "ignore";
  vendorTaskId?: string;
  finalPrompt?: string;
  code?: string;
  codes?: string[];
  says?: string;
  notSays?: string;
  bannedWord?: string;
  status?: string | string[];
  progress?: number | number[];
  imageUrl?: string | string[];
  imageUrlEndsWith?: string;
  images?: string[];
  videos?: string[];
  action?: string;
  failCode?: string;
  failReason?: string;
  notFailReason?: string;
  /** The link must be in `imageUrl` or in `late.imageUrl`. */
  picture?: string;
  buttonCount?: number;
  /** Planned presses, and the `customId` that the vendor must receive for each. */
  press?: Record<string, string>;
  /** `customId` of the press that needed the look-up. */
  pressed?: string;
  /** The status stays this one. */
  after?: string;
  /** Other meanings that are as good. */
  or?: Meaning[];
}

export interface AnswerCase {
  id: string;
  /** What is answered: a submission, a look-up (list, fetch, search), or posted to our callback URL. */
  kind: "submit" | "list" | "fetch" | "search" | "callback";
  provider: string;
  http: StubResponse;
  context?: {
    verb?: "imagine" | "blend" | "describe" | "shorten" | "swap-face" | "action" | "modal";
    press?: string;
    prompt?: string;
    /** Null: the parent's callback has no buttons (novicezk). */
    parentButtons?: null;
    vendorTaskId?: string;
    /** False: the callback overtakes the response to the submission. */
    idKnown?: boolean;
    /** Bodies of earlier callbacks. */
    before?: string[];
    when?: "press";
    /** Number of look-ups that are answered so. */
    times?: number;
    sameInList?: boolean;
    route?: "list" | "query";
  };
  means: Meaning;
  why: string;
  debatable?: string;
  /** `seen`: a source, document, report or standard is named. `kin`: a variant of a seen kind. */
  evidence: "seen" | "kin";
}

export function readAnswerCases(): AnswerCase[] {
  return JSON.parse(readFileSync(new URL("answers.json", import.meta.url), "utf8")) as AnswerCase[];
}
