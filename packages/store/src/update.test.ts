/** What an update may contain, and what its conditions mean. The conformance suite runs the updates themselves. */
import { expect, test } from "vitest";
import { createMemoryTable } from "../../../test/support/memory/table.ts";
import type { Item } from "./codec.ts";
import { createPlainRows } from "./plain-row.ts";
import { type Condition, changed, checkUpdate, holds, type Update } from "./update.ts";

const KEY = { pk: "p", sk: "s" };
const harmless = { repeatable: "a test" };

const WRONG: [name: string, update: Partial<Update>, error: string][] = [
  ["a fraction in add", { add: [["n", 0.5]] }, "0.5 is no safe integer"],
  ["a fraction in set", { set: [["n", 1.5]] }, "1.5 is no safe integer"],
  ["a fraction in setOnce", { setOnce: [["n", Number.NaN]] }, "NaN is no safe integer"],
  ["a fraction in a condition", { when: [{ at: "n", below: 2.5 }] }, "2.5 is no safe integer"],
  ["a fraction in once", { once: { at: "n", equals: 2.5 } } as never, "2.5 is no safe integer"],
  ["a fraction in one of several", { when: [{ anyOf: [{ at: "n", atMost: 2.5 }] }] }, "2.5 is no safe integer"],
  ["a size with a fraction", { when: [{ at: "m", sizeAtMost: 2.5 }] }, "2.5 is no safe integer"],
  ["a path twice", { set: [["a", 1]], remove: ["a"] }, "an update changes one path twice"],
  ["a set twice", { include: [["a", ["x"]]], exclude: [["a", ["y"]]] }, "an update changes one path twice"],
  ["an entry twice", { add: [[["m", "a"], 1]], setOnce: [[["m", "a"], 1]] }, "an update changes one path twice"],
  ...["pk", "sk", "rev", "w", "v"].map((name): (typeof WRONG)[number] => [
    name,
    { set: [[name, 1]] },
    `an update must not change "${name}"`,
  ]),
  ["an entry of the nonce", { remove: [["w", "a"]] }, 'an update must not change "w"'],
  ["an empty name", { set: [["", 1]] }, "an update has an empty name"],
  ["an entry with an empty name", { set: [[["m", ""], 1]] }, "an update has an empty name"],
  ["an empty name of a map", { set: [[["", "a"], 1]] }, "an update has an empty name"],
  ["a map and its entry", { set: [[["m", "a"], 1]], remove: ["m"] }, 'an update changes "m" and an entry of it'],
];

test.each(WRONG)("an update with %s is an error", (_, update, message) => {
  expect(() => checkUpdate({ ...harmless, ...update } as Update)).toThrow(message);
  expect(() => changed(undefined, KEY, { ...harmless, ...update } as Update)).toThrow(message);
});

test.each<[string, Partial<Update>]>([
  ["two attributes of which one begins like the other", { set: [["m", 1]], remove: ["ma"] }],
  ["two entries of one map", { set: [[["m", "a"], 1]], remove: [["m", "b"]] }],
  ["an entry that is named like an attribute", { set: [[["m", "n"], 1]], add: [["n", 1]] }],
  ["an entry that is named like a key", { set: [[["m", "pk"], 1]] }],
  ["an attribute of one character", { set: [["x", "text"]], when: [{ at: "t", equals: "0.5" }] }],
])("an update with %s is none", (_, update) => {
  expect(() => checkUpdate({ ...harmless, ...update } as Update)).not.toThrow();
});

const ROW: Item = {
  n: { N: "5" },
  big: { N: "7" },
  s: { S: "5" },
  t: { BOOL: true },
  f: { BOOL: false },
  in: { SS: ["x", "y"] },
  m: { M: { a: { N: "5" }, b: { S: "x" } } },
};

const CONDITIONS: [condition: Condition, ofRow: boolean, ofNoRow: boolean][] = [
  [{ row: "present" }, true, false],
  [{ row: "absent" }, false, true],
  [{ at: "n", is: "present" }, true, false],
  [{ at: "n", is: "absent" }, false, true],
  [{ at: ["m", "a"], is: "present" }, true, false],
  [{ at: ["m", "c"], is: "absent" }, true, true],
  [{ at: ["n", "a"], is: "absent" }, true, true],
  [{ at: "n", equals: 5 }, true, false],
  [{ at: "n", equals: 6 }, false, false],
  [{ at: "n", equals: "5" }, false, false],
  [{ at: "s", equals: "5" }, true, false],
  [{ at: "s", equals: 5 }, false, false],
  [{ at: "t", equals: true }, true, false],
  [{ at: "f", equals: false }, true, false],
  [{ at: "t", equals: false }, false, false],
  [{ at: "odd", equals: 0 }, false, false],
  [{ at: "n", below: 5 }, false, false],
  [{ at: "n", below: 6 }, true, false],
  [{ at: "n", atMost: 5 }, true, false],
  [{ at: "n", atMost: 4 }, false, false],
  [{ at: "n", atLeast: 5 }, true, false],
  [{ at: "n", atLeast: 6 }, false, false],
  [{ at: "n", above: 5 }, false, false],
  [{ at: "n", above: 4 }, true, false],
  [{ at: "n", below: { at: "big" } }, true, false],
  [{ at: "n", above: { at: ["m", "a"] } }, false, false],
  [{ at: "n", atLeast: { at: ["m", "a"] } }, true, false],
  [{ at: "n", below: { at: "odd" } }, false, false],
  [{ at: "odd", below: 9 }, false, false],
  [{ at: "s", below: 9 }, false, false],
  [{ at: "m", sizeAtMost: 1 }, false, true],
  [{ at: "m", sizeAtMost: 2 }, true, true],
  [{ at: "in", sizeAtMost: 1 }, false, true],
  [{ at: "in", sizeAtMost: 2 }, true, true],
  [{ at: "in", includes: "x" }, true, false],
  [{ at: "in", includes: "z" }, false, false],
  [{ at: "n", includes: "x" }, false, false],
  [{ at: "in", excludes: "x" }, false, true],
  [{ at: "in", excludes: "z" }, true, true],
  [{ at: "n", excludes: "x" }, true, true],
  [{ anyOf: [{ at: "n", equals: 4 }, { row: "absent" }] }, false, true],
  [
    {
      anyOf: [
        { at: "n", equals: 4 },
        { at: "n", equals: 5 },
      ],
    },
    true,
    false,
  ],
  [{ anyOf: [] }, false, false],
];

test.each(CONDITIONS)("the condition %j is %s of a row, and %s of none", (condition, ofRow, ofNoRow) => {
  expect([holds(ROW, condition), holds(undefined, condition)]).toEqual([ofRow, ofNoRow]);
});

test("an update changes only what it names, and never the given row", () => {
  const given = structuredClone(ROW);
  const update: Update = {
    ...harmless,
    add: [
      ["n", 2],
      ["new", 3],
      [["m", "a"], -1],
      [["k", "z"], 1],
    ],
    set: [["s", "other"]],
    setOnce: [
      ["t", false],
      ["once", 1],
      [["m", "b"], "no"],
      [["m", "c"], "yes"],
    ],
    remove: ["f", "odd", ["m", "odd"], ["l", "odd"]],
    include: [["in", ["y", "z"]]],
    exclude: [["out", ["x"]]],
  };
  const result = changed(given, KEY, update);
  expect(result).toEqual({
    ok: true,
    sentOnce: true,
    item: {
      ...{ v: { N: "1" }, pk: { S: "p" }, sk: { S: "s" }, rev: { N: "1" } },
      ...{ n: { N: "7" }, big: { N: "7" }, new: { N: "3" }, s: { S: "other" }, t: { BOOL: true }, once: { N: "1" } },
      ...{ in: { SS: ["x", "y", "z"] }, m: { M: { a: { N: "4" }, b: { S: "x" }, c: { S: "yes" } } } },
      ...{ k: { M: { z: { N: "1" } } }, l: { M: {} } },
    },
  });
  expect(given).toEqual(ROW);
});

test("a set that loses its last text is removed, and the next revision follows the stored one", () => {
  const row = { ...ROW, rev: { N: "41" }, v: { N: "1" } };
  const result = changed(row, KEY, { ...harmless, exclude: [["in", ["x", "y"]]] });
  expect(result.ok && result.item["in"]).toBeUndefined();
  expect(result.ok && result.item["rev"]).toEqual({ N: "42" });
});

test("a refused update returns the row that it met", () => {
  const when = [{ at: "n", equals: 6 }] as const;
  expect(changed(ROW, KEY, { ...harmless, when, set: [["n", 1]] })).toEqual({
    ok: false,
    current: ROW,
    sentOnce: true,
  });
  const once = { at: "n", is: "absent" } as const;
  expect(changed(undefined, KEY, { once, set: [["n", 1]] }).ok).toBe(true);
  expect(changed(ROW, KEY, { once, set: [["n", 1]] }).ok).toBe(false);
  expect(() => changed(undefined, KEY, { once, set: [["x", 1]] })).toThrow("does not make its condition `once` false");
  expect(() => changed({ ...ROW, v: { N: "2" } }, KEY, harmless)).toThrow("has schema version 2");
});

const FIELDS = {
  count: ["c", "integer"],
  name: ["t", "text"],
  flag: ["g", "flag"],
  held: ["h", "map of integer"],
  texts: ["x", "map of text"],
  days: ["d.", "spread of integer"],
  words: ["w.", "spread of text"],
  tags: ["s", "set"],
} as const;
const VALUES = {
  ...{ count: 3, name: "n", flag: false, held: { a: 1, b: 0 }, texts: { a: "x" }, days: { "2026-12-01": 4 } },
  ...{ words: { a: "y" }, tags: ["b", "a"] },
};

test("a row of named fields is stored and read with every kind of field", async () => {
  const table = createMemoryTable();
  const rows = createPlainRows(table, FIELDS);
  const row = { ...VALUES, tags: ["a", "b"], rev: 1 };
  expect(await rows.create(KEY, VALUES)).toEqual({ ok: true, row, sentOnce: false });
  expect(await rows.create(KEY, {})).toEqual({ ok: false, current: row, sentOnce: false });
  expect(await rows.get(KEY)).toEqual(row);
  expect(await table.get(KEY)).toEqual({
    ...{
      pk: { S: "p" },
      sk: { S: "s" },
      v: { N: "1" },
      rev: { N: "1" },
      c: { N: "3" },
      t: { S: "n" },
      g: { BOOL: false },
    },
    ...{ h: { M: { a: { N: "1" }, b: { N: "0" } } }, x: { M: { a: { S: "x" } } }, "d.2026-12-01": { N: "4" } },
    ...{ "w.a": { S: "y" }, s: { SS: ["b", "a"] } },
  });
  expect(await rows.get({ pk: "p", sk: "none" })).toBeUndefined();
  const empty = { held: {}, texts: {}, days: {}, words: {}, tags: [] };
  const none = { pk: "p", sk: "2" };
  expect(await rows.create(none, { ...empty, count: undefined } as never)).toEqual({
    ok: true,
    row: { ...empty, rev: 1 },
    sentOnce: false,
  });
  expect(await table.get(none)).toEqual({
    ...{ pk: { S: "p" }, sk: { S: "2" }, v: { N: "1" }, rev: { N: "1" }, h: { M: {} }, x: { M: {} } },
  });
});

test("an update of named fields asks the table for the attributes", async () => {
  const table = createMemoryTable();
  const asked: Update[] = [];
  const rows = createPlainRows(
    {
      ...table,
      update: async (key, update) => {
        asked.push(update);
        return table.update(key, update);
      },
    },
    FIELDS,
  );
  await rows.update(KEY, {
    add: { count: 1, held: { a: 2 }, days: { d: 3 } },
    set: { name: "x", texts: { b: "y" }, flag: undefined } as never,
    setOnce: { words: { c: "z" } },
    remove: { flag: true, held: ["b"], days: ["e", "f"], words: undefined } as never,
    include: { tags: [] },
    exclude: { tags: ["q"] },
    when: [
      { at: "rev", equals: 0 },
      { row: "absent" },
      {
        anyOf: [
          { at: ["days", "d"], is: "absent" },
          { at: "count", below: { at: ["held", "a"] } },
        ],
      },
      { at: "held", sizeAtMost: 2 },
    ] as never,
    repeatable: "a test",
    isNewRow: true,
  });
  await rows.update(KEY, { set: { count: 9 }, once: { at: "count", is: "absent" } });
  expect(asked).toEqual([
    {
      add: [
        ["c", 1],
        [["h", "a"], 2],
        ["d.d", 3],
      ],
      set: [
        ["t", "x"],
        [["x", "b"], "y"],
      ],
      setOnce: [["w.c", "z"]],
      remove: ["g", ["h", "b"], "d.e", "d.f"],
      include: [],
      exclude: [["s", ["q"]]],
      when: [
        { at: "rev", equals: 0 },
        { row: "absent" },
        {
          anyOf: [
            { at: "d.d", is: "absent" },
            { at: "c", below: { at: ["h", "a"] } },
          ],
        },
        { at: "h", sizeAtMost: 2 },
      ],
      repeatable: "a test",
      isNewRow: true,
    },
    {
      ...{ add: [], setOnce: [], remove: [], include: [], exclude: [], when: [] },
      set: [["c", 9]],
      once: { at: "c", is: "absent" },
    },
  ]);
});

test("a name that is no field is an error, and so are fields that share an attribute", async () => {
  const rows = createPlainRows(createMemoryTable(), FIELDS);
  for (const update of [{ set: { odd: 1 } }, { remove: { odd: true } }, { include: { odd: ["x"] } }])
    await expect(rows.update(KEY, { ...update, ...harmless } as never)).rejects.toThrow('"odd" is no field of the row');
  expect(() => rows.holds(undefined, { at: "odd", is: "absent" } as never)).toThrow('"odd" is no field of the row');
  expect(rows.holds({ c: { N: "1" } }, { at: "count", equals: 1 })).toBe(true);
  for (const fields of [
    { a: ["x", "text"], b: ["x", "integer"] },
    { a: ["x.", "spread of text"], b: ["x.y", "integer"] },
  ] as const)
    expect(() => createPlainRows(createMemoryTable(), fields)).toThrow(/two fields share the attribute "x\.?"/);
  expect(() => createPlainRows(createMemoryTable(), { a: ["x", "text"], b: ["xy", "text"] })).not.toThrow();
});
