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
/** Folders of tests whose whole content is meant. */
const FOLDERS = ["chaos"];

const document = text("docs/faults.md");
const cellsOf = (line: string) => line.split("|").map((cell) => cell.trim());

const rows = document
  .split("\n")
  .filter((line) => /^\| (?:\d+|E) \|/.test(line))
  .map(cellsOf)
  .map(([, number, fault, what, sim, tests]) => ({ number, fault, what, sim: sim!, tests: tests! }));

const further = document
  .slice(document.indexOf("## Further faults"), document.indexOf("## Clocks"))
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| (?:---|fault \|)/.test(line))
  .map(cellsOf)
  .map(([, fault, what, tests]) => ({ fault: fault!, what: what!, tests: tests! }));

/** Fails unless each test that the cell names exists, and it names one. */
function expectTests(cell: string): void {
  // Names of settings and of the fields of the simulation are in backquotes.
  const plain = cell.replace(/`[^`]*`/g, "");
  const named = plain.match(/\b[a-z0-9-]+(?:\/[a-z0-9.-]+)+\b/g) ?? [];
  const folders = FOLDERS.filter((folder) => new RegExp(`(?:^|[ ;,])${folder}(?:,|;|$)`).test(plain));
  expect([...named, ...folders]).not.toEqual([]);
  for (const name of named) {
    expect(
      TEST_PATHS.some((pathOf) => existsSync(new URL(pathOf(name), ROOT))),
      name,
    ).toBe(true);
  }
}

function expectFaultsOfSimulation(cell: string): void {
  const known = text("test/sim/fault-profile.ts") + text("test/sim/simulation.ts");
  for (const [, name] of cell.matchAll(/`(\w+)`/g)) {
    expect(known, name).toMatch(new RegExp(`^ {2}${name}(?:\\?)?(?::|\\()`, "m"));
  }
}

test("the list has the 33 faults in order, and then the six rows E about credit", () => {
  const numbers = Array.from({ length: 33 }, (_, n) => String(n + 1));
  expect(rows.map(({ number }) => number)).toEqual([...numbers, "E", "E", "E", "E", "E", "E"]);
});

describe.each(rows)("fault $number: $fault", ({ sim, tests, what }) => {
  test("the row of the fault says what happens and names existing tests", () => {
    expect(what).not.toBe("");
    expectTests(tests);
  });

  test("the row of the fault names faults and variants that the simulation has", () => {
    expectFaultsOfSimulation(sim);
  });
});

test("each further fault is listed once", () => {
  expect(further.length).toBeGreaterThan(70);
  expect(new Set(further.map(({ fault }) => fault)).size).toBe(further.length);
});

describe.each(further)("further fault: $fault", ({ tests, what }) => {
  test("the row of the fault says what happens, and names existing tests and faults of the simulation", () => {
    expect(what).not.toBe("");
    expectTests(tests);
    // In this table the faults of the simulation follow the tests, after the word `sim` or `variant`.
    for (const [, names] of tests.matchAll(/\b(?:sim|variants?) ((?:`\w+`(?:, | with )?)+)/g)) {
      expectFaultsOfSimulation(names!);
    }
  });
});
