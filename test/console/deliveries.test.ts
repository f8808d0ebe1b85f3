/** The two panes of Deliveries in a real browser: the choice and the filters are in the address, and keys move the choice. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { overflowOf, violationsOf } from "../support/accessibility.ts";
import { API_KEY, type Json, type SpawnedServer, spawnServer, until } from "../support/spawned.ts";
import { chromiumPath, click, launch, showScheme, signIn, visit } from "./test-browser.ts";

const chromium = chromiumPath();

describe.skipIf(!chromium)("deliveries", () => {
  let server: SpawnedServer;
  let browser: Browser;
  let receiver: Server;
  let endpoint: Json;
  let flows: string[];
  const COUNT = 8;

  beforeAll(async () => {
    receiver = createServer((request, response) => {
      request.resume();
      const isRefused = request.url === "/refuse";
      response.writeHead(isRefused ? 422 : 200, isRefused ? { "webhook-delivery": "abort-message" } : {});
      response.end(isRefused ? "no such tenant" : "thanks");
    });
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    const base = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    server = await spawnServer();
    const events = ["task.completed", "flow.completed"];
    endpoint = (await server.call("POST", "/v1/endpoints", { url: `${base}/ok`, events })).body;
    await server.call("POST", "/v1/endpoints", { url: `${base}/refuse`, events: ["flow.completed"] });
    flows = [];
    for (let i = 0; i < 2; i++) flows.push(await server.start({ prompt: `told ${i}`, then: [{ press: "U1" }] }));
    for (const id of flows) await server.ended(id);
    await until(
      async () => (await server.call("GET", "/v1/deliveries?limit=100")).body.data,
      (all: Json[]) => all.length === COUNT && all.every(({ status }) => status !== "pending"),
    );
    browser = await launch(chromium!);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    receiver?.close();
  });

  async function opened(hash: string, { width = 1440, height = 900, isChecked = false } = {}) {
    const visitor = await visit(browser, { width, height });
    // axe is evaluated from a string, which the policy forbids.
    if (isChecked) await visitor.page.setBypassCSP(true);
    await signIn(visitor.page, server.url, API_KEY);
    await visitor.page.goto(`${server.url}/console/${hash}`);
    return visitor;
  }
  const chosenOf = (page: Page) => new URLSearchParams(new URL(page.url()).hash.split("?")[1]).get("d");
  const rowsOf = (page: Page) =>
    page.$$eval(".delivery-rows a", (all) => all.map((row) => (row as HTMLElement).dataset["delivery"]!));
  const waitForRows = (page: Page, count: number) =>
    page.waitForFunction((n) => document.querySelectorAll(".delivery-rows a").length === n, {}, count);
  /** Waits until this delivery is the chosen row, and its detail is shown. */
  const waitForChoice = (page: Page, id: string) =>
    page.waitForFunction(
      (wanted) =>
        document.querySelector<HTMLElement>('.delivery-rows [aria-current="true"]')?.dataset["delivery"] === wanted &&
        wanted.includes(document.querySelector(".delivery-detail .event-id code")!.textContent!.slice("evt_".length)),
      {},
      id,
    );

  test("a click shows the delivery beside the list, arrow keys move the choice, and Back returns to the clicked one", async () => {
    const { page, complaints } = await opened("#/deliveries");
    await waitForRows(page, COUNT);
    const rows = await rowsOf(page);
    await page.locator(`[data-delivery="${rows[2]}"]`).click();
    await waitForChoice(page, rows[2]!);
    await page.waitForSelector(".detail-pane .payload pre .json-name");
    await page.locator(`[data-delivery="${rows[4]}"]`).click();
    await waitForChoice(page, rows[4]!);
    await page.keyboard.press("ArrowDown");
    await waitForChoice(page, rows[5]!);
    await page.keyboard.press("k");
    await page.keyboard.press("ArrowUp");
    await waitForChoice(page, rows[3]!);
    expect(chosenOf(page)).toBe(rows[3]);
    await page.goBack();
    await waitForChoice(page, rows[2]!);
    expect(complaints).toEqual([]);
  });

  test("endpoint, event, status and flow are in the address, and a copy of the address shows the same", async () => {
    const { page } = await opened("#/deliveries");
    await waitForRows(page, COUNT);
    await page.select('select[aria-label="Event"]', "flow.completed");
    await waitForRows(page, 4);
    await page.select('select[aria-label="Status"]', "delivered");
    await waitForRows(page, 2);
    await page.locator(".delivery-filters input").fill(`${flows[0]!.replace("flow_", "task_")}_0-0`);
    await waitForRows(page, 1);
    await page.locator(".delivery-rows a").click();
    await page.waitForSelector(".delivery-detail .payload");
    const [row] = await rowsOf(page);
    const shown = new URLSearchParams(new URL(page.url()).hash.split("?")[1]);
    expect(Object.fromEntries(shown)).toEqual({
      event: "flow.completed",
      status: "delivered",
      flow: flows[0],
      d: row,
    });
    const copy = await page.browserContext().newPage();
    await copy.setViewport({ width: 1440, height: 900 });
    await copy.goto(page.url());
    await waitForRows(copy, 1);
    await waitForChoice(copy, row!);
    // A tab in the background draws no frames, and `waitForFunction` looks at each frame.
    await copy.close();
    await page.bringToFront();
    await click(page, ".endpoint-head > a", endpoint.url.replace("http://", ""));
    await page.waitForFunction((id) => location.hash === `#/deliveries?endpoint=${id}`, {}, endpoint.id);
    await waitForRows(page, 6);
    await page.goBack();
    await waitForRows(page, 1);
    await waitForChoice(page, row!);
  });

  test("the API lists one event type, with and without a flow or a status", async () => {
    const types = async (query: string) =>
      (await server.call("GET", `/v1/deliveries?limit=100&${query}`)).body.data.map(({ type }: Json) => type);
    expect(await types("event=task.completed")).toEqual(Array(4).fill("task.completed"));
    expect(await types(`event=flow.completed&flow=${flows[0]}`)).toEqual(Array(2).fill("flow.completed"));
    expect(await types("event=flow.completed&status=failed")).toEqual(Array(2).fill("flow.completed"));
    expect(await types("event=task.completed&status=failed")).toEqual([]);
  });

  test("Back from the flow of a delivery shows the filter, the choice and the place of the list", async () => {
    const { page } = await opened("#/deliveries?event=task.completed", { width: 1440, height: 500 });
    await waitForRows(page, 4);
    const last = (await rowsOf(page)).at(-1)!;
    await page.locator(`[data-delivery="${last}"]`).click();
    await waitForChoice(page, last);
    const place = await page.evaluate(async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      addEventListener("scroll", () => requestAnimationFrame(() => resolve()), { once: true });
      scrollTo(0, 120);
      await promise;
      return scrollY;
    });
    expect(place).toBe(120);
    await click(page, ".detail-pane .actions a", "Flow");
    await page.waitForSelector(".flow-head");
    await page.goBack();
    await waitForChoice(page, last);
    await page.waitForFunction(() => scrollY === 120);
    expect(page.url()).toContain("event=task.completed");
  });

  test.each([1_024, 390])("at %i px a delivery opens as a sheet, and Escape shows the list again", async (width) => {
    const { page } = await opened("#/deliveries", { width, height: 800 });
    await waitForRows(page, COUNT);
    const [first, second] = await rowsOf(page);
    await page.focus(`[data-delivery="${first}"]`);
    await page.keyboard.press("ArrowDown");
    expect(await page.$("dialog")).toBeNull();
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog.drawer[open] .payload");
    expect(chosenOf(page)).toBe(second);
    const box = await page.$eval("dialog.drawer", (sheet) => Math.round(sheet.getBoundingClientRect().width));
    expect(box).toBe(Math.min(width, 600));
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("dialog"));
    expect(chosenOf(page)).toBeNull();
    await page.waitForFunction((id) => (document.activeElement as HTMLElement).dataset["delivery"] === id, {}, second);
  });

  test.each([1_440, 1_024, 390])(
    "at %i px axe finds no violation beside an open delivery, its signature check and the form of an endpoint",
    async (width) => {
      const failed = (await server.call("GET", "/v1/deliveries?status=failed")).body.data[0].id;
      const { page } = await opened("#/deliveries", { width, isChecked: true });
      for (const scheme of ["light", "dark"] as const) {
        await showScheme(page, scheme);
        await page.goto(`${server.url}/console/#/deliveries?d=${failed}`);
        await page.waitForSelector(".delivery-detail .payload pre");
        expect(await violationsOf(page), `${scheme}, attempts`).toEqual([]);
        expect(await overflowOf(page), scheme).toBeLessThanOrEqual(0);
        await click(page, ".delivery-detail [role=tab]", "Verify signature");
        await page.waitForSelector(".delivery-detail textarea");
        expect(await page.$eval(".delivery-detail textarea", (field) => field.value)).toContain("flow.completed");
        expect(await violationsOf(page), `${scheme}, signature`).toEqual([]);
        await page.goto(`${server.url}/console/#/deliveries`);
        await page.waitForFunction(() => !document.querySelector(".delivery-detail"));
        await click(page, "main button", "Add endpoint");
        await page.waitForSelector("dialog form");
        expect(await violationsOf(page), `${scheme}, new endpoint`).toEqual([]);
        await page.keyboard.press("Escape");
        await page.waitForFunction(() => !document.querySelector("dialog"));
      }
    },
  );
});
