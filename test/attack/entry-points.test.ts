/** The doors of a real house, attacked from outside. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API_KEY, type Json, until } from "../support/spawned.ts";
import { type AttackTarget, createAttackTarget, measureLatency, statusOf } from "./target.ts";

let target: AttackTarget;
beforeAll(async () => {
  target = await createAttackTarget();
}, 30_000);
afterAll(() => target?.stop());

const FIXTURE = readFileSync(
  new URL("../../packages/providers/fixtures/callback-success.plus.json", import.meta.url),
  "utf8",
);
const HEAD = "Host: x\r\nConnection: close\r\n";
const KEY = `Authorization: Bearer ${API_KEY}\r\n`;
/** The connection ended before an answer was read. */
const CUT_OFF = 0;
const ok = (more = "") => `HTTP/1.1\r\n${HEAD}${more}\r\n`;

describe("the API's door", () => {
  const requests: [string, string | Buffer, number[]][] = [
    ["two lengths", `POST /callbacks/x ${ok("Content-Length: 5\r\nContent-Length: 6\r\n")}abcdef`, [400]],
    [
      "a length and chunks, with a second request inside",
      `POST /callbacks/x ${ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")}0\r\n\r\nGET /v1/flows HTTP/1.1\r\n${KEY}\r\n`,
      [400],
    ],
    ["chunks of no length", `POST /v1/flows ${ok("Transfer-Encoding: chunked\r\n")}zz\r\n{}\r\n0\r\n\r\n`, [400]],
    ["a chunked chunking", `POST /v1/flows ${ok("Transfer-Encoding: xchunked, x\r\n")}{}`, [400]],
    ["a line folded into a header", `GET /v1/flows ${ok("X: a\r\n Authorization: Bearer x\r\n")}`, [400, 401]],
    ["a bare line feed", `GET /healthz HTTP/1.1\nHost: x\n\n`, [400]],
    ["no host", "GET /healthz HTTP/1.1\r\n\r\n", [400]],
    ["HTTP/0.9", "GET /v1/flows\r\n\r\n", [400, 401]],
    ["a later HTTP", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [0, 400, 505]],
    ["TLS", Buffer.from("16030100050100000103", "hex"), [400]],
    ["noise", Buffer.from("\u0000\u0001\u0002 nonsense\r\n\r\n"), [400]],
    ["an address of 15 KB", `GET /v1/flows/${"a".repeat(15_000)} ${ok(KEY)}`, [404]],
    ["an address of 100 KB", `GET /v1/flows/${"a".repeat(100_000)} ${ok(KEY)}`, [431]],
    ["a header of 100 KB", `GET /healthz ${ok(`X: ${"a".repeat(100_000)}\r\n`)}`, [431]],
    ["5,000 headers", `GET /healthz ${ok("X: y\r\n".repeat(5_000))}`, [200, 431]],
    ["an address of another host", `GET http://evil.test/v1/flows ${ok()}`, [401, 404]],
    ["an address that climbs", `GET /callbacks/../v1/../../etc/passwd ${ok(KEY)}`, [404]],
    ["an address that climbs in disguise", `GET /v1/flows/%2e%2e%2f%00%ff ${ok(KEY)}`, [404]],
    ["an address that is no UTF-8", `GET /v1/flows/%zz%ff ${ok(KEY)}`, [404]],
    ["a method nobody has", `BREW /v1/flows ${ok(KEY)}`, [400]],
    ["CONNECT", `CONNECT evil.test:443 ${ok()}`, [0, 400, 404]],
    ["TRACE", `TRACE /v1/flows ${ok(KEY)}`, [400, 405]],
    ["PROPFIND", `PROPFIND /v1/flows ${ok(KEY)}`, [405]],
    ["an upgrade", `GET /v1/flows HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n`, [401]],
    ["an expectation nobody meets", `POST /v1/flows ${ok("Expect: 200-ok\r\nContent-Length: 2\r\n")}{}`, [417]],
    ["two keys", `GET /v1/flows ${ok(`Authorization: Bearer wrong\r\n${KEY}`)}`, [401]],
    ["the key as Basic", `GET /v1/flows ${ok(`Authorization: Basic ${API_KEY}\r\n`)}`, [401]],
    ["the key in the address", `GET /v1/flows?key=${API_KEY}&access_token=${API_KEY} ${ok()}`, [401]],
    ["the key in a path", `GET /v1/flows/${API_KEY} ${ok()}`, [401]],
    ["the key as a user", `GET http://x:${API_KEY}@x/v1/flows ${ok()}`, [401]],
    [
      "prototypes for names",
      `GET /healthz?__proto__=1&constructor=2 ${ok("__proto__: x\r\nconstructor: y\r\n")}`,
      [200],
    ],
    ...["br", "gzip", "deflate", "zstd", "x-unknown"].map((encoding): [string, string, number[]] => [
      `a body said to be ${encoding}`,
      `POST /v1/flows ${ok(`${KEY}Content-Type: application/json\r\nContent-Encoding: ${encoding}\r\nContent-Length: 4\r\n`)}\u001f\u0000{}`,
      [400, 415],
    ]),
  ];
  test.each(requests)("%s", async (_, bytes, statuses) => {
    const answer = await target.raw(bytes);
    expect(statuses).toContain(statusOf(answer));
    // One request, one answer: nothing hidden in a body was taken for a request.
    expect(answer.match(/HTTP\/1\.1 \d{3} /g)?.length ?? 0).toBeLessThanOrEqual(1);
    expect(answer).not.toContain(API_KEY);
  });

  test.each([
    ["too deep", `${'{"then":'.repeat(100_000)}1${"}".repeat(100_000)}`],
    ["of prototypes", '{"__proto__":{"provider":"simulator","prompt":"x"}}'],
    ["no UTF-8", "\ud800"],
    ["huge numbers", '{"provider":1e999,"prompt":-0}'],
    ["5 MB", `{"provider":"simulator","prompt":"${"x".repeat(5_000_000)}"}`],
  ])("a plan that is %s is refused, and nothing is made", async (_, body) => {
    const before = (await target.house.call("GET", "/v1/flows")).body;
    const { status } = await target.house.call("POST", "/v1/flows", body);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect((await target.house.call("GET", "/v1/flows")).body).toEqual(before);
  });
});

describe("the callback's door", () => {
  const post = (token: string, body: string | Buffer, type = "application/json") =>
    fetch(`${target.house.url}/callbacks/${token}`, {
      method: "POST",
      body: typeof body === "string" ? body : new Uint8Array(body),
      headers: { "content-type": type },
    }).then((response) => response.status);

  test("the real function answers each hostile body cleanly, and the task is still finished by the truth", async () => {
    const id = await target.house.start({ prompt: "a boat --sim stuck" });
    const token = await target.tokenOf(id);
    const hostile: [string | Buffer, number][] = [
      ["", 400],
      ["null", 400],
      ["[]", 400],
      [FIXTURE.slice(0, 300), 400],
      [Buffer.from([0xff, 0xfe, 0x7b, 0x7d]), 400],
      [Buffer.concat([Buffer.from('{"id":"1","status":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]), 400],
      ["[".repeat(100_000), 400],
      [`{"a":${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}}`, 400],
      ['{"__proto__":{"id":"1","status":"SUCCESS"}}', 400],
      ['{"id":"1","status":"IN_PROGRESS","progress":"99999999999%","constructor":{"prototype":1}}', 200],
      ['{"id":"1","status":"SUCCES"}', 200],
      [`{"id":"1","status":"IN_PROGRESS","maskBase64":"${"A".repeat(5_000_000)}"}`, 200],
    ];
    for (const [body, status] of hostile) {
      expect(await post(token, body), String(body.slice(0, 40))).toBe(status);
      expect(await post(token, body, "application/octet-stream")).toBe(status);
    }
    expect(await post(token, FIXTURE)).toBe(200);
    const flow = await target.house.ended(id);
    expect(flow).toMatchObject({ status: "completed", tasks: [{ status: "SUCCESS", progress: 100 }] });
    expect(JSON.stringify(flow)).not.toContain("AAAA");
  });

  test("10 MB are refused, or cut off, and taken for nothing", async () => {
    const id = await target.house.start({ prompt: "a boat --sim stuck" });
    const token = await target.tokenOf(id);
    for (const body of [
      `{"id":"1","status":"SUCCESS","maskBase64":"${"A".repeat(10_000_000)}"}`,
      Buffer.alloc(10_000_000),
    ]) {
      expect([413, CUT_OFF]).toContain(await post(token, body).catch(() => CUT_OFF));
    }
    expect((await target.house.flow(id)).tasks[0].status).not.toBe("SUCCESS");
  });

  test("no token but the right one moves a task: nothing is counted, nothing is changed", async () => {
    const id = await target.house.start({ prompt: "a boat --sim stuck", progress: false });
    const before = await until(
      () => target.house.flow(id),
      ({ tasks }) => tasks[0].status === "SUBMITTED",
    );
    const token = await target.tokenOf(id);
    const parts = token.split(".");
    const forged = [
      await target.tokenOf(id, "a key of somebody else, as long as ours is"),
      token.slice(0, -1),
      `${token}A`,
      parts.with(3, "0-0").join("."),
      parts.with(7, "1").join("."),
      parts.toSpliced(1, 0, parts[1]!).join("."),
      encodeURIComponent(`${token}\u0000`),
      "x".repeat(5_000),
    ];
    for (const bad of forged) expect([401, 404]).toContain(await post(bad, FIXTURE));
    for (const method of ["GET", "PUT", "DELETE"]) {
      expect((await fetch(`${target.house.url}/callbacks/${token}`, { method })).status).toBe(405);
    }
    const after = await target.house.flow(id);
    const seen = ({ status, duplicates, imageUrl, late }: Json) => ({ status, duplicates, imageUrl, late });
    expect(after.tasks.map(seen)).toEqual(before.tasks.map(seen));
    // And the right one does.
    expect(await post(token, FIXTURE)).toBe(200);
    expect((await target.house.flow(id)).tasks[0].status).toBe("SUCCESS");
  });
});

test("after all of this it is well, and no key, token or callback address was printed", async () => {
  expect(await measureLatency(target.house)).toBeLessThan(2_000);
  const logs = target.logs();
  expect(logs).toContain('"function":"callback"');
  for (const secret of [API_KEY, "/callbacks/", target.read("hook.key").trim()]) expect(logs).not.toContain(secret);
  // A token's own look: version, key id, flow.
  expect(logs).not.toMatch(/1\.[0-9a-f]{6}\.[0-9A-Z]{26}\./);
});
