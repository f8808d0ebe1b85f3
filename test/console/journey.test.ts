/** What a user sees of plans, of danger and of a lost server, in a real browser. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API_KEY, type Json, type SpawnedServer, spawnServer, until } from "../support/spawned.ts";
import { chromiumPath, click, idOf, launch, signIn, textOf, visit, waitForText } from "./test-browser.ts";

const chromium = chromiumPath();

describe.skipIf(!chromium)("journeys in the console", () => {
  let server: SpawnedServer;
  let browser: Browser;

  beforeAll(async () => {
    server = await spawnServer();
    // The first visit builds the console. The tests watch flows that run for seconds only.
    await fetch(`${server.url}/console/`);
    browser = await launch(chromium!);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  async function opened(hash: string, of = server) {
    const visitor = await visit(browser, { width: 1440 });
    await signIn(visitor.page, of.url, API_KEY);
    await visitor.page.goto(`${of.url}/console/${hash}`);
    return visitor;
  }
  /** Shows another page of the console that is already loaded, so what a new flow shows first is not missed. */
  const show = (page: Page, hash: string) => page.goto(`${server.url}/console/${hash}`);
  const count = (page: Page, selector: string) => page.$$eval(selector, (all) => all.length);
  const startSlow = (then: unknown, prompt = "a slow boat") => server.start({ prompt: `${prompt} --sim slow`, then });

  describe("planned steps", () => {
    test("a new flow of 9 tasks shows one task and 8 planned steps, and says 0 of 9", async () => {
      const { page } = await opened("#/flows");
      await page.waitForSelector(".flow-row, .empty");
      await server.sim("POST", "/faults", {
        kind: "late-callback",
        action: "IMAGINE",
        status: "terminal",
        delayMs: 8_000,
      });
      const id = await startSlow([
        { press: ["U1", "U2", "U3", "U4"] },
        { press: "V1", then: [{ press: ["U1", "U2", "U3"] }] },
      ]);
      await show(page, `#/flows/${id}`);
      await page.waitForSelector(".node.ghost");
      expect(await textOf(page, ".facts strong")).toBe("0 of 9");
      expect([await count(page, ".node:not(.ghost)"), await count(page, ".node.ghost")]).toEqual([1, 8]);
      const places = () =>
        page.$$eval("[data-node]", (all) =>
          all.map((node) => [node.getAttribute("data-node"), (node as unknown as HTMLElement).style.cssText]),
        );
      const before = await places();
      await server.ended(id);
      await waitForText(page, "9 of 9 done");
      // Each step became its task in the same place.
      expect(await places()).toEqual(before);
    });

    test("the steps below a failed task are not started, and are not counted", async () => {
      await server.sim("POST", "/faults", { kind: "fail-task", action: "IMAGINE" });
      const id = await server.start({ prompt: "fails", then: [{ press: ["U1", "U2"] }] });
      await server.ended(id);
      await server.sim("DELETE", "/faults");
      const { page } = await opened(`#/flows/${id}`);
      await page.waitForSelector(".node.ghost");
      expect(await textOf(page, ".node.ghost")).toContain("not started");
      expect(await textOf(page, ".facts strong")).toBe("0 of 1");
    });

    test("a flow of 193 tasks opens without a scroll bar of the page, fits by f, and its canvas has at most 400 elements", async () => {
      const four = ["U1", "U2", "U3", "U4"];
      const { page } = await opened("#/flows");
      await page.waitForSelector(".flow-row, .empty");
      await server.sim("POST", "/faults", {
        kind: "late-callback",
        action: "IMAGINE",
        status: "terminal",
        delayMs: 8_000,
      });
      const id = await startSlow([
        {
          press: four,
          then: [
            {
              press: ["vary:subtle", "vary:strong", "zoom:2", "pan:left"],
              then: [{ press: [...four, "V1", "V2", "V3", "V4", "reroll", "tile:1", "tile:2"] }],
            },
          ],
        },
      ]);
      await show(page, `#/flows/${id}`);
      await page.waitForSelector(".node.ghost");
      const total = Number(/of (\d+)/.exec(await textOf(page, ".facts strong"))![1]);
      expect(total).toBeGreaterThan(190);
      expect(await page.evaluate(() => document.documentElement.scrollHeight - innerHeight)).toBeLessThanOrEqual(0);
      await page.focus("[role=treeitem][tabindex='0']");
      await page.keyboard.press("f");
      const seen = await page.evaluate(() => {
        const port = document.querySelector(".canvas")!.getBoundingClientRect();
        const boxes = [...document.querySelectorAll("[data-node]")].map((node) => node.getBoundingClientRect());
        return boxes.every(
          ({ left, right, top, bottom }) =>
            left >= port.left && right <= port.right && top >= port.top && bottom <= port.bottom,
        );
      });
      expect(seen).toBe(true);
      expect(await count(page, ".canvas, .canvas *")).toBeLessThanOrEqual(400);
      await page.keyboard.press("1");
      await waitForText(page, "100 %");
      expect(await count(page, ".canvas *")).toBeLessThanOrEqual(400);
      // The arrow keys fold a branch into one card, and open it again.
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("ArrowLeft");
      await page.waitForSelector(".node.stack .mosaic");
      const squares = await page.$$eval(".mosaic path", (all) => all.map((path) => path.getAttribute("d")).join(""));
      expect(squares.match(/M/g)).toHaveLength(48);
      await page.keyboard.press("ArrowRight");
      await page.waitForFunction(() => !document.querySelector(".node.stack"));
      await server.call("POST", `/v1/flows/${id}/cancel`);
    });
  });

  describe("again", () => {
    test("Run again says the price, and makes a flow with the same plan; Edit as new fills in Create", async () => {
      const id = await server.start({
        prompt: "again --ar 3:2",
        state: "order 7",
        then: [{ press: "U1", then: [{ press: "zoom:2" }] }],
      });
      await server.ended(id);
      const { page, complaints } = await opened(`#/flows/${id}`);
      await click(page, ".actions button .label", "Run again");
      await waitForText(page, "It costs at most $0.09.");
      await click(page, "dialog button", "Run again · ≤ $0.09");
      await page.waitForFunction((old) => location.hash.includes("flow_") && !location.hash.includes(old), {}, id);
      const next = await server.ended(idOf(page));
      expect(next).toMatchObject({ prompt: "again --ar 3:2", state: "order 7", rerunOf: id });
      expect(next.tasks.map(({ press }: Json) => press)).toEqual([null, "U1", "zoom:2"]);

      await click(page, ".actions button .label", "Edit as new");
      await page.waitForSelector(".composer textarea");
      expect(await page.$eval(".composer textarea", (field) => field.value)).toBe("again --ar 3:2");
      expect(await textOf(page, ".cost")).toBe("≤ $0.09");
      expect(complaints).toEqual([]);
    });
  });

  describe("Create", () => {
    test("the aspect writes the prompt and reads it, and a reload keeps the draft", async () => {
      const { page } = await opened("#/create");
      const prompt = () => page.$eval(".composer textarea", (field) => field.value);
      const aspect = () => page.evaluate(() => document.querySelector<HTMLSelectElement>(".choice select")!.value);
      await page.locator(".composer textarea").fill("a boat --v 7");
      await page.select(".choice select", "3:2");
      expect(await prompt()).toBe("a boat --v 7 --ar 3:2");
      await page.locator(".composer textarea").fill("a boat --ar 16:9");
      expect(await aspect()).toBe("16:9");
      await click(page, ".plan .chip", "U2");
      await page.reload();
      await page.waitForSelector(".composer textarea");
      expect([await prompt(), await textOf(page, ".cost")]).toEqual(["a boat --ar 16:9", "≤ $0.05"]);
    });

    test("a recent result has its four images and its buttons: one press upscales, and its prompt fills in the form", async () => {
      const flow = await server.start({ prompt: "a recent boat --ar 3:2 --v 7" });
      await server.ended(flow);
      const { page, complaints } = await opened("#/create");
      await page.locator(".composer textarea").fill("another prompt");
      const row = `.result:has(a[data-shot^="${flow.replace("flow_", "task_")}_0."])`;
      await page.waitForFunction((at) => document.querySelectorAll(`${at} .result-images a`).length === 4, {}, row);
      expect(await page.$$eval(`${row} .tag`, (all) => all.map(({ textContent }) => textContent))).toEqual([
        "--ar 3:2",
        "--v 7",
      ]);
      expect(await textOf(page, `${row} .quick .price`)).toBe("U $0.01 · V $0.04");
      await click(page, `${row} .chip`, "U3");
      await waitForText(page, "U3 is started.");
      await until(
        () => server.flow(flow),
        ({ tasks }) => tasks.some(({ press }: Json) => press === "upscale:3"),
      );
      await click(page, `${row} .link`, "Use prompt");
      await page.waitForFunction(
        () =>
          document.querySelector<HTMLTextAreaElement>(".composer textarea")!.value === "a recent boat --ar 3:2 --v 7",
      );
      await page.locator(`${row} .result-images a`).click();
      await page.waitForSelector(".lightbox[open]");
      expect(complaints).toEqual([]);
    });

    test("a prompt with a group of two says 2 prompts and their price, and makes two flows", async () => {
      const { page } = await opened("#/create");
      await page.locator(".composer textarea").fill("{red, blue} permutation");
      await waitForText(page, "2 prompts");
      expect(await textOf(page, ".cost")).toBe("≤ $0.08");
      await click(page, "button", "Create");
      await page.waitForFunction(() => location.hash === "#/flows");
      const prompts = async () =>
        (await server.call("GET", "/v1/flows")).body.data
          .map(({ prompt }: Json) => prompt)
          .filter((prompt: string) => prompt?.includes("permutation"));
      expect((await until(prompts, ({ length }) => length === 2)).sort()).toEqual([
        "blue permutation",
        "red permutation",
      ]);
    });
  });

  describe("money", () => {
    test("every control that costs something says its price before it is pressed", async () => {
      const id = await server.start({ prompt: "priced", then: [{ press: "U1" }] });
      const { tasks } = await server.ended(id);
      await server.sim("POST", "/faults", { kind: "fail-task", action: "UPSCALE" });
      const failed = await server.start({ prompt: "half", then: [{ press: "U1" }] });
      await server.ended(failed);
      await server.sim("DELETE", "/faults");
      /** Buttons of the selector without a price in themselves, in their group or in their row. */
      const unpriced = (page: Page, selector: string) =>
        page.$$eval(selector, (all) =>
          all
            .filter((button) => button.getAttribute("aria-pressed") !== "true")
            .filter((button) => {
              const places = [button, button.closest("fieldset")?.querySelector("legend"), button.closest(".result")];
              return !places.some((place) => /\$\d/.test(place?.querySelector(".price")?.textContent ?? ""));
            })
            .map(({ textContent }) => textContent),
        );
      const { page } = await opened(`#/flows/${id}`);
      const paid = ".task-actions .chip, .flow-head .actions button:not(.edit, .icon-button, .danger, [role=menuitem])";
      await page.waitForSelector(".task-actions .chip");
      expect(await count(page, paid)).toBeGreaterThan(8);
      expect(await unpriced(page, paid)).toEqual([]);
      await show(page, `#/flows/${id}/${tasks[1].id}`);
      await page.waitForFunction(() => document.querySelector(".panel h2")?.textContent === "U1");
      expect(await unpriced(page, paid)).toEqual([]);
      await click(page, ".task-actions .chip .label", "Vary region");
      await page.waitForSelector("dialog button[type=submit] .price");
      await page.keyboard.press("Escape");
      await show(page, `#/flows/${failed}`);
      await page.waitForFunction(() => document.querySelector(".flow-head")?.textContent?.includes("Retry failed"));
      expect(await unpriced(page, paid)).toEqual([]);
      await show(page, "#/create");
      await page.waitForSelector(".result .chip");
      expect(await unpriced(page, ".result .chip")).toEqual([]);
      await page.waitForSelector(".plan-card .cost");
      await show(page, "#/gallery");
      await page.locator('.tile:has([data-shot$=".3"])').hover();
      await page.waitForSelector(".tile-presses .chip");
      expect(await unpriced(page, ".tile-presses .chip")).toEqual([]);
    });
  });

  describe("danger", () => {
    test("an endpoint for two events receives only those, and its deletion is held back until it cannot be undone", async () => {
      const { page } = await opened("#/deliveries");
      await click(page, "main button", "Add endpoint");
      await page.locator("dialog input[type=url]").fill("http://127.0.0.1:9/two");
      for (const type of [
        "task.submitted",
        "task.modal",
        "task.completed",
        "task.archived",
        "task.failed",
        "endpoint.disabled",
      ])
        await click(page, "dialog .chip", type);
      await click(page, "dialog button[type=submit]", "Add");
      await waitForText(page, "It is shown only once");
      await click(page, "dialog button", "Close");
      const endpoints = async () =>
        (await server.call("GET", "/v1/endpoints")).body.data.filter(
          ({ url }: Json) => url === "http://127.0.0.1:9/two",
        );
      expect((await endpoints())[0].events).toEqual(["flow.completed", "flow.failed"]);
      await click(page, '[role="menu"][aria-label$="/two"] button', "Delete");
      await click(page, "dialog button", "Delete endpoint");
      await waitForText(page, "is deleted.");
      expect(await endpoints()).toHaveLength(1);
      await click(page, ".toast button", "Undo");
      await page.waitForFunction(() => document.querySelector(".endpoints")?.textContent?.includes("/two"));
      expect(await endpoints()).toHaveLength(1);
    });
  });

  describe("a lost server", () => {
    test("a page that asks for nothing says so too, and its buttons say why they are off", async () => {
      const other = await spawnServer();
      try {
        await other.call("POST", "/v1/apps", { name: "quiet" });
        const { page } = await opened("#/settings/apps", other);
        await page.waitForSelector('section[aria-label="quiet"] .actions button, section[aria-label="quiet"] button');
        const create = await page.browserContext().newPage();
        await create.goto(`${other.url}/console/#/create`);
        await create.locator(".composer textarea").fill("not sent");
        await create.waitForSelector(".send:not(:disabled)");
        await other.kill();
        const off = (button: string) =>
          create.waitForFunction(
            (selector) =>
              document.querySelector<HTMLButtonElement>(`${selector}:disabled`)?.title ===
              "The server does not respond. Nothing can be changed.",
            {},
            button,
          );
        await create.waitForSelector(".banner");
        await off(".send");
        await page.bringToFront();
        await page.waitForSelector(".banner");
        const titles = await page.$$eval('section[aria-label="quiet"] button:disabled', (all) =>
          all.map((button) => (button as HTMLButtonElement).title),
        );
        expect(new Set(titles)).toEqual(new Set(["The server does not respond. Nothing can be changed."]));
        // Code that was not loaded before cannot be loaded now. Only its part of the page is missing.
        await page.keyboard.down("Control");
        await page.keyboard.press("k");
        await page.keyboard.up("Control");
        await page.evaluate(() => {
          location.hash = "#/health";
        });
        await page.waitForSelector("main .problem");
        expect(await page.$('nav[aria-label="Pages"]')).not.toBeNull();
        await page.bringToFront();
        await page.evaluate(() => history.back());
        await page.waitForSelector('section[aria-label="quiet"]');
        // The draft stays.
        expect(await create.$eval(".composer textarea", (field) => field.value)).toBe("not sent");
      } finally {
        await other.stop();
      }
    });

    test("the page says since when it has no connection, disables actions, and is live again when the server is back", async () => {
      const dataDir = mkdtempSync(join(tmpdir(), "mjflow-lost-"));
      let other = await spawnServer({ dataDir });
      const { port } = new URL(other.url);
      try {
        const id = await other.start({ prompt: "lost --sim slow", then: [{ press: "U1" }] });
        const { page } = await opened(`#/flows/${id}`, other);
        await page.waitForSelector(".live:not(.lost)");
        await other.kill();
        await page.waitForSelector(".live.lost");
        await waitForText(page, "The server does not respond since");
        expect(await page.$eval(".actions .danger", (button) => (button as HTMLButtonElement).disabled)).toBe(true);
        other = await spawnServer({ dataDir, port: Number(port) });
        await page.waitForFunction(() => !document.querySelector(".banner"));
        await waitForText(page, "2 of 2 done");
      } finally {
        await other.stop();
        rmSync(dataDir, { recursive: true, force: true });
      }
    });
  });
});
