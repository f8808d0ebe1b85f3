/** The frame around every page in a real browser: the figures of the navigation. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { overflowOf, violationsOf } from "../support/accessibility.ts";
import { API_KEY, type Json, type SpawnedServer, spawnServer, until } from "../support/spawned.ts";
import { chromiumPath, launch, showScheme, signIn, textOf, visit } from "./test-browser.ts";

const chromium = chromiumPath();

describe.skipIf(!chromium)("the frame of the console", () => {
  let server: SpawnedServer;
  let browser: Browser;

  beforeAll(async () => {
    server = await spawnServer({ env: { MJFLOW_TIMINGS: JSON.stringify({ durationsMs: 50 }) } });
    browser = await launch(chromium!);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  async function appKey(name: string, limits: object): Promise<string> {
    const app = (await server.call("POST", "/v1/apps", { name, limits })).body;
    return (await server.call("POST", `/v1/apps/${app.id}/keys`, {})).body.key;
  }

  test("an app with a limit of credit sees what it has spent today, and the meter leads to its usage", async () => {
    const key = await appKey("limited", { creditsUsd: 20 });
    const headers = { authorization: `Bearer ${key}` };
    const made = await server.call("POST", "/v1/flows", { prompt: "a paid boat" }, headers);
    expect(made.status).toBe(202);
    await until(
      async () => (await server.call("GET", "/v1/usage", undefined, headers)).body.days,
      (days) => days.length === 1 && days[0].settledUsd > 0,
    );
    const { page, complaints } = await visit(browser, { width: 1440 });
    await page.setBypassCSP(true);
    await signIn(page, server.url, key);
    await page.waitForSelector(".spend");
    expect(await textOf(page, ".spend")).toBe("Spent today$0.04 of $20.00");
    for (const scheme of ["light", "dark"] as const) {
      await showScheme(page, scheme);
      expect(await violationsOf(page), scheme).toEqual([]);
    }
    await page.locator(".spend").click();
    await page.waitForSelector(".usage-chart");
    expect(page.url()).toContain("#/settings/usage");
    // The narrow navigation has no room for it.
    await page.setViewport({ width: 1_024, height: 800 });
    await page.waitForFunction(() => !document.querySelector(".spend"));
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    expect(complaints).toEqual([]);
  });

  test("without a limit there is no meter, and no request is refused", async () => {
    for (const key of [await appKey("free", {}), API_KEY]) {
      const { page, complaints, requested } = await visit(browser, { width: 1440 });
      const refused: string[] = [];
      page.on("response", (response) => {
        if (response.status() === 403) refused.push(response.url());
      });
      await signIn(page, server.url, key);
      await page.waitForResponse((response) => response.url().endsWith("/v1/usage"));
      await page.waitForNetworkIdle({ idleTime: 500, concurrency: 1 });
      expect(await page.$(".spend")).toBeNull();
      expect([refused, complaints]).toEqual([[], []]);
      // The figures come after the page.
      const calls = requested.filter((url) => url.includes("/v1/")).map((url) => new URL(url).pathname);
      expect(calls.indexOf("/v1/usage")).toBeGreaterThan(calls.indexOf("/v1/pictures"));
    }
  });

  test("Deliveries says in the navigation how many endpoints fail", async () => {
    const receiver = createServer((request, response) => {
      request.resume();
      response.writeHead(422, { "webhook-delivery": "abort-message" }).end();
    });
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    try {
      const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/refuse`;
      const endpoint = (await server.call("POST", "/v1/endpoints", { url, events: ["flow.completed"] })).body;
      await server.ended(await server.start({ prompt: "refused" }));
      await until(
        async () => (await server.call("GET", `/v1/endpoints/${endpoint.id}`)).body.failingSince,
        (since) => since !== null,
      );
      const { page } = await visit(browser, { width: 1440 });
      await signIn(page, server.url, API_KEY);
      await page.waitForSelector(".rail .badge.bad");
      expect(await textOf(page, '.rail a[title="Deliveries"]')).toBe("Deliveries1 failing");
    } finally {
      receiver.close();
    }
  });

  test("Health shows the last 24 hours of an account: columns, sums and a table with the numbers of the API", async () => {
    const hours = async () => {
      const { body } = await server.call("GET", "/v1/providers");
      return body.data.find(({ id }: Json) => id === "simulator").accounts[0].hours as Json[];
    };
    const sum = (all: Json[], field: string) => all.reduce((total, each) => total + each[field], 0);
    await server.ended(await server.start({ prompt: "drawn" }));
    await server.ended(await server.start({ prompt: "not drawn --sim fail" }));
    const known = await until(
      async () => {
        // A process stores what it has counted when a task ends.
        await server.ended(await server.start({ prompt: "one more" }));
        return await hours();
      },
      (all) => sum(all, "failed") > 0 && sum(all, "succeeded") > 1,
    );
    const { page, complaints } = await visit(browser, { width: 1440 });
    await page.setBypassCSP(true);
    await signIn(page, server.url, API_KEY);
    await page.goto(`${server.url}/console/#/health`);
    await page.waitForSelector(".hours svg");
    const tasks = sum(known, "succeeded") + sum(known, "failed");
    expect(await textOf(page, ".hours-words")).toMatch(
      new RegExp(`^\\d+(\\.\\d)? % of ${tasks} tasks, 24 h · mean .* m?s$`),
    );
    expect(await page.$$eval(".hours .hit", (all) => all.length)).toBe(24);
    await page.locator(".hours summary").click();
    const cells = await page.$$eval(".hours tbody td", (all) => all.map(({ textContent }) => textContent));
    const { succeeded, failed } = known.at(-1)!;
    expect(cells.slice(0, 2)).toEqual([String(succeeded), String(failed)]);
    for (const scheme of ["light", "dark"] as const) {
      await showScheme(page, scheme);
      expect(await violationsOf(page), scheme).toEqual([]);
    }
    await page.setViewport({ width: 390, height: 844 });
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    expect(complaints).toEqual([]);
  });
});
