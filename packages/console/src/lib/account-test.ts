/** What a test of a vendor account means for the user: its tone, and whether the account may get flows. */
import type { AccountTest } from "@mjflow/client";

/** `ask`: the test cannot tell, so the user decides. */
export type TestTone = "ok" | "bad" | "ask";

export function toneOfTest({ ok }: Pick<AccountTest, "ok">): TestTone {
  return ok === true ? "ok" : ok === false ? "bad" : "ask";
}

/** A mark beside the words, because color alone says nothing to many people. */
export const TEST_MARKS: Readonly<Record<TestTone, string>> = { ok: "✓", bad: "✕", ask: "?" };

/**
 * The account is stored with weight 0, so that no flow goes to it before the test. Returns the weight to set after the test;
 * undefined: the account stays paused.
 */
export function weightAfterTest(test: Pick<AccountTest, "ok"> | undefined, wanted: number): number | undefined {
  return test?.ok === true && wanted > 0 ? wanted : undefined;
}
