/**
 * Replays deliveries under their original `webhook-id`: one delivery at once, or many by a job (replay-job.ts), which an app
 * starts, reads and cancels here.
 */
import { DELIVERY_RETENTION_MS, type Delivery, restartDelivery } from "@mjflow/core/delivery";
import { isEnabled } from "@mjflow/core/endpoint";
import { MjflowError } from "@mjflow/core/error";
import { outgoingDelivery, outgoingReplay } from "@mjflow/core/message";
import type { WebhookStore } from "@mjflow/core/port";
import {
  endReplay,
  isReplayEnded,
  isReplayId,
  newReplay,
  REPLAYS_PER_APP,
  type Replay,
  replayIdOf,
} from "@mjflow/core/replay";
import type { EngineDeps } from "../deps.ts";
import { startWith, updateWithRetry } from "../step/update-with-retry.ts";
import { getDelivery } from "./delivery-list.ts";
import { saveWithRecord } from "./delivery-row.ts";
import { getEndpoint } from "./endpoint.ts";

type ReplayDeps = Pick<EngineDeps, "store" | "queue" | "clock" | "random" | "log"> & { webhookStore: WebhookStore };

/**
 * A delivery without a row gets one, which has its further attempts.
 * @throws MjflowError `not_found`; `wrong_state` if an attempt of the delivery runs at this moment
 */
export async function replayDelivery(deps: ReplayDeps, appId: string, id: string): Promise<Delivery> {
  const delivery = await getDelivery(deps, appId, id);
  // The row first and the message second. After a crash between the two, the delivery is due and the sweeper sends the
  // message (Q3).
  const { flow } = await deps.store.load(delivery.flowId, []);
  if (!flow) throw new MjflowError("not_found");
  const saved = await saveWithRecord(deps, flow, delivery, restartDelivery(delivery, deps.clock.now()));
  if (!saved.ok)
    throw new MjflowError("wrong_state", {
      detail: "An attempt of the delivery is running. Send the request again when it has ended.",
      retry: "later",
    });
  await deps.queue.send([outgoingDelivery(delivery)]);
  return saved.item;
}

export interface ReplayFields {
  /** Subscriber: an endpoint id, or `hook`. */
  listener: string;
  only: "failed" | "all";
  /** Bounds of the creation of a delivery, epoch ms, both included. Unset: 30 days ago, and now. */
  since?: number | undefined;
  until?: number | undefined;
}

/**
 * Starts a job that sends the deliveries of one subscriber again.
 *
 * @throws MjflowError `not_found`; `wrong_state` if the endpoint is disabled; `limit_reached` if the app has too many running
 *   replays
 */
export async function startReplay(deps: ReplayDeps, appId: string, fields: ReplayFields): Promise<Replay> {
  const { listener, only } = fields;
  if (!isEnabled(await getEndpoint(deps, appId, listener)))
    throw new MjflowError("wrong_state", { detail: "The endpoint is disabled. Enable it, then start the replay." });
  const running = (await deps.webhookStore.replays(appId)).filter((each) => !isReplayEnded(each));
  if (running.filter((each) => each.only !== "parked").length >= REPLAYS_PER_APP)
    throw new MjflowError("limit_reached", { detail: `An app has at most ${REPLAYS_PER_APP} running replays.` });
  const now = deps.clock.now();
  const id = replayIdOf(now, deps.random.bytes(10));
  const since = Math.max(fields.since ?? 0, now - DELIVERY_RETENTION_MS);
  const until = Math.min(fields.until ?? now, now);
  const saved = await deps.webhookStore.saveReplay(newReplay({ appId, id, listener, only, since, until }, now));
  if (!saved.ok) throw new MjflowError("overloaded", { detail: "The id of the new replay already exists." });
  await deps.queue.send([outgoingReplay(saved.item)]);
  deps.log.info("replay.started", { app: appId, replay: id, endpoint: listener, only });
  return saved.item;
}

/** @throws MjflowError `not_found` also for a replay of another app (D6) */
export async function getReplay(
  { webhookStore }: Pick<ReplayDeps, "webhookStore">,
  appId: string,
  id: string,
): Promise<Replay> {
  const replay = isReplayId(id) ? await webhookStore.replay(appId, id) : undefined;
  if (!replay) throw new MjflowError("not_found");
  return replay;
}

/**
 * Cancels a replay. Posts that are under way end. A replay that has ended stays as it is.
 * @throws MjflowError `not_found`, `write_conflict`
 */
export async function cancelReplay(
  deps: Pick<ReplayDeps, "webhookStore" | "clock" | "log">,
  appId: string,
  id: string,
): Promise<Replay> {
  const updated = await updateWithRetry<Replay, Replay>({
    read: startWith(await getReplay(deps, appId, id)),
    to: (current) => (isReplayEnded(current) ? undefined : endReplay(current, "canceled", deps.clock.now())),
    save: (next) => deps.webhookStore.saveReplay(next),
    // A write conflict is a step that has ended meanwhile, at most a few in a second.
    maxRetries: 5,
    code: "write_conflict",
    detail: "Other requests changed it at the same time.",
  });
  if (updated.kind === "missing") throw new MjflowError("not_found");
  if (updated.row) deps.log.info("replay.canceled", { app: appId, replay: id });
  return updated.row ?? updated.read!;
}
