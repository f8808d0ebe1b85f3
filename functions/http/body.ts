/** A JSON body, read within its bounds and validated: nothing behind this point sees anything else. */
import { MjflowError } from "@mjflow/core/error";
import { REQUEST } from "@mjflow/core/limit";
import { isShallow } from "@mjflow/core/request";
import type { Context } from "hono";
import type * as z from "zod/mini";
import { invalid } from "./problem.ts";

/** @throws MjflowError unsupported_media_type, too_large, invalid_json, invalid_request */
export async function readBody<T>(c: Context, schema: z.ZodMiniType<T>): Promise<T> {
  const type = c.req.header("content-type") ?? "";
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(type)) throw new MjflowError("unsupported_media_type");
  const parsed = schema.safeParse(await readJson(c));
  if (!parsed.success) throw invalid(parsed.error.issues);
  return parsed.data;
}

/** Whatever it is labelled. @throws MjflowError too_large, invalid_json, invalid_request */
export async function readJson(c: Context): Promise<unknown> {
  const bytes = await c.req.arrayBuffer();
  if (bytes.byteLength > REQUEST.bodyBytes) throw new MjflowError("too_large");
  const value = parseJson(bytes);
  // Asked before any schema, whose recursion a hostile depth would exhaust.
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
