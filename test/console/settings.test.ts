/** Settings and shortcuts in a real browser. */
import { execFileSync } from "node:child_process";
import type { Page } from "puppeteer-core";
import { describe, expect, test } from "vitest";
import { overflowOf } from "../support/accessibility.ts";
import { API_KEY, type Json, until } from "../support/spawned.ts";
import { chromium, useConsole } from "./set-up.ts";
import { click, signIn, textOf, visit, waitForText } from "./test-browser.ts";

describe.skipIf(!chromium)("settings", () => {
  const { server, browser } = useConsole();

  async function opened(hash: string, key = API_KEY) {
    const visitor = await visit(browser);
    await signIn(visitor.page, server.url, key);
    await visitor.page.goto(`${server.url}/console/${hash}`);
    return visitor;
  }
  const fill = (page: Page, label: string, text: string) => page.locator(`dialog ::-p-aria(${label})`).fill(text);

  test("an operator makes an app with limits and a key that works, and the key is shown once", async () => {
    const { page, complaints, requested } = await opened("#/settings/apps");
    await click(page, "button", "New app");
    await fill(page, "Name", "shop");
    await fill(page, "Running flows at a time", "3");
    await click(page, "dialog button", "Save");
    await page.waitForSelector('section[aria-label="shop"]');
    await waitForText(page, "0 of 3");
    await click(page, 'section[aria-label="shop"] button', "Create key");
    await page.waitForSelector("dialog .new-key");
    const key = await textOf(page, "dialog .new-key");
    const { status } = await server.call("GET", "/v1/flows", undefined, { authorization: `Bearer ${key}` });
    expect(status).toBe(200);
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("dialog"));
    expect(await page.content()).not.toContain(key);
    expect(page.url()).not.toContain(key);
    expect(requested.filter((url) => url.includes(key))).toEqual([]);
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain(key);

    // Nothing is revoked before the second button, which names it.
    await click(page, ".key-list button", "Revoke");
    await click(page, "dialog button", "Keep as is");
    const keys = async () => {
      const { body } = await server.call("GET", "/v1/apps");
      const app = body.data.find(({ name }: Json) => name === "shop");
      return (await server.call("GET", `/v1/apps/${app.id}/keys`)).body.data;
    };
    expect((await keys())[0].revokedAt).toBeNull();
    await click(page, ".key-list button", "Revoke");
    await click(page, "dialog button", "Revoke key");
    await page.waitForFunction(() => !document.querySelector(".key-list li"));
    expect((await keys())[0].revokedAt).not.toBeNull();
    expect(complaints).toEqual([]);
  });

  /** Opens the form for a new account of the vendor. */
  async function addAccount(page: Page, provider: string) {
    await page.waitForSelector(".vendor-card");
    await page.evaluate((id) => {
      const cards = [...document.querySelectorAll(".vendor-card")];
      const found = cards.find((each) => each.querySelector(".tag")?.textContent === id)!;
      found.querySelector<HTMLElement>("header button")!.click();
    }, provider);
    await page.waitForSelector("dialog form");
  }
  const accountsOf = async (provider: string) => {
    const { body } = await server.call("GET", "/v1/providers");
    return body.data.find(({ id }: Json) => id === provider).accounts as Json[];
  };
  const submissions = async () => (await server.sim("GET", "/ledger")).submissions.length as number;

  test("an operator adds a vendor account, tests it, pauses and removes it, and makes an app with a key that works in curl", async () => {
    const { page, complaints, requested } = await opened("#/settings/vendors");
    const spare = async () => (await accountsOf("newapi")).find(({ name }) => name === "spare");
    const paidBefore = await submissions();
    await addAccount(page, "newapi");
    await fill(page, "Name", "spare");
    await fill(page, "API key of the vendor", "wrong-key");
    await fill(page, "Base URL", `${server.simulatorUrl}/newapi`);
    await fill(page, "Weight", "2");
    await fill(page, "Tasks at a time", "4");
    await click(page, "dialog button", "Save and test");
    await page.waitForSelector("dialog .test-result .pill.bad");
    expect(await textOf(page, "dialog .test-result .pill")).toBe("✕ The vendor refuses the key");
    await waitForText(page, "The account is saved and gets no flows yet.");
    expect(await spare()).toMatchObject({ weight: 0, maxRunning: 4 });

    // The same dialog takes the right key. The account gets flows only now.
    await fill(page, "API key of the vendor", "sk-secret-of-spare");
    await click(page, "dialog button", "Save and test");
    await page.waitForFunction(() => !document.querySelector("dialog"));
    await page.waitForSelector(".test-row .pill.ok");
    expect(await textOf(page, ".test-row .pill")).toBe("✓ The key works");
    expect(await spare()).toMatchObject({ weight: 2, maxRunning: 4, circuit: "closed", fault: null });
    expect(await page.content()).not.toContain("sk-secret-of-spare");

    await page.locator('button[aria-label="Actions of spare"]').click();
    await click(page, '[role="menu"][aria-label="Actions of spare"] button', "Pause new flows");
    await waitForText(page, "paused");
    expect((await spare()).weight).toBe(0);
    // A paused account can be tested, and stays paused.
    await page.locator('button[aria-label="Test spare"]').click();
    await page.waitForSelector(".test-row .pill.ok");
    expect((await spare()).weight).toBe(0);
    expect(await submissions()).toBe(paidBefore);

    await page.locator('button[aria-label="Actions of spare"]').click();
    await click(page, '[role="menu"][aria-label="Actions of spare"] button', "Remove");
    await click(page, "dialog button", "Remove account");
    await page.waitForFunction(
      () => ![...document.querySelectorAll(".setting-table th")].some((cell) => cell.textContent?.startsWith("spare")),
    );
    expect(await spare()).toBeUndefined();

    await click(page, 'nav[aria-label="Settings"] a', "Apps and keys");
    await click(page, "button", "New app");
    await fill(page, "Name", "corner shop");
    await fill(page, "Running flows at a time", "1");
    await click(page, "dialog button", "Save");
    await click(page, 'section[aria-label="corner shop"] button', "Create key");
    await page.waitForSelector("dialog .new-key");
    const key = await textOf(page, "dialog .new-key");
    const curl = (...args: string[]) =>
      execFileSync("curl", ["-s", "-w", "\n%{http_code}", "-H", `Authorization: Bearer ${key}`, ...args], {
        encoding: "utf8",
      }).split(/\n(?=\d+$)/);
    const flow = ["-H", "Content-Type: application/json", "-d", '{"prompt":"a red door"}', `${server.url}/v1/flows`];
    const [made, status] = curl(...flow);
    expect([status, JSON.parse(made!).status]).toEqual(["202", "running"]);
    // The limits hold for the key: one running flow at a time.
    const [refused, second] = curl(...flow);
    expect([second, JSON.parse(refused!).code]).toEqual(["429", "too_many_flows"]);
    expect(requested.every((url) => url.startsWith(server.url) || url.startsWith("data:"))).toBe(true);
    expect(requested.filter((url) => url.includes("secret-of-spare") || url.includes(key))).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test("an account whose test cannot tell is started by the operator, and a test says why it failed", async () => {
    const { page, complaints } = await opened("#/settings/vendors");
    // This simulated vendor accepts requests without a key.
    await addAccount(page, "xfusionai");
    await fill(page, "Name", "open");
    await fill(page, "API key of the vendor", "any-key-of-a-test");
    await fill(page, "Base URL", `${server.simulatorUrl}/xfusionai`);
    await click(page, "dialog button", "Save and test");
    await page.waitForSelector("dialog .test-result .pill.ask");
    expect(await textOf(page, "dialog .test-result .pill")).toBe("? Reachable, but the key was not checked");
    await click(page, "dialog button", "Start anyway");
    await page.waitForFunction(() => !document.querySelector("dialog"));
    const open = async () => (await accountsOf("xfusionai")).find(({ name }) => name === "open");
    expect((await open()).weight).toBe(1);

    await server.sim("POST", "/faults", { kind: "lookup-page", provider: "xfusionai" });
    await page.locator('button[aria-label="Test open"]').click();
    await page.waitForSelector(".test-row .pill.bad");
    expect(await textOf(page, ".test-row .pill")).toBe("✕ This address is not of this vendor");
    // The vendor's words are shown as text.
    await server.sim("POST", "/faults", { kind: "lookup-error-200", provider: "xfusionai" });
    await page.locator('button[aria-label="Test open"]').click();
    await page.waitForFunction(() => document.querySelector(".test-row q")?.textContent === "请求过于频繁");
    expect((await open()).circuit).toBe("closed");
    await server.call("DELETE", "/v1/providers/xfusionai/accounts/open");
    expect(complaints).toEqual([]);
  });

  test("banned words are added with commas and removed one by one", async () => {
    const { page } = await opened("#/settings/banned");
    await page.locator(".setting-form input").fill("krill, plankton");
    await click(page, ".setting-form button", "Add");
    await page.waitForSelector('button[aria-label="Remove plankton"]');
    await page.locator('button[aria-label="Remove krill"]').click();
    await page.waitForFunction(() => !document.querySelector('button[aria-label="Remove krill"]'));
    expect((await server.call("GET", "/v1/banned-words")).body.words).toEqual(["plankton"]);
  });

  test("an app's key sees only the sessions of its app and the choices of its browser", async () => {
    const app = (await server.call("POST", "/v1/apps", { name: "small" })).body;
    const { key } = (await server.call("POST", `/v1/apps/${app.id}/keys`, {})).body;
    const { page } = await opened("#/settings", key);
    await page.waitForSelector('nav[aria-label="Settings"] a');
    expect(await page.$$eval('nav[aria-label="Settings"] a', (all) => all.map((a) => a.textContent))).toEqual([
      "Webhooks",
      "Usage and cost",
      "Templates",
      "Sessions",
      "Appearance",
      "Shortcuts",
    ]);
  });

  test("an endpoint is added in the settings, says why it is disabled, and its deliveries are one click away", async () => {
    const { page, complaints } = await opened("#/settings/webhooks");
    await click(page, "main button", "Add endpoint");
    await page.locator("dialog input[type=url]").fill("http://127.0.0.1:9/hook");
    await click(page, "dialog button", "Add");
    await waitForText(page, "It is shown only once");
    await click(page, "dialog button", "Close");
    await click(page, '[role="menu"][aria-label$="/hook"] button', "Disable");
    await click(page, "dialog button", "Disable endpoint");
    await waitForText(page, "disabled by the app");
    await click(page, ".endpoint-head > a", "127.0.0.1:9/hook");
    await page.waitForFunction(() => location.hash.startsWith("#/deliveries?endpoint="));
    await page.waitForSelector('.endpoint-head > a[aria-current="true"]');
    expect(complaints).toEqual([]);
  });

  test("the secret of an endpoint and a key are rotated with the chosen overlap", async () => {
    const made = (await server.call("POST", "/v1/endpoints", { url: "http://127.0.0.1:9/rotated" })).body;
    const { page, complaints } = await opened("#/settings/webhooks");
    await waitForText(page, made.url.replace("http://", ""));
    const overlapOf = async (path: string, ask: () => Promise<void>, button: string, overlap?: string) => {
      const sent = page.waitForRequest((request) => request.url().endsWith(path) && request.method() === "POST");
      await ask();
      await page.waitForSelector("dialog select[name=overlap]");
      if (overlap !== undefined) await page.select("dialog select[name=overlap]", overlap);
      await click(page, "dialog button", button);
      return JSON.parse((await sent).postData()!).overlapS;
    };
    const rotate = () => click(page, `[role="menu"][aria-label="Actions of ${made.url}"] button`, "Rotate secret");
    expect(await overlapOf(`/${made.id}/rotate`, rotate, "Rotate secret", "0")).toBe(0);
    await waitForText(page, "It is shown only once");
    expect(await overlapOf(`/${made.id}/rotate`, rotate, "Rotate secret")).toBe(86_400);
    const { earlierSecretsUntil } = (await server.call("GET", `/v1/endpoints/${made.id}`)).body;
    expect(earlierSecretsUntil).toHaveLength(1);

    const app = (await server.call("POST", "/v1/apps", { name: "rotating" })).body;
    const { key } = (await server.call("POST", `/v1/apps/${app.id}/keys`, {})).body;
    await page.goto(`${server.url}/console/#/settings/apps`);
    await page.waitForSelector('section[aria-label="rotating"] .key-list button');
    const rotateKey = () => click(page, 'section[aria-label="rotating"] .key-list button', "Rotate");
    expect(await overlapOf("/rotate", rotateKey, "Rotate key", "0")).toBe(0);
    await page.waitForSelector("dialog .new-key");
    const { status } = await server.call("GET", "/v1/flows", undefined, { authorization: `Bearer ${key}` });
    expect(status).toBe(401);
    expect(complaints).toEqual([]);
  });

  test("at 390 px the tables of the settings are stacked and do not scroll sideways", async () => {
    await server.call("POST", "/v1/sessions", { label: "a browser with a long name, on a machine with a long name" });
    const { page } = await visit(browser, { width: 390 });
    await signIn(page, server.url, API_KEY);
    for (const section of ["sessions", "vendors"]) {
      await page.goto(`${server.url}/console/#/settings/${section}`);
      await page.waitForSelector(".setting-table tbody tr");
      const sideways = await page.$$eval(".sheet-scroll", (all) =>
        all.map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth),
      );
      expect(sideways.length, section).toBeGreaterThan(0);
      expect(Math.max(...sideways), section).toBe(0);
      expect(await overflowOf(page), section).toBeLessThanOrEqual(0);
    }
  });

  test("the usage by day adds up to what the app has spent, as a chart, as a table and as CSV", async () => {
    const app = (await server.call("POST", "/v1/apps", { name: "counted", limits: { creditsUsd: 5 } })).body;
    const { key } = (await server.call("POST", `/v1/apps/${app.id}/keys`, {})).body;
    const headers = { authorization: `Bearer ${key}` };
    const flow = await server.call("POST", "/v1/flows", { prompt: "a kite", then: [{ press: "U1" }] }, headers);
    const usage = async () => (await server.call("GET", "/v1/usage", undefined, headers)).body;
    const settled = await until(usage, ({ settledUsd }) => settledUsd > 0);
    expect(flow.status).toBe(202);

    const { page, complaints } = await opened("#/settings/usage", key);
    await page.waitForSelector(".usage-chart .bar");
    const spent = `$${settled.settledUsd.toFixed(2)}`;
    expect(await page.$eval(".usage-chart", (chart) => chart.getAttribute("aria-label"))).toContain(`${spent} in all`);
    await page.locator(".settings-content details summary").click();
    expect(await textOf(page, ".usage-table tfoot")).toBe(`Total1${spent}`);
    expect(await textOf(page, ".counts dd")).toBe(spent);

    await page.evaluate(() => {
      const make = URL.createObjectURL.bind(URL);
      URL.createObjectURL = (blob: Blob) => {
        void blob.text().then((text) => document.body.setAttribute("data-csv", text));
        return make(blob);
      };
    });
    await click(page, ".usage-head button", "CSV");
    await page.waitForSelector("[data-csv]");
    const csv = await page.$eval("[data-csv]", (body) => body.getAttribute("data-csv")!);
    const rows = csv.trim().split("\r\n").slice(1);
    expect(rows).toHaveLength(14);
    expect(rows.reduce((sum, row) => sum + Number(row.split(",")[2]), 0)).toBeCloseTo(settled.settledUsd, 9);
    expect(complaints).toEqual([]);
  });

  test("the operator sees the usage of each app, and that of an app without limits is not counted", async () => {
    await server.call("POST", "/v1/apps", { name: "free" });
    const { page } = await opened("#/settings/usage");
    await waitForText(page, "Usage is counted for apps that have a limit");
    await page.waitForFunction(() => document.querySelectorAll(".usage-head option").length > 1);
    const { body } = await server.call("POST", "/v1/apps", { name: "limited", limits: { runningFlows: 2 } });
    await page.reload();
    await page.waitForSelector(`.usage-head option[value="${body.id}"]`);
    await page.select(".usage-head select", body.id);
    await page.waitForSelector(".usage-chart");
    expect(await page.$(".usage-chart .bar")).toBeNull();
  });

  test("the dark theme stays after a reload", async () => {
    const { page } = await opened("#/settings/appearance");
    await click(page, ".segments button", "Dark");
    await page.reload();
    await page.waitForSelector(".setting-form");
    expect(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)).toBe(
      "rgb(11, 11, 13)",
    );
  });

  test("? lists the shortcuts, g and a letter open a page, and a field takes the keys as text", async () => {
    const { page } = await opened("#/flows");
    await page.waitForSelector("main input[type=search]");
    await page.keyboard.press("?");
    await page.waitForSelector("dialog[open] .shortcuts");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("dialog"));
    await page.keyboard.press("/");
    await page.keyboard.type("gs n");
    expect(page.url()).toContain("#/flows");
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.type("gs");
    await page.waitForSelector('nav[aria-label="Settings"]');
    await page.keyboard.press("n");
    await page.waitForSelector(".composer textarea");
  });

  test("a session that stays on the device signs in another tab, and signing out there signs out here", async () => {
    const { page } = await visit(browser);
    await page.goto(`${server.url}/console`);
    await page.locator('input[name="key"]').fill(API_KEY);
    await page.locator('input[name="stay"]').click();
    await page.locator("button[type=submit]").click();
    await page.waitForSelector('nav[aria-label="Pages"]');
    const other = await page.browserContext().newPage();
    await other.goto(`${server.url}/console/#/flows`);
    await other.waitForSelector('nav[aria-label="Pages"]');
    await click(other, ".rail button .name", "Sign out");
    await page.waitForSelector('input[name="key"]');
    // The server can tell the page of the end before the other tab has removed the session.
    await page.waitForFunction(() => localStorage.getItem("mjflow.session") === null);
  });
});
