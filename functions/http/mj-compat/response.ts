/**
 * Answers in the protocol's words (docs/protocol.md 2). What starts work is HTTP 200 whatever became of it, as these servers have
 * it, and the code says the rest; what reads has HTTP's own status, or its clients would take an error for a task.
 */
import { MjflowError } from "@mjflow/core/error";
import type { Context } from "hono";
import type { AppEnv } from "../env.ts";

export const MJ_CODE = {
  accepted: 1,
  /** The task named, or every account that could do it, is not there. */
  missing: 3,
  invalid: 4,
  failed: 9,
  /** Taken, and waiting for `submit/modal`. */
  modal: 21,
  /** Not taken: come back later. */
  full: 23,
  banned: 24,
} as const;

export interface MjResponse {
  code: number;
  description: string;
  /** A task id as a string; addresses, for an upload. */
  result: string | string[] | null;
  /** Never absent: Dooy's page reads into it unasked. */
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

/** What an error of ours means in the protocol. */
export function refusal(error: MjflowError): MjResponse {
  const { code, status, extra, field, message } = error;
  // Refused before a vendor was asked: by quota, by rate, or by a table that has its own.
  if (status === 402 || status === 429 || code === "overloaded") return mjResponse(MJ_CODE.full, message);
  if (typeof extra["bannedWord"] === "string") {
    return mjResponse(MJ_CODE.banned, message, null, { bannedWord: extra["bannedWord"] });
  }
  if (code === "not_found") return mjResponse(MJ_CODE.missing, "The task does not exist, or is no longer kept.");
  if (field === "provider") return mjResponse(MJ_CODE.missing, "No vendor account is configured for this.");
  if (code === "press_not_offered") {
    const offered = Array.isArray(extra["offered"]) ? extra["offered"].join(", ") : "";
    return mjResponse(MJ_CODE.invalid, `${field}: the task offers no such button. It offers: ${offered || "none"}`);
  }
  return mjResponse(status < 500 && status !== 401 && status !== 403 ? MJ_CODE.invalid : MJ_CODE.failed, message);
}

/** Of requests that only read; cancel, which answers for itself, aside. */
const READ_STATUS = /\/(?:task|query|image)\//;

export function mjErrorResponse(c: Context<AppEnv>, error: unknown): Response {
  const known = error instanceof MjflowError;
  if (!known) {
    const { requestId, deps } = c.var;
    deps.log.error("facade.bug", { requestId, error: String(error), stack: (error as Error).stack });
  }
  const told = known ? error : new MjflowError("internal");
  if (typeof told.retry === "object") c.header("Retry-After", String(Math.ceil(told.retry.afterMs / 1_000)));
  // The key is wrong, or the bytes are: no server of the family calls that a success.
  const isAsHttp = [400, 401, 403, 413].includes(told.status) && told.code !== "invalid_request";
  const status = isAsHttp || READ_STATUS.test(c.req.path) ? told.status : 200;
  return c.json(refusal(told), status as 200);
}
