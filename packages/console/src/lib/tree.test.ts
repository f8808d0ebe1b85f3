import fc from "fast-check";
import { expect, test } from "vitest";
import { foldedNodes, layout, stepFrom } from "./tree.ts";

const node = (id: string, parentId: string | null = null) => ({ id, parentId });

test("a leaf gets its own row, and a parent is centered between its children", () => {
  const { positioned, rows, columns } = layout([
    node("a"),
    node("b", "a"),
    node("c", "a"),
    node("d", "a"),
    node("e", "c"),
  ]);
  expect({ rows, columns }).toEqual({ rows: 3, columns: 3 });
  expect(positioned.map((at) => [at.node.id, at.depth, at.row, at.position, at.siblings])).toEqual([
    ["a", 0, 1, 1, 1],
    ["b", 1, 0, 1, 3],
    ["c", 1, 1, 2, 3],
    ["e", 2, 1, 1, 1],
    ["d", 1, 2, 3, 3],
  ]);
});

test("for any parent ids, the layout positions every node once and no two nodes share a position", () => {
  const ids = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { maxLength: 30 });
  const nodes = ids.chain((all) =>
    fc.tuple(...all.map((id) => fc.constantFrom(null, "nowhere", ...all).map((parentId) => ({ id, parentId })))),
  );
  fc.assert(
    fc.property(nodes, fc.boolean(), (given, hasBlocks) => {
      const { positioned } = layout(given, { hasBlocks });
      expect(positioned.map((at) => at.node.id).sort()).toEqual(given.map(({ id }) => id).sort());
      const positions = positioned.map(({ column, row }) => `${column} ${row}`);
      expect(new Set(positions).size).toBe(positions.length);
    }),
  );
});

test("arrow keys move through the tree: up and down in order, left to the parent, right to the first child", () => {
  const { positioned } = layout([node("a"), node("b", "a"), node("c", "b"), node("d", "a")]);
  const step = (id: string, key: string) => stepFrom(positioned, id, key);
  expect(["a", "b", "c", "d"].map((id) => step(id, "ArrowDown"))).toEqual(["b", "c", "d", undefined]);
  expect(["a", "b", "c", "d"].map((id) => step(id, "ArrowUp"))).toEqual([undefined, "a", "b", "c"]);
  expect(["a", "b", "c", "d"].map((id) => step(id, "ArrowLeft"))).toEqual([undefined, "a", "b", "a"]);
  expect(["a", "b", "c", "d"].map((id) => step(id, "ArrowRight"))).toEqual(["b", "c", undefined, undefined]);
  expect([step("c", "Home"), step("c", "End"), step("c", "x"), step("gone", "Home")]).toEqual([
    "a",
    "d",
    undefined,
    undefined,
  ]);
});

test("seven leaves of one parent stand as a block of 11 to a row, six stand in a column", () => {
  const leaves = (count: number) => Array.from({ length: count }, (_, i) => node(`leaf${i}`, "root"));
  const blocks = layout([node("root"), ...leaves(24)], { hasBlocks: true });
  expect({ rows: blocks.rows, columns: blocks.columns }).toEqual({ rows: 3, columns: 12 });
  expect(blocks.positioned.at(-1)).toMatchObject({ column: 2, row: 2, depth: 1, position: 24, siblings: 24 });
  expect(blocks.positioned[0]!.row).toBe(1);
  expect(layout([node("root"), ...leaves(6)], { hasBlocks: true })).toMatchObject({ rows: 6, columns: 2 });
  expect(layout([node("root"), ...leaves(24)])).toMatchObject({ rows: 24, columns: 2 });
});

test("a folded node hides everything below it, and the outermost folded node counts it", () => {
  const nodes = [node("a"), node("b", "a"), node("c", "b"), node("d", "c"), node("e", "a")];
  const { shown, hidden } = foldedNodes(nodes, new Set(["b", "c"]));
  expect(shown.map(({ id }) => id)).toEqual(["a", "b", "e"]);
  expect([...hidden].map(([id, below]) => [id, below.map((each) => each.id)])).toEqual([["b", ["c", "d"]]]);
  expect(foldedNodes(nodes, new Set()).shown).toHaveLength(5);
});
