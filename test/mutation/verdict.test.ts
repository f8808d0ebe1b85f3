import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { type EquivalentMutant, judge, type Mutant, scoreOf, tableOf } from "./verdict.ts";

const ROOT = new URL("../../", import.meta.url);
const LIST = JSON.parse(readFileSync(new URL("equivalent.json", import.meta.url), "utf8")) as EquivalentMutant[];

const mutant = (is: string, killed: boolean): Mutant => ({
  file: "a.ts",
  lineNumber: 7,
  line: "if (a < b) return;",
  was: "a < b",
  is,
  killed,
});
const { lineNumber: _, killed: __, ...text } = mutant("a <= b", false);
const entry: EquivalentMutant = { ...text, why: "a is never b" };

it("a mutant that no test kills and no entry explains is a survivor", () => {
  const verdict = judge([mutant("a <= b", false), mutant("a >= b", true)], []);
  expect(verdict.survivors).toEqual([mutant("a <= b", false)]);
  expect(verdict.rows).toEqual([{ file: "a.ts", mutants: 2, killed: 1, listed: 0, survived: 1 }]);
});

it("an entry excuses exactly one mutant with its text, at any line number", () => {
  const moved = { ...mutant("a <= b", false), lineNumber: 70 };
  expect(judge([moved], [entry])).toMatchObject({ survivors: [], idle: [], rows: [{ listed: 1, survived: 0 }] });
  expect(judge([moved, mutant("a <= b", false)], [entry])).toMatchObject({ rows: [{ listed: 1, survived: 1 }] });
  expect(judge([mutant("true", false)], [entry]).survivors).toHaveLength(1);
});

it("an entry is idle if its mutant is killed or missing, but not if its file was not tested", () => {
  expect(judge([mutant("a <= b", true)], [entry]).idle).toEqual([entry]);
  expect(judge([mutant("true", true)], [entry]).idle).toEqual([entry]);
  expect(judge([], [entry]).idle).toEqual([]);
});

it("the score is the share of killed mutants, without those that an entry explains", () => {
  const rows = judge(
    [mutant("a <= b", false), mutant("a >= b", true), mutant("true", true), mutant("", false)],
    [entry],
  ).rows;
  expect(scoreOf(rows)).toBeCloseTo(200 / 3);
  expect(scoreOf([])).toBe(100);
});

it("the table has one row per file and a row with the sums", () => {
  const lines = tableOf(judge([mutant("a <= b", false), mutant("a >= b", true)], [entry]).rows).split("\n");
  expect(lines.slice(2)).toEqual([
    "| a.ts |        2 |        1 |        1 |        0 |",
    "| all  |        2 |        1 |        1 |        0 |",
  ]);
});

it.each(LIST)("the excused line $line exists in $file, and its entry has a reason", ({ file, line, why }) => {
  const lines = readFileSync(new URL(file, ROOT), "utf8").split("\n");
  expect(lines.map((text) => text.trim())).toContain(line);
  expect(why).toMatch(/\.$/);
});
