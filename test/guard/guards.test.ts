import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { GUARDS } from "./guards.ts";

const ROOT = new URL("../../", import.meta.url);

test.each(GUARDS)(
  "$rule, $name: still stands once where it is said to, with tests that exist",
  ({ file, find, tests }) => {
    expect(readFileSync(new URL(file, ROOT), "utf8").split(find)).toHaveLength(2);
    expect(tests.filter((path) => !existsSync(new URL(path, ROOT)))).toEqual([]);
  },
);
