import type { IncomingMessage, ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { answerDropped } from "./dropped-callbacks.ts";
import { close, listen, portOf } from "./listener.ts";

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

const OK = Object.freeze({
  statusCode: 200,
  headers: Object.freeze({ "content-type": "application/json" }),
  body: '{"code":1,"description":"ok"}',
});
const STEP = '{"status":"IN_PROGRESS"}';
const END = '{"status":"SUCCESS"}';

interface Served {
  method: string | undefined;
  url: string | undefined;
  body: string;
}

/** A server that drops steps, and a client with one connection. Node answers all that it gets, with the same response. */
async function scene() {
  const served: Served[] = [];
  const dropped: string[] = [];
  const held: (() => void)[] = [];
  const server = await listen(0, "127.0.0.1");
  cleanUp.push(() => close(server, 0));
  let holds = false;
  const drop = (token: string, body: string) => {
    if (body !== STEP) return false;
    dropped.push(token);
    return true;
  };
  answerDropped(server, { drop, DROPPED: OK });
  server.removeAllListeners("checkContinue");
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    served.push({ method: request.method, url: request.url, body });
    const answer = () => response.writeHead(200, { ...OK.headers, "content-length": OK.body.length }).end(OK.body);
    if (holds) held.push(answer);
    else answer();
  };
  server.off("request", server.listeners("request")[0] as () => void);
  server.on("request", (request, response) => void serve(request, response).catch(() => response.destroy()));
  const socket = await open(portOf(server));
  let received = "";
  const waiting: { count: number; resolve(text: string): void }[] = [];
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
    while (waiting[0] && received.split(OK.body).length > waiting[0].count) {
      waiting.shift()!.resolve(received);
      received = "";
    }
  });
  /** Resolves with the responses. */
  const responses = (count = 1) => new Promise<string>((resolve) => waiting.push({ count, resolve }));
  const send = async (bytes: string, count = 1) => {
    const answered = responses(count);
    socket.write(bytes);
    return answered;
  };
  /** A request that Node serves; then steps can be dropped. */
  const first = () => send(post(END));
  return {
    server,
    socket,
    served,
    dropped,
    send,
    first,
    responses,
    hold: () => {
      holds = true;
    },
    release: () => {
      for (const answer of held.splice(0).reverse()) answer();
    },
    held,
  };
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1" });
    cleanUp.push(() => socket.destroy());
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
}

function post(body: string, fields = "", start = "POST /callbacks/1.token HTTP/1.1\r\nHost: 127.0.0.1:80\r\n"): string {
  return `${start}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`;
}

const withoutDate = (text: string) => text.replace(/Date: [^\r]+/, "Date");

describe("a callback that is dropped", () => {
  test("gets the same response as from Node, and Node builds no request of it", async () => {
    const { first, send, served, dropped } = await scene();
    const byNode = await first();
    for (let i = 0; i < 45; i++) expect(withoutDate(await send(post(STEP)))).toBe(withoutDate(byNode));
    expect(dropped).toHaveLength(45);
    expect(served).toHaveLength(1);
  });

  test("is left to Node if it is the first of its connection, whose time limit Node then ends", async () => {
    const { send, served, dropped } = await scene();
    await send(post(STEP));
    expect([served.length, dropped.length]).toEqual([1, 0]);
    await send(post(STEP));
    expect([served.length, dropped.length]).toEqual([1, 1]);
  });

  test("follows and precedes callbacks that are not dropped on the same connection", async () => {
    const { send, served, dropped } = await scene();
    for (const body of [STEP, STEP, END, STEP, END, END, STEP]) await send(post(body));
    expect(served.map(({ body }) => body)).toEqual([STEP, END, END, END]);
    expect(dropped).toHaveLength(3);
  });

  test("is read with the head of its own task", async () => {
    const { first, send, dropped } = await scene();
    await first();
    for (const token of ["1.a", "1.b", "1.b", "1.a"]) await send(post(STEP).replace("1.token", token));
    expect(dropped).toEqual(["1.a", "1.b", "1.b", "1.a"]);
  });
});

describe("Node reads everything else", () => {
  const plain = "POST /callbacks/1.token HTTP/1.1\r\nHost: 127.0.0.1:80\r\n";
  const chunked = `${plain}Transfer-Encoding: chunked\r\n\r\n18\r\n${STEP}\r\n0\r\n\r\n`;
  test.each([
    ["a body in chunks", chunked, { body: STEP }],
    ["a connection that the client closes", post(STEP, "Connection: close\r\n"), { body: STEP }],
    ["a compressed body", post(STEP, "Content-Encoding: gzip\r\n"), { body: STEP }],
    ["another charset", post(STEP).replace("json", "json; charset=gbk"), { body: STEP }],
    ["a protocol to change to", post(STEP, "Upgrade: websocket\r\n"), { body: STEP }],
    ["a query", post(STEP).replace("1.token", "1.token?a=b"), { url: "/callbacks/1.token?a=b" }],
    ["an absolute target", post(STEP).replace(" /", " http://127.0.0.1:80/"), { body: STEP }],
    ["another path", post(STEP).replace("callbacks", "v1"), { url: "/v1/1.token" }],
    ["another method", post(STEP).replace("POST", "PUT"), { method: "PUT" }],
    ["two hosts", post(STEP, "Host: other.test\r\n"), { body: STEP }],
    ["a host that is none", post(STEP).replace("127.0.0.1:80", "a b"), { body: STEP }],
    ["bytes outside of ASCII", post(STEP, "X-Name: \u00e9\r\n"), { body: STEP }],
    ["an older version of HTTP", post(STEP, "Connection: keep-alive\r\n").replace("1.1", "1.0"), { body: STEP }],
  ])("%s", async (_, bytes, expected) => {
    const { first, send, served, dropped } = await scene();
    await first();
    await send(bytes);
    expect(served.at(-1)).toMatchObject(expected);
    expect([served.length, dropped.length]).toEqual([2, 0]);
  });

  test.each([
    ["a length that is given twice", post(STEP, `Content-Length: ${STEP.length}\r\n`)],
    ["a length and chunks", post(STEP, "Transfer-Encoding: chunked\r\n")],
    ["a length that is no number", post(STEP).replace(/Length: \d+/, "Length: 1x")],
    ["a blank before the colon", post(STEP, "X-Name : 1\r\n")],
  ])("%s: Node refuses it and ends the connection", async (_, bytes) => {
    const { first, socket, dropped } = await scene();
    await first();
    const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    socket.resume().write(bytes);
    await ended;
    expect(dropped).toEqual([]);
  });

  test("a body that comes in a packet of its own, and all that follows on this connection", async () => {
    const { first, send, socket, responses, served, dropped } = await scene();
    await first();
    const whole = post(STEP);
    const answered = responses();
    socket.write(whole.slice(0, -STEP.length));
    await new Promise((resolve) => setImmediate(resolve));
    socket.write(STEP);
    await answered;
    await send(post(STEP));
    expect(served.map(({ body }) => body)).toEqual([END, STEP, STEP]);
    expect(dropped).toEqual([]);
  });

  test("several requests in one packet, in their order", async () => {
    const { first, send, served, dropped } = await scene();
    await first();
    await send(post(STEP) + post(END) + post(STEP), 3);
    expect(served.map(({ body }) => body)).toEqual([END, STEP, END, STEP]);
    expect(dropped).toEqual([]);
  });

  test("a step that comes before the response to the callback before it, which is answered first", async () => {
    const { first, socket, responses, served, dropped, hold, release, held } = await scene();
    await first();
    hold();
    const answered = responses(2);
    socket.write(post(END));
    while (held.length < 1) await new Promise((resolve) => setImmediate(resolve));
    socket.write(post(STEP));
    // Node reads the second request, and holds its response back until the first one has left.
    while (held.length < 2) await new Promise((resolve) => setImmediate(resolve));
    release();
    await answered;
    expect(served.map(({ body }) => body)).toEqual([END, END, STEP]);
    expect(dropped).toEqual([]);
  });

  test("half a head that goes on like a callback", async () => {
    const { first, send, socket, served, dropped } = await scene();
    await first();
    socket.write("POST /v1/flows HTTP/1.1\r\nHost: here\r\nX-Rest: ");
    await new Promise((resolve) => setImmediate(resolve));
    const rest = post(STEP);
    await send(rest);
    expect(served.map(({ url }) => url)).toEqual(["/callbacks/1.token", "/v1/flows"]);
    expect(dropped).toEqual([]);
  });
});

test("a stop closes a connection whose callbacks were dropped", async () => {
  const { first, send, socket, server } = await scene();
  await first();
  await send(post(STEP));
  const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await close(server, 60_000);
  await ended;
});

test("responses that the client does not read are not held in memory: Node stops reading from it", async () => {
  const { first, socket, server } = await scene();
  await first();
  const own = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const other = await open(portOf(server));
  const ofServer = await own;
  const answered = new Promise((resolve) => other.once("data", resolve));
  other.write(post(END));
  await answered;
  other.pause();
  // More than the buffers of the system hold of both directions.
  for (let i = 0; i < 400 && other.writableLength < 1_000_000; i++) {
    for (let j = 0; j < 100; j++) other.write(post(STEP));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(ofServer.writableLength).toBeLessThan(100_000);
  expect(socket.destroyed).toBe(false);
});
