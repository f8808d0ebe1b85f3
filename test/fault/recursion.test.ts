/**
 * Lambda's detection of recursive loops, replayed. Lambda gives each invocation a trace id whose `Lineage` counts the
 * invocations of one chain. The SDK sends this id with every message, and SQS returns it with the message. After about 16
 * invocations Lambda drops the chain's next one. Here the SDK's own SQS client sends to a queue that stores its header.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { parseMessage } from "@mjflow/core/message";
import type { SubmitOutcome } from "@mjflow/core/port";
import { createImageSemaphore } from "@mjflow/engine/image-semaphore";
import { handleSubmitMessage } from "@mjflow/engine/submit";
import { sweep } from "@mjflow/engine/sweep";
import { createSqsQueue } from "@mjflow/queue/sqs";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { queueClient } from "../support/emulator/client.ts";
import { createTestHarness, type TestHarness } from "../support/harness.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Longest chain that mjflow may build, and the longest that Lambda runs. */
const CHAIN_MAX = 8;
const LAMBDA_MAX = 16;

interface Stored {
  body: string;
  lineage: number;
  visibleAt: number;
}

let server: Server;
let endpoint: string;
let stored: Stored[];
let now = () => 0;

/** A queue with SQS's protocol that stores the lineage of the trace id of each request. */
beforeEach(async () => {
  stored = [];
  server = createServer(async (request, response) => {
    const { Entries } = JSON.parse(await bodyOf(request)) as {
      Entries: { Id: string; MessageBody: string; DelaySeconds?: number }[];
    };
    const lineage = Number(/Lineage=1:\w+:(\d+)/.exec(String(request.headers["x-amzn-trace-id"]))?.[1] ?? 0);
    for (const { MessageBody: body, DelaySeconds = 0 } of Entries)
      stored.push({ body, lineage, visibleAt: now() + DelaySeconds * 1_000 });
    const Successful = Entries.map(({ Id, MessageBody }) => {
      return { Id, MessageId: Id, MD5OfMessageBody: createHash("md5").update(MessageBody).digest("hex") };
    });
    response.writeHead(200, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify({ Successful }));
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks = await request.toArray();
  return Buffer.concat(chunks).toString();
}

/** Runs the Submit and the Sweep function for `hours`, as Lambda would. */
async function run(harness: TestHarness, hours: number, more: object = {}) {
  now = harness.deps.clock.now;
  const client = queueClient(endpoint);
  const url = () => `${endpoint}/queue`;
  const queue = createSqsQueue({ client: async () => client, urls: { submit: url, deliver: url, archive: url } });
  const deps = { ...harness.deps, queue, ...more };
  let [longest, dropped] = [0, 0];
  async function invoke(lineage: number, work: () => Promise<unknown>): Promise<void> {
    vi.stubEnv("AWS_LAMBDA_FUNCTION_NAME", "Submit");
    vi.stubEnv(
      "_X_AMZN_TRACE_ID",
      `Root=1-5759e988-bd862e3fe1be46a994272793${lineage > 0 ? `;Lineage=1:a87bd80c:${lineage}` : ""}`,
    );
    await work();
  }
  for (const end = now() + hours * HOUR; now() < end; ) {
    await invoke(0, () => sweep(deps));
    const minuteEnd = now() + MINUTE;
    for (;;) {
      const next = stored.toSorted((a, b) => a.visibleAt - b.visibleAt)[0];
      if (!next || next.visibleAt >= minuteEnd) break;
      stored.splice(stored.indexOf(next), 1);
      harness.advance(Math.max(0, next.visibleAt - now()));
      const lineage = next.lineage + 1;
      longest = Math.max(longest, lineage);
      if (lineage > LAMBDA_MAX) dropped++;
      else await invoke(lineage, () => handleSubmitMessage(deps, parseMessage(next.body)));
    }
    harness.advance(minuteEnd - now());
  }
  client.destroy();
  return { longest, dropped };
}

const busy: SubmitOutcome = { kind: "busy", reason: "the queue is full" };

/** Starts a flow, and hands the message of its root to the queue as the API would, without a lineage. */
async function start(harness: TestHarness, request: object) {
  const flow = await harness.start(request);
  for (const { body, receiptHandle } of harness.queue.receive(10)) {
    stored.push({ body, lineage: 0, visibleAt: harness.deps.clock.now() });
    harness.queue.delete(receiptHandle);
  }
  return flow;
}

test("a task waits six hours for a busy vendor in chains of at most 8 messages, and none is dropped", async () => {
  const harness = createTestHarness();
  for (let i = 0; i < 3_000; i++) harness.vendor.next(busy);
  const flow = await start(harness, { mode: "relax" });
  const { longest, dropped } = await run(harness, 6.5);
  expect(dropped).toBe(0);
  expect(longest).toBeGreaterThan(4);
  expect(longest).toBeLessThanOrEqual(CHAIN_MAX);
  expect(harness.vendor.calls.length).toBeGreaterThan(100);
  expect((await harness.read(flow)).tasks.get("0")).toMatchObject({
    status: "EXPIRED",
    failure: { code: "vendor_busy" },
  });
});

test("a task waits an hour for memory for its image in chains of at most 8 messages, and is then submitted", async () => {
  const harness = createTestHarness();
  const imageSemaphore = createImageSemaphore(1);
  imageSemaphore.tryAcquire();
  await start(harness, { base64Array: ["data:image/png;base64,AAAA"], mode: "relax" });
  const waiting = await run(harness, 1, { imageSemaphore });
  expect(waiting.dropped).toBe(0);
  expect(waiting.longest).toBeGreaterThan(4);
  expect(waiting.longest).toBeLessThanOrEqual(CHAIN_MAX);
  expect(harness.vendor.calls).toEqual([]);
  imageSemaphore.release();
  await run(harness, 0.1, { imageSemaphore });
  expect(harness.vendor.calls).toHaveLength(1);
});
