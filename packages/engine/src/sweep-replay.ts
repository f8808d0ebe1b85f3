/** What the sweeper does for replays. It makes no post, so it loads none of the code that posts. */
import { outgoingReplay } from "@mjflow/core/message";
import type { Queue, WebhookStore } from "@mjflow/core/port";
import { isReplayEnded, postponeOverdueReplay } from "@mjflow/core/replay";
import type { EngineDeps } from "./deps.ts";

export type SweepReplayDeps = Pick<EngineDeps, "clock" | "log"> & {
  queue: Pick<Queue, "send">;
  webhookStore: Pick<WebhookStore, "replay" | "saveReplay">;
};

/** Sends the message of a step that is due: its worker crashed, its message was lost, or its wait is over. */
export async function sweepReplay(deps: SweepReplayDeps, appId: string, id: string): Promise<void> {
  const replay = await deps.webhookStore.replay(appId, id);
  if (!replay || isReplayEnded(replay)) return;
  const saved = await deps.webhookStore.saveReplay(postponeOverdueReplay(replay, deps.clock.now()));
  if (saved.ok) await deps.queue.send([outgoingReplay(replay)]);
}
