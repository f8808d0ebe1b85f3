/** `/v1/deliveries`: deliveries with their delivery attempts, and the replay of a delivery. */
import { BUS_LISTENER, type Delivery, deliveryIdOf, FLOW_HOOK_LISTENER, MJ_HOOK_LISTENER } from "@mjflow/core/delivery";
import { MjflowError } from "@mjflow/core/error";
import { eventIdOf, FLOW_SUBJECT } from "@mjflow/core/event";
import { taskIdOf } from "@mjflow/core/id";
import { DeliveryListQuery } from "@mjflow/core/request";
import { replayDelivery } from "@mjflow/engine/replay";
import { Hono } from "hono";
import type { AppEnv } from "./env.ts";
import { invalid } from "./problem.ts";

/** Subscribers that are no endpoints. A list without a filter contains the deliveries of all subscribers of the app. */
const LISTENERS_WITHOUT_ENDPOINT = [FLOW_HOOK_LISTENER, MJ_HOOK_LISTENER, BUS_LISTENER];

export const deliveries = new Hono<AppEnv>()
  .get("/", async (c) => {
    const query = DeliveryListQuery.safeParse(c.req.query());
    if (!query.success) throw invalid(query.error.issues);
    const { endpoint, flow, status, since, until, limit, cursor } = query.data;
    const { webhookStore } = c.get("deps");
    const appId = c.get("appId");
    if (flow !== undefined) {
      const ofFlow = (await webhookStore.deliveriesOf(flow)).filter((delivery) => delivery.appId === appId);
      const matching = ofFlow.filter((d) => (!status || d.status === status) && (!endpoint || d.listener === endpoint));
      return c.json({ data: matching.map(deliveryView), nextCursor: null });
    }
    const listeners = endpoint
      ? [endpoint]
      : [...LISTENERS_WITHOUT_ENDPOINT, ...(await webhookStore.endpoints(appId)).map(({ id }) => id)];
    const range = {
      ...(since !== undefined && { since: Date.parse(since) }),
      ...(until !== undefined && { until: Date.parse(until) }),
    };
    const page = await webhookStore.listDeliveries({
      appId,
      listeners: [...new Set(listeners)],
      ...range,
      limit,
      cursor,
    });
    const matching = status ? page.deliveries.filter((delivery) => delivery.status === status) : page.deliveries;
    return c.json({ data: matching.map(deliveryView), nextCursor: page.cursor ?? null });
  })
  .get("/:id", async (c) => {
    const delivery = await c.get("deps").webhookStore.delivery(c.req.param("id"));
    if (delivery?.appId !== c.get("appId")) throw new MjflowError("not_found");
    return c.json(deliveryView(delivery));
  })
  .post("/:id/replay", async (c) =>
    c.json(deliveryView(await replayDelivery(c.get("deps"), c.get("appId"), c.req.param("id"))), 202),
  );

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

function isoOf(ms: number): string;
function isoOf(ms: number | undefined): string | null;
function isoOf(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
