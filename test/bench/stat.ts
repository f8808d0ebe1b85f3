/** Summary statistics. */

/**
 * Returns the smallest value that at least this part of the values does not exceed.
 *
 * @param part between 0 and 1; 0.5 gives the median
 */
export function percentile(values: readonly number[], part: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)]!;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/**
 * Rounds to four significant digits. Further digits of a measurement are noise and would change the files in each run.
 */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
