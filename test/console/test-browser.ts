/** A real browser, where there is one: Debian's chromium, or what MJFLOW_CHROMIUM names. Nothing is downloaded. */
import { accessSync, constants } from "node:fs";
import puppeteer, { type Browser, type Page } from "puppeteer-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Undefined where there is none: then there is nothing to test with. */
export function chromiumPath(): string | undefined {
  const named = process.env["MJFLOW_CHROMIUM"];
  return (named ? [named] : PLACES).find(isExecutable);
}

export function launch(executablePath: string): Promise<Browser> {
  return puppeteer.launch({
    executablePath,
    // As root, as in a container, Chromium has no sandbox; what it opens here is our own page.
    args: [...(process.getuid?.() === 0 ? ["--no-sandbox"] : []), "--disable-dev-shm-usage", "--disable-gpu"],
    protocolTimeout: 120_000,
  });
}

export interface Watched {
  page: Page;
  /** What the page complained of: refused by its policy, thrown, or written as an error. */
  complaints: string[];
  /** Every address it asked for. */
  asked: string[];
}

/** In a context of its own, as a new visitor. */
export async function visit(browser: Browser, { width = 1280, height = 900 } = {}): Promise<Watched> {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setViewport({ width, height });
  page.setDefaultTimeout(30_000);
  const complaints: string[] = [];
  const asked: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || /content security policy|trusted/i.test(message.text())) {
      complaints.push(`${message.text()} (${message.location().url ?? ""})`);
    }
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => asked.push(request.url()));
  // Told inside the page, also for what the console does not repeat.
  await page.evaluateOnNewDocument(() => {
    addEventListener("securitypolicyviolation", (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  return { page, complaints, asked };
}

/** As a person does: the key into its field. */
export async function signIn(page: Page, url: string, key: string): Promise<void> {
  await page.goto(`${url}/console`);
  await page.locator('input[name="key"]').fill(key);
  await page.locator("button[type=submit]").click();
  await page.waitForSelector('nav[aria-label="Pages"]');
}

export function textOf(page: Page, selector: string): Promise<string> {
  return page.$eval(selector, (element) => element.textContent ?? "");
}

export async function waitForText(page: Page, text: string): Promise<void> {
  await page.waitForFunction((wanted) => document.body.textContent?.includes(wanted), {}, text);
}

/** Of the flow whose page it is: so many tasks have, well or badly. */
export async function waitForFlowEnd(page: Page, count: number): Promise<void> {
  await page.waitForFunction(
    (wanted) => document.querySelectorAll("[role=treeitem]:is(.ok, .bad, .off)").length === wanted,
    {},
    count,
  );
}

/** Of the flow whose page it is. */
export function idOf(page: Page): string {
  return decodeURIComponent(/flows\/([^/]+)/.exec(page.url())![1]!);
}

/** Waits for it to be there, named so and not disabled; then once. */
export async function click(page: Page, selector: string, text: string): Promise<void> {
  await page.waitForFunction(
    (wanted, words) => {
      const found = [...document.querySelectorAll<HTMLElement>(wanted)].find(
        (element) => element.textContent?.trim() === words && !(element as HTMLButtonElement).disabled,
      );
      found?.click();
      return found !== undefined;
    },
    {},
    selector,
    text,
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
