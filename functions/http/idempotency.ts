/** Handles the header `Idempotency-Key`, and marks the response to a repeated request with `Idempotency-Replayed`. */
import { MjflowError } from "@mjflow/core/error";
import { parseIdempotencyKey } from "@mjflow/core/idempotency";
import { type IdempotentWork, runOnce } from "@mjflow/engine/idempotency";
import type { Context } from "hono";
import type { AppEnv } from "./env.ts";

const HEADER = "Idempotency-Key";

/** @throws MjflowError `invalid_request` if the key has a wrong form, and the errors of `runOnce` */
export async function idempotent<T>(c: Context<AppEnv>, request: unknown, work: IdempotentWork<T>): Promise<T> {
  const header = c.req.header(HEADER);
  if (header === undefined) return work.run({ target: work.choose(), resumed: false });
  const key = parseIdempotencyKey(header);
  if (key === undefined) {
    throw new MjflowError("invalid_request", {
      field: HEADER,
      detail: `${HEADER}: must be 1 to 255 visible ASCII characters`,
    });
  }
  const keyed = { appId: c.get("appId"), key, route: `${c.req.method} ${c.req.path}`, request };
  const { value, replayed } = await runOnce(c.get("deps"), keyed, work);
  if (replayed) c.header("Idempotency-Replayed", "true");
  return value;
}
