/**
 * Reading again, cheaply: an ETag of what is shown, 304 for who has it, and `Prefer: wait=N` (RFC 7240) for who would
 * rather be told when it is another. Waiting reads the rows at growing pauses, so on Lambda it costs its duration, and
 * about a dozen reads for 25 seconds.
 */
import { createHash } from "node:crypto";
import type { Context, TypedResponse } from "hono";
import type { AppEnv } from "./env.ts";

/** What one reading shows, and whether it will ever show anything else. */
export interface Snapshot<T> {
  body: T;
  ended: boolean;
  /** About to end: whoever waits is spared an end that other routes do not know of yet. */
  ending?: boolean;
}

/** As `c.json` would have it, but for the text, which is made once for the answer and its tag. */
type Json<T> = Response & TypedResponse<T, 200, "json">;

/** Well within the function's time. */
const WAIT_MAX_S = 25;
const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 2_000;

/** Answers at once; or when it has ended, or is no longer what the client has, or its patience is over. */
export async function respondWhenChanged<T>(c: Context<AppEnv>, read: () => Promise<Snapshot<T>>): Promise<Json<T>> {
  const known = c.req.header("if-none-match");
  const isNew = ({ body }: Snapshot<T>) => known !== undefined && !etagMatches(etagOf(JSON.stringify(body)), known);
  const shown = await waitUntil(c, read, (one) => one.ended || (!one.ending && isNew(one)));
  const text = JSON.stringify(shown.body);
  const tag = etagOf(text);
  c.header("ETag", tag);
  // May be kept by whoever asked, and must be asked about again.
  c.header("Cache-Control", "private, no-cache");
  const isKnown = known !== undefined && etagMatches(tag, known);
  const response = isKnown ? c.body(null, 304) : c.body(text, 200, { "Content-Type": "application/json" });
  return response as Response as Json<T>;
}

/** Reads until `enough`, or until the time the client preferred to wait is over; once where it preferred none. */
export async function waitUntil<T>(
  c: Context<AppEnv>,
  read: () => Promise<T>,
  enough: (one: T) => boolean,
): Promise<T> {
  const { clock, sleep } = c.get("deps");
  const waitS = parsePreferWait(c.req.header("prefer"));
  if (waitS > 0) c.header("Preference-Applied", `wait=${waitS}`);
  const until = clock.now() + waitS * 1_000;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LAST_PAUSE_MS, pause * 1.5)) {
    const one = await read();
    const left = until - clock.now();
    if (enough(one) || left <= 0) return one;
    await sleep(Math.min(pause, left));
  }
}

/** Seconds; 0 without the preference, or with one that makes no sense: a preference is never an error. */
export function parsePreferWait(prefer: string | undefined): number {
  const wait = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;])/i.exec(prefer ?? "")?.[1];
  return Math.min(WAIT_MAX_S, Number(wait ?? 0));
}

function etagOf(text: string): string {
  return `"${createHash("sha256").update(text).digest("base64url").slice(0, 22)}"`;
}

/** RFC 9110, 13.1.2: any of a list, weakly compared. */
export function etagMatches(tag: string, header: string): boolean {
  const tags = header.split(",").map((one) => one.trim().replace(/^W\//, ""));
  return tags.includes(tag) || tags.includes("*");
}
