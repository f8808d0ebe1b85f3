import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BusError, createEventBus } from "./bus.ts";

let server: Server;
let endpoint: string;
let calls: { target: string; body: { Entries: Record<string, unknown>[] } }[];
let response: object;

/** A server with EventBridge's protocol: one POST with JSON 1.1, the operation in a header. */
beforeEach(async () => {
  process.env["AWS_REGION"] = "us-east-1";
  process.env["AWS_ACCESS_KEY_ID"] = "test";
  process.env["AWS_SECRET_ACCESS_KEY"] = "test";
  calls = [];
  response = { FailedEntryCount: 0, Entries: [{ EventId: "1" }] };
  server = createServer((request, reply) => {
    let text = "";
    request.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on("end", () => {
      calls.push({ target: String(request.headers["x-amz-target"]), body: JSON.parse(text) });
      reply.writeHead(200, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(response));
    });
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

const event = { id: "evt_1", type: "task.completed" as const, at: Date.UTC(2026, 10, 21), detail: '{"id":"evt_1"}' };

test("an event is sent as one entry with the bus, our source, its type, its time and its body", async () => {
  await createEventBus({ name: "mjflow-events", endpoint }).put(event);
  expect(calls).toEqual([
    {
      target: "AWSEvents.PutEvents",
      body: {
        Entries: [
          {
            EventBusName: "mjflow-events",
            Source: "mjflow",
            DetailType: "task.completed",
            Time: event.at / 1_000,
            Detail: '{"id":"evt_1"}',
          },
        ],
      },
    },
  ]);
});

test("a rejected entry is an error, although the response has status 200", async () => {
  response = { FailedEntryCount: 1, Entries: [{ ErrorCode: "ThrottlingException", ErrorMessage: "slow down" }] };
  const put = createEventBus({ name: "b", endpoint }).put(event);
  await expect(put).rejects.toThrow(BusError);
  await expect(put).rejects.toThrow("ThrottlingException");
});
