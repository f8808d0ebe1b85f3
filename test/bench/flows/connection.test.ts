import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createConnectionPool, type PoolOptions } from "./connection.ts";
import { jsonRequest } from "./http-wire.ts";

const RESPONSE = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Starts a server that handles each request by `onRequest`, with the number of the request on its connection, from 1. */
async function startServer(onRequest: (socket: Socket, number: number) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let number = 0;
    socket.on("data", () => onRequest(socket, ++number));
    socket.on("error", () => {});
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Sends two requests on one connection, one after the other, and returns the second response or the error. */
function sendTwo(host: string, options: PoolOptions): Promise<string> {
  return new Promise((resolve) => {
    const pool = createConnectionPool(host, (error) => resolve(error.message), options);
    onTestFinished(() => pool.close());
    const connection = pool.take();
    const request = jsonRequest({ method: "POST", host, path: "/" });
    connection.send(request, () => connection.send(request, ({ body }) => resolve(body)));
  });
}

const closesSecond = (socket: Socket, number: number) => (number === 1 ? socket.write(RESPONSE) : socket.destroy());

test("a request that meets the end of an idle connection is sent once more, if it may arrive twice", async () => {
  expect(await sendTwo(await startServer(closesSecond), { resends: true })).toBe("ok");
  expect(await sendTwo(await startServer(closesSecond), {})).toContain("ended before the response");
});

test("a request is not sent again if a new connection ends, or after the first byte of its response", async () => {
  expect(await sendTwo(await startServer((socket) => socket.destroy()), { resends: true })).toContain("ended before");
  const partial = (socket: Socket, number: number) => (number === 1 ? socket.write(RESPONSE) : socket.end("HTTP/1.1"));
  expect(await sendTwo(await startServer(partial), { resends: true })).toContain("ended before the response");
});

test("a pool that is closed while a response is missing reports no error", async () => {
  const errors: string[] = [];
  const arrived = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const host = await startServer((socket) => {
    socket.once("close", () => ended.resolve());
    arrived.resolve();
  });
  const pool = createConnectionPool(host, (error) => errors.push(error.message));
  pool.take().send(jsonRequest({ method: "GET", host, path: "/" }), () => expect.unreachable());
  await arrived.promise;
  pool.close();
  await ended.promise;
  await new Promise(setImmediate);
  expect(errors).toEqual([]);
});

test("as many connections are in use as the limit says, and the others have their turns in order", async () => {
  const host = await startServer((socket) => socket.write(RESPONSE));
  const pool = createConnectionPool(host, (error) => expect.unreachable(error.message), { limit: 2 });
  onTestFinished(() => pool.close());
  const order: number[] = [];
  let [used, most] = [0, 0];
  const one = (number: number) =>
    new Promise<void>((done) =>
      pool.whenFree((connection) => {
        order.push(number);
        most = Math.max(most, ++used);
        connection.send(jsonRequest({ method: "GET", host, path: "/" }), () => {
          used--;
          connection.release();
          done();
        });
      }),
    );
  await Promise.all([0, 1, 2, 3, 4, 5].map(one));
  expect(order).toEqual([0, 1, 2, 3, 4, 5]);
  expect(most).toBe(2);
});
