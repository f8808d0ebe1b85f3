/** The Create page in a real browser: roles of images, the price, and the request as code. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Page } from "puppeteer-core";
import { describe, expect, test } from "vitest";
import { API_KEY, type Json, until } from "../support/spawned.ts";
import { chromium, useConsole } from "./set-up.ts";
import { click, giveImage, idOf, PIXEL, signIn, textOf, visit } from "./test-browser.ts";

describe.skipIf(!chromium)("Create", () => {
  const { server, browser } = useConsole();

  async function opened(key = API_KEY) {
    const visitor = await visit(browser);
    await signIn(visitor.page, server.url, key);
    await visitor.page.goto(`${server.url}/console/#/create`);
    await visitor.page.waitForSelector(".composer textarea");
    return visitor;
  }
  const waitForImages = (page: Page, count: number) =>
    page.waitForFunction((wanted) => document.querySelectorAll(".chosen img").length === wanted, {}, count);
  const role = (n: number) => `.chosen li:nth-child(${n}) select`;
  const sentFlow = (page: Page) =>
    page.waitForRequest((request) => request.url().endsWith("/v1/flows") && request.method() === "POST");

  test("an image is dropped, pasted and linked, and each can be an image, a style, a character or part of a blend", async () => {
    const { page, complaints } = await opened();
    const linked = `${server.url}/console/icon.svg`;
    await page.locator(".composer textarea").fill("a boat --ar 3:2");
    await giveImage(page, "drop");
    await waitForImages(page, 1);
    await giveImage(page, "paste");
    await waitForImages(page, 2);
    await page.locator(".image-link").fill(linked);
    await page.focus(".image-link");
    await page.keyboard.press("Enter");
    await waitForImages(page, 3);
    for (const n of [1, 2, 3])
      expect(await page.$$eval(`${role(n)} option`, (all) => all.map(({ value }) => value))).toEqual([
        "image",
        "style",
        "character",
        "blend",
      ]);

    // An image of this machine becomes a link, because Midjourney reads a style from a link.
    await page.select(role(1), "style");
    await page.waitForFunction(
      (select) => document.querySelector<HTMLSelectElement>(select)?.value === "style",
      {},
      role(1),
    );
    await page.select(role(3), "character");
    await page.reload();
    await waitForImages(page, 3);
    expect(await page.$$eval(".chosen select", (all) => all.map(({ value }) => value))).toEqual([
      "style",
      "image",
      "character",
    ]);
    await page.waitForFunction(() => {
      const image = document.querySelector<HTMLImageElement>(".chosen img");
      return image !== null && image.naturalWidth === 1;
    });

    const sent = sentFlow(page);
    await click(page, "button", "Create");
    const { prompt, base64Array } = JSON.parse((await sent).postData()!);
    const [, link, other] = /^a boat --ar 3:2 --sref (\S+) --oref (\S+)$/.exec(prompt) ?? [];
    expect([link === undefined, other], prompt).toEqual([false, linked]);
    const stored = Buffer.from(await (await fetch(link!)).arrayBuffer());
    expect(stored.toString("base64")).toBe(PIXEL);
    expect(base64Array).toHaveLength(1);
    expect(complaints).toEqual([]);

    // "Blend" is an action of its own: all images take part, and there is no prompt.
    await page.waitForSelector(".flow-head");
    await page.goto(`${server.url}/console/#/create`);
    await page.waitForSelector(".composer textarea");
    await giveImage(page, "drop");
    await waitForImages(page, 1);
    await giveImage(page, "paste");
    await waitForImages(page, 2);
    await page.select(role(2), "blend");
    await page.waitForFunction(() => !document.querySelector(".composer textarea"));
    expect(await page.$$eval(".chosen select", (all) => all.map(({ value }) => value))).toEqual(["blend", "blend"]);
    const blend = sentFlow(page);
    await click(page, "button", "Create");
    expect(JSON.parse((await blend).postData()!)).toMatchObject({ action: "blend" });
  });

  test("the price of the page is what the server holds for the same plan, and the flow costs no more", async () => {
    const app = (await server.call("POST", "/v1/apps", { name: "priced", limits: { creditsUsd: 5 } })).body;
    const { key } = (await server.call("POST", `/v1/apps/${app.id}/keys`, {})).body;
    const headers = { authorization: `Bearer ${key}` };
    const usage = async () => (await server.call("GET", "/v1/usage", undefined, headers)).body;
    const { page } = await opened(key);
    await page.locator(".composer textarea").fill("a priced boat --sim slow");
    for (const press of ["U1", "U2", "V3"]) await click(page, ".plan .chip", press);
    const price = Number((await textOf(page, ".cost")).replace("≤ $", ""));
    await click(page, "button", "Create");
    await page.waitForFunction(() => location.hash.includes("flow_"));
    expect((await usage()).reservedUsd).toBeCloseTo(price, 6);
    const { settledUsd } = await until(usage, (now: Json) => now.settledUsd > 0, 60_000);
    expect(settledUsd).toBeLessThanOrEqual(price);
  });

  test("only a step whose press can open a modal has a prompt", async () => {
    const { page } = await opened();
    for (const press of ["U1", "V2"]) await click(page, ".plan .chip", press);
    await page.evaluate(() => {
      for (const step of document.querySelectorAll<HTMLDetailsElement>(".step")) step.open = true;
    });
    const fields = await page.$$eval(".plan > ul > li > .step", (all) =>
      all.map((step) => [step.querySelector(".press")?.textContent, step.querySelector(":scope > label") !== null]),
    );
    expect(fields).toEqual([
      ["U1", false],
      ["V2", true],
    ]);
  });

  test("the curl of the page, run as it is with a key, makes the same plan", async () => {
    const { page } = await opened();
    await page.locator(".composer textarea").fill("it's a boat of $5 --ar 3:2");
    await click(page, ".plan .chip", "U1");
    await click(page, ".step .chip", "Zoom out 2×");
    await click(page, "[role=tab]", "Code");
    await page.waitForSelector("pre.code");
    const command = await textOf(page, "pre.code");
    expect(command).toMatch(/^curl /);
    const { stdout } = await promisify(execFile)("sh", ["-c", command], { env: { ...process.env, KEY: API_KEY } });
    const byCurl = await server.flow(JSON.parse(stdout).id);
    await click(page, "button", "Create");
    await page.waitForFunction(() => location.hash.includes("flow_"));
    const byPage = await server.flow(idOf(page));
    const planOf = ({ prompt, action, plan }: Json) => ({ prompt, action, plan: plan.map(({ press }: Json) => press) });
    expect(planOf(byCurl)).toEqual(planOf(byPage));
    expect(planOf(byCurl).plan).toEqual(["upscale:1", "zoom:2"]);
  });
});
