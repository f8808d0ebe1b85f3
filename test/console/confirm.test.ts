/** Nothing that ends or costs something happens by one press, in a real browser. */
import type { Page } from "puppeteer-core";
import { beforeAll, describe, expect, test } from "vitest";
import type { Json } from "../support/spawned.ts";
import { chromium, useConsole } from "./set-up.ts";
import { click, textOf } from "./test-browser.ts";

describe.skipIf(!chromium)("a second, named confirmation", () => {
  const { server, opened, show } = useConsole();
  let running: string;
  let done: Json;
  const HOOK = "http://127.0.0.1:9/kept";

  beforeAll(async () => {
    running = await server.start({ prompt: "kept running --sim stuck" });
    done = await server.ended(await server.start({ prompt: "kept" }));
    await server.call("POST", "/v1/endpoints", { url: HOOK });
    await server.call("PUT", "/v1/templates/kept-plan", { then: [{ press: "U1" }] });
    const app = (await server.call("POST", "/v1/apps", { name: "kept shop" })).body;
    await server.call("POST", `/v1/apps/${app.id}/keys`, {});
    await server.call("POST", `/v1/flows/${done.id}/shares`, { label: "kept link" });
    const account = { baseUrl: `${server.simulatorUrl}/newapi`, apiKey: "any", weight: 0 };
    await server.call("POST", "/v1/providers/newapi/accounts/kept", account);
  });

  /** Counts the requests of the page that change something. */
  function writesOf(page: Page): string[] {
    const writes: string[] = [];
    page.on("request", (request) => {
      if (request.method() !== "GET") writes.push(`${request.method()} ${new URL(request.url()).pathname}`);
    });
    return writes;
  }
  const question = (page: Page) =>
    page.evaluate(() => {
      const dialog = [...document.querySelectorAll("dialog[open]")].at(-1)!;
      return [dialog.querySelector("h2")?.textContent, dialog.querySelector(".actions button:last-child")?.textContent];
    });
  async function keepAsIs(page: Page) {
    await click(page, "dialog button", "Keep as is");
    await page.waitForFunction(
      () => ![...document.querySelectorAll("dialog[open] button")].some((each) => each.textContent === "Keep as is"),
    );
  }

  test("for cancel, delete, revoke, rotate and disable nothing happens until a second, named confirmation", async () => {
    const { page, complaints } = await opened("#/flows");
    const writes = writesOf(page);
    const asked: (string | null | undefined)[][] = [];
    async function ask(selector: string, button: string) {
      await page.waitForFunction(
        (wanted, text) => [...document.querySelectorAll(wanted)].some((each) => each.textContent?.trim() === text),
        {},
        selector,
        button,
      );
      await click(page, selector, button);
      await page.waitForFunction(() =>
        [...document.querySelectorAll("dialog[open] button")].some((each) => each.textContent === "Keep as is"),
      );
      asked.push(await question(page));
      await keepAsIs(page);
    }
    await show(page, `#/flows/${running}`);
    await ask(".actions button .label", "Cancel flow");
    await show(page, `#/flows/${done.id}`);
    await ask('.actions [role="menu"] button', "Delete flow");
    await page.locator(".flow-head button.share").click();
    await ask("dialog button", "Revoke");
    await page.keyboard.press("Escape");
    await show(page, "#/deliveries");
    for (const button of ["Rotate secret", "Disable", "Delete"])
      await ask(`[role="menu"][aria-label="Actions of ${HOOK}"] button`, button);
    await show(page, "#/settings/apps");
    const app = 'section[aria-label="kept shop"]';
    for (const button of ["Rotate", "Revoke"]) await ask(`${app} .key-list button`, button);
    await ask(`${app} header button`, "Disable");
    await show(page, "#/settings/vendors");
    await ask('[role="menu"][aria-label="Actions of kept"] button', "Remove");
    await show(page, "#/settings/templates");
    await ask(".settings-content button", "Delete");
    const key = asked[6]![0]!.slice("Rotate ".length, -1);
    expect(key).toMatch(/^mjk_\w+…$/);
    expect(asked).toEqual([
      ["Cancel this flow?", "Cancel flow"],
      ["Delete this flow?", "Delete flow"],
      ["Revoke kept link?", "Revoke link"],
      [`Rotate the secret of ${HOOK}?`, "Rotate secret"],
      [`Disable ${HOOK}?`, "Disable endpoint"],
      [`Delete ${HOOK}?`, "Delete endpoint"],
      [`Rotate ${key}?`, "Rotate key"],
      [`Revoke ${key}?`, "Revoke key"],
      ["Disable kept shop?", "Disable app"],
      ["Remove kept?", "Remove account"],
      ["Delete template kept-plan?", "Delete template"],
    ]);
    expect(writes).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test("above the confirm limit a paid button asks with the price, and below it does not", async () => {
    const { page } = await opened("#/settings/appearance");
    await page.waitForSelector(".settings-content select option[value='0']");
    await page.select(".settings-content select:has(option[value='0'])", "0");
    const writes = writesOf(page);
    await show(page, `#/flows/${done.id}`);
    await click(page, ".task-actions .chip .label", "U1");
    await page.waitForSelector("dialog[open] .primary");
    expect(await textOf(page, "dialog[open] .primary")).toMatch(/U1 · \$0\.01$/);
    await keepAsIs(page);
    expect(writes).toEqual([]);
    await show(page, "#/settings/appearance");
    await page.select(".settings-content select:has(option[value='0'])", "0.10");
    await show(page, `#/flows/${done.id}`);
    const sent = page.waitForRequest((request) => request.method() === "POST" && /\/actions$/.test(request.url()));
    await click(page, ".task-actions .chip .label", "U1");
    await sent;
    expect(await page.$("dialog[open]")).toBeNull();
  });
});
