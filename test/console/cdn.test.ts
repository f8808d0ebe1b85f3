/**
 * The console as it is deployed: on its own origin, with the headers of its CDN, and with an API that allows only that
 * origin (`MJFLOW_CORS_ORIGINS`). The links to files have a third origin, like those of a bucket. A real browser enforces all of
 * this. The stand-in for CloudFront uses the same functions as `infra/`.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "@mjflow/console/build";
import { fileHeaders, pageWithApi, siteHeaders } from "@mjflow/console/site";
import { freePort } from "@mjflow/local/engine/port";
import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API_KEY, type Json, type SpawnedServer, spawnServer, until } from "../support/spawned.ts";
import { chromiumPath, click, giveImage, launch, visit, waitForFlowEnd, waitForText } from "./test-browser.ts";

const chromium = chromiumPath();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe.skipIf(!chromium)("the console on its own origin", () => {
  let folder: string;
  let localServer: SpawnedServer;
  let consoleOrigin: string;
  let fileOrigin: string;
  let browser: Browser;
  const servers: Server[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "mjflow-site-"));
    await build(join(folder, "site"));
    consoleOrigin = await site(() => localServer.url);
    const port = String(await freePort());
    // The same server under another name: an origin of its own for a browser.
    fileOrigin = `http://localhost:${port}`;
    localServer = await spawnServer({
      env: { MJFLOW_PORT: port, MJFLOW_PUBLIC_URL: fileOrigin, MJFLOW_CORS_ORIGINS: consoleOrigin },
    });
    browser = await launch(chromium!);
  });
  afterAll(async () => {
    await browser?.close();
    for (const server of servers) server.close();
    await localServer?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function listening(server: Server): Promise<string> {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Serves the site like CloudFront. */
  function site(apiOriginOf: () => string): Promise<string> {
    return listening(
      createServer((incoming, response) => {
        const apiOrigin = apiOriginOf();
        const name = incoming.url!.slice(1) || "index.html";
        const { contentType, cacheControl } = fileHeaders(name);
        const headers = {
          ...siteHeaders({ apiOrigin, fileOrigins: [fileOrigin], simulated: true }),
          "content-type": contentType,
        };
        try {
          const file = readFileSync(join(folder, "site", name));
          response.writeHead(200, { ...headers, "cache-control": cacheControl });
          response.end(name === "index.html" ? pageWithApi(file.toString(), apiOrigin) : file);
        } catch {
          response.writeHead(403, headers).end();
        }
      }),
    );
  }

  async function signedIn() {
    const visitor = await visit(browser);
    await visitor.page.goto(`${consoleOrigin}/`);
    await visitor.page.locator('input[name="key"]').fill(API_KEY);
    await visitor.page.locator("button[type=submit]").click();
    await visitor.page.waitForSelector('nav[aria-label="Pages"]');
    return visitor;
  }

  test("a user signs in, sends a plan, follows it live and presses a button, and the page reports no error", async () => {
    const apiOrigin = localServer.url;
    const { page, complaints, requested } = await signedIn();
    await page.goto(`${consoleOrigin}/#/create`);
    await page.locator("textarea").fill("from another origin");
    await click(page, ".plan .chip", "U1");
    await click(page, "[role=tab]", "Code");
    await waitForText(page, `curl -s '${apiOrigin}/v1/flows'`);
    await click(page, "button", "Create");
    await waitForFlowEnd(page, 2);
    await click(page, ".task-actions .chip .label", "V2");
    await waitForFlowEnd(page, 3);
    expect(requested.some((url) => url.startsWith(`${apiOrigin}/v1/flows/`) && url.includes("/events"))).toBe(true);
    const foreign = requested.filter(
      (url) => ![apiOrigin, fileOrigin, consoleOrigin, localServer.simulatorUrl].includes(new URL(url).origin),
    );
    expect(foreign).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test("a user sends an image to the bucket, and saves the archived copy of a result", async () => {
    const id = await localServer.start({ prompt: "a copied boat", archive: true });
    const flow = await until(
      () => localServer.flow(id),
      ({ tasks }) => tasks.length === 1 && tasks[0].copies.length > 0,
    );
    expect(new URL(flow.tasks[0].copies[0].url).origin).toBe(fileOrigin);
    const { page, complaints, requested } = await signedIn();
    await page.goto(`${consoleOrigin}/#/create`);
    await page.waitForSelector(".composer textarea");
    await giveImage(page, "drop");
    await page.waitForSelector(".chosen img");
    await page.select(".chosen select", "style");
    await page.waitForFunction(() => document.querySelector<HTMLSelectElement>(".chosen select")!.value === "style");
    expect(requested.some((url) => url.startsWith(fileOrigin) && url.includes("X-Amz-Signature"))).toBe(true);

    const session = await page.createCDPSession();
    const downloads = join(folder, "downloads");
    await session.send("Page.setDownloadBehavior", { behavior: "allow", downloadPath: downloads });
    await page.goto(`${consoleOrigin}/#/gallery?pic=${flow.tasks[0].id}.1`);
    await page.waitForSelector(".lightbox[open]");
    await page.keyboard.press("d");
    const name = await until(
      async () => (existsSync(downloads) ? readdirSync(downloads) : []).find((file) => file.endsWith(".png")),
      (file) => file !== undefined,
    );
    expect(sha256(readFileSync(join(downloads, name!)))).toBe((flow.tasks[0].copies as Json[])[0]!["sha256"]);
    expect(complaints).toEqual([]);
  });

  test("the browser blocks the API for a page of any other origin, even with a valid key", async () => {
    const otherOrigin = await site(() => localServer.url);
    const { page } = await visit(browser);
    await page.goto(`${otherOrigin}/`);
    await page.locator('input[name="key"]').fill(API_KEY);
    await page.locator("button[type=submit]").click();
    await page.waitForSelector("[role=alert]");
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  });
});
