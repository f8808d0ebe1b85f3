/**
 * The loaded flows, newest first. New flows are added at the top and older pages at the bottom. The functions are pure.
 *
 * A page lists every matching flow between its first and its last flow. A loaded flow that is missing there does not
 * match the query any more.
 */
import type { FlowListEntry, Page } from "@mjflow/client";

export interface LoadedFlows {
  flows: readonly FlowListEntry[];
  /** Cursor of the next older page; null if there is none. */
  cursor: string | null;
}

type FlowPage = Page<FlowListEntry>;

/** Merges a new read of the newest page. If that page does not reach the loaded flows, it replaces all of them. */
export function mergeNewest(known: LoadedFlows | undefined, { data, nextCursor }: FlowPage): LoadedFlows {
  const oldest = data.at(-1);
  if (!known || nextCursor === null) return { flows: data, cursor: nextCursor };
  // No flow that the API read for this page matched. Matching flows may still follow.
  if (!oldest) return known;
  const below = known.flows.filter((flow) => isOlder(flow, oldest));
  const overlaps = below.length < known.flows.length;
  return overlaps && below.length > 0
    ? { flows: [...data, ...below], cursor: known.cursor }
    : { flows: data, cursor: nextCursor };
}

/** Appends the page of older flows. */
export function mergeOlder({ flows }: LoadedFlows, { data, nextCursor }: FlowPage): LoadedFlows {
  const last = flows.at(-1);
  const below = last ? data.filter((flow) => isOlder(flow, last)) : data;
  return { flows: [...flows, ...below], cursor: nextCursor };
}

/** Uses the sort order of the API. */
function isOlder(a: FlowListEntry, b: FlowListEntry): boolean {
  return a.createdAt === b.createdAt ? a.id < b.id : a.createdAt < b.createdAt;
}

/** Flows whose details are not known or may have changed: those that run, and those that have ended since they were read. */
export function staleDetails(
  flows: readonly FlowListEntry[],
  known: readonly FlowListEntry[],
): { running: FlowListEntry[]; ended: FlowListEntry[] } {
  const before = new Map(known.map((flow) => [flow.id, flow]));
  const isStale = ({ id, status, endedAt }: FlowListEntry) => {
    const old = before.get(id);
    return old?.taskCounts == null || old.status !== status || old.endedAt !== endedAt;
  };
  return {
    running: flows.filter(({ status }) => status === "running"),
    ended: flows.filter((flow) => flow.status !== "running" && isStale(flow)),
  };
}

/** Adds the details that are known to flows that were read without them. Of two entries of a flow the first one counts. */
export function withDetails(flows: readonly FlowListEntry[], detailed: readonly FlowListEntry[]): FlowListEntry[] {
  const byId = new Map<string, FlowListEntry>();
  for (const flow of detailed) if (!byId.has(flow.id)) byId.set(flow.id, flow);
  return flows.map((flow) => {
    const { taskCounts, estimatedUsd, costUsd, previewUrl } = byId.get(flow.id) ?? flow;
    return {
      ...flow,
      ...(taskCounts !== undefined && { taskCounts }),
      ...(estimatedUsd !== undefined && { estimatedUsd }),
      ...(costUsd !== undefined && { costUsd }),
      ...(previewUrl !== undefined && { previewUrl }),
    };
  });
}
