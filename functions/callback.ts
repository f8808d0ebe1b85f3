/**
 * `POST /callbacks/<token>`: receives the callbacks of vendors, as a Lambda function URL. This function gets the most
 * calls, so it reads the Lambda event itself and uses no framework, no vendor key and no bucket. The callback URL is
 * never logged, because the token in it is the proof that a callback is genuine (D1).
 */
import { CALLBACK } from "@mjflow/core/limit";
import { type CallbackResult, handleCallback } from "@mjflow/engine/handle-callback";
import { decodeBytes, decodedText } from "@mjflow/providers/callback";
import type { LambdaFunctionURLEvent, LambdaFunctionURLResult } from "aws-lambda";
import { composeCallback } from "./composition/callback.ts";

const PATH = /^\/callbacks\/([\w.-]{1,512})\/?$/;

export async function handler(event: LambdaFunctionURLEvent): Promise<LambdaFunctionURLResult> {
  const token = PATH.exec(event.rawPath)?.[1];
  if (token === undefined) return respond(404, "not found");
  if (event.requestContext.http.method !== "POST") return respond(405, "use POST", { allow: "POST" });
  const decoded = decodeBody(event);
  const body = typeof decoded === "string" ? decoded : await decoded;
  if (body === undefined) return respond(413, "too large");
  const deps = composeCallback();
  const { log } = deps;
  try {
    return responseOf(await handleCallback(deps, token, body));
  } catch (error) {
    // The callback is not stored, so we must not acknowledge it. Some vendors then send it again. For the others the
    // sweeper looks the task up (D3).
    log.error("callback.failed", { error: String(error) });
    return respond(503, "try again", { "retry-after": "2" });
  } finally {
    log.flush();
  }
}

function responseOf(result: CallbackResult): LambdaFunctionURLResult {
  switch (result.kind) {
    case "recorded":
    case "dropped":
      return OK;
    case "unreadable":
      return respond(400, "not a task");
    case "gone":
      return respond(404, "not found");
    case "refused":
      return respond(401, "not a valid callback URL");
  }
}

/**
 * Returns the text of the body; undefined if it is too large, also after decompression. The charset and encoding may be
 * wrong or missing: ids, status and links are ASCII, so a text with other wrong characters is still a report.
 */
export function decodeBody({
  body = "",
  isBase64Encoded,
  headers,
}: CallbackBody): string | undefined | Promise<string | undefined> {
  const text = isBase64Encoded ? undefined : decodedText(body, headers);
  if (text !== undefined) return Buffer.byteLength(body) > CALLBACK.bodyBytes ? undefined : text;
  const bytes = Buffer.from(body, isBase64Encoded ? "base64" : "utf8");
  return bytes.length > CALLBACK.bodyBytes ? undefined : decodeBytes(bytes, headers, CALLBACK.bodyBytes);
}

type CallbackBody = Pick<LambdaFunctionURLEvent, "body" | "isBase64Encoded" | "headers">;

/** Nearly every callback gets this response. It is frozen, so the local server prepares its bytes once. */
export const OK = Object.freeze(respond(200, "ok"));

function respond(
  statusCode: number,
  description: string,
  headers: Record<string, string> = {},
): LambdaFunctionURLResult {
  const body = JSON.stringify({ code: statusCode === 200 ? 1 : 4, description });
  return { statusCode, headers: Object.freeze({ "content-type": "application/json", ...headers }), body };
}
