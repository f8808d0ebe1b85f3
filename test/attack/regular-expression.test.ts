/**
 * No regular expression of the product takes time that grows with the square of a text. Vendors, apps and receivers send
 * texts, and a process that searches one of them does nothing else. Texts of the build are the project's own.
 */
import { globSync, readFileSync } from "node:fs";
import jsTokens from "js-tokens";
import { analyse } from "scslre";
import { expect, test } from "vitest";

const ROOT = new URL("../../", import.meta.url);
const OF_THE_BUILD = /^packages\/docs\/|\.(?:test|fixture)\.tsx?$/;

/** A literal in parts; the pattern of a template or of `new RegExp` is not found. */
const LITERAL = /^\/(?<pattern>.*)\/(?<flags>\w*)$/su;

function literalsOf(source: string, isTsx: boolean): { pattern: string; flags: string }[] {
  const tokens = [...jsTokens(source, { jsx: isTsx })].filter(({ type }) => type === "RegularExpressionLiteral");
  return tokens.map(({ value }) => LITERAL.exec(value)!.groups as { pattern: string; flags: string });
}

/** Ways to try one character of a text again and again. */
function faultsOf({ pattern, flags }: { pattern: string; flags: string }): string[] {
  const { reports } = analyse(
    { source: pattern, flags },
    { reportTypes: { Move: true, Self: true, Trade: true }, assumeRejectingSuffix: false },
  );
  return reports.map(({ type, exponential }) => `${exponential ? "exponential" : "squared"} (${type})`);
}

test("the check finds patterns that try a text again and again", () => {
  const faults = (expression: RegExp) => faultsOf({ pattern: expression.source, flags: expression.flags });
  for (const slow of [/\/+$/, /^\s*\(?\s*\d/, /^(?:a+)+$/, /\s+(?=--)/])
    expect(faults(slow), String(slow)).not.toEqual([]);
  for (const fast of [/(?<!\/)\/+$/, /^\(?\d{1,3}%?\)?$/, /[^\s"'<>]+/g])
    expect(faults(fast), String(fast)).toEqual([]);
});

test("the time of every regular expression grows with the length of its text, and not faster", () => {
  const files = globSync("{packages,functions}/**/*.{ts,tsx}", {
    cwd: ROOT,
    exclude: (name) => name === "node_modules",
  });
  const found = files
    .filter((file) => !OF_THE_BUILD.test(file))
    .flatMap((file) => {
      const source = readFileSync(new URL(file, ROOT), "utf8");
      const literals = literalsOf(source, file.endsWith("x"));
      return literals.flatMap((literal) =>
        faultsOf(literal).map((fault) => `${file}: /${literal.pattern}/ is ${fault}`),
      );
    });
  expect(found).toEqual([]);
});
