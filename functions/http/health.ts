/** `GET /healthz`: whether this API can do its work, which needs a table that can be written. */
import { MjflowError } from "@mjflow/core/error";
import type { Context } from "hono";
import type { AppEnv } from "./env.ts";

/** @throws MjflowError `overloaded` if the table cannot be written */
export async function health(c: Context<AppEnv>): Promise<Response> {
  const { checkStorage, log } = c.get("deps");
  try {
    await checkStorage?.();
  } catch (error) {
    const cause = error instanceof MjflowError ? error.cause : undefined;
    if (cause !== undefined) log.warn("health.not-writable", { error: String(cause) });
    throw error;
  }
  return c.json({ status: "ok" });
}
