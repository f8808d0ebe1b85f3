/** `/v1/flows/{id}/events`: what happens in a flow, as server-sent events (WHATWG HTML, 9.2). */
import { MjflowError } from "@mjflow/core/error";
import { isFlowId } from "@mjflow/core/id";
import { FUNCTION_TIMEOUT_S } from "@mjflow/core/limit";
import { streamFlowEvents } from "@mjflow/engine/flow-stream";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { type AppEnv, mediaUrlOf } from "./env.ts";

/** Ended by us before the function's own time is up: a listener comes back, and is told what it missed. */
const STREAM_MS = (FUNCTION_TIMEOUT_S.api - 5) * 1_000;
/** For how long a browser waits before it comes back. */
const RETRY_MS = 1_000;

export const streams = new Hono<AppEnv>().get("/:id/events", async (c) => {
  const id = c.req.param("id");
  const deps = c.get("deps");
  if (!isFlowId(id)) throw new MjflowError("not_found");
  const { flow } = await deps.store.load(id, []);
  if (flow?.appId !== c.get("appId")) throw new MjflowError("not_found");
  const mediaUrl = mediaUrlOf(c);
  // A proxy that gathers a response before passing it on would make a stream of it in one piece.
  c.header("X-Accel-Buffering", "no");
  c.header("Cache-Control", "no-store");
  return streamSSE(c, async (stream) => {
    let closed = false;
    stream.onAbort(() => {
      closed = true;
    });
    const options = { after: c.req.header("last-event-id"), maxMs: STREAM_MS, isClosed: () => closed, mediaUrl };
    await stream.write(`retry: ${RETRY_MS}\n\n`);
    for await (const news of streamFlowEvents(deps, id, options)) {
      if (news.kind === "idle") await stream.write(": still here\n\n");
      else await stream.writeSSE({ id: news.id, event: news.body.type, data: JSON.stringify(news.body) });
    }
  });
});
