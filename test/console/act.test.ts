/** What a person does in the console, in a real browser against a real house; and what the house then says of it. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { submitMessage } from "@mjflow/core/message";
import type { Browser, Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { API_KEY, type SpawnedServer, spawnServer, until } from "../support/spawned.ts";
import { withStore } from "./seed.ts";
import { chromiumPath, click, launch, signIn, visit, waitForFlowEnd, waitForText } from "./test-browser.ts";

const chromium = chromiumPath();
/** Doubts last for as long as a test may take. */
const HOUR = 3_600_000;
const GRACE = { graceMs: { turbo: HOUR, fast: HOUR, relax: HOUR, video: HOUR } };

const LETTERS = ["to be sent", "to be dropped"].map((why, i) => ({
  id: `00000${i}_letter`,
  rev: 0,
  state: "kept" as const,
  body: JSON.stringify(submitMessage("flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD", "0")),
  why,
  receives: 5,
  createdAt: Date.now(),
}));

describe.skipIf(!chromium)("in the console", () => {
  let dataDir: string;
  let server: SpawnedServer;
  let browser: Browser;
  let seen: string[] = [];

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), "mjflow-act-"));
    await withStore(dataDir, async (store) => {
      for (const deadLetter of LETTERS) await store.saveNewDeadLetter(deadLetter);
    });
    server = await spawnServer({ dataDir, env: { MJFLOW_TIMINGS: JSON.stringify(GRACE) } });
    browser = await launch(chromium!);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  afterEach(async () => {
    await server.sim("DELETE", "/faults");
    expect(seen).toEqual([]);
  });

  async function opened(hash: string): Promise<Page> {
    const { page, complaints } = await visit(browser);
    seen = complaints;
    await signIn(page, server.url, API_KEY);
    await page.goto(`${server.url}/console/${hash}`);
    return page;
  }

  describe("a flow", () => {
    test("is called off while its first picture is drawn: that is kept, nothing is pressed on it; then gone on with", async () => {
      // The browser first: the picture is not drawn for ever.
      const page = await opened("#/flows");
      const id = await server.start({ prompt: "called off --sim slow", then: [{ press: ["U1", "U2"] }] });
      await page.goto(`${server.url}/console/#/flows/${id}`);
      await click(page, ".actions button", "Cancel flow");
      await waitForText(page, "called off");
      const canceled = await server.ended(id);
      expect(canceled).toMatchObject({ status: "canceled", counts: { submissions: 1 } });
      await waitForText(page, "cancelled");
      await click(page, ".actions button", "Go on with it");
      await waitForText(page, "completed");
      expect(await server.ended(id)).toMatchObject({
        status: "completed",
        canceledAt: null,
        counts: { submissions: 3 },
      });
    });

    test("one of whose presses failed is gone on with: the lost one is tried again beside itself", async () => {
      await server.sim("POST", "/faults", { kind: "fail-task", action: "UPSCALE" });
      const id = await server.start({ prompt: "one is lost", then: [{ press: ["U1", "U2"] }] });
      await server.ended(id);
      const page = await opened(`#/flows/${id}`);
      await waitForFlowEnd(page, 3);
      await click(page, ".actions button", "Retry what failed");
      await waitForFlowEnd(page, 4);
      expect((await server.ended(id)).tasks.map(({ status }: { status: string }) => status).sort()).toEqual([
        "FAILURE",
        "SUCCESS",
        "SUCCESS",
        "SUCCESS",
      ]);
      // Nothing is left to retry, so nothing is offered.
      await page.waitForFunction(() => document.querySelectorAll(".actions button").length === 0);
    });

    test("whose root failed has it retried by hand; each of the two names the other", async () => {
      await server.sim("POST", "/faults", { kind: "fail-task", action: "IMAGINE" });
      const id = await server.start({ prompt: "lost at first" });
      const { tasks } = await server.ended(id);
      const page = await opened(`#/flows/${id}`);
      await click(page, ".doing button", "Retry, paid again");
      await waitForFlowEnd(page, 2);
      await click(page, ".panel .link", "↑ in place of one that was lost");
      await page.waitForFunction((wanted) => location.hash.endsWith(wanted), {}, tasks[0].id);
      await click(page, ".panel .link", "↻ tried again: done");
      const flow = await server.flow(id);
      expect(flow.status).toBe("completed");
      expect(flow.tasks.map(({ retryOf }: { retryOf: string | null }) => retryOf)).toEqual([null, tasks[0].id]);
    });

    test("shows on demand what the vendor said of a task", async () => {
      const id = await server.start({ prompt: "in its words" });
      const { tasks } = await server.ended(id);
      const page = await opened(`#/flows/${id}`);
      await click(page, ".panel summary", "As the vendor said it");
      await page.waitForFunction(
        (vendorId) => [...document.querySelectorAll(".panel pre")].some((pre) => pre.textContent?.includes(vendorId)),
        {},
        tasks[0].providerTaskId,
      );
      expect(await page.content()).not.toContain("/callbacks/");
    });
  });

  describe("deliveries", () => {
    const heard: { headers: Record<string, string | undefined>; body: string }[] = [];
    let receiver: Server;
    let endpoint: { id: string; url: string; secret: string };
    beforeAll(async () => {
      receiver = createServer(async (request, response) => {
        let body = "";
        for await (const chunk of request) body += chunk;
        heard.push({ headers: request.headers as Record<string, string>, body });
        response.writeHead(204).end();
      });
      await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
      const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
      endpoint = (await server.call("POST", "/v1/endpoints", { url })).body;
    });
    afterAll(() => void receiver.close());

    test("a sample is sent to an endpoint by a click, signed; the checker believes it, and not another body", async () => {
      const page = await opened("#/deliveries");
      await waitForText(page, endpoint.url);
      await click(page, ".endpoints .chip", "Send a sample");
      await waitForText(page, "The sample was taken: 204");
      const [post] = await until(
        async () => heard,
        ({ length }) => length > 0,
      );
      await click(page, "#signatures ~ details summary", "Check one here");
      const fill = (label: string, text: string) =>
        page.locator(`section:has(> #signatures) ::-p-aria(${label})`).fill(text);
      await fill("webhook-id", post!.headers["webhook-id"]!);
      await fill("webhook-timestamp", post!.headers["webhook-timestamp"]!);
      await fill("webhook-signature", post!.headers["webhook-signature"]!);
      await fill("Secret \\(whsec_…\\) or public key \\(whpk_…\\)", endpoint.secret);
      // As it is pasted: at once, not key by key.
      await page.focus("section:has(> #signatures) textarea");
      await page.keyboard.sendCharacter(post!.body);
      await click(page, "section:has(> #signatures) button", "Check");
      await waitForText(page, "It is genuine");
      await page.focus("section:has(> #signatures) textarea");
      await page.keyboard.sendCharacter(" ");
      await click(page, "section:has(> #signatures) button", "Check");
      await page.waitForSelector("section:has(> #signatures) .status.bad");
    });
  });

  describe("health", () => {
    test("dead letters are sent once more, or let go, and are gone from the list", async () => {
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
      await decide("to be sent", "Send once more");
      await decide("to be dropped", "Let it go");
      expect((await server.call("GET", "/v1/dead-letters")).body.data).toEqual([]);
      await waitForText(page, "None: every message could be read.");
    });

    test("tells what waits: each queue, what is overdue, and a submission in doubt with a way to it", async () => {
      await server.sim("POST", "/faults", { kind: "drop-before-accept" });
      const id = await server.start({ prompt: "in doubt" });
      await until(
        () => server.flow(id),
        ({ tasks }) => tasks[0].unclear,
      );
      const page = await opened("#/health");
      await page.waitForFunction(() => document.querySelectorAll("section:has(> #queues) tbody tr").length === 4);
      await page.waitForSelector("section:has(> #overdue) .well");
      await page.locator("section:has(> #unclear) li a").click();
      await page.waitForFunction((flowId) => location.hash.startsWith(`#/flows/${flowId}/task_`), {}, id);
      await waitForText(page, "The vendor may or may not have it.");
    });

    test("a vendor's account whose key is refused gets no new flows, and the page says why", async () => {
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
          /no new flows before .*: its key is refused/.test(status.textContent ?? ""),
        ),
      );
    });

    test("an app's key is not told of the whole stage", async () => {
      const app = (await server.call("POST", "/v1/apps", { name: "shop" })).body;
      const { key } = (await server.call("POST", `/v1/apps/${app.id}/keys`, {})).body;
      const { page } = await visit(browser);
      await signIn(page, server.url, key);
      await page.goto(`${server.url}/console/#/health`);
      await waitForText(page, "For the operator's key only.");
      expect(await page.$$eval("#queues, #overdue, #unclear", (all) => all.length)).toBe(0);
    });
  });
});
