import fc from "fast-check";
import { expect, test } from "vitest";
import { justified } from "./justify.ts";

test("full rows fill the width, and the last row keeps the wanted height", () => {
  const rows = justified([1.5, 1.5, 1, 1.5, 0.67], 1_000, 220, 6);
  expect(rows.map(({ from, widths, height }) => [from, widths.length, height])).toEqual([
    [0, 4, 178],
    [4, 1, 220],
  ]);
  expect(rows[0]!.widths.reduce((sum, width) => sum + width) + 3 * 6).toBe(1_000);
});

test("for any ratios, each picture is in one row in its order, and no row is wider than the page", () => {
  const ratio = fc.double({ min: 0.25, max: 4, noNaN: true });
  fc.assert(
    fc.property(fc.array(ratio, { maxLength: 60 }), fc.integer({ min: 200, max: 2_560 }), (ratios, width) => {
      const rows = justified(ratios, width, 220, 6);
      expect(rows.reduce((sum, { widths }) => sum + widths.length, 0)).toBe(ratios.length);
      let next = 0;
      for (const { from, widths, height } of rows) {
        expect(from).toBe(next);
        next += widths.length;
        expect(height).toBeGreaterThan(0);
        expect(widths.reduce((sum, each) => sum + each, 0) + 6 * (widths.length - 1)).toBeLessThanOrEqual(width);
      }
    }),
  );
});

test("while more pictures follow, every shown row is full, and it is the same when they are there", () => {
  const ratios = [1.5, 1.5, 1, 1.5, 0.67, 1, 1, 1.5, 0.8, 1];
  const first = justified(ratios.slice(0, 6), 1_000, 220, 6, true);
  expect(first).toEqual(justified(ratios, 1_000, 220, 6).slice(0, first.length));
  expect(first).toHaveLength(1);
  expect(justified([1.5], 1_000, 220, 6, true)).toEqual([]);
});
