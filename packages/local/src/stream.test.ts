import { once } from "node:events";
import { createServer, get, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { afterEach, expect, test } from "vitest";
import { streamResponse } from "./stream.ts";

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Sends a request and returns the server's response and the client. */
async function open() {
  server = createServer();
  await new Promise<void>((ready) => server!.listen(0, "127.0.0.1", ready));
  const client = get({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" });
  client.on("error", () => {});
  const [, response] = (await once(server, "request")) as [unknown, ServerResponse];
  return { client, response };
}

async function* output(count: number, bytes = 64_000) {
  for (let n = 0; n < count; n++) yield Buffer.alloc(bytes, "x");
}

test("a response is complete when the function has written it", async () => {
  const { client, response } = await open();
  const received = once(client, "response");
  await pipeline(output(3), streamResponse(response));
  const [message] = await received;
  expect(Buffer.concat(await message.toArray()).length).toBe(192_000);
});

test.each([1, 40_000, 65_536, 200_000])(
  "pieces of %s bytes in one turn of the event loop arrive as a whole",
  async (bytes) => {
    const { client, response } = await open();
    const received = once(client, "response");
    const sent = pipeline(output(20, bytes), streamResponse(response));
    const [message] = await received;
    expect(Buffer.concat(await message.toArray()).length).toBe(20 * bytes);
    await sent;
  },
);

test("a response that is complete in one turn is one write to the connection", async () => {
  const { client, response } = await open();
  const received = once(client, "response");
  const { socket } = response;
  let writes = 0;
  const [write, writev] = [socket!._write.bind(socket), socket!._writev!.bind(socket)];
  socket!._write = (...args) => {
    writes++;
    write(...args);
  };
  socket!._writev = (...args) => {
    writes++;
    writev(...args);
  };
  await pipeline(output(3, 100), streamResponse(response));
  const [message] = await received;
  expect(Buffer.concat(await message.toArray()).length).toBe(300);
  expect(writes).toBe(1);
});

test("the head arrives before the first byte of a body that comes later", async () => {
  const { client, response } = await open();
  const received = once(client, "response");
  const stream = streamResponse(response) as ReturnType<typeof streamResponse> & { start(head: object): void };
  stream.start({ statusCode: 203 });
  const [message] = await received;
  expect(message.statusCode).toBe(203);
  stream.end("late");
  expect(String(Buffer.concat(await message.toArray()))).toBe("late");
});

test.each(["before the function writes", "while the function writes"])(
  "a client that hangs up %s causes no error, and the rest of the output is discarded",
  async (when) => {
    const { client, response } = await open();
    const closed = once(response, "close");
    async function* source() {
      if (when.startsWith("while")) yield* output(1);
      client.destroy();
      if (when.startsWith("before")) await closed;
      yield* output(200);
    }
    await expect(pipeline(source(), streamResponse(response))).resolves.toBeUndefined();
  },
);

test("a connection that breaks with the last bytes causes no error", async () => {
  const { response } = await open();
  // The system reports a broken connection only to the write that follows, so its moment cannot be arranged.
  response.end = ((done: (error: Error) => void) => {
    done(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
    return response;
  }) as typeof response.end;
  await expect(pipeline(output(1), streamResponse(response))).resolves.toBeUndefined();
});
