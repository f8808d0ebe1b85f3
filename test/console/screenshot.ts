/**
 * Takes screenshots of the console of a local server with simulated vendors. Needs Debian's chromium and fonts-inter.
 *
 * - `node test/console/screenshot.ts`: the images of the README, into docs/images
 * - `node test/console/screenshot.ts <folder>`: every page for a review, wide and narrow, light and dark
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "puppeteer-core";
import sharp from "sharp";
import { API_KEY, type Json, type SpawnedServer, spawnServer, until } from "../support/spawned.ts";
import { chromiumPath, click, launch, signIn, visit } from "./test-browser.ts";

type Scheme = "light" | "dark";

const IMAGES = fileURLToPath(new URL("../../docs/images", import.meta.url));
const BOATS = "a paper boat on calm water, first light --ar 3:2";
const PLAN = [
  { press: ["U1", "U2"] },
  { press: "U4", then: [{ press: "zoom:2", then: [{ press: "U2" }] }, { press: "vary:subtle" }] },
  { press: "V2", prompt: "the same boat at night" },
];

const executable = chromiumPath();
if (!executable) throw new Error("Chromium was not found. Install it, or set MJFLOW_CHROMIUM to its path.");
const folder = process.argv[2];
const server = await spawnServer({ env: { MJFLOW_SIMULATOR_SPEED: "3" } });
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
      [...document.querySelectorAll(".node.run .node-state")].filter((state) => state.textContent.includes("%"))
        .length >= 2,
  );
  await shot(tree, join(IMAGES, "console-flow.png"));
  const plan = await openPage({ scheme: "dark", height: 860 });
  await fillPlan(plan);
  await shot(plan, join(IMAGES, "console-plan.png"));
  await server.ended(id);
  await server.ended(await server.start({ prompt: "a kite over the sea --ar 16:9", then: [{ press: ["U1", "U3"] }] }));
  const gallery = await openPage({ scheme: "light", height: 860 });
  await showPage(gallery, "#/gallery");
  await shot(gallery, join(IMAGES, "console-gallery.png"));
  const { tasks } = await server.flow(id);
  await showPage(gallery, `#/gallery?pic=${tasks[0].id}.2`);
  await gallery.waitForSelector(".lightbox .task-actions .chip");
  await shot(gallery, join(IMAGES, "console-lightbox.png"));
}

/** Starts a flow and waits until it has seven tasks of which two are in progress. */
async function startRunningFlow({ start, flow }: SpawnedServer): Promise<string> {
  const id = await start({ prompt: BOATS, state: "order 7", progress: true, then: PLAN });
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
  for (const press of ["U1–U4", "V2"]) await click(page, ".plan .chip", press);
  await page.waitForSelector(".step");
  await page.evaluate(() => document.querySelector<HTMLElement>(".step:nth-child(1) summary")?.click());
  await click(page, "li:nth-child(1) .step .chip", "Zoom out 2×");
}

async function allPages(into: string): Promise<void> {
  const ids = await createData();
  for (const width of [1440, 1024, 390])
    for (const scheme of ["light", "dark"] as const) {
      const page = await openPage({ scheme, width, height: { 1440: 900, 1024: 768, 390: 844 }[width]! });
      const name = (what: string) => join(into, `${width}-${scheme}-${what}.png`);
      for (const [what, hash] of Object.entries(ids)) {
        await showPage(page, hash);
        await shot(page, name(what), true);
      }
      await fillPlan(page);
      await shot(page, name("plan"), true);
      await showPage(page, "#/gallery");
      await page.keyboard.down("Control");
      await page.keyboard.press("k");
      await page.keyboard.up("Control");
      await page.waitForSelector("dialog.palette");
      await shot(page, name("palette"));
      await page.close();
    }
}

/** Creates data for every page and returns the hash of each page. */
async function createData(): Promise<Record<string, string>> {
  await server.call("POST", "/v1/endpoints", { url: "http://127.0.0.1:9/hook", description: "the shop" });
  const failed = await server.start({ prompt: "a harbour --sim fail", state: "order 5" });
  await server.sim("POST", "/faults", { kind: "fail-task", action: "UPSCALE" });
  const completed = await server.start({ prompt: BOATS, state: "order 6", then: PLAN });
  await server.ended(completed);
  await server.ended(failed);
  const app = (await server.call("POST", "/v1/apps", { name: "shop", limits: { creditsUsd: 20 } })).body;
  const { key } = (await server.call("POST", `/v1/apps/${app.id}/keys`, {})).body;
  await server.call("POST", "/v1/flows", { prompt: "a kite" }, { authorization: `Bearer ${key}` });
  await server.call("PUT", "/v1/templates/poster", { description: "for the shop", then: PLAN });
  const modal = await server.start({ prompt: "a modal --sim modal" });
  const runningId = await startRunningFlow(server);
  return {
    gallery: "#/gallery",
    lightbox: `#/gallery?pic=${completed.replace("flow_", "task_")}_0.2`,
    timeline: `#/flows/${completed}?view=timeline`,
    vendors: "#/settings/vendors",
    usage: "#/settings/usage",
    templates: "#/settings/templates",
    webhooks: "#/settings/webhooks",
    appearance: "#/settings/appearance",
    flows: "#/flows",
    flow: `#/flows/${completed}`,
    running: `#/flows/${runningId}`,
    failed: `#/flows/${failed}`,
    modal: `#/flows/${modal}`,
    new: "#/create",
    deliveries: "#/deliveries",
    health: "#/health",
  };
}

async function openPage(options: { scheme: Scheme; width?: number; height: number }): Promise<Page> {
  const { page } = await visit(browser, options);
  await page.setViewport({ width: options.width ?? 1280, height: options.height, deviceScaleFactor: 1.5 });
  await page.emulateMediaFeatures([
    { name: "prefers-color-scheme", value: options.scheme },
    { name: "prefers-reduced-motion", value: "reduce" },
  ]);
  await signIn(page, server.url, API_KEY);
  return page;
}

/** Opens a page and waits until all its images are loaded. */
async function showPage(page: Page, hash: string): Promise<void> {
  await page.goto(`${server.url}/console/${hash}`);
  await page.waitForSelector("main h1, .settings h1");
  await page.waitForNetworkIdle({ idleTime: 400, concurrency: 1 });
  await page.waitForFunction(() => [...document.images].every(({ complete }) => complete));
}

async function shot(page: Page, path: string, fullPage = false): Promise<void> {
  const png = await page.screenshot({ fullPage });
  const { size } = await sharp(png).png({ palette: true, quality: 90, effort: 10 }).toFile(path);
  console.log(`${path}  ${(size / 1_000).toFixed(0)} kB`);
}
