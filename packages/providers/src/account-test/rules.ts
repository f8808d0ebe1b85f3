/** What a family says about the test of an account: which requests are free, and how their responses are read. */
import type { AccountConfig, SubmitOutcome } from "@mjflow/core/port";
import type { HttpOutcome } from "../http-client.ts";
import type { Fields } from "../json.ts";

export type Answered = Extract<HttpOutcome, { kind: "answered" }>;

/** A request that costs nothing at the vendor. It submits no task. */
export interface FreeRequest {
  method: "GET" | "POST";
  url: string;
  /** Unset: no body. */
  body?: Fields;
  /** True for a response that the vendor sends after it has accepted the key. */
  isExpected(response: Answered): boolean;
}

export interface AccountTestRules {
  /** Returns the header with the key. */
  headersOf(account: AccountConfig): Record<string, string>;
  /** Returns the requests, the best first. The next one is sent only if the vendor does not have the route of the one before. */
  requestsOf(account: AccountConfig): readonly FreeRequest[];
  /** Reads every other response by the rules for submissions, so that a refused key is the same in both. */
  read(response: Answered, apiKey: string): SubmitOutcome;
}

/** Id of a task that no vendor has. */
export const NO_TASK = "00000000-0000-4000-8000-000000000000";
