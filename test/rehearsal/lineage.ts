/**
 * Lambda's detection of recursive loops. The header `X-Amzn-Trace-Id` of each invocation has a `Lineage`, which counts the
 * invocations of each function in a chain of messages. The AWS SDK in the function sends the header with every message. If
 * a function would run about the 17th time in one chain, Lambda drops the invocation.
 */
import { createHash, randomBytes } from "node:crypto";

export const TRACE_HEADER = "x-amzn-trace-id";
/** Lambda documents "approximately 16". */
const LAMBDA_MAX = 16;

export interface Invocation {
  /** Header of the invocation. */
  trace: string;
  /** How often the function has run in this chain, this time included. */
  hops: number;
  /** True if Lambda would drop the invocation. */
  isDropped: boolean;
}

function hashOf(name: string): string {
  return createHash("sha256").update(name).digest("hex").slice(0, 8);
}

function countsIn(header: string | undefined): Map<string, number> {
  const lineage = /Lineage=([^;]*)/.exec(header ?? "")?.[1] ?? "";
  const entries = lineage.split("|").flatMap((entry): [string, number][] => {
    const [, hash, count] = entry.split(":");
    return hash && count ? [[hash, Number(count)]] : [];
  });
  return new Map(entries);
}

/**
 * Returns the next invocation of a function.
 *
 * @param headers trace headers of the messages of the batch; none for a request and a schedule, which start a chain. AWS does
 * not document the lineage of a batch, so the highest count of its messages is taken.
 */
export function nextInvocation(name: string, headers: readonly (string | undefined)[] = []): Invocation {
  const counts = new Map<string, number>();
  for (const header of headers)
    for (const [hash, count] of countsIn(header)) counts.set(hash, Math.max(counts.get(hash) ?? 0, count));
  const hops = (counts.get(hashOf(name)) ?? 0) + 1;
  counts.set(hashOf(name), hops);
  const lineage = [...counts].map(([hash, count]) => `1:${hash}:${count}`).join("|");
  const root = `Root=1-${randomBytes(4).toString("hex")}-${randomBytes(12).toString("hex")}`;
  return { trace: `${root};Sampled=0;Lineage=${lineage}`, hops, isDropped: hops > LAMBDA_MAX };
}
