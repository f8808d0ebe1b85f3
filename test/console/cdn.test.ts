/**
 * The console as it is deployed: on its own origin, with the headers of its CDN, and with an API that allows only that
 * origin (`MJFLOW_CORS_ORIGINS`). A real browser enforces both. The stand-in for CloudFront uses the same functions as
 * `infra/`.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "@mjflow/console/build";
import { fileHeaders, pageWithApi, siteHeaders } from "@mjflow/console/site";
import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API_KEY, type SpawnedServer, spawnServer } from "../support/spawned.ts";
import { chromiumPath, click, launch, visit, waitForFlowEnd, waitForText } from "./test-browser.ts";

const chromium = chromiumPath();

describe.skipIf(!chromium)("the console on its own origin", () => {
  let folder: string;
  let localServer: SpawnedServer;
  let consoleOrigin: string;
  let browser: Browser;
  const servers: Server[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "mjflow-site-"));
    await build(join(folder, "site"));
    consoleOrigin = await site(() => localServer.url);
    localServer = await spawnServer({ env: { MJFLOW_CORS_ORIGINS: consoleOrigin } });
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
        const headers = { ...siteHeaders({ apiOrigin, simulated: true }), "content-type": contentType };
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

  test("a user signs in, sends a plan, follows it live and presses a button, and the page reports no error", async () => {
    const apiOrigin = localServer.url;
    const { page, complaints, requested } = await visit(browser);
    await page.goto(`${consoleOrigin}/`);
    await page.locator('input[name="key"]').fill(API_KEY);
    await page.locator("button[type=submit]").click();
    await page.waitForSelector('nav[aria-label="Pages"]');
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
      (url) => ![apiOrigin, consoleOrigin, localServer.simulatorUrl].includes(new URL(url).origin),
    );
    expect(foreign).toEqual([]);
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
