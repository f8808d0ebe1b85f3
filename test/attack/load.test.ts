/** Attacks by load: large bodies, slow bodies and idle connections. */

import { Agent, request } from "node:http";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AttackTarget, createAttackTarget, measureLatency, memoryOf } from "./target.ts";

/** Number of hostile posts; 66 rounds send about 2,000. */
const POSTS = 30 * Number(process.env["MJFLOW_CHAOS_ROUNDS"] ?? 2);
const CONCURRENCY = 6;
const GROWTH_MB = 80;

let target: AttackTarget;
beforeAll(async () => {
  target = await createAttackTarget();
}, 30_000);
afterAll(() => target?.stop());

test("the server responds quickly under 1,000 idle connections and 100 slow bodies, and has timeouts", async () => {
  const sockets = await Promise.all(Array.from({ length: 1_100 }, (_, n) => open(n)));
  const alive = () => sockets.filter((socket) => !socket.destroyed && socket.readyState === "open").length;
  const latencies: number[] = [];
  for (let i = 0; i < 10; i++) latencies.push(await measureLatency(target.server));
  expect(alive()).toBe(1_100);
  expect(latencies.toSorted((a, b) => a - b)[5]).toBeLessThan(250);
  await target.server.call("GET", "/healthz?limits");
  for (const socket of sockets) socket.destroy();
  const { headersTimeout, requestTimeout, keepAliveTimeout } = JSON.parse(target.read("limits.json"));
  expect(headersTimeout).toBeGreaterThan(0);
  expect(headersTimeout).toBeLessThanOrEqual(15_000);
  expect(requestTimeout).toBeGreaterThan(0);
  expect(requestTimeout).toBeLessThanOrEqual(60_000);
  // Above the 60 s of the usual proxies: who closes first decides whether a request meets a closed connection.
  expect(keepAliveTimeout).toBeGreaterThan(60_000);
  expect(keepAliveTimeout).toBeLessThanOrEqual(90_000);

  /** Most connections send nothing or half a request head. Every eleventh announces a body and sends a part of it. */
  function open(n: number): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: target.port, host: "127.0.0.1" }, () => {
        if (n % 11 === 0) socket.write("POST /callbacks/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n{");
        else if (n % 2 === 0) socket.write("GET /healthz HTTP/1.1\r\nHo");
        resolve(socket);
      });
      socket.once("error", reject);
    });
  }
});

test("the memory of the server grows by less than 80 MB under large hostile bodies", async () => {
  const id = await target.server.start({ prompt: "a boat --sim stuck" });
  const token = await target.tokenOf(id);
  await hostile(POSTS / 2);
  const warm = memoryOf(target.server);
  const statuses = await hostile(POSTS);
  const grown = memoryOf(target.server) - warm;
  console.log(`${POSTS} posts: ${warm.toFixed(0)} MB, ${grown.toFixed(0)} MB more`, statuses);
  expect(Object.keys(statuses).toSorted()).toEqual(["200", "400", "401", "413"]);
  expect(grown).toBeLessThan(GROWTH_MB);
  expect(await measureLatency(target.server)).toBeLessThan(2_000);

  /**
   * Sends in turn: an invalid token, a body without JSON, a mask, and a body that is too long and has no
   * Content-Length.
   */
  async function hostile(count: number): Promise<Record<string, number>> {
    const agent = new Agent({ keepAlive: true });
    const counts: Record<string, number> = {};
    let next = 0;
    const sender = async () => {
      while (next < count) {
        const n = next++;
        const size = 1_000_000 + ((n * 977_317) % 5_000_000);
        const status = await [
          () =>
            send(
              agent,
              token.replace(/.$/, (last) => (last === "A" ? "E" : "A")),
              MEGABYTES.subarray(0, size),
            ),
          () => send(agent, token, MEGABYTES.subarray(0, size)),
          () => send(agent, token, mask(size)),
          () => send(agent, token, MEGABYTES.subarray(0, 6_500_000)),
        ][n % 4]!();
        counts[status] = (counts[status] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, sender));
    agent.destroy();
    return counts;
  }
}, 300_000);

const MEGABYTES = Buffer.alloc(6_500_000, "A");
const mask = (size: number) => {
  const body = Buffer.from(MEGABYTES.subarray(0, size));
  body.write('{"id":"1","status":"IN_PROGRESS","maskBase64":"');
  body.write('"}', size - 2);
  return body;
};

function send(agent: Agent, token: string, body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "transfer-encoding": "chunked" };
    const path = `/callbacks/${token}`;
    const sent = request({ agent, host: "127.0.0.1", port: target.port, path, method: "POST", headers }, (response) => {
      response.resume().once("end", () => resolve(response.statusCode!));
    });
    sent.once("error", reject);
    sent.end(body);
  });
}
