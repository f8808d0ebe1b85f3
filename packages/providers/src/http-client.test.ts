/** One request to a local server: parsing of the response, and the outcome if there is no response. */
import { createServer as createHttp, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createTcp, type Socket, type Server as TcpServer } from "node:net";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { createHttpClient, type VendorHttpRequest } from "./http-client.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const stop of cleanups.splice(0).reverse()) stop();
});

async function listening<T extends Server | TcpServer>(server: T): Promise<{ server: T; port: number }> {
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return { server, port: (server.address() as AddressInfo).port };
}

/** Starts an HTTP server. @returns its URL and the number of its connections */
async function startHttp(listener: RequestListener) {
  const { server, port } = await listening(createHttp(listener));
  const seen = { connections: 0 };
  server.on("connection", () => seen.connections++);
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${port}/x`, seen };
}

/** Starts a TCP server that handles each connection with `talk`. @returns its URL */
async function startTcp(talk: (socket: Socket) => void, scheme = "http") {
  const sockets: Socket[] = [];
  const { server, port } = await listening(
    createTcp((socket) => {
      sockets.push(socket.on("error", () => {}));
      talk(socket);
    }),
  );
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `${scheme}://127.0.0.1:${port}/x`;
}

const post = (url: string, more: Partial<VendorHttpRequest> = {}): VendorHttpRequest => {
  return { method: "POST", url, headers: {}, body: { a: 1 }, timeoutMs: 5_000, ...more };
};

describe("responses", () => {
  test.each([
    ["gzip", gzipSync],
    ["x-gzip", gzipSync],
    ["deflate", deflateSync],
    ["BR", brotliCompressSync],
    ["identity", (text: string) => Buffer.from(text)],
  ] as const)("a response with encoding %s is decoded", async (encoding, encode) => {
    const body = encode(`{"code":1,"description":"${"é".repeat(5_000)}"}`);
    const { url } = await startHttp((_, response) =>
      response.writeHead(200, { "content-encoding": encoding }).end(body),
    );
    const outcome = await createHttpClient()(post(url));
    expect(outcome).toEqual({ kind: "answered", status: 200, text: `{"code":1,"description":"${"é".repeat(5_000)}"}` });
  });

  test.each([204, 400])(
    "an empty response with status %i and a content-encoding is read as empty text",
    async (status) => {
      const { url } = await startHttp((_, response) =>
        response.writeHead(status, { "content-encoding": "gzip" }).end(),
      );
      expect(await createHttpClient()(post(url))).toEqual({ kind: "answered", status, text: "" });
    },
  );

  test.each([
    ["7", 7_000],
    ["99999999", 3_600_000],
    ["never", undefined],
    ["-1", undefined],
  ])("a Retry-After of %s is read with a limit of one hour", async (header, retryAfterMs) => {
    const { url } = await startHttp((_, response) => response.writeHead(429, { "retry-after": header }).end());
    const outcome = await createHttpClient()(post(url));
    expect(outcome).toMatchObject({ kind: "answered", status: 429 });
    expect(outcome.kind === "answered" && outcome.retryAfterMs).toBe(retryAfterMs);
  });

  test("a request has headers for JSON, compression and content length", async () => {
    const { url } = await startHttp((request, response) => response.end(JSON.stringify(request.headers)));
    const outcome = await createHttpClient()(
      post(url, { headers: { authorization: "Bearer k" }, body: { prompt: "é" } }),
    );
    expect(JSON.parse(outcome.kind === "answered" ? outcome.text : "")).toMatchObject({
      accept: "application/json",
      "accept-encoding": "gzip, br",
      authorization: "Bearer k",
      "content-type": "application/json",
      "content-length": "15",
      "user-agent": "mjflow/1",
    });
  });

  test("a response that never ends is closed at the limit: it is lost, or cut if a partial body is allowed", async () => {
    let closedResponses = 0;
    const { url } = await startHttp((_, response) => {
      const chunk = Buffer.alloc(1 << 20, "x");
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on("drain", more).on("close", () => closedResponses++);
      more();
    });
    const send = createHttpClient();
    expect(await send(post(url))).toEqual({ kind: "lost", reason: "response too large" });
    const part = await send(post(url, { partial: true }));
    expect(part).toMatchObject({ kind: "answered", cut: true });
    expect(part.kind === "answered" && part.text.length).toBeLessThan(10 << 20);
    await expect.poll(() => closedResponses).toBe(2);
  });

  test("a highly compressed response is closed at the limit of its decoded size", async () => {
    const body = gzipSync(Buffer.alloc(64 << 20));
    const { url } = await startHttp((_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(body));
    expect(await createHttpClient()(post(url))).toEqual({ kind: "lost", reason: "response too large" });
  });
});

describe("outcome unsent", () => {
  test("a request to a closed TCP port is unsent", async () => {
    const { server, port } = await listening(createTcp());
    await new Promise((closed) => server.close(closed));
    const outcome = await createHttpClient()(post(`http://127.0.0.1:${port}/x`));
    expect(outcome).toEqual({ kind: "unsent", reason: "ECONNREFUSED" });
  });

  test("an https request to a server without TLS is unsent", async () => {
    const url = await startTcp((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"), "https");
    expect((await createHttpClient()(post(url))).kind).toBe("unsent");
  });

  test("a request is unsent if the TLS handshake does not finish in time", async () => {
    const url = await startTcp(() => {}, "https");
    expect(await createHttpClient()(post(url, { timeoutMs: 50 }))).toEqual({ kind: "unsent", reason: "timeout" });
  });

  test("a request with an invalid header is unsent, and the reason does not contain the header", async () => {
    const { url, seen } = await startHttp((_, response) => response.end());
    const outcome = await createHttpClient()(post(url, { headers: { authorization: "Bearer sk-secret\n" } }));
    expect(outcome.kind).toBe("unsent");
    expect(JSON.stringify(outcome)).not.toContain("sk-secret");
    expect(seen.connections).toBe(0);
  });
});

describe("wrong labels and damaged encodings", () => {
  const body = '{"code":1,"description":"提交成功","result":"1796000010001370"}';
  const labels: [string, string | undefined, Buffer][] = [
    ["deflate without its zlib header", "deflate", deflateRawSync(body)],
    ["gzip without a label", undefined, gzipSync(body)],
    ["gzip under the label br", "br", gzipSync(body)],
    ["plain text under the label gzip", "gzip", Buffer.from(body)],
    ["plain text under the label deflate", "deflate", Buffer.from(body)],
    ["plain text under the label br", "br", Buffer.from(body)],
    ["plain text under the label UTF-8", "UTF-8", Buffer.from(body)],
    ["plain text under the label identity", "identity", Buffer.from(body)],
  ];
  test.each(labels)("the text of a body is read if it is %s", async (_, label, bytes) => {
    const { url } = await startHttp((_, response) =>
      response.writeHead(200, label === undefined ? {} : { "content-encoding": label }).end(bytes),
    );
    expect(await createHttpClient()(post(url))).toEqual({ kind: "answered", status: 200, text: body });
  });

  test("a body of one byte is read", async () => {
    const { url } = await startHttp((_, response) => response.end("x"));
    expect(await createHttpClient()(post(url))).toMatchObject({ text: "x" });
  });

  const GBK = Buffer.from([0xb6, 0xd3, 0xc1, 0xd0, 0xd2, 0xd1, 0xc2, 0xfa]);
  test.each([
    ["declared GBK", "application/json; charset=GBK", GBK, "队列已满"],
    ["declared GBK in quotes", 'text/plain; charset="gbk"', GBK, "队列已满"],
    ["undeclared GBK", "application/json", GBK, "队列已满"],
    ["GBK under the charset utf-8", "application/json; charset=utf-8", GBK, "队列已满"],
    ["an unknown charset", "text/plain; charset=klingon", Buffer.from("é"), "é"],
    ["UTF-8 that declares GBK's lookalike", "text/plain; charset=utf8", Buffer.from("é"), "é"],
    ["a byte order mark", "text/plain", Buffer.from("\ufeff{}"), "{}"],
    ["bytes of no charset", "text/plain", Buffer.from([0x7b, 0xff, 0x7d]), "{\ufffd}"],
  ])("the text of a body is read if it has %s", async (_, contentType, bytes, text) => {
    const { url } = await startHttp((_, response) =>
      response.writeHead(200, { "content-type": contentType }).end(bytes),
    );
    expect(await createHttpClient()(post(url))).toMatchObject({ kind: "answered", text });
  });

  test("the part of a response that came before the connection broke is kept", async () => {
    const url = await startTcp((socket) => socket.once("data", () => socket.end(CUT_SHORT)));
    expect(await createHttpClient()(post(url))).toMatchObject({ kind: "lost", text: expect.any(String) });
  });

  test("a response tells only the headers that a reader needs", async () => {
    const { url } = await startHttp((_, response) =>
      response.writeHead(301, { location: "https://api.test/x", server: "cloudflare", "set-cookie": "secret" }).end(),
    );
    expect(await createHttpClient()(post(url))).toEqual({
      kind: "answered",
      status: 301,
      text: "",
      headers: { location: "https://api.test/x", server: "cloudflare" },
    });
  });
});

describe("outcome lost", () => {
  test.each<[string, (socket: Socket) => void]>([
    ["the server closes without a response", (socket) => socket.once("data", () => socket.end())],
    ["the server resets the connection", (socket) => socket.once("data", () => socket.resetAndDestroy())],
    ["the server closes within the response", (socket) => socket.once("data", () => socket.end(CUT_SHORT))],
    ["the response is not HTTP", (socket) => socket.once("data", () => socket.end("SSH-2.0\r\n"))],
    ["the server switches to another protocol", (socket) => socket.once("data", () => socket.write(UPGRADE))],
  ])("a sent request is lost if %s", async (_, talk) => {
    expect((await createHttpClient()(post(await startTcp(talk)))).kind).toBe("lost");
  });

  test.each<[string, (socket: Socket) => void]>([
    ["no response comes in time", () => {}],
    ["the response is not complete in time", (socket) => socket.once("data", () => socket.write(CUT_SHORT))],
  ])("a sent request is lost if %s", async (_, talk) => {
    const outcome = await createHttpClient()(post(await startTcp(talk), { timeoutMs: 100 }));
    expect(outcome).toMatchObject({ kind: "lost", reason: "timeout" });
  });
});

const CUT_SHORT = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{";
const UPGRADE = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";

describe("keep-alive connections", () => {
  test("a connection is reused within a second, and replaced if it was idle for longer", async () => {
    let now = 0;
    const { url, seen } = await startHttp((request, response) => request.on("end", () => response.end("{}")).resume());
    const send = createHttpClient({ now: () => now });
    await send(post(url));
    now += 1_000;
    await send(post(url));
    expect(seen.connections).toBe(1);
    now += 1_001;
    expect((await send(post(url))).kind).toBe("answered");
    expect(seen.connections).toBe(2);
  });

  test("a request to another vendor does not extend the idle time of a connection", async () => {
    let now = 0;
    const respond: RequestListener = (request, response) => void request.on("end", () => response.end("{}")).resume();
    const [first, second] = [await startHttp(respond), await startHttp(respond)];
    const send = createHttpClient({ now: () => now });
    for (const { url } of [first, second, second, first]) {
      await send(post(url));
      now += 700;
    }
    expect([first.seen.connections, second.seen.connections]).toEqual([2, 1]);
  });

  test("a connection with a slow response is never closed as idle", async () => {
    let now = 0;
    const started = Promise.withResolvers<() => void>();
    const { url } = await startHttp((_, response) => {
      if (now > 0) response.end("{}");
      else started.resolve(() => response.end("{}"));
    });
    const send = createHttpClient({ now: () => now });
    const slow = send(post(url));
    const finish = await started.promise;
    now += 60_000;
    expect((await send(post(url))).kind).toBe("answered");
    finish();
    expect((await slow).kind).toBe("answered");
  });
});
