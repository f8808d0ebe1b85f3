import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { encodeClaims } from "@mjflow/core/callback-token";
import { afterEach, expect, test } from "vitest";
import { type BodyReaderOptions, continueLate, createBodyReader, needsBody } from "./body-budget.ts";

const MB = 1024 * 1024;

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A server that answers with the length of the body when the test has released it. */
async function serve(options: BodyReaderOptions = {}) {
  const reader = createBodyReader(options);
  const used: { length: number; release(): void }[] = [];
  let waiting: (() => void) | undefined;
  server = createServer((request, response) => {
    const use = async (body: Buffer) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      used.push({ length: body.length, release: resolve });
      waiting?.();
      await promise;
      response.end(String(body.length));
    };
    reader.read(request, response, use).catch(() => response.destroy());
  });
  await new Promise<void>((ready) => server!.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    /** Waits until the function has this number of bodies. */
    async held(count: number) {
      while (used.length < count) await new Promise<void>((next) => (waiting = next));
      return used;
    },
    post(bytes: number, headers: Record<string, string> = {}): Promise<[number, string | undefined, string]> {
      const sent = request({ port, host: "127.0.0.1", method: "POST", headers });
      sent.end(Buffer.alloc(bytes));
      return once(sent, "response").then(async ([response]: IncomingMessage[]) => [
        response!.statusCode!,
        response!.headers["retry-after"],
        Buffer.concat(await response!.toArray()).toString(),
      ]);
    },
  };
}

test("a body in one packet with its head needs no listener, and one in pieces is whole", async () => {
  const reader = createBodyReader();
  /** Most listeners of the body, by its text. */
  const listeners = new Map<string, number>();
  const waiting: (() => void)[] = [];
  server = createServer((request, response) => {
    let most = 0;
    request.on("newListener", (event) => {
      if (event === "data") most++;
      for (const next of waiting.splice(0)) next();
    });
    const use = async (body: Buffer) => {
      listeners.set(String(body), most);
      response.end(String(body));
    };
    reader.read(request, response, use).catch(() => response.destroy());
  });
  await new Promise<void>((ready) => server!.listen(0, "127.0.0.1", ready));
  const socket = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" });
  const head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n";
  const answer = async () => String((await once(socket, "data"))[0]).split("\r\n\r\n")[1];
  const first = answer();
  socket.write(`${head}123456`);
  expect(await first).toBe("123456");
  // The same connection, so the one before is at its end.
  const isRead = new Promise<void>((next) => waiting.push(next));
  socket.write(`${head}abc`);
  await isRead;
  const second = answer();
  socket.write("def");
  expect(await second).toBe("abcdef");
  // Two requests in one packet.
  socket.write(`${head}654321${head}fedcba`);
  let text = "";
  while (!text.endsWith("fedcba")) text += String((await once(socket, "data"))[0]);
  expect(text).toMatch(/\r\n\r\n654321HTTP/);
  expect([listeners.get("123456"), listeners.get("654321"), listeners.get("abcdef")]).toEqual([0, 0, 1]);
  socket.destroy();
});

test("bodies above the budget get 503 with Retry-After, and the budget is free again when the function has ended", async () => {
  const { post, held } = await serve({ budgetBytes: 8 * MB });
  const [first, second] = [post(3 * MB), post(3 * MB, { "transfer-encoding": "chunked" })];
  const bodies = await held(2);
  const [status, retryAfter, text] = await post(3 * MB);
  expect([status, retryAfter, JSON.parse(text).code]).toEqual([503, "2", "overloaded"]);
  // Small bodies need no budget.
  const small = post(60_000);
  await held(3);
  for (const { release } of bodies) release();
  expect((await Promise.all([first, second, small])).map(([code]) => code)).toEqual([200, 200, 200]);
  const again = post(6 * MB);
  (await held(4))[3]!.release();
  expect((await again)[2]).toBe(String(6 * MB));
});

test("a body that was rejected releases its part of the budget", async () => {
  const { port, post, held } = await serve({ budgetBytes: 6 * MB });
  for (let round = 0; round < 3; round++) {
    expect((await post(6 * MB + 1, { "transfer-encoding": "chunked" }))[0]).toBe(413);
    const accepted = once(server!, "connection") as Promise<[Socket]>;
    const client = connect({ port, host: "127.0.0.1" });
    client.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6000000\r\n\r\n");
    const [socket] = await accepted;
    const gone = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    client.write(Buffer.alloc(3 * MB), () => client.destroy());
    await gone;
  }
  const last = post(5 * MB);
  (await held(1))[0]!.release();
  expect((await last)[0]).toBe(200);
});

test("a body that stops is answered with 408, and the connection is closed", async () => {
  const { port } = await serve({ stallMs: 20 });
  const socket = connect({ port, host: "127.0.0.1" });
  socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf");
  expect(Buffer.concat(await socket.toArray()).toString()).toMatch(/^HTTP\/1\.1 408 .*connection: close/s);
});

test("100 Continue is sent only when the body is read", async () => {
  const reader = createBodyReader();
  server = createServer();
  continueLate(server, (request, response) => {
    if (request.url === "/refused") response.writeHead(401).end();
    else void reader.read(request, response, async (body) => void response.end(String(body.length)));
  });
  await new Promise<void>((ready) => server!.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  const open = (path: string): Socket => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n`);
    return socket;
  };
  expect(Buffer.concat(await open("/refused").toArray()).toString()).toMatch(/^HTTP\/1\.1 401 .*connection: close/is);
  const socket = open("/read");
  socket.once("data", () => socket.write("body"));
  expect(Buffer.concat(await socket.toArray()).toString()).toMatch(
    /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 .*\r\n\r\n4$/s,
  );
});

test("only requests that their head can allow need a body", () => {
  const token = `${encodeClaims({
    keyId: "k1",
    flowId: "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD",
    path: "0",
    attempt: 1,
    provider: "simulator",
    account: "default",
    expiresAt: 1_900_000_000_000,
    progress: false,
    calling: false,
  })}.${"a".repeat(43)}`;
  const needs = (path: string, headers: Record<string, string> = {}) => needsBody(path, { headers });
  expect([needs("/v1/flows"), needs("/mj/submit/imagine"), needs("/callbacks/x"), needs("/callbacks/")]).toEqual(
    Array(4).fill(false),
  );
  expect(needs("/v1/flows", { authorization: "" })).toBe(false);
  expect(needs("/v1/flows", { authorization: "Bearer k" })).toBe(true);
  expect(needs("/mj/submit/imagine", { "mj-api-secret": "k" })).toBe(true);
  const cookie = "theme=dark; mjflow-session-4600=mjs_x";
  expect(needs("/v1/flows", { cookie, "mjflow-session": "cookie" })).toBe(true);
  // The browser adds the cookie to a form of another page on this machine, too.
  expect(needs("/v1/flows", { cookie })).toBe(false);
  expect(needs("/v1/flows", { cookie: "theme=dark" })).toBe(false);
  expect([needs(`/callbacks/${token}`), needs(`/callbacks/${token}/`), needs(`/callbacks/${token}?a`)]).toEqual(
    Array(3).fill(true),
  );
  expect(needs(`/callbacks/${token}x`, { authorization: "Bearer k" })).toBe(false);
});
