/** A long list in a real browser: all of it can be reached, and only what is near the window exists. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API_KEY, type SpawnedServer, spawnServer } from "../support/spawned.ts";
import { seedFlows } from "./seed.ts";
import { chromiumPath, launch, signIn, visit, waitForText } from "./test-browser.ts";

const chromium = chromiumPath();
/** Several pages of the API, and some twenty windows high. */
const FLOWS = 250;
/** What a window of 900 px shows, and what is kept ready above and below. */
const MOST_ROWS = 40;

describe.skipIf(!chromium)("a list of flows", () => {
  let dataDir: string;
  let server: SpawnedServer;
  let browser: Browser;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), "mjflow-list-"));
    await seedFlows({ dataDir, count: FLOWS, pictureUrl: (n) => `http://127.0.0.1:9/${n}.png` });
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
    await page.waitForSelector(".flow-row");
    return page;
  }
  const rowsOf = (page: Page) => page.$$eval(".flow-row", (all) => all.length);

  test("is read to its end by scrolling, and the document never holds more than a window's worth", async () => {
    const page = await opened();
    const seen = await page.evaluate(async (wanted) => {
      const prompts = new Set<string>();
      let most = 0;
      while (prompts.size < wanted) {
        const rows = [...document.querySelectorAll(".flows li")];
        most = Math.max(most, rows.length);
        for (const row of rows) prompts.add(row.querySelector(".prompt")!.textContent);
        scrollBy(0, innerHeight / 2);
        await new Promise(requestAnimationFrame);
      }
      return { flows: prompts.size, most };
    }, FLOWS);
    expect(seen.flows).toBe(FLOWS);
    expect(seen.most).toBeLessThanOrEqual(MOST_ROWS);
    // Now that its end is known, so is its length, for those who cannot see it.
    await page.waitForFunction(
      (wanted) => document.querySelector(".flows li:last-child")?.getAttribute("aria-setsize") === String(wanted),
      {},
      FLOWS,
    );
    expect(await page.$eval(".flows li:last-child", (row) => row.getAttribute("aria-posinset"))).toBe(String(FLOWS));
  });

  test("is walked by the Tab key past what is there at first; the row with the focus stays when it is scrolled away", async () => {
    const page = await opened();
    await page.focus(".flow-row");
    for (let i = 0; i < 30; i++) await page.keyboard.press("Tab");
    const focused = () =>
      page.evaluate(() => document.activeElement?.closest("li")?.getAttribute("aria-posinset") ?? "none");
    expect(await focused()).toBe("31");
    await page.evaluate(() => scrollTo(0, 5_000));
    await page.waitForFunction(() => document.querySelectorAll('.flows li[aria-posinset="70"]').length === 1);
    expect(await focused()).toBe("31");
    expect(await rowsOf(page)).toBeLessThanOrEqual(MOST_ROWS);
  });

  test("is searched to its end, though most of it was not there when the word was typed", async () => {
    const page = await opened();
    await page.locator("input[type=search]").fill("order 249");
    await waitForText(page, "number 249,");
    expect(await rowsOf(page)).toBe(1);
    await waitForText(page, `Looked through ${FLOWS} flows`);
  });

  test("asked for by provider shows none but its flows; what came in meanwhile is there for who returns to the top", async () => {
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
});
