/** The READMEs of core and engine name every source file, so that a newcomer finds what a file owns. */
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, test } from "vitest";

const ROOT = new URL("../../", import.meta.url);

test.each(["core", "engine"])("the README of packages/%s names each of its files", (name) => {
  const readme = readFileSync(new URL(`packages/${name}/README.md`, ROOT), "utf8");
  const files = readdirSync(new URL(`packages/${name}/src/`, ROOT), { recursive: name === "engine", encoding: "utf8" })
    .map((file) => basename(file))
    .filter((file) => /^[a-z-]+\.ts$/.test(file));
  const sources = files.filter((file) => !file.startsWith("test-"));
  expect(sources.length).toBeGreaterThan(30);
  expect(sources.filter((file) => !readme.includes(`\`${file}\``))).toEqual([]);
});
