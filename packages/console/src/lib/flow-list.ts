/**
 * The flows that are known, newest first, while new ones come in above and older ones are read below. Pure.
 *
 * A page says all there is between its first and its last flow: what is missing there fits the question no longer.
 */
import type { FlowSummary, Page } from "@mjflow/client";

export interface LoadedFlows {
  flows: readonly FlowSummary[];
  /** Where what is older begins; null where there is nothing older. */
  cursor: string | null;
}

type FlowPage = Page<FlowSummary>;

/** The newest page, read again. What is known begins anew where so much is new that the two no longer meet. */
export function mergeNewest(known: LoadedFlows | undefined, { data, nextCursor }: FlowPage): LoadedFlows {
  const oldest = data.at(-1);
  if (!known || nextCursor === null) return { flows: data, cursor: nextCursor };
  // Nothing fitted among those that were looked at; what fits may still be below.
  if (!oldest) return known;
  const below = known.flows.filter((flow) => isOlder(flow, oldest));
  const doMeet = below.length < known.flows.length;
  return doMeet && below.length > 0
    ? { flows: [...data, ...below], cursor: known.cursor }
    : { flows: data, cursor: nextCursor };
}

/** The page below what is known. */
export function mergeOlder({ flows }: LoadedFlows, { data, nextCursor }: FlowPage): LoadedFlows {
  const last = flows.at(-1);
  const below = last ? data.filter((flow) => isOlder(flow, last)) : data;
  return { flows: [...flows, ...below], cursor: nextCursor };
}

/** As the API sorts them. */
function isOlder(a: FlowSummary, b: FlowSummary): boolean {
  return a.createdAt === b.createdAt ? a.id < b.id : a.createdAt < b.createdAt;
}
