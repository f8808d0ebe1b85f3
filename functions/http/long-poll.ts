/**
 * Cheap repeated reads of one resource. Each response has an `ETag`, and a client that sends it back gets 304 while the
 * resource is unchanged. With `Prefer: wait=N` (RFC 7240) the response waits for a change.
 *
 * Waiting reads the rows again after growing pauses. On Lambda it costs its duration and about a dozen reads in 25
 * seconds.
 */
import { createHash } from "node:crypto";
import type { Context, TypedResponse } from "hono";
import type { AppEnv } from "./env.ts";

/** One read of a resource. */
export interface Snapshot<T> {
  body: T;
  /** The resource will not change any more. */
  ended: boolean;
  /** The end is visible here but not recorded yet, so other routes do not show it. Waiting requests keep waiting. */
  ending?: boolean;
  /** Adds what changes with each read and is no news by itself. Unset: nothing. */
  complete?(): Promise<T>;
  /** Computes when the client should read again, ms; null if nothing more will change. */
  nextInMs(): Promise<number | null>;
}

/** The return type of `c.json`. We do not call `c.json`, because one JSON text serves both the body and the `ETag`. */
type Json<T> = Response & TypedResponse<T, 200, "json">;

/** A resource with the hint when to read it again. */
type Hinted<T> = { [Name in keyof T | "nextInMs"]: Name extends keyof T ? T[Name] : number | null };

/** Less than the timeout of the API function (30 s). */
const WAIT_MAX_S = 25;
const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 2_000;

/**
 * Responds at once without `Prefer: wait`. Otherwise it responds when the resource has ended, when it differs from
 * `If-None-Match`, or when the waiting time is over.
 */
export async function respondWhenChanged<T extends object>(
  c: Context<AppEnv>,
  read: () => Promise<Snapshot<T>>,
): Promise<Json<Hinted<T>>> {
  const clientEtags = c.req.header("if-none-match");
  const isNew = ({ body }: Snapshot<T>) =>
    clientEtags !== undefined && !etagMatches(etagOf(JSON.stringify(body)), clientEtags);
  const snapshot = await waitUntil(c, read, (current) => current.ended || (!current.ending && isNew(current)));
  return respondTagged(c, snapshot);
}

/** Responds at once: with the resource, or with 304 if the client has it. */
export async function respondTagged<T extends object>(
  c: Context<AppEnv>,
  snapshot: Pick<Snapshot<T>, "body" | "complete" | "nextInMs">,
): Promise<Json<Hinted<T>>> {
  const clientEtags = c.req.header("if-none-match");
  const nextInMs = await snapshot.nextInMs();
  // The tag is weak, because it leaves out the hint and the place in a wait list: they change with each read, the resource
  // does not.
  const tag = etagOf(JSON.stringify(snapshot.body));
  c.header("ETag", tag);
  hintHeader(c, nextInMs);
  // The client may store the response, but must revalidate it with each use.
  c.header("Cache-Control", "private, no-cache");
  const isUnchanged = clientEtags !== undefined && etagMatches(tag, clientEtags);
  if (isUnchanged) return c.body(null, 304) as Response as Json<Hinted<T>>;
  const body = (await snapshot.complete?.()) ?? snapshot.body;
  const text = JSON.stringify({ ...body, nextInMs });
  return c.body(text, 200, { "Content-Type": "application/json" }) as Response as Json<Hinted<T>>;
}

/** Sets the hint as `Retry-After`, in whole seconds, for clients that read no body. Null sets nothing. */
export function hintHeader(c: Pick<Context<AppEnv>, "header">, nextInMs: number | null): void {
  if (nextInMs !== null) c.header("Retry-After", String(Math.ceil(nextInMs / 1_000)));
}

/**
 * Reads until `enough` is true or the waiting time of `Prefer` is over. Reads once without `Prefer: wait`, and if this request
 * may not be held. In the second case the applied waiting time is 0, and the read hint says when to come back.
 */
export async function waitUntil<T>(
  c: Context<AppEnv>,
  read: () => Promise<T>,
  enough: (value: T) => boolean,
): Promise<T> {
  const { clock, sleep, log } = c.get("deps");
  const waitS = parsePreferWait(c.req.header("prefer"));
  if (waitS > 0) c.header("Preference-Applied", `wait=${waitS}`);
  const until = clock.now() + waitS * 1_000;
  let release: (() => Promise<void>) | undefined;
  try {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LAST_PAUSE_MS, pause * 1.5)) {
      const value = await read();
      const left = until - clock.now();
      if (enough(value) || left <= 0) return value;
      release ??= await hold(c);
      if (!release) {
        c.header("Preference-Applied", "wait=0");
        return value;
      }
      await sleep(Math.min(pause, left));
    }
  } finally {
    await release?.().catch((error: unknown) => log.warn("api.slot-not-released", { error: String(error) }));
  }
}

/** Returns what ends the hold of this request; undefined if it may not be held. */
async function hold(c: Context<AppEnv>): Promise<(() => Promise<void>) | undefined> {
  const { streams, log } = c.get("deps");
  if (!streams || streams.url !== undefined) return undefined;
  if (!streams.limiter) return async () => {};
  const grant = await streams.limiter.acquire(c.get("appId")).catch((error: unknown) => {
    log.warn("api.slot-not-acquired", { error: String(error) });
    return undefined;
  });
  if (grant?.ok) return grant.release;
  log.count("StreamsRefused");
  return undefined;
}

/**
 * The waiting time in seconds. It is 0 without the preference or if the value is not valid: `Prefer` is never an error.
 */
export function parsePreferWait(prefer: string | undefined): number {
  const wait = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;])/i.exec(prefer ?? "")?.[1];
  return Math.min(WAIT_MAX_S, Number(wait ?? 0));
}

function etagOf(text: string): string {
  return `W/"${createHash("sha256").update(text).digest("base64url").slice(0, 22)}"`;
}

/** True if the header lists this `ETag`, by weak comparison (RFC 9110, 13.1.2). */
export function etagMatches(tag: string, header: string): boolean {
  const opaque = (item: string) => item.trim().replace(/^W\//, "");
  const tags = header.split(",").map(opaque);
  return tags.includes(opaque(tag)) || tags.includes("*");
}
