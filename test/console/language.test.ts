/** The console in Chinese, in a real browser. */
import type { Browser, Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { overflowOf, violationsOf } from "../support/accessibility.ts";
import { API_KEY, type Json, type SpawnedServer, spawnServer } from "../support/spawned.ts";
import { startTranslator, TRANSLATOR_KEY } from "../support/translator.ts";
import { chromiumPath, click, launch, signIn, visit, waitForText } from "./test-browser.ts";

const chromium = chromiumPath();
const BOAT = "平静水面上的纸船 --ar 3:2";

describe.skipIf(!chromium)("the console in Chinese", () => {
  let server: SpawnedServer;
  let browser: Browser;
  /** Names that are the same in every language, and names of the server. */
  let allowed: string[];

  beforeAll(async () => {
    server = await spawnServer();
    browser = await launch(chromium!);
    const { body } = await server.call("GET", "/v1/providers");
    const providers = body.data.flatMap(({ id, title }: Json) => [id, title]) as string[];
    allowed = [...providers, ...NAMES].sort((a, b) => b.length - a.length);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  async function opened(languages: readonly string[], width = 1280) {
    const visitor = await visit(browser, { width });
    await visitor.page.evaluateOnNewDocument((wanted) => {
      Object.defineProperty(navigator, "languages", { get: () => wanted });
    }, languages);
    await visitor.page.goto(`${server.url}/console`);
    return visitor;
  }
  async function enterKey(page: Page) {
    await page.locator('input[name="key"]').fill(API_KEY);
    await page.locator("button[type=submit]").click();
    await page.waitForSelector(".rail nav");
  }
  async function show(page: Page, hash: string, ready: string) {
    await page.goto(`${server.url}/console/${hash}`);
    await page.waitForSelector(ready);
    await page.waitForFunction(() => !document.querySelector("main .skeleton"));
  }
  const foreign = (page: Page) => untranslated(page, allowed);

  test("no page, dialog, menu or tooltip has a text that is not translated", { timeout: 240_000 }, async () => {
    const done = await server.start({
      prompt: BOAT,
      then: [{ press: "U1" }, { press: "U2", then: [{ press: "vary:subtle" }] }],
    });
    await server.ended(done);
    const failed = await server.start({ prompt: "港口的清晨 --sim fail" });
    await server.ended(failed);
    const modal = await server.start({ prompt: "窗边的猫 --sim modal" });
    await server.call("POST", "/v1/endpoints", { url: "http://127.0.0.1:9/hook" });

    const { page, complaints } = await opened(["zh-CN", "en"]);
    await page.waitForSelector(".sign-in");
    const found: Record<string, string[]> = { signIn: await foreign(page) };
    expect(await page.$eval("html", ({ lang }) => lang)).toBe("zh-CN");
    await enterKey(page);

    const pages: [name: string, hash: string, ready: string][] = [
      ["gallery", "#/gallery", ".tile"],
      ["gallery without a match", "#/gallery?q=nothing", ".empty"],
      ["flows", "#/flows", ".flow-row"],
      ["flows without a match", "#/flows?q=nothing", ".empty"],
      ["flow", `#/flows/${done}`, ".panel .task-actions .chip"],
      ["timeline", `#/flows/${done}?view=timeline`, ".timeline"],
      ["images", `#/flows/${done}?view=images`, ".tile"],
      ["failed flow", `#/flows/${failed}`, ".panel .problem"],
      ["flow with a modal", `#/flows/${modal}`, ".flow-head"],
      ["lightbox", `#/gallery?pic=${done.replace("flow_", "task_")}_0.2`, ".lightbox .task-actions .chip"],
      ["create", "#/create", ".prompt-input"],
      ["deliveries", "#/deliveries", ".endpoints li"],
      ["health", "#/health", ".vendors li"],
      ...["vendors", "apps", "banned", "webhooks", "usage", "templates", "sessions", "appearance", "shortcuts"].map(
        (section): [string, string, string] => [section, `#/settings/${section}`, ".settings-content > :nth-child(2)"],
      ),
    ];
    for (const [name, hash, ready] of pages) {
      await show(page, hash, ready);
      found[name] = await foreign(page);
    }

    // What opens only by a click.
    await show(page, "#/create", ".prompt-input");
    await page.evaluate(() => {
      for (const details of document.querySelectorAll("details")) details.open = true;
    });
    for (const chip of await page.$$(".root-action .chip")) {
      await chip.click();
      found[`create ${found["create"]!.length} ${await chip.evaluate(({ textContent }) => textContent)}`] =
        await foreign(page);
    }
    await page.locator(".root-action .chip").click();
    await page.locator(".plan .chip").click();
    await page.waitForSelector(".step");
    for (const at of [2, 3]) {
      await page.locator(`.plan-card > .tabs [role=tab]:nth-child(${at})`).click();
      found[`plan tab ${at}`] = await foreign(page);
    }
    await show(page, `#/flows/${done}`, ".flow-head .actions button");
    await page.locator(".flow-head .actions [aria-haspopup=menu]").click();
    found["menu"] = await foreign(page);
    await page.keyboard.press("Escape");
    await page.keyboard.down("Control");
    await page.keyboard.press("k");
    await page.keyboard.up("Control");
    await page.waitForSelector("dialog.palette");
    found["palette"] = await foreign(page);
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("dialog.palette"));
    await page.keyboard.press("?");
    await page.waitForSelector("dialog .shortcuts");
    found["shortcut sheet"] = await foreign(page);
    await page.keyboard.press("Escape");
    for (const at of [2, 3]) {
      await page.locator(`.panel .tabs [role=tab]:nth-child(${at})`).click();
      found[`panel tab ${at}`] = await foreign(page);
    }
    await show(page, "#/settings/apps", ".settings-content .primary");
    await page.locator(".settings-content .primary").click();
    await page.waitForSelector("dialog form");
    found["new app"] = await foreign(page);
    await show(page, "#/settings/vendors", ".vendor-card header button");
    await page.reload();
    await page.waitForSelector(".vendor-card header button");
    await page.locator(".vendor-card header button").click();
    await page.waitForSelector("dialog form");
    found["new account"] = await foreign(page);
    await page.keyboard.press("Escape");
    await page.locator(".account-actions > button").click();
    await page.waitForSelector(".test-row .pill.ok");
    found["test of an account"] = await foreign(page);

    expect(Object.fromEntries(Object.entries(found).filter(([, texts]) => texts.length > 0))).toEqual({});
    expect(complaints).toEqual([]);
  });

  test("the language is chosen in the settings, kept on the device, and the other one is loaded only then", async () => {
    const { page, requested, complaints } = await opened(["en-US"]);
    await page.waitForSelector(".sign-in");
    await enterKey(page);
    await show(page, "#/settings/appearance", "select[name=language]");
    const chinese = () => requested.filter((url) => /\/zh-[\w-]+\.js$/.test(url)).length;
    expect(chinese()).toBe(0);
    await page.select("select[name=language]", "zh");
    await waitForText(page, "外观");
    expect(chinese()).toBe(1);
    await page.waitForFunction(() => document.activeElement?.getAttribute("name") === "language");
    expect(await page.title()).toBe("设置 · mjflow");

    await page.reload();
    await waitForText(page, "外观");
    expect(await foreign(page)).toEqual([]);
    expect(await violationsOf(page)).toEqual([]);

    await page.select("select[name=language]", "en");
    await waitForText(page, "Appearance");
    const remaining = await page.$eval("#root", ({ textContent }) => textContent.match(/\p{Script=Han}+/gu));
    expect(remaining).toEqual(["简体中文"]);
    expect(complaints).toEqual([]);
  });

  test("a Chinese prompt is translated where the stage has a translator, and the flow shows both prompts", async () => {
    const { url, stop } = await startTranslator();
    const own = await spawnServer({
      env: { MJFLOW_TRANSLATE_URL: url, MJFLOW_TRANSLATE_MODEL: "a-model", MJFLOW_TRANSLATE_KEY: TRANSLATOR_KEY },
    });
    try {
      const { page } = await visit(browser);
      await signIn(page, own.url, API_KEY);
      await page.goto(`${own.url}/console/#/create`);
      await page.locator(".prompt-input").fill("一只纸船 --ar 3:2");
      await click(page, ".composer label.check", "Translate the prompts into English");
      await click(page, ".send", "Create");
      await page.waitForSelector(".flow-head h1");
      await waitForText(page, "translated: a paper boat --ar 3:2");
      expect(await page.$eval(".flow-head h1", ({ textContent }) => textContent)).toBe("一只纸船 --ar 3:2");
      // The lightbox shows both, too.
      await page.waitForSelector(".flow-head .status.ok");
      await page.goto(`${own.url}/console/#/gallery`);
      await page.locator(".tile a").click();
      await page.waitForSelector(".lightbox-original");
      expect(await page.$eval(".lightbox-prompt", ({ textContent }) => textContent)).toContain("a paper boat --ar 3:2");
      expect(await page.$eval(".lightbox-original bdi", ({ textContent }) => textContent)).toBe("一只纸船 --ar 3:2");
    } finally {
      await own.stop();
      stop();
    }
    const { page } = await visit(browser);
    await signIn(page, server.url, API_KEY);
    await show(page, "#/create", ".prompt-input");
    await page.waitForNetworkIdle({ idleTime: 300, concurrency: 2 });
    expect(await page.$$eval(".composer label.check", (all) => all.length)).toBe(0);
  });

  test("Chinese texts fit on a phone", async () => {
    const { page } = await opened(["zh-CN"], 390);
    await page.waitForSelector(".sign-in");
    await enterKey(page);
    for (const hash of ["#/gallery", "#/flows", "#/create", "#/deliveries", "#/health", "#/settings/appearance"]) {
      await show(page, hash, "main h1");
      expect(await overflowOf(page), hash).toBe(0);
    }
  });
});

/** Names of products, protocols, units and fields of the API, which have no other name in Chinese. */
const NAMES = [
  ...["mjflow", "Midjourney", "API", "URL", "JSON", "ZIP", "CLI", "curl", "TypeScript", "Webhook", "HTTP", "ID", "MB"],
  ...[
    "2xx",
    "CSV",
    "npm start",
    "Ctrl K",
    "notifyHook",
    "state",
    "Standard Webhooks",
    "Alt",
    "Shift",
    "Esc",
    "Enter",
    "English",
    "GET",
    "SSE",
  ],
  ...[
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "whsec_",
    "whpk_",
    "mjk_",
    "simulator",
    "default",
    "main",
    "shop",
  ],
];

/** Returns the visible texts and the texts for screen readers that have a Latin word, except data and code. */
function untranslated(page: Page, names: readonly string[]): Promise<string[]> {
  return page.evaluate((known) => {
    const isData = (element: Element) =>
      element.closest("code, pre, kbd, bdi, script, style, noscript, textarea, [dir=auto], .mono, .tag, [lang=en]") !==
      null;
    const texts: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node instanceof Text) {
        if (node.parentElement && !isData(node.parentElement)) texts.push(node.data);
      } else if (node instanceof Element && !isData(node)) {
        for (const name of ["aria-label", "title", "placeholder", "alt"]) texts.push(node.getAttribute(name) ?? "");
      }
    }
    const rest = (text: string) => {
      // Ids come first: one of them can contain a known name.
      let left = text.replaceAll(/(flow|task|app)_\w+/g, " ");
      for (const name of known) left = left.replaceAll(name, " ");
      return left.replaceAll(/https?:\/\/\S*|--\w+( \w+)?|\/v1\/\w+|\b[UV]\d\b/g, " ");
    };
    return [...new Set(texts.filter((text) => /[A-Za-z]{2,}/.test(rest(text))))];
  }, names);
}
