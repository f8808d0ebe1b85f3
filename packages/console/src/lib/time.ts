/** Readable durations and ages in the language of the page. The current time is an argument. */
import { locale, t } from "../text/text.ts";

/** Formats a duration: `38 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole < 1_000) return t.time.ms(String(whole));
  if (whole < 10_000) return t.time.s((whole / 1_000).toFixed(1));
  const s = Math.round(whole / 1_000);
  if (s < 60) return t.time.s(String(s));
  const [m, h] = [Math.floor(s / 60), Math.floor(s / 3_600)];
  if (m < 60) return s % 60 ? t.time.minS(m, s % 60) : t.time.min(m);
  if (h < 48) return m % 60 ? t.time.hMin(h, m % 60) : t.time.h(h);
  return t.time.days(Math.floor(h / 24));
}

/** Formats an age: `just now`, `3 min ago`; from 7 days on the date. The words are those of `Intl`. */
export function ago(iso: string, nowMs: number): string {
  const ms = nowMs - Date.parse(iso);
  if (Number.isNaN(ms)) return "";
  if (ms < 10_000) return t.time.justNow;
  if (ms < 60_000) return back(Math.floor(ms / 1_000), "second");
  if (ms < 3_600_000) return back(Math.floor(ms / 60_000), "minute");
  if (ms < 86_400_000) return back(Math.floor(ms / 3_600_000), "hour");
  if (ms < 7 * 86_400_000) return back(Math.floor(ms / 86_400_000), "day");
  return iso.slice(0, 10);
}

function back(count: number, unit: Intl.RelativeTimeFormatUnit): string {
  return new Intl.RelativeTimeFormat(locale(), { style: "short", numeric: "always" }).format(-count, unit);
}

/** Returns the local time of day: `14:05:09`. */
export function clock(iso: string): string {
  return new Date(iso).toLocaleTimeString("en-GB");
}

/** Returns the ms between two times of the API; undefined if one is missing. */
export function between(from: string | null | undefined, to: string | null | undefined): number | undefined {
  if (!from || !to) return undefined;
  const ms = Date.parse(to) - Date.parse(from);
  return Number.isNaN(ms) ? undefined : ms;
}
