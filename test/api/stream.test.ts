/**
 * The event stream as a browser's `EventSource` uses it (WHATWG HTML, 9.2). An `EventSource` connects again after the end
 * of every response, with the last event id. It stops only after a 204 or an error status.
 */
import { EVENT_TYPES } from "@mjflow/core/event";
import { beforeEach, describe, expect, test } from "vitest";
import { type ApiClient, createApiClient, FLOW, type Json, OPERATOR } from "../app/api-client.ts";

let api: ApiClient;
let onSleep: () => Promise<unknown>;
beforeEach(() => {
  onSleep = async () => {};
  api = createApiClient({
    async sleep(ms) {
      api.harness.advance(ms);
      await onSleep();
    },
  });
});

interface Message {
  id: string;
  event: string;
  data: Json;
}

interface Connection {
  status: number;
  messages: Message[];
}

async function connect(flow: string, lastEventId?: string): Promise<Connection & { headers: Headers }> {
  const sent: Record<string, string> = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
  const { status, headers, text } = await api.call(OPERATOR, "GET", `/v1/flows/${flow}/events`, undefined, sent);
  const messages = text.split("\n\n").flatMap((block) => {
    const fields = new Map(block.split("\n").map((line) => [line.split(": ")[0], line.slice(line.indexOf(": ") + 2)]));
    const data = fields.get("data");
    return data === undefined ? [] : [{ id: fields.get("id")!, event: fields.get("event")!, data: JSON.parse(data) }];
  });
  return { status, headers, messages };
}

/** Reconnects like an `EventSource`, for at most 20 connections. */
async function eventSource(flow: string, lastEventId?: string): Promise<Connection[]> {
  const connections: Connection[] = [];
  let last = lastEventId;
  while (connections.length < 20) {
    const connection = await connect(flow, last);
    connections.push(connection);
    if (connection.status !== 200) return connections;
    last = connection.messages.at(-1)?.id ?? last;
  }
  return connections;
}

const statuses = (connections: readonly Connection[]) => connections.map(({ status }) => status);
const typesOf = ({ messages }: Connection) => messages.map(({ event }) => event);

async function start(body: object = {}): Promise<string> {
  return (await api.call(OPERATOR, "POST", "/v1/flows", { ...FLOW, ...body })).body.id;
}
async function ended(body: object = {}): Promise<string> {
  const id = await start(body);
  await api.harness.finishAll();
  return id;
}

test("the picture of a running task is in its progress webhook, in the stream and in reads, and not in those of its end", async () => {
  await api.call(OPERATOR, "POST", "/v1/endpoints", { url: "https://shop.test/all", events: EVENT_TYPES });
  const id = await start({ progress: true });
  await api.harness.drain();
  const previewUrl = "https://vendor.test/blurred.png";
  await api.harness.post(api.harness.vendor.calls.at(-1)!, "IN_PROGRESS", { progress: 40, previewUrl });
  await api.harness.drain();
  const webhook = (type: string) => api.harness.receiver.posts.find(({ body }) => body.type === type)?.body.data;
  const inStream = async (type: string) => (await connect(id)).messages.find(({ event }) => event === type)?.data.data;
  for (const data of [webhook("task.progress"), await inStream("task.progress")]) {
    expect(data).toMatchObject({ status: "IN_PROGRESS", progress: 40, previewUrl, imageUrl: null });
  }
  expect((await api.call(OPERATOR, "GET", `/v1/flows/${id}`)).body.tasks[0].previewUrl).toBe(previewUrl);

  await api.harness.finishAll();
  for (const data of [webhook("task.completed"), await inStream("task.completed")]) {
    expect(data).toMatchObject({ status: "SUCCESS", previewUrl: null, imageUrl: expect.stringContaining("http") });
  }
});

describe("an EventSource", () => {
  test("an EventSource stops after the end of a flow that ends during the connection, and gets each event once", async () => {
    const id = await start({ then: [{ press: "U1" }] });
    let sleeps = 0;
    // The flow advances with each pause of the stream.
    onSleep = async () => {
      sleeps += 1;
      await (sleeps === 2 ? api.harness.finishAll() : api.harness.drain());
    };
    const connections = await eventSource(id);
    expect(statuses(connections)).toEqual([200, 204]);
    const all = connections.flatMap(({ messages }) => messages);
    expect(all.at(-1)!.event).toBe("flow.completed");
    expect(new Set(all.map((message) => message.id)).size).toBe(all.length);
  });

  test("an EventSource stops after its second connection to an ended flow, also if the last event id is unknown text", async () => {
    const id = await ended({ then: [{ press: "U1" }] });
    for (const last of [undefined, "nonsense", "evt_0_flow_completed", "%F0%9F%9B%B6", "x".repeat(5_000), " "]) {
      const connections = await eventSource(id, last);
      expect(statuses(connections), last).toEqual([200, 204]);
      expect(typesOf(connections[0]!)).toEqual([
        "task.submitted",
        "task.completed",
        "task.submitted",
        "task.completed",
        "flow.completed",
      ]);
    }
  });

  test("for each last event id of an ended flow an EventSource stops, and the flow end is its last event", async () => {
    const id = await ended({ then: [{ press: ["U1", "U2"] }] });
    const { messages } = await connect(id);
    for (const { id: last } of messages.slice(0, -1)) {
      const connections = await eventSource(id, last);
      expect(statuses(connections)).toEqual([200, 204]);
      expect(typesOf(connections[0]!).at(-1)).toBe("flow.completed");
    }
    expect(await eventSource(id, messages.at(-1)!.id)).toMatchObject([{ status: 204, messages: [] }]);
  });

  test("an EventSource stops after the end of a failed and of a canceled flow", async () => {
    const failed = await start();
    await api.harness.drain();
    await api.harness.post(api.harness.vendor.calls.at(-1)!, "FAILURE", { failReason: "no" });
    await api.harness.drain();
    const canceled = await start();
    await api.call(OPERATOR, "POST", `/v1/flows/${canceled}/cancel`);
    await api.harness.drain();
    for (const id of [failed, canceled]) {
      const connections = await eventSource(id);
      expect(statuses(connections)).toEqual([200, 204]);
      expect(typesOf(connections[0]!).at(-1)).toBe("flow.failed");
    }
  });

  test("an EventSource stops at once at a deleted flow, whatever its last event was", async () => {
    const id = await start();
    await api.harness.finishAll();
    api.harness.advance(10 * 60_000);
    await api.harness.sweep();
    await api.harness.drain();
    const last = (await connect(id)).messages.at(-1)!.id;
    expect((await api.call(OPERATOR, "DELETE", `/v1/flows/${id}`)).status).toBe(204);
    for (const after of [undefined, last, "unknown"]) expect(statuses(await eventSource(id, after))).toEqual([404]);
  });

  test("an EventSource that connects to a reopened flow gets only the events of the new task and the new end, and stops", async () => {
    const id = await ended();
    const end = (await connect(id)).messages.at(-1)!.id;
    api.harness.advance(60_000);
    const root = `${id.replace("flow_", "task_")}_0`;
    const child = (await api.call(OPERATOR, "POST", `/v1/tasks/${root}/actions`, { press: "U1" })).body.id;
    onSleep = () => api.harness.finishAll();
    const connections = await eventSource(id, end);
    expect(statuses(connections)).toEqual([200, 204]);
    const { messages } = connections[0]!;
    expect(messages.map(({ event, data }) => [event, data.data.id])).toEqual([
      ["task.submitted", child],
      ["task.completed", child],
      ["flow.completed", id],
    ]);
  });

  test("an EventSource gets the second end of a flow that was retried, and stops", async () => {
    const id = await start();
    await api.harness.drain();
    await api.harness.post(api.harness.vendor.calls.at(-1)!, "FAILURE", { failReason: "no" });
    await api.harness.drain();
    const end = (await connect(id)).messages.at(-1)!.id;
    expect(end).toMatch(/_flow_failed$/);
    await api.call(OPERATOR, "POST", `/v1/tasks/${id.replace("flow_", "task_")}_0/retry`);
    await api.harness.finishAll();
    const connections = await eventSource(id, end);
    expect(statuses(connections)).toEqual([200, 204]);
    expect(connections[0]!.messages.at(-1)!.id).toMatch(/_flow_completed-2$/);
  });
});

test("neither the stream nor the 204 may be stored", async () => {
  const id = await ended();
  const { headers, messages } = await connect(id);
  const after = await connect(id, messages.at(-1)!.id);
  expect([headers.get("cache-control"), after.headers.get("cache-control")]).toEqual(["no-store", "no-store"]);
  expect([headers.get("content-type"), after.headers.get("content-type")]).toEqual(["text/event-stream", null]);
});

test("a stream whose table fails ends with a log line that names the request, and the client can continue", async () => {
  const id = await start();
  onSleep = async () => {
    api.harness.storeFault.arm("loadFlow", "before");
  };
  const { status, headers } = await connect(id);
  expect(status).toBe(200);
  const line = api.harness.log.map((text) => JSON.parse(text)).find(({ event }) => event === "api.stream-failed");
  expect(line).toMatchObject({ requestId: headers.get("x-request-id"), flow: id });
  onSleep = async () => {
    await api.harness.finishAll();
  };
  expect(statuses(await eventSource(id))).toEqual([200, 204]);
});
