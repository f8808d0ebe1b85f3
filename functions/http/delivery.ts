/** `/v1/deliveries`: deliveries with their delivery attempts, and the replay of a delivery. */
import { type Delivery, deliveryIdOf } from "@mjflow/core/delivery";
import { eventIdOf, FLOW_SUBJECT } from "@mjflow/core/event";
import { taskIdOf } from "@mjflow/core/id";
import { DeliveryListQuery } from "@mjflow/core/request";
import { isoOf } from "@mjflow/engine/date";
import { deliveriesOfFlow, getDelivery, listDeliveriesByFlow, listRows } from "@mjflow/engine/delivery-list";
import { nextPayloadOf, type PayloadDeps } from "@mjflow/engine/delivery-payload";
import { createMjHookListener } from "@mjflow/engine/mj-read";
import { replayDelivery } from "@mjflow/engine/replay";
import { type Context, Hono } from "hono";
import { type AppEnv, linksFor, mediaUrlOf } from "./env.ts";
import { validate } from "./validate.ts";

export const deliveries = new Hono<AppEnv>()
  .get("/", async (c) => {
    const { endpoint, event, flow, status, since, until, limit, cursor } = validate(DeliveryListQuery, c.req.query());
    const deps = c.get("deps");
    const appId = c.get("appId");
    if (flow !== undefined) {
      const matching = (await deliveriesOfFlow(deps, appId, flow)).filter(
        (d) =>
          (!status || d.status === status) && (!endpoint || d.listener === endpoint) && (!event || d.type === event),
      );
      return c.json({ data: matching.map(deliveryView), nextCursor: null });
    }
    const range = {
      ...(event !== undefined && { matches: ({ type }: Delivery) => type === event }),
      ...(since !== undefined && { since: Date.parse(since) }),
      ...(until !== undefined && { until: Date.parse(until) }),
      limit,
      cursor,
    };
    // Deliveries that failed or wait have rows, which are listed by their own times.
    const page =
      status === undefined || status === "delivered" || status === "parked"
        ? await listDeliveriesByFlow(deps, { appId, listener: endpoint, status, ...range })
        : await listRows(deps, { appId, listener: endpoint, status, ...range });
    return c.json({ data: page.deliveries.map(deliveryView), nextCursor: page.cursor ?? null });
  })
  .get("/:id", async (c) => {
    const delivery = await getDelivery(c.get("deps"), c.get("appId"), c.req.param("id"));
    return c.json({ ...deliveryView(delivery), payload: await nextPayloadOf(payloadDeps(c), delivery) });
  })
  .post("/:id/replay", async (c) =>
    c.json(deliveryView(await replayDelivery(c.get("deps"), c.get("appId"), c.req.param("id"))), 202),
  );

/** The worker that posts events does not know where their streams are, so no body has such a link. */
function payloadDeps(c: Context<AppEnv>): PayloadDeps {
  const { store, webhookStore, ...deps } = c.get("deps");
  const { events: _, ...links } = linksFor(c);
  return { store, webhookStore, links, mjHook: createMjHookListener(deps, mediaUrlOf(c)) };
}

function deliveryView(delivery: Delivery) {
  const { flowId, subject, name, listener, type, status, tries, attempts, failure, due, leaseUntil } = delivery;
  return {
    id: deliveryIdOf(delivery),
    eventId: eventIdOf(flowId, subject, name),
    type,
    endpoint: listener,
    flowId,
    taskId: subject === FLOW_SUBJECT ? null : taskIdOf(flowId, subject),
    status,
    tries,
    attempts: attempts.map(({ at, ...attempt }) => ({ at: isoOf(at), ...attempt })),
    failure: failure ?? null,
    nextTryAt: status === "pending" && leaseUntil === undefined ? isoOf(due) : null,
    happenedAt: isoOf(delivery.happenedAt),
    createdAt: isoOf(delivery.createdAt),
    endedAt: isoOf(delivery.endedAt),
  };
}
