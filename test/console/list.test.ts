/** A long flow list in a real browser: every flow can be reached, and only rows near the visible area exist. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API_KEY, type SpawnedServer, spawnServer, until } from "../support/spawned.ts";
import { seedFlows } from "./seed.ts";
import { chromiumPath, launch, signIn, visit, waitForText } from "./test-browser.ts";

const chromium = chromiumPath();
/** Number of flows: several pages of the API. Together they are about twenty screens high. */
const FLOWS = 250;
/** Upper limit of rendered rows: the rows of a 900 px screen, and the rows above and below. */
const MAX_ROWS = 40;

describe.skipIf(!chromium)("the flow list", () => {
  let dataDir: string;
  let server: SpawnedServer;
  let browser: Browser;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), "mjflow-list-"));
    await seedFlows({ dataDir, count: FLOWS, imageUrlOf: (n) => `http://127.0.0.1:9/${n}.png` });
    server = await spawnServer({ dataDir });
    browser = await launch(chromium!);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  async function opened(): Promise<Page> {
    const { page } = await visit(browser);
    await signIn(page, server.url, API_KEY);
    await page.goto(`${server.url}/console/#/flows`);
    await page.waitForSelector(".flow-row");
    return page;
  }
  const rowsOf = (page: Page) => page.$$eval(".flow-row", (all) => all.length);

  test("scrolling reaches every flow, and the document never has more than 40 rows", async () => {
    const page = await opened();
    const seen = await page.evaluate(async (wanted) => {
      const prompts = new Set<string>();
      let maxRows = 0;
      while (prompts.size < wanted) {
        const rows = [...document.querySelectorAll(".flows li")];
        maxRows = Math.max(maxRows, rows.length);
        for (const row of rows) prompts.add(row.querySelector(".prompt")!.textContent);
        scrollBy(0, innerHeight / 2);
        await new Promise(requestAnimationFrame);
      }
      return { flows: prompts.size, maxRows };
    }, FLOWS);
    expect(seen.flows).toBe(FLOWS);
    expect(seen.maxRows).toBeLessThanOrEqual(MAX_ROWS);
    // When the end of the list is loaded, `aria-setsize` has the total.
    await page.waitForFunction(
      (wanted) => document.querySelector(".flows li:last-child")?.getAttribute("aria-setsize") === String(wanted),
      {},
      FLOWS,
    );
    expect(await page.$eval(".flows li:last-child", (row) => row.getAttribute("aria-posinset"))).toBe(String(FLOWS));
  });

  test("the Tab key moves past the first rendered rows, and the focused row stays when it is scrolled away", async () => {
    const page = await opened();
    await page.focus(".flow-row");
    const focused = () =>
      page.evaluate(() => document.activeElement?.closest("li")?.getAttribute("aria-posinset") ?? "none");
    for (let row = 2; row <= 31; row++) {
      await page.keyboard.press("Tab");
      // A person waits for the next row, too: the list adds rows below the focused one.
      await page.waitForSelector(`.flows li[aria-posinset="${row + 1}"]`);
      expect(await focused()).toBe(String(row));
    }
    await page.evaluate(() => scrollTo(0, 5_000));
    await page.waitForFunction(() => document.querySelectorAll('.flows li[aria-posinset="70"]').length === 1);
    expect(await focused()).toBe("31");
    expect(await rowsOf(page)).toBeLessThanOrEqual(MAX_ROWS);
  });

  test("a search covers flows that were not loaded when the user typed the text", async () => {
    const page = await opened();
    await page.locator("input[type=search]").fill("order 249");
    await waitForText(page, "number 249,");
    expect(await rowsOf(page)).toBe(1);
    await waitForText(page, `Searched ${FLOWS} flows`);
  });

  test("the provider filter shows only flows of the provider, and new flows appear when the user returns to the top", async () => {
    const page = await opened();
    await page.select('select[aria-label="Provider"]', "cometapi");
    await page.waitForFunction(() => {
      const rows = [...document.querySelectorAll(".what .small")];
      return rows.length > 1 && rows.every((row) => row.textContent?.startsWith("cometapi"));
    });
    await page.evaluate(() => scrollTo(0, 3_000));
    await page.waitForFunction(() => !document.querySelector('.flows li[aria-posinset="1"]'));
    await server.start({ provider: "cometapi", prompt: "new above" });
    await page.evaluate(() => scrollTo(0, 0));
    await waitForText(page, "new above");
    expect(await page.$eval(".flows li .prompt", (prompt) => prompt.textContent)).toBe("new above");
  });

  test("the details of an ended flow are read once, those of a running flow until it has ended", async () => {
    const { page, requested } = await visit(browser);
    await signIn(page, server.url, API_KEY);
    await page.goto(`${server.url}/console/#/flows`);
    await page.waitForSelector(".flow-row");
    const lists = () => requested.filter((url) => url.includes("/v1/flows?")).map((url) => new URL(url).searchParams);
    const heads = () => lists().filter((query) => query.get("limit") === "100");
    await until(
      async () => heads(),
      (all) => all.length >= 4,
    );
    expect(heads().map((query) => query.get("details"))).toEqual([
      "true",
      ...heads()
        .slice(1)
        .map(() => null),
    ]);

    const before = heads().length;
    // A fast flow would end between two reads of the list, and no read would see it running.
    const id = await server.start({ prompt: "a boat that is followed --sim slow", then: [{ press: "U1" }] });
    await waitForText(page, "a boat that is followed");
    await until(
      async () => heads().slice(before),
      (all) => all.some((query) => query.get("status") === "running" && query.get("details") === "true"),
    );
    await server.ended(id);
    await page.waitForFunction(() => document.querySelector(".flows li")?.textContent?.includes("2 of 2 done"));
    const settled = heads().slice(before);
    // Of the ended flow only its own millisecond is read.
    const ended = settled.filter((query) => query.has("since"));
    expect(ended.length).toBeGreaterThan(0);
    for (const query of ended)
      expect(Date.parse(query.get("until")!) - Date.parse(query.get("since")!)).toBeLessThanOrEqual(1);
    const after = heads().length;
    await until(
      async () => heads(),
      (all) => all.length >= after + 3,
    );
    expect(
      heads()
        .slice(after + 1)
        .every((query) => !query.has("details")),
    ).toBe(true);
  });
});
