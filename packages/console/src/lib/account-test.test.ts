import { describe, expect, test } from "vitest";
import { toneOfTest, weightAfterTest } from "./account-test.ts";

describe("the test of a vendor account", () => {
  test("only what the test cannot tell is left to the user", () => {
    expect([true, false, null].map((ok) => toneOfTest({ ok }))).toEqual(["ok", "bad", "ask"]);
  });

  test("a new account gets its weight only after a test that worked", () => {
    expect(weightAfterTest({ ok: true }, 3)).toBe(3);
    for (const ok of [false, null]) expect(weightAfterTest({ ok }, 3)).toBeUndefined();
    // The request for the test failed, or the user wants a paused account.
    expect(weightAfterTest(undefined, 3)).toBeUndefined();
    expect(weightAfterTest({ ok: true }, 0)).toBeUndefined();
  });
});
