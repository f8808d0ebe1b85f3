/** Reads a JSON body within its size limit and validates it. Routes get their request bodies only from here. */
import { MjflowError } from "@mjflow/core/error";
import { REQUEST } from "@mjflow/core/limit";
import { isShallow } from "@mjflow/core/request-body";
import type { Context } from "hono";
import type * as z from "zod/mini";
import { validate } from "./validate.ts";

/**
 * @throws MjflowError `unsupported_media_type` without a JSON content type, `too_large` above 6 MB, `invalid_json` if
 *   the body cannot be parsed, `invalid_request` if the schema does not match
 */
export async function readBody<T>(c: Context, schema: z.ZodMiniType<T>): Promise<T> {
  const type = c.req.header("content-type") ?? "";
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(type)) throw new MjflowError("unsupported_media_type");
  return validate(schema, await readJson(c));
}

/**
 * Reads a JSON body whatever its content type.
 *
 * @throws MjflowError `too_large` above 6 MB, `invalid_json` if the body cannot be parsed, `invalid_request` if the
 *   nesting is too deep
 */
export async function readJson(c: Context): Promise<unknown> {
  const bytes = await c.req.arrayBuffer();
  if (bytes.byteLength > REQUEST.bodyBytes) throw new MjflowError("too_large");
  const value = parseJson(bytes);
  // The depth is checked before any schema, because schemas are recursive and a hostile depth would exhaust the stack.
  if (!isShallow(value)) throw new MjflowError("invalid_request", { detail: "The body is nested too deeply." });
  return value;
}

function parseJson(bytes: ArrayBuffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new MjflowError("invalid_json", { cause });
  }
}
