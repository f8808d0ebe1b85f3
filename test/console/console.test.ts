/** The console in a real browser against a real local server: what it shows, and what it must never do. */
import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API_KEY, type SpawnedServer, spawnServer, until } from "../support/spawned.ts";
import { chromium, useConsole } from "./set-up.ts";
import { click, idOf, signIn, textOf, visit, waitForFlowEnd, waitForText } from "./test-browser.ts";

describe.skipIf(!chromium)("the console", () => {
  const { server, browser } = useConsole();

  const open = (page: Page, hash: string) => page.goto(`${server.url}/console/${hash}`);

  test("a wrong key is reported on the sign-in page and not stored", async () => {
    const { page } = await visit(browser);
    await open(page, "");
    await page.locator('input[name="key"]').fill("mjk_not_a_key");
    await page.locator("button[type=submit]").click();
    await page.waitForSelector("[role=alert]");
    expect(await textOf(page, "[role=alert]")).toContain("unauthorized");
    expect(await page.evaluate(() => sessionStorage.length + localStorage.length)).toBe(0);
  });

  test("a user builds a plan, sends it, follows its tree to the end and presses a button, and the page reports no error", async () => {
    const { page, complaints, requested } = await visit(browser);
    await signIn(page, server.url, API_KEY);
    await open(page, "#/create");
    await page.locator("textarea").fill("a paper boat");
    await click(page, ".plan .chip", "U1");
    await click(page, ".plan .chip", "U2");
    await click(page, "[role=tab]", "Tree");
    await page.waitForFunction(() => document.querySelectorAll("[role=treeitem]").length === 3);
    expect(await textOf(page, ".total")).toContain("3 paid calls");
    expect(await textOf(page, ".cost")).toBe("≤ $0.06");
    await click(page, "button", "Create");

    await page.waitForFunction(() => location.hash.startsWith("#/flows/flow_"));
    await waitForFlowEnd(page, 3);
    await waitForText(page, "completed");
    const flow = await server.flow(idOf(page));
    expect(flow.tasks.map(({ press, status }: { press: string; status: string }) => [press, status])).toEqual([
      [null, "SUCCESS"],
      ["upscale:1", "SUCCESS"],
      ["upscale:2", "SUCCESS"],
    ]);
    // The images are loaded, not only referenced.
    await page.waitForFunction(
      () =>
        [...document.querySelectorAll<HTMLImageElement>("[role=treeitem] img")].filter((i) => i.naturalWidth > 0)
          .length === 3,
    );

    await click(page, ".task-actions .chip .label", "V3");
    await waitForFlowEnd(page, 4);
    await page.waitForFunction(() =>
      document.querySelector("[role=treeitem][aria-selected=true]")?.textContent?.includes("V3"),
    );

    expect(complaints).toEqual([]);
    // The page has sent the key once, in a header. It is in no URL, in no storage and in no cookie that a script can read.
    expect(requested.filter((url) => url.includes(API_KEY))).toEqual([]);
    expect(page.url()).not.toContain(API_KEY);
    expect(await page.evaluate(() => JSON.stringify(localStorage) + document.cookie)).toBe(
      '{"mjflow.session":"cookie"}',
    );
    expect(await page.evaluate(() => Object.values(sessionStorage).join())).toBe("");
    expect(await page.evaluate(async () => (await indexedDB.databases()).length + (await caches.keys()).length)).toBe(
      0,
    );
  });

  test("a flow page that is opened or reloaded while the flow runs follows the flow to its end", async () => {
    const id = await server.start({ prompt: "halfway", progress: true, then: [{ press: ["U1", "U4"] }] });
    const { page, complaints } = await visit(browser);
    await signIn(page, server.url, API_KEY);
    await open(page, `#/flows/${id}`);
    await page.waitForSelector("[role=treeitem]");
    await page.reload();
    await waitForFlowEnd(page, 3);
    await waitForText(page, "3 of 3 done");
    expect(complaints).toEqual([]);
  });

  test("the arrow keys move through the tree, and only one node is a Tab stop", async () => {
    const id = await server.start({ prompt: "by keys", then: [{ press: ["U1", "U2"] }] });
    await server.ended(id);
    const { page } = await visit(browser);
    await signIn(page, server.url, API_KEY);
    await open(page, `#/flows/${id}`);
    await waitForFlowEnd(page, 3);
    await page.focus("[role=treeitem]");
    const focused = () => page.evaluate(() => document.activeElement?.querySelector(".press")?.textContent);
    await page.keyboard.press("ArrowRight");
    expect(await focused()).toBe("U1");
    await page.keyboard.press("ArrowDown");
    expect(await focused()).toBe("U2");
    await page.waitForFunction(() => document.querySelector(".panel h2")?.textContent === "U2");
    await page.keyboard.press("ArrowLeft");
    expect(await focused()).toBe("imagine");
    expect(await page.$$eval("[role=treeitem][tabindex='0']", (all) => all.length)).toBe(1);
  });

  test("script in a prompt, a state or an image address is shown as text", async () => {
    const prompt = `<script>globalThis.owned=1</script><img src=x onerror="globalThis.owned=2">`;
    const id = await server.start({ prompt, state: `"><svg onload=globalThis.owned=3>` });
    await server.ended(id);
    const { page, complaints } = await visit(browser);
    // Simulates a malicious vendor: the same flow with script addresses.
    await page.setRequestInterception(true);
    page.on("request", async (request) => {
      if (!request.url().endsWith(`/v1/flows/${id}`)) return request.continue();
      const flow = await server.flow(id);
      const evil = "javascript:globalThis.owned=4";
      flow.tasks[0] = {
        ...flow.tasks[0],
        imageUrl: evil,
        images: [{ url: evil }],
        copies: [],
        copyFailures: [],
        unknownStatus: null,
        videos: [{ url: evil }],
      };
      return request.respond({ contentType: "application/json", body: JSON.stringify(flow) });
    });
    await signIn(page, server.url, API_KEY);
    await open(page, "#/flows");
    await waitForText(page, prompt);
    await open(page, `#/flows/${id}`);
    await waitForFlowEnd(page, 1);
    expect(await textOf(page, "h1")).toBe(prompt);
    await click(page, "[role=tab]", "Links");
    await waitForText(page, "javascript:globalThis.owned=4");
    expect(
      await page.$$eval("main a, main img", (all) =>
        all.map((e) => e.getAttribute("href") ?? e.getAttribute("src") ?? ""),
      ),
    ).not.toContainEqual(expect.stringMatching(/^\s*javascript:/i));
    expect(await page.evaluate(() => (globalThis as { owned?: unknown }).owned)).toBeUndefined();
    expect(complaints).toEqual([]);
  });

  test("a region that is drawn on the image becomes a mask that is white where the image is regenerated", async () => {
    const id = await server.start({ prompt: "a harbour", then: [{ press: "U1" }] });
    const { tasks } = await server.ended(id);
    const { page, complaints } = await visit(browser);
    await signIn(page, server.url, API_KEY);
    await open(page, `#/flows/${id}/${tasks[1].id}`);
    const sent = page.waitForRequest((request) => request.url().endsWith("/actions"));
    await click(page, ".task-actions .chip .label", "Vary region");
    await page.waitForFunction(
      () => (document.querySelector<HTMLImageElement>(".mask-plane img")?.naturalWidth ?? 0) > 0,
    );
    const { x, y, width, height } = (await (await page.$(".mask-plane canvas"))!.boundingBox())!;
    await page.mouse.move(x + width * 0.25, y + height * 0.25);
    await page.mouse.down();
    await page.mouse.move(x + width * 0.75, y + height * 0.5, { steps: 4 });
    await page.mouse.up();
    await click(page, ".dialog button", "Send $0.04");
    const { modal } = JSON.parse((await sent).postData()!);
    const pixel = await page.evaluate(async (mask: string) => {
      const image = new Image();
      image.src = mask;
      await image.decode();
      const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
      const context = canvas.getContext("2d")!;
      context.drawImage(image, 0, 0);
      const at = (left: number, top: number) =>
        [...context.getImageData(image.width * left, image.height * top, 1, 1).data].slice(0, 3);
      return { inside: at(0.5, 0.4), outside: at(0.5, 0.7) };
    }, modal.maskBase64);
    expect(pixel).toEqual({ inside: [255, 255, 255], outside: [0, 0, 0] });
    await waitForFlowEnd(page, 3);
    expect((await server.flow(id)).tasks[2]).toMatchObject({ status: "SUCCESS", modals: 1 });
    expect(complaints).toEqual([]);
  });

  test("deliveries are listed, and Resend sends a delivery again with the same webhook-id", async () => {
    const receivedIds: (string | undefined)[] = [];
    const receiver = createServer((request, response) => {
      receivedIds.push(request.headers["webhook-id"] as string);
      request.resume();
      response.writeHead(204).end();
    });
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    try {
      const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
      const endpoint = await server.call("POST", "/v1/endpoints", { url, events: ["flow.completed"] });
      const id = await server.start({ prompt: "delivered" });
      await server.ended(id);
      const { page, complaints } = await visit(browser);
      await signIn(page, server.url, API_KEY);
      await open(page, "#/deliveries");
      await waitForText(page, url.replace("http://", ""));
      await page.locator(".delivery-row:has(.status.ok)").click();
      await click(page, ".detail-pane button", "Resend now");
      await until(
        async () => receivedIds.length,
        (count) => count === 2,
      );
      expect(receivedIds[0]).toMatch(/^evt_/);
      expect(receivedIds[1]).toBe(receivedIds[0]);
      // The secret is shown only to the client that created the endpoint, which was not this page.
      expect(await page.content()).not.toContain(endpoint.body.secret);
      await open(page, "#/health");
      await waitForText(page, "Dead-letter messages");
      expect(complaints).toEqual([]);
    } finally {
      receiver.close();
    }
  });

  test("signing out leaves nothing in the storage of the tab", async () => {
    const { page } = await visit(browser);
    await signIn(page, server.url, API_KEY);
    await click(page, "button", "Sign out");
    await page.waitForSelector('input[name="key"]');
    expect(await page.evaluate(() => JSON.stringify(sessionStorage))).toBe("{}");
  });
});

describe("how the console is served", () => {
  let server: SpawnedServer;
  beforeAll(async () => {
    server = await spawnServer();
  });
  afterAll(() => server?.stop());

  test("every response has the Content-Security-Policy, including a 404", async () => {
    for (const [path, status] of [
      ["/console", 308],
      ["/console/", 200],
      ["/console/nothing", 404],
      ["/console/../package.json", 404],
      ["/console/%2e%2e/build.ts", 404],
      ["/console//etc/passwd", 404],
    ] as const) {
      const { statusCode, headers } = await request(path);
      const policy = String(headers["content-security-policy"]);
      expect(statusCode, path).toBe(status);
      expect(policy, path).toContain("default-src 'none'");
      expect(policy, path).toContain("frame-ancestors 'none'");
      expect(policy, path).not.toMatch(/unsafe-/);
      expect(headers["x-content-type-options"], path).toBe("nosniff");
      expect(headers["referrer-policy"], path).toBe("no-referrer");
    }
  });

  /** Requests the exact path. `fetch` would normalize the path before sending it. */
  function request(path: string): Promise<IncomingMessage> {
    const { hostname, port } = new URL(server.url);
    return new Promise((resolve, reject) => {
      get({ hostname, port, path }, (response) => resolve(response.resume())).on("error", reject);
    });
  }

  test("the console serves only GET and HEAD", async () => {
    const rejected = await fetch(`${server.url}/console/`, { method: "POST" });
    expect([rejected.status, rejected.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    const page = await (await fetch(`${server.url}/console/`)).text();
    expect(page).not.toMatch(/<script(?![^>]*\bsrc=)|<style| on\w+=| style=/i);
    for (const [, name] of page.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)) {
      const asset = await fetch(`${server.url}/console/${name}`);
      expect(asset.headers.get("cache-control")).toContain("immutable");
    }
  });
});
