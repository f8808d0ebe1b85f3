import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { GUARDS } from "./guard-list.ts";

const source = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");

it.each(GUARDS)("the heal of a guard is in the source once: $name", ({ file, was }) => {
  expect(source(file).split(was)).toHaveLength(2);
});
