/** Very many pictures and very many tasks in a real browser: the document stays small, and nothing moves by itself. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API_KEY, type SpawnedServer, spawnServer } from "../support/spawned.ts";
import { seedFlows, seedTree } from "./seed.ts";
import { chromiumPath, launch, signIn, visit } from "./test-browser.ts";

const chromium = chromiumPath();
/** Each flow has an image with four, and two upscales. */
const PICTURES = 10_000;
const FLOWS = Math.ceil(PICTURES / 6);
const MAX_ELEMENTS = 400;

/** An entry of the browser's layout shifts. */
interface Shift {
  sources: { node: Node | null; previousRect: DOMRect; currentRect: DOMRect }[];
}

describe.skipIf(!chromium)("a large console", () => {
  let dataDir: string;
  let server: SpawnedServer;
  let browser: Browser;
  /** A flow of 1,000 tasks. */
  let tree: string;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), "mjflow-large-"));
    await seedFlows({ dataDir, count: FLOWS, imageUrlOf: (n) => `http://127.0.0.1:9/${n}.png` });
    tree = await seedTree({ dataDir, branches: 37, leaves: 26, imageUrl: "http://127.0.0.1:9/tree.png" });
    server = await spawnServer({ dataDir });
    browser = await launch(chromium!);
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  async function opened(hash: string, ready: string): Promise<Page> {
    const { page } = await visit(browser, { width: 1440 });
    await signIn(page, server.url, API_KEY);
    await page.goto(`${server.url}/console/${hash}`);
    await page.waitForSelector(ready);
    return page;
  }

  test("scrolling through 10,000 pictures keeps fewer than 400 elements and shifts no tile", {
    timeout: 240_000,
  }, async () => {
    const page = await opened("#/gallery", ".tile");
    const seen = await page.evaluate(async (wanted) => {
      const shifted: string[] = [];
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as unknown as Shift[])
          for (const { node, previousRect, currentRect } of entry.sources)
            shifted.push(`${(node as Element)?.className} ${JSON.stringify([previousRect, currentRect])}`);
      }).observe({ type: "layout-shift", buffered: false });
      const shots = new Set<string>();
      let most = 0;
      while (shots.size < wanted) {
        for (const tile of document.querySelectorAll<HTMLElement>(".tile a")) shots.add(tile.dataset["shot"]!);
        most = Math.max(most, document.querySelectorAll("*").length);
        scrollBy(0, innerHeight * 0.8);
        await new Promise(requestAnimationFrame);
      }
      return { most, shifted };
    }, PICTURES);
    expect(seen.most).toBeLessThan(MAX_ELEMENTS);
    expect(seen.shifted).toEqual([]);
  });

  test("a flow of 1,000 tasks has at most 400 elements at every zoom, and each task can be selected", async () => {
    const page = await opened(`#/flows/${tree}`, "[role=treeitem]");
    const most = () => page.$$eval(".canvas, .canvas *", (all) => all.length);
    const found: Record<string, number> = { first: await most() };
    await page.focus("[role=treeitem][tabindex='0']");
    await page.keyboard.press("f");
    await page.waitForSelector(".canvas.drawn .drawing path");
    found["fitted"] = await most();
    // From far away the tasks are one drawing. A click in it selects the task below the pointer.
    const { x, y, width, height } = (await (await page.$(".drawing"))!.boundingBox())!;
    await page.mouse.click(x + width * 0.5, y + height * 0.5);
    const chosen = () => page.$eval("[role=treeitem]", (node) => node.getAttribute("data-node")!);
    for (let step = 0; step < 20; step++) {
      await page.keyboard.press("+");
      found[await page.$eval(".canvas-tools .number", (tool) => tool.textContent)] = await most();
    }
    expect(
      Object.values(found).every((count) => count <= MAX_ELEMENTS),
      JSON.stringify(found),
    ).toBe(true);
    await page.keyboard.press("f");
    await page.focus("[role=treeitem]");
    const before = await chosen();
    await page.keyboard.press("ArrowDown");
    await page.waitForFunction(
      (id) => document.querySelector("[role=treeitem]")?.getAttribute("data-node") !== id,
      {},
      before,
    );
    expect(await page.evaluate(() => document.activeElement?.getAttribute("role"))).toBe("treeitem");
  });
});
