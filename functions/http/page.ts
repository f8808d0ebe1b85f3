/** Reads `?limit=&cursor=`, the query of every list. */
import { PageQuery } from "@mjflow/core/request";
import type { Context } from "hono";
import { validate } from "./validate.ts";

/** @throws MjflowError `invalid_request` if a parameter is unknown or not valid */
export function readPage(c: Context): { limit: number; cursor?: string } {
  return validate(PageQuery, c.req.query());
}
