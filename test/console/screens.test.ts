/**
 * Screenshots of the main pages are like the kept ones in `screens/`. The test compares small images by the color of their cells.
 * So a text may move by a pixel, but a panel, a color or a row may not.
 *
 * After an intended change: `MJFLOW_RECORD=1 npx vitest run test/console/screens.test.ts`, and look at the new images.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "puppeteer-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromium, useConsole } from "./set-up.ts";
import { showScheme } from "./test-browser.ts";

const KEPT = fileURLToPath(new URL("./screens", import.meta.url));
/** Where the screenshot is after a failure. Git ignores the folder. */
const FOUND = fileURLToPath(new URL("../../.tmp/screens", import.meta.url));
const isRecording = process.env["MJFLOW_RECORD"] === "1";

/** A kept image has a part of the width of its screenshot. */
const LOOKS = [
  { width: 1440, height: 900, scheme: "light", part: 1 / 3 },
  { width: 1024, height: 768, scheme: "dark", part: 1 / 3 },
  { width: 390, height: 844, scheme: "light", part: 1 / 2 },
] as const;
/** Side of a cell, px of a kept image. */
const CELL = 6;
/** A cell differs if one of its channels differs by more, of 255. */
const CHANNEL_TOLERANCE = 14;
/** Share of cells that may differ: times, prices and ids are other ones in each run. */
const CELL_TOLERANCE = 0.02;
/** All images of vendors are this one, because a simulator draws other ones in each run. */
const IMAGE = await sharp({ create: { width: 96, height: 96, channels: 3, background: "#3f7fb3" } })
  .png()
  .toBuffer();

describe.skipIf(!chromium)("screenshots", () => {
  const setup = useConsole();
  let flow: string;
  let hasOtherFonts = false;
  const receiver = createServer((request, response) => request.resume().on("end", () => response.end()));

  beforeAll(async () => {
    const { start, ended, call } = setup.server;
    // A webhook that fails would be shown with another time and state in each run.
    const hook = `http://127.0.0.1:${await startReceiver()}/hook`;
    await call("POST", "/v1/endpoints", { url: hook, description: "the shop" });
    const prompts = ["koi in a pond, gouache --ar 1:1", "a lighthouse --ar 2:3", "desert dunes at noon --ar 21:9"];
    for (const prompt of prompts) await ended(await start({ prompt }));
    flow = await start({
      prompt: "a paper boat on calm water, first light --ar 3:2",
      then: [{ press: "U1", then: [{ press: "zoom:2", then: [{ press: "vary:subtle" }] }] }],
    });
    await ended(flow);
    hasOtherFonts = !(await hasKeptFonts());
  }, 180_000);

  afterAll(() => void receiver.close());

  async function startReceiver(): Promise<number> {
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    return (receiver.address() as AddressInfo).port;
  }

  /** Compares the width of a text with that of the kept screenshots. */
  async function hasKeptFonts(): Promise<boolean> {
    const { page } = await setup.opened("#/flows");
    await page.waitForSelector("main h1");
    const width = await page.evaluate(() => {
      const context = document.createElement("canvas").getContext("2d")!;
      context.font = `100px ${getComputedStyle(document.body).fontFamily}`;
      return Math.round(context.measureText("A paper boat on calm water, 0123456789").width);
    });
    await page.close();
    const file = join(KEPT, "fonts.json");
    if (isRecording) writeFileSync(file, `{ "width": ${width} }\n`);
    return JSON.parse(readFileSync(file, "utf8")).width === width;
  }

  const PAGES: Record<string, { hash(): string; ready: string }> = {
    gallery: { hash: () => "#/gallery", ready: ".tile img" },
    lightbox: { hash: () => `#/gallery?pic=${taskOf(flow)}_0.2`, ready: ".lightbox[open] .lightbox-bar" },
    create: { hash: () => "#/create", ready: ".recent li" },
    flows: { hash: () => "#/flows", ready: ".flow-row .status" },
    flow: { hash: () => `#/flows/${flow}`, ready: ".node-words" },
    timeline: { hash: () => `#/flows/${flow}?view=timeline`, ready: ".timeline tbody tr" },
    deliveries: { hash: () => "#/deliveries", ready: ".delivery-rows .delivery-row" },
    health: { hash: () => "#/health", ready: "#dead-letters" },
    vendors: { hash: () => "#/settings/vendors", ready: ".vendor-card" },
    usage: { hash: () => "#/settings/usage", ready: ".settings-content :is(.card, .empty, .well)" },
  };

  describe.each(LOOKS)("at $width px, $scheme", ({ width, height, scheme, part }) => {
    test.for(Object.entries(PAGES))("%s", async ([name, { hash, ready }], context) => {
      if (hasOtherFonts) context.skip("This machine has other fonts than the kept screenshots.");
      const { page } = await setup.opened(hash(), {
        width,
        height,
        async before(opened) {
          await showScheme(opened, scheme);
          await opened.emulateMediaFeatures([
            { name: "prefers-color-scheme", value: scheme },
            { name: "prefers-reduced-motion", value: "reduce" },
          ]);
          await replaceImages(opened);
        },
      });
      await page.waitForSelector(ready);
      // What is under the pointer looks different.
      await page.mouse.move(0, 0);
      await isStill(page);
      const small = await sharp(await page.screenshot())
        .resize(Math.round(width * part))
        .removeAlpha()
        .png({ palette: true, effort: 10 })
        .toBuffer();
      await page.close();
      const file = join(KEPT, `${name}-${width}-${scheme}.png`);
      if (isRecording || !existsSync(file)) {
        writeFileSync(file, small);
        expect(isRecording, `There was no ${file}. It is written now: look at it, and add it.`).toBe(true);
      }
      const share = await differentCells(readFileSync(file), small);
      if (share > CELL_TOLERANCE) {
        mkdirSync(FOUND, { recursive: true });
        writeFileSync(join(FOUND, `${name}-${width}-${scheme}.png`), small);
      }
      expect(share, `cells of ${name}-${width}-${scheme}.png that differ; see .tmp/screens`).toBeLessThanOrEqual(
        CELL_TOLERANCE,
      );
    });
  });
});

const taskOf = (flow: string) => flow.replace("flow_", "task_");

async function replaceImages(page: Page): Promise<void> {
  await page.setRequestInterception(true);
  page.on("request", (request) => {
    const isVendorImage = request.resourceType() === "image" && !request.url().includes("/console/");
    if (isVendorImage) void request.respond({ status: 200, contentType: "image/png", body: IMAGE });
    else void request.continue();
  });
}

/** Waits until all data has come, and no skeleton, image or animation is left to wait for. */
async function isStill(page: Page): Promise<void> {
  await page.waitForFunction(
    () =>
      !document.querySelector("main .skeleton, dialog .skeleton") &&
      [...document.images].every(({ complete, loading }) => complete || loading === "lazy") &&
      document.getAnimations().every(({ playState }) => playState !== "running"),
  );
  await page.waitForNetworkIdle({ idleTime: 300, concurrency: 2 });
}

/** Returns the share of cells whose mean color differs. */
async function differentCells(kept: Buffer, found: Buffer): Promise<number> {
  const [a, b] = await Promise.all([cellsOf(kept), cellsOf(found)]);
  expect(b.size, "the size of the screenshot").toEqual(a.size);
  let different = 0;
  for (let i = 0; i < a.cells.length; i += 3) {
    const far = [0, 1, 2].some(
      (channel) => Math.abs(a.cells[i + channel]! - b.cells[i + channel]!) > CHANNEL_TOLERANCE,
    );
    if (far) different++;
  }
  return different / (a.cells.length / 3);
}

async function cellsOf(png: Buffer): Promise<{ cells: Buffer; size: [number, number] }> {
  const { width, height } = await sharp(png).metadata();
  const size: [number, number] = [Math.round(width / CELL), Math.round(height / CELL)];
  const cells = await sharp(png)
    .removeAlpha()
    .toColorspace("srgb")
    .resize(...size, { fit: "fill", kernel: "cubic" })
    .raw()
    .toBuffer();
  return { cells, size };
}
