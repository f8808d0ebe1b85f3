import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { configOf } from "./config.ts";
import { type Connection, connect, IDLE_MS, RENEW_MS } from "./stream.ts";
import { Transport } from "./transport.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A connection whose server says what it is told to, and whose fetch knows nothing of signals. */
async function connected(signal = new AbortController().signal) {
  let say!: (text: string) => void;
  let isClosed = false;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      say = (text) => controller.enqueue(new TextEncoder().encode(text));
    },
    cancel() {
      isClosed = true;
    },
  });
  const fetch = async () => new Response(body, { headers: { "content-type": "text/event-stream" } });
  const transport = new Transport(configOf({ fetch }));
  const connection = (await connect(transport, "flow_1", { signal })) as Connection;
  return { connection, say, isClosed: () => isClosed };
}

describe("a connection ends", () => {
  test("when nothing came for 45 seconds; heartbeats count", async () => {
    const { connection, say, isClosed } = await connected();
    const next = connection.messages.next();
    await vi.advanceTimersByTimeAsync(IDLE_MS - 1);
    say(": still here\n\n");
    await vi.advanceTimersByTimeAsync(IDLE_MS - 1);
    expect(isClosed()).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(isClosed()).toBe(true);
    expect((await next).done).toBe(true);
  });

  test("after five minutes, however lively it is", async () => {
    const { connection, say, isClosed } = await connected();
    const next = connection.messages.next();
    for (let ms = 0; ms < RENEW_MS; ms += 10_000) {
      expect(isClosed()).toBe(false);
      say(": still here\n\n");
      await vi.advanceTimersByTimeAsync(10_000);
    }
    expect(isClosed()).toBe(true);
    expect((await next).done).toBe(true);
    connection.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("with the caller's signal, though the platform's fetch forgets it", async () => {
    const controller = new AbortController();
    const { connection, isClosed } = await connected(controller.signal);
    const next = connection.messages.next();
    controller.abort();
    await expect(next).rejects.toMatchObject({ code: "aborted" });
    expect(isClosed()).toBe(true);
  });

  test("when it is closed before it was read, leaving no timer", async () => {
    const { connection, isClosed } = await connected();
    connection.close();
    expect(isClosed()).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test("a message too large for any flow is an error, not a full memory", async () => {
  const { connection, say } = await connected();
  const next = connection.messages.next();
  say(`data: ${"x".repeat(5 * 1024 * 1024)}`);
  await expect(next).rejects.toMatchObject({ code: "unexpected_answer" });
});
