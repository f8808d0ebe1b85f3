/** Rows of pictures that fill the width, with the ratio of each picture. Pure: every height is known before a picture loads. */
export interface JustifiedRow {
  /** Index of the first picture, and the widths of the pictures of the row, px. */
  from: number;
  widths: number[];
  height: number;
}

/**
 * @param ratios width by height of each picture
 * @param width width of a row, px
 * @param target wanted height of a row, px. Rows are lower or up to a third higher. The last row keeps the wanted height.
 * @param isOpen true: more pictures follow. Then a last row that is not full is left out, because it would change.
 */
export function justified(
  ratios: readonly number[],
  width: number,
  target: number,
  gap: number,
  isOpen = false,
): JustifiedRow[] {
  const rows: JustifiedRow[] = [];
  let from = 0;
  let sum = 0;
  const close = (to: number, isLast: boolean) => {
    const all = ratios.slice(from, to);
    const room = width - gap * (all.length - 1);
    const full = room / sum;
    const height = Math.floor(isLast ? Math.min(full, target) : full);
    rows.push({ from, widths: all.map((ratio) => Math.floor(ratio * height)), height });
    if (!isLast || full <= target) stretch(rows.at(-1)!, room);
    from = to;
    sum = 0;
  };
  ratios.forEach((ratio, i) => {
    sum += ratio;
    const count = i + 1 - from;
    if ((width - gap * (count - 1)) / sum <= target) close(i + 1, !isOpen && i === ratios.length - 1);
  });
  if (from < ratios.length && !isOpen) close(ratios.length, true);
  return rows;
}

/** Gives the pixels that rounding left to the last picture. */
function stretch(row: JustifiedRow, room: number): void {
  const used = row.widths.reduce((total, each) => total + each, 0);
  row.widths[row.widths.length - 1]! += Math.max(0, Math.floor(room - used));
}
