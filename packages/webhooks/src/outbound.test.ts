/** Which destinations mjflow connects to and which never. http-client.test.ts tests requests and responses. */
import { execFile } from "node:child_process";
import { createServer } from "node:net";
import type { TLSSocket } from "node:tls";
import { promisify } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IPV4_REFUSED } from "./address.ts";
import { createOutbound, type OutboundOptions } from "./outbound.ts";
import { TEST_CERTIFICATE } from "./test-certificate.ts";
import { fakeInternet, listen, serveHttp, serveHttps } from "./test-internet.ts";

const PUBLIC = "93.184.216.34";
const OTHER = "93.184.216.35";
const PUBLIC6 = "2606:2800:220:1::1";
const ca = [TEST_CERTIFICATE.cert];

const post = (url: string) => ({ url, headers: { "content-type": "application/json" }, body: "{}", timeoutMs: 10_000 });

/** Creates a resolver that returns the next of `results` for each query, and the last one for all later queries. */
function resolver(...results: string[][]) {
  const queries: string[] = [];
  const resolve = async (name: string) => {
    queries.push(name);
    return results[Math.min(queries.length, results.length) - 1]!;
  };
  return { queries, resolve };
}

async function text(body: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

describe("public names", () => {
  test("a post connects to the checked address and uses the name for Host and TLS", async () => {
    const seen: unknown[] = [];
    const port = await serveHttps((request, response) => {
      const { servername } = request.socket as TLSSocket & { servername?: string };
      seen.push({ host: request.headers.host, servername, path: request.url, method: request.method });
      response.end("thanks");
    });
    const connected = fakeInternet({ [PUBLIC]: port });
    const { queries, resolve } = resolver([PUBLIC]);
    const outbound = createOutbound({ resolve, ca });
    expect(await outbound.post(post("https://hooks.example/a?b=c#d"))).toMatchObject({
      kind: "answered",
      status: 200,
      body: "thanks",
    });
    expect(connected).toEqual([`${PUBLIC} 443`]);
    expect(queries).toEqual(["hooks.example"]);
    expect(seen).toEqual([{ host: "hooks.example", servername: "hooks.example", path: "/a?b=c", method: "POST" }]);
  });

  test("a name with a trailing dot is the same name, also for the certificate", async () => {
    const port = await serveHttps((request, response) => response.end(request.headers.host));
    const connected = fakeInternet({ [PUBLIC]: port });
    const outbound = createOutbound({ ...resolver([PUBLIC]), ca });
    expect(await outbound.post(post("https://hooks.example.:8443/"))).toMatchObject({ body: "hooks.example:8443" });
    expect(connected).toEqual([`${PUBLIC} 8443`]);
  });

  test("a name with several addresses is reached at the address that responds, and only its addresses are tried", async () => {
    const port = await serveHttps((_, response) => response.end());
    const connected = fakeInternet({ [OTHER]: port });
    const outbound = createOutbound({ ...resolver([PUBLIC, PUBLIC6, OTHER]), ca });
    expect(await outbound.post(post("https://hooks.example/"))).toMatchObject({ kind: "answered" });
    expect(connected.at(-1)).toBe(`${OTHER} 443`);
    expect(new Set(connected)).toEqual(new Set([`${PUBLIC} 443`, `${PUBLIC6} 443`, `${OTHER} 443`]));
  });

  test("later posts reuse the connection without another name query", async () => {
    const port = await serveHttps((_, response) => response.end());
    const connected = fakeInternet({ [PUBLIC]: port });
    const { queries, resolve } = resolver([PUBLIC], ["127.0.0.1"]);
    const outbound = createOutbound({ resolve, ca });
    for (let i = 0; i < 3; i++) {
      expect(await outbound.post(post("https://hooks.example/"))).toMatchObject({ kind: "answered" });
    }
    expect(connected).toHaveLength(1);
    expect(queries).toHaveLength(1);
  });

  test("a server without a trusted certificate for its name is unreachable", async () => {
    const port = await serveHttps((_, response) => response.end());
    fakeInternet({ [PUBLIC]: port });
    const outbound = createOutbound({ ...resolver([PUBLIC]) });
    expect(await outbound.post(post("https://hooks.example/"))).toMatchObject({
      kind: "unreachable",
      why: "hooks.example: the certificate is self-signed",
    });
    const trusting = createOutbound({ ...resolver([PUBLIC]), ca });
    expect(await trusting.post(post("https://other.example/"))).toMatchObject({
      kind: "unreachable",
      why: "other.example: the certificate is for another name",
    });
  });
});

test("a literal public address is connected to without a name query", async () => {
  const connected = fakeInternet();
  const { queries, resolve } = resolver(["127.0.0.1"]);
  const outbound = createOutbound({ resolve });
  for (const host of [PUBLIC, `[${PUBLIC6}]`]) {
    expect(await outbound.post(post(`https://${host}/`))).toMatchObject({ kind: "unreachable" });
  }
  expect([connected, queries]).toEqual([[`${PUBLIC} 443`, `${PUBLIC6} 443`], []]);
});

describe("names that do not resolve to public addresses", () => {
  test.each([
    ["this machine", ["127.0.0.1"]],
    ["this machine, in IPv6", ["::1"]],
    ["the metadata service", ["169.254.169.254"]],
    ["the metadata service, in IPv6", ["fd00:ec2::254"]],
    ["a public address and this machine", [PUBLIC, "127.0.0.1"]],
    ["this machine and a public address", ["10.0.0.1", PUBLIC]],
    ["a public address and an IPv4-mapped loopback address", [PUBLIC, PUBLIC6, "::ffff:127.0.0.1"]],
    ["a public address and NAT64 of the metadata service", [PUBLIC, "64:ff9b::a9fe:a9fe"]],
    ["a link-local address with a zone", ["fe80::1%1"]],
    ["text that is not an address", ["localhost"]],
  ])("a name is rejected without a socket if it resolves to %s", async (_, addresses) => {
    const connected = fakeInternet();
    const outbound = createOutbound(resolver(addresses));
    const url = "https://hooks.example/";
    expect(await outbound.post(post(url))).toEqual({
      kind: "forbidden",
      why: "hooks.example: does not resolve to a public address",
    });
    await expect(outbound.get(url, { timeoutMs: 10_000 })).rejects.toMatchObject({
      name: "OutboundError",
      kind: "forbidden",
    });
    expect(connected).toEqual([]);
  });

  test("a name is rejected for any list of addresses with one that is not public", async () => {
    const connected = fakeInternet();
    const bad = fc.constantFrom(...IPV4_REFUSED).map((block) => block.split("/")[0]!);
    const mix = fc
      .tuple(fc.array(fc.constantFrom(PUBLIC, OTHER, PUBLIC6)), bad, fc.array(fc.constantFrom(PUBLIC, PUBLIC6)))
      .map(([before, refused, after]) => [...before, refused, ...after]);
    await fc.assert(
      fc.asyncProperty(mix, async (addresses) => {
        const outbound = createOutbound(resolver(addresses));
        expect(await outbound.post(post("https://hooks.example/"))).toMatchObject({ kind: "forbidden" });
        expect(connected).toEqual([]);
      }),
    );
  });
});

describe("names whose addresses change", () => {
  test("one connection makes one name query, so a second result is never used", async () => {
    const port = await serveHttps((_, response) => response.end());
    const connected = fakeInternet({ [PUBLIC]: port });
    const { queries, resolve } = resolver([PUBLIC], ["127.0.0.1"]);
    const outbound = createOutbound({ resolve, ca });
    expect(await outbound.post(post("https://hooks.example/"))).toMatchObject({ kind: "answered" });
    expect([queries.length, connected]).toEqual([1, [`${PUBLIC} 443`]]);
  });

  test("the next connection is rejected without a socket if the name now resolves to this machine", async () => {
    const port = await serveHttps((_, response) => response.writeHead(200, { connection: "close" }).end());
    const connected = fakeInternet({ [PUBLIC]: port });
    const { queries, resolve } = resolver([PUBLIC], ["127.0.0.1"]);
    const outbound = createOutbound({ resolve, ca });
    expect(await outbound.post(post("https://hooks.example/"))).toMatchObject({ kind: "answered" });
    expect(await outbound.post(post("https://hooks.example/"))).toMatchObject({ kind: "forbidden" });
    expect([queries.length, connected]).toEqual([2, [`${PUBLIC} 443`]]);
  });

  test("a post that is sent again after a closed connection is rejected if the name now resolves to this machine", async () => {
    let requests = 0;
    const port = await serveHttps((request, response) => {
      requests += 1;
      if (requests > 1) request.socket.destroy();
      else response.end();
    });
    const connected = fakeInternet({ [PUBLIC]: port });
    const outbound = createOutbound({ ...resolver([PUBLIC], ["127.0.0.1"]), ca });
    expect(await outbound.post(post("https://hooks.example/"))).toMatchObject({ kind: "answered" });
    expect(await outbound.post(post("https://hooks.example/"))).toMatchObject({ kind: "forbidden" });
    expect([requests, connected]).toEqual([2, [`${PUBLIC} 443`]]);
  });

  test("an allow-list entry for an address does not allow a name that resolves to the address", async () => {
    const connected = fakeInternet();
    const outbound = createOutbound({ ...resolver(["127.0.0.1"]), allow: ["127.0.0.1:*", "localhost:*"] });
    expect(await outbound.post(post("https://hooks.example/"))).toMatchObject({ kind: "forbidden" });
    expect(connected).toEqual([]);
  });
});

describe("allow-list", () => {
  const cases: [what: string, url: (port: number) => string, allow: (port: number) => string, OutboundOptions?][] = [
    ["loopback", (port) => `http://127.0.0.1:${port}/`, () => "127.0.0.1:*"],
    ["loopback, one port", (port) => `http://127.0.0.1:${port}/`, (port) => `http://127.0.0.1:${port}`],
    ["loopback in decimal", (port) => `http://2130706433:${port}/`, () => "127.0.0.1:*"],
    ["loopback in hex", (port) => `http://0x7f.0x1:${port}/`, () => "127.0.0.1:*"],
    ["loopback in octal", (port) => `http://0177.0.0.1:${port}/`, () => "127.0.0.1:*"],
    ["loopback, short", (port) => `http://127.1:${port}/`, () => "127.1:*"],
    ["localhost", (port) => `http://localhost:${port}/`, () => "localhost:*", resolver(["127.0.0.1"])],
    ["a name inside", (port) => `http://hooks.internal:${port}/`, () => "hooks.internal:*", resolver(["127.0.0.1"])],
    [
      "a public name on an odd port",
      (port) => `http://a.example:${port}/`,
      () => "a.example:*",
      resolver(["127.0.0.1"]),
    ],
  ];
  test.each(cases)(
    "%s is rejected without a connection by default, and reached with an allow-list entry",
    async (_, url, allow, options = {}) => {
      let connections = 0;
      const port = await serveHttp((__, response) => response.end("here"));
      const watched = await listen(
        createServer((socket) => {
          connections += 1;
          socket.destroy();
        }),
      );
      expect(await createOutbound(options).post(post(url(watched)))).toMatchObject({ kind: "forbidden" });
      expect(connections).toBe(0);
      const allowing = createOutbound({ ...options, allow: [allow(port)] });
      expect(await allowing.post(post(url(port)))).toMatchObject({ kind: "answered", body: "here" });
      expect(await text((await allowing.get(url(port), { timeoutMs: 10_000 })).body)).toBe("here");
    },
  );

  test("an internal name with a private address and certificate is reached with an allow-list entry", async () => {
    const port = await serveHttps((_, response) => response.end("here"));
    const connected = fakeInternet({ "10.1.2.3": port });
    const url = "https://hooks.example/";
    expect(await createOutbound({ ...resolver(["10.1.2.3"]), ca }).post(post(url))).toMatchObject({
      kind: "forbidden",
    });
    const allowing = createOutbound({ ...resolver(["10.1.2.3"]), ca, allow: ["hooks.example"] });
    expect(await allowing.post(post(url))).toMatchObject({ kind: "answered", body: "here" });
    expect(connected).toEqual(["10.1.2.3 443"]);
  });
});

describe("redirects", () => {
  /** A public host that returns `status` and `location`, and for paths that start with `/end` the path. */
  async function redirecting(status: number, location: string | ((path: string) => string)) {
    const requests: string[] = [];
    const port = await serveHttps((request, response) => {
      requests.push(request.url!);
      if (request.url!.startsWith("/end")) return void response.end(`at ${request.url}`);
      const to = typeof location === "string" ? location : location(request.url!);
      response.writeHead(status, { location: to }).end("moved");
    });
    const connected = fakeInternet({ [PUBLIC]: port });
    return { requests, connected, outbound: createOutbound({ ...resolver([PUBLIC]), ca }) };
  }

  test.each([301, 302, 303, 307, 308])(
    "a post does not follow a redirect %i and returns it as the response",
    async (status) => {
      const { requests, outbound } = await redirecting(status, "https://hooks.example/end");
      expect(await outbound.post(post("https://hooks.example/"))).toMatchObject({
        kind: "answered",
        status,
        body: "moved",
      });
      expect(requests).toEqual(["/"]);
    },
  );

  test("a post returns a redirect to a private address as the response and does not connect there", async () => {
    const { connected, outbound } = await redirecting(307, "http://169.254.169.254/latest/meta-data/");
    expect(await outbound.post(post("https://hooks.example/"))).toMatchObject({ kind: "answered", status: 307 });
    expect(connected).toEqual([`${PUBLIC} 443`]);
  });

  test.each([301, 302, 303, 307, 308])("a get follows a redirect %i", async (status) => {
    const { outbound } = await redirecting(status, "end?x=1");
    const { status: end, body } = await outbound.get("https://hooks.example/", { timeoutMs: 10_000 });
    expect([end, await text(body)]).toEqual([200, "at /end?x=1"]);
  });

  test.each([
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://2130706433/",
    "https://169.254.169.254/latest/meta-data/",
    "https://localhost/",
    "https://metadata.google.internal/",
    "http://hooks.example/",
    "https://hooks.example:22/",
    "https://user:word@hooks.example/",
    "//10.0.0.1/",
    "file:///etc/passwd",
    "https://[broken",
  ])("a get rejects a redirect to %s without a connection to it", async (location) => {
    const { connected, requests, outbound } = await redirecting(302, location);
    await expect(outbound.get("https://hooks.example/", { timeoutMs: 10_000 })).rejects.toMatchObject({
      name: "OutboundError",
      kind: "forbidden",
    });
    expect([requests, connected]).toEqual([["/"], [`${PUBLIC} 443`]]);
  });

  test("a get rejects a redirect to a name that resolves to this machine, without a connection to it", async () => {
    const port = await serveHttps((_, response) => response.writeHead(302, { location: "https://b.example/" }).end());
    const connected = fakeInternet({ [PUBLIC]: port });
    const resolve = async (name: string) => (name === "b.example" ? ["127.0.0.1"] : [PUBLIC]);
    const outbound = createOutbound({ resolve, ca });
    await expect(outbound.get("https://hooks.example/", { timeoutMs: 10_000 })).rejects.toMatchObject({
      kind: "forbidden",
      message: "b.example: does not resolve to a public address",
    });
    expect(connected).toEqual([`${PUBLIC} 443`]);
  });

  test("a get follows three redirects and fails at the fourth", async () => {
    const { requests, outbound } = await redirecting(302, (path) =>
      path === "/3" ? "/end" : `/${Number(path.slice(1)) + 1}`,
    );
    expect(await text((await outbound.get("https://hooks.example/1", { timeoutMs: 10_000 })).body)).toBe("at /end");
    requests.length = 0;
    await expect(outbound.get("https://hooks.example/0", { timeoutMs: 10_000 })).rejects.toMatchObject({
      kind: "unreachable",
      message: "hooks.example: more than 3 redirects",
    });
    expect(requests).toEqual(["/0", "/1", "/2", "/3"]);
  });

  test("a get closes a redirect response whose body never ends", async () => {
    const closed = Promise.withResolvers<void>();
    const port = await serveHttps((request, response) => {
      if (request.url === "/end") return void response.end("at the end");
      request.socket.on("close", () => closed.resolve());
      response.writeHead(302, { location: "/end" }).write("moved");
    });
    fakeInternet({ [PUBLIC]: port });
    const outbound = createOutbound({ ...resolver([PUBLIC]), ca });
    expect(await text((await outbound.get("https://hooks.example/", { timeoutMs: 10_000 })).body)).toBe("at the end");
    await closed.promise;
  });

  test("a get returns a redirect without a location as the response", async () => {
    const port = await serveHttps((_, response) => response.writeHead(302).end("nowhere"));
    fakeInternet({ [PUBLIC]: port });
    const outbound = createOutbound({ ...resolver([PUBLIC]), ca });
    expect(await outbound.get("https://hooks.example/", { timeoutMs: 10_000 })).toMatchObject({ status: 302 });
  });
});

const supportsProxies = process.allowedNodeEnvironmentFlags.has("--use-env-proxy");
test.skipIf(!supportsProxies)(
  "requests ignore proxy variables of the environment, so no proxy bypasses the address check",
  async () => {
    let proxied = 0;
    const proxy = await listen(
      createServer((socket) => {
        proxied += 1;
        socket.destroy();
      }),
    );
    const port = await serveHttp((_, response) => response.end("here"));
    // A new process is needed, because Node reads the proxy variables at its start.
    const script = `
    import { createOutbound } from ${JSON.stringify(new URL("outbound.ts", import.meta.url).href)};
    const url = "http://127.0.0.1:${port}/";
    const outcome = await createOutbound({ allow: ["127.0.0.1:*"] }).post({ url, headers: {}, body: "", timeoutMs: 20_000 });
    console.log(outcome.body, await fetch(url).then(() => "direct", () => "through the proxy"));`;
    const to = `http://127.0.0.1:${proxy}`;
    const env = {
      ...process.env,
      NODE_USE_ENV_PROXY: "1",
      HTTP_PROXY: to,
      HTTPS_PROXY: to,
      http_proxy: to,
      NO_PROXY: "",
      no_proxy: "",
    };
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { env });
    expect(stdout.trim()).toBe("here through the proxy");
    expect(proxied).toBeGreaterThan(0);
  },
);
