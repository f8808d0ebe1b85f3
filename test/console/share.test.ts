/** Share links in a real browser: the dialog of a flow, and the page that needs no session (D15). */
import { mkdirSync } from "node:fs";
import type { Browser, Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API_KEY, type SpawnedServer, spawnServer } from "../support/spawned.ts";
import { chromiumPath, click, launch, signIn, visit, waitForText } from "./test-browser.ts";

const chromium = chromiumPath();
if (!chromium) console.warn("There is no Chromium here, so the tests of share links are skipped.");
/** Folder for pictures of the pages, to look at. Unset: none are taken. */
const SHOTS = process.env["MJFLOW_TEST_SHOTS"];

const PROMPT = "a paper boat on a quiet lake";
const STATE = "the state of a household";

describe.skipIf(!chromium)("share links in the console", () => {
  let server: SpawnedServer;
  let browser: Browser;
  let flow: string;
  beforeAll(async () => {
    server = await spawnServer();
    browser = await launch(chromium!);
    const then = [{ press: "U1", then: [{ press: "zoom:2" }] }, { press: "U2" }];
    flow = await server.start({ prompt: PROMPT, state: STATE, archive: true, then });
    await server.ended(flow);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  const share = async (id = flow, body: object = {}) =>
    (await server.call("POST", `/v1/flows/${id}/shares`, body)).body as { id: string; token: string; url: string };
  const pictures = (page: Page) =>
    page.waitForFunction(() => {
      const all = [...document.querySelectorAll<HTMLImageElement>(".shared-picture img")];
      for (const image of all) image.loading = "eager";
      return all.length === 4 && all.every(({ complete, naturalWidth }) => complete && naturalWidth > 0);
    });
  async function keep(page: Page, name: string): Promise<void> {
    if (SHOTS === undefined) return;
    mkdirSync(SHOTS, { recursive: true });
    await page.screenshot({ path: `${SHOTS}/${name}.png` });
  }

  test("a user creates a link, copies it once, and a visitor without a session sees the flow by it", async () => {
    const { page, complaints } = await visit(browser);
    await signIn(page, server.url, API_KEY);
    await page.goto(`${server.url}/console/#/flows/${flow}`);
    await click(page, ".flow-head button", "Share");
    await waitForText(page, "No links yet.");
    await page.locator('input[name="label"]').fill("for the customer");
    await page.select('select[name="days"]', "1");
    await click(page, "dialog button", "Create link");
    const url = await page
      .waitForSelector('input[name="share-url"]')
      .then((input) => input!.evaluate((one) => one.value));
    expect(url).toMatch(/\/console#\/share\/mjv_\w+$/);
    await waitForText(page, "for the customer");
    const { data } = (await server.call("GET", `/v1/flows/${flow}/shares`)).body;
    expect(Date.parse(data[0].expiresAt) - Date.parse(data[0].createdAt)).toBe(86_400_000);
    await keep(page, "dialog");

    const visitor = await visit(browser);
    await visitor.page.goto(url);
    await waitForText(visitor.page, PROMPT);
    await pictures(visitor.page);
    const text = await visitor.page.evaluate(() => document.body.textContent);
    expect(text).toContain("imagine › U1 › Zoom out 2×");
    expect(text).not.toMatch(/simulator|\$|household/i);
    expect(await visitor.page.$("nav")).toBe(null);
    // The secret is in the address of the tab alone: in no request, no storage and no cookie.
    const secret = /mjv_\w+/.exec(url)![0];
    expect(visitor.requested.map((each) => each.replace(/#.*/, "")).join(" ")).not.toContain(secret);
    const stored = await visitor.page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
    expect(stored).not.toContain("mjv_");
    expect(await visitor.page.$eval('meta[name="robots"]', (meta) => meta.getAttribute("content"))).toBe("noindex");

    await page.locator('button[aria-label="Revoke for the customer"]').click();
    await click(page, "dialog button", "Revoke link");
    await waitForText(page, "No links yet.");
    expect(await page.$('input[name="share-url"]')).toBe(null);
    await visitor.page.reload();
    await waitForText(visitor.page, "This link does not work any more.");
    expect([...complaints, ...visitor.complaints.filter((each) => !each.includes("404"))]).toEqual([]);
  }, 120_000);

  test("a visitor opens a picture, goes through the pictures with the keyboard, and closes it", async () => {
    const { page, complaints } = await visit(browser);
    await page.goto((await share()).url);
    await pictures(page);
    await page.locator('button[aria-label="Open imagine › U1"]').click();
    const counter = () => page.$eval(".lightbox .number", (element) => element.textContent?.trim());
    expect(await counter()).toBe("2 of 4");
    await keep(page, "lightbox");
    await page.keyboard.press("ArrowRight");
    expect(await counter()).toBe("3 of 4");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    expect(await counter()).toBe("1 of 4");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => document.querySelector("dialog") === null);
    // The focus is on the picture that was shown last.
    await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label") === "Open imagine");
    expect(complaints).toEqual([]);
  }, 120_000);

  test("a link without the prompt shows none, and a running flow goes on by itself", async () => {
    const id = await server.start({ prompt: `${PROMPT} --sim slow`, archive: true });
    const { page } = await visit(browser);
    await page.goto((await share(id, { showsPrompt: false })).url);
    await waitForText(page, "Shared flow");
    expect(await page.evaluate(() => document.body.textContent)).not.toContain("paper boat");
    await page.waitForSelector(".shared-result progress");
    await server.ended(id, 60_000);
    await page.waitForFunction(() => document.querySelector(".shared-picture img") !== null, { timeout: 60_000 });
    await waitForText(page, "completed");
  }, 180_000);

  test.each([
    ["a link that was revoked", "revoked"],
    ["half of a link", "half"],
    ["a text that is no link", "odd"],
  ])("%s leads to a plain sentence and to no sign-in", async (_, kind) => {
    const { id, token } = await share();
    if (kind === "revoked") await server.call("DELETE", `/v1/flows/${flow}/shares/${id}`);
    const text = { revoked: token, half: token.slice(0, 40), odd: "%E2%82%AC" }[kind]!;
    const { page } = await visit(browser);
    await page.goto(`${server.url}/console/#/share/${text}`);
    await waitForText(page, "This link does not work any more.");
    expect(await page.$('input[name="key"]')).toBe(null);
    await keep(page, `ended-${kind}`);
  });

  test("pictures that are not archived are shown only by choice, and never without the prompt", async () => {
    const id = await server.start({ prompt: PROMPT, archive: false });
    await server.ended(id);
    const { page, complaints } = await visit(browser);
    await signIn(page, server.url, API_KEY);
    await page.goto(`${server.url}/console/#/flows/${id}`);
    await page.locator(".flow-head button.share").click();
    await waitForText(page, "Pictures that are not archived are not shown.");
    const box = 'input[name="vendor-links"]';
    await page.locator('input[name="prompt"]').click();
    expect(await page.$eval(box, (input) => (input as HTMLInputElement).disabled)).toBe(true);
    await page.locator('input[name="prompt"]').click();
    await page.locator(box).click();
    await waitForText(page, "can contain words of the prompt");
    await keep(page, "vendor-links");
    await click(page, "dialog button", "Create link");
    const url = await page
      .waitForSelector('input[name="share-url"]')
      .then((input) => input!.evaluate((one) => one.value));
    const visitor = await visit(browser);
    await visitor.page.goto(url);
    await visitor.page.waitForSelector(".shared-picture img");
    await visitor.page.goto((await share(id)).url);
    await waitForText(visitor.page, "This picture is not part of the link.");
    expect([...complaints, ...visitor.complaints]).toEqual([]);
  }, 120_000);

  test("a user who is signed in sees the page of a link as every visitor does", async () => {
    const { page } = await visit(browser);
    await signIn(page, server.url, API_KEY);
    await page.goto((await share()).url);
    await pictures(page);
    expect(await page.$("nav")).toBe(null);
    await page.goto(`${server.url}/console/#/flows`);
    await page.waitForSelector('nav[aria-label="Pages"]');
  });

  test("the page is in Chinese for a browser in Chinese", async () => {
    const { page } = await visit(browser);
    await page.evaluateOnNewDocument(() =>
      Object.defineProperty(navigator, "languages", { get: () => ["zh-CN"], configurable: true }),
    );
    await page.goto((await share()).url);
    await waitForText(page, "分享给您的只读页面");
    await pictures(page);
    await keep(page, "zh");
  });
});
