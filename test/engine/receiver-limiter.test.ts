import type { PostOutcome } from "@mjflow/core/port";
import { createReceiverLimiter, SLOW_POST_MS } from "@mjflow/engine/receiver-limiter";
import { describe, expect, test } from "vitest";

const NOW = Date.UTC(2026, 10, 21);
const SLOW = NOW + SLOW_POST_MS;
const HANGING = "https://hanging.test/a";
const timeout: PostOutcome = { kind: "unreachable", why: "timeout", tookMs: 3_000 };
const ok: PostOutcome = { kind: "answered", status: 204, body: "", tookMs: 5 };

describe("slow posts", () => {
  const limiter = () => createReceiverLimiter({ perHost: 2, perApp: 3 });

  test("a host with two slow posts gets no third one, until one of them ends", () => {
    const { tryStart } = limiter();
    const end = tryStart("app", HANGING, NOW);
    tryStart("app", "https://hanging.test/b", NOW);
    expect(tryStart("app", HANGING, SLOW)).toBeUndefined();
    end!();
    expect(tryStart("app", HANGING, SLOW)).toBeDefined();
  });

  test("an app with three slow posts gets no fourth one at another host", () => {
    const { tryStart } = limiter();
    for (const host of ["a", "b", "c"]) tryStart("app", `https://${host}.test`, NOW);
    expect(tryStart("app", "https://d.test", SLOW)).toBeUndefined();
  });

  test("posts that are still fast are not limited", () => {
    const { tryStart } = limiter();
    for (let i = 0; i < 50; i++) expect(tryStart("app", HANGING, SLOW - 1)).toBeDefined();
  });

  test("another app is not limited, even at the same host", () => {
    const { tryStart } = limiter();
    for (let i = 0; i < 5; i++) tryStart("app", HANGING, NOW);
    expect(tryStart("other", HANGING, SLOW)).toBeDefined();
  });
});

describe("circuit breaker of a URL without an endpoint", () => {
  test("five faults open it for every path of the host, one trial is allowed, and its success closes it", () => {
    const limiter = createReceiverLimiter();
    for (let i = 0; i < 5; i++) {
      expect(limiter.openUntil("app", HANGING, NOW)).toBeUndefined();
      limiter.record("app", HANGING, timeout, NOW);
    }
    expect(limiter.openUntil("app", "https://hanging.test/b", NOW)).toBe(NOW + 30_000);
    expect(limiter.openUntil("app", "https://healthy.test", NOW)).toBeUndefined();
    const later = NOW + 30_000;
    expect(limiter.openUntil("app", HANGING, later)).toBeUndefined();
    expect(limiter.openUntil("app", HANGING, later)).toBeGreaterThan(later);
    limiter.record("app", HANGING, ok, later);
    expect(limiter.openUntil("app", HANGING, later)).toBeUndefined();
  });
});
