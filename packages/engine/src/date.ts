/** Returns the date of a time in UTC, for example `2026-11-30`. Dates sort like times. */
export function dateOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
