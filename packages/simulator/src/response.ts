/**
 * Responses in the format of a vendor: accepted, rejected, not found, missing key. Pure. See docs/protocol.md 2.1 to 2.5;
 * 2.3 describes the families of error bodies.
 */
import type { Dialect, SubmitVerb, Verb } from "./dialect.ts";
import { type Fields, rawInteger } from "./json.ts";
import type { Damage } from "./scenario.ts";
import type { Action, Task } from "./task.ts";
import { finalPromptOf, imageUrlOf, instanceOf, type Origin } from "./wire-format.ts";

export interface SimulatorResponse {
  status: number;
  contentType: string | null;
  body: string;
  /** Code before a relay rewrites the text; null if the response has no code. */
  code: number | null;
}

export type Refusal =
  | { kind: "invalid"; text: string; relayText?: string }
  | { kind: "unreadable" }
  | { kind: "limit"; text: string }
  | { kind: "parent-missing" }
  | { kind: "not-success" }
  | { kind: "unknown-action"; customId: string }
  | { kind: "banned"; word: string; prompt: string }
  | { kind: "queue-full" }
  | { kind: "no-credit" }
  | { kind: "no-account" };

export type Acceptance =
  | { kind: "accepted"; ids: string[] }
  | { kind: "queued"; ids: string[]; ahead: number }
  | { kind: "modal"; task: Task }
  | { kind: "existing"; task: Task; origin: Origin }
  | { kind: "urls"; urls: string[] };

export function accepted(
  dialect: Dialect,
  verb: SubmitVerb,
  acceptance: Acceptance,
  action?: Action,
): SimulatorResponse {
  const properties = propertiesOf(dialect);
  const id = (ids: string[]) => resultOf(dialect, verb, ids.join(","));
  const { words } = dialect;
  switch (acceptance.kind) {
    case "accepted":
      return submitReply(dialect, 1, words.accepted, id(acceptance.ids), properties, action);
    case "queued": {
      const queue = { numberOfQueues: acceptance.ahead, ...instanceFields(dialect) };
      const text = words.queued(acceptance.ahead);
      return submitReply(dialect, 22, text, id(acceptance.ids), typed(dialect, queue), action);
    }
    case "modal": {
      const remix = { finalPrompt: finalPromptOf(acceptance.task), remix: true };
      const shown = dialect.modalProperties === "remix" ? remix : undefined;
      return submitReply(dialect, 21, words.modal, id([acceptance.task.id]), shown, action);
    }
    case "existing": {
      const { task, origin } = acceptance;
      const known = { status: task.status, imageUrl: imageUrlOf(task, origin) };
      return submitReply(dialect, 21, "任务已存在", id([task.id]), typed(dialect, known), action);
    }
    case "urls":
      return submitReply(dialect, 1, words.accepted, acceptance.urls, typed(dialect, {}), action);
  }
}

export function refused(dialect: Dialect, verb: SubmitVerb, refusal: Refusal, now: number): SimulatorResponse {
  const own = instanceFields(dialect);
  const reject = (code: number, text: string, properties: Fields = {}) =>
    submitReply(dialect, code, text, null, typed(dialect, properties));
  const relayed = dialect.errors === "relay" || dialect.errors === "comet";
  switch (refusal.kind) {
    case "unreadable":
      return relayed ? relayError(4, "bind_request_body_failed") : { ...reject(4, "请求参数错误"), status: 400 };
    case "invalid":
      return relayed && refusal.relayText ? relayError(4, refusal.relayText) : reject(4, refusal.text);
    case "limit":
      // trueai reports violated limits through its exception filter, except on imagine (docs/protocol.md 2.3).
      return verb === "imagine" ? reject(4, refusal.text) : filtered(refusal.text, now);
    case "parent-missing":
      if (relayed) return relayError(4, "task_not_found");
      return { ...reject(3, "关联任务不存在或已失效"), status: dialect.errors === "trueai" ? 404 : 200 };
    case "not-success":
      return relayed ? relayError(4, "task_status_not_success") : reject(4, "关联任务状态错误");
    case "unknown-action":
      if (!relayed) return reject(4, "未知操作");
      // A customId without `::` crashes the parser of the relay (docs/protocol.md 2.3).
      return refusal.customId.includes("::")
        ? relayError(4, `unknown_action:${refusal.customId}`)
        : failure(500, { error: { message: "Panic detected", type: "new_api_panic" } });
    case "banned":
      return reject(24, "可能包含敏感词", { promptEn: refusal.prompt, bannedWord: refusal.word });
    case "no-credit":
      // The servers of the family have no money; the relay in front of them refuses (docs/protocol.md 2.3).
      return relayed ? relayError(4, "quota_not_enough") : reject(4, "余额不足");
    case "no-account":
      return reject(3, "无可用的账号实例");
    case "queue-full":
      return dialect.queueFullCode === 9
        ? reject(9, "提交失败，队列已满，请稍后重试", own)
        : reject(23, "队列已满，请稍后尝试", own);
  }
}

/** The errors that differ by the family of error bodies only. */
interface FamilyErrors {
  /** Response for a missing key or for `wrong-key`. */
  unauthorized(missing: boolean): SimulatorResponse;
  noRoute(method: string, path: string): SimulatorResponse;
  serverError(status: number, now: number): SimulatorResponse;
  /** Response for too many requests. It has no Retry-After, because no source sends one (docs/protocol.md 6). */
  queueFull(): SimulatorResponse;
}

const invalidUrl = (method: string, path: string) =>
  failure(404, {
    error: { message: `Invalid URL (${method} ${path})`, type: "invalid_request_error", param: "", code: "" },
  });
const newApiError = (status: number, message: string) => failure(status, { error: { message, type: "new_api_error" } });

const ERRORS: Readonly<Record<Dialect["errors"], FamilyErrors>> = {
  trueai: {
    unauthorized: () => ({ status: 401, contentType: "text/plain; charset=utf-8", body: "未登录", code: null }),
    noRoute: () => empty(404),
    serverError: (status, now) => ({ ...filtered("操作失败", now), status }),
    queueFull: () => empty(429),
  },
  relay: {
    unauthorized: (missing) =>
      newApiError(401, `${missing ? "未提供令牌" : "无效的令牌"} (request id: 2026010112000000000)`),
    noRoute: invalidUrl,
    serverError: (status) => newApiError(status, "无可用渠道 (request id: 2026010112000000001)"),
    queueFull: () => ({ ...relayError(30, "当前分组上游负载已饱和"), status: 429 }),
  },
  comet: {
    unauthorized: () => failure(401, { error: { code: "invalid_api_key", message: "Invalid token" } }),
    noRoute: invalidUrl,
    serverError: (status) =>
      failure(status, { error: { code: "server_error", message: "The service is unavailable" } }),
    queueFull: () => failure(429, { error: { code: "rate_limit_exceeded", message: "Too many requests" } }),
  },
  proxy: {
    unauthorized: () => empty(401),
    noRoute: (_, path) => failure(404, { status: 404, error: "Not Found", path }),
    serverError: (status) => failure(status, { status, error: "Internal Server Error" }),
    queueFull: () => empty(429),
  },
};

export const errorsOf = ({ errors }: Dialect): FamilyErrors => ERRORS[errors];

const UNKNOWN_TASK: Readonly<Record<Dialect["unknownTask"], () => SimulatorResponse>> = {
  "empty-200": () => empty(200),
  "empty-204": () => empty(204),
  "empty-404": () => empty(404),
  "relay-400": () => relayError(4, "task_no_found"),
};

/** Response to fetch with an unknown id (docs/protocol.md 1.14). */
export const unknownTask = ({ unknownTask: kind }: Dialect): SimulatorResponse => UNKNOWN_TASK[kind]();

/** HTML error page of a CDN in front of a vendor that does not respond. */
export function malformedResponse(): SimulatorResponse {
  const body = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>";
  return { status: 502, contentType: "text/html", body, code: null };
}

/** Response of a relay that is overloaded. It answers before it asks any upstream, so no task exists (docs/protocol.md 2.3). */
export function overloaded(): SimulatorResponse {
  const error = { message: "system cpu overloaded", type: "new_api_error", code: "system_cpu_overloaded" };
  return failure(503, { error });
}

/** Page of a web server that is no vendor. */
export function webPage(): SimulatorResponse {
  const body = "<!DOCTYPE html><html><head><title>Welcome</title></head><body><p>It works!</p></body></html>";
  return { status: 200, contentType: "text/html", body, code: null };
}

/** Page of a firewall that wants a browser. The vendor's API never saw the request. */
export function challenge(): SimulatorResponse {
  const body = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body></body></html>";
  return { status: 403, contentType: "text/html; charset=UTF-8", body, code: null };
}

/** Surrounds a JSON body without changing what it says. Real servers do this (docs/protocol.md 2.3). */
export function damaged(reply: SimulatorResponse, damage: Damage | undefined): SimulatorResponse {
  const { body } = reply;
  switch (damage) {
    case "bom":
      return { ...reply, body: `\uFEFF${body}` };
    case "php-notice":
      return { ...reply, body: `<br />\n<b>Warning</b>:  Undefined variable $x in <b>index.php</b><br />\n${body}` };
    case "jsonp":
      return { ...reply, body: `callback(${body});` };
    case "two-documents":
      return { ...reply, body: `${body}\n{"took":3}` };
    default:
      return reply;
  }
}

/** Returns `{code, description, type}`. The description ends with a space if there is no result (docs/protocol.md 2.3). */
export function relayError(code: number, text: string): SimulatorResponse {
  return { ...failure(400, { description: `${text} `, type: "upstream_error", code }), code };
}

export function json(dialect: Dialect, status: number, body: unknown): SimulatorResponse {
  return { status, contentType: dialect.contentType, body: JSON.stringify(body), code: null };
}

/** Returns an error that the vendor itself creates. A relay sends these errors with the JSON content type. */
function failure(status: number, body: unknown): SimulatorResponse {
  return { status, contentType: "application/json", body: JSON.stringify(body), code: null };
}

export function empty(status: number): SimulatorResponse {
  return { status, contentType: null, body: "", code: null };
}

/** Returns `{code, description, result}` for image-seed and cancel. */
export function plain(dialect: Dialect, code: number, description: string, result: string | null): SimulatorResponse {
  return submitReply(dialect, code, description, result, code === 1 ? undefined : typed(dialect, {}));
}

function submitReply(
  dialect: Dialect,
  code: number,
  description: string,
  result: unknown,
  properties: unknown,
  action?: Action,
): SimulatorResponse {
  const body = JSON.stringify({
    code: dialect.codeType === "string" ? String(code) : code,
    description,
    result,
    ...(properties === undefined ? {} : { properties }),
  });
  return { status: 200, contentType: dialect.contentType, body: dialect.rewrite(body, action), code };
}

/** Error of the exception filter of trueai: no description, no result, `timestamp` in .NET ticks as text. */
function filtered(message: string, now: number): SimulatorResponse {
  const ticks = BigInt(Math.trunc(now)) * 10_000n + 621_355_968_000_000_000n;
  return { ...failure(200, { success: false, code: -1, message, timestamp: ticks.toString() }), code: -1 };
}

function resultOf(dialect: Dialect, verb: Verb, id: string): unknown {
  const integer =
    dialect.integerResult === "all" || (dialect.integerResult !== "none" && dialect.integerResult.has(verb));
  return integer && /^[1-9][0-9]*$/u.test(id) ? rawInteger(id) : id;
}

function instanceFields(dialect: Dialect): Fields {
  const id = instanceOf(dialect.id);
  return dialect.properties === "instance+channel"
    ? { discordInstanceId: id, discordChannelId: id }
    : { discordInstanceId: id };
}

function propertiesOf(dialect: Dialect): unknown {
  return typed(dialect, dialect.properties === "empty" ? {} : instanceFields(dialect));
}

/** Returns properties in the type of the dialect: xfusionai sends a string (docs/protocol.md 2.1). */
function typed(dialect: Dialect, properties: Fields): unknown {
  return dialect.properties === "string" ? JSON.stringify(properties) : properties;
}
