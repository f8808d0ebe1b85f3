/** Signing in to the console in a real browser: by a one-time link and by a key; signing out; sessions that end (D14). */
import type { Page } from "puppeteer-core";
import { describe, expect, test } from "vitest";
import { API_KEY } from "../support/spawned.ts";
import { chromium, useConsole } from "./set-up.ts";
import { signIn, visit, waitForText } from "./test-browser.ts";

describe.skipIf(!chromium)("the sign-in of the console", () => {
  const { server, browser } = useConsole();

  const link = async (): Promise<string> => (await server.call("POST", "/v1/sign-in-links", {})).body.url;
  const isSignedIn = (page: Page) => page.waitForSelector('nav[aria-label="Pages"]');
  const isSignedOut = (page: Page) => page.waitForSelector("main.sign-in");
  /** What scripts of the page can read. */
  const readable = (page: Page) =>
    page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]));
  const cookies = async (page: Page) =>
    (await page.browserContext().cookies()).filter(({ name }) => /mjflow/.test(name));

  test("a sign-in link signs in once, and no URL of a request has its secret", async () => {
    const { page, complaints, requested } = await visit(browser);
    const url = await link();
    const secret = /mjl_\w+/.exec(url)![0];
    await page.goto(url);
    await page.locator("button[type=submit]").click();
    await isSignedIn(page);
    expect(await readable(page)).not.toMatch(/mj[kls]_/);
    expect(requested.map((each) => each.replace(/#.*/, "")).join(" ")).not.toContain(secret);
    expect(complaints).toEqual([]);
    const second = await visit(browser);
    await second.page.goto(url);
    await second.page.locator("button[type=submit]").click();
    await waitForText(second.page, "works once");
    await second.page.waitForSelector('input[name="key"]');
    // A browser that is signed in opens the used link, and is signed in after a reload.
    const tab = await page.browserContext().newPage();
    await tab.goto(url);
    await tab.locator("button[type=submit]").click();
    await waitForText(tab, "works once");
    await tab.waitForFunction((used) => !location.href.includes(used), {}, secret);
    expect(await readable(tab)).not.toContain(secret);
    await tab.reload();
    await isSignedIn(tab);
  }, 120_000);

  test("after the sign-in with a key the page has a cookie that no script can read, and the key nowhere", async () => {
    const { page } = await visit(browser);
    await signIn(page, server.url, API_KEY);
    expect(await readable(page)).not.toMatch(/mj[kls]_/);
    const [cookie] = await cookies(page);
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict", session: true });
    expect(cookie!.value).toMatch(/^mjs_/);
    // A new tab of the browser and a reload are signed in, too.
    const tab = await page.browserContext().newPage();
    await tab.goto(`${server.url}/console/#/flows`);
    await isSignedIn(tab);
    await page.reload();
    await isSignedIn(page);
  }, 120_000);

  test("a user who stays signed in has a cookie for 30 days", async () => {
    const { page } = await visit(browser);
    await page.goto(await link());
    await page.locator('input[name="stay"]').click();
    await page.locator("button[type=submit]").click();
    await isSignedIn(page);
    const [cookie] = await cookies(page);
    expect(cookie!.session).toBe(false);
    expect(cookie!.expires * 1_000 - Date.now()).toBeGreaterThan(29 * 24 * 3_600_000);
  }, 120_000);

  test("signing out in one tab signs out all tabs and ends the session", async () => {
    const { page } = await visit(browser);
    await signIn(page, server.url, API_KEY);
    const [cookie] = await cookies(page);
    const tab = await page.browserContext().newPage();
    await tab.goto(`${server.url}/console/#/flows`);
    await isSignedIn(tab);
    await tab.locator('button[title="Sign out"]').click();
    await isSignedOut(tab);
    await isSignedOut(page);
    expect(await cookies(page)).toEqual([]);
    const again = await fetch(`${server.url}/v1/flows`, { headers: { authorization: `Bearer ${cookie!.value}` } });
    expect(again.status).toBe(401);
  }, 120_000);

  test("a session that another place has ended leads to the sign-in, and the address is kept", async () => {
    const { page } = await visit(browser);
    await signIn(page, server.url, API_KEY);
    await page.goto(`${server.url}/console/#/flows?q=boat`);
    await isSignedIn(page);
    const { data } = (await server.call("GET", "/v1/sessions")).body;
    for (const { id } of data) await server.call("DELETE", `/v1/sessions/${id}`);
    await isSignedOut(page);
    await waitForText(page, "Your session has ended");
    expect(page.url()).toContain("#/flows?q=boat");
    await page.locator('input[name="key"]').fill(API_KEY);
    await page.locator("button[type=submit]").click();
    await isSignedIn(page);
    expect(page.url()).toContain("#/flows?q=boat");
  }, 120_000);

  test("settings lists the sessions, names this browser and ends another one", async () => {
    const { page, complaints } = await visit(browser);
    await signIn(page, server.url, API_KEY);
    const other = (await server.call("POST", "/v1/sessions", { label: "the old laptop" })).body;
    await page.goto(`${server.url}/console/#/settings/sessions`);
    await waitForText(page, "this browser");
    await page.locator('button[aria-label="End session the old laptop"]').click();
    await page.waitForFunction(() => !document.body.textContent?.includes("the old laptop"));
    const refused = await fetch(`${server.url}/v1/flows`, { headers: { authorization: `Bearer ${other.token}` } });
    expect(refused.status).toBe(401);
    expect(complaints).toEqual([]);
  }, 120_000);
});
