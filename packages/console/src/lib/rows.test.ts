import { describe, expect, test } from "vitest";
import { edgesOf, equalEdges, rowsBetween } from "./rows.ts";

describe("rows of a long list", () => {
  test("the edges are the sums of the heights", () => {
    expect([...edgesOf([40, 220, 180])]).toEqual([0, 40, 260, 440]);
    expect([...equalEdges(2, 81)]).toEqual([0, 81, 162]);
  });

  test("a row that is visible by one pixel is shown, and a row that touches the visible area is not", () => {
    const edges = edgesOf([40, 220, 180]);
    expect(rowsBetween(edges, 0, 40)).toEqual([0, 1]);
    expect(rowsBetween(edges, 0, 41)).toEqual([0, 2]);
    expect(rowsBetween(edges, 40, 260)).toEqual([1, 2]);
    expect(rowsBetween(edges, 39, 261)).toEqual([0, 3]);
  });

  test("above the first row and below the last one no row is shown", () => {
    const edges = edgesOf([40, 220]);
    expect(rowsBetween(edges, -500, 0)).toEqual([0, 0]);
    expect(rowsBetween(edges, 260, 900)).toEqual([2, 2]);
    expect(rowsBetween(edgesOf([]), 0, 900)).toEqual([0, 0]);
  });

  test("for every place in a list of 1,000 rows the shown rows cover the visible area and no more", () => {
    const edges = edgesOf(Array.from({ length: 1_000 }, (_, i) => 40 + (i % 7) * 30));
    for (let from = 0; from < edges.at(-1)! - 900; from += 613) {
      const [first, end] = rowsBetween(edges, from, from + 900);
      expect(edges[first]!).toBeLessThanOrEqual(from);
      expect(edges[first + 1]!).toBeGreaterThan(from);
      expect(edges[end]!).toBeGreaterThanOrEqual(from + 900);
      expect(edges[end - 1]!).toBeLessThan(from + 900);
    }
  });
});
