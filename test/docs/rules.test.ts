/** docs/rules.md defines each rule once; code and tests cite rules by id. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { piecesOfCode } from "../words/pieces.ts";

const ROOT = new URL("../../", import.meta.url);
const textOf = (path: string) => readFileSync(new URL(path, ROOT), "utf8");

const ROW = /^\| ([A-Z]{1,2}\d+) \| (.+) \| (.+) \|$/gm;
const rules = [...textOf("docs/rules.md").matchAll(ROW)].map(([, id, rule, tests]) => ({
  id: id!,
  rule: rule!,
  tests: [...tests!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
}));
const PREFIXES = [...new Set(rules.map(({ id }) => id.replace(/\d+/, "")))].sort().reverse();
/** An id stands alone: `S3` and `U1` are other things, and their prefixes have no rules. */
const CITED = new RegExp(`(?<![\\w-])(?:${PREFIXES.join("|")})[1-9]\\d?(?![\\w-])`, "g");

const sources = execFileSync("git", ["ls-files", "functions", "infra", "packages", "test"], {
  cwd: ROOT,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => /\.tsx?$/.test(file) && existsSync(new URL(file, ROOT)));
const citations = sources.flatMap((file) =>
  piecesOfCode(textOf(file), /(?:^|\/)test\/|\.test\.|\.case\./.test(file))
    .filter(({ kind }) => kind === "comment" || kind === "title")
    .flatMap(({ text, line }) => (text.match(CITED) ?? []).map((id) => ({ id, at: `${file}:${line}` }))),
);

test("the document defines rules, and the sources cite them", () => {
  expect(rules.length).toBeGreaterThan(30);
  expect(citations.length).toBeGreaterThan(100);
});

test("each id is defined once", () => {
  const ids = rules.map(({ id }) => id);
  expect(ids.filter((id, n) => ids.indexOf(id) !== n)).toEqual([]);
});

test("every rule that a comment or a test title cites is defined", () => {
  const defined = new Set(rules.map(({ id }) => id));
  expect(citations.filter(({ id }) => !defined.has(id))).toEqual([]);
});

describe.each(rules)("$id", ({ id, tests }) => {
  test("the rule names tests that exist", () => {
    expect(tests).not.toEqual([]);
    expect(tests.filter((name) => !candidatesOf(name).some((path) => existsSync(new URL(path, ROOT))))).toEqual([]);
  });

  test("code or a test cites the rule", () => {
    expect(citations.some((citation) => citation.id === id)).toBe(true);
  });
});

/** `core/state` is in a package, `engine/fault` in the test folder, and a conformance case runs in several test files. */
function candidatesOf(name: string): string[] {
  const [folder, ...rest] = name.split("/");
  return [`packages/${folder}/src/${rest.join("/")}.test.ts`, `test/${name}.test.ts`, `test/${name}.case.ts`];
}
