import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { type Handler, serveFunctionUrl } from "./lambda.ts";

const FROZEN_HEADERS = Object.freeze({ "x-a": "1" });

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  vi.restoreAllMocks();
});

async function serve(handler: Handler, timeoutS = 5): Promise<string> {
  server = createServer((request, response) => void serveFunctionUrl("f", handler, timeoutS, request, response));
  await new Promise<void>((ready) => server!.listen(0, "127.0.0.1", ready));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("a request becomes an event of payload format 2.0, and the handler's result becomes the response", async () => {
  const url = await serve((event) => ({
    statusCode: 202,
    headers: { "x-a": "b" },
    cookies: ["c=1", "d=2"],
    body: JSON.stringify(event),
  }));
  const response = await fetch(`${url}/a%20b/c?x=1&x=2&y=%C3%A9`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Many": "1", Cookie: "k=v; l=w" },
    body: '{"é":1}',
  });
  expect([response.status, response.headers.get("x-a"), response.headers.getSetCookie()]).toEqual([
    202,
    "b",
    ["c=1", "d=2"],
  ]);
  const event = await response.json();
  expect(event.headers).not.toHaveProperty("cookie");
  expect(event).toMatchObject({
    version: "2.0",
    rawPath: "/a%20b/c",
    rawQueryString: "x=1&x=2&y=%C3%A9",
    queryStringParameters: { x: "1,2", y: "é" },
    cookies: ["k=v", "l=w"],
    headers: { "content-type": "application/json", "x-many": "1" },
    requestContext: { http: { method: "POST", path: "/a%20b/c" } },
    body: '{"é":1}',
    isBase64Encoded: false,
  });
});

test("the path is passed on unchanged, and an invalid Host header gives 400 without a call of the function", async () => {
  const handler = vi.fn(({ rawPath, rawQueryString }) => ({ rawPath, rawQueryString }));
  const url = await serve(handler);
  const get = async (path: string, host?: string) => {
    const { port } = new URL(url);
    const [response] = (await once(
      request({ port, host: "127.0.0.1", path, ...(host && { headers: { host } }) }).end(),
      "response",
    )) as [IncomingMessage];
    return [response.statusCode, JSON.parse(Buffer.concat(await response.toArray()).toString())];
  };
  expect(await get("//evil/x?a=?")).toEqual([200, { rawPath: "//evil/x", rawQueryString: "a=?" }]);
  expect(await get("/a/../b")).toEqual([200, { rawPath: "/a/../b", rawQueryString: "" }]);
  expect(await get("http://other.test/c?d")).toEqual([200, { rawPath: "/c", rawQueryString: "d" }]);
  expect(handler).toHaveBeenCalledTimes(3);
  for (const host of ["a b", "[", "a/b"]) expect((await get("/", host))[0]).toBe(400);
  expect(handler).toHaveBeenCalledTimes(3);
});

test("an HTTP/1.0 request without Host is served as localhost", async () => {
  const { port } = new URL(
    await serve(({ headers, rawPath, requestContext }) => ({ headers, rawPath, requestContext })),
  );
  const socket = connect({ port: Number(port), host: "127.0.0.1" });
  socket.write("GET /healthz HTTP/1.0\r\n\r\n");
  const text = Buffer.concat(await socket.toArray()).toString();
  expect(text).toMatch(/^HTTP\/1\.1 200 /);
  expect(JSON.parse(text.split("\r\n\r\n")[1]!)).toMatchObject({
    headers: { host: "localhost" },
    rawPath: "/healthz",
    requestContext: { domainName: "localhost" },
  });
});

test("a body that is not UTF-8 is passed as base64 for every content type and returned unchanged", async () => {
  const bytes = new Uint8Array([0x7b, 0xff, 0x00, 0x7d]);
  const url = await serve(({ body, isBase64Encoded }) => ({ statusCode: 200, body, isBase64Encoded }));
  for (const type of ["application/json", "image/png"]) {
    const response = await fetch(url, { method: "POST", headers: { "content-type": type }, body: bytes });
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
  }
});

test("a plain result becomes the body of a 200, and an exception or a timeout a 502 without details", async () => {
  const logged = vi.spyOn(console, "error").mockImplementation(() => {});
  expect(await (await fetch(await serve(() => ({ ok: true })))).json()).toEqual({ ok: true });
  for (const [handler, timeoutS] of [
    [() => Promise.reject(new Error("secret")), 5],
    [() => new Promise(() => {}), 0.01],
  ] as [Handler, number][]) {
    const response = await fetch(await serve(handler, timeoutS));
    expect(response.status).toBe(502);
    expect(await response.text()).not.toContain("secret");
  }
  expect(logged).toHaveBeenCalledTimes(2);
});

test("the answer of a frozen result is prepared once, and any other result is read again", async () => {
  const texts = { frozen: 0, open: 0 };
  const results = {
    frozen: Object.freeze({
      statusCode: 200,
      get headers() {
        texts.frozen++;
        return FROZEN_HEADERS;
      },
      body: "same",
    }),
    open: { statusCode: 200, headers: { "x-a": "1" }, body: "0" },
  };
  const url = await serve(({ rawPath }) => {
    if (rawPath === "/frozen") return results.frozen;
    results.open.body = String(++texts.open);
    return results.open;
  });
  const get = async (path: string) => {
    const response = await fetch(url + path);
    return [response.status, response.headers.get("x-a"), await response.text()];
  };
  for (let i = 0; i < 2; i++) expect(await get("/frozen")).toEqual([200, "1", "same"]);
  const readsOfFirst = texts.frozen;
  expect(await get("/frozen")).toEqual([200, "1", "same"]);
  expect(texts.frozen).toBe(readsOfFirst);
  expect([await get("/open"), await get("/open")]).toEqual([
    [200, "1", "1"],
    [200, "1", "2"],
  ]);
});

test("a frozen result that is not JSON is copied through JSON each time", async () => {
  const url = await serve(() =>
    Object.freeze({ statusCode: 200, headers: Object.freeze({ "x-at": new Date(0) }), body: "" }),
  );
  for (let i = 0; i < 2; i++) expect((await fetch(url)).headers.get("x-at")).toBe("1970-01-01T00:00:00.000Z");
});

test("a response is one write to the connection", async () => {
  const url = await serve(() => ({ statusCode: 200, headers: { "x-a": "b" }, body: '{"é":1}' }));
  const writes: number[] = [];
  server!.on("connection", (socket) => {
    const write = socket._write.bind(socket);
    socket._write = (...args) => {
      writes.push(String(args[0]).length);
      write(...args);
    };
    const writev = socket._writev!.bind(socket);
    socket._writev = (chunks, done) => {
      writes.push(...chunks.map(({ chunk }) => String(chunk).length).filter((length) => length > 0));
      writev(chunks, done);
    };
  });
  expect(await (await fetch(url)).text()).toBe('{"é":1}');
  expect(writes).toHaveLength(1);
});

test("a body above 6 MB is rejected without a call of the function", async () => {
  const called = vi.fn();
  const url = await serve(called);
  const response = await fetch(url, { method: "POST", body: new Uint8Array(6 * 1024 * 1024 + 1) });
  expect(response.status).toBe(413);
  expect(called).not.toHaveBeenCalled();
});
