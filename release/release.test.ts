import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { DOCUMENTS, withoutDeadLinks } from "./document.ts";
import { withJavaScriptEndings } from "./library.ts";
import { readManifest } from "./manifest.ts";
import { closureOf, noticesOf } from "./notices.ts";
import { releasedChangelog, releasedLock } from "./version.ts";

test("declarations import JavaScript, also in import types and exports, and nothing else is changed", () => {
  const declaration = `import { type A } from "./a.ts";
export type * from "../b/c.ts";
export declare const d: import("./d.ts").D;
/** See "./e.ts". */
import "node:fs";`;
  expect(withJavaScriptEndings(declaration)).toBe(`import { type A } from "./a.js";
export type * from "../b/c.js";
export declare const d: import("./d.js").D;
/** See "./e.ts". */
import "node:fs";`);
});

test("the documents of the package link only to each other, to headings and to the internet", () => {
  expect(DOCUMENTS).toContain("local-server.md");
  const text = "[a](local-server.md#b) [c](#d) [e](https://f.example) [g](deploy.md) [h](../packages/i.md)";
  expect(withoutDeadLinks(text)).toBe("[a](local-server.md#b) [c](#d) [e](https://f.example) g h");
});

test("all workspaces have the version of the root", () => {
  const folders = execFileSync("git", ["ls-files", "package.json", "packages/*/package.json"], { encoding: "utf8" });
  const versions = folders
    .trim()
    .split("\n")
    .map((path) => readManifest(path.replace(/\/?package\.json$/, "") || ".").version);
  expect(versions.length).toBeGreaterThan(10);
  expect(new Set(versions)).toEqual(new Set([readManifest(".").version]));
});

test("the notices name a bundled package, all that it depends on, and the text of their licenses", () => {
  const names = closureOf(["react-dom"]);
  expect(names).toContain("scheduler");
  expect(noticesOf(names)).toMatch(/## scheduler .*\(MIT\)[\s\S]*Permission is hereby granted/);
});

describe("a release", () => {
  test("moves the unreleased changes under its version, and a new list begins", () => {
    const changelog = "# Changelog\n\n## [Unreleased]\n\n- a\n\n## [0.1.0] - 2026-11-01\n";
    expect(releasedChangelog(changelog, "0.2.0", "2026-12-01")).toBe(
      "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n- a\n\n## [0.1.0] - 2026-11-01\n",
    );
    expect(() => releasedChangelog(changelog, "0.1.0", "2026-12-01")).toThrow("already");
    expect(() => releasedChangelog("## [Unreleased]\n\n## [0.1.0]\n", "0.2.0", "2026-12-01")).toThrow("no unreleased");
  });

  test("changes the version of the root and the workspaces in the lock file, not that of dependencies", () => {
    const lock = {
      version: "0.1.0",
      packages: {
        "": { version: "0.1.0" },
        "packages/core": { version: "0.1.0" },
        "node_modules/zod": { version: "4.6.7" },
      },
    };
    expect(releasedLock(lock, "0.2.0")).toEqual({
      version: "0.2.0",
      packages: {
        "": { version: "0.2.0" },
        "packages/core": { version: "0.2.0" },
        "node_modules/zod": { version: "4.6.7" },
      },
    });
  });
});
