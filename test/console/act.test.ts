/** Actions in the console, in a real browser against a real local server, and their effect in the API. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { submitMessage } from "@mjflow/core/message";
import type { Browser, Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { API_KEY, type Json, type SpawnedServer, spawnServer, until } from "../support/spawned.ts";
import { withStore } from "./seed.ts";
import { chromiumPath, click, launch, signIn, visit, waitForFlowEnd, waitForText } from "./test-browser.ts";

const chromium = chromiumPath();
/** A grace period longer than any test, so that an unclear submission stays unclear. */
const HOUR = 3_600_000;
const GRACE = { graceMs: { turbo: HOUR, fast: HOUR, relax: HOUR, video: HOUR } };
/** A circuit stays open, because the local server's few seconds are over before a slow page has loaded. */
const OPEN = { openMs: HOUR, openMaxMs: HOUR };

const DEAD_LETTERS = ["to be redriven", "to be discarded"].map((why, i) => ({
  id: `00000${i}_letter`,
  rev: 0,
  state: "kept" as const,
  body: JSON.stringify(submitMessage("flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD", "0")),
  why,
  receives: 5,
  createdAt: Date.now(),
}));

describe.skipIf(!chromium)("console actions", () => {
  let dataDir: string;
  let server: SpawnedServer;
  let browser: Browser;
  let pageErrors: string[] = [];

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), "mjflow-act-"));
    await withStore(dataDir, async (store) => {
      for (const deadLetter of DEAD_LETTERS) await store.saveNewDeadLetter(deadLetter);
    });
    server = await spawnServer({ dataDir, env: { MJFLOW_TIMINGS: JSON.stringify({ ...GRACE, ...OPEN }) } });
    browser = await launch(chromium!);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  afterEach(async () => {
    await server.sim("DELETE", "/faults");
    expect(pageErrors).toEqual([]);
  });

  async function opened(hash: string): Promise<Page> {
    const { page, complaints } = await visit(browser);
    pageErrors = complaints;
    await signIn(page, server.url, API_KEY);
    await page.goto(`${server.url}/console/${hash}`);
    return page;
  }

  describe("flow page", () => {
    test("a flow that is canceled during its root keeps the root without presses, and Resume starts the presses", async () => {
      // The page opens before the flow starts, because the root ends soon.
      const page = await opened("#/flows");
      const id = await server.start({ prompt: "a boat --sim slow", then: [{ press: ["U1", "U2"] }] });
      await page.goto(`${server.url}/console/#/flows/${id}`);
      await click(page, ".actions button .label", "Cancel flow");
      await click(page, "dialog button", "Cancel flow");
      await waitForText(page, "canceled");
      const canceled = await server.ended(id);
      expect(canceled).toMatchObject({ status: "canceled", counts: { submissions: 1 } });
      await page.waitForSelector(".flow-head .status.off");
      await click(page, ".actions button .label", "Resume");
      await waitForText(page, "completed");
      expect(await server.ended(id)).toMatchObject({
        status: "completed",
        canceledAt: null,
        counts: { submissions: 3 },
      });
    });

    test("Retry failed tasks creates a new task next to the failed press", async () => {
      await server.sim("POST", "/faults", { kind: "fail-task", action: "UPSCALE" });
      const id = await server.start({ prompt: "one press fails", then: [{ press: ["U1", "U2"] }] });
      await server.ended(id);
      const page = await opened(`#/flows/${id}`);
      await waitForFlowEnd(page, 3);
      await click(page, ".actions button .label", "Retry failed tasks");
      await waitForFlowEnd(page, 4);
      expect((await server.ended(id)).tasks.map(({ status }: { status: string }) => status).sort()).toEqual([
        "FAILURE",
        "SUCCESS",
        "SUCCESS",
        "SUCCESS",
      ]);
      // No failed task is left, so the page shows no button.
      await page.waitForFunction(
        () => !document.querySelector(".actions")?.textContent?.includes("Retry failed tasks"),
      );
    });

    test("a failed root is retried from its panel, and the task and its retry link to each other", async () => {
      await server.sim("POST", "/faults", { kind: "fail-task", action: "IMAGINE" });
      const id = await server.start({ prompt: "the root fails" });
      const { tasks } = await server.ended(id);
      const page = await opened(`#/flows/${id}`);
      await click(page, ".task-actions button .label", "Retry");
      await waitForFlowEnd(page, 2);
      await click(page, ".panel .link", "↑ retry of a failed task");
      await page.waitForFunction((wanted) => location.hash.endsWith(wanted), {}, tasks[0].id);
      await click(page, ".panel .link", "↻ retried: done");
      const flow = await server.flow(id);
      expect(flow.status).toBe("completed");
      expect(flow.tasks.map(({ retryOf }: { retryOf: string | null }) => retryOf)).toEqual([null, tasks[0].id]);
    });

    test("the panel shows the raw vendor response of a task when the user opens it", async () => {
      const id = await server.start({ prompt: "raw response" });
      const { tasks } = await server.ended(id);
      const page = await opened(`#/flows/${id}`);
      await click(page, "[role=tab]", "Raw");
      await click(page, ".panel summary", "Raw vendor response");
      await page.waitForFunction(
        (vendorId) => [...document.querySelectorAll(".panel pre")].some((pre) => pre.textContent?.includes(vendorId)),
        {},
        tasks[0].providerTaskId,
      );
      expect(await page.content()).not.toContain("/callbacks/");
    });
  });

  describe("deliveries", () => {
    const received: { headers: Record<string, string | undefined>; body: string }[] = [];
    let receiver: Server;
    let endpoint: { id: string; url: string; secret: string };
    beforeAll(async () => {
      receiver = createServer(async (request, response) => {
        let body = "";
        for await (const chunk of request) body += chunk;
        received.push({ headers: request.headers as Record<string, string>, body });
        response.writeHead(204).end();
      });
      await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
      const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
      endpoint = (await server.call("POST", "/v1/endpoints", { url })).body;
    });
    afterAll(() => void receiver.close());

    test("Send test event delivers a signed event, and the signature check accepts the event and rejects a changed body", async () => {
      const page = await opened("#/settings/webhooks");
      await waitForText(page, endpoint.url.replace("http://", ""));
      await click(page, '.endpoints [role="menu"] button', "Send test event");
      await waitForText(page, "Test event delivered: 204");
      const [webhook] = await until(
        async () => received,
        ({ length }) => length > 0,
      );
      await click(page, "#signatures ~ details summary", "Check a signature");
      const fill = (label: string, text: string) =>
        page.locator(`section:has(> #signatures) ::-p-aria(${label})`).fill(text);
      await fill("webhook-id", webhook!.headers["webhook-id"]!);
      await fill("webhook-timestamp", webhook!.headers["webhook-timestamp"]!);
      await fill("webhook-signature", webhook!.headers["webhook-signature"]!);
      await fill("Secret \\(whsec_…\\) or public key \\(whpk_…\\)", endpoint.secret);
      // The body is entered at once, like a paste.
      await page.focus("section:has(> #signatures) textarea");
      await page.keyboard.sendCharacter(webhook!.body);
      await click(page, "section:has(> #signatures) button", "Check");
      await waitForText(page, "Signature is valid");
      await page.focus("section:has(> #signatures) textarea");
      await page.keyboard.sendCharacter(" ");
      await click(page, "section:has(> #signatures) button", "Check");
      await page.waitForSelector("section:has(> #signatures) .status.bad");
    });
  });

  describe("a failed delivery", () => {
    test("each attempt has its status, time and response as text, the payload is shown, and the attempt of a replay appears by itself", async () => {
      const bodies: string[] = [];
      // The counts of a flow also change after its end: the notification itself is a write.
      const withoutCounts = (json: string) => json.replace(/"counts":\{[^}]*\}/, "");
      const refusal = "<b id=injected>no such tenant</b>";
      let isMended = false;
      const receiver = createServer(async (request, response) => {
        let body = "";
        for await (const chunk of request) body += chunk;
        bodies.push(body);
        // The receiver asks for no retry, so the delivery has failed.
        if (isMended) response.writeHead(200).end("accepted now");
        else response.writeHead(422, { "webhook-delivery": "abort-message" }).end(refusal);
      });
      await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
      try {
        const notifyHook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
        const id = await server.start({ prompt: "refused", notifyHook, events: ["flow.completed"] });
        await server.ended(id);
        const page = await opened("#/deliveries");
        await page.locator(".delivery-row:has(.status.bad)").click();
        await page.waitForSelector(".attempts li");
        const attempts = () => page.$$eval(".attempts li", (items) => items.map((item) => item.textContent));
        const [first] = await attempts();
        expect(first).toMatch(/422Unprocessable Content.*\d m?s\d\d:\d\d:\d\d.*Response body/);
        expect(first).toContain(refusal);
        expect(await page.$("#injected")).toBeNull();
        await page.waitForSelector(".payload pre");
        const shown = await page.$eval(".payload pre", (pre) => pre.textContent!);
        expect(withoutCounts(JSON.stringify(JSON.parse(shown)))).toBe(withoutCounts(bodies[0]!));
        expect(await page.$(".payload button")).not.toBeNull();
        isMended = true;
        await click(page, ".detail-pane button", "Resend now");
        await page.waitForFunction(() => document.querySelectorAll(".attempts li").length === 2);
        // The newest attempt is the first one.
        expect((await attempts())[0]).toMatch(/200.*accepted now/);
        const { data } = (await server.call("GET", `/v1/deliveries?flow=${id}`)).body;
        // The endpoint of another test has deliveries of this flow too.
        const delivery = data.find((each: Json) => each.endpoint === "hook");
        const { payload } = (await server.call("GET", `/v1/deliveries/${delivery.id}`)).body;
        expect(withoutCounts(payload)).toBe(withoutCounts(bodies[1]!));
      } finally {
        receiver.close();
      }
    });
  });

  describe("health", () => {
    test("a dead-letter message disappears from the list after Redrive and after Discard", async () => {
      const page = await opened("#/health");
      const decide = async (why: string, button: string) => {
        await click(page, ".delivery summary .break", why);
        await page.locator(`.delivery:has(details[open]) ::-p-text(${button})`).click();
        await page.waitForFunction(
          (wanted) => ![...document.querySelectorAll(".delivery")].some((row) => row.textContent?.includes(wanted)),
          {},
          why,
        );
      };
      await decide("to be redriven", "Redrive");
      await decide("to be discarded", "Discard");
      expect((await server.call("GET", "/v1/dead-letters")).body.data).toEqual([]);
      await page.waitForFunction(() =>
        document.querySelector("section:has(> #dead-letters) .well")?.textContent?.includes("None."),
      );
    });

    test("the health page shows each queue, overdue work, and an unclear submission with a link to its task", async () => {
      await server.sim("POST", "/faults", { kind: "drop-before-accept" });
      const id = await server.start({ prompt: "unclear" });
      await until(
        () => server.flow(id),
        ({ tasks }) => tasks[0].unclear,
      );
      const page = await opened("#/health");
      await page.waitForFunction(() => document.querySelectorAll("section:has(> #queues) tbody tr").length === 4);
      await page.waitForSelector("section:has(> #overdue) .well");
      await page.locator("section:has(> #unclear) li a").click();
      await page.waitForFunction((flowId) => location.hash.startsWith(`#/flows/${flowId}/task_`), {}, id);
      await waitForText(page, "The vendor may or may not have this task.");
    });

    test("the health page shows why a vendor account whose key was rejected gets no new flows", async () => {
      const path = "/v1/providers/newapi/accounts/refused";
      const { body } = await server.call("GET", "/v1/providers");
      expect(body.data.map(({ id }: { id: string }) => id)).toContain("newapi");
      const vendor = { baseUrl: `${server.simulatorUrl}/newapi`, apiKey: "wrong-key", weight: 1_000 };
      expect((await server.call("POST", path, vendor)).status).toBe(201);
      await until(
        async () => {
          await server.ended(await server.start({ provider: "newapi", prompt: "refused" }));
          return (await server.call("GET", "/v1/providers")).body.data;
        },
        (providers) =>
          providers.some(({ accounts }: { accounts: { circuit: string }[] }) =>
            accounts.some(({ circuit }) => circuit === "open"),
          ),
      );
      const page = await opened("#/health");
      await page.waitForFunction(() =>
        [...document.querySelectorAll(".accounts .status.bad")].some((status) =>
          /circuit open until .*: the API key is rejected/.test(status.textContent ?? ""),
        ),
      );
    });

    test("no page makes a request that an app's key may not make, and the health page shows no deployment-wide data", async () => {
      const app = (await server.call("POST", "/v1/apps", { name: "shop" })).body;
      const { key } = (await server.call("POST", `/v1/apps/${app.id}/keys`, {})).body;
      const { page, complaints, requested } = await visit(browser);
      await signIn(page, server.url, key);
      for (const hash of ["#/gallery", "#/flows", "#/create", "#/deliveries", "#/settings", "#/health"]) {
        await page.goto(`${server.url}/console/${hash}`);
        await page.waitForNetworkIdle({ idleTime: 500, concurrency: 2 });
      }
      await page.waitForSelector(".vendors li");
      // Nothing leads to the page of the operator: neither the navigation nor a key nor a command.
      expect(
        await page.$$eval(":is(.rail, .tabbar) nav a, nav.tabbar a", (all) => all.map((a) => a.title)),
      ).not.toContain("Health");
      await page.goto(`${server.url}/console/#/flows`);
      await page.waitForSelector("main input[type=search]");
      await page.keyboard.type("gh");
      await page.keyboard.press("?");
      await page.waitForSelector("dialog .shortcuts");
      expect(await page.$eval("dialog .shortcuts", (list) => list.textContent)).not.toContain("Health");
      await page.keyboard.press("Escape");
      await page.waitForFunction(() => !document.querySelector("dialog"));
      await page.keyboard.down("Control");
      await page.keyboard.press("k");
      await page.keyboard.up("Control");
      await page.waitForSelector("dialog.palette");
      await page.keyboard.type("e");
      const offered = await page.$$eval("[role=option]", (all) => all.map(({ textContent }) => textContent));
      expect(offered).toContain("Deliveries");
      expect(offered.filter((name) => /Health|Vendor accounts|Apps and keys|Banned words/.test(name ?? ""))).toEqual(
        [],
      );
      expect(page.url()).toContain("#/flows");
      expect(await page.$$eval("#queues, #overdue, #unclear, #dead-letters", (all) => all.length)).toBe(0);
      // The browser reports every response with 4xx.
      expect(complaints).toEqual([]);
      expect(requested.filter((url) => /\/v1\/(operations|dead-letters|apps|queues)/.test(url))).toEqual([]);
    });
  });

  // It is the last test, because the account stays paused for some seconds.
  test("a task that waits for its account says why and that it is next in turn, and the health page counts it", async () => {
    await server.sim("POST", "/faults", { kind: "answer-429", times: 1_000 });
    const id = await server.start({ prompt: "the vendor is busy" });
    const page = await opened(`#/flows/${id}`);
    await waitForText(page, "Waits: the vendor is busy, next in turn.");
    await page.goto(`${server.url}/console/#/health`);
    await waitForText(page, "1 waiting, oldest from");
  });
});
