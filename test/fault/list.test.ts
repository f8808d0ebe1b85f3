/** Checks docs/faults.md: the list is complete, and the tests and faults it names exist. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const ROOT = new URL("../../", import.meta.url);
const text = (path: string) => readFileSync(new URL(path, ROOT), "utf8");
const TEST_PATHS = [
  (name: string) => `test/${name}.test.ts`,
  (name: string) => `test/${name}.case.ts`,
  (name: string) => `packages/${name.replace("/", "/src/")}.test.ts`,
];

const rows = text("docs/faults.md")
  .split("\n")
  .filter((line) => /^\| (?:\d+|E) \|/.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, number, fault, what, sim, tests]) => ({ number, fault, what, sim: sim!, tests: tests! }));

test("the list has the 32 faults in order, and then the six rows E about credit", () => {
  const numbers = Array.from({ length: 32 }, (_, n) => String(n + 1));
  expect(rows.map(({ number }) => number)).toEqual([...numbers, "E", "E", "E", "E", "E", "E"]);
});

describe.each(rows)("fault $number: $fault", ({ sim, tests, what }) => {
  test("the row of the fault says what happens and names existing tests", () => {
    expect(what).not.toBe("");
    const named = tests.match(/\b[a-z0-9]+\/[a-z0-9.-]+\b/g) ?? [];
    expect(named).not.toEqual([]);
    for (const name of named) {
      expect(
        TEST_PATHS.some((pathOf) => existsSync(new URL(pathOf(name), ROOT))),
        name,
      ).toBe(true);
    }
  });

  test("the row of the fault names faults and variants that the simulation has", () => {
    const known = text("test/sim/fault-profile.ts") + text("test/sim/simulation.ts");
    for (const [, name] of sim.matchAll(/`(\w+)`/g)) {
      expect(known, name).toMatch(new RegExp(`^ {2}${name}(?:\\?)?(?::|\\()`, "m"));
    }
  });
});
