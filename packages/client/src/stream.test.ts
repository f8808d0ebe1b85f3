import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { configOf } from "./config.ts";
import { type Connection, connect, IDLE_MS, RENEW_MS } from "./stream.ts";
import { Transport } from "./transport.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A connection whose server sends what the test tells it to, with a fetch that ignores abort signals. */
async function connected(signal = new AbortController().signal) {
  let send!: (text: string) => void;
  let isClosed = false;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      send = (text) => controller.enqueue(new TextEncoder().encode(text));
    },
    cancel() {
      isClosed = true;
    },
  });
  const fetch = async () => new Response(body, { headers: { "content-type": "text/event-stream" } });
  const transport = new Transport(configOf({ fetch }));
  const connection = (await connect(transport, "flow_1", { signal })) as Connection;
  return { connection, send, isClosed: () => isClosed };
}

describe("connect", () => {
  test("a connection ends if nothing, not even a keep-alive, arrives for 45 seconds", async () => {
    const { connection, send, isClosed } = await connected();
    const next = connection.messages.next();
    await vi.advanceTimersByTimeAsync(IDLE_MS - 1);
    send(": keep-alive\n\n");
    await vi.advanceTimersByTimeAsync(IDLE_MS - 1);
    expect(isClosed()).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(isClosed()).toBe(true);
    expect((await next).done).toBe(true);
  });

  test("a connection ends after five minutes even if it is active", async () => {
    const { connection, send, isClosed } = await connected();
    const next = connection.messages.next();
    for (let ms = 0; ms < RENEW_MS; ms += 10_000) {
      expect(isClosed()).toBe(false);
      send(": keep-alive\n\n");
      await vi.advanceTimersByTimeAsync(10_000);
    }
    expect(isClosed()).toBe(true);
    expect((await next).done).toBe(true);
    connection.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a connection ends with the caller's signal even if fetch ignores the signal", async () => {
    const controller = new AbortController();
    const { connection, isClosed } = await connected(controller.signal);
    const next = connection.messages.next();
    controller.abort();
    await expect(next).rejects.toMatchObject({ code: "aborted" });
    expect(isClosed()).toBe(true);
  });

  test("a connection that is closed before it is read leaves no timer", async () => {
    const { connection, isClosed } = await connected();
    connection.close();
    expect(isClosed()).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test("a message above the size limit is an unexpected_answer error", async () => {
  const { connection, send } = await connected();
  const next = connection.messages.next();
  send(`data: ${"x".repeat(5 * 1024 * 1024)}`);
  await expect(next).rejects.toMatchObject({ code: "unexpected_answer" });
});
