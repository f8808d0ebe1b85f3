/** Checks of a page in Chromium: axe's rules, and whether the page fits the screen. */
import { source } from "axe-core";
import type { Page } from "puppeteer-core";

/** Rules of WCAG 2.2, levels A and AA. */
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/**
 * Returns "rule: selectors" of each violation. A page whose policy forbids evaluated scripts needs `setBypassCSP(true)` before it
 * is loaded.
 *
 * @param more further tags of axe, for example `best-practice`
 */
export async function violationsOf(page: Page, ...more: string[]): Promise<string[]> {
  await page.evaluate(source);
  return page.evaluate(
    async (runOnly) => {
      // biome-ignore lint/suspicious/noExplicitAny: axe is a global variable of the page
      const { violations } = await (globalThis as any).axe.run(document, { runOnly });
      return violations.map(
        ({ id, nodes }: { id: string; nodes: { target: string[] }[] }) =>
          `${id}: ${nodes.map(({ target }) => target).join(" ")}`,
      );
    },
    [...WCAG, ...more],
  );
}

/** Pixels by which the page is wider than the screen; 0 or less if it fits. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}
