/** Reads `?limit=&cursor=`, the query of every list. */
import { PageQuery } from "@mjflow/core/request";
import type { Context } from "hono";
import { invalid } from "./problem.ts";

/** @throws MjflowError `invalid_request` if a parameter is unknown or not valid */
export function readPage(c: Context): { limit: number; cursor?: string } {
  const query = PageQuery.safeParse(c.req.query());
  if (!query.success) throw invalid(query.error.issues);
  return query.data;
}
