import { describe, expect, test } from "vitest";
import { MjflowError } from "./error.ts";
import { backoffMs, parseRetryAfter, pauseMs, RETRY } from "./retry.ts";

const error = (code: string, more: { status?: number; retry?: "later" | "never"; retryAfterMs?: number } = {}) =>
  new MjflowError({ code, detail: "", ...more });
const busy = error("overloaded", { status: 503, retry: "later" });

describe("pauseMs", () => {
  test.each([
    ["no response", error("unreachable")],
    ["429", error("rate_limited", { status: 429 })],
    ["502", error("unexpected_answer", { status: 502 })],
    ["503", busy],
    ["504", error("unexpected_answer", { status: 504 })],
    ["a request whose idempotency key is in flight", error("idempotency_in_flight", { status: 409, retry: "later" })],
  ])("%s is retried only if the request is safe to repeat", (_, passing) => {
    expect(pauseMs(passing, true, 0, RETRY, 0.5)).toBeGreaterThan(0);
    expect(pauseMs(passing, false, 0, RETRY, 0.5)).toBeUndefined();
  });

  test.each([
    ["an invalid request", error("invalid_request", { status: 400 })],
    ["an invalid API key", error("unauthorized", { status: 401 })],
    ["a task in another state", error("wrong_state", { status: 409, retry: "never" })],
    ["a lost write", error("write_conflict", { status: 409, retry: "later" })],
    ["another body with the same idempotency key", error("idempotency_mismatch", { status: 422 })],
    ["an internal error of the server", error("internal", { status: 500, retry: "later" })],
    ["an abort by the caller", error("aborted")],
  ])("%s is never retried", (_, final) => {
    expect(pauseMs(final, true, 0, RETRY, 0.5)).toBeUndefined();
  });

  test("a request is retried at most three times, or maxRetries times", () => {
    expect(pauseMs(busy, true, 2, RETRY, 0)).toBeDefined();
    expect(pauseMs(busy, true, 3, RETRY, 0)).toBeUndefined();
    expect(pauseMs(busy, true, 0, { ...RETRY, maxRetries: 0 }, 0)).toBeUndefined();
  });
});

describe("pauses between retries", () => {
  test("pauses double up to a limit, and their upper half is random", () => {
    const policy = { baseMs: 100, capMs: 1_000 };
    expect([0, 1, 2, 3, 4, 1_000].map((n) => backoffMs(n, policy, 1))).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    expect([0, 1, 2].map((n) => backoffMs(n, policy, 0))).toEqual([50, 100, 200]);
  });

  test("a pause is at least as long as Retry-After, and Retry-After: 0 does not remove the pause", () => {
    const asks = (retryAfterMs: number) => error("overloaded", { status: 503, retryAfterMs });
    expect(pauseMs(asks(5_000), true, 0, RETRY, 0)).toBe(5_000);
    expect(pauseMs(asks(0), true, 0, RETRY, 0)).toBe(RETRY.baseMs / 2);
  });

  test("a Retry-After of more than a minute is reported instead of waited for", () => {
    expect(pauseMs(error("overloaded", { status: 503, retryAfterMs: 60_001 }), true, 0, RETRY, 0)).toBeUndefined();
  });
});

test("parseRetryAfter accepts seconds or a date and ignores anything else", () => {
  const now = Date.parse("2026-11-21T08:00:00Z");
  const read = (value: string | null) => parseRetryAfter(value, now);
  expect(read("2")).toBe(2_000);
  expect(read(" 0 ")).toBe(0);
  expect(read("Sat, 21 Nov 2026 08:00:30 GMT")).toBe(30_000);
  expect(read("Sat, 21 Nov 2026 07:00:00 GMT")).toBe(0);
  for (const other of [null, "", "-1", "soon", "1e9", "99999999999"]) expect(read(other)).toBeUndefined();
});
