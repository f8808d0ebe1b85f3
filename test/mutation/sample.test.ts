import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { type Candidate, intervalOf, keyOf, mutantsOf, sampleOf } from "./sample.ts";
import { scores, scoreTable, withScores } from "./scores.ts";

const ROOT = new URL("../../", import.meta.url);

const many = (file: string, count: number): Candidate[] =>
  Array.from({ length: count }, (_, i) => ({
    file,
    range: `${file}:${i + 1}:0-${i + 1}:9`,
    mutator: "BooleanLiteral",
    is: "false",
    line: `const a${i} = true;`,
  }));

it("the same seed chooses the same mutants, and another seed others", () => {
  const all = many("a.ts", 200);
  const chosen = sampleOf(all, 20, 7);
  expect(new Set(chosen.map(keyOf)).size).toBe(20);
  expect(sampleOf([...all].reverse(), 20, 7)).toEqual(chosen);
  expect(sampleOf(all, 20, 8)).not.toEqual(chosen);
  expect(sampleOf(all, 500, 7)).toHaveLength(200);
});

it("lines that move and files that grow leave the sample nearly as it was", () => {
  const all = many("a.ts", 200);
  const moved = all.map((mutant, i) => ({ ...mutant, range: `a.ts:${i + 41}:0-${i + 41}:9` }));
  const lines = (of: Candidate[]) => of.map(({ line }) => line);
  expect(lines(sampleOf(moved, 20, 7))).toEqual(lines(sampleOf(all, 20, 7)));
  const kept = sampleOf([...all, ...many("b.ts", 20)], 20, 7).filter(({ file }) => file === "a.ts");
  expect(lines(sampleOf(all, 20, 7))).toEqual(expect.arrayContaining(lines(kept)));
});

it("mutants with the same text are chosen one by one", () => {
  const twins = many("a.ts", 50).map((mutant) => ({ ...mutant, line: "return true;" }));
  expect(new Set(sampleOf(twins, 10, 7).map(keyOf)).size).toBe(10);
});

it("the mutants of a file have every kind, with the place that Stryker understands", async () => {
  const file = "packages/webhooks/src/send.ts";
  const mutants = await mutantsOf(ROOT.pathname, [file]);
  expect(new Set(mutants.map(keyOf)).size).toBe(mutants.length);
  expect([...new Set(mutants.map(({ mutator }) => mutator))]).toEqual(
    expect.arrayContaining(["BlockStatement", "ArithmeticOperator", "ObjectLiteral", "StringLiteral"]),
  );
  const lines = readFileSync(new URL(file, ROOT), "utf8").split("\n");
  for (const { range, line } of mutants) {
    const [, first, column] = /^packages\/webhooks\/src\/send\.ts:(\d+):(\d+)-\d+:\d+$/.exec(range)!;
    expect(lines[Number(first) - 1]!.trim()).toBe(line);
    expect(Number(column)).toBeLessThan(lines[Number(first) - 1]!.length);
  }
});

// https://epitools.ausvet.com.au/ciproportion gives the same numbers.
it.each([
  [90, 100, 82.6, 94.5],
  [0, 10, 0, 27.8],
  [10, 10, 72.2, 100],
  [0, 0, 0, 100],
])(
  "of %i noticed in a sample of %i the share of all is known to be between %f and %f percent",
  (noticed, size, from, to) => {
    const interval = intervalOf(noticed, size);
    expect(interval.from).toBeCloseTo(from, 1);
    expect(interval.to).toBeCloseTo(to, 1);
  },
);

it("the table says what was run, and the error of a sample", () => {
  const score = { date: "2026-11-30", commit: "abcdef12", package: "store", mutants: 4336, noticed: 90, listed: 0 };
  const rows = scoreTable([
    { ...score, run: 100, seed: 7 },
    { ...score, run: 4336, noticed: 4300, listed: 36 },
  ]).split("\n");
  expect(rows.slice(2)).toEqual([
    "| store | 2026-11-30 | `abcdef12` | 4,336 | 100, seed 7 | 90 | 0 | 90.0 % | 83 to 94 % |",
    "| store | 2026-11-30 | `abcdef12` | 4,336 | all | 4300 | 36 | 100.0 % |  |",
  ]);
});

it("the table of docs/reliability.md has every recorded score", () => {
  const document = readFileSync(new URL("docs/reliability.md", ROOT), "utf8");
  expect(document).toBe(withScores(document, scores()));
});
