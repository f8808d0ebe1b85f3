/**
 * A submit answer, read into what it means for paid work (P2): accepted, refused, busy, or unclear. The HTTP status is
 * 200 nearly always and the code says what happened (docs/protocol.md 2), but four families of error bodies exist besides.
 * In doubt the answer is unclear: that costs a wait; a wrong "busy" would cost a second picture.
 */
import { type Failure, type FailureCode, failure } from "@mjflow/core/error";
import type { SubmitOutcome } from "@mjflow/core/port";
import type { HttpOutcome } from "./http-client.ts";
import { type Fields, idOf, integerOf, isFields, parseJson, textOf } from "./json.ts";

export interface SubmitResponseOptions {
  /** What code 21 means here: a window (plus, trueai-org), or told by the body's shape (novicezk's forks). */
  code21: "modal" | "shape";
}

// Words vendors use, in both their languages (docs/protocol.md 2.2, 2.3, 6).
const FULL = /queue.{0,12}full|队列.{0,4}满|并发|concurren|saturat|饱和|too many|rate limit|频繁|稍后/i;
const NO_ACCOUNT = /无可用|no (?:available|usable) (?:account|channel|instance)|no channel/i;
const MONEY = /quota_not_enough|insufficient|余额|额度|quota/i;
/** A relay's own copy of the parent is up to 15 s old: right after a SUCCESS callback this passes by itself. */
const RELAY_LAG = /task_status_not_success/;
/** The relay's bookkeeping failed after the upstream had taken the job (docs/protocol.md 5.5). */
const RELAY_AFTER =
  /insert_midjourney_task_failed|do_request_failed|empty_response_body|unmarshal_response_body_failed|read_response_body_failed/;
const BANNED = /敏感词|banned|sensitive/i;

export function parseSubmitResponse(answer: HttpOutcome, { code21 }: SubmitResponseOptions): SubmitOutcome {
  if (answer.kind === "unsent") return { kind: "busy", reason: `not reached: ${answer.reason}` };
  if (answer.kind === "lost") return { kind: "unclear", reason: answer.reason };
  const { status, text, retryAfterMs } = answer;
  const body = parseJson(text);
  const fields = isFields(body) ? body : undefined;
  const words = fields ? failureTextOf(fields) : undefined;
  const later = (reason: string): SubmitOutcome => ({
    kind: "busy",
    reason,
    ...(retryAfterMs !== undefined && { afterMs: retryAfterMs }),
  });

  if (status === 401) return refused("vendor_unauthorized", words);
  if (status === 403) {
    // trueai-org limits rates with an empty 403; everyone else's 403 has something to say.
    if (text.trim() === "") return later("403 empty");
    return refused(MONEY.test(words ?? text) ? "vendor_out_of_money" : "vendor_unauthorized", words);
  }
  if (status === 429) return later("429");
  if (status === 503 && NO_ACCOUNT.test(words ?? "")) return later("503 no channel");
  if (status >= 500) return { kind: "unclear", reason: `HTTP ${status}` };
  if (status >= 300 && status < 400) return refused("unsupported", "redirected");
  if (status >= 400) return readRefusal(status, fields, words, later);
  if (!fields) return { kind: "unclear", reason: text.trim() === "" ? "empty answer" : "not JSON" };
  if (isFields(fields["error"]) || fields["success"] === false) return readRefusal(status, fields, words, later);
  return readCode(fields, words, code21, later);
}

type Later = (reason: string) => SubmitOutcome;

/** Code 1, 21, 22 and the refusals of a 200 (docs/protocol.md 2.2). */
function readCode(
  fields: Fields,
  words: string | undefined,
  code21: SubmitResponseOptions["code21"],
  later: Later,
): SubmitOutcome {
  const code = integerOf(fields["code"]);
  if (code !== 1 && code !== 21 && code !== 22) return readRefusal(200, fields, words, later);
  const [vendorTaskId, ...siblings] = idsOf(fields["result"]);
  if (vendorTaskId === undefined) return { kind: "unclear", reason: `code ${code} without an id` };
  if (code !== 21) return { kind: "accepted", vendorTaskId, ...(siblings.length > 0 && { siblings }) };
  const properties = isFields(fields["properties"]) ? fields["properties"] : {};
  // An old fork's "exists already" describes the earlier task; a window never has a status (docs/protocol.md 2.5).
  const existing = typeof properties["status"] === "string" || typeof properties["imageUrl"] === "string";
  if (existing && (code21 === "shape" || typeof properties["status"] === "string")) {
    return { kind: "accepted", vendorTaskId, existing: true };
  }
  return { kind: "modal", vendorTaskId };
}

function readRefusal(
  status: number,
  fields: Fields | undefined,
  words: string | undefined,
  later: Later,
): SubmitOutcome {
  const code = integerOf(fields?.["code"]);
  const text = words ?? "";
  if (RELAY_AFTER.test(text) || code === 5) return { kind: "unclear", reason: text || "code 5" };
  if (RELAY_LAG.test(text)) return later("not-success");
  if (code === 24 || BANNED.test(text)) return banned(fields, words);
  if (code === 23 || code === 30) return later(`code ${code}`);
  if (MONEY.test(text)) return refused("vendor_out_of_money", words);
  if (code === 3 && status !== 404)
    return NO_ACCOUNT.test(text) ? later("no account") : refused("vendor_refused", words);
  if (FULL.test(text)) return later("full");
  // 9: failed inside the vendor before a task existed (docs/protocol.md 2.2: no task, no callback). Safe to try again.
  if (code === 9)
    return idsOf(fields?.["result"]).length > 0 ? { kind: "unclear", reason: "code 9 with an id" } : later("code 9");
  if (status === 404 && code === undefined) return refused("unsupported", words);
  if (
    status >= 400 ||
    code === 3 ||
    code === 4 ||
    code === -1 ||
    isFields(fields?.["error"]) ||
    fields?.["success"] === false
  ) {
    return refused("vendor_refused", words);
  }
  return { kind: "unclear", reason: `code ${code ?? "missing"}` };
}

function banned(fields: Fields | undefined, words: string | undefined): SubmitOutcome {
  const properties = isFields(fields?.["properties"]) ? fields["properties"] : {};
  const bannedWord = textOf(properties["bannedWord"], 100);
  return { kind: "refused", failure: failureReason("banned_prompt", words, bannedWord ? { bannedWord } : {}) };
}

function refused(code: FailureCode, words: string | undefined): SubmitOutcome {
  return { kind: "refused", failure: failureReason(code, words) };
}

function failureReason(code: FailureCode, words: string | undefined, more: Failure["vendor"] = {}): Failure {
  return failure(code, words || more?.bannedWord ? { vendor: { ...(words && { description: words }), ...more } } : {});
}

/** What the vendor says, wherever its family of errors puts it. */
export function failureTextOf(fields: Fields): string | undefined {
  const error = fields["error"];
  return (
    textOf(fields["description"]) ?? textOf(isFields(error) ? error["message"] : error) ?? textOf(fields["message"])
  );
}

/** One id, or several joined by commas (trueai-org's PicReader::all). */
function idsOf(result: unknown): string[] {
  const parts = typeof result === "string" ? result.split(",") : [result];
  const ids = parts.map(idOf);
  return ids.every((id) => id !== undefined) ? (ids as string[]) : [];
}
