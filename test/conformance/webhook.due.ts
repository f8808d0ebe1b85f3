import { keyOf } from "@mjflow/store/codec";
import { dueShard, refOf, shardOf } from "@mjflow/store/keys";
import type { Table } from "@mjflow/store/table";

/** Returns the ids of the deliveries of one flow that are in the due index. */
export async function dueOf(table: Table, flowId: string): Promise<string[]> {
  const partition = dueShard(shardOf(flowId));
  const items = await table.list({ index: "due", partition, to: Number.MAX_SAFE_INTEGER, limit: 1_000 });
  return items.flatMap((item) => {
    const ref = refOf(keyOf(item));
    return ref?.kind === "delivery" && ref.deliveryId.includes(flowId.slice("flow_".length)) ? [ref.deliveryId] : [];
  });
}
