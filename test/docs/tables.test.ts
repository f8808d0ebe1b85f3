/** Tables of the documents say what the code does. */
import { readFileSync } from "node:fs";
import { LABELS } from "@mjflow/core/button";
import { PRESS_NAMES } from "@mjflow/core/press-name";
import { KNOWN_PROVIDER_IDS } from "@mjflow/providers/families/index";
import { expect, test } from "vitest";
import { VENDOR_PAGES } from "../../packages/docs/src/nav.ts";
import { WITH_TABLES, withTables } from "../../packages/docs/src/tables.ts";

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");

test.each(WITH_TABLES)("the tables of %s equal the code", (file) => {
  const text = read(file);
  expect(text).toContain("<!-- table: ");
  expect(text, "run `npm run docs:tables`").toBe(withTables(text));
});

test("a table with an unknown name is an error", () => {
  expect(() => withTables("<!-- table: weather -->\n<!-- end of table -->")).toThrow('no table "weather"');
});

test("the table of presses has every press name that a label stands for", () => {
  const names = PRESS_NAMES.map(({ name }) => name);
  expect([...LABELS.values()].filter((name) => !names.includes(name))).toEqual([]);
});

test("every provider has a page", () => {
  expect([...VENDOR_PAGES].sort()).toEqual([...KNOWN_PROVIDER_IDS].sort());
});
