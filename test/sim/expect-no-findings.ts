/** The assertion that a simulation broke no rule. */
import { expect } from "vitest";

/** The findings are the message of the error, because some reporters do not show the contents of a list. */
export function expectNoFindings(findings: readonly string[]): void {
  expect(findings, findings.slice(0, 20).join("\n")).toEqual([]);
}
