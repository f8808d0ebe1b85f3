/** A long flow list in a real browser: every flow can be reached, and only rows near the visible area exist. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API_KEY, type SpawnedServer, spawnServer } from "../support/spawned.ts";
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
});
