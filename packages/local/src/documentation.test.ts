/** The local server serves the documentation site, and leaves the rest of `/docs` to the API. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { POLICY_FILE, REFERENCE_FILE, REFERENCE_POLICY_FILE } from "@mjflow/docs/site";
import { afterEach, beforeEach, expect, test } from "vitest";
import { documentationSite, isDocumentation } from "./documentation.ts";

let folder: string;
let server: Server | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mjflow-documentation-"));
});
afterEach(() => {
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

function writeSite(files: Record<string, string>): void {
  for (const [name, text] of Object.entries({ [POLICY_FILE]: "default-src 'none'", ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** Serves the site; the API answers 418 here. */
async function serve(
  options: Parameters<typeof documentationSite>[0],
  site = documentationSite({ dist: folder, ...options }),
) {
  server = createServer((incoming, response) => {
    if (!isDocumentation(incoming.url!) || !site(incoming, response)) response.writeHead(418).end();
  });
  await new Promise<void>((ready) => server!.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  return (path: string, method = "GET", headers = {}) =>
    new Promise<{ status: number; headers: Record<string, unknown>; text: string }>((resolve, reject) => {
      // A client that does not change the path, unlike `fetch`.
      request({ port, host: "127.0.0.1", path, method, headers }, async (response) => {
        const bytes = Buffer.concat(await response.toArray());
        const text = (response.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes).toString("utf8");
        resolve({ status: response.statusCode!, headers: response.headers, text });
      })
        .on("error", reject)
        .end();
    });
}

test("a page is found with and without its ending, and a folder shows its index", async () => {
  writeSite({
    "index.html": "home",
    "flows.html": "flows",
    "errors/index.html": "errors",
    "errors/x.html": "x",
    "404.html": "none",
  });
  const get = await serve({ stale: () => false });
  const texts = ["/docs/", "/docs/flows", "/docs/flows.html?a=1", "/docs/errors/", "/docs/errors", "/docs/errors/x"];
  expect(await Promise.all(texts.map(async (path) => (await get(path)).text))).toEqual([
    "home",
    "flows",
    "flows",
    "errors",
    "errors",
    "x",
  ]);
  expect(await get("/docs")).toMatchObject({ status: 308, headers: { location: "/docs/" } });
  expect(await get("/docs/none")).toMatchObject({ status: 404, text: "none" });
  expect(await get("/docs/flows", "HEAD")).toMatchObject({ status: 200, text: "", headers: { "content-length": "5" } });
  expect((await get("/docs/flows", "POST")).status).toBe(405);
});

test("every response has the policy of the build, and only assets are cached", async () => {
  writeSite({ "index.html": "home", "assets/a.js": "1" });
  const get = await serve({ stale: () => false });
  for (const path of ["/docs/", "/docs/none", "/docs/assets/a.js"]) {
    expect((await get(path)).headers).toMatchObject({
      "content-security-policy": "default-src 'none'",
      "x-content-type-options": "nosniff",
    });
  }
  expect((await get("/docs/assets/a.js")).headers["cache-control"]).toContain("immutable");
  expect((await get("/docs/")).headers["cache-control"]).toBe("no-cache");
});

test("no path leaves the site", async () => {
  writeSite({ "index.html": "home" });
  writeFileSync(join(folder, "..", "mjflow-outside.txt"), "outside");
  const get = await serve({ stale: () => false });
  for (const path of [
    "/docs/../mjflow-outside.txt",
    "/docs/%2e%2e/mjflow-outside.txt",
    "/docs/%E0%A4%A",
    "/docs/constructor",
  ]) {
    expect((await get(path)).status).toBe(404);
  }
  rmSync(join(folder, "..", "mjflow-outside.txt"));
});

test("the API reference is a file of the site, with its own policy", async () => {
  writeSite({ "index.html": "home", [REFERENCE_FILE]: "reference", [REFERENCE_POLICY_FILE]: "style-src 'sha256-x'" });
  const get = await serve({ stale: () => false });
  const headers = { "content-security-policy": "style-src 'sha256-x'", "content-type": "text/html; charset=utf-8" };
  expect(await get("/docs/api")).toMatchObject({ status: 200, text: "reference", headers });
});

test("a file is sent compressed to a browser that accepts it, and not sent to one that has it", async () => {
  const page = "a long page ".repeat(500);
  writeSite({ "index.html": page, "assets/a.png": page });
  const get = await serve({ stale: () => false });
  const gzip = { "accept-encoding": "gzip, deflate" };
  await expect.poll(async () => (await get("/docs/", "GET", gzip)).headers["content-encoding"]).toBe("gzip");
  const compressed = await get("/docs/", "GET", gzip);
  expect(compressed.text).toBe(page);
  expect(Number(compressed.headers["content-length"])).toBeLessThan(page.length / 10);
  const plain = await get("/docs/", "GET", { "accept-encoding": "gzip;q=0" });
  expect([plain.text, plain.headers["content-encoding"]]).toEqual([page, undefined]);
  expect((await get("/docs/assets/a.png", "GET", gzip)).headers["content-encoding"]).toBeUndefined();
  expect(plain.headers["etag"]).not.toBe(compressed.headers["etag"]);
  for (const { headers } of [plain, compressed]) {
    expect(headers["vary"]).toBe("accept-encoding");
    const again = await get("/docs/", "GET", { "if-none-match": headers["etag"] });
    expect(again).toMatchObject({ status: 304, text: "" });
  }
  expect((await get("/docs/", "GET", { "if-none-match": '"another"' })).status).toBe(200);
});

test("the API serves its reference while the site lacks it, and all of /docs while there is no site", async () => {
  writeSite({ "index.html": "home" });
  const get = await serve({ stale: () => false });
  expect([(await get("/docs/api")).status, (await get("/docsx")).status]).toEqual([418, 418]);
  rmSync(join(folder, POLICY_FILE));
  const without = await serve({ stale: () => false });
  expect((await without("/docs/")).status).toBe(418);
});

test("the first visit builds a missing site, and shows a page that reloads meanwhile", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const get = await serve({ stale: () => true, build: () => promise });
  expect(await get("/docs/")).toMatchObject({ status: 503, headers: { refresh: "2" } });
  expect((await get("/docs/")).text).toContain('href="/docs/api"');
  writeSite({ "index.html": "home" });
  resolve();
  await expect.poll(async () => (await get("/docs/")).text).toBe("home");
});

test("a site that was prepared is built once and complete at the first visit", async () => {
  let builds = 0;
  const options = {
    dist: folder,
    stale: () => true,
    build: async () => {
      builds++;
      writeSite({ "index.html": "home" });
    },
  };
  const site = documentationSite(options);
  await site.prepare();
  const get = await serve({}, site);
  expect(await get("/docs/")).toMatchObject({ status: 200, text: "home" });
  expect(builds).toBe(1);
});

test("an outdated site is served until the new one is built", async () => {
  writeSite({ "index.html": "old" });
  const { promise, resolve } = Promise.withResolvers<void>();
  const get = await serve({ stale: () => true, build: () => promise });
  expect((await get("/docs/")).text).toBe("old");
  writeSite({ "index.html": "new" });
  resolve();
  await expect.poll(async () => (await get("/docs/")).text).toBe("new");
});

test("the API answers if the build fails", async () => {
  const get = await serve({ stale: () => true, build: () => Promise.reject(new Error("no VitePress")) });
  await expect.poll(async () => (await get("/docs/")).status).toBe(418);
});

test("the reference for programs is a file of the site, with the headers of the API", async () => {
  writeSite({ "index.html": "home", "openapi.json": '{"openapi":"3.1.0"}', "llms.txt": "reference" });
  const site = documentationSite({ dist: folder, stale: () => false });
  const get = await serve({}, site);
  // Before the site is read, the API answers.
  expect((await get("/openapi.json")).status).toBe(418);
  await site.prepare();
  const json = await get("/openapi.json?a=1");
  expect(json).toMatchObject({
    status: 200,
    text: '{"openapi":"3.1.0"}',
    headers: {
      "content-type": "application/json",
      "access-control-allow-origin": "*",
      "cache-control": "public, max-age=300",
    },
  });
  expect(json.headers["content-security-policy"]).toContain("default-src 'none'");
  const again = { "if-none-match": String(json.headers["etag"]) };
  expect((await get("/openapi.json", "GET", again)).status).toBe(304);
  const text = await get("/llms.txt");
  expect(text).toMatchObject({
    status: 200,
    text: "reference",
    headers: { "content-type": "text/plain; charset=utf-8" },
  });
  expect(text.headers).not.toHaveProperty("access-control-allow-origin");
  for (const [path, method] of [
    ["/openapi.json", "POST"],
    ["/openapi.json/x", "GET"],
    ["/llms.txtx", "GET"],
  ] as const)
    expect((await get(path, method)).status, `${method} ${path}`).toBe(418);
});

test("a program that reads the reference starts no build and gets no site of another version", async () => {
  writeSite({ "index.html": "home", "openapi.json": "of another version" });
  let builds = 0;
  const built = Promise.withResolvers<void>();
  const site = documentationSite({
    dist: folder,
    stale: () => true,
    build: () => {
      builds++;
      return built.promise;
    },
  });
  const get = await serve({}, site);
  expect((await get("/openapi.json")).status).toBe(418);
  expect(builds).toBe(0);
  const prepared = site.prepare();
  expect((await get("/openapi.json")).status).toBe(418);
  writeSite({ "openapi.json": "of this version" });
  built.resolve();
  await prepared;
  expect(await get("/openapi.json")).toMatchObject({ status: 200, text: "of this version" });
});
