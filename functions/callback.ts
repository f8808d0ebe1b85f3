/**
 * `POST /callbacks/<token>`: vendors' callbacks, as a Lambda function URL. The busiest function there is, so it reads the
 * event itself: no framework, no vendor key, no bucket. The address is never logged: it is the proof (D1).
 */
import { CALLBACK } from "@mjflow/core/limit";
import { type CallbackResult, handleCallback } from "@mjflow/engine/handle-callback";
import { readCallback } from "@mjflow/providers/callback";
import type { LambdaFunctionURLEvent, LambdaFunctionURLResult } from "aws-lambda";
import { composeCallback } from "./composition/callback.ts";

const PATH = /^\/callbacks\/([\w.-]{1,512})\/?$/;

export async function handler(event: LambdaFunctionURLEvent): Promise<LambdaFunctionURLResult> {
  const token = PATH.exec(event.rawPath)?.[1];
  if (token === undefined) return answer(404, "not found");
  if (event.requestContext.http.method !== "POST") return answer(405, "use POST", { allow: "POST" });
  const body = decodeBody(event);
  if (body === "too large") return answer(413, body);
  if (body === undefined) return answer(400, "not UTF-8");
  const { log, ...deps } = composeCallback();
  try {
    return respond(await handleCallback({ ...deps, log, readCallback }, token, body));
  } catch (error) {
    // Not durable, so not acknowledged: a vendor that retries will; for the others the sweeper asks (D3).
    log.error("callback.failed", { error: String(error) });
    return answer(503, "try again", { "retry-after": "2" });
  } finally {
    log.flush();
  }
}

function respond(received: CallbackResult): LambdaFunctionURLResult {
  switch (received.kind) {
    case "recorded":
    case "dropped":
      return answer(200, "ok");
    case "unreadable":
      return answer(400, "not a task");
    case "gone":
      return answer(404, "not found");
    case "refused":
      return answer(401, "not a valid callback address");
  }
}

/** Leaves out a byte order mark, which is no JSON. */
const UTF8 = new TextDecoder("utf-8", { fatal: true });

function decodeBody({ body = "", isBase64Encoded }: LambdaFunctionURLEvent): string | "too large" | undefined {
  const bytes = Buffer.from(body, isBase64Encoded ? "base64" : "utf8");
  if (bytes.length > CALLBACK.bodyBytes) return "too large";
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

function answer(
  statusCode: number,
  description: string,
  headers: Record<string, string> = {},
): LambdaFunctionURLResult {
  const body = JSON.stringify({ code: statusCode === 200 ? 1 : 4, description });
  return { statusCode, headers: { "content-type": "application/json", ...headers }, body };
}
