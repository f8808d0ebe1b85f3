/** Gives a row to a delivery that had only a record in the delivery log of its flow. */
import { type Delivery, deliveryIdOf } from "@mjflow/core/delivery";
import { firstOutcomeOf, logRowOf } from "@mjflow/core/delivery-log";
import type { Flow } from "@mjflow/core/flow";
import type { Saved, WebhookStore } from "@mjflow/core/port";

type RowStore = Pick<WebhookStore, "delivery" | "saveDelivery" | "changeOutcome">;

/**
 * Stores a delivery that may have had only a record so far. The record then names its row, so that listings read it. After a
 * crash between the two, the delivery is still due, and the next worker that meets the row changes the record.
 */
export async function saveWithRecord(
  { webhookStore }: { webhookStore: RowStore },
  flow: Flow,
  before: Delivery,
  after: Delivery,
): Promise<Saved<Delivery>> {
  const saved = await webhookStore.saveDelivery(after);
  if (saved.ok || saved.current) await recordRow(webhookStore, flow, before);
  return saved;
}

/** Returns whether a delivery that a record alone stands for has a row nevertheless. The record then names it. */
export async function hasRow(
  { webhookStore }: { webhookStore: RowStore },
  flow: Flow,
  recorded: Delivery,
): Promise<boolean> {
  if ((await webhookStore.delivery(deliveryIdOf(recorded))) === undefined) return false;
  await recordRow(webhookStore, flow, recorded);
  return true;
}

async function recordRow(webhookStore: RowStore, flow: Flow, recorded: Delivery): Promise<void> {
  const { subject, name, listener } = recorded;
  const from = firstOutcomeOf(recorded);
  if (from === undefined) return;
  await webhookStore.changeOutcome(flow.id, logRowOf(subject, flow), { subject, name, listener, from, to: "row" });
}
