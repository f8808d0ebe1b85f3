/** The documents link only to files and headings that exist, and the README stays short. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const ROOT = new URL("../../", import.meta.url);
const README_MAX_LINES = 120;

const documents = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "--", "*.md"], {
  cwd: ROOT,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => file !== "" && !file.includes("/fixtures/") && existsSync(new URL(file, ROOT)));

const read = (file: string | URL) => readFileSync(new URL(file, ROOT), "utf8");

/** Markdown without code blocks and inline code: links in them are examples. */
function prose(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, "");
}

/** Targets of links and images that are neither URLs nor mail addresses. */
function relativeLinks(text: string): string[] {
  const targets = [...prose(text).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target]) => target!);
  return targets.filter((target) => !/^[a-z][a-z+.-]*:/i.test(target));
}

/** Anchors of a document, as GitHub makes them from headings, and explicit ones. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set([...text.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id!));
  for (const [, heading] of text.replace(/^```[\s\S]*?^```$/gm, "").matchAll(/^#{1,6} (.+)$/gm)) {
    const words = heading!.trim().replace(/\[([^\]]*)\]\([^)]*\)/g, "$1");
    const slug = words
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-");
    const numbers = Array.from({ length: 100 }, (_, n) => (n === 0 ? slug : `${slug}-${n}`));
    anchors.add(numbers.find((name) => !anchors.has(name))!);
  }
  return anchors;
}

/** Links of a document that lead to no file, or to no heading of a file. */
function brokenLinks(file: string): string[] {
  const base = new URL(file, ROOT);
  return relativeLinks(read(file)).filter((link) => {
    const target = new URL(link, base);
    const anchor = decodeURIComponent(target.hash.slice(1));
    target.hash = "";
    if (!existsSync(target)) return true;
    return anchor !== "" && target.pathname.endsWith(".md") && !anchorsOf(read(target)).has(anchor);
  });
}

test("README.md has at most 120 lines", () => {
  expect(read("README.md").trimEnd().split("\n").length).toBeLessThanOrEqual(README_MAX_LINES);
});

describe("relative links", () => {
  test("the list of documents contains the README, the documents and the READMEs of the packages", () => {
    expect(documents).toEqual(expect.arrayContaining(["README.md", "docs/operations.md", "packages/core/README.md"]));
  });

  test.each(documents)("every relative link of %s leads to a file, and to a heading if it names one", (file) => {
    expect(brokenLinks(file)).toEqual([]);
  });

  test("a link to a missing file and a link to a missing heading are reported", () => {
    const links = relativeLinks("[a](docs/none.md), [b](#none), `[c](code.md)`, [d](https://example.com)");
    expect(links).toEqual(["docs/none.md", "#none"]);
    expect([...anchorsOf("## Apps, keys and limits\n\n## `decide` (T1)\n")]).toEqual([
      "apps-keys-and-limits",
      "decide-t1",
    ]);
  });
});
