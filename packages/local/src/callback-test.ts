/**
 * A test callback: a request to the public address that must arrive at this process. It costs nothing and records nothing,
 * because no task has its token. A success says that requests of this machine arrive; those of a vendor may still fail.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

const PAUSE_MS = 1_000;
const REQUEST_TIMEOUT_MS = 10_000;

/** How long the callback took, or why none arrived. */
export type CallbackTestResult = { tookMs: number } | { why: string };

export interface CallbackTest {
  /** Must be called with the path of each callback that arrives. */
  sees(path: string): void;
  /** Repeats the request until it arrives, at most for this time. */
  run(publicUrl: string, timeoutMs: number): Promise<CallbackTestResult>;
}

export function createCallbackTest(): CallbackTest {
  let expected: string | undefined;
  let hasArrived = false;
  return {
    sees(path) {
      if (path === expected) hasArrived = true;
    },
    async run(publicUrl, timeoutMs) {
      const path = `/callbacks/tunnel-test-${randomBytes(12).toString("hex")}`;
      expected = path;
      hasArrived = false;
      const until = performance.now() + timeoutMs;
      for (;;) {
        const sentAt = performance.now();
        const why = await post(`${publicUrl}${path}`);
        if (hasArrived) return { tookMs: Math.round(performance.now() - sentAt) };
        if (performance.now() + PAUSE_MS >= until) return { why };
        await sleep(PAUSE_MS);
      }
    },
  };
}

/** @returns why the callback may not have arrived */
async function post(url: string): Promise<string> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
      redirect: "manual",
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    await response.body?.cancel();
    return `HTTP ${response.status} came from another server`;
  } catch (error) {
    const { cause, name } = error as Error & { cause?: NodeJS.ErrnoException };
    return name === "TimeoutError" ? "no response in time" : `no connection (${cause?.code ?? name})`;
  }
}
