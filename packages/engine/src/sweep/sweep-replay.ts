/** What the sweeper does for replays, and for endpoints with parked events. It makes no post, so it loads none of the code that posts. */
import { beginRecovery, endRecoveryStart } from "@mjflow/core/endpoint";
import { outgoingReplay } from "@mjflow/core/message";
import type { Queue, WebhookStore } from "@mjflow/core/port";
import { isReplayEnded, postponeOverdueReplay, recoveryDelayMs, recoveryIdOf, recoveryOf } from "@mjflow/core/replay";
import type { EngineDeps } from "../deps.ts";

export type SweepReplayDeps = Pick<EngineDeps, "clock" | "log"> & {
  queue: Pick<Queue, "send">;
  webhookStore: Pick<WebhookStore, "replay" | "saveReplay" | "endpoint" | "saveEndpoint">;
};

/** Sends the message of a step that is due: its worker crashed, its message was lost, or its wait is over. */
export async function sweepReplay(deps: SweepReplayDeps, appId: string, id: string): Promise<void> {
  const replay = await deps.webhookStore.replay(appId, id);
  if (!replay || isReplayEnded(replay)) return;
  const saved = await deps.webhookStore.saveReplay(postponeOverdueReplay(replay, deps.clock.now()));
  if (saved.ok) await deps.queue.send([outgoingReplay(replay)]);
}

/**
 * Starts the recovery of an endpoint whose breaker lets a trial pass: a replay of its parked events. Its first post is the trial
 * if no new event was it before. After a crash the endpoint is still due, and the recovery is started again.
 */
export async function sweepEndpoint(deps: SweepReplayDeps, appId: string, id: string): Promise<void> {
  const { webhookStore, clock } = deps;
  const now = clock.now();
  const stored = await webhookStore.endpoint(appId, id);
  if (stored?.due === undefined || stored.due > now) return;
  const recovery = stored.recovery === undefined ? undefined : await webhookStore.replay(appId, stored.recovery);
  let endpoint = stored;
  if (stored.recoverFrom === undefined) {
    // A recovery that runs is set back, so one outage is one replay.
    const isRunning = recovery !== undefined && !isReplayEnded(recovery);
    const replayId = isRunning ? recovery.id : recoveryIdOf(id, stored.parkedFrom ?? now);
    const saved = await webhookStore.saveEndpoint(beginRecovery(stored, replayId, now));
    if (!saved.ok) return;
    endpoint = saved.item;
  }
  const { recoverFrom, recovery: replayId } = endpoint;
  if (recoverFrom === undefined || replayId === undefined) return;
  const current = recovery?.id === replayId ? recovery : await webhookStore.replay(appId, replayId);
  const begun = recoveryOf(current, { appId, id: replayId, listener: id, from: recoverFrom }, now);
  const saved = await webhookStore.saveReplay(begun);
  if (!saved.ok) return;
  await webhookStore.saveEndpoint(endRecoveryStart(endpoint));
  await deps.queue.send([outgoingReplay(saved.item, recoveryDelayMs(saved.item, now))]);
  deps.log.info("endpoint.recovery", { app: appId, endpoint: id, replay: replayId, from: recoverFrom });
}
