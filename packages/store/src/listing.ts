/** Lists an app's flows page by page, newest or oldest first, with an optional filter. */
import type { Flow } from "@mjflow/core/flow";
import type { FlowFilter } from "@mjflow/core/port";
import { decodeCursor, encodeCursor } from "./cursor.ts";

/** One entry of the listing. */
export interface FlowPage {
  /** Sort key of the entry. */
  at: string;
  /** The flow; undefined if its row is deleted or expired. */
  flow: Flow | undefined;
}

/** Number of flows that are read at once when a filter is set. */
const READ_AT_ONCE = 100;
/** Maximum number of flows that one call with a filter reads. It returns what it found, with a cursor for the rest. */
export const MAX_FLOWS_READ = 500;

/** @param read reads up to `n` entries that come after `after` in the order of the filter */
export async function listFlows(
  appId: string,
  limit: number,
  cursor: string | undefined,
  { matches }: FlowFilter,
  read: (after: string | undefined, n: number) => Promise<FlowPage[]>,
): Promise<{ flows: Flow[]; cursor?: string }> {
  let after = cursor === undefined ? undefined : decodeCursor(appId, cursor);
  const flows: Flow[] = [];
  const size = matches ? READ_AT_ONCE : limit;
  for (let looked = 0; ; ) {
    // Reads one more than is used, to see whether there is another page. DynamoDB's LastEvaluatedKey does not tell that.
    const page = await read(after, size + 1);
    for (const [i, { at, flow }] of page.slice(0, size).entries()) {
      after = at;
      looked++;
      if (flow && (matches?.(flow) ?? true)) flows.push(flow);
      if (flows.length < limit && looked < MAX_FLOWS_READ) continue;
      return { flows, ...(i + 1 < page.length && { cursor: encodeCursor(appId, at) }) };
    }
    if (page.length <= size) return { flows };
  }
}

/** Returns the bounds of the sort keys to read. There is nothing between them if `from` is after `to`. */
export function listingBounds(
  { since, until, oldestFirst }: FlowFilter,
  after: string | undefined,
): { from?: string; to?: string } {
  const first = since === undefined ? undefined : new Date(since).toISOString();
  // "~" sorts after every id of that millisecond.
  const last = until === undefined ? undefined : `${new Date(until).toISOString()}~`;
  const from = oldestFirst && (first === undefined || (after !== undefined && after > first)) ? after : first;
  const to = !oldestFirst && (last === undefined || (after !== undefined && after < last)) ? after : last;
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}
