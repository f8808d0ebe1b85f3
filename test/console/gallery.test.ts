/** The gallery and the lightbox in a real browser. */
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { violationsOf } from "../support/accessibility.ts";
import { API_KEY, type Json, until } from "../support/spawned.ts";
import { chromium, useConsole } from "./set-up.ts";
import { click, showScheme, signIn, textOf, visit } from "./test-browser.ts";

describe.skipIf(!chromium)("the gallery", () => {
  const { server, browser } = useConsole();
  let folder: string;
  /** An archived flow: an image with four, and two upscales. */
  let flow: Json;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "mjflow-gallery-"));
    const plain = await server.start({ prompt: "a lighthouse --ar 16:9" });
    await server.ended(plain);
    const id = await server.start({ prompt: "A paper boat --ar 3:2", archive: true, then: [{ press: ["U1", "U2"] }] });
    await server.ended(id);
    flow = await until(
      () => server.flow(id),
      ({ tasks }) => tasks.length === 3 && tasks.every(({ copies }: Json) => copies.length > 0),
    );
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
  });

  async function opened(hash = "#/gallery") {
    const visitor = await visit(browser);
    const { page } = visitor;
    await signIn(page, server.url, API_KEY);
    await page.goto(`${server.url}/console/${hash}`);
    await page.waitForSelector(".tile, .lightbox");
    const session = await page.createCDPSession();
    await session.send("Page.setDownloadBehavior", { behavior: "allow", downloadPath: folder });
    return visitor;
  }
  /** Waits for a complete file in the download folder. */
  const saved = async (end: RegExp) =>
    join(
      folder,
      (await until(
        async () => readdirSync(folder).find((name) => end.test(name)),
        (name) => name !== undefined,
      ))!,
    );
  const focusedShot = (page: Page) => page.evaluate(() => (document.activeElement as HTMLElement)?.dataset["shot"]);

  test("the first images need three requests of the API, and none reads a flow", async () => {
    const { page, requested, complaints } = await opened();
    requested.length = 0;
    await page.reload();
    await page.waitForFunction(() => document.querySelectorAll(".tile").length === 10);
    const calls = requested.filter((url) => url.includes("/v1/"));
    expect(calls.length, calls.join("\n")).toBeLessThanOrEqual(3);
    expect(calls.filter((url) => url.includes("/v1/flows/"))).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test("an image with four is four tiles, and the third opens as 3 of 4; the arrow keys show the next, and Escape returns", async () => {
    const { page, complaints } = await opened();
    const third = `${flow.tasks[0].id}.3`;
    await page.locator(`[data-shot="${third}"]`).click();
    await page.waitForSelector(".lightbox[open]");
    expect(await textOf(page, ".lightbox-bar .number")).toBe("3 of 4 in this result");
    await page.waitForFunction(() => {
      const image = document.querySelector<HTMLImageElement>(".lightbox-layer img");
      return image !== null && image.naturalWidth > 0;
    });
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction(() =>
      document.querySelector(".lightbox-bar .number")?.textContent?.startsWith("4 of 4"),
    );
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector(".lightbox"));
    await page.waitForFunction((id) => (document.activeElement as HTMLElement)?.dataset["shot"] === id, {}, third);
    expect(await focusedShot(page)).toBe(third);
    expect(complaints).toEqual([]);
  });

  test("the address of an open image shows it in another signed-in tab", async () => {
    const pic = `${flow.tasks[1].id}.1`;
    const { page } = await opened(`#/gallery?pic=${pic}`);
    await page.waitForSelector(".lightbox[open]");
    expect(await page.$eval(".lightbox", (dialog) => dialog.getAttribute("aria-label"))).toBe(
      "U1: A paper boat --ar 3:2",
    );
  });

  test("d saves the bytes of the archived copy under a name with the prompt, the press, and the seed if there is one", async () => {
    const { page } = await opened(`#/gallery?pic=${flow.tasks[2].id}.1`);
    const [copy] = flow.tasks[2].copies;
    const hashOf = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");
    await page.waitForSelector(".lightbox[open]");
    await page.keyboard.press("d");
    expect(flow.tasks[2].seed).toBeNull();
    expect(hashOf(await saved(/^a-paper-boat_u2\.png$/))).toBe(copy.sha256);
    // The simulated vendor reports no seed. A vendor that does is one more field of the same response.
    await page.setRequestInterception(true);
    page.on("request", async (request) => {
      if (!request.url().includes("/v1/pictures?")) return request.continue();
      const { pathname, search } = new URL(request.url());
      const { body } = await server.call("GET", `${pathname}${search}`);
      const data = body.data.map((picture: Json) => ({ ...picture, seed: "2918340417" }));
      return request.respond({ contentType: "application/json", body: JSON.stringify({ ...body, data }) });
    });
    await page.reload();
    await page.waitForSelector(".lightbox[open]");
    await page.keyboard.press("d");
    expect(hashOf(await saved(/^a-paper-boat_u2_2918340417\.png$/))).toBe(copy.sha256);
  });

  test("a selection by click, Shift and click, and the key x is saved as one ZIP file", async () => {
    const { page, complaints } = await opened();
    const ids = [flow.tasks[1], flow.tasks[2]].map(({ id }: Json) => `${id}.1`);
    await page.focus(`[data-shot="${ids[0]}"]`);
    await page.keyboard.press("x");
    await page.waitForSelector(".selection-bar");
    await page.locator(`[data-shot="${ids[1]}"]`).click();
    await page.waitForFunction(() => document.querySelector(".selection-bar")?.textContent?.includes("2 selected"));
    await page.keyboard.down("Shift");
    await page.locator(`[data-shot="${flow.tasks[0].id}.1"]`).click();
    await page.keyboard.up("Shift");
    await page.waitForFunction(() => document.querySelector(".selection-bar")?.textContent?.includes("3 selected"));
    await click(page, ".selection-bar button", "Download ZIP");
    const zip = readFileSync(await saved(/\.zip$/));
    // The number of files is at byte 10 of the record at the end.
    expect(zip.readUInt16LE(zip.length - 12)).toBe(3);
    // The directory has the name of each file as plain text.
    for (const name of ["a-paper-boat_imagine.png", "a-paper-boat_u1.png", "a-paper-boat_u2.png"])
      expect(zip.includes(name), name).toBe(true);
    expect(complaints).toEqual([]);
  });

  test("c compares two images with a divider that the mouse and the arrow keys move, and a zoom of one is a zoom of both", async () => {
    const { page, complaints } = await opened(`#/gallery?pic=${flow.tasks[1].id}.1`);
    await page.waitForSelector(".lightbox[open]");
    await page.keyboard.press("c");
    await page.waitForSelector('.lightbox input[type="range"]');
    const cut = () =>
      page.$eval(".lightbox-cut", (layer) => Number(/ ([\d.]+)%\)$/.exec((layer as HTMLElement).style.clipPath)![1]));
    const cutIs = (percent: number) =>
      page.waitForFunction(
        (wanted) => document.querySelector<HTMLElement>(".lightbox-cut")!.style.clipPath.includes(` ${wanted}%`),
        {},
        percent,
      );
    expect(await cut()).toBe(50);
    // The divider has the focus at once.
    await page.keyboard.press("ArrowRight");
    await cutIs(51);
    await page.keyboard.press("ArrowLeft");
    await cutIs(50);
    // The mouse takes the handle on the line and moves it to a quarter of the width.
    const box = await page.$eval(".lightbox-picture", (picture) => picture.getBoundingClientRect().toJSON());
    const [middle, quarter, y] = [box.x + box.width / 2, box.x + box.width / 4, box.y + box.height / 2];
    await page.mouse.move(middle, y);
    await page.mouse.down();
    await page.mouse.move(quarter, y, { steps: 4 });
    await page.mouse.up();
    expect(await cut()).toBeCloseTo(25, -0.5);
    const line = await page.$eval(".lightbox-split", (split) => split.getBoundingClientRect().x);
    expect(Math.abs(line - quarter)).toBeLessThan(box.width / 50);
    const views = () =>
      page.$$eval(".lightbox-layer", (layers) => layers.map((layer) => (layer as HTMLElement).style.transform));
    const scaled = (wanted: string) =>
      page.waitForFunction(
        (scale) =>
          [...document.querySelectorAll<HTMLElement>(".lightbox-layer")].every(({ style }) =>
            style.transform.includes(scale),
          ),
        {},
        wanted,
      );
    expect(await views()).toHaveLength(2);
    await page.keyboard.press("z");
    await scaled("scale(2.5)");
    // The wheel over the right image, and a drag of it, move both.
    await page.mouse.move(middle + 200, y);
    await page.mouse.wheel({ deltaY: -200 });
    await page.waitForFunction(
      () => !document.querySelector<HTMLElement>(".lightbox-layer")!.style.transform.includes("scale(2.5)"),
    );
    await page.mouse.down();
    await page.mouse.move(middle + 160, y - 30, { steps: 3 });
    await page.mouse.up();
    const [left, right] = await views();
    expect(left).toBe(right);
    expect(await cut()).toBeCloseTo(25, -0.5);
    // Without the comparison the arrow keys go to the next image again.
    await page.keyboard.press("c");
    await page.waitForFunction(() => !document.querySelector('.lightbox input[type="range"]'));
    const before = page.url();
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction((url) => location.href !== url, {}, before);
    expect(complaints).toEqual([]);
  });

  test("on a phone a prompt can be written above the tabs, and it goes on in Create, where nothing is sent before its price is seen", async () => {
    const { page, requested } = await visit(browser, { width: 390, height: 844 });
    await page.setBypassCSP(true);
    await signIn(page, server.url, API_KEY);
    await page.goto(`${server.url}/console/#/gallery`);
    await page.waitForSelector(".composer-pill input");
    for (const scheme of ["light", "dark"] as const) {
      await showScheme(page, scheme);
      expect(await violationsOf(page), scheme).toEqual([]);
    }
    const edges = await page.evaluate(() => {
      const pill = document.querySelector(".composer-pill")!.getBoundingClientRect();
      const { top } = document.querySelector(".tabbar")!.getBoundingClientRect();
      return { left: pill.left, right: pill.right, gap: top - pill.bottom };
    });
    expect(edges.left).toBeGreaterThanOrEqual(0);
    expect(edges.right).toBeLessThanOrEqual(390);
    expect(edges.gap).toBeGreaterThanOrEqual(0);
    // The last image is not hidden behind it.
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    const hidden = await page.evaluate(() => {
      const pill = document.querySelector(".composer-pill")!.getBoundingClientRect();
      return (
        Math.max(...[...document.querySelectorAll(".tile")].map((tile) => tile.getBoundingClientRect().bottom)) -
        pill.top
      );
    });
    expect(hidden).toBeLessThanOrEqual(0);
    await page.locator(".composer-pill input").fill("a red kite --ar 2:3");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".composer textarea");
    expect(await page.$eval(".composer textarea", ({ value }) => value)).toBe("a red kite --ar 2:3");
    await page.waitForFunction(() => /≤? ?\$0\.\d/.test(document.querySelector("main")?.textContent ?? ""));
    expect(requested.filter((url) => /\/v1\/flows\/?$/.test(url))).toEqual([]);
  });

  test("the filters are in the address, and a filter without results says so", async () => {
    const { page } = await opened("#/gallery?action=UPSCALE");
    await page.waitForFunction(() => document.querySelectorAll(".tile").length === 2);
    await page.locator("input[type=search]").fill("no such words");
    // The address changes when the user pauses, and a slow machine types with pauses.
    await page.waitForFunction(() => location.hash.includes("q=no+such+words"));
    await page.waitForFunction(() => document.querySelector(".empty")?.textContent?.includes("No image matches"));
    await click(page, ".empty button", "Clear filters");
    await page.waitForFunction(() => document.querySelectorAll(".tile").length === 10);
    expect(page.url()).toMatch(/#\/gallery$/);
  });

  test("a vendor's link that does not load is replaced by the next one, and only then the tile says so", async () => {
    const { page } = await visit(browser);
    await page.setRequestInterception(true);
    page.on("request", (request) =>
      request.url().includes("/media/") ? request.respond({ status: 404 }) : request.continue(),
    );
    await signIn(page, server.url, API_KEY);
    await page.goto(`${server.url}/console/#/gallery?action=UPSCALE`);
    // The copy is gone, so the tile shows the vendor's image.
    await page.waitForFunction(
      () =>
        [...document.querySelectorAll<HTMLImageElement>(".tile img")].filter(
          ({ naturalWidth, src }) => naturalWidth > 0 && !src.includes("/media/"),
        ).length === 2,
    );
  });

  test("a picture of four under the pointer is upscaled with one click, and its lightbox names the tasks before it", async () => {
    const { page, complaints } = await opened();
    await page.hover(`[data-shot="${flow.tasks[0].id}.4"]`);
    await click(page, ".tile-presses .chip", "U4$0.01");
    const upscale = ({ tasks }: Json) => tasks.find(({ press }: Json) => press === "upscale:4");
    const ended = await until(
      () => server.flow(flow.id),
      (now) => upscale(now)?.status === "SUCCESS",
    );
    await page.goto(`${server.url}/console/#/gallery?pic=${upscale(ended).id}.1`);
    await page.waitForSelector(".lightbox .lineage a");
    expect(await page.$$eval(".lineage a", (all) => all.map(({ textContent }) => textContent))).toEqual([
      "imagine",
      "U4",
    ]);
    expect(complaints).toEqual([]);
  });

  test("an image of which neither the copy nor the vendor's link loads says so, and Retry loads it", async () => {
    const { page } = await visit(browser);
    let isBroken = true;
    await page.setRequestInterception(true);
    page.on("request", (request) =>
      isBroken && request.resourceType() === "image" ? request.respond({ status: 404 }) : request.continue(),
    );
    await signIn(page, server.url, API_KEY);
    await page.goto(`${server.url}/console/#/gallery?action=UPSCALE`);
    await page.waitForSelector(".tile .gone button");
    expect(await textOf(page, ".tile .gone button")).toContain("Could not load. Retry");
    isBroken = false;
    await page.evaluate(() => document.querySelector<HTMLElement>(".tile .gone button")!.click());
    await page.waitForFunction(() =>
      [...document.querySelectorAll<HTMLImageElement>(".tile img")].some(({ naturalWidth }) => naturalWidth > 0),
    );
  });
});
