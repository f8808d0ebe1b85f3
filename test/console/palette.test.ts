/** The command palette and templates, in a real browser. */
import type { Page } from "puppeteer-core";
import { beforeAll, describe, expect, test } from "vitest";
import { API_KEY, type Json } from "../support/spawned.ts";
import { chromium, useConsole } from "./set-up.ts";
import { click, idOf, signIn, visit, waitForText } from "./test-browser.ts";

describe.skipIf(!chromium)("commands and templates", () => {
  const { server, browser } = useConsole();
  let boat: string;

  beforeAll(async () => {
    boat = await server.start({
      prompt: "a paper boat at dawn",
      then: [{ press: "U1", then: [{ press: "vary:subtle", prompt: "at night" }] }, { press: "U2" }],
    });
    await server.start({ prompt: "a lighthouse in fog" });
    await server.ended(boat);
  });

  async function opened(hash: string) {
    const visitor = await visit(browser);
    await signIn(visitor.page, server.url, API_KEY);
    await visitor.page.goto(`${server.url}/console/${hash}`);
    await visitor.page.waitForSelector("main h1");
    return visitor;
  }
  async function openPalette(page: Page) {
    await page.keyboard.down("Control");
    await page.keyboard.press("k");
    await page.keyboard.up("Control");
    await page.waitForSelector("dialog.palette [role=combobox]");
  }
  /** The text of the option that the text field names as the active one. */
  const active = (page: Page) =>
    page.$eval("[role=combobox]", (field) => {
      const option = document.getElementById(field.getAttribute("aria-activedescendant") ?? "");
      return option?.getAttribute("aria-selected") === "true" ? option.textContent : null;
    });
  const waitForActive = (page: Page, text: string) =>
    page.waitForFunction(
      (wanted) => document.querySelector('[role=option][aria-selected="true"]')?.textContent === wanted,
      {},
      text,
    );

  test("Ctrl+K finds a flow by a word of its prompt and by its id, and Enter opens it", async () => {
    const { page, complaints } = await opened("#/gallery");
    await openPalette(page);
    await page.keyboard.type("boat");
    await waitForActive(page, "a paper boat at dawn");
    expect(await active(page)).toBe("a paper boat at dawn");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".flow-head");
    expect(idOf(page)).toBe(boat);
    expect(await page.$("dialog.palette")).toBeNull();

    await openPalette(page);
    await page.keyboard.type(boat);
    await waitForActive(page, "a paper boat at dawn");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("dialog.palette"));
    expect(complaints).toEqual([]);
  });

  test("the arrow keys move over all options and around the ends, and the text field keeps the focus", async () => {
    const { page } = await opened("#/gallery");
    await openPalette(page);
    await waitForText(page, "a lighthouse in fog");
    const options = await page.$$eval("[role=option]", (all) => all.map(({ textContent }) => textContent));
    expect(options.slice(0, 3)).toEqual(["Create", "Gallery", "Flows"]);
    expect(await active(page)).toBe(options[0]);
    await page.keyboard.press("ArrowUp");
    expect(await active(page)).toBe(options.at(-1));
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    expect(await active(page)).toBe(options[1]);
    expect(await page.evaluate(() => document.activeElement?.getAttribute("role"))).toBe("combobox");
    await page.keyboard.type("zzzz");
    await waitForText(page, "Search all flows for “zzzz”");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => location.hash === "#/flows?q=zzzz");
  });

  test("the actions of the open flow can be run, and so can the choices of language and colors", async () => {
    const { page } = await opened(`#/flows/${boat}`);
    await page.waitForSelector(".flow-head");
    await openPalette(page);
    await page.keyboard.type("run again");
    await waitForActive(page, "Run again · ≤ $0.10");
    await page.keyboard.press("Enter");
    await waitForText(page, "Run again?");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("dialog"));

    await openPalette(page);
    await page.keyboard.type("colors dark");
    await waitForActive(page, "Colors: Dark");
    await page.keyboard.press("Enter");
    expect(await page.$eval("html", ({ dataset }) => dataset["theme"])).toBe("dark");

    await openPalette(page);
    await page.keyboard.type("中文");
    await waitForActive(page, "Language: 简体中文");
    await page.keyboard.press("Enter");
    await waitForText(page, "再次运行");
  });

  test("the plan of a flow is saved as a template, used in Create, and deleted", async () => {
    const { page, complaints } = await opened(`#/flows/${boat}`);
    await page.locator('.flow-head button[aria-label="More actions"]').click();
    await click(page, "[role=menuitem]", "Save as template");
    await page.locator("dialog ::-p-aria(Name)").fill("two boats");
    // The name becomes part of a URL, so the browser refuses a space.
    expect(await page.$eval("dialog input", (field) => (field as HTMLInputElement).validity.patternMismatch)).toBe(
      true,
    );
    await page.locator("dialog ::-p-aria(Name)").fill("two-boats");
    await click(page, "dialog button", "Save");
    await waitForText(page, "Template two-boats is saved.");
    const stored = await server.call("GET", "/v1/templates/two-boats");
    expect(stored.body.then.map(({ press }: Json) => press)).toEqual(["U1", "U2"]);

    await page.goto(`${server.url}/console/#/settings/templates`);
    await waitForText(page, "3 steps");
    await click(page, ".template-list a", "Use");
    await page.waitForSelector(".step");
    expect(await page.$$eval(".step > summary .press", (all) => all.map(({ textContent }) => textContent))).toEqual([
      "U1",
      "Vary subtle",
      "U2",
    ]);

    await page.goto(`${server.url}/console/#/settings/templates`);
    await click(page, ".template-list button", "Delete");
    await click(page, "dialog button", "Delete template");
    await waitForText(page, "No templates yet.");
    expect((await server.call("GET", "/v1/templates")).body.data).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
