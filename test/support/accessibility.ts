/** Checks of a page in Chromium: axe's rules, and whether the page fits the screen. */
import { source } from "axe-core";
import type { Page } from "puppeteer-core";

/** Rules of WCAG 2.2, levels A and AA. */
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** The rules of axe whose result depends on colors. */
const OF_COLORS = ["color-contrast", "link-in-text-block"];

/**
 * Returns "rule: selectors" of each violation. A page whose policy forbids evaluated scripts needs `setBypassCSP(true)` before it
 * is loaded.
 *
 * @param more further tags of axe, for example `best-practice`
 */
export function violationsOf(page: Page, ...more: string[]): Promise<string[]> {
  return run(page, { runOnly: { type: "tag", values: [...WCAG, ...more] } });
}

/** As {@link violationsOf}, for a page that was checked at another size: its style sheets and media files are not read again. */
export function violationsAtSizeOf(page: Page): Promise<string[]> {
  return run(page, { runOnly: { type: "tag", values: WCAG }, preload: false });
}

/** Returns the violations that another color scheme can cause. The page is otherwise the same in both, so this is faster. */
export function colorViolationsOf(page: Page): Promise<string[]> {
  return run(page, { runOnly: { type: "rule", values: OF_COLORS }, preload: false });
}

async function run(page: Page, options: object): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(source);
  return page.evaluate(async (chosen) => {
    // biome-ignore lint/suspicious/noExplicitAny: axe is a global variable of the page
    const { violations } = await (globalThis as any).axe.run(document, { ...chosen, resultTypes: ["violations"] });
    return violations.map(
      ({ id, nodes }: { id: string; nodes: { target: string[] }[] }) =>
        `${id}: ${nodes.map(({ target }) => target).join(" ")}`,
    );
  }, options);
}

/** Pixels by which the page is wider than the screen; 0 or less if it fits. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}

/** Returns the class or name of each element that can be scrolled sideways, and of the page itself if it can. */
export function sidewaysOf(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("html, body, body *")]
      .filter((element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0)
      .filter((element) => element.localName === "html" || /auto|scroll/.test(getComputedStyle(element).overflowX))
      .map((element) => element.className || element.localName),
  );
}
