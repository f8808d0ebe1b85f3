/**
 * Every page and state of the console, at three widths and at 200 % zoom, in light and dark. A new one is a line of the table. axe
 * finds nothing (WCAG 2.2 AA), and nothing scrolls sideways but drawings and code.
 */
import type { HTTPRequest, Page } from "puppeteer-core";
import { beforeAll, describe, expect, test } from "vitest";
import {
  colorViolationsOf,
  overflowOf,
  sidewaysOf,
  violationsAtSizeOf,
  violationsOf,
} from "../support/accessibility.ts";
import { API_KEY, type Json, until } from "../support/spawned.ts";
import { chromium, useConsole } from "./set-up.ts";
import { click, showScheme, signIn, visit, waitForText } from "./test-browser.ts";

const WIDTHS = [1440, 1024, 390] as const;
type Width = (typeof WIDTHS)[number];
/** A screen of 1440 px at 200 % zoom. */
const ZOOMED = 720;
/** What may be wider than its place: drawings, tables of times, and code that must keep its lines. */
const MAY_SCROLL = /^(canvas|tree|timeline|code|filmstrip|sheet-scroll)\b/;

interface Reply {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** What a request of the page gets instead of the response of the server; undefined: the response of the server. */
type Answer = (url: URL, request: HTTPRequest) => "never" | "none" | Reply | undefined;

interface Step {
  page: Page;
  width: Width;
  /** Opens a page of the console from its start and waits for what it shows. */
  go(hash: string, ready: string): Promise<void>;
  /** Answers the requests of the page from now on. The next page is loaded completely. */
  answer(with_: Answer): Promise<void>;
}

interface State {
  name: string;
  /** Default: all. */
  at?: readonly Width[];
  /** Whose page it is. Default: the operator. */
  as?: "app" | "visitor";
  show(step: Step): Promise<unknown>;
}

const problem = (status: number, code: string, title: string, headers: Record<string, string> = {}): Reply => ({
  status,
  headers,
  body: { type: `/problems/${code}`, code, title, status, detail: `${title}.`, requestId: "req_1", retry: "later" },
});
const isApi = ({ pathname }: URL) => pathname.startsWith("/v1/") && !pathname.startsWith("/v1/session");
const press = async (page: Page, key: "k" | "?") => {
  if (key === "k") await page.keyboard.down("Control");
  await page.keyboard.press(key);
  if (key === "k") await page.keyboard.up("Control");
};
const drawn = (page: Page) => page.waitForFunction(() => !document.querySelector("main .skeleton, dialog .skeleton"));

describe.skipIf(!chromium)("every page and state", () => {
  const setup = useConsole();
  const id: Record<"done" | "failed" | "modal" | "stuck" | "described" | "video" | "plain", string> =
    Object.create(null);
  let appKey: string;
  let share: string;
  const taskOf = (flow: string) => flow.replace("flow_", "task_");

  beforeAll(async () => {
    const { start, ended, call } = setup.server;
    await call("POST", "/v1/endpoints", { url: "http://127.0.0.1:9/hook", description: "the shop" });
    await call("PUT", "/v1/templates/poster", { description: "for the shop", then: [{ press: "U1" }] });
    await call("POST", "/v1/providers/cometapi/accounts/refused", {
      baseUrl: `${setup.server.simulatorUrl}/cometapi`,
      apiKey: "wrong-key",
      weight: 0,
    });
    const app = (await call("POST", "/v1/apps", { name: "shop", limits: { creditsUsd: 0.01, runningFlows: 2 } })).body;
    appKey = (await call("POST", `/v1/apps/${app.id}/keys`, {})).body.key;
    id.stuck = await start({ prompt: "a slow harbour at night --sim stuck", progress: true });
    id.modal = await start({ prompt: "a quiet street --sim modal" });
    id.done = await start({
      prompt: "a paper boat on calm water, first light, risograph print, muted palette --ar 3:2 --v 7",
      state: "order-2026-11-30-of-a-very-long-customer-reference-0001",
      archive: true,
      then: [{ press: "U1", then: [{ press: "zoom:2" }] }, { press: "vary:subtle" }],
    });
    id.failed = await start({ prompt: "a harbour --sim fail" });
    id.described = await start({ action: "shorten", prompt: "a very long sentence about a boat on a lake at dawn" });
    id.video = await start({ action: "video", prompt: "the boat drifts away", image: PIXEL });
    id.plain = await start({ prompt: "a lighthouse --ar 2:3" });
    await Promise.all([id.done, id.failed, id.described, id.video, id.plain].map((flow) => ended(flow)));
    await until(
      () => setup.server.flow(id.done),
      ({ tasks }) => tasks.some(({ copies }: Json) => copies.length > 0),
    );
    share = (await call("POST", `/v1/flows/${id.done}/shares`, { label: "a long name ".repeat(6).trim() })).body.url;
  }, 180_000);

  const flow = (name: keyof typeof id, query = "") => `#/flows/${id[name]}${query}`;
  const plain = (name: string, hash: () => string, ready: string): State => ({
    name,
    show: ({ go }) => go(hash(), ready),
  });

  const PAGES: State[] = [
    plain("gallery", () => "#/gallery", ".tile img"),
    plain("gallery without a match", () => "#/gallery?q=nothing", ".empty button"),
    plain("flows", () => "#/flows", ".flow-row .status"),
    plain("flows without a match", () => "#/flows?q=nothing", ".empty button"),
    plain("create", () => "#/create", ".plan .chip"),
    plain("flow", () => flow("done"), ".flow-head .actions button"),
    plain("running flow", () => flow("stuck"), ".flow-head .live"),
    plain("failed flow", () => flow("failed"), ".flow-head .status"),
    plain("flow with a modal", () => flow("modal"), ".flow-head .status"),
    plain("flow with a text", () => flow("described"), ".flow-head .status"),
    plain("flow with a video", () => flow("video"), ".flow-head .status"),
    plain("timeline", () => flow("done", "?view=timeline"), ".timeline tbody tr"),
    plain("images of a flow", () => flow("done", "?view=images"), ".flow-images .tile"),
    plain("JSON of a flow", () => flow("done", "?view=json"), ".flow-json .code"),
    plain("deliveries", () => "#/deliveries", ".delivery-rows .delivery-row"),
    plain("health", () => "#/health", "#dead-letters"),
    ...["vendors", "apps", "banned", "webhooks", "usage", "templates", "sessions", "appearance", "shortcuts"].map(
      (section) =>
        plain(`settings, ${section}`, () => `#/settings/${section}`, ".settings-content :is(.card, .empty, .well)"),
    ),
  ];

  const STATES: State[] = [
    {
      name: "create with a plan",
      async show({ page, go }) {
        await go("#/create", ".plan .chip");
        await page.locator(".composer textarea").fill("a {red, blue} boat --ar 3:2");
        await click(page, ".plan .chip .label, .plan .chip", "U1");
        await page.waitForSelector(".step");
        await page.evaluate(() => {
          for (const details of document.querySelectorAll("details")) details.open = true;
        });
      },
    },
    ...([2, 3] as const).map(
      (tab): State => ({
        name: tab === 2 ? "plan as a tree" : "plan as code",
        async show({ page, go }) {
          await go("#/create", ".plan .chip");
          await page.locator(`.plan-card > .tabs [role=tab]:nth-child(${tab})`).click();
          await page.waitForSelector(tab === 2 ? ".plan-card [role=tree]" : ".plan-card pre");
        },
      }),
    ),
    {
      name: "tile under the pointer, and a selection",
      async show({ page, go }) {
        await go("#/gallery", ".tile img");
        for (const n of [1, 2]) {
          await page.evaluate((i) => document.querySelectorAll<HTMLElement>(".tile a")[i]!.focus(), n);
          await page.keyboard.press("x");
        }
        await page.waitForSelector(".selection-bar");
      },
    },
    {
      name: "image that does not load",
      async show({ page, go, answer }) {
        await answer((_, request) => (request.resourceType() === "image" ? { status: 404 } : undefined));
        await go("#/gallery", ".tile");
        await page.waitForSelector(".tile .gone");
      },
    },
    {
      name: "lightbox",
      at: [1440, 1024],
      show: ({ go }) => go(`#/gallery?pic=${taskOf(id.done)}_0.1`, ".lightbox .task-actions .chip"),
    },
    {
      name: "lightbox on a phone",
      at: [390],
      show: ({ go }) => go(`#/gallery?pic=${taskOf(id.done)}_0.1`, ".lightbox[open] .lightbox-bar"),
    },
    {
      name: "two images compared",
      async show({ page, go }) {
        await go(`#/gallery?pic=${taskOf(id.plain)}_0.2`, ".lightbox[open] .lightbox-bar");
        await page.keyboard.press("c");
        await page.waitForSelector(".lightbox-split");
      },
    },
    {
      name: "sheet of a task",
      at: [390],
      async show({ page, go }) {
        await go(flow("done"), "[role=treeitem]");
        await page.locator(`[data-node="${taskOf(id.done)}_0"]`).click();
        await page.waitForSelector(".task-sheet[open] .task-actions .chip");
      },
    },
    {
      name: "events of a task",
      at: [1440, 1024],
      async show({ page, go }) {
        await go(flow("done"), ".panel [role=tab]");
        await click(page, ".panel [role=tab]", "Events");
        await page.waitForSelector(".task-log li");
      },
    },
    {
      name: "menu of a flow",
      async show({ page, go }) {
        await go(flow("done"), ".flow-head .actions button");
        await page.locator(".flow-head .actions [aria-haspopup=menu]").click();
        await page.waitForSelector(".menu:popover-open");
      },
    },
    {
      name: "confirmation",
      async show({ page, go }) {
        await go(flow("done"), ".flow-head .actions button");
        await click(page, ".flow-head .actions .label", "Run again");
        await page.waitForSelector("dialog[open] .primary");
      },
    },
    {
      name: "share dialog",
      async show({ page, go }) {
        await go(flow("done"), ".flow-head button.share");
        await page.locator(".flow-head button.share").click();
        await waitForText(page, "a long name");
        await drawn(page);
      },
    },
    {
      name: "region that is drawn",
      async show({ page, go }) {
        const upscale = `${taskOf(id.done)}_0-0`;
        await go(`#/flows/${id.done}/${upscale}`, ".task-actions .chip .label");
        await click(page, ".task-actions .chip .label", "Custom zoom");
        await page.waitForSelector("dialog[open] textarea");
      },
      at: [1440, 1024],
    },
    {
      name: "failed delivery",
      async show({ page, go }) {
        await go("#/deliveries", ".delivery-rows .delivery-row");
        await page.locator(".delivery-rows .delivery-row").click();
        await page.waitForSelector(".payload .code");
      },
    },
    {
      name: "dialog of a new endpoint",
      async show({ page, go }) {
        await go("#/deliveries", "main .primary");
        await page.locator("main .primary").click();
        await page.waitForSelector("dialog[open] form");
      },
    },
    {
      name: "dialog of a new app",
      async show({ page, go }) {
        await go("#/settings/apps", ".settings-content .primary");
        await page.locator(".settings-content .primary").click();
        await page.waitForSelector("dialog[open] form");
      },
    },
    {
      name: "dialog of a new vendor account",
      async show({ page, go }) {
        await go("#/settings/vendors", ".vendor-card header button");
        await page.locator(".vendor-card header button").click();
        await page.waitForSelector("dialog[open] form");
      },
    },
    {
      name: "results of the tests of vendor accounts",
      async show({ page, go }) {
        await go("#/settings/vendors", 'button[aria-label="Test refused"]');
        const card = 'section[aria-label="CometAPI"]';
        for (const [account, tone] of [
          ["refused", "bad"],
          ["default", "ok"],
        ]) {
          await page.locator(`${card} button[aria-label="Test ${account}"]`).click();
          await page.waitForSelector(`${card} .test-row .pill.${tone}`);
        }
      },
    },
    {
      name: "a new vendor account whose test has failed",
      async show({ page, go, width }) {
        await go("#/settings/vendors", ".vendor-card header button");
        await page.locator(".vendor-card header button").click();
        const fill = (label: string, text: string) => page.locator(`dialog ::-p-aria(${label})`).fill(text);
        await fill("Name", `new-${width}-${Date.now()}`);
        await fill("API key of the vendor", "wrong-key");
        await fill("Base URL", `${setup.server.simulatorUrl}/cometapi`);
        await page.locator("dialog button[type=submit]").click();
        await page.waitForSelector("dialog .test-result .pill.bad");
      },
    },
    {
      name: "commands",
      async show({ page, go }) {
        await go("#/gallery", ".tile img");
        await press(page, "k");
        await page.waitForSelector("dialog.palette [role=option]");
      },
    },
    {
      name: "sheet of shortcuts",
      async show({ page, go }) {
        await go("#/gallery", ".tile img");
        await press(page, "?");
        await page.waitForSelector("dialog[open] .shortcuts");
      },
    },
    ...["gallery", "flows", "deliveries", "health", "settings/vendors", "settings/usage", "settings/apps"].flatMap(
      (page): State[] => [
        {
          name: `${page} while it loads`,
          async show({ go, answer }) {
            await answer((url) => (isApi(url) ? "never" : undefined));
            await go(`#/${page}`, "main h1");
          },
        },
        {
          name: `${page} with an error of the API`,
          async show({ page: shown, go, answer }) {
            await answer((url) => (isApi(url) ? problem(500, "internal", "Something went wrong") : undefined));
            await go(`#/${page}`, "main h1");
            await shown.waitForSelector("main .problem");
          },
        },
      ],
    ),
    {
      name: "flow that does not exist",
      show: ({ go }) => go("#/flows/flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD", "main .problem"),
    },
    {
      name: "flow without a server",
      async show({ page, go, answer }) {
        await go(flow("stuck"), ".flow-head .live");
        await answer((url) => (url.pathname.startsWith("/console") ? undefined : "none"));
        await page.waitForSelector(".banner");
        await page.waitForSelector(".live.lost");
      },
    },
    {
      name: "session that has ended",
      async show({ page, go, answer }) {
        await go("#/flows", ".flow-row .status");
        await answer((url) => (isApi(url) ? problem(401, "unauthorized", "The API key is not valid") : undefined));
        await page.waitForSelector("main.sign-in [role=alert]");
      },
    },
    {
      name: "rate limit on the pressed button",
      async show({ page, go, answer }) {
        await go("#/create", ".plan .chip");
        await page.locator(".composer textarea").fill("a limited boat");
        await answer((url, request) =>
          url.pathname === "/v1/flows" && request.method() === "POST"
            ? problem(429, "rate_limited", "Too many requests", { "retry-after": "60" })
            : undefined,
        );
        await click(page, "button", "Create");
        await page.waitForSelector(".cancel-limited");
      },
    },
    {
      name: "no credit",
      as: "app",
      async show({ page, go }) {
        await go("#/create", ".plan .chip");
        await page.locator(".composer textarea").fill("a boat that is too expensive");
        await click(page, "button", "Create");
        await page.waitForSelector(".plan-card .problem");
      },
    },
    ...["gallery", "flows", "create", "deliveries", "settings/templates", "settings/webhooks"].map(
      (page): State => ({
        name: `${page} of an app without flows`,
        as: "app",
        show: ({ go }) => go(`#/${page}`, page === "create" ? ".plan .chip" : "main h1"),
      }),
    ),
    { name: "sign-in", as: "visitor", show: ({ go }) => go("", "main.sign-in form") },
    {
      name: "sign-in with a wrong key",
      as: "visitor",
      async show({ page, go }) {
        await go("", "main.sign-in form");
        await page.locator('input[name="key"]').fill("mjk_not_a_key");
        await page.locator("button[type=submit]").click();
        await page.waitForSelector(".sign-in .problem");
      },
    },
    { name: "shared flow", as: "visitor", show: ({ go }) => go(new URL(share).hash, ".shared-picture img") },
    {
      name: "image of a shared flow",
      as: "visitor",
      async show({ page, go }) {
        await go(new URL(share).hash, ".shared-picture img");
        await page.locator(".shared-picture").click();
        await page.waitForSelector(".lightbox img");
      },
    },
    { name: "share link that has ended", as: "visitor", show: ({ go }) => go("#/share/mjv_nothing", "main h1") },
  ];

  /** The page of one kind of user, who is signed in. */
  interface Visitor {
    page: Page;
    /** Answers its requests from now on; undefined: the server does. */
    answer(with_: Answer | undefined): Promise<void>;
    /** Shows a page of the console without anything of the state before. */
    open(hash: string): Promise<void>;
  }
  const visitors = new Map<string, Promise<Visitor>>();
  const visitorOf = (who: State["as"] = undefined) => {
    const name = who ?? "operator";
    if (!visitors.has(name)) visitors.set(name, openedFor(who));
    return visitors.get(name)!;
  };
  async function openedFor(who: State["as"]): Promise<Visitor> {
    const { page } = await visit(setup.browser);
    // The policy is disabled only here: axe is evaluated from a string, which the policy forbids.
    await page.setBypassCSP(true);
    if (who !== "visitor") await signIn(page, setup.server.url, who === "app" ? appKey : API_KEY);
    let current: Answer | undefined;
    /** True if the loaded page has, or may have, something of an answer. A visitor has no page that could follow another one. */
    let isStale = true;
    page.on("request", (request) => {
      if (request.interceptResolutionState().action === "disabled") return;
      return respond(request, current?.(new URL(request.url()), request));
    });
    return {
      page,
      async answer(with_) {
        if (with_ === current) return;
        isStale = true;
        current = with_;
        // A page with interception has no cache, so a state without an answer has none.
        await page.setRequestInterception(with_ !== undefined);
      },
      async open(hash) {
        if (isStale || who === "visitor") {
          await page.goto("about:blank");
          await page.goto(`${setup.server.url}/console/${hash}`);
          isStale = current !== undefined;
          return;
        }
        // Another page of the same document: the scripts and axe stay loaded. What was open is closed, and its page is unmounted.
        for (let i = 0; i < 3 && (await page.$("dialog[open], :popover-open")); i++)
          await page.keyboard.press("Escape");
        await page.evaluate(() => {
          location.hash = "#/settings/shortcuts";
        });
        await page.waitForFunction(
          () => document.querySelector("main .shortcuts") && !document.querySelector("dialog[open], :popover-open"),
        );
        await page.evaluate((next) => {
          location.hash = next;
        }, hash);
      },
    };
  }
  function respond(request: HTTPRequest, with_: ReturnType<Answer>) {
    if (with_ === undefined) return request.continue();
    if (with_ === "never") return undefined;
    if (with_ === "none") return request.abort("connectionrefused");
    const { status, body = {}, headers = {} } = with_;
    return request.respond({ status, headers, contentType: "application/problem+json", body: JSON.stringify(body) });
  }

  async function resize(page: Page, width: number): Promise<void> {
    await page.setViewport({ width, height: 900 });
    // The page draws itself for the new width.
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  }

  test.each([...PAGES, ...STATES])("$name", async ({ as, at = WIDTHS, show }) => {
    const { page, answer, open } = await visitorOf(as);
    const found: Record<string, string[]> = {};
    const [width] = at;
    await answer(undefined);
    await resize(page, width!);
    await showScheme(page, "light");
    const go = async (hash: string, ready: string) => {
      await open(hash);
      await page.waitForSelector(ready);
    };
    await show({ page, width: width!, go, answer });
    for (const each of at) {
      await resize(page, each);
      found[`${each} light`] = each === width ? await violationsOf(page) : await violationsAtSizeOf(page);
      await showScheme(page, "dark");
      found[`${each} dark`] = await colorViolationsOf(page);
      await showScheme(page, "light");
      if ((await overflowOf(page)) > 0) found[`${each} sideways`] = ["the page"];
    }
    if (at.includes(1440)) {
      await resize(page, ZOOMED);
      found["200 % zoom"] = (await sidewaysOf(page)).filter((name) => !MAY_SCROLL.test(name));
    }
    expect(Object.fromEntries(Object.entries(found).filter(([, all]) => all.length > 0))).toEqual({});
  });
});

/** A PNG of one pixel. */
const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
