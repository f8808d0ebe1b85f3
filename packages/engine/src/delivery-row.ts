/** Gives a row to a delivery that had only a record in the delivery log of its flow. */
import type { Delivery } from "@mjflow/core/delivery";
import { firstOutcomeOf, logRowOf } from "@mjflow/core/delivery-log";
import type { Flow } from "@mjflow/core/flow";
import type { Saved, WebhookStore } from "@mjflow/core/port";

/**
 * Stores a delivery that may have had only a record so far. The record then names its row, so that listings read it. After a
 * crash between the two, the delivery is still due.
 */
export async function saveWithRecord(
  { webhookStore }: { webhookStore: Pick<WebhookStore, "saveDelivery" | "changeOutcome"> },
  flow: Flow,
  before: Delivery,
  after: Delivery,
): Promise<Saved<Delivery>> {
  const saved = await webhookStore.saveDelivery(after);
  const outcome = firstOutcomeOf(before);
  if (!saved.ok || outcome === undefined) return saved;
  const { subject, name, listener } = before;
  await webhookStore.changeOutcome(flow.id, logRowOf(subject, flow), {
    subject,
    name,
    listener,
    from: outcome,
    to: "row",
  });
  return saved;
}
