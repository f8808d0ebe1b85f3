/** Requests to servers that are slow, never finish, break off or send invalid data. */
import { Agent, type IncomingHttpHeaders } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { PostOutcome } from "@mjflow/core/port";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { readResponsePrefix, sendRequest } from "./http-client.ts";
import { createOutbound, type OutboundOptions } from "./outbound.ts";
import { listen, serveHttp } from "./test-internet.ts";

const allow = ["127.0.0.1:*"];
/** Timeout for tests where something other than time must end the request; long enough for a busy machine. */
const AMPLE_MS = 20_000;

const post = (url: string, timeoutMs = AMPLE_MS) => ({ url, headers: {}, body: '{"a":"é"}', timeoutMs });

/** Starts a TCP server. `respond` gets the connection when a complete request head has arrived. */
async function serveBytes(respond: (socket: Socket, request: number) => void): Promise<string> {
  let requests = 0;
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      if (bytes.includes("\r\n\r\n")) respond(socket, ++requests);
    });
  });
  const port = await listen(server);
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
  });
  return `http://127.0.0.1:${port}/hook?token=hidden`;
}

async function read(body: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const piece of body) bytes += piece.length;
  return bytes;
}

const closed = (socket: Socket) => new Promise<void>((resolve) => void socket.on("close", () => resolve()));

describe("response fields", () => {
  /** @returns the outcome of a POST with this response, at Sun, 06 Nov 1994 08:49:37 GMT */
  async function outcomeOf(status: number, headers: Record<string, string>, body = "") {
    const port = await serveHttp((_, response) => response.writeHead(status, headers).end(body));
    const outbound = createOutbound({ allow, now: () => 784_111_777_000 });
    return await outbound.post(post(`http://127.0.0.1:${port}/`));
  }

  test.each([200, 204, 304, 400, 404, 410, 429, 500, 503])("the outcome has the response status %i", async (status) => {
    expect(await outcomeOf(status, {})).toStrictEqual({ kind: "answered", status, body: "", tookMs: 0 });
  });

  test.each([
    ["120", 120_000],
    ["Sun, 06 Nov 1994 08:50:37 GMT", 60_000],
    ["Sun, 06 Nov 1994 08:00:00 GMT", 0],
  ])("the outcome has the time of the Retry-After header %s", async (header, retryAfterMs) => {
    expect(await outcomeOf(503, { "retry-after": header })).toMatchObject({ status: 503, retryAfterMs });
  });

  test("the outcome has abort: true only for webhook-delivery: abort-message", async () => {
    expect(await outcomeOf(400, { "webhook-delivery": "abort-message" })).toMatchObject({ status: 400, abort: true });
    expect(await outcomeOf(400, { "webhook-delivery": "disable" })).not.toHaveProperty("abort");
  });

  test("the outcome has the response body as text", async () => {
    expect(await outcomeOf(422, {}, "no such order: 紙")).toMatchObject({ body: "no such order: 紙" });
  });

  test("the outcome has the duration of the request", async () => {
    let time = 1_000;
    const port = await serveHttp((_, response) => {
      time += 250;
      response.end();
    });
    const outbound = createOutbound({ allow, now: () => time });
    expect(await outbound.post(post(`http://127.0.0.1:${port}/`))).toMatchObject({ tookMs: 250 });
  });

  test("the duration is 0 if the clock was set back", async () => {
    const times = [1_000, 0];
    const port = await serveHttp((_, response) => response.end());
    const outbound = createOutbound({ allow, now: () => times.shift() ?? 0 });
    expect(await outbound.post(post(`http://127.0.0.1:${port}/`))).toMatchObject({ tookMs: 0 });
  });

  test("a download has content type, content length and body", async () => {
    const bytes = Buffer.alloc(300_000, 7);
    const port = await serveHttp((_, response) => {
      response.writeHead(200, { "content-type": "image/png", "content-length": bytes.length }).end(bytes);
    });
    const got = await createOutbound({ allow }).get(`http://127.0.0.1:${port}/`, { timeoutMs: AMPLE_MS });
    expect(got).toMatchObject({ status: 200, contentType: "image/png", contentLength: 300_000 });
    expect(await read(got.body)).toBe(300_000);
  });

  test("a download without headers has no content type and no content length", async () => {
    const port = await serveHttp((_, response) => {
      response.write("a");
      response.end("b");
    });
    const got = await createOutbound({ allow }).get(`http://127.0.0.1:${port}/`, { timeoutMs: AMPLE_MS });
    expect(Object.keys(got)).toEqual(["status", "body"]);
    expect(await read(got.body)).toBe(2);
  });
});

test("a content length of more than 15 digits is left out, because no number can hold it", async () => {
  const url = await serveBytes((socket) =>
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1234567890123456\r\n\r\nx"),
  );
  const got = await createOutbound({ allow }).get(url, { timeoutMs: AMPLE_MS });
  expect(Object.keys(got)).toEqual(["status", "body"]);
  for await (const _ of got.body) break;
});

describe("requests", () => {
  /** Starts a server that keeps method and headers of each request. */
  async function keeper() {
    const kept: { method?: string; headers: IncomingHttpHeaders }[] = [];
    const port = await serveHttp(({ method, headers }, response) => {
      kept.push({ ...(method !== undefined && { method }), headers });
      response.end();
    });
    return { kept, url: `http://127.0.0.1:${port}/`, host: `127.0.0.1:${port}` };
  }

  test("a post has the given headers, the length of its body in bytes and the name of mjflow", async () => {
    const { kept, url, host } = await keeper();
    await createOutbound({ allow }).post({ ...post(url), headers: { "content-type": "application/json" } });
    expect(kept).toEqual([
      {
        method: "POST",
        headers: {
          "user-agent": "mjflow/1",
          "content-type": "application/json",
          "content-length": "10",
          host,
          connection: "keep-alive",
        },
      },
    ]);
  });

  test("a get accepts every type and has no body", async () => {
    const { kept, url, host } = await keeper();
    await read((await createOutbound({ allow }).get(url, { timeoutMs: AMPLE_MS })).body);
    expect(kept).toEqual([
      { method: "GET", headers: { "user-agent": "mjflow/1", accept: "*/*", host, connection: "keep-alive" } },
    ]);
  });
});

describe("limits of a POST response", () => {
  test("a caller that wants the whole response gets as many bytes as it asks for", async () => {
    const port = await serveHttp((_, response) => response.end("x".repeat(9_000)));
    const outbound = createOutbound({ allow });
    const url = `http://127.0.0.1:${port}/`;
    expect(await outbound.post({ ...post(url), bodyBytes: 8_000 })).toMatchObject({ body: "x".repeat(8_000) });
    expect(await outbound.post({ ...post(url), bodyBytes: 9_000 })).toMatchObject({ body: "x".repeat(9_000) });
  });

  test("a body that fills the limit is not waited for", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const url = await serveBytes((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1000\r\n${"y".repeat(4_096)}\r\n`);
    });
    expect(await createOutbound({ allow }).post(post(url))).toMatchObject({ status: 200, body: "y".repeat(4_096) });
  });

  test("half a character before a connection that breaks is omitted", async () => {
    const url = await serveBytes((socket) => {
      socket.write(
        Buffer.concat([Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab"), Buffer.from([0xe2, 0x82])]),
        () => socket.end(),
      );
    });
    expect(await createOutbound({ allow }).post(post(url))).toMatchObject({ status: 200, body: "ab" });
  });

  test.each([4_095, 4_096])("a body of %i bytes is stored completely", async (size) => {
    const port = await serveHttp((_, response) => response.end("x".repeat(size)));
    const outcome = await createOutbound({ allow }).post(post(`http://127.0.0.1:${port}/`));
    expect(outcome).toMatchObject({ kind: "answered", body: "x".repeat(size) });
  });

  test("a very large body is cut at 4 KB, and the rest is not read", async () => {
    const closing = Promise.withResolvers<number>();
    let written = 0;
    const url = await serveBytes((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${2 ** 40}\r\n\r\n`);
      const more = () => {
        while (!socket.destroyed && socket.write(Buffer.alloc(65_536, "x"))) written += 65_536;
      };
      socket.on("drain", more);
      socket.on("close", () => closing.resolve(written));
      more();
    });
    const outcome = await createOutbound({ allow }).post(post(url));
    expect(outcome).toMatchObject({ kind: "answered", status: 200, body: "x".repeat(4_096) });
    // The server could write only until the kernel buffers were full, which is far less than the announced terabyte.
    expect(await closing.promise).toBeLessThan(64 * 2 ** 20);
  });

  test("a body that never ends is cut at 4 KB", async () => {
    const url = await serveBytes((socket) => {
      socket.write("HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\n\r\n");
      socket.write(`1388\r\n${"y".repeat(5_000)}\r\n`);
    });
    expect(await createOutbound({ allow }).post(post(url))).toMatchObject({ status: 500, body: "y".repeat(4_096) });
  });

  test("a character that the limit cuts is omitted", async () => {
    const port = await serveHttp((_, response) => response.end("€".repeat(3_000)));
    const outcome = await createOutbound({ allow }).post(post(`http://127.0.0.1:${port}/`));
    expect(outcome).toMatchObject({ body: "€".repeat(1_365) });
  });

  test("bytes that are not UTF-8 become replacement characters", async () => {
    const port = await serveHttp((_, response) => response.end(Buffer.from([0xff, 0x41, 0xe2])));
    const outcome = await createOutbound({ allow }).post(post(`http://127.0.0.1:${port}/`));
    expect(outcome).toMatchObject({ body: "\ufffdA\ufffd" });
  });
});

describe("time budget", () => {
  /** Ways in which a server stops sending or never finishes its head. */
  const SILENCES: [what: string, (socket: Socket) => void][] = [
    ["no response", () => {}],
    ["half a status line", (socket) => void socket.write("HTTP/1.1 20")],
    ["half a head", (socket) => void socket.write("HTTP/1.1 200 OK\r\ncontent-le")],
    ["one early hint after another", (socket) => drip(socket, "HTTP/1.1 103 Early Hints\r\n\r\n")],
  ];
  /** Ways in which a server stops sending or never finishes its body. */
  const UNFINISHED_BODIES: [what: string, (socket: Socket) => void, body: RegExp][] = [
    ["no body", (socket) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"), /^$/],
    ["half a body", (socket) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"), /^half$/],
    ["a body with no end", (socket) => void socket.write("HTTP/1.1 200 OK\r\n\r\nhalf"), /^half$/],
    [
      "half a chunk",
      (socket) => void socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nhalf"),
      /^half$/,
    ],
    ["a body byte by byte", (socket) => drip(socket, "x", "HTTP/1.1 200 OK\r\ncontent-length: 4000\r\n\r\n"), /^x*$/],
  ];

  function drip(socket: Socket, drop: string, first = "") {
    socket.write(first);
    const timer = setInterval(() => socket.write(drop), 5);
    socket.on("close", () => clearInterval(timer));
  }

  /** Starts a server that counts the connections that the client has closed. */
  async function serveSilence(respond: (socket: Socket) => void) {
    const closing: Promise<void>[] = [];
    const url = await serveBytes((socket) => {
      closing.push(closed(socket));
      respond(socket);
    });
    return { url, allClosed: () => Promise.all(closing) };
  }

  async function expectDownloadTimeout(url: string) {
    const download = createOutbound({ allow }).get(url, { timeoutMs: 60 });
    await expect(download.then(({ body }) => read(body))).rejects.toMatchObject({
      name: "OutboundError",
      kind: "unreachable",
      message: "127.0.0.1: no complete response in time",
    });
  }

  test.each(SILENCES)("post and get end in time if the server sends %s", async (_, respond) => {
    const { url, allClosed } = await serveSilence(respond);
    const outcome = await createOutbound({ allow }).post(post(url, 60));
    expect(outcome).toMatchObject({ kind: "unreachable", why: "127.0.0.1: no complete response in time" });
    await expectDownloadTimeout(url);
    await allClosed();
  });

  test.each(UNFINISHED_BODIES)("a get ends in time if the server sends a head and %s", async (_, respond) => {
    const { url, allClosed } = await serveSilence(respond);
    await expectDownloadTimeout(url);
    await allClosed();
  });

  test.each(UNFINISHED_BODIES)(
    "a post whose response has a head and %s is answered with its status after a second, not after its whole time budget",
    async (_, respond, body) => {
      const { url, allClosed } = await serveSilence(respond);
      useManualTime();
      const budgetMs = 1_000_000_000;
      const outcomes: PostOutcome[] = [];
      const posted = createOutbound({ allow })
        .post(post(url, budgetMs))
        .then((outcome) => outcomes.push(outcome));
      // The head arrives at some turn of the loop. From then on the next second of the clock ends the post.
      let passedMs = 0;
      for (; outcomes.length === 0 && passedMs < budgetMs; passedMs += 1_000) {
        vi.advanceTimersByTime(1_000);
        await new Promise(setImmediate);
      }
      await posted;
      expect(outcomes).toMatchObject([{ kind: "answered", status: 200, body: expect.stringMatching(body) }]);
      expect(passedMs).toBeLessThan(budgetMs);
      await allClosed();
    },
  );

  test("post and get end in time if a name is never resolved", async () => {
    const options: OutboundOptions = { resolve: () => new Promise<never>(() => {}) };
    const url = "https://hooks.example/";
    expect(await createOutbound(options).post(post(url, 20))).toMatchObject({
      kind: "unreachable",
      why: "hooks.example: no complete response in time",
    });
    await expect(createOutbound(options).get(url, { timeoutMs: 20 })).rejects.toMatchObject({ kind: "unreachable" });
  });

  test("a post ends in time if the TLS handshake never starts", async () => {
    const open: Socket[] = [];
    const server = createServer((socket) => void open.push(socket.on("error", () => {})));
    const port = await listen(server);
    onTestFinished(() => open.forEach((socket) => void socket.destroy()));
    expect(await createOutbound({ allow }).post(post(`https://127.0.0.1:${port}/`, 60))).toMatchObject({
      kind: "unreachable",
      why: "127.0.0.1: no complete response in time",
    });
  });

  /** From now on a test advances the time budget itself. Node's internal timers are not affected. */
  function useManualTime() {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
  }

  test("all redirects of a download share one time budget", async () => {
    useManualTime();
    let hops = 0;
    const port = await serveHttp((_, response) => {
      hops += 1;
      vi.advanceTimersByTime(400);
      if (hops < 4) response.writeHead(302, { location: `/${hops}` }).end();
      else response.end();
    });
    const download = createOutbound({ allow }).get(`http://127.0.0.1:${port}/`, { timeoutMs: 1_000 });
    await expect(download).rejects.toMatchObject({ message: "127.0.0.1: no complete response in time" });
    expect(hops).toBe(3);
  });

  test("a download whose body is not read is closed when the time is over", async () => {
    useManualTime();
    const closedByClient = Promise.withResolvers<void>();
    const url = await serveBytes((socket) => {
      socket.on("close", () => closedByClient.resolve());
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
    });
    const { body } = await createOutbound({ allow }).get(url, { timeoutMs: 1_000 });
    vi.advanceTimersByTime(1_000);
    await closedByClient.promise;
    await expect(read(body)).rejects.toMatchObject({
      name: "OutboundError",
      kind: "unreachable",
      message: "127.0.0.1: no complete response in time",
    });
  });

  test("reading a body fails when the time is over", async () => {
    useManualTime();
    const url = await serveBytes((socket) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"));
    const { body } = await createOutbound({ allow }).get(url, { timeoutMs: 1_000 });
    const pieces = body[Symbol.asyncIterator]();
    expect((await pieces.next()).value).toHaveLength(4);
    const next = pieces.next();
    vi.advanceTimersByTime(1_000);
    await expect(next).rejects.toMatchObject({
      kind: "unreachable",
      message: "127.0.0.1: no complete response in time",
    });
  });

  test("a finished request clears its timer", async () => {
    const port = await serveHttp((_, response) => response.end("x"));
    const outbound = createOutbound({ allow, now: () => 0 });
    const url = `http://127.0.0.1:${port}/`;
    const set = vi.spyOn(globalThis, "setTimeout");
    const clear = vi.spyOn(globalThis, "clearTimeout");
    onTestFinished(() => void vi.restoreAllMocks());
    await outbound.post(post(url, 987_654));
    await read((await outbound.get(url, { timeoutMs: 987_654 })).body);
    for await (const _ of (await outbound.get(url, { timeoutMs: 987_654 })).body) break;
    await expect(outbound.get("https://127.0.0.1/x", { timeoutMs: 987_654 })).rejects.toThrow();
    const timersOf = (ms: number) =>
      set.mock.results.filter((_, i) => set.mock.calls[i]![1] === ms).map(({ value }) => value);
    // The time for the start of the response's body.
    expect(timersOf(1_000)).toHaveLength(1);
    expect(timersOf(987_654)).toHaveLength(4);
    const timers = [...timersOf(1_000), ...timersOf(987_654)];
    for (const timer of timers) expect(clear).toHaveBeenCalledWith(timer);
  });
});

describe("broken responses", () => {
  const BREAKS: [what: string, (socket: Socket) => void, why: RegExp][] = [
    ["closed at once", (socket) => void socket.end(), /closed before/],
    ["reset at once", (socket) => void socket.resetAndDestroy(), /closed before/],
    ["closed in the head", (socket) => void socket.end("HTTP/1.1 200 OK\r\ncontent"), /closed before|HPE_/],
    ["not HTTP", (socket) => void socket.end("SSH-2.0-OpenSSH_9.9\r\n"), /HPE_/],
    [
      "a head without end",
      (socket) => void socket.write(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(200_000)}`),
      /HPE_HEADER_OVERFLOW/,
    ],
    [
      "two lengths",
      (socket) => void socket.end("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
      /HPE_/,
    ],
    [
      "another protocol",
      (socket) =>
        void socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"),
      /another protocol/,
    ],
  ];

  const BREAKS_IN_BODY: [what: string, (socket: Socket) => void, body: string][] = [
    [
      "reset after its head",
      (socket) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", () => socket.resetAndDestroy()),
      "",
    ],
    ["closed within its body", (socket) => void socket.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"), "half"],
    [
      "closed within a chunk",
      (socket) => void socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nha"),
      "ha",
    ],
  ];

  test.each(BREAKS_IN_BODY)(
    "a post whose response is %s is answered with its status, and a get fails",
    async (_, respond, body) => {
      const url = await serveBytes(respond);
      expect(await createOutbound({ allow }).post(post(url))).toMatchObject({ kind: "answered", status: 200, body });
      const download = createOutbound({ allow }).get(url, { timeoutMs: AMPLE_MS });
      await expect(download.then(({ body: content }) => read(content))).rejects.toMatchObject({
        kind: "unreachable",
        message: expect.stringMatching(/closed before/),
      });
    },
  );

  test.each(BREAKS)("post and get report unreachable for a broken response: %s", async (_, respond, why) => {
    const url = await serveBytes(respond);
    const outcome = await createOutbound({ allow }).post(post(url));
    expect(outcome).toMatchObject({ kind: "unreachable", why: expect.stringMatching(why) });
    const download = createOutbound({ allow }).get(url, { timeoutMs: AMPLE_MS });
    await expect(download.then(({ body }) => read(body))).rejects.toMatchObject({
      name: "OutboundError",
      kind: "unreachable",
      message: expect.stringMatching(why),
    });
    expect(JSON.stringify(outcome)).not.toMatch(/hidden|token|hook/);
  });

  test("a connection that switches to another protocol is closed", async () => {
    const closing = Promise.withResolvers<void>();
    const url = await serveBytes((socket) => {
      void closed(socket).then(closing.resolve);
      socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    });
    await createOutbound({ allow }).post(post(url));
    await closing.promise;
  });

  test("a post to a closed TCP port is unreachable", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    expect(await createOutbound({ allow }).post(post(`http://127.0.0.1:${port}/x?k=hidden`))).toMatchObject({
      kind: "unreachable",
      why: "127.0.0.1: the connection was refused",
    });
  });

  test("a post to a name that does not exist or has no address is unreachable", async () => {
    const resolve = () => Promise.reject(Object.assign(new Error("queryA hidden"), { code: "ENOTFOUND" }));
    expect(await createOutbound({ resolve }).post(post("https://hooks.example/?k=hidden"))).toMatchObject({
      kind: "unreachable",
      why: "hooks.example: the name does not exist",
    });
    expect(await createOutbound({ resolve: async () => [] }).post(post("https://hooks.example/"))).toMatchObject({
      kind: "unreachable",
      why: "hooks.example: the name has no address",
    });
  });

  test("a post with an invalid header is unreachable, and the reason does not contain the header", async () => {
    const url = await serveBytes((socket) => void socket.end());
    const outcome = await createOutbound({ allow }).post({ ...post(url), headers: { "x-a": "b\r\nhidden: c" } });
    expect(outcome).toMatchObject({ kind: "unreachable" });
    expect(JSON.stringify(outcome)).not.toContain("hidden");
  });

  test("an error has no cause and does not contain the path of the URL", async () => {
    const url = await serveBytes((socket) => void socket.end());
    const error = await createOutbound({ allow })
      .get(url, { timeoutMs: AMPLE_MS })
      .catch((error) => error);
    expect(error.cause).toBeUndefined();
    expect(error.message).not.toMatch(/hidden|token|hook/);
  });
});

describe("keep-alive connections", () => {
  const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

  test("a post is sent again on a new connection if the server closed the keep-alive connection", async () => {
    const url = await serveBytes((socket, request) => {
      if (request === 2) socket.resetAndDestroy();
      else socket.write(OK);
    });
    const outbound = createOutbound({ allow });
    for (let i = 0; i < 2; i++) expect(await outbound.post(post(url))).toMatchObject({ kind: "answered", body: "ok" });
  });

  test.each(["ECONNRESET", "EPIPE"])("a post that fails on a reused connection with %s is sent again", async (code) => {
    const requests: number[] = [];
    const url = await serveBytes((socket, request) => {
      requests.push(request);
      socket.write(OK);
    });
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const reuse = agent.reuseSocket.bind(agent);
    agent.reuseSocket = (socket, request) => {
      reuse(socket, request);
      socket.destroy(Object.assign(new Error("The connection is closed."), { code }));
    };
    for (let i = 0; i < 2; i++) {
      const { signal } = new AbortController();
      const response = await sendRequest({ url: new URL(url), method: "POST", headers: {}, body: "{}", agent }, signal);
      expect(await readResponsePrefix(response, 9, AMPLE_MS)).toBe("ok");
      // The agent takes the connection back after the end of the response.
      await vi.waitUntil(() => Object.keys(agent.freeSockets).length > 0);
    }
    expect(requests).toEqual([1, 2]);
  });

  test("a post on a closed keep-alive connection is sent again only once", async () => {
    const requests: number[] = [];
    const url = await serveBytes((socket, request) => {
      requests.push(request);
      if (request > 1) socket.resetAndDestroy();
      else socket.write(OK);
    });
    const outbound = createOutbound({ allow });
    expect(await outbound.post(post(url))).toMatchObject({ kind: "answered" });
    expect(await outbound.post(post(url))).toMatchObject({ kind: "unreachable" });
    expect(requests).toEqual([1, 2, 3]);
  });

  test("a post is not sent again if an open keep-alive connection returns invalid data", async () => {
    const requests: number[] = [];
    const url = await serveBytes((socket, request) => {
      requests.push(request);
      socket.write(request === 1 ? OK : "nonsense\r\n\r\n");
    });
    const outbound = createOutbound({ allow });
    expect(await outbound.post(post(url))).toMatchObject({ kind: "answered" });
    expect(await outbound.post(post(url))).toMatchObject({ kind: "unreachable", why: expect.stringContaining("HPE_") });
    expect(requests).toEqual([1, 2]);
  });

  test("a post is not sent again if a new connection is reset", async () => {
    const requests: number[] = [];
    const url = await serveBytes((socket, request) => {
      requests.push(request);
      socket.resetAndDestroy();
    });
    expect(await createOutbound({ allow }).post(post(url))).toMatchObject({ kind: "unreachable" });
    expect(requests).toEqual([1]);
  });
});

test("a download that is abandoned early closes its connection", async () => {
  const closedByClient = Promise.withResolvers<void>();
  const url = await serveBytes((socket) => {
    socket.on("close", () => closedByClient.resolve());
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${2 ** 40}\r\n\r\n${"x".repeat(1_000)}`);
  });
  const { body } = await createOutbound({ allow }).get(url, { timeoutMs: AMPLE_MS });
  for await (const _ of body) break;
  await closedByClient.promise;
});
