/** Few numbers that stand for many. */

/** @param part 0.5 for the median; the smallest value that at least this part of them does not exceed */
export function percentile(values: readonly number[], part: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)]!;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** To four digits: what is more of a measurement is noise, and would change in every file each time. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
