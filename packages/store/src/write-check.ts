/** Checks that the table can be written, for health checks. */
import { MjflowError } from "@mjflow/core/error";
import { REV_ATTRIBUTE } from "./codec.ts";
import { HEALTH_CHECK_KEY } from "./keys.ts";
import type { Table } from "./table.ts";

export interface WriteCheckDeps {
  table: Table;
  now(): number;
  /** Pause between two writes of this process, ms. Checks in between get the last result. */
  everyMs?: number;
  /** Pause after a failed write, ms. */
  afterFailureMs?: number;
  /** Longest time for a write, ms. */
  timeoutMs?: number;
}

const EVERY_MS = 10_000;
const AFTER_FAILURE_MS = 1_000;
const TIMEOUT_MS = 5_000;

/**
 * Returns a function that resolves if a small row was written within the pause. All processes write the same row. A lost
 * write conflict is a success too, because the table has evaluated the write.
 *
 * The function throws MjflowError `overloaded` if the table rejects the write or does not respond in time.
 */
export function createWriteCheck({
  table,
  now,
  everyMs = EVERY_MS,
  afterFailureMs = AFTER_FAILURE_MS,
  timeoutMs = TIMEOUT_MS,
}: WriteCheckDeps): () => Promise<void> {
  let last: { result: Promise<void>; until: number } | undefined;
  /** Revision of the row; undefined if it is not known to exist. */
  let rev: number | undefined;

  async function write(): Promise<void> {
    for (let tries = 0; tries < 2; tries++) {
      const next = (rev ?? 0) + 1;
      const { pk, sk } = HEALTH_CHECK_KEY;
      const item = { pk: { S: pk }, sk: { S: sk }, [REV_ATTRIBUTE]: { N: String(next) } };
      const put = await table.put(item, rev);
      rev = put.ok ? next : Number(put.current?.[REV_ATTRIBUTE]?.N ?? 0) || undefined;
      if (put.ok) return;
    }
  }

  async function check(): Promise<void> {
    const timeout = Promise.withResolvers<never>();
    const timer = setTimeout(() => timeout.reject(new Error(`no response within ${timeoutMs} ms`)), timeoutMs);
    try {
      await Promise.race([write(), timeout.promise]);
    } catch (cause) {
      throw new MjflowError("overloaded", {
        detail: "The table cannot be written. New flows and callbacks are rejected until it can.",
        retry: { afterMs: afterFailureMs },
        cause,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  return () => {
    if (last && now() < last.until) return last.result;
    const current = { result: check(), until: now() + everyMs };
    last = current;
    current.result.catch(() => {
      current.until = now() + afterFailureMs;
    });
    return current.result;
  };
}
