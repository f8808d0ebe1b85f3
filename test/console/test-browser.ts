/** A real browser if one is installed: Debian's chromium, or the path in MJFLOW_CHROMIUM. Nothing is downloaded. */
import { accessSync, constants } from "node:fs";
import puppeteer, { type Browser, type Page } from "puppeteer-core";

const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/**
 * Returns the path of Chromium; undefined if none is installed, and then the tests are skipped.
 *
 * @throws Error if there is none in CI (`CI` or `MJFLOW_TEST_BROWSER=required`), where a skipped test would look like one that
 *   passes; or if `MJFLOW_CHROMIUM` names no program
 */
export function chromiumPath(
  env: Readonly<Record<string, string | undefined>> = process.env,
  paths: readonly string[] = PATHS,
): string | undefined {
  const named = env["MJFLOW_CHROMIUM"];
  const found = (named ? [named] : paths).find(isExecutable);
  if (found !== undefined) return found;
  if (named) throw new Error(`MJFLOW_CHROMIUM names no program: ${named}`);
  if (env["CI"] || env["MJFLOW_TEST_BROWSER"] === "required")
    throw new Error("There is no Chromium, so the browser tests cannot run. Install it, or set MJFLOW_CHROMIUM.");
  return undefined;
}

export function launch(executablePath: string): Promise<Browser> {
  return puppeteer.launch({
    executablePath,
    // As root (for example in a container) Chromium cannot use its sandbox. It opens only our own pages here.
    args: [...(process.getuid?.() === 0 ? ["--no-sandbox"] : []), "--disable-dev-shm-usage", "--disable-gpu"],
    protocolTimeout: 120_000,
  });
}

export interface Watched {
  page: Page;
  /** Errors of the page: policy violations, thrown errors and `console.error`. */
  complaints: string[];
  /** Every URL that the page requested. */
  requested: string[];
}

/** Opens a page in its own browser context, like a new visitor. */
export async function visit(browser: Browser, { width = 1280, height = 900 } = {}): Promise<Watched> {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setViewport({ width, height });
  page.setDefaultTimeout(30_000);
  const complaints: string[] = [];
  const requested: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || /content security policy|trusted/i.test(message.text())) {
      complaints.push(`${message.text()} (${message.location().url ?? ""})`);
    }
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => requested.push(request.url()));
  // Reports policy violations from inside the page, including those that the browser console does not repeat.
  await page.evaluateOnNewDocument(() => {
    addEventListener("securitypolicyviolation", (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  return { page, complaints, requested };
}

/** Shows pages in this color scheme, without animations. */
export async function showScheme(page: Page, scheme: "light" | "dark"): Promise<void> {
  await page.emulateMediaFeatures([
    { name: "prefers-color-scheme", value: scheme },
    { name: "prefers-reduced-motion", value: "reduce" },
  ]);
}

/** Signs in like a user: enters the key into its field. */
export async function signIn(page: Page, url: string, key: string): Promise<void> {
  await page.goto(`${url}/console`);
  await page.locator('input[name="key"]').fill(key);
  await page.locator("button[type=submit]").click();
  await page.waitForSelector(".app");
}

export function textOf(page: Page, selector: string): Promise<string> {
  return page.$eval(selector, (element) => element.textContent ?? "");
}

export async function waitForText(page: Page, text: string): Promise<void> {
  await page.waitForFunction((wanted) => document.body.textContent?.includes(wanted), {}, text);
}

/** Waits until `count` tasks of the open flow page have ended with any status. */
export async function waitForFlowEnd(page: Page, count: number): Promise<void> {
  await page.waitForFunction(
    (wanted) => document.querySelectorAll("[role=treeitem]:not(.ghost):is(.ok, .bad, .off)").length === wanted,
    {},
    count,
  );
}

/** Returns the flow id of the open flow page. */
export function idOf(page: Page): string {
  return decodeURIComponent(/flows\/([^/]+)/.exec(page.url())![1]!);
}

/** Waits for an enabled element with exactly this text and clicks it once. */
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

/** A PNG of one pixel, in base64. */
export const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

/** Drops or pastes an image on the page Create, as a browser does. */
export async function giveImage(page: Page, how: "drop" | "paste"): Promise<void> {
  await page.evaluate(
    (kind, base64) => {
      const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], "pixel.png", { type: "image/png" }));
      const event =
        kind === "drop"
          ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
          : new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
      document.querySelector(".composer textarea")!.dispatchEvent(event);
    },
    how,
    PIXEL,
  );
}
