/** Attacks on the entry points of a running local server, from outside. */
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
/** Status used when the connection ended before a response was read. */
const CUT_OFF = 0;
const ok = (more = "") => `HTTP/1.1\r\n${HEAD}${more}\r\n`;

describe("the API entry point", () => {
  const requests: [string, string | Buffer, number[]][] = [
    [
      "two Content-Length headers",
      `POST /callbacks/x ${ok("Content-Length: 5\r\nContent-Length: 6\r\n")}abcdef`,
      [400],
    ],
    [
      "a length and chunks, with a second request inside",
      `POST /callbacks/x ${ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")}0\r\n\r\nGET /v1/flows HTTP/1.1\r\n${KEY}\r\n`,
      [400],
    ],
    ["chunks without a length", `POST /v1/flows ${ok("Transfer-Encoding: chunked\r\n")}zz\r\n{}\r\n0\r\n\r\n`, [400]],
    ["an unknown transfer encoding", `POST /v1/flows ${ok("Transfer-Encoding: xchunked, x\r\n")}{}`, [400]],
    ["a folded header line", `GET /v1/flows ${ok("X: a\r\n Authorization: Bearer x\r\n")}`, [400, 401]],
    ["a bare line feed", `GET /healthz HTTP/1.1\nHost: x\n\n`, [400]],
    ["no Host header", "GET /healthz HTTP/1.1\r\n\r\n", [400]],
    ["two Host headers", `GET /healthz ${ok("Host: y\r\n")}`, [400]],
    ["the version HTTP/0.9", "GET /v1/flows\r\n\r\n", [400, 401]],
    ["the version HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [0, 400, 505]],
    ["a TLS handshake", Buffer.from("16030100050100000103", "hex"), [400]],
    ["random bytes", Buffer.from("\u0000\u0001\u0002 nonsense\r\n\r\n"), [400]],
    ["a URL of 15 KB", `GET /v1/flows/${"a".repeat(15_000)} ${ok(KEY)}`, [404]],
    ["a URL of 100 KB", `GET /v1/flows/${"a".repeat(100_000)} ${ok(KEY)}`, [431]],
    ["a header of 100 KB", `GET /healthz ${ok(`X: ${"a".repeat(100_000)}\r\n`)}`, [431]],
    ["5,000 headers", `GET /healthz ${ok("X: y\r\n".repeat(5_000))}`, [200, 431]],
    ["a URL of another host", `GET http://evil.test/v1/flows ${ok()}`, [401, 404]],
    ["parent folders in the path", `GET /callbacks/../v1/../../etc/passwd ${ok(KEY)}`, [404]],
    ["encoded parent folders in the path", `GET /v1/flows/%2e%2e%2f%00%ff ${ok(KEY)}`, [404]],
    ["a path that is not UTF-8", `GET /v1/flows/%zz%ff ${ok(KEY)}`, [404]],
    ["an unknown method", `BREW /v1/flows ${ok(KEY)}`, [400]],
    ["the method CONNECT", `CONNECT evil.test:443 ${ok()}`, [0, 400, 404]],
    ["the method TRACE", `TRACE /v1/flows ${ok(KEY)}`, [405]],
    ["the method GET and a body", `GET /v1/flows ${ok(`${KEY}Content-Length: 4\r\n`)}null`, [200]],
    [
      "the method GET and a body in chunks",
      `GET /healthz ${ok("Transfer-Encoding: chunked\r\n")}2\r\n{}\r\n0\r\n\r\n`,
      [200],
    ],
    ["the method HEAD and a body", `HEAD /v1/flows ${ok(`${KEY}Content-Length: 2\r\n`)}{}`, [200]],
    ["the method GET, a body and no key", `GET /v1/flows ${ok("Content-Length: 2\r\n")}{}`, [401]],
    ["the method PROPFIND", `PROPFIND /v1/flows ${ok(KEY)}`, [405]],
    [
      "an Upgrade header",
      `GET /v1/flows HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n`,
      [401],
    ],
    ["an unknown Expect header", `POST /v1/flows ${ok("Expect: 200-ok\r\nContent-Length: 2\r\n")}{}`, [417]],
    ["two API keys", `GET /v1/flows ${ok(`Authorization: Bearer wrong\r\n${KEY}`)}`, [401]],
    ["the API key as Basic authorization", `GET /v1/flows ${ok(`Authorization: Basic ${API_KEY}\r\n`)}`, [401]],
    ["the API key in the query", `GET /v1/flows?key=${API_KEY}&access_token=${API_KEY} ${ok()}`, [401]],
    ["the API key in the path", `GET /v1/flows/${API_KEY} ${ok()}`, [401]],
    ["the API key as a password in the URL", `GET http://x:${API_KEY}@x/v1/flows ${ok()}`, [401]],
    [
      "names of prototype properties",
      `GET /healthz?__proto__=1&constructor=2 ${ok("__proto__: x\r\nconstructor: y\r\n")}`,
      [200],
    ],
    ...["br", "gzip", "deflate", "zstd", "x-unknown"].map((encoding): [string, string, number[]] => [
      `the Content-Encoding ${encoding} for another body`,
      `POST /v1/flows ${ok(`${KEY}Content-Type: application/json\r\nContent-Encoding: ${encoding}\r\nContent-Length: 4\r\n`)}\u001f\u0000{}`,
      [400, 415],
    ]),
  ];
  test("URL and headers may have 16 KB together, as the API document says; above that the response is 431 without a body", async () => {
    const limit = 16 * 1_024;
    const requestOf = (bytes: number) => {
      const rest = ` ${ok(KEY)}`;
      const start = "GET /v1/flows?state=";
      return `${start}${"%20".repeat((bytes - start.length - rest.length) / 3)}${rest}`;
    };
    // Room for the state of 4,096 characters in its longest form, `%20`, and 4 KB of other headers.
    expect(statusOf(await target.raw(requestOf(12 * 1_024 + 1_000)))).toBe(200);
    expect(statusOf(await target.raw(requestOf(limit - 200)))).toBe(200);
    const response = await target.raw(requestOf(limit + 200));
    expect(statusOf(response)).toBe(431);
    expect(response.split("\r\n\r\n")[1]).toBe("");
    expect(readFileSync(new URL("../../docs/openapi.json", import.meta.url), "utf8")).toContain(
      "URL and headers are together at most 16 KB; above that the response is 431 without a body.",
    );
  });

  test.each(requests)("a request with %s gets at most one, expected response", async (_, bytes, statuses) => {
    const response = await target.raw(bytes);
    expect(statuses).toContain(statusOf(response));
    // A second response would mean that a part of the body was read as another request.
    expect(response.match(/HTTP\/1\.1 \d{3} /g)?.length ?? 0).toBeLessThanOrEqual(1);
    expect(response).not.toContain(API_KEY);
  });

  test.each([
    ["deep nesting", `${'{"then":'.repeat(100_000)}1${"}".repeat(100_000)}`],
    ["prototype properties", '{"__proto__":{"provider":"simulator","prompt":"x"}}'],
    ["invalid Unicode", "\ud800"],
    ["huge numbers", '{"provider":1e999,"prompt":-0}'],
    ["a prompt of 5 MB", `{"provider":"simulator","prompt":"${"x".repeat(5_000_000)}"}`],
  ])("a flow request with %s is rejected and creates no flow", async (_, body) => {
    const before = (await target.server.call("GET", "/v1/flows")).body;
    const { status } = await target.server.call("POST", "/v1/flows", body);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect((await target.server.call("GET", "/v1/flows")).body).toEqual(before);
  });
});

describe("the callback entry point", () => {
  const post = (token: string, body: string | Buffer, type = "application/json") =>
    fetch(`${target.server.url}/callbacks/${token}`, {
      method: "POST",
      body: typeof body === "string" ? body : new Uint8Array(body),
      headers: { "content-type": type },
    }).then((response) => response.status);

  test("each hostile body gets a 200 or 400 response, and a genuine callback still ends the task", async () => {
    const id = await target.server.start({ prompt: "a boat --sim stuck" });
    const token = await target.tokenOf(id);
    const hostile: [string | Buffer, number][] = [
      ["", 400],
      ["null", 400],
      ["[]", 400],
      [FIXTURE.slice(0, 300), 400],
      [Buffer.from([0xff, 0xfe, 0x7b, 0x7d]), 400],
      // Bytes of no charset in a task object: the id is readable, and an unknown status is recorded.
      [Buffer.concat([Buffer.from('{"id":"1","status":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]), 200],
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
    const flow = await target.server.ended(id);
    expect(flow).toMatchObject({ status: "completed", tasks: [{ status: "SUCCESS", progress: 100 }] });
    expect(JSON.stringify(flow)).not.toContain("AAAA");
  });

  test("a callback of 10 MB gets 413 or a closed connection and changes nothing", async () => {
    const id = await target.server.start({ prompt: "a boat --sim stuck" });
    const token = await target.tokenOf(id);
    for (const body of [
      `{"id":"1","status":"SUCCESS","maskBase64":"${"A".repeat(10_000_000)}"}`,
      Buffer.alloc(10_000_000),
    ]) {
      expect([413, CUT_OFF]).toContain(await post(token, body).catch(() => CUT_OFF));
    }
    expect((await target.server.flow(id)).tasks[0].status).not.toBe("SUCCESS");
  });

  test("a callback with any token except the valid one changes nothing", async () => {
    const id = await target.server.start({ prompt: "a boat --sim stuck", progress: false });
    const before = await until(
      () => target.server.flow(id),
      ({ tasks }) => tasks[0].status === "SUBMITTED",
    );
    const token = await target.tokenOf(id);
    const parts = token.split(".");
    const forged = [
      await target.tokenOf(id, "a key of another deployment, as long as ours"),
      token.slice(0, -1),
      `${token}A`,
      parts.with(3, "0-0").join("."),
      parts.with(7, "1").join("."),
      parts.toSpliced(1, 0, parts[1]!).join("."),
      encodeURIComponent(`${token}\u0000`),
      "x".repeat(5_000),
    ];
    for (const invalid of forged) expect([401, 404]).toContain(await post(invalid, FIXTURE));
    for (const method of ["GET", "PUT", "DELETE"]) {
      expect((await fetch(`${target.server.url}/callbacks/${token}`, { method })).status).toBe(405);
    }
    const after = await target.server.flow(id);
    const seen = ({ status, duplicates, imageUrl, late }: Json) => ({ status, duplicates, imageUrl, late });
    expect(after.tasks.map(seen)).toEqual(before.tasks.map(seen));
    // The valid token still works, also through a proxy that sends the absolute form of the request target.
    const proxied = `POST http://proxy.test/callbacks/${token} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n`;
    expect(
      statusOf(await target.raw(`${proxied}Content-Length: ${Buffer.byteLength(FIXTURE)}\r\n\r\n${FIXTURE}`)),
    ).toBe(200);
    expect(await post(token, FIXTURE)).toBe(200);
    expect((await target.server.flow(id)).tasks[0].status).toBe("SUCCESS");
  });
});

test("after all attacks the server is healthy and has printed no key, token or callback URL", async () => {
  expect(await measureLatency(target.server)).toBeLessThan(2_000);
  const logs = target.logs();
  expect(logs).toContain('"function":"callback"');
  for (const secret of [API_KEY, "/callbacks/", target.read("hook.key").trim()]) expect(logs).not.toContain(secret);
  // The pattern is the start of a callback token: version, key id, flow id.
  expect(logs).not.toMatch(/1\.[0-9a-f]{6}\.[0-9A-Z]{26}\./);
});
