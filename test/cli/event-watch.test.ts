/** Finding events on a server whose streams are late, missing or repeat themselves. The server is a stub. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { watchEvents } from "@mjflow/cli/event-watch";
import type { OutgoingEvent } from "@mjflow/cli/forward";
import { flow, task } from "@mjflow/cli/test-task";
import { type Flow, Mjflow } from "@mjflow/client";
import { expect, onTestFinished, test } from "vitest";

const { id: FLOW } = flow([]);
const ID = FLOW.slice("flow_".length);
const AT = "2026-11-21T08:00:01.000Z";

interface Stub {
  flow: Flow;
  /** Responds to an opened stream; `after` is its Last-Event-ID. */
  onStream(response: ServerResponse, after: string | undefined): void;
}

async function serve(stub: Stub): Promise<{ mjflow: Mjflow; streams: (string | undefined)[] }> {
  const streams: (string | undefined)[] = [];
  const server = createServer((request, response): unknown => {
    const json = (body: unknown) => response.setHeader("content-type", "application/json").end(JSON.stringify(body));
    if (request.url!.startsWith("/v1/flows?")) return json({ data: [], nextCursor: null });
    if (request.url === `/v1/flows/${FLOW}`) return json(stub.flow);
    const after = request.headers["last-event-id"] as string | undefined;
    streams.push(after);
    return stub.onStream(response, after);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { mjflow: new Mjflow({ baseUrl: `http://127.0.0.1:${port}`, apiKey: "mjk_1" }), streams };
}

function eventText(name: string, type: string, data: object): string {
  return `id: evt_${ID}_${name}\nevent: ${type}\ndata: ${JSON.stringify({ type, timestamp: AT, data })}\n\n`;
}

async function eventsOf(mjflow: Mjflow): Promise<OutgoingEvent[]> {
  const events: OutgoingEvent[] = [];
  const { signal } = new AbortController();
  await watchEvents(mjflow, {
    signal,
    flowId: FLOW,
    intervalMs: 5,
    now: () => 0,
    onReady() {},
    onEvent: (event) => events.push(event),
    onOutage: (error) => expect(error).toBeUndefined(),
  });
  return events;
}

const submitted = eventText("0_submitted", "task.submitted", task("0", { status: "SUBMITTED" }));
const completed = eventText("0_completed", "task.completed", task("0"));
const ended = eventText("flow_completed", "flow.completed", { id: FLOW, status: "completed" });

test("a stream that stays silent although the flow has changed is opened again after the last event", async () => {
  const stub: Stub = {
    flow: flow([task("0", { status: "SUBMITTED" })], { status: "running" }),
    onStream(response, after) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      if (after === undefined) {
        // The task ends, but this stream never says so.
        response.write(submitted);
        setTimeout(() => {
          stub.flow = flow([task("0")], { status: "running" });
        }, 50);
      } else {
        stub.flow = flow([task("0")]);
        response.end(completed + ended);
      }
    },
  };
  const { mjflow, streams } = await serve(stub);
  const events = await eventsOf(mjflow);
  expect(events.map(({ body }) => body.type)).toEqual(["task.submitted", "task.completed", "flow.completed"]);
  expect(streams).toEqual([undefined, `evt_${ID}_0_submitted`]);
});

test("events that a new stream repeats are reported once", async () => {
  let opened = 0;
  const stub: Stub = {
    flow: flow([task("0")], { status: "running" }),
    onStream(response) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      // The first stream is cut after its first event.
      response.end(++opened === 1 ? submitted : submitted + completed + ended);
      if (opened === 2) stub.flow = flow([task("0")]);
    },
  };
  const { mjflow } = await serve(stub);
  const events = await eventsOf(mjflow);
  expect(events.map(({ id }) => id)).toEqual([
    `evt_${ID}_0_submitted`,
    `evt_${ID}_0_completed`,
    `evt_${ID}_flow_completed`,
  ]);
});

test("without streams the events of reads get the ids that the server's webhooks have", async () => {
  const end = { status: "completed", endedAt: AT } as const;
  const stub: Stub = {
    flow: flow([task("0", { endedAt: AT }), task("0-1", { endedAt: AT, status: "FAILURE" })], end),
    onStream: (response) => response.writeHead(404).end("{}"),
  };
  const { mjflow } = await serve(stub);
  const events = await eventsOf(mjflow);
  expect(events.map(({ id }) => id)).toEqual([
    `evt_${ID}_0_completed`,
    `evt_${ID}_0-1_failed`,
    `evt_${ID}_flow_completed`,
  ]);
});
