/** Where the rows of a long list are, and which of them are near the visible area. Pure. */

/** The upper edge of each row and, at the end, the lower edge of the last one, px from the start of the list. */
export type RowEdges = Float64Array;

/** @param heights height of each row, px */
export function edgesOf(heights: readonly number[]): RowEdges {
  const edges = new Float64Array(heights.length + 1);
  heights.forEach((height, i) => {
    edges[i + 1] = edges[i]! + height;
  });
  return edges;
}

/** Edges of rows that are all equally high. */
export function equalEdges(count: number, height: number): RowEdges {
  return Float64Array.from({ length: count + 1 }, (_, i) => i * height);
}

/** Returns the first row that ends below `from`, and the first one after it that begins at `to` or below. */
export function rowsBetween(edges: RowEdges, from: number, to: number): readonly [first: number, end: number] {
  const count = edges.length - 1;
  const first = firstIndex(count, (i) => edges[i + 1]! > from);
  return [
    first,
    Math.max(
      first,
      firstIndex(count, (i) => edges[i]! >= to),
    ),
  ];
}

/** Returns the first of `count` indexes for which `isTrue` holds, or `count`. It holds for all indexes after it, too. */
function firstIndex(count: number, isTrue: (index: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isTrue(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
