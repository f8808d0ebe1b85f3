/** One request: what is read of its answer, and what is known where none came. The other end is on loopback. */
import { createServer as createHttp, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createTcp, type Socket, type Server as TcpServer } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { createHttpClient, type VendorHttpRequest } from "./http-client.ts";

const undo: (() => void)[] = [];
afterEach(() => {
  for (const stop of undo.splice(0).reverse()) stop();
});

async function listening<T extends Server | TcpServer>(server: T): Promise<{ server: T; port: number }> {
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return { server, port: (server.address() as AddressInfo).port };
}

/** @returns its address, and how many connections were made to it */
async function web(listener: RequestListener) {
  const { server, port } = await listening(createHttp(listener));
  const seen = { connections: 0 };
  server.on("connection", () => seen.connections++);
  undo.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${port}/x`, seen };
}

/** Whatever it does with a line. */
async function line(talk: (socket: Socket) => void, scheme = "http") {
  const sockets: Socket[] = [];
  const { server, port } = await listening(
    createTcp((socket) => {
      sockets.push(socket.on("error", () => {}));
      talk(socket);
    }),
  );
  undo.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `${scheme}://127.0.0.1:${port}/x`;
}

const post = (url: string, more: Partial<VendorHttpRequest> = {}): VendorHttpRequest => {
  return { method: "POST", url, headers: {}, body: { a: 1 }, timeoutMs: 5_000, ...more };
};

describe("an answer", () => {
  test.each([
    ["gzip", gzipSync],
    ["x-gzip", gzipSync],
    ["deflate", deflateSync],
    ["BR", brotliCompressSync],
    ["identity", (text: string) => Buffer.from(text)],
  ] as const)("in %s is read as what it says", async (encoding, packed) => {
    const body = packed(`{"code":1,"description":"${"é".repeat(5_000)}"}`);
    const { url } = await web((_, response) => response.writeHead(200, { "content-encoding": encoding }).end(body));
    const answer = await createHttpClient()(post(url));
    expect(answer).toEqual({ kind: "answered", status: 200, text: `{"code":1,"description":"${"é".repeat(5_000)}"}` });
  });

  test.each([204, 400])(
    "with nothing in it is read as nothing, whatever it claims to be packed in: %i",
    async (status) => {
      const { url } = await web((_, response) => response.writeHead(status, { "content-encoding": "gzip" }).end());
      expect(await createHttpClient()(post(url))).toEqual({ kind: "answered", status, text: "" });
    },
  );

  test.each([
    ["7", 7_000],
    ["99999999", 3_600_000],
    ["never", undefined],
    ["-1", undefined],
  ])("says when to come back, an hour at most: %s", async (header, retryAfterMs) => {
    const { url } = await web((_, response) => response.writeHead(429, { "retry-after": header }).end());
    const answer = await createHttpClient()(post(url));
    expect(answer).toMatchObject({ kind: "answered", status: 429 });
    expect(answer.kind === "answered" && answer.retryAfterMs).toBe(retryAfterMs);
  });

  test("is asked for as JSON, packed or not, with what is sent counted", async () => {
    const { url } = await web((request, response) => response.end(JSON.stringify(request.headers)));
    const answer = await createHttpClient()(
      post(url, { headers: { authorization: "Bearer k" }, body: { prompt: "é" } }),
    );
    expect(JSON.parse(answer.kind === "answered" ? answer.text : "")).toMatchObject({
      accept: "application/json",
      "accept-encoding": "gzip, deflate, br",
      authorization: "Bearer k",
      "content-type": "application/json",
      "content-length": "15",
      "user-agent": "mjflow/1",
    });
  });

  test("that has no end is left: lost, or read as far as that where a part will do", async () => {
    let hungUp = 0;
    const { url } = await web((_, response) => {
      const chunk = Buffer.alloc(1 << 20, "x");
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on("drain", more).on("close", () => hungUp++);
      more();
    });
    const ask = createHttpClient();
    expect(await ask(post(url))).toEqual({ kind: "lost", reason: "answer too large" });
    const part = await ask(post(url, { partial: true }));
    expect(part).toMatchObject({ kind: "answered", cut: true });
    expect(part.kind === "answered" && part.text.length).toBeLessThan(10 << 20);
    await expect.poll(() => hungUp).toBe(2);
  });

  test("packed a thousandfold is left just as well", async () => {
    const body = gzipSync(Buffer.alloc(64 << 20));
    const { url } = await web((_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(body));
    expect(await createHttpClient()(post(url))).toEqual({ kind: "lost", reason: "answer too large" });
  });
});

describe("nothing was sent, and that is certain", () => {
  test("where nobody listens", async () => {
    const { server, port } = await listening(createTcp());
    await new Promise((closed) => server.close(closed));
    const answer = await createHttpClient()(post(`http://127.0.0.1:${port}/x`));
    expect(answer).toEqual({ kind: "unsent", reason: "ECONNREFUSED" });
  });

  test("where what answers speaks no TLS", async () => {
    const url = await line((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"), "https");
    expect((await createHttpClient()(post(url))).kind).toBe("unsent");
  });

  test("where TLS is never agreed on", async () => {
    const url = await line(() => {}, "https");
    expect(await createHttpClient()(post(url, { timeoutMs: 50 }))).toEqual({ kind: "unsent", reason: "timeout" });
  });

  test("where a header cannot be written, and no word of it is told", async () => {
    const { url, seen } = await web((_, response) => response.end());
    const answer = await createHttpClient()(post(url, { headers: { authorization: "Bearer sk-secret\n" } }));
    expect(answer.kind).toBe("unsent");
    expect(JSON.stringify(answer)).not.toContain("sk-secret");
    expect(seen.connections).toBe(0);
  });
});

describe("nobody knows", () => {
  test.each<[string, (socket: Socket) => void]>([
    ["when the line is closed without a word", (socket) => socket.once("data", () => socket.end())],
    ["when it breaks", (socket) => socket.once("data", () => socket.resetAndDestroy())],
    ["when it breaks within the answer", (socket) => socket.once("data", () => socket.end(CUT_SHORT))],
    ["when the answer is no HTTP", (socket) => socket.once("data", () => socket.end("SSH-2.0\r\n"))],
    ["when it wants to go on in another protocol", (socket) => socket.once("data", () => socket.write(UPGRADE))],
    ["when what is packed cannot be unpacked", (socket) => socket.once("data", () => socket.end(NO_GZIP))],
  ])("%s", async (_, talk) => {
    expect((await createHttpClient()(post(await line(talk)))).kind).toBe("lost");
  });

  test.each<[string, (socket: Socket) => void]>([
    ["when no answer comes in time", () => {}],
    ["when it does not come to its end in time", (socket) => socket.once("data", () => socket.write(CUT_SHORT))],
  ])("%s", async (_, talk) => {
    const answer = await createHttpClient()(post(await line(talk), { timeoutMs: 100 }));
    expect(answer).toEqual({ kind: "lost", reason: "timeout" });
  });
});

const CUT_SHORT = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{";
const UPGRADE = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
const NO_GZIP = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}";

describe("a connection", () => {
  test("is kept for the next, and not trusted any more when nobody has used it for a second", async () => {
    let now = 0;
    const { url, seen } = await web((request, response) => request.on("end", () => response.end("{}")).resume());
    const ask = createHttpClient({ now: () => now });
    await ask(post(url));
    now += 1_000;
    await ask(post(url));
    expect(seen.connections).toBe(1);
    now += 1_001;
    expect((await ask(post(url))).kind).toBe("answered");
    expect(seen.connections).toBe(2);
  });

  test("is not trusted for longer because another vendor was asked meanwhile", async () => {
    let now = 0;
    const answering: RequestListener = (request, response) => void request.on("end", () => response.end("{}")).resume();
    const [one, other] = [await web(answering), await web(answering)];
    const ask = createHttpClient({ now: () => now });
    for (const { url } of [one, other, other, one]) {
      await ask(post(url));
      now += 700;
    }
    expect([one.seen.connections, other.seen.connections]).toEqual([2, 1]);
  });

  test("under an answer that takes its time is left alone, however long it takes", async () => {
    let now = 0;
    const begun = Promise.withResolvers<() => void>();
    const { url } = await web((_, response) => {
      if (now > 0) response.end("{}");
      else begun.resolve(() => response.end("{}"));
    });
    const ask = createHttpClient({ now: () => now });
    const slow = ask(post(url));
    const finish = await begun.promise;
    now += 60_000;
    expect((await ask(post(url))).kind).toBe("answered");
    finish();
    expect((await slow).kind).toBe("answered");
  });
});
