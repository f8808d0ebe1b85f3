/** The header Retry-After (RFC 9110, 10.2.3): seconds, or a date in one of the three HTTP formats. */

const DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?:, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT|[a-z]*, \d\d-[A-Z][a-z]{2}-\d\d [\d:]{8} GMT| [A-Z][a-z]{2} [ \d]\d [\d:]{8} \d{4})$/;

/**
 * @param now epoch ms
 * @param parse the parser of the platform: core itself has no clock
 * @returns ms from now, 0 for a past date; undefined if there is no header or if it is invalid. The receiver may request
 *   any time, so the caller must limit it.
 */
export function retryAfterMs(
  header: string | undefined,
  now: number,
  parse: (text: string) => number,
): number | undefined {
  const text = header?.trim() ?? "";
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1_000, Number.MAX_SAFE_INTEGER);
  if (!DATE.test(text)) return undefined;
  // The oldest format has no time zone and means GMT. The parser would use the zone of the machine.
  const at = parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
