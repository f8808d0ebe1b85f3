/**
 * Converts a submit response to an outcome (P2): accepted, modal, refused, busy or unclear. The HTTP status is nearly always
 * 200 and the code has the result (docs/protocol.md 2). The order of the rules:
 *
 * 1. A response that names the id of a task is an acceptance, whatever surrounds it: its task is paid.
 * 2. A response that proves that no task exists is busy or refused: codes come before statuses, statuses before words.
 * 3. Everything else is unclear. That costs waiting time, while a wrong "busy" would pay for a second image.
 */
import { type Failure, type FailureCode, failure } from "@mjflow/core/error";
import type { SubmitOutcome } from "@mjflow/core/port";
import { failureCodeOf, withoutQuotes } from "@mjflow/core/report";
import type { HttpOutcome } from "./http-client.ts";
import { type Fields, idOf, integerOf, isFields, parseDocuments, textOf } from "./json.ts";
import { cleanVendorText } from "./redact.ts";
import { asFields, isError as isErrorField } from "./report.ts";

export interface SubmitResponseOptions {
  /** Meaning of code 21: an open modal (plus, trueai-org), or decided by the shape of the body (forks of novicezk). */
  code21: "modal" | "shape";
  /**
   * True if the vendor passes responses of its upstream through. A 401 with a code of the protocol is then about the key
   * that the relay has at its upstream (docs/protocol.md 2.3).
   */
  relay?: boolean;
}

/** What was sent. */
export interface Sent {
  /** The prompt. Vendors quote it in their refusals, and its words decide nothing. */
  prompt?: string;
  /** The API key. It is removed from the vendor's words. */
  apiKey?: string;
}

type Answered = Extract<HttpOutcome, { kind: "answered" }>;

export function parseSubmitResponse(
  outcome: HttpOutcome,
  options: SubmitResponseOptions,
  sent: Sent = {},
): SubmitOutcome {
  if (outcome.kind === "unsent") return { kind: "busy", reason: `not sent: ${outcome.reason}`, about: "connection" };
  const documents = parseDocuments(outcome.text ?? "").map(({ value }) => value);
  for (const document of documents) {
    const accepted = readAcceptance(document, options, outcome.kind === "answered" ? outcome.status : 200);
    if (accepted) return accepted;
  }
  if (outcome.kind === "lost") return { kind: "unclear", reason: outcome.reason };
  return readRefusal(outcome, wordsOf(outcome, documents[0], sent), options);
}

// ── acceptance ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Codes that tell that no task exists or that it must not be tracked, even if an id is named (docs/protocol.md 2.2). */
const NO_TASK = new Set([3, 4, 5, 9, 23, 24, 30, -1]);
/** Success codes of gateways that wrap the protocol's response. */
const GATEWAY_SUCCESS = new Set<unknown>([0, 200, "success", "ok"]);
/** Statuses of a bare task object. Without one of them, an object with an id may be anything. */
const TASK_STATUS =
  /^(?:not_start|submitted|in_progress|success|failure|modal|queued|pending|running|processing|succeeded|finished|completed)$/i;

function readAcceptance(
  body: unknown,
  options: SubmitResponseOptions,
  status: number,
  depth = 0,
): SubmitOutcome | undefined {
  if (!isFields(body) || depth > 2) return undefined;
  const code = codeOf(body);
  if (code === 1 || code === 21 || code === 22) return readSuccess(body, code, options, status, depth);
  const data = body["data"] ?? body["result"];
  if (code !== undefined && !GATEWAY_SUCCESS.has(code)) return readUnknownCode(body, code, status);
  if (isFields(data)) {
    const inner = readAcceptance(data, options, status, depth + 1);
    if (inner) return inner;
  }
  if (code === undefined) return readBareTask(body);
  const [vendorTaskId, ...siblings] = codeOf(isFields(data) ? data : {}) === undefined ? idsOf(data) : [];
  return vendorTaskId === undefined || isErrorField(body["error"]) ? undefined : accepted(vendorTaskId, siblings);
}

function readSuccess(
  body: Fields,
  code: 1 | 21 | 22,
  options: SubmitResponseOptions,
  status: number,
  depth: number,
): SubmitOutcome | undefined {
  const ids = idsOf(body["result"]);
  const [vendorTaskId, ...siblings] = ids.length > 0 ? ids : idsOf(body["data"]);
  if (vendorTaskId === undefined) return readAcceptance(body["data"], options, status, depth + 1);
  if (code !== 21) return accepted(vendorTaskId, siblings);
  const properties = asFields(body["properties"]);
  const taskStatus = typeof properties["status"] === "string" ? properties["status"].toUpperCase() : undefined;
  // "Exists already" of old forks describes the earlier task. An open modal has no status (docs/protocol.md 2.5), or MODAL.
  const existing = taskStatus === undefined ? typeof properties["imageUrl"] === "string" : taskStatus !== "MODAL";
  if (existing && (options.code21 === "shape" || taskStatus !== undefined)) {
    return { kind: "accepted", vendorTaskId, existing: true };
  }
  return modal(vendorTaskId, properties);
}

/** An unknown code with an id: the task may exist, and a look-up costs less than a second payment. */
function readUnknownCode(body: Fields, code: number | string, status: number): SubmitOutcome | undefined {
  if (typeof code !== "number" || NO_TASK.has(code) || code >= 400 || status >= 400) return undefined;
  const [vendorTaskId, ...siblings] = idsOf(body["result"]);
  const looksLikeId = vendorTaskId !== undefined && /^(?=.*\d)[\w-]{8,}$/.test(vendorTaskId);
  return looksLikeId && !isErrorField(body["error"]) ? accepted(vendorTaskId, siblings) : undefined;
}

/** The task object itself instead of the response. */
function readBareTask(body: Fields): SubmitOutcome | undefined {
  const vendorTaskId = idOf(body["id"]) ?? idOf(body["taskId"]) ?? idOf(body["task_id"]);
  const status = body["status"];
  if (vendorTaskId === undefined || typeof status !== "string" || !TASK_STATUS.test(status)) return undefined;
  return status.toUpperCase() === "MODAL" ? modal(vendorTaskId, asFields(body["properties"])) : accepted(vendorTaskId);
}

function accepted(vendorTaskId: string, siblings: readonly string[] = []): SubmitOutcome {
  return { kind: "accepted", vendorTaskId, ...(siblings.length > 0 && { siblings: [...siblings] }) };
}

function modal(vendorTaskId: string, properties: Fields): SubmitOutcome {
  const finalPrompt = textOf(properties["finalPrompt"], 16_384);
  return { kind: "modal", vendorTaskId, ...(finalPrompt !== undefined && { finalPrompt }) };
}

/** Returns one id, or several in a list or joined by commas (PicReader::all of trueai-org). Empty if anything is no id. */
function idsOf(result: unknown): string[] {
  if (isFields(result)) return idsOf(result["taskId"] ?? result["task_id"] ?? result["id"]);
  const parts = typeof result === "string" ? result.split(",") : Array.isArray(result) ? result : [result];
  const ids = parts.map(idOf);
  return ids.every((id) => id !== undefined) ? (ids as string[]) : [];
}

// ── rejection ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a response says, apart from an id. */
interface Words {
  /** Code of the protocol or of a gateway; undefined if there is none. */
  code?: number;
  /** Codes in words: `error.code`, `error.type`, a `code` that is no number. */
  names: string;
  /** All texts of the response, without the prompt. Empty if it has none. */
  text: string;
  /** The vendor's text for the app, without what belongs to the operator. */
  description?: string;
  bannedWord?: string;
  hasId: boolean;
  /** True if the body is a JSON object. */
  isJson: boolean;
  /** True if the body says by its shape that it is an error. */
  isError: boolean;
}

function wordsOf({ text }: Answered, document: unknown, { prompt, apiKey }: Sent): Words {
  const fields = isFields(document) ? document : undefined;
  if (!fields) {
    const page = isPage(text) ? "" : (textOf(text) ?? "");
    const description = cleanVendorText(page, apiKey);
    return { names: "", text: page, hasId: false, isJson: false, isError: false, ...(description && { description }) };
  }
  // A gateway's envelope may say "success" around the error of the vendor. The inner code is the vendor's.
  const layers = [fields, fields["data"], fields["error"], fields["result"]].filter(isFields);
  const code = layers.map(codeOf).findLast((each): each is number => typeof each === "number" && each !== 0);
  const names = layers.flatMap((layer) =>
    [layer["code"], layer["type"], layer["status"]].filter((name) => typeof name === "string"),
  );
  const texts = layers.flatMap(textsOf);
  const description = cleanVendorText(failureTextOf(fields) ?? texts[0] ?? "", apiKey).slice(0, 300);
  const bannedWord = textOf(asFields(fields["properties"])["bannedWord"], 100);
  return {
    ...(code !== undefined && { code }),
    names: names.join(" "),
    text: withoutQuotes(texts.join(" \n "), [prompt]),
    ...(description && { description }),
    ...(bannedWord && { bannedWord }),
    hasId: idsOf(fields["result"]).length > 0,
    isJson: true,
    isError: layers.some((layer) => layer["success"] === false || isErrorField(layer["error"])),
  };
}

function codeOf(fields: Fields): number | string | undefined {
  const code = integerOf(fields["code"]);
  if (code !== undefined) return code;
  const name = fields["code"];
  return typeof name === "string" && name.trim() !== "" ? name.trim().toLowerCase() : undefined;
}

/** All texts of one object, in the fields of the families of error bodies (docs/protocol.md 2.3). */
function textsOf(fields: Fields): string[] {
  const { error, detail } = fields;
  const details = Array.isArray(detail) ? detail.map((item) => (isFields(item) ? item["msg"] : item)) : [detail];
  const found = [fields["description"], error, fields["message"], fields["msg"], ...details];
  return found.flatMap((text) => (typeof text === "string" ? (textOf(text) ?? []) : []));
}

/** Returns the vendor's error text from the field that its family of errors uses. */
export function failureTextOf(fields: Fields): string | undefined {
  const { error } = fields;
  return (isFields(error) ? textsOf(error)[0] : undefined) ?? textsOf(fields)[0] ?? dataTextOf(fields["data"]);
}

function dataTextOf(data: unknown): string | undefined {
  return isFields(data) ? textsOf(data)[0] : undefined;
}

/** HTML and XML pages of proxies. A vendor's own short text begins with a word. */
function isPage(text: string): boolean {
  return /^\s*</.test(text);
}

// Words of relays that are identifiers. They are in no other text.
/** Errors of a relay after its upstream accepted the task (docs/protocol.md 5.5). */
const AFTER_UPSTREAM =
  /insert_midjourney_task_failed|do_request_failed|empty_response_body|unmarshal_response_body_failed|read_response_body_failed|copy_response_body_failed|bad_response(?:_status_code|_body)?\b|_panic\b/;
/** A relay's copy of the parent is up to 15 s old. Right after a SUCCESS callback this error is temporary. */
const PARENT_NOT_FINISHED = /task_status_not_success/;
/** The relay switches channels off and on by itself; the buttons of the parent work only there. */
const PARENT_CHANNEL_OFF = /渠道已被禁用|get_channel_info_failed|channel (?:of this task )?(?:is |has been )?disabled/i;
const MODERATED =
  /\b(?:content_policy_violation|content_filter|sensitive_words_detected|moderation_blocked|banned_prompt)\b/;
const OUT_OF_MONEY_NAMES =
  /\b(?:quota_not_enough|insufficient_(?:user_)?(?:quota|balance|credits?)|billing_error|billing_hard_limit_reached|pre_consume_token_quota_failed|payment_required)\b/;
const RATE_NAMES = /\b(?:rate_limit(?:_exceeded|_error)?|too_many_requests|system_\w+_overloaded|overloaded_error)\b/;
/** Type of the errors that the middlewares of a relay write before its handler, so nothing was sent to an upstream. */
const BEFORE_HANDLER = /\b(?:new_api_error|one_api_error)\b/;

// Whole phrases of vendors in English and Chinese (docs/protocol.md 2.2, 2.3).
const NO_ACCOUNT = /无可用|no (?:available|usable) (?:account|channel|instance)|no channel/i;
const BUSY =
  /queue (?:is |was )?full|队列.{0,4}满|排队.{0,4}满|并发.{0,8}(?:上限|限制|已满|超)|concurren(?:t|cy).{0,30}(?:limit|exceed|reach|full)|负载.{0,4}饱和|saturated|too many (?:requests|concurrent|tasks)|rate limit|per[ -](?:second|minute|hour) (?:quota|limit)|频繁|稍后.{0,2}(?:再试|重试|尝试)|(?:try|retry) (?:again )?(?:later|shortly)|系统维护|under maintenance|(?:server|system|service|vendor) (?:is )?(?:busy|overloaded)|(?:cpu|memory|disk) overloaded/i;
const OUT_OF_MONEY =
  /(?:余额|额度|积分)(?:已)?(?:不足|用尽|用完|耗尽)|欠费|请充值|次数(?:已)?(?:达|到).{0,2}上限|insufficient (?:user )?(?:balance|quota|credits?|funds)|not enough (?:balance|quota|credits?)|(?:balance|quota|credits?) (?:is )?(?:not enough|insufficient|exhausted|used up)|out of (?:credits?|money)|exceeded your current quota|payment required|top up|daily .{0,20}limit/i;
const UNSUPPORTED = /unknown_action|not implemented|invalid url/i;

/** Cloudflare had no connection to the vendor's server (521, 523, 525, 526, 530); 520, 522 and 524 prove nothing. */
const NOT_CONNECTED = new Set([521, 523, 525, 526, 530]);

function readRefusal(
  { status, text, retryAfterMs, headers = {} }: Answered,
  words: Words,
  options: SubmitResponseOptions,
): SubmitOutcome {
  const { code, names, description } = words;
  const said = `${names} ${words.text}`;
  const busy = (reason: string, about?: "parent" | "connection"): SubmitOutcome => ({
    kind: "busy",
    reason,
    ...(retryAfterMs !== undefined && { afterMs: retryAfterMs }),
    ...(about && { about }),
  });
  const refuse = (failureCode: FailureCode, more: Failure["vendor"] = {}): SubmitOutcome => ({
    kind: "refused",
    failure: failureOf(failureCode, description, more),
  });
  const banned = () => refuse("banned_prompt", words.bannedWord ? { bannedWord: words.bannedWord } : {});

  // Identifiers and codes that say what happened, whatever the status is.
  if (code === 5 || AFTER_UPSTREAM.test(said)) return { kind: "unclear", reason: firstLine(words.text) ?? "code 5" };
  if (PARENT_NOT_FINISHED.test(said)) return busy("not-success", "parent");
  if (code === 24 || MODERATED.test(said)) return banned();
  if (OUT_OF_MONEY_NAMES.test(said)) return refuse("vendor_out_of_money");
  if (code === 23 || code === 30) return busy(`code ${code}`);
  if (PARENT_CHANNEL_OFF.test(words.text)) return busy("channel disabled", "parent");

  // Statuses. A gateway may put the status into the code of a 200.
  const meant = status < 300 && code !== undefined && code >= 400 && code < 600 ? code : status;
  const isProtocolCode = code !== undefined && NO_TASK.has(code);
  if (meant === 402) return refuse("vendor_out_of_money");
  if (meant === 408 || meant === 425 || meant === 429) {
    return OUT_OF_MONEY.test(words.text) ? refuse("vendor_out_of_money") : busy(String(meant));
  }
  if (meant === 401) {
    if (OUT_OF_MONEY.test(words.text)) return refuse("vendor_out_of_money");
    return refuse(options.relay && isProtocolCode ? "vendor_refused" : "vendor_unauthorized");
  }
  if (meant === 403 && !isProtocolCode) {
    // An empty 403 is the rate limit of trueai-org. A page comes from a firewall in front of the vendor.
    if (text.trim() === "" || isPage(text) || headers["cf-mitigated"] !== undefined)
      return busy("403 without a response");
    if (OUT_OF_MONEY.test(words.text)) return refuse("vendor_out_of_money");
    return BUSY.test(words.text) ? busy("403 busy") : refuse("vendor_unauthorized");
  }
  if (status >= 300 && status < 400) return redirected(headers.location);
  if (meant === 501) return refuse("unsupported");
  if (meant >= 500) {
    if (isProtocolCode && (code === 3 || code === 4)) return readCode(words, refuse, busy, banned);
    if (NOT_CONNECTED.has(status) && headers["cf-ray"] !== undefined) return busy(`HTTP ${status}`, "connection");
    if (RATE_NAMES.test(said) || (meant === 503 && NO_ACCOUNT.test(words.text))) return busy(`HTTP ${meant}`);
    if (BEFORE_HANDLER.test(names)) return busy(`HTTP ${meant} before the handler`);
    if (status < 300 && meant === 503 && BUSY.test(words.text)) return busy("code 503");
    return { kind: "unclear", reason: `HTTP ${meant}` };
  }
  if ((meant === 404 || meant === 405) && !isProtocolCode) return refuse("unsupported");
  if (status < 300 && !words.isJson) {
    return { kind: "unclear", reason: text.trim() === "" ? "empty response" : "not JSON" };
  }
  return readCode(words, refuse, busy, banned, status);
}

/** Reads the codes that need words: 3, 4, 9, -1, and no code. */
function readCode(
  { code, names, text, hasId, isError }: Words,
  refuse: (code: FailureCode) => SubmitOutcome,
  busy: (reason: string) => SubmitOutcome,
  banned: () => SubmitOutcome,
  status = 200,
): SubmitOutcome {
  const wordsMean = failureCodeOf(text);
  if (code === 1 || code === 21 || code === 22) return { kind: "unclear", reason: `code ${code} without an id` };
  if (code === 9 && hasId) return { kind: "unclear", reason: "code 9 with an id" };
  if (wordsMean === "banned_prompt") return banned();
  if (OUT_OF_MONEY.test(text)) return refuse("vendor_out_of_money");
  if (code === 3 && status !== 404 && NO_ACCOUNT.test(text)) return busy("no account");
  if (RATE_NAMES.test(names) || (code !== 3 && BUSY.test(text))) return busy("full");
  // Code 9: the vendor failed before a task existed (docs/protocol.md 2.2: no task, no callback). A retry is safe.
  if (code === 9) return busy("code 9");
  if (UNSUPPORTED.test(text)) return refuse("unsupported");
  if (wordsMean === "invalid_prompt") return refuse("invalid_prompt");
  if (status >= 400 || isError || code === 3 || code === 4 || code === -1) return refuse("vendor_refused");
  return { kind: "unclear", reason: `code ${code ?? "missing"}` };
}

/** The call was not repeated, because a redirected POST would change. The text has only scheme and host: a path may hold a key. */
function redirected(location: string | undefined): SubmitOutcome {
  const target = location === undefined ? undefined : URL.parse(location)?.origin;
  const to = target ? `to ${target}. Set that address as baseUrl.` : "elsewhere. Correct its baseUrl.";
  return { kind: "refused", failure: failureOf("unsupported", `The vendor's address redirects ${to}`) };
}

function firstLine(text: string): string | undefined {
  return text.split("\n")[0]?.trim() || undefined;
}

function failureOf(code: FailureCode, description: string | undefined, more: Failure["vendor"] = {}): Failure {
  return failure(
    code,
    description || more?.bannedWord ? { vendor: { ...(description && { description }), ...more } } : {},
  );
}
