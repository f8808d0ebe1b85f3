/** `/v1/flows/{id}/events`: the events of a flow as server-sent events (WHATWG HTML, 9.2). */
import { MjflowError } from "@mjflow/core/error";
import { isFlowId } from "@mjflow/core/id";
import { FUNCTION_TIMEOUT_S } from "@mjflow/core/limit";
import { hasWholeStream, streamFlowEvents } from "@mjflow/engine/flow-stream";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { type AppEnv, followOf, linksFor } from "./env.ts";

/**
 * Maximum duration of a stream. We end it before the function times out. The client reconnects and gets what it missed.
 */
const STREAM_MS = (FUNCTION_TIMEOUT_S.stream - 5) * 1_000;
/** Pause before a browser reconnects. */
const RETRY_MS = 1_000;

export const streams = new Hono<AppEnv>().get("/:id/events", async (c) => {
  const id = c.req.param("id");
  const deps = c.get("deps");
  if (!isFlowId(id)) throw new MjflowError("not_found");
  const { streams } = deps;
  if (!streams || streams.url !== undefined)
    throw new MjflowError("no_stream_here", { extra: { eventsUrl: followOf(c, id).eventsUrl } });
  const { flow } = await deps.store.load(id, []);
  if (flow?.appId !== c.get("appId") || flow.deletedAt !== undefined) throw new MjflowError("not_found");
  const after = c.req.header("last-event-id");
  if (await hasWholeStream(deps, flow, after)) return c.body(null, 204);
  const links = linksFor(c);
  const grant = await streams.limiter?.acquire(c.get("appId"));
  if (grant && !grant.ok) {
    deps.log.count("StreamsRefused");
    const whose = grant.full === "app" ? "This app" : "This deployment";
    const detail = `${whose} has ${grant.max} open event streams and long polls, which is the limit.`;
    throw new MjflowError("too_many_streams", { detail });
  }
  // Asks proxies not to buffer the response. A buffered stream would arrive in one piece at its end.
  c.header("X-Accel-Buffering", "no");
  const response = streamSSE(c, async (stream) => {
    let closed = false;
    stream.onAbort(() => {
      closed = true;
    });
    const options = { after, maxMs: STREAM_MS, isClosed: () => closed, links };
    await stream.write(`retry: ${RETRY_MS}\n\n`);
    try {
      for await (const item of streamFlowEvents(deps, id, options)) {
        if (item.kind === "idle") await stream.write(": keep-alive\n\n");
        else await stream.writeSSE({ id: item.id, event: item.body.type, data: JSON.stringify(item.body) });
      }
    } catch (error) {
      // The head is sent, so no error response is possible. The client reconnects and continues.
      deps.log.error("api.stream-failed", { requestId: c.get("requestId"), flow: id, error: String(error) });
    } finally {
      await grant?.release().catch((error: unknown) => {
        deps.log.warn("api.slot-not-released", { error: String(error) });
      });
    }
  });
  // Hono sets `no-cache`, which allows a cache to store the events.
  response.headers.set("Cache-Control", "no-store");
  return response;
});
