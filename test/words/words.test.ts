import { describe, expect, test } from "vitest";
import { type Check, findingsIn } from "./check.ts";
import { piecesOfCode, piecesOfMarkdown } from "./pieces.ts";

const checksOf = (file: string, text: string) => findingsIn(file, text).map(({ check, line }) => [check, line]);
const PRIVATE = "anew"; // plain-words: ok

describe("the text that is checked", () => {
  test("comments, messages, JSX text and test titles are read, code and test data are not", () => {
    const code = [
      "// a line",
      "// of a comment",
      "/** A block",
      " * of two lines. */",
      'const message = "text for a user";',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is the text under test
      "const other = `task ${id} has ended`;",
      'const pattern = /a "quoted text" in a pattern/;',
      "const page = <p>Text of a page</p>;",
    ].join("\n");
    expect(piecesOfCode(code, false)).toEqual([
      { kind: "comment", line: 1, text: "a line\nof a comment" },
      { kind: "comment", line: 3, text: "A block\nof two lines. " },
      { kind: "message", line: 5, text: "text for a user" },
      { kind: "message", line: 6, text: " has ended" },
      { kind: "message", line: 8, text: "Text of a page" },
    ]);
  });

  test("in a test file only titles and comments are read", () => {
    const code = 'test.each([1, 2])("a title with words", () => { expect("some test data").toBe(1); }); // a comment';
    expect(piecesOfCode(code, true)).toEqual([
      { kind: "title", line: 1, text: "a title with words" },
      { kind: "comment", line: 1, text: "a comment" },
    ]);
  });

  test("Markdown is read by paragraph and table cell, code blocks are not read", () => {
    const text = ["# Title", "", "Two lines", "of text.", "", "```sh", "not read", "```", "| a cell | another |"].join(
      "\n",
    );
    expect(piecesOfMarkdown(text)).toEqual([
      { kind: "markdown", line: 1, text: "Title" },
      { kind: "markdown", line: 3, text: "Two lines\nof text." },
      { kind: "cell", line: 9, text: "a cell" },
      { kind: "cell", line: 9, text: "another" },
    ]);
  });
});

describe("the checks", () => {
  test.each<[Check, string]>([
    ["word", `// The sweeper reads the row ${PRIVATE}.`],
    ["long", `// ${"word ".repeat(29)}`],
    ["start", "// Asked first, the vendor answers."],
    ["inversion", "// The lease ends, should it not be renewed."], // plain-words: ok
  ])("%s: a comment is found with its line", (check, comment) => {
    expect(checksOf("packages/core/src/x.ts", `const a = 1;\n${comment}`)).toEqual([[check, 2]]);
  });

  test("a private word is found in a test title, a message, a table cell and a paragraph", () => {
    expect(checksOf("a.test.ts", `test("a task is read ${PRIVATE}", () => {});`)).toEqual([["word", 1]]);
    expect(checksOf("a.ts", `const a = "A task is read ${PRIVATE}";`)).toEqual([["word", 1]]);
    expect(checksOf("a.md", `| read ${PRIVATE} |\n\nRead ${PRIVATE}.`)).toEqual([
      ["word", 1],
      ["word", 3],
    ]);
  });

  test("quoted text, code and links are not checked", () => {
    expect(
      checksOf("a.md", `The word \`${PRIVATE}\`, the text "${PRIVATE}", a link (https://x.test/${PRIVATE}).`),
    ).toEqual([]);
  });

  test("a comment or a line of code that contains plain-words: ok is not checked", () => {
    expect(checksOf("a.ts", `const name = "in ${PRIVATE}"; // plain-words: ok`)).toEqual([]);
    expect(checksOf("a.ts", `// read ${PRIVATE}: plain-words: ok`)).toEqual([]);
  });
});
