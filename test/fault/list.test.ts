/** docs/faults.md is a promise: the list is whole, and what it names is there. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const ROOT = new URL("../../", import.meta.url);
const text = (path: string) => readFileSync(new URL(path, ROOT), "utf8");
const PLACES = [
  (at: string) => `test/${at}.test.ts`,
  (at: string) => `test/${at}.case.ts`,
  (at: string) => `packages/${at.replace("/", "/src/")}.test.ts`,
];

const rows = text("docs/faults.md")
  .split("\n")
  .filter((line) => /^\| (?:\d+|E) \|/.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, number, fault, what, sim, tests]) => ({ number, fault, what, sim: sim!, tests: tests! }));

test("the list has all 32 faults in order, and what must be in balance", () => {
  const numbers = Array.from({ length: 32 }, (_, n) => String(n + 1));
  expect(rows.map(({ number }) => number)).toEqual([...numbers, "E"]);
});

describe.each(rows)("fault $number: $fault", ({ sim, tests, what }) => {
  test("says what happens, and names tests that exist", () => {
    expect(what).not.toBe("");
    const named = tests.match(/\b[a-z0-9]+\/[a-z0-9.-]+\b/g) ?? [];
    expect(named).not.toEqual([]);
    for (const at of named) {
      expect(
        PLACES.some((place) => existsSync(new URL(place(at), ROOT))),
        at,
      ).toBe(true);
    }
  });

  test("names faults and scenes that the simulation has", () => {
    const known = text("test/sim/fault-profile.ts") + text("test/sim/simulation.ts");
    for (const [, name] of sim.matchAll(/`(\w+)`/g)) {
      expect(known, name).toMatch(new RegExp(`^ {2}${name}(?:\\?)?(?::|\\()`, "m"));
    }
  });
});
