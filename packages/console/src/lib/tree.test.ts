import fc from "fast-check";
import { expect, test } from "vitest";
import { layout, stepFrom } from "./tree.ts";

const node = (id: string, parentId: string | null = null) => ({ id, parentId });

test("a leaf gets its own row, and a parent is centered between its children", () => {
  const { positioned, rows, depth } = layout([
    node("a"),
    node("b", "a"),
    node("c", "a"),
    node("d", "a"),
    node("e", "c"),
  ]);
  expect({ rows, depth }).toEqual({ rows: 3, depth: 3 });
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
    fc.property(nodes, (given) => {
      const { positioned } = layout(given);
      expect(positioned.map((at) => at.node.id).sort()).toEqual(given.map(({ id }) => id).sort());
      const positions = positioned.map(({ depth, row }) => `${depth} ${row}`);
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
