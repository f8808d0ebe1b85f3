/** Parses and formats times for people. Pure. */
import { UsageError } from "./usage-error.ts";

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/**
 * Parses a duration to milliseconds: `90`, `90s`, `10m`, `2h`, `7d`. A number without a unit means seconds.
 *
 * @throws UsageError if the text is not a duration
 */
export function durationMs(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)?$/.exec(text.trim());
  if (!match) throw new UsageError(`${option} must be a duration like 30s, 10m or 2h.`);
  return Number(match[1]) * UNIT_MS[(match[2] ?? "s") as keyof typeof UNIT_MS];
}

/**
 * Parses a point in time: a date (ISO 8601), or a duration before now (`2h`).
 *
 * @throws UsageError if the text is neither a date nor a duration
 */
export function moment(text: string, option: string, nowMs: number): Date {
  if (/^\d+(\.\d+)?(ms|s|m|h|d|w)$/.test(text.trim())) return new Date(nowMs - durationMs(text, option));
  const ms = /^\d{4}-\d\d-\d\d/.test(text.trim()) ? Date.parse(text.trim()) : Number.NaN;
  if (Number.isNaN(ms))
    throw new UsageError(`${option} must be a date like 2026-11-21T08:00:00Z or a duration before now like 2h.`);
  return new Date(ms);
}

/** Formats a duration with one unit, rounded down: `12 s`, `3 min`, `2 h`, `5 d`. */
export function span(ms: number): string {
  const s = Math.max(0, ms) / 1_000;
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min`;
  if (s < 2 * 86_400) return `${Math.floor(s / 3_600)} h`;
  return `${Math.floor(s / 86_400)} d`;
}

/** Formats the time since an ISO 8601 time; `–` for null. */
export function ago(iso: string | null, nowMs: number): string {
  if (iso === null) return "–";
  const ms = nowMs - Date.parse(iso);
  return ms < 0 ? `in ${span(-ms)}` : `${span(ms)} ago`;
}

/** Formats a duration as `0:07`, `12:30` or `1:02:03`. */
export function stopwatch(ms: number): string {
  const s = Math.floor(Math.max(0, ms) / 1_000);
  const [hours, minutes, seconds] = [Math.floor(s / 3_600), Math.floor(s / 60) % 60, s % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}
