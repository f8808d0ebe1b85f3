/** What a maker and an operator can rely on in the console, in a real browser: states, danger, keys, tabs and the event log. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { violationsOf } from "../support/accessibility.ts";
import { API_KEY, type Json, type SpawnedServer, spawnServer, until } from "../support/spawned.ts";
import {
  chromiumPath,
  click,
  idOf,
  launch,
  showScheme,
  signIn,
  textOf,
  visit,
  waitForFlowEnd,
} from "./test-browser.ts";

const chromium = chromiumPath();
/** The times of a flow of the simulated vendor, multiplied by this, are those of a real vendor. */
const SLOWER = 50;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000 };

describe.skipIf(!chromium)("the console in use", () => {
  let server: SpawnedServer;
  let browser: Browser;
  /** An ended flow: a root and an upscale. */
  let done: Json;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "mjflow-check-"));
    server = await spawnServer();
    browser = await launch(chromium!);
    done = await server.ended(await server.start({ prompt: "a paper boat --ar 3:2", then: [{ press: "U1" }] }));
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function opened(hash: string, { width = 1440, height = 900, key = API_KEY } = {}) {
    const visitor = await visit(browser, { width, height });
    await signIn(visitor.page, server.url, key);
    await visitor.page.goto(`${server.url}/console/${hash}`);
    return visitor;
  }
  const tab = async (page: Page, hash: string) => {
    const other = await page.browserContext().newPage();
    await other.goto(`${server.url}/console/${hash}`);
    return other;
  };

  test("two tabs on one ended flow both show a button that one of them presses, without a reload", async () => {
    const flow = await server.ended(await server.start({ prompt: "in two tabs" }));
    const { page } = await opened(`#/flows/${flow.id}`);
    await waitForFlowEnd(page, 1);
    const other = await tab(page, `#/flows/${flow.id}`);
    await waitForFlowEnd(other, 1);
    // The tab in front is the other one. A tab in the background gets no frames, so the tests ask it by themselves.
    await page.evaluate(() => {
      const labels = [...document.querySelectorAll<HTMLElement>(".task-actions .chip .label")];
      labels.find(({ textContent }) => textContent === "U2")!.click();
    });
    await waitForFlowEnd(other, 2);
    const ended = () => page.$$eval("[role=treeitem].ok", (all) => all.length);
    await until(ended, (count) => count === 2);
  });

  test("a pressed button is ticked, and leads to its task instead of pressing again", async () => {
    const { page } = await opened(`#/flows/${done.id}/${done.tasks[0].id}`);
    const pressed = await page.waitForSelector('.task-actions .chip[aria-pressed="true"]');
    expect(await pressed!.evaluate((chip) => chip.querySelector(".label")?.textContent)).toBe("U1");
    await pressed!.click();
    await page.waitForFunction((id) => location.hash.endsWith(id), {}, done.tasks[1].id);
    expect((await server.flow(done.id)).tasks).toHaveLength(2);
  });

  test("a result with four videos has four players that play, loop and are muted, and no link opens a page of the vendor by itself", async () => {
    const { page, requested } = await visit(browser);
    const video = Buffer.from(await page.evaluate(recordVideo));
    await page.setRequestInterception(true);
    const vendor = "https://vendor.example";
    page.on("request", (request) => {
      if (request.url().startsWith(vendor)) return request.respond({ contentType: "video/webm", body: video });
      if (!request.url().endsWith(`/v1/flows/${done.id}`)) return request.continue();
      const videos = [1, 2, 3, 4].map((n) => ({ url: `${vendor}/${n}.webm` }));
      const tasks = done.tasks.map((task: Json) => ({ ...task, videos, copies: [] }));
      return request.respond({ contentType: "application/json", body: JSON.stringify({ ...done, tasks }) });
    });
    await signIn(page, server.url, API_KEY);
    await page.goto(`${server.url}/console/#/flows/${done.id}`);
    await page.waitForFunction(
      () =>
        [...document.querySelectorAll<HTMLVideoElement>(".panel video")].filter(
          ({ paused, currentTime }) => !paused && currentTime > 0,
        ).length === 4,
    );
    const players = await page.$$eval(".panel video", (all) =>
      (all as HTMLVideoElement[]).map(({ loop, muted, controls }) => [loop, muted, controls]),
    );
    expect(players).toEqual(Array(4).fill([true, true, true]));
    // A click on a player is one for its controls.
    await page.locator(".panel video").click();
    expect(await page.browserContext().pages()).toHaveLength(1);
    expect(page.url()).toContain(done.id);
    const pages = requested.filter((url) => url.startsWith(vendor) && !url.endsWith(".webm"));
    expect(pages).toEqual([]);
  });

  test("a flow that still has planned steps never says that its tasks have ended, on any page", async () => {
    const [root] = done.tasks;
    const step = { parentId: root.id, prompt: null, hasMask: false, status: "planned" };
    const plan = ["U1", "U2"].map((press, i) => ({ ...step, press, taskId: `${root.id}-${i}` }));
    // All tasks have ended, and the two follow-ups have none yet: the moment between a callback and its follow-ups.
    const flow = { ...done, status: "running", endedAt: null, tasks: [root], plan };
    const counts = { planned: 2, running: 0, done: 1, failed: 0 };
    const { page } = await visit(browser);
    await page.setRequestInterception(true);
    page.on("request", async (request) => {
      const { pathname, search } = new URL(request.url());
      const json = (body: unknown) => request.respond({ contentType: "application/json", body: JSON.stringify(body) });
      if (pathname.endsWith(`/v1/flows/${done.id}`)) return json(flow);
      // The events of the server would say that the flow has ended.
      if (pathname.endsWith(`/v1/flows/${done.id}/events`)) return;
      if (!pathname.endsWith("/v1/flows") || request.method() !== "GET") return request.continue();
      const { body } = await server.call("GET", `${pathname}${search}`);
      const data = body.data.map((entry: Json) =>
        entry.id === done.id ? { ...entry, status: "running", endedAt: null, taskCounts: counts } : entry,
      );
      return json({ ...body, data });
    });
    await signIn(page, server.url, API_KEY);
    await page.goto(`${server.url}/console/#/flows/${done.id}`);
    await page.waitForSelector("[role=treeitem].ghost");
    const head = await textOf(page, ".flow-head .facts");
    expect(head).toContain("running");
    expect(head).toContain("1 of 3 done");
    expect(await page.$$eval("[role=treeitem].ghost", (all) => all.length)).toBe(2);
    expect(await page.$eval(".flow-head progress", ({ value, max }) => [value, max])).toEqual([1, 3]);
    expect(await textOf(page, ".flow-page")).not.toMatch(/\bended\b|completed|all (tasks )?done|3 of 3|took/i);
    await page.goto(`${server.url}/console/#/flows`);
    await page.waitForFunction(
      (id) => document.querySelector(`[data-flow="${id}"]`)?.textContent?.includes("1 of 3"),
      {},
      done.id,
    );
    const row = await textOf(page, `[data-flow="${done.id}"]`);
    expect(row).toContain("running");
    expect(row).not.toMatch(/\bended\b|completed|all (tasks )?done|took/i);
  });

  test("the legend of the tree is a filter: Failed lists the failed tasks with the price of their retry, and j and k step through them", async () => {
    const [root, first] = done.tasks;
    const failure = { code: "vendor_error", message: "The vendor failed." };
    const failed = [2, 3].map((number, i) => {
      const [id, name] = [`${root.id}-${i + 1}`, `upscale:${number}`];
      return { ...first, id, press: name, status: "FAILURE", failure, imageUrl: null, images: [], buttons: [] };
    });
    const plan = [{ taskId: `${root.id}-1-0`, parentId: failed[0]!.id, press: "vary:subtle", status: "skipped" }];
    const retried: string[] = [];
    const { page, complaints } = await visit(browser, { width: 1440 });
    await page.setBypassCSP(true);
    await page.setRequestInterception(true);
    page.on("request", (request) => {
      const json = (body: unknown) => request.respond({ contentType: "application/json", body: JSON.stringify(body) });
      const retry = /tasks\/([^/]+)\/retry$/.exec(request.url());
      if (retry && request.method() === "POST") {
        retried.push(retry[1]!);
        return json(first);
      }
      if (!request.url().endsWith(`/v1/flows/${done.id}`)) return request.continue();
      return json({ ...done, tasks: [root, first, ...failed], plan });
    });
    await signIn(page, server.url, API_KEY);
    await page.goto(`${server.url}/console/#/flows/${done.id}`);
    await page.waitForSelector(".tree-legend button");
    const legend = await page.$$eval(".tree-legend button", (all) => all.map(({ textContent }) => textContent));
    expect(legend).toEqual(["Done 2", "Failed 2"]);
    await click(page, ".tree-legend button", "Failed 2");
    await page.waitForSelector(".failed-list li");
    expect(page.url()).toContain("show=failed");
    const dimmed = await page.$$eval("[role=treeitem].dim", (all) =>
      all.map((node) => (node as HTMLElement).dataset["node"]),
    );
    expect(new Set(dimmed)).toEqual(new Set([root.id, first.id, `${root.id}-1-0`]));
    expect(await page.$$eval(".failed-list .press", (all) => all.map(({ textContent }) => textContent))).toEqual([
      "U2",
      "U3",
    ]);
    // Two upscales, and the step below one of them.
    expect(await textOf(page, ".failed-list .primary")).toContain("Retry 2 failed ≤ $0.06");
    const chosen = (id: string) =>
      page.waitForFunction(
        (wanted) =>
          document.querySelector('[role=treeitem][aria-selected="true"]')?.getAttribute("data-node") === wanted,
        {},
        id,
      );
    const [u2, u3] = failed.map(({ id }) => id) as [string, string];
    for (const [key, id] of [
      ["j", u2],
      ["j", u3],
      ["j", u2],
      ["k", u3],
    ] as const) {
      await page.keyboard.press(key);
      await chosen(id);
      expect(page.url()).toContain("show=failed");
    }
    for (const scheme of ["light", "dark"] as const) {
      await showScheme(page, scheme);
      expect(await violationsOf(page), scheme).toEqual([]);
    }
    await page.locator(".failed-list .primary").click();
    await until(
      async () => retried.length,
      (count) => count === 2,
    );
    expect(retried.map(decodeURIComponent)).toEqual([u2, u3]);
    await click(page, ".tree-legend button", "Failed 2");
    await page.waitForFunction(() => !document.querySelector(".failed-list, .node.dim"));
    expect(complaints).toEqual([]);
  });

  test("the event log of an upscale has its submission, acceptance, callbacks, end, cost and webhook in the order of time", async () => {
    const receiver = createServer((request, response) => {
      request.resume();
      response.writeHead(204).end();
    });
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    try {
      const notifyHook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
      const flow = await server.ended(await server.start({ prompt: "logged", notifyHook, then: [{ press: "U1" }] }));
      const { page, complaints } = await opened(`#/flows/${flow.id}/${flow.tasks[1].id}`);
      await click(page, ".panel [role=tab]", "Events");
      await page.waitForFunction(() =>
        document.querySelector(".task-log")?.textContent?.includes("task.completed: 204"),
      );
      const entries = await page.$$eval(".task-log li", (all) => all.map((entry) => entry.textContent ?? ""));
      const at = (text: string) => entries.findIndex((entry) => entry.includes(text));
      const order = ["submit to", "accepted as", "callback", "done", "cost $", "webhook task.completed"].map(at);
      expect(
        order.every((index) => index >= 0),
        entries.join("\n"),
      ).toBe(true);
      expect(order).toEqual(order.toSorted((a, b) => a - b));
      const times = await page.$$eval(".task-log time", (all) => all.map((time) => time.getAttribute("datetime")!));
      expect(times).toEqual(times.toSorted());
      expect(complaints).toEqual([]);
    } finally {
      receiver.close();
    }
  });

  test("the timeline shows for every task queued, submitting and drawing bars whose ends are within 100 ms of the times of the API", async () => {
    // The simulated vendor is fast. All times are moved away from the first one, so that 100 ms are little beside a bar.
    const origin = Date.parse(done.tasks[0].createdAt);
    const slow = (iso: string) => new Date(origin + (Date.parse(iso) - origin) * SLOWER).toISOString();
    const tasks: Json[] = done.tasks.map((task: Json) => {
      const [createdAt, submittingAt] = [slow(task.createdAt), slow(task.submittingAt)];
      return { ...task, createdAt, submittingAt, submittedAt: slow(task.submittedAt), endedAt: slow(task.endedAt) };
    });
    const { page } = await visit(browser, { width: 1440 });
    await page.setRequestInterception(true);
    page.on("request", (request) => {
      if (!request.url().endsWith(`/v1/flows/${done.id}`)) return request.continue();
      return request.respond({ contentType: "application/json", body: JSON.stringify({ ...done, tasks }) });
    });
    await signIn(page, server.url, API_KEY);
    await page.goto(`${server.url}/console/#/flows/${done.id}?view=timeline`);
    await page.waitForSelector(".timeline .drawing");
    // The labels of the axis say which place is which time.
    const axis = await page.$$eval(".timeline .marks span", (marks) =>
      [marks[0]!, marks.at(-1)!].map((mark) => ({
        x: mark.getBoundingClientRect().left,
        text: mark.textContent ?? "",
      })),
    );
    const [from, to] = axis.map(({ x, text }) => {
      const parts = [...text.matchAll(/([\d.]+) (ms|s|min)/g)].map(([, value, unit]) => Number(value) * UNITS[unit!]!);
      return { x, ms: parts.reduce((sum, part) => sum + part, 0) };
    }) as [{ x: number; ms: number }, { x: number; ms: number }];
    expect(to.ms).toBeGreaterThan(from.ms);
    const msAt = (x: number) => from.ms + ((x - from.x) / (to.x - from.x)) * (to.ms - from.ms);
    const bars = await page.$$eval(".timeline tbody tr", (rows) =>
      rows.map((row) =>
        ["queued", "submitting", "drawing"].map((name) => {
          const { left, right } = row.querySelector(`.bars i.${name}`)!.getBoundingClientRect();
          return { left, right };
        }),
      ),
    );
    expect(tasks).toHaveLength(2);
    tasks.forEach((task, i) => {
      const times = [task.createdAt, task.submittingAt, task.submittedAt, task.endedAt].map((iso) => {
        expect(iso).toEqual(expect.any(String));
        return Date.parse(iso) - origin;
      });
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      bars[i]!.forEach(({ left, right }, n) => {
        expect(Math.abs(msAt(left) - times[n]!), `begin of bar ${n} of ${task.press}`).toBeLessThan(100);
        expect(Math.abs(msAt(right) - times[n + 1]!), `end of bar ${n} of ${task.press}`).toBeLessThan(100);
      });
    });
  });

  test("on a phone a tap on a task opens a sheet, and the row of the task stays visible above it", async () => {
    const { page } = await opened(`#/flows/${done.id}`, { width: 390, height: 844 });
    await page.waitForSelector("[role=treeitem]");
    for (const { id } of done.tasks) {
      await page.locator(`[data-node="${id}"]`).click();
      await page.waitForFunction((task) => location.hash.includes(task), {}, id);
      await page.waitForSelector("dialog.task-sheet[open]");
      // The sheet moves in, so its place is awaited.
      await page.waitForFunction(
        (task) => {
          const row = document.querySelector(`[data-node="${task}"]`)!.getBoundingClientRect();
          const sheet = document.querySelector("dialog.task-sheet")!.getBoundingClientRect();
          return row.top >= 0 && row.bottom <= sheet.top && Math.floor(sheet.bottom) <= innerHeight;
        },
        {},
        id,
      );
      await page.keyboard.press("Escape");
      await page.waitForFunction(() => !document.querySelector("dialog.task-sheet"));
    }
  });

  test("Back shows the list with its filter where the user was, and a flow opens signed in in another tab", async () => {
    for (let i = 0; i < 14; i++) await server.start({ prompt: `row ${i}`, action: "shorten" });
    const { page } = await opened("#/flows");
    await page.locator("input[type=search]").fill("row");
    await page.waitForFunction(
      () => location.hash.includes("q=row") && document.querySelectorAll(".flow-row").length >= 10,
    );
    // The page gets the event of the scroll in the next frame. No user clicks before it.
    await page.evaluate(async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      addEventListener("scroll", () => requestAnimationFrame(() => resolve()), { once: true });
      scrollTo(0, 300);
      await promise;
    });
    await page.evaluate(() => {
      const rows = [...document.querySelectorAll<HTMLElement>(".flow-row")];
      rows.find((row) => row.getBoundingClientRect().top > 0)!.click();
    });
    await page.waitForSelector(".flow-head");
    expect(await page.evaluate(() => scrollY)).toBe(0);
    await page.goBack();
    await page.waitForSelector(".flow-row");
    await page.waitForFunction(() => scrollY === 300);
    expect(page.url()).toContain("q=row");
    expect(await page.$eval("input[type=search]", (field) => (field as HTMLInputElement).value)).toBe("row");
    const link = await page.$eval(".flow-row", (row) => (row as HTMLAnchorElement).href);
    const other = await page.browserContext().newPage();
    await other.goto(link);
    await other.waitForSelector(".flow-head");
  });

  test("a rate limit counts down on the pressed button, and Cancel sends nothing", async () => {
    const app = (await server.call("POST", "/v1/apps", { name: "limited", limits: { flowsPerMinute: 1 } })).body;
    const { key } = (await server.call("POST", `/v1/apps/${app.id}/keys`, {})).body;
    const headers = { authorization: `Bearer ${key}` };
    const flows = async () => (await server.call("GET", "/v1/flows", undefined, headers)).body.data.length;
    const { page, requested } = await opened("#/create", { key });
    await until(
      async () => (await server.call("POST", "/v1/flows", { prompt: "fill", action: "imagine" }, headers)).status,
      (status) => status === 429,
    );
    const before = await flows();
    await page.locator(".composer textarea").fill("a limited boat");
    await click(page, "button", "Create");
    await page.waitForFunction(() => /sends in \d+ s/.test(document.querySelector(".send")?.textContent ?? ""));
    const posts = () => requested.filter((url) => url.endsWith("/v1/flows")).length;
    const sent = posts();
    await click(page, ".cancel-limited", "Cancel");
    await page.waitForFunction(() => document.querySelector(".send")?.textContent === "Create");
    expect([posts(), await flows()]).toEqual([sent, before]);
    expect(await page.$eval(".composer textarea", (field) => field.value)).toBe("a limited boat");
  });

  test("a banned prompt is marked and can be edited, and no paid retry is offered", async () => {
    const flow = await server.ended(await server.start({ prompt: "a quiet boat" }));
    const { page } = await opened(`#/flows/${flow.id}`);
    // The failure that the page receives is that of a vendor that names the word.
    await page.setRequestInterception(true);
    page.on("request", (request) => {
      if (!request.url().endsWith(`/v1/flows/${flow.id}`)) return request.continue();
      const [task] = flow.tasks;
      const failure = { code: "banned_prompt", message: "Banned.", vendor: { bannedWord: "quiet" } };
      const tasks = [
        { ...task, status: "FAILURE", failure, failReason: "Banned", endedAt: task.endedAt ?? task.createdAt },
      ];
      return request.respond({
        contentType: "application/json",
        body: JSON.stringify({ ...flow, status: "failed", tasks }),
      });
    });
    await page.reload();
    await page.waitForSelector(".panel mark");
    expect(await textOf(page, ".panel mark")).toBe("quiet");
    expect(await page.$$eval(".task-actions .label", (all) => all.map(({ textContent }) => textContent))).not.toContain(
      "Retry",
    );
    await click(page, ".task-actions button", "Edit and try again");
    await page.waitForSelector(".composer textarea");
    expect(await page.$eval(".composer textarea", (field) => field.value)).toContain("a quiet boat");
  });

  test("simulated vendors, flows and pictures are marked, and those of a real vendor are not", async () => {
    const path = "/v1/providers/newapi/accounts/default";
    // Another name of the same machine stands for a real vendor.
    const baseUrl = `${server.simulatorUrl.replace("127.0.0.1", "localhost")}/newapi`;
    await server.call("DELETE", path);
    expect((await server.call("POST", path, { baseUrl, apiKey: "any" })).status).toBe(201);
    const { page } = await opened("#/flows");
    await page.waitForFunction(() => document.querySelector(".flow-row")?.textContent?.includes("(simulated)"));
    await page.goto(`${server.url}/console/#/flows/${done.id}`);
    await page.waitForFunction(() => document.querySelector(".flow-head")?.textContent?.includes("simulated"));
    await page.goto(`${server.url}/console/#/gallery?pic=${done.tasks[1].id}.1`);
    await page.waitForFunction(() =>
      document.querySelector(".lightbox-info")?.textContent?.includes("simulator, simulated"),
    );
    await page.goto(`${server.url}/console/#/health`);
    await page.waitForSelector(".vendors .tag.simulated");
    const marked = await page.$$eval(".vendors > li", (all) =>
      all.map((vendor) => [vendor.querySelector("code")?.textContent, vendor.querySelector(".tag.simulated") !== null]),
    );
    expect(marked.find(([id]) => id === "newapi")).toEqual(["newapi", false]);
    expect(marked.filter(([, isMarked]) => isMarked).length).toBe(marked.length - 1);
  });

  test("of a provider with a simulated and a real account, each flow and image is marked by the account that drew it", async () => {
    const path = (name: string) => `/v1/providers/newapi/accounts/${name}`;
    const baseUrl = `${server.simulatorUrl.replace("127.0.0.1", "localhost")}/newapi`;
    await server.call("DELETE", path("default"));
    expect((await server.call("POST", path("outside"), { baseUrl, apiKey: "any" })).status).toBe(201);
    const flows: Json[] = [];
    // Only one of the two accounts takes new flows at a time.
    for (const drawer of ["default", "outside"]) {
      for (const name of ["default", "outside"])
        expect((await server.call("PATCH", path(name), { weight: name === drawer ? 1 : 0 })).status).toBe(200);
      flows.push(await server.ended(await server.start({ provider: "newapi", prompt: `drawn at ${drawer}` })));
    }
    const [ofSimulator, ofVendor] = flows;
    expect([ofSimulator.account, ofVendor.account]).toEqual(["default", "outside"]);
    const { page } = await opened("#/flows");
    const rowOf = (id: string) => textOf(page, `[data-flow="${id}"]`);
    await page.waitForFunction(
      (id) => document.querySelector(`[data-flow="${id}"]`)?.textContent?.includes("(simulated)"),
      {},
      ofSimulator.id,
    );
    expect(await rowOf(ofVendor.id)).toContain("newapi");
    expect(await rowOf(ofVendor.id)).not.toContain("simulated");
    for (const [{ id, tasks }, isMarked] of [
      [ofSimulator, true],
      [ofVendor, false],
    ] as const) {
      await page.goto(`${server.url}/console/#/flows/${id}`);
      await page.waitForSelector(`[data-node="${tasks[0].id}"]`);
      expect((await textOf(page, ".flow-head .facts")).includes("simulated"), id).toBe(isMarked);
      await page.goto(`${server.url}/console/#/gallery?pic=${tasks[0].id}.1`);
      await page.waitForFunction(
        (task) =>
          location.hash.includes(task) && document.querySelector(".lightbox-info dl")?.textContent?.includes("newapi"),
        {},
        tasks[0].id,
      );
      expect((await textOf(page, ".lightbox-info dl")).includes("simulated"), id).toBe(isMarked);
    }
    await server.call("DELETE", path("default"));
    await server.call("DELETE", path("outside"));
  });

  test("a real vendor that has never called back raises a banner with the command that helps", async () => {
    const { page } = await visit(browser);
    await page.setRequestInterception(true);
    page.on("request", async (request) => {
      if (!request.url().endsWith("/v1/providers")) return request.continue();
      const { body } = await server.call("GET", "/v1/providers");
      const [first, ...rest] = body.data;
      const [account] = first.accounts;
      const silent = { ...first, accounts: [{ ...account, simulated: false, callbacks: "silent", heardAt: null }] };
      return request.respond({
        contentType: "application/json",
        body: JSON.stringify({ data: [silent, ...rest], nextCursor: null }),
      });
    });
    await signIn(page, server.url, API_KEY);
    for (const hash of ["#/health", "#/settings/vendors"]) {
      await page.goto(`${server.url}/console/${hash}`);
      await page.waitForSelector(".polling");
      expect(await textOf(page, ".polling")).toContain("npx mjflow dev --tunnel");
    }
  });

  test("nothing moves by itself if the user wants reduced motion", async () => {
    const { page } = await visit(browser);
    await page.emulateMediaFeatures([{ name: "prefers-reduced-motion", value: "reduce" }]);
    await signIn(page, server.url, API_KEY);
    const running = await server.start({ prompt: "still --sim slow", progress: true, then: [{ press: "U1" }] });
    for (const [hash, ready] of [
      [`#/flows/${running}`, ".node.run"],
      ["#/flows", ".flow-row"],
      ["#/gallery", ".tile"],
      ["#/create", ".composer"],
    ] as const) {
      await page.goto(`${server.url}/console/${hash}`);
      await page.waitForSelector(ready);
      const moving = await page.evaluate(() =>
        document
          .getAnimations()
          .filter(
            ({ playState, effect }) => playState === "running" && Number(effect?.getComputedTiming().duration) > 1,
          )
          .map((animation) => (animation as CSSAnimation).animationName ?? String(animation)),
      );
      expect(moving, hash).toEqual([]);
      expect(await page.$$eval("video[autoplay]", (all) => all.length), hash).toBe(0);
    }
    await server.call("POST", `/v1/flows/${running}/cancel`);
  });

  test("at 2560 px the gallery fills the width, and on a phone no picture is narrower than 180 px", async () => {
    for (const width of [2_560, 390]) {
      const { page } = await opened("#/gallery", { width });
      await page.waitForSelector(".tile");
      const { tiles, main } = await page.evaluate(() => ({
        tiles: [...document.querySelectorAll(".tile")].map((tile) => tile.getBoundingClientRect().width),
        main: document.querySelector("main")!.clientWidth,
      }));
      if (width === 390) expect(Math.min(...tiles)).toBeGreaterThanOrEqual(180);
      else expect(await page.$eval(".picture-grid", (grid) => grid.clientWidth)).toBeGreaterThan(main - 100);
    }
  });

  test("from the sign-in to a saved upscale everything works with the keyboard alone", async () => {
    const { page } = await visit(browser);
    await page.goto(`${server.url}/console`);
    await page.waitForSelector('input[name="key"]');
    const tabTo = async (selector: string) => {
      for (let i = 0; i < 80; i++) {
        if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)) return;
        await page.keyboard.press("Tab");
      }
      throw new Error(`The Tab key does not reach ${selector}`);
    };
    await tabTo('input[name="key"]');
    await page.keyboard.type(API_KEY);
    await page.keyboard.press("Enter");
    await page.waitForSelector('nav[aria-label="Pages"]');
    await page.keyboard.press("n");
    await page.waitForSelector(".composer textarea");
    await tabTo(".composer textarea");
    await page.keyboard.type("by keys alone --ar 1:1");
    await tabTo(".more-options > summary");
    await page.keyboard.press("Enter");
    await tabTo('.more-fields input[type="checkbox"]');
    await page.keyboard.press("Space");
    await page.keyboard.down("Control");
    await page.keyboard.press("Enter");
    await page.keyboard.up("Control");
    await page.waitForSelector(".flow-head");
    const id = idOf(page);
    await server.ended(id);
    await page.waitForSelector(".task-actions .chip");
    const session = await page.createCDPSession();
    await session.send("Page.setDownloadBehavior", { behavior: "allow", downloadPath: folder });
    await tabTo('.task-actions .chip[title*="U1"]');
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelectorAll("[role=treeitem].ok").length === 2);
    await page.waitForFunction(() => document.querySelector(".panel h2")?.textContent === "U1");
    await until(
      () => server.flow(id),
      ({ tasks }) => tasks.length === 2 && tasks[1].copies.length > 0,
    );
    // The page that follows the flow no more reads the copies when it is opened.
    await page.reload();
    await page.waitForSelector('.panel-image img[src*="/media/"]');
    await tabTo(".panel-image");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".lightbox[open]");
    await page.keyboard.press("d");
    const name = await until(
      async () => readdirSync(folder).find((file) => file.startsWith("by-keys-alone") && !file.endsWith(".crdownload")),
      (file) => file !== undefined,
    );
    expect(readFileSync(join(folder, name!)).length).toBeGreaterThan(1_000);
  });
});

/** Records a short video of a canvas that changes. It runs in the browser, so no file of a format is kept. */
function recordVideo(): Promise<number[]> {
  const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
  const context = canvas.getContext("2d")!;
  const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: "video/webm;codecs=vp8" });
  let frames = 0;
  const draw = () => {
    context.fillStyle = frames++ % 2 === 0 ? "teal" : "orange";
    context.fillRect(0, 0, 64, 64);
    if (frames < 30) requestAnimationFrame(draw);
    else recorder.stop();
  };
  return new Promise((resolve, reject) => {
    recorder.ondataavailable = async ({ data }) => resolve([...new Uint8Array(await data.arrayBuffer())]);
    recorder.onerror = () => reject(new Error("The browser records no video."));
    recorder.start();
    draw();
  });
}
