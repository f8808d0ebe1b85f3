/**
 * The documentation site: it is built from the documents and from the code, its links lead to pages and headings, and a
 * browser shows it without errors. Without Chromium the tests in a browser are skipped, like those of the console.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ERRORS, FAILURES } from "@mjflow/core/error";
import { REFERENCE_FILE, REFERENCE_POLICY_FILE, REFERENCE_TEXTS } from "@mjflow/docs/site";
import { documentationSite } from "@mjflow/local/documentation";
import { KNOWN_PROVIDER_IDS } from "@mjflow/providers/families/index";
import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderDocument } from "../../functions/http/openapi/render.ts";
import { SECTIONS } from "../../packages/docs/src/nav.ts";
import { chromiumPath, launch, visit } from "../console/test-browser.ts";
import { DESCRIBED } from "../openapi/routes.ts";
import { overflowOf, violationsOf } from "../support/accessibility.ts";

const BASE = "/docs/";
const chromium = chromiumPath();
if (!chromium) console.warn("test/docs: the browser tests are skipped, because there is no Chromium.");

let folder: string;
/** Path of each page in the site → HTML. */
let pages: Map<string, string>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mjflow-docs-"));
  const program = fileURLToPath(new URL("../../packages/docs/build.ts", import.meta.url));
  execFileSync(process.execPath, [program, join(folder, "site")], { stdio: ["ignore", "ignore", "inherit"] });
  const names = readdirSync(join(folder, "site"), { recursive: true, encoding: "utf8" });
  // The API renders its reference and has tests of its own for it (test/openapi/page.test.ts).
  const html = names.filter((name) => name.endsWith(".html") && name !== REFERENCE_FILE);
  pages = new Map(html.map((name) => [name, readFileSync(join(folder, "site", name), "utf8")]));
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, match]) => match!);
const page = (name: string) => pages.get(name) ?? "";
/** Text of a page without tags and menus. */
const textOf = (name: string) =>
  page(name)
    .replace(/[\s\S]*<main/, "")
    .replace(/<[^>]+>/g, " ");

describe("the built site", () => {
  test("the site has the API reference in its three forms, and its policy, as the API would send them", () => {
    const { body, policy } = renderDocument("page");
    const built = [REFERENCE_FILE, REFERENCE_POLICY_FILE, ...REFERENCE_TEXTS].map((name) =>
      readFileSync(join(folder, "site", name), "utf8"),
    );
    expect(built).toEqual([body, policy, renderDocument("json").body, renderDocument("text").body]);
  });

  test("every document has a place in the menu", () => {
    const inMenu = new Set(SECTIONS.flatMap(({ pages: each }) => each.map(({ source }) => source)));
    const documents = readdirSync(new URL("../../docs", import.meta.url), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md") && !name.startsWith("decisions/"))
      .map((name) => `docs/${name}`);
    expect(
      documents.filter((name) => !inMenu.has(name)),
      "add a line to packages/docs/src/nav.ts",
    ).toEqual([]);
  });

  test("every link leads to a file of the site, and to a heading if it names one", () => {
    const files = new Set(readdirSync(join(folder, "site"), { recursive: true, encoding: "utf8" }));
    const ids = new Map([...pages].map(([name, html]) => [name, new Set(all(html, /\sid="([^"]+)"/g))]));
    const broken = [...pages].flatMap(([name, html]) =>
      all(html, /<a [^>]*?href="([^"]+)"/g)
        .filter((href) => !/^(?:[a-z]+:|#$)/.test(href))
        .filter((href) => {
          const { pathname, hash } = new URL(href.replaceAll("&amp;", "&"), `http://site${BASE}${name}`);
          const path = decodeURIComponent(pathname.slice(BASE.length)).replace(/^$|\/$/, "$&index.html");
          const target = [path, `${path}.html`].find((each) => files.has(each));
          if (!pathname.startsWith(BASE) || target === undefined) return true;
          return hash !== "" && target.endsWith(".html") && !ids.get(target)!.has(decodeURIComponent(hash.slice(1)));
        })
        .map((href) => `${name} → ${href}`),
    );
    expect(pages.size).toBeGreaterThan(100);
    expect(broken).toEqual([]);
  });

  test.each(Object.keys(ERRORS))("the error %s has a page with its cause, its remedy and a response", (code) => {
    const text = textOf(`errors/${code}.html`);
    expect(text).toContain("When it comes");
    expect(text).toContain("What to do");
    expect(text).toContain("requestId");
  });

  test("failure codes, vendors and operations are on their pages", () => {
    const failures = textOf("failures.html");
    expect(Object.keys(FAILURES).filter((code) => !failures.includes(code))).toEqual([]);
    expect(KNOWN_PROVIDER_IDS.filter((id) => !textOf(`vendors/${id}.html`).includes("callbacks"))).toEqual([]);
    const reference = [...pages]
      .filter(([name]) => name.startsWith("reference/"))
      .map(([, html]) => html)
      .join("");
    const ids = new Set(all(reference, /\sid="([^"]+)"/g));
    expect(DESCRIBED.filter(({ id }) => !ids.has(id)).map(({ id }) => id)).toEqual([]);
  });

  test("an operation has tabs for curl, TypeScript and Python, and a response of the tests", () => {
    const flows = page("reference/flows.html");
    expect(all(flows, /<label[^>]*>(curl|TypeScript|Python)<\/label>/g)).toHaveLength(8 * 3);
    expect(textOf("reference/flows.html")).toContain("flow_01");
  });

  test("no page has a script of its own beside those that the policy names, and nothing comes from other servers", () => {
    const policy = readFileSync(join(folder, "site/policy.txt"), "utf8");
    expect(policy).toMatch(/script-src 'self'( 'sha256-[\w+/=]+'){1,3};/);
    for (const [name, html] of pages) {
      expect(all(html, /<(?:script|link|img)[^>]*(?:src|href)="(https?:[^"]+)"/g), name).toEqual([]);
      expect(html, name).not.toMatch(/<style/);
    }
  });
});

describe.skipIf(!chromium)("the site in a browser", () => {
  let server: Server;
  let browser: Browser;
  let url: string;

  beforeAll(async () => {
    const serve = documentationSite({ dist: join(folder, "site"), stale: () => false });
    server = createServer((request, response) => {
      if (!serve(request, response)) response.writeHead(404).end();
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${BASE}`;
    browser = await launch(chromium!);
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  const SHOWN = ["", "quickstart.html", "reference/flows.html", "errors/invalid_request.html", "vendors.html"];

  test.each(["light", "dark"])(
    "axe reports nothing in the %s scheme at 1440 and 390 px, and no page is wider than the screen",
    async (scheme) => {
      for (const width of [1440, 390]) {
        const { page, complaints, requested } = await visit(browser, { width });
        await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
        for (const name of SHOWN) {
          await page.goto(`${url}${name}`, { waitUntil: "networkidle0" });
          expect(await page.evaluate(() => document.documentElement.classList.contains("dark"))).toBe(
            scheme === "dark",
          );
          expect(await violationsOf(page, "best-practice"), `${name} at ${width}`).toEqual([]);
          expect(await overflowOf(page), name).toBeLessThanOrEqual(0);
        }
        expect(complaints).toEqual([]);
        expect(requested.filter((each) => !each.startsWith(url) && !each.startsWith("data:"))).toEqual([]);
        await page.browserContext().close();
      }
    },
  );

  test("a visitor finds a page by its words, and the search asks no other server", async () => {
    const { page, complaints, requested } = await visit(browser);
    await page.goto(`${url}quickstart.html`, { waitUntil: "networkidle0" });
    await page.keyboard.down("Control");
    await page.keyboard.press("k");
    await page.keyboard.up("Control");
    await page.locator("#localsearch-input").fill("idempotency mismatch");
    await page.waitForSelector('a.result[href*="errors/idempotency_mismatch"]');
    expect(await violationsOf(page, "best-practice")).toEqual([]);
    await page.locator('a.result[href*="errors/idempotency_mismatch"]').click();
    await page.waitForFunction(() => document.querySelector("h1")?.textContent?.includes("idempotency_mismatch"));
    expect(complaints).toEqual([]);
    expect(requested.filter((each) => !each.startsWith(url) && !each.startsWith("data:"))).toEqual([]);
  });

  test("a choice of a language applies to all samples of the page", async () => {
    const { page } = await visit(browser);
    await page.goto(`${url}reference/flows.html`, { waitUntil: "networkidle0" });
    await page.locator(".vp-code-group label::-p-text(Python)").click();
    await page.waitForFunction(
      () =>
        document.querySelectorAll(".vp-code-group .language-python.active").length ===
        document.querySelectorAll(".vp-code-group").length,
    );
  });

  test("on a phone the menu opens, and its links work", async () => {
    const { page, complaints } = await visit(browser, { width: 390, height: 844 });
    await page.goto(`${url}quickstart.html`, { waitUntil: "networkidle0" });
    await page.locator("button.menu").click();
    await page.locator('.VPSidebar a[href$="/vendors.html"]').click();
    await page.waitForFunction(() => document.querySelector("h1")?.textContent?.includes("Vendors"));
    expect(complaints).toEqual([]);
  });
});
