/**
 * `node test/bench/console.ts [flows] [folder]` measures the console in Chromium, with a local server that has 10,000 flows with
 * 60,000 images, and one flow of 193 tasks: waiting times and missed frames. It is no test, and its numbers are no guarantee. The
 * data stay in the folder, if one is named, and are used again: to write them takes longer than to measure.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "puppeteer-core";
import sharp from "sharp";
import { seedFlows, seedTree } from "../console/seed.ts";
import { chromiumPath, launch, signIn, visit } from "../console/test-browser.ts";
import { API_KEY, spawnServer } from "../support/spawned.ts";

const count = Number(process.argv[2] ?? 10_000);
const executable = chromiumPath();
if (!executable) throw new Error("Chromium was not found. Install it or set MJFLOW_CHROMIUM to its path.");

const kept = process.argv[3];
const dataDir = kept ?? mkdtempSync(join(tmpdir(), "mjflow-bench-"));
mkdirSync(dataDir, { recursive: true });
/** The count of the data, the port of their images and the large flow; only in a folder that is complete. */
const note = join(dataDir, "console-bench.json");
const known = existsSync(note) ? JSON.parse(readFileSync(note, "utf8")) : undefined;
if (known && known.count !== count) throw new Error(`${dataDir} has ${known.count} flows.`);
const images = await serveImages(known?.port);
const tree: string = known?.tree ?? (await seed());
show("load of the machine", loadavg()[0]!.toFixed(1));

const localServer = await spawnServer({ dataDir });
const browser = await launch(executable);
try {
  const { page } = await visit(browser);
  await signIn(page, localServer.url, API_KEY);
  await page.goto(`${localServer.url}/console/#/flows`);
  await page.waitForSelector(".flow-row");
  await firstPaint(page);
  await loadAll(page, "flows", ".flow-row");
  await scrolling(page, "flows, 2,500 px per frame", ".flow-row", 2_500);
  await scrolling(page, "flows, 120 px per frame", ".flow-row", 120, 600);
  await page.goto(`${localServer.url}/console/#/gallery`);
  await page.waitForSelector(".tile");
  await loadAll(page, "images", ".tile");
  await scrolling(page, "gallery, 2,500 px a frame", ".tile", 2_500);
  await scrolling(page, "gallery, 120 px per frame", ".tile", 120, 600);
  await largeFlow(page, tree);
} finally {
  await browser.close();
  await localServer.stop();
  images.stop();
  if (kept === undefined) rmSync(dataDir, { recursive: true, force: true });
}

/** Writes the flows. @returns the id of the flow of 193 tasks */
async function seed(): Promise<string> {
  const from = performance.now();
  await seedFlows({ dataDir, count, imageUrlOf: (n) => `${images.url}/${n}.jpg` });
  const id = await seedTree({ dataDir, branches: 16, leaves: 11, imageUrl: `${images.url}/tree.jpg` });
  writeFileSync(note, JSON.stringify({ count, port: images.port, tree: id }));
  show("seeded", `${count} flows, ${3 * count} tasks, in ${seconds(performance.now() - from)}`);
  return id;
}

/** Measures a reload with the API key in the tab, as a returning user sees it. Shows the median of five reloads. */
async function firstPaint(page: Page): Promise<void> {
  const runs: { paint: number; rows: number }[] = [];
  for (let run = 0; run < 5; run++) {
    await page.reload({ waitUntil: "domcontentloaded" });
    await page.waitForSelector(".flow-row");
    runs.push(
      await page.evaluate(() => ({
        paint: performance.getEntriesByName("first-contentful-paint")[0]!.startTime,
        rows: performance.now(),
      })),
    );
  }
  show("first contentful paint", `${median(runs.map(({ paint }) => paint)).toFixed(0)} ms`);
  show("first rows shown", `${median(runs.map(({ rows }) => rows)).toFixed(0)} ms`);
  show("DOM at the top", await domOf(page));
}

/** Scrolls to the end of a list repeatedly, until no page is left to load. */
async function loadAll(page: Page, what: string, selector: string): Promise<void> {
  const from = performance.now();
  let [most, height, quiet] = [0, 0, 0];
  // One call of the browser may take two minutes, so the loop is here.
  while (quiet < 3) {
    const now = await page.evaluate(async (wanted) => {
      const until = performance.now() + 1_000;
      let rows = 0;
      while (performance.now() < until) {
        scrollTo(0, document.documentElement.scrollHeight);
        await new Promise(requestAnimationFrame);
        rows = Math.max(rows, document.querySelectorAll(wanted).length);
      }
      const isMore = document.querySelector(".more button, .more [role=status]") !== null;
      return { rows, isMore, height: document.documentElement.scrollHeight };
    }, selector);
    quiet = now.isMore || now.height !== height ? 0 : quiet + 1;
    [most, height] = [Math.max(most, now.rows), now.height];
  }
  show(`all ${what} loaded`, `${seconds(performance.now() - from)}, at most ${most} of ${selector} in the document`);
  show("", `the page is ${height.toLocaleString("en")} px high`);
  show("DOM at the bottom", await domOf(page, selector));
  show("memory of the page", await memoryOf(page));
}

/** Opens a flow of 193 tasks: is its root in view, does one key fit it, and how long are the frames while it is moved? */
async function largeFlow(page: Page, id: string): Promise<void> {
  const from = performance.now();
  await page.goto(`${localServer.url}/console/#/flows/${id}`);
  await page.waitForSelector(".canvas [data-node]");
  show("flow of 193 tasks", `open in ${seconds(performance.now() - from)}`);
  const isInView = (selector: string) =>
    page.evaluate((wanted) => {
      const port = document.querySelector(".canvas")!.getBoundingClientRect();
      return [...document.querySelectorAll(wanted)].filter((node) => {
        const { left, right, top, bottom } = node.getBoundingClientRect();
        return left >= port.left && right <= port.right && top >= port.top && bottom <= port.bottom;
      }).length;
    }, selector);
  show("root in view", String((await isInView('[aria-level="1"]')) === 1));
  await page.focus(".canvas [data-node]");
  await page.keyboard.press("f");
  await new Promise((resolve) => setTimeout(resolve, 500));
  show("tasks in view after f", `${await isInView("[data-node]")} of 193`);
  show("DOM, fitted", await domOf(page, "[data-node]"));
  for (const [name, wheel] of [
    ["panned", false],
    ["zoomed", true],
  ] as const) {
    const gaps = await page.evaluate(async (isZoom) => {
      const canvas = document.querySelector(".canvas")!;
      // A pointer of a script cannot be captured.
      canvas.setPointerCapture = () => {};
      const { left, top, width, height } = canvas.getBoundingClientRect();
      const [x, y] = [left + width / 2, top + height / 2];
      const between: number[] = [];
      let before = await new Promise(requestAnimationFrame);
      const point = { bubbles: true, pointerId: 1, buttons: 1, button: 0 };
      if (!isZoom) canvas.dispatchEvent(new PointerEvent("pointerdown", { ...point, clientX: x, clientY: y }));
      for (let frame = 1; frame <= 240; frame++) {
        const [dx, dy] = [Math.sin(frame / 20) * 300, Math.cos(frame / 20) * 200];
        const event = isZoom
          ? new WheelEvent("wheel", { bubbles: true, clientX: x, clientY: y, deltaY: frame % 120 < 60 ? -30 : 30 })
          : new PointerEvent("pointermove", { ...point, clientX: x + dx, clientY: y + dy });
        canvas.dispatchEvent(event);
        const now = await new Promise(requestAnimationFrame);
        between.push(now - before);
        before = now;
      }
      canvas.dispatchEvent(new PointerEvent("pointerup", point));
      return between;
    }, wheel);
    const [half, most] = [at(gaps, 0.5), at(gaps, 0.95)].map((ms) => ms.toFixed(1));
    show(name, `${gaps.length} frames, p50 ${half} ms, p95 ${most} ms, longest ${Math.max(...gaps).toFixed(0)} ms`);
  }
}

/**
 * Scrolls by `px` in each frame. Shows the duration of the frames, the tasks that blocked the page for over 50 ms, and the CPU time of
 * the page for each 1,000 px. Other programs on the machine lengthen a frame, but not its CPU time.
 */
async function scrolling(page: Page, name: string, selector: string, px: number, frames = 1_500): Promise<void> {
  const session = await page.createCDPSession();
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const cpuMs = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    const of = (wanted: string) => 1_000 * metrics.find((metric) => metric.name === wanted)!.value;
    return {
      all: of("TaskDuration"),
      script: of("ScriptDuration"),
      layout: of("LayoutDuration"),
      style: of("RecalcStyleDuration"),
    };
  };
  const before = await cpuMs();
  const { gaps, tasks, rows, shift } = await page.evaluate(
    async (step, most, wanted) => {
      scrollTo(0, 0);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      const long: number[] = [];
      const observer = new PerformanceObserver((list) => long.push(...list.getEntries().map((e) => e.duration)));
      observer.observe({ type: "longtask" });
      let shift = 0;
      const shifts = new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) shift += (entry as PerformanceEntry & { value: number }).value;
      });
      shifts.observe({ type: "layout-shift" });
      const between: number[] = [];
      let rows = 0;
      let before = await new Promise(requestAnimationFrame);
      const bottom = () => document.documentElement.scrollHeight - innerHeight - 1;
      while (scrollY < bottom() && between.length < most) {
        scrollBy(0, step);
        const now = await new Promise(requestAnimationFrame);
        between.push(now - before);
        before = now;
        rows = Math.max(rows, document.querySelectorAll(wanted).length);
      }
      observer.disconnect();
      shifts.disconnect();
      return { gaps: between, tasks: long, rows, shift };
    },
    px,
    frames,
    selector,
  );
  const after = await cpuMs();
  await session.detach();
  const scrolled = (px * gaps.length) / 1_000;
  const each = (part: keyof typeof after) => ((after[part] - before[part]) / scrolled).toFixed(2);
  const late = gaps.filter((ms) => ms > 34).length;
  const [half, most] = [at(gaps, 0.5), at(gaps, 0.95)].map((ms) => ms.toFixed(1));
  show(name, `${gaps.length} frames, p50 ${half} ms, p95 ${most} ms, longest ${Math.max(...gaps).toFixed(0)} ms`);
  show(
    "",
    `${late} frames missed, ${tasks.length} tasks over 50 ms${tasks.length ? `, the longest ${Math.max(...tasks)}` : ""}`,
  );
  show(
    "",
    `CPU for 1,000 px: ${each("all")} ms, of it script ${each("script")}, layout ${each("layout")}, style ${each("style")}`,
  );
  show("", `at most ${rows} of ${selector} in the document, layout shift ${shift.toFixed(4)}`);
}

/** Used memory of scripts after a garbage collection. The list of all flows or images is in it. */
async function memoryOf(page: Page): Promise<string> {
  const session = await page.createCDPSession();
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return `${(usedSize / 1e6).toFixed(0)} MB`;
}

function domOf(page: Page, selector = ".flow-row"): Promise<string> {
  return page.evaluate((wanted) => {
    const [all, found] = ["*", wanted].map((what) => document.querySelectorAll(what).length);
    return `${all} elements, ${found} of ${wanted}`;
  }, selector);
}

/** Serves images with the size of a vendor's grid; each flow has its own URL, so the cache does not help. */
async function serveImages(wanted = 0) {
  const noise = { type: "gaussian", mean: 128, sigma: 40 } as const;
  const create = { width: 1024, height: 1024, channels: 3, background: "#888", noise } as const;
  const body = await sharp({ create }).blur(6).jpeg().toBuffer();
  const server = createServer((_, response) => response.writeHead(200, { "content-type": "image/jpeg" }).end(body));
  await new Promise<void>((resolve) => server.listen(wanted, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, stop: () => server.close() };
}

function at(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(share * (values.length - 1))]!;
}

function median(values: readonly number[]): number {
  return at(values, 0.5);
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function show(name: string, value: string): void {
  console.log(`${name.padEnd(26)} ${value}`);
}
