import { keyOf } from "@mjflow/store/codec";
import { refOf } from "@mjflow/store/keys";
import type { Table } from "@mjflow/store/table";
import { deliveryPartition } from "../support/due.ts";

/** Returns the ids of the deliveries of one flow that are in the due index. */
export async function dueOf(table: Table, flowId: string): Promise<string[]> {
  const partition = deliveryPartition(flowId);
  const items = await table.list({ index: "due", partition, to: Number.MAX_SAFE_INTEGER, limit: 1_000 });
  return items.flatMap((item) => {
    const ref = refOf(keyOf(item));
    return ref?.kind === "delivery" && ref.deliveryId.includes(flowId.slice("flow_".length)) ? [ref.deliveryId] : [];
  });
}
