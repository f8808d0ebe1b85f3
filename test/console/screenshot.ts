/**
 * Takes screenshots of the console of a local server with simulated vendors. Needs Debian's chromium and fonts-inter.
 *
 * - `node test/console/screenshot.ts`: the images of the README, into docs/images
 * - `node test/console/screenshot.ts <folder> [1440-light-en]`: every page and state for a review, in three widths, light and
 *   dark, and in Chinese
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "puppeteer-core";
import sharp from "sharp";
import { API_KEY, type Json, type SpawnedServer, spawnServer, until } from "../support/spawned.ts";
import { chromiumPath, launch, showScheme, signIn, visit } from "./test-browser.ts";

type Scheme = "light" | "dark";

const IMAGES = fileURLToPath(new URL("../../docs/images", import.meta.url));
const BOATS = "a paper boat on calm water, first light --ar 3:2";
const PLAN = [
  { press: ["U1", "U2"] },
  { press: "U4", then: [{ press: "zoom:2", then: [{ press: "U2" }] }, { press: "vary:subtle" }] },
  { press: "V2", prompt: "the same boat at night" },
];

const PROMPTS = [
  "a lighthouse keeper's cat watching the storm roll in, linocut, deep blues --ar 2:3 --s 250",
  "koi in a pond seen from above, gouache --ar 1:1",
  "desert dunes at noon, a single rider --ar 21:9 --v 7",
  "portrait of an astronaut, desert reflected in the visor --ar 4:5",
  "hot air balloons over a quiet valley at sunrise, risograph print, muted palette --ar 16:9",
  "ein Wald im Nebel --ar 9:16",
  "一只纸船漂在平静的水面上，黎明时分，柔和的光线 --ar 3:2",
];
const LONG = `${"an enormous library inside a hollow mountain, shelves carved from the rock, lanterns on chains, ".repeat(6)}--ar 3:2 --v 7 --s 250 --chaos 12 --no people, text, watermark`;

/** A size, a color scheme and a language in which every page is reviewed. */
interface Look {
  width: number;
  height: number;
  scheme: Scheme;
  language: "en" | "zh";
}

const SIZES = [
  [1440, 900],
  [1024, 768],
  [390, 844],
] as const;
const LOOKS: readonly Look[] = SIZES.flatMap(([width, height]) => [
  { width, height, scheme: "light", language: "en" },
  { width, height, scheme: "dark", language: "en" },
  ...(width === 1_024 ? [] : [{ width, height, scheme: "light", language: "zh" } as const]),
]);

const executable = chromiumPath();
if (!executable) throw new Error("Chromium was not found. Install it, or set MJFLOW_CHROMIUM to its path.");
const folder = process.argv[2];
const server = await spawnServer({ env: { MJFLOW_SIMULATOR_SPEED: folder === undefined ? "5" : "0.5" } });
const browser = await launch(executable);
try {
  mkdirSync(folder ?? IMAGES, { recursive: true });
  await (folder === undefined ? readme() : allPages(folder));
} finally {
  await browser.close();
  await server.stop();
}

/** Screenshots for the README and the documents: a running flow, a plan before it is sent, the gallery and the lightbox. */
async function readme(): Promise<void> {
  const tree = await openPage({ scheme: "light", height: 900 });
  const id = await startRunningFlow(server);
  await showPage(tree, `#/flows/${id}/${id.replace("flow_", "task_")}_0-2`);
  await tree.waitForFunction(
    () =>
      [...document.querySelectorAll(".node.run .node-words")].filter((state) => state.textContent.includes("%"))
        .length >= 2 && [...document.images].every(({ complete, naturalWidth }) => complete && naturalWidth > 0),
  );
  await shot(tree, join(IMAGES, "console-flow.png"));
  const plan = await openPage({ scheme: "dark", height: 860 });
  await fillPlan(plan);
  await shot(plan, join(IMAGES, "console-plan.png"));
  await server.ended(id);
  const others = PROMPTS.slice(0, 5).map((prompt, i) => ({
    prompt,
    archive: true,
    ...(i % 2 && { then: [{ press: "U2" }] }),
  }));
  const started = await Promise.all(others.map((input) => server.start(input)));
  await Promise.all(started.map((each) => server.ended(each)));
  const gallery = await openPage({ scheme: "light", height: 860 });
  await showPage(gallery, "#/gallery");
  await gallery.hover('.tile:has([data-shot$=".3"])');
  await gallery.waitForSelector(".tile-presses .chip");
  await shot(gallery, join(IMAGES, "console-gallery.png"));
  const { tasks } = await server.flow(id);
  const zoom = tasks.find(({ press }: Json) => press === "zoom:2");
  await showPage(gallery, `#/gallery?pic=${zoom.id}.2`);
  await gallery.waitForSelector(".lightbox .task-actions .chip");
  await shot(gallery, join(IMAGES, "console-lightbox.png"));
}

/** Starts a flow and waits until it has seven tasks of which two are in progress. */
async function startRunningFlow({ start, flow }: SpawnedServer): Promise<string> {
  const id = await start({ prompt: BOATS, state: "order 7", progress: true, archive: true, then: PLAN });
  const isDrawn = ({ status, progress }: Json) => status === "IN_PROGRESS" && progress >= 20;
  await until(
    () => flow(id),
    ({ tasks }) => tasks.length === 7 && tasks.filter(isDrawn).length >= 2,
  );
  return id;
}

async function fillPlan(page: Page): Promise<void> {
  await showPage(page, "#/create");
  await page.focus("textarea");
  await page.keyboard.sendCharacter(BOATS);
  // By their places, because their names are in the language of the page: U1–U4, V2, and below U1 a zoom.
  const chip = (group: number, n: number) => `.press-group:nth-of-type(${group}) .chip:nth-of-type(${n})`;
  for (const chosen of [chip(1, 1), chip(2, 3)]) await page.locator(`.plan-card .plan > ${chosen}`).click();
  await page.waitForSelector(".step");
  await page.evaluate(() => document.querySelector<HTMLElement>(".step summary")?.click());
  await page.locator(`.step-place:first-child .step ${chip(3, 1)}`).click();
}

async function allPages(into: string): Promise<void> {
  const pages = await createData();
  const empty = await spawnServer();
  try {
    for (const look of LOOKS) {
      if (!`${look.width}-${look.scheme}-${look.language}`.includes(process.argv[3] ?? "")) continue;
      const page = await openPage({ ...look, scale: 1 });
      const name = (what: string) => join(into, `${look.width}-${look.scheme}-${look.language}-${what}.png`);
      for (const [what, hash] of Object.entries(pages)) {
        await showPage(page, hash);
        // Lists show only what is near the visible part, so they are taken as they are seen.
        await shot(page, name(what), !/pic=|#\/(gallery|flows)$/.test(hash));
      }
      await states(page, name, pages["flow"]!);
      await page.close();
      const fresh = await openPage({ ...look, scale: 1, url: empty.url, isSignedIn: false });
      await shot(fresh, name("sign-in"));
      await signIn(fresh, empty.url, API_KEY);
      for (const what of ["gallery", "create", "flows", "deliveries", "health", "settings/templates"]) {
        await showPage(fresh, `#/${what}`, empty.url);
        await shot(fresh, name(`empty-${what.replace("/", "-")}`), true);
      }
      await fresh.close();
    }
  } finally {
    await empty.stop();
  }
}

/** What a page shows only after an act of the user. */
async function states(page: Page, name: (what: string) => string, flow: string): Promise<void> {
  await fillPlan(page);
  await shot(page, name("plan"), true);
  await showPage(page, "#/gallery");
  await page.hover('.tile:has([data-shot$=".3"])');
  await shot(page, name("tile-hover"));
  for (const n of [1, 2, 3])
    await page
      .evaluate((i) => document.querySelectorAll<HTMLElement>(".tile a")[i]!.focus(), n)
      .then(() => page.keyboard.press("x"));
  await shot(page, name("selection"));
  await page.reload();
  await showPage(page, "#/gallery");
  await page.keyboard.down("Control");
  await page.keyboard.press("k");
  await page.keyboard.up("Control");
  await page.waitForSelector("dialog.palette");
  await shot(page, name("palette"));
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await page.waitForSelector("dialog[open]");
  await shot(page, name("shortcuts"));
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog[open]", { hidden: true });
  await showPage(page, flow);
  await page.evaluate(() => document.querySelector<HTMLElement>(".flow-head [popovertarget]")!.click());
  await shot(page, name("menu"));
  await page.keyboard.press("Escape");
  await showPage(page, `${flow}?view=json`);
  await shot(page, name("json"));
  await showPage(page, `${flow}?view=images`);
  await shot(page, name("flow-images"), true);
}

/** Creates data for every page and returns the hash of each page. */
async function createData(): Promise<Record<string, string>> {
  const { start, ended, call, sim } = server;
  await call("POST", "/v1/endpoints", { url: "http://127.0.0.1:9/hook", description: "the shop" });
  const failed = await start({ prompt: "a harbour --sim fail", state: "order 5" });
  await sim("POST", "/faults", { kind: "fail-task", action: "UPSCALE" });
  const completed = await start({ prompt: BOATS, state: "order 6", archive: true, then: PLAN });
  await Promise.all([ended(completed), ended(failed)]);
  const many = await Promise.all(
    PROMPTS.map((prompt, i) => start({ prompt, ...(i % 2 && { then: [{ press: "U2" }] }) })),
  );
  const long = await start({
    prompt: LONG,
    state: "order-2026-11-30-of-a-very-long-customer-reference-0001",
    then: PLAN,
  });
  const small = await sharp({ create: { width: 96, height: 64, channels: 3, background: "#6b4dfb" } })
    .png()
    .toBuffer();
  const image = `data:image/png;base64,${small.toString("base64")}`;
  const described = await start({ action: "describe", prompt: undefined, base64Array: [image] });
  const shortened = await start({ action: "shorten", prompt: LONG });
  const video = await start({ action: "video", prompt: "the boat drifts away", image });
  const wide = await start({
    prompt: "two hundred boats --ar 3:2",
    then: [1, 2, 3].map((n) => ({
      press: `U${n}`,
      then: ["vary:subtle", "vary:strong", "zoom:2", "zoom:1.5", "pan:left", "pan:right", "pan:up", "pan:down"].map(
        (press) => ({ press }),
      ),
    })),
  });
  await Promise.all([...many, long, described, shortened, video, wide].map((id) => ended(id, 180_000)));
  const app = (await call("POST", "/v1/apps", { name: "shop", limits: { creditsUsd: 20 } })).body;
  const { key } = (await call("POST", `/v1/apps/${app.id}/keys`, {})).body;
  await call("POST", "/v1/flows", { prompt: "a kite" }, { authorization: `Bearer ${key}` });
  await call("PUT", "/v1/templates/poster", { description: "for the shop", then: PLAN });
  const modal = await start({ prompt: "a modal --sim modal" });
  await start({ prompt: "a slow harbour at night, long exposure --ar 16:9 --sim stuck" });
  const runningId = await startRunningFlow(server);
  const task = (id: string) => id.replace("flow_", "task_");
  return {
    gallery: "#/gallery",
    lightbox: `#/gallery?pic=${task(completed)}_0.2`,
    "lightbox-long": `#/gallery?pic=${task(long)}_0.1`,
    create: "#/create",
    flows: "#/flows",
    flow: `#/flows/${completed}`,
    running: `#/flows/${runningId}`,
    failed: `#/flows/${failed}`,
    long: `#/flows/${long}`,
    wide: `#/flows/${wide}`,
    described: `#/flows/${described}`,
    shortened: `#/flows/${shortened}`,
    video: `#/flows/${video}`,
    modal: `#/flows/${modal}`,
    timeline: `#/flows/${completed}?view=timeline`,
    deliveries: "#/deliveries",
    health: "#/health",
    vendors: "#/settings/vendors",
    apps: "#/settings/apps",
    usage: "#/settings/usage",
    templates: "#/settings/templates",
    webhooks: "#/settings/webhooks",
    banned: "#/settings/banned",
    sessions: "#/settings/sessions",
    appearance: "#/settings/appearance",
    shortcuts: "#/settings/shortcuts",
  };
}

interface OpenOptions extends Partial<Look> {
  scheme: Scheme;
  height: number;
  /** Pixels of the image for each pixel of the page. */
  scale?: number;
  url?: string;
  isSignedIn?: boolean;
}

async function openPage(options: OpenOptions): Promise<Page> {
  const { scheme, width = 1280, height, scale = 1.5, language = "en", url = server.url, isSignedIn = true } = options;
  const { page } = await visit(browser, { width, height });
  page.setDefaultTimeout(120_000);
  await page.setViewport({ width, height, deviceScaleFactor: scale });
  await showScheme(page, scheme);
  await page.evaluateOnNewDocument((code) => localStorage.setItem("mjflow.language", code), language);
  if (isSignedIn) await signIn(page, url, API_KEY);
  else await page.goto(`${url}/console`).then(() => page.waitForSelector("form"));
  return page;
}

/** Opens a page and waits until all its images are loaded. */
async function showPage(page: Page, hash: string, url = server.url): Promise<void> {
  await page.goto(`${url}/console/${hash}`);
  await page.waitForSelector("main h1, .settings h1");
  await page.waitForNetworkIdle({ idleTime: 300, concurrency: 1 });
  await page.waitForFunction(() =>
    [...document.images].every(({ complete, loading }) => complete || loading === "lazy"),
  );
}

async function shot(page: Page, path: string, fullPage = false): Promise<void> {
  // An image outside of the screen may wait until it is near.
  await page.waitForFunction(() =>
    [...document.images].every((image) => {
      const { top, left, right, bottom } = image.getBoundingClientRect();
      return image.complete || top > innerHeight || left > innerWidth || right < 0 || bottom < 0;
    }),
  );
  const png = await page.screenshot({ fullPage });
  const { size } = await sharp(png).png({ palette: true, quality: 90, effort: 10 }).toFile(path);
  console.log(`${path}  ${(size / 1_000).toFixed(0)} kB`);
}
