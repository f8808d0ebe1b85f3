/**
 * Fault 25: a thousand idle or very slow connections. `test/attack/load.test.ts` checks that the server keeps working
 * with them. This test checks that the server closes them, each kind by its own timeout.
 */
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { API_KEY, type SpawnedServer, spawnServer } from "../support/spawned.ts";

let server: SpawnedServer;
beforeAll(async () => {
  server = await spawnServer();
}, 30_000);
afterAll(() => server?.stop());

interface Connection {
  kind: string;
  socket: Socket;
  /** The bytes that the server had sent when it closed the connection. */
  ended: Promise<string>;
}

const POST = `POST /v1/flows HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${API_KEY}\r\nContent-Type: application/json\r\n`;

const IDLE = "keeps a connection without a further request";
/** First bytes of a connection, and the bytes it then repeats; both may be empty. */
const KINDS: Record<string, [first: string, more: string]> = {
  "sends nothing": ["", ""],
  "stops within its head": ["GET /healthz HTTP/1.1\r\nHo", ""],
  "never ends its head": ["GET /healthz HTTP/1.1\r\nX: ", "x"],
  "never ends its headers": ["GET /healthz HTTP/1.1\r\n", "X: y\r\n"],
  "never ends its body": [`${POST}Content-Length: 100000\r\n\r\n{"prompt":"`, "x"],
  "never ends its chunks": [`${POST}Transfer-Encoding: chunked\r\n\r\n`, "1\r\nx\r\n"],
  [IDLE]: ["GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", ""],
  "never ends its callback body": ["POST /callbacks/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n", "x"],
};
const CONNECTIONS = 1_000;
const TRICKLE_MS = 500;

test("the server closes a thousand slow or idle connections, and flows complete meanwhile", async () => {
  const kinds = Object.keys(KINDS);
  const before = (await server.call("GET", "/v1/flows")).body;
  const connections = await Promise.all(Array.from({ length: CONNECTIONS }, (_, n) => open(kinds[n % kinds.length]!)));
  const trickle = setInterval(() => {
    for (const { kind, socket } of connections) if (socket.writable && KINDS[kind]![1]) socket.write(KINDS[kind]![1]);
  }, TRICKLE_MS);
  try {
    const flow = await server.ended(await server.start({ then: [{ press: "U1" }] }));
    expect(flow.status).toBe("completed");
    const statusesByKind = new Map(kinds.map((kind) => [kind, new Set<string>()]));
    for (const { kind, ended } of connections) statusesByKind.get(kind)!.add(statusIn(await ended));
    for (const [kind, statuses] of statusesByKind) {
      // A write to a connection that the server has just closed resets it, and a response that was not yet read is
      // lost.
      if (KINDS[kind]![1]) statuses.delete("none");
      // A malformed callback token is rejected before the body is read.
      const rejected = kind === "never ends its callback body" ? "401" : "408";
      expect([kind, ...statuses]).toEqual([kind, kind === IDLE ? "200" : rejected]);
    }
    expect((await server.call("GET", "/v1/flows")).body.data).toHaveLength(before.data.length + 1);
  } finally {
    clearInterval(trickle);
    for (const { socket } of connections) socket.destroy();
  }
}, 150_000);

function statusIn(text: string): string {
  return /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? "none";
}

function open(kind: string): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: Number(new URL(server.url).port), host: "127.0.0.1" }, () => {
      socket.write(KINDS[kind]![0]);
      resolve({ kind, socket, ended });
    });
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
    });
    socket.once("error", reject);
    socket.on("error", () => {});
    const ended = new Promise<string>((close) => socket.once("close", () => close(text)));
  });
}
