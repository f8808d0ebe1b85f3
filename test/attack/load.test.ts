/** Weight and patience as weapons: large bodies, slow ones, and lines that say nothing. */

import { Agent, request } from "node:http";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AttackTarget, createAttackTarget, measureLatency, memoryOf } from "./target.ts";

/** 2,000 hostile posts are 66 rounds. */
const POSTS = 30 * Number(process.env["MJFLOW_CHAOS_ROUNDS"] ?? 2);
const AT_ONCE = 6;
const GROWTH_MB = 80;

let target: AttackTarget;
beforeAll(async () => {
  target = await createAttackTarget();
}, 30_000);
afterAll(() => target?.stop());

test("a thousand idle lines and a hundred slow bodies: it answers at once, and its own clocks will end them", async () => {
  const lines = await Promise.all(Array.from({ length: 1_100 }, (_, n) => open(n)));
  const alive = () => lines.filter((line) => !line.destroyed && line.readyState === "open").length;
  const waits: number[] = [];
  for (let i = 0; i < 10; i++) waits.push(await measureLatency(target.house));
  expect(alive()).toBe(1_100);
  expect(waits.toSorted((a, b) => a - b)[5]).toBeLessThan(250);
  await target.house.call("GET", "/healthz?limits");
  for (const line of lines) line.destroy();
  const { headersTimeout, requestTimeout, keepAliveTimeout } = JSON.parse(target.read("limits.json"));
  expect(headersTimeout).toBeGreaterThan(0);
  expect(headersTimeout).toBeLessThanOrEqual(15_000);
  expect(requestTimeout).toBeGreaterThan(0);
  expect(requestTimeout).toBeLessThanOrEqual(60_000);
  expect(keepAliveTimeout).toBeGreaterThan(0);
  expect(keepAliveTimeout).toBeLessThanOrEqual(15_000);

  /** Most say nothing, or half a head; every eleventh promises a body and sends a little of it. */
  function open(n: number): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const line = connect({ port: target.port, host: "127.0.0.1" }, () => {
        if (n % 11 === 0) line.write("POST /callbacks/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n{");
        else if (n % 2 === 0) line.write("GET /healthz HTTP/1.1\r\nHo");
        resolve(line);
      });
      line.once("error", reject);
    });
  }
});

test("memory stays flat under hostile megabytes", async () => {
  const id = await target.house.start({ prompt: "a boat --sim stuck" });
  const token = await target.tokenOf(id);
  await hostile(POSTS / 2);
  const warm = memoryOf(target.house);
  const answers = await hostile(POSTS);
  const grown = memoryOf(target.house) - warm;
  console.log(`${POSTS} posts: ${warm.toFixed(0)} MB, ${grown.toFixed(0)} more`, answers);
  expect(Object.keys(answers).toSorted()).toEqual(["200", "400", "401", "413"]);
  expect(grown).toBeLessThan(GROWTH_MB);
  expect(await measureLatency(target.house)).toBeLessThan(2_000);

  /** In turn: nobody's token, bytes, a mask, and one that is too long and does not say so. */
  async function hostile(count: number): Promise<Record<string, number>> {
    const agent = new Agent({ keepAlive: true });
    const answers: Record<string, number> = {};
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
        answers[status] = (answers[status] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, sender));
    agent.destroy();
    return answers;
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
