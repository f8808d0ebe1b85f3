/** An app's flows, newest first, page by page: which of them fit, and where the next page begins. */
import type { Flow } from "@mjflow/core/flow";
import type { FlowFilter } from "@mjflow/core/port";
import { decodeCursor, encodeCursor } from "./cursor.ts";

/** Where a flow stands in the listing; undefined for one whose row is gone, or has expired. */
export interface FlowPage {
  at: string;
  flow: Flow | undefined;
}

/** With a filter this many are read at once, and this many by one call: it answers what it found, and where to go on. */
const READ_AT_ONCE = 100;
export const MAX_FLOWS_READ = 500;

/** @param read up to `n` older than `after`, newest first */
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
    // One more than is looked at tells whether there is another page, which DynamoDB's own mark does not.
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

/** Sort keys between which to read; undefined when there is nothing between them. */
export function listingBounds(
  { since, until }: FlowFilter,
  after: string | undefined,
): { from?: string; to?: string } | undefined {
  const from = since === undefined ? undefined : new Date(since).toISOString();
  // "~" is above every id of that millisecond.
  const last = until === undefined ? undefined : `${new Date(until).toISOString()}~`;
  const to = last === undefined || (after !== undefined && after < last) ? after : last;
  if (from !== undefined && to !== undefined && from > to) return undefined;
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}
