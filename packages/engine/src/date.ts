/** Returns the date of a time in UTC, for example `2026-11-30`. Dates sort like times. */
export function dateOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

/** Returns a time as the API shows it; null if it is unset. */
export function isoOf(ms: number): string;
export function isoOf(ms: number | undefined): string | null;
export function isoOf(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
