import { DUE_SHARDS, duePartitionOf } from "@mjflow/core/due";
import type { Due, Store } from "@mjflow/core/port";

/** Returns all entries of the due index that are due by `before`, by partition and then earliest first. */
export async function dueEntries(store: Pick<Store, "due" | "duePartitions">, before: number): Promise<Due[]> {
  const partitions = await store.duePartitions(before);
  const pages = await Promise.all(partitions.map(({ name }) => store.due(name, before, 1_000)));
  return pages.flatMap(({ due }) => due);
}

/** Partition of the deliveries of a flow. */
export function deliveryPartition(flowId: string): string {
  return duePartitionOf({ kind: "delivery", flowId }, DUE_SHARDS);
}
