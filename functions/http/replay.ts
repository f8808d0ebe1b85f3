/** `/v1/replays`: jobs that send many deliveries again. `POST /v1/endpoints/{id}/replay` starts one. */
import { leftOf, type Replay } from "@mjflow/core/replay";
import { isoOf } from "@mjflow/engine/date";
import { cancelReplay, getReplay } from "@mjflow/engine/replay";
import { Hono } from "hono";
import type { AppEnv } from "./env.ts";

export const replays = new Hono<AppEnv>()
  .get("/", async (c) => {
    const all = await c.get("deps").webhookStore.replays(c.get("appId"));
    return c.json({ data: all.map(replayView), nextCursor: null });
  })
  .get("/:id", async (c) => c.json(replayView(await getReplay(c.get("deps"), c.get("appId"), c.req.param("id")))))
  .post("/:id/cancel", async (c) =>
    c.json(replayView(await cancelReplay(c.get("deps"), c.get("appId"), c.req.param("id")))),
  );

export function replayView(replay: Replay) {
  const { id, listener, only, since, until, status, failure, found, sent, failed, skipped } = replay;
  return {
    id,
    endpoint: listener,
    only,
    since: isoOf(since),
    until: isoOf(until),
    status,
    why: failure ?? null,
    found,
    sent,
    failed,
    skipped,
    left: leftOf(replay),
    pausedUntil: isoOf(replay.waitsUntil),
    createdAt: isoOf(replay.createdAt),
    endedAt: isoOf(replay.endedAt),
  };
}
