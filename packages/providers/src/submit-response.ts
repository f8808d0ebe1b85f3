/**
 * Converts a submit response to an outcome (P2): accepted, modal, refused, busy or unclear. The HTTP status is nearly always
 * 200 and the code has the result (docs/protocol.md 2). Four families of error bodies exist in addition. If a response is
 * ambiguous, the outcome is unclear: that costs waiting time, while a wrong "busy" would pay for a second image.
 */
import { type Failure, type FailureCode, failure } from "@mjflow/core/error";
import type { SubmitOutcome } from "@mjflow/core/port";
import type { HttpOutcome } from "./http-client.ts";
import { type Fields, idOf, integerOf, isFields, parseJson, textOf } from "./json.ts";

export interface SubmitResponseOptions {
  /** Meaning of code 21: an open modal (plus, trueai-org), or decided by the shape of the body (forks of novicezk). */
  code21: "modal" | "shape";
}

// Words that vendors use, in English and Chinese (docs/protocol.md 2.2, 2.3, 6).
const FULL = /queue.{0,12}full|队列.{0,4}满|并发|concurren|saturat|饱和|too many|rate limit|频繁|稍后/i;
const NO_ACCOUNT = /无可用|no (?:available|usable) (?:account|channel|instance)|no channel/i;
const MONEY = /quota_not_enough|insufficient|余额|额度|quota/i;
/** A relay's copy of the parent is up to 15 s old. Right after a SUCCESS callback this error is temporary. */
const RELAY_LAG = /task_status_not_success/;
/** Errors of a relay after its upstream accepted the task (docs/protocol.md 5.5). */
const RELAY_AFTER =
  /insert_midjourney_task_failed|do_request_failed|empty_response_body|unmarshal_response_body_failed|read_response_body_failed/;
const BANNED = /敏感词|banned|sensitive/i;

export function parseSubmitResponse(outcome: HttpOutcome, { code21 }: SubmitResponseOptions): SubmitOutcome {
  if (outcome.kind === "unsent") return { kind: "busy", reason: `not sent: ${outcome.reason}` };
  if (outcome.kind === "lost") return { kind: "unclear", reason: outcome.reason };
  const { status, text, retryAfterMs } = outcome;
  const body = parseJson(text);
  const fields = isFields(body) ? body : undefined;
  const description = fields ? failureTextOf(fields) : undefined;
  const busy = (reason: string): SubmitOutcome => ({
    kind: "busy",
    reason,
    ...(retryAfterMs !== undefined && { afterMs: retryAfterMs }),
  });

  if (status === 401) return refused("vendor_unauthorized", description);
  if (status === 403) {
    // An empty 403 is the rate limit of trueai-org. The 403 of other vendors has a text.
    if (text.trim() === "") return busy("403 empty");
    return refused(MONEY.test(description ?? text) ? "vendor_out_of_money" : "vendor_unauthorized", description);
  }
  if (status === 429) return busy("429");
  if (status === 503 && NO_ACCOUNT.test(description ?? "")) return busy("503 no channel");
  if (status >= 500) return { kind: "unclear", reason: `HTTP ${status}` };
  if (status >= 300 && status < 400) return refused("unsupported", "redirected");
  if (status >= 400) return readRefusal(status, fields, description, busy);
  if (!fields) return { kind: "unclear", reason: text.trim() === "" ? "empty response" : "not JSON" };
  if (isFields(fields["error"]) || fields["success"] === false) return readRefusal(status, fields, description, busy);
  return readCode(fields, description, code21, busy);
}

type Busy = (reason: string) => SubmitOutcome;

/** Reads a 200: code 1, 21 or 22, or a rejection (docs/protocol.md 2.2). */
function readCode(
  fields: Fields,
  description: string | undefined,
  code21: SubmitResponseOptions["code21"],
  busy: Busy,
): SubmitOutcome {
  const code = integerOf(fields["code"]);
  if (code !== 1 && code !== 21 && code !== 22) return readRefusal(200, fields, description, busy);
  const [vendorTaskId, ...siblings] = idsOf(fields["result"]);
  if (vendorTaskId === undefined) return { kind: "unclear", reason: `code ${code} without an id` };
  if (code !== 21) return { kind: "accepted", vendorTaskId, ...(siblings.length > 0 && { siblings }) };
  const properties = isFields(fields["properties"]) ? fields["properties"] : {};
  // "Exists already" of old forks describes the earlier task. An open modal never has a status (docs/protocol.md 2.5).
  const existing = typeof properties["status"] === "string" || typeof properties["imageUrl"] === "string";
  if (existing && (code21 === "shape" || typeof properties["status"] === "string")) {
    return { kind: "accepted", vendorTaskId, existing: true };
  }
  return { kind: "modal", vendorTaskId };
}

function readRefusal(
  status: number,
  fields: Fields | undefined,
  description: string | undefined,
  busy: Busy,
): SubmitOutcome {
  const code = integerOf(fields?.["code"]);
  const text = description ?? "";
  if (RELAY_AFTER.test(text) || code === 5) return { kind: "unclear", reason: text || "code 5" };
  if (RELAY_LAG.test(text)) return busy("not-success");
  if (code === 24 || BANNED.test(text)) return banned(fields, description);
  if (code === 23 || code === 30) return busy(`code ${code}`);
  if (MONEY.test(text)) return refused("vendor_out_of_money", description);
  if (code === 3 && status !== 404)
    return NO_ACCOUNT.test(text) ? busy("no account") : refused("vendor_refused", description);
  if (FULL.test(text)) return busy("full");
  // Code 9: the vendor failed before a task existed (docs/protocol.md 2.2: no task, no callback). A retry is safe.
  if (code === 9)
    return idsOf(fields?.["result"]).length > 0 ? { kind: "unclear", reason: "code 9 with an id" } : busy("code 9");
  if (status === 404 && code === undefined) return refused("unsupported", description);
  if (
    status >= 400 ||
    code === 3 ||
    code === 4 ||
    code === -1 ||
    isFields(fields?.["error"]) ||
    fields?.["success"] === false
  ) {
    return refused("vendor_refused", description);
  }
  return { kind: "unclear", reason: `code ${code ?? "missing"}` };
}

function banned(fields: Fields | undefined, description: string | undefined): SubmitOutcome {
  const properties = isFields(fields?.["properties"]) ? fields["properties"] : {};
  const bannedWord = textOf(properties["bannedWord"], 100);
  return { kind: "refused", failure: failureReason("banned_prompt", description, bannedWord ? { bannedWord } : {}) };
}

function refused(code: FailureCode, description: string | undefined): SubmitOutcome {
  return { kind: "refused", failure: failureReason(code, description) };
}

function failureReason(code: FailureCode, description: string | undefined, more: Failure["vendor"] = {}): Failure {
  return failure(
    code,
    description || more?.bannedWord ? { vendor: { ...(description && { description }), ...more } } : {},
  );
}

/** Returns the vendor's error text from the field that its family of errors uses. */
export function failureTextOf(fields: Fields): string | undefined {
  const error = fields["error"];
  return (
    textOf(fields["description"]) ?? textOf(isFields(error) ? error["message"] : error) ?? textOf(fields["message"])
  );
}

/** Returns one id, or several that are joined by commas (PicReader::all of trueai-org). */
function idsOf(result: unknown): string[] {
  const parts = typeof result === "string" ? result.split(",") : [result];
  const ids = parts.map(idOf);
  return ids.every((id) => id !== undefined) ? (ids as string[]) : [];
}
