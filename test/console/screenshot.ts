/**
 * With Debian's chromium and fonts-inter. `node test/console/screenshot.ts`: the README's pictures, of a house with the simulator, into docs/images.
 * `node test/console/screenshot.ts <folder>`: every page instead, wide and narrow, light and dark, for looking at.
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
if (!executable) throw new Error("There is no Chromium; install it, or name one in MJFLOW_CHROMIUM.");
const folder = process.argv[2];
const server = await spawnServer({ env: { MJFLOW_SIMULATOR_SPEED: "1.5" } });
const browser = await launch(executable);
try {
  mkdirSync(folder ?? IMAGES, { recursive: true });
  await (folder === undefined ? readme() : everything(folder));
} finally {
  await browser.close();
  await server.stop();
}

/** A tree while it grows, and a plan before it is sent. */
async function readme(): Promise<void> {
  const tree = await opened({ scheme: "light", height: 900 });
  const id = await growing(server);
  await seen(tree, `#/flows/${id}/${id.replace("flow_", "task_")}_0-2`);
  await tree.waitForFunction(
    () => [...document.querySelectorAll(".picture.soon")].filter((one) => one.textContent.endsWith("%")).length >= 2,
  );
  await shot(tree, join(IMAGES, "console-flow.png"));
  const plan = await opened({ scheme: "dark", height: 860 });
  await planned(plan);
  await shot(plan, join(IMAGES, "console-plan.png"));
}

/** Pressed through to its second generation, and not at its end. */
async function growing({ start, flow }: SpawnedServer): Promise<string> {
  const id = await start({ prompt: BOATS, state: "order 7", progress: true, then: PLAN });
  const isDrawn = ({ status, progress }: Json) => status === "IN_PROGRESS" && progress >= 20;
  await until(
    () => flow(id),
    ({ tasks }) => tasks.length === 7 && tasks.filter(isDrawn).length >= 2,
  );
  return id;
}

async function planned(page: Page): Promise<void> {
  await seen(page, "#/new");
  await page.focus("textarea");
  await page.keyboard.sendCharacter(BOATS);
  for (const press of ["U1–U4", "V2"]) await click(page, ".plan .chip", press);
  await page.waitForSelector(".step");
  await page.evaluate(() => document.querySelector<HTMLElement>(".step:nth-child(1) summary")?.click());
  await click(page, "li:nth-child(1) .step .chip", "Zoom out 2×");
}

async function everything(into: string): Promise<void> {
  const ids = await furnished();
  for (const width of [1280, 390])
    for (const scheme of ["light", "dark"] as const) {
      const page = await opened({ scheme, width, height: width > 400 ? 860 : 844 });
      const name = (what: string) => join(into, `${width}-${scheme}-${what}.png`);
      for (const [what, hash] of Object.entries(ids)) {
        await seen(page, hash);
        await shot(page, name(what), true);
      }
      await planned(page);
      await shot(page, name("plan"), true);
      await page.close();
    }
}

/** Something on every page. */
async function furnished(): Promise<Record<string, string>> {
  await server.call("POST", "/v1/endpoints", { url: "http://127.0.0.1:9/hook", description: "the shop" });
  const lost = await server.start({ prompt: "a harbour --sim fail", state: "order 5" });
  await server.sim("POST", "/faults", { kind: "fail-task", action: "UPSCALE" });
  const whole = await server.start({ prompt: BOATS, state: "order 6", then: PLAN });
  await server.ended(whole);
  await server.ended(lost);
  const window = await server.start({ prompt: "a window --sim modal" });
  const growingId = await growing(server);
  return {
    flows: "#/flows",
    flow: `#/flows/${whole}`,
    growing: `#/flows/${growingId}`,
    lost: `#/flows/${lost}`,
    window: `#/flows/${window}`,
    new: "#/new",
    deliveries: "#/deliveries",
    health: "#/health",
  };
}

async function opened(how: { scheme: Scheme; width?: number; height: number }): Promise<Page> {
  const { page } = await visit(browser, how);
  await page.setViewport({ width: how.width ?? 1280, height: how.height, deviceScaleFactor: 1.5 });
  await page.emulateMediaFeatures([
    { name: "prefers-color-scheme", value: how.scheme },
    { name: "prefers-reduced-motion", value: "reduce" },
  ]);
  await signIn(page, server.url, API_KEY);
  return page;
}

/** With all its pictures. */
async function seen(page: Page, hash: string): Promise<void> {
  await page.goto(`${server.url}/console/${hash}`);
  await page.waitForSelector("main h1");
  await page.waitForNetworkIdle({ idleTime: 400, concurrency: 1 });
  await page.waitForFunction(() => [...document.images].every(({ complete }) => complete));
}

async function shot(page: Page, path: string, fullPage = false): Promise<void> {
  const png = await page.screenshot({ fullPage });
  const { size } = await sharp(png).png({ palette: true, quality: 90, effort: 10 }).toFile(path);
  console.log(`${path}  ${(size / 1_000).toFixed(0)} kB`);
}
