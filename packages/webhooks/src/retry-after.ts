/** Retry-After (RFC 9110, 10.2.3): seconds, or a date in any of the three forms of HTTP. */

const DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?:, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT|[a-z]*, \d\d-[A-Z][a-z]{2}-\d\d [\d:]{8} GMT| [A-Z][a-z]{2} [ \d]\d [\d:]{8} \d{4})$/;

/**
 * @param now ms since 1970
 * @returns ms from now, 0 for a date that has passed; undefined for no header and for what is neither. It is the
 *   receiver's wish and has no upper bound: the caller sets one.
 */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? "";
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1_000, Number.MAX_SAFE_INTEGER);
  if (!DATE.test(text)) return undefined;
  // The oldest form names no zone and means GMT; Date would take it for the machine's.
  const at = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
