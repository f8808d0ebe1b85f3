/** Handles the header `Idempotency-Key`, and marks the response to a repeated request with `Idempotency-Replayed`. */
import { MjflowError } from "@mjflow/core/error";
import { parseIdempotencyKey } from "@mjflow/core/idempotency";
import { type IdempotentWork, runOnce } from "@mjflow/engine/idempotency";
import type { Context } from "hono";
import type { AppEnv } from "./env.ts";

const HEADER = "Idempotency-Key";

/** @throws MjflowError `invalid_request` if the key has a wrong form, and the errors of `runOnce` */
export async function idempotent<T>(c: Context<AppEnv>, request: unknown, work: IdempotentWork<T>): Promise<T> {
  const key = idempotencyKeyOf(c);
  if (key === undefined) return work.run({ target: work.choose(), resumed: false });
  const keyed = { appId: c.get("appId"), key, route: `${c.req.method} ${c.req.path}`, request };
  const { value, replayed } = await runOnce(c.get("deps"), keyed, work);
  if (replayed) c.header("Idempotency-Replayed", "true");
  return value;
}

/**
 * Returns the key of the request; undefined if the header is absent. An empty header is an error: the client wanted a key,
 * and without it the request could be paid twice.
 *
 * @throws MjflowError `invalid_request`
 */
export function idempotencyKeyOf(c: Context<AppEnv>): string | undefined {
  const header = c.req.header(HEADER);
  if (header === undefined) return undefined;
  const key = parseIdempotencyKey(header);
  if (key !== undefined) return key;
  throw new MjflowError("invalid_request", {
    field: HEADER,
    detail: `${HEADER}: must be 1 to 255 visible ASCII characters. Send a new key, or leave out the header.`,
  });
}
