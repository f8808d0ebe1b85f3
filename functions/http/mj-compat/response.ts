/**
 * Responses in the format of midjourney-proxy (docs/protocol.md 2). A submission gets HTTP 200 and a code that says
 * whether it succeeded, as on these servers. A read gets a proper HTTP status, because its clients would parse an error
 * as a task.
 */
import { type ErrorCode, MjflowError } from "@mjflow/core/error";
import type { Context } from "hono";
import type { AppEnv } from "../env.ts";

export const MJ_CODE = {
  accepted: 1,
  /**
   * Submissions: no vendor account is configured. new-api then disables its whole channel, so nothing else may use it.
   * Reads: the task does not exist.
   */
  missing: 3,
  invalid: 4,
  failed: 9,
  /** Accepted; the task waits for `submit/modal`. */
  modal: 21,
  /** Not accepted; the client can send the request again later. */
  full: 23,
  banned: 24,
} as const;

export interface MjResponse {
  code: number;
  description: string;
  /** A task id or a seed as text, or the image links of an upload. Null after an error. */
  result: string | string[] | null;
  /** Always present, because Dooy's web page reads its members without a check. */
  properties: Record<string, unknown>;
}

export function mjResponse(
  code: number,
  description: string,
  result: MjResponse["result"] = null,
  properties: MjResponse["properties"] = {},
): MjResponse {
  return { code, description, result, properties };
}

export const accepted = (id: string) => mjResponse(MJ_CODE.accepted, "Submit success", id);

const LATER: ReadonlySet<ErrorCode> = new Set(["overloaded", "translation_failed", "idempotency_in_flight"]);

/**
 * Converts an error of the native API into a compat API response.
 * @param isRead true for routes that read a task
 */
export function refusal(error: MjflowError, isRead = false): MjResponse {
  const { code, status, extra, field, message } = error;
  // Nothing was submitted: no credit, a limit of the app, an overloaded table or a failed translation. Or an equal request is
  // still running.
  if (status === 402 || status === 429 || LATER.has(code)) {
    return mjResponse(MJ_CODE.full, message);
  }
  if (typeof extra["bannedWord"] === "string") {
    return mjResponse(MJ_CODE.banned, message, null, { bannedWord: extra["bannedWord"] });
  }
  if (code === "not_found") {
    const description = "The task does not exist or is no longer stored.";
    return isRead ? mjResponse(MJ_CODE.missing, description) : mjResponse(MJ_CODE.invalid, `taskId: ${description}`);
  }
  if (field === "provider") return mjResponse(MJ_CODE.missing, "No vendor account is configured for this.");
  if (code === "press_not_offered") {
    const offered = Array.isArray(extra["offered"]) ? extra["offered"].join(", ") : "";
    return mjResponse(MJ_CODE.invalid, `${field}: the task has no such button. Its buttons: ${offered || "none"}`);
  }
  return mjResponse(status < 500 && status !== 401 && status !== 403 ? MJ_CODE.invalid : MJ_CODE.failed, message);
}

/** Paths of routes that read. They also match cancel, whose errors then have an HTTP status, too. */
const READ_PATH = /\/(?:task|query|image)\//;

export function mjErrorResponse(c: Context<AppEnv>, error: unknown): Response {
  const isMjflowError = error instanceof MjflowError;
  if (!isMjflowError) {
    const { requestId, deps } = c.var;
    deps.log.error("mj-compat.bug", { requestId, error: String(error), stack: (error as Error).stack });
  }
  const reported = isMjflowError ? error : new MjflowError("internal");
  if (typeof reported.retry === "object") c.header("Retry-After", String(Math.ceil(reported.retry.afterMs / 1_000)));
  // A wrong key or an unreadable body. No server of the midjourney-proxy family responds 200 to these.
  const isHttpError = [400, 401, 403, 413].includes(reported.status) && reported.code !== "invalid_request";
  const isRead = READ_PATH.test(c.req.path);
  const status = isHttpError || isRead ? reported.status : 200;
  return c.json(refusal(reported, isRead), status as 200);
}
