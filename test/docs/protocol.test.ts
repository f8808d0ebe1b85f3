import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Section numbers of docs/protocol.md, without the dot after a main section. */
const headings = [...read("docs/protocol.md").matchAll(/^#{2,3} (\d+(?:\.\d+)?)\.? /gm)].map(([, number]) => number!);

describe("citations of docs/protocol.md", () => {
  it("the document has every section number once, in rising order", () => {
    const rising = [...headings].sort((a, b) => position(a) - position(b));
    expect(headings).toEqual(rising);
    expect(new Set(headings).size).toBe(headings.length);
  });

  it("every cited section number is a heading of docs/protocol.md", () => {
    const citations = citedSections();
    expect(citations.length).toBeGreaterThan(50);
    expect(citations.filter(({ number }) => !headings.includes(number))).toEqual([]);
  });
});

/**
 * Every section number after "docs/protocol.md" in a tracked text file. A citation may be a list: "1.14, 2.6", "2.1 to 2.5",
 * "2 and 3".
 */
function citedSections(): { file: string; number: string }[] {
  const files = execFileSync("git", ["grep", "-lI", "--untracked", "protocol\\.md"], { cwd: ROOT, encoding: "utf8" });
  return files
    .trim()
    .split("\n")
    .flatMap((file) =>
      [...read(file).matchAll(/docs\/protocol\.md (\d+(?:\.\d+)?(?:(?:, | to | and )\d+(?:\.\d+)?)*)/g)].flatMap(
        ([, list]) => list!.split(/, | to | and /).map((number) => ({ file, number })),
      ),
    );
}

function position(number: string): number {
  const [main, sub = "0"] = number.split(".");
  return Number(main) * 1000 + Number(sub);
}

function read(path: string): string {
  return readFileSync(`${ROOT}${path}`, "utf8");
}
