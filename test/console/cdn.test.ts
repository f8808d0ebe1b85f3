/**
 * The console where it is deployed: on an origin of its own, with the headers that its CDN gives, over an API that answers
 * web pages of that origin alone. A real browser enforces both; what stands in for CloudFront and for the function URL's
 * CORS is made of the same words that `infra/` deploys.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "@mjflow/console/build";
import { apiCors, fileHeaders, pageWithApi, siteHeaders } from "@mjflow/console/site";
import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API_KEY, type SpawnedServer, spawnServer } from "../support/spawned.ts";
import { chromiumPath, click, launch, visit, waitForFlowEnd, waitForText } from "./test-browser.ts";

const chromium = chromiumPath();

describe.skipIf(!chromium)("the console on an origin of its own", () => {
  let folder: string;
  let localServer: SpawnedServer;
  let browser: Browser;
  const servers: Server[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "mjflow-site-"));
    await build(join(folder, "site"));
    localServer = await spawnServer();
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

  /** As a function URL does it: for these origins, methods and headers, whatever the function itself answers. */
  function api(corsOf: () => ReturnType<typeof apiCors>): Promise<string> {
    return listening(
      createServer((asked, answer) => {
        const { allowOrigins, allowMethods, allowHeaders, exposeHeaders } = corsOf();
        const origin = asked.headers.origin;
        const isAllowed = origin !== undefined && allowOrigins.includes(origin);
        const own = isAllowed ? { "access-control-allow-origin": origin, vary: "origin" } : {};
        if (asked.method === "OPTIONS") {
          const lists = {
            "access-control-allow-methods": allowMethods.join(),
            "access-control-allow-headers": allowHeaders.join(),
          };
          answer.writeHead(200, isAllowed ? { ...own, ...lists } : {}).end();
          return;
        }
        const { method, url, headers } = asked;
        const onward = request(`${localServer.url}${url}`, { method, headers }, (response) => {
          const exposed = isAllowed ? { ...own, "access-control-expose-headers": exposeHeaders.join() } : {};
          answer.writeHead(response.statusCode!, { ...response.headers, ...exposed });
          response.pipe(answer);
        });
        asked.pipe(onward);
        answer.on("close", () => onward.destroy());
      }),
    );
  }

  /** As CloudFront does it. */
  function site(apiOrigin: string): Promise<string> {
    return listening(
      createServer((asked, answer) => {
        const name = asked.url!.slice(1) || "index.html";
        const { contentType, cacheControl } = fileHeaders(name);
        const headers = { ...siteHeaders({ apiOrigin, simulated: true }), "content-type": contentType };
        try {
          const file = readFileSync(join(folder, "site", name));
          answer.writeHead(200, { ...headers, "cache-control": cacheControl });
          answer.end(name === "index.html" ? pageWithApi(file.toString(), apiOrigin) : file);
        } catch {
          answer.writeHead(403, headers).end();
        }
      }),
    );
  }

  test("signs in, sends a plan and sees it live to its end, presses a button; nothing is complained of", async () => {
    let consoleOrigin = "";
    const apiOrigin = await api(() => apiCors(consoleOrigin));
    consoleOrigin = await site(apiOrigin);
    const { page, complaints, asked } = await visit(browser);
    await page.goto(`${consoleOrigin}/`);
    await page.locator('input[name="key"]').fill(API_KEY);
    await page.locator("button[type=submit]").click();
    await page.waitForSelector('nav[aria-label="Pages"]');
    await page.goto(`${consoleOrigin}/#/new`);
    await page.locator("textarea").fill("from elsewhere");
    await click(page, ".chip", "U1");
    await waitForText(page, `curl -s '${apiOrigin}/v1/flows'`);
    await click(page, "button", "Send the plan");
    await waitForFlowEnd(page, 2);
    await click(page, ".doing .chip", "V2");
    await waitForFlowEnd(page, 3);
    expect(asked.some((url) => url.startsWith(`${apiOrigin}/v1/flows/`) && url.includes("/events"))).toBe(true);
    const elsewhere = asked.filter(
      (url) => ![apiOrigin, consoleOrigin, localServer.simulatorUrl].includes(new URL(url).origin),
    );
    expect(elsewhere).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test("a page of any other origin is refused by the browser, with the right key in its hands", async () => {
    const apiOrigin = await api(() => apiCors("https://console.example.com"));
    const { page } = await visit(browser);
    await page.goto(`${await site(apiOrigin)}/`);
    await page.locator('input[name="key"]').fill(API_KEY);
    await page.locator("button[type=submit]").click();
    await page.waitForSelector("[role=alert]");
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  });
});
