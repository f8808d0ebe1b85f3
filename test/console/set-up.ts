/** One server and one browser for the tests of a file, and pages of the console in them. */
import type { Browser, Page } from "puppeteer-core";
import { afterAll, beforeAll } from "vitest";
import { API_KEY, type SpawnedServer, type SpawnOptions, spawnServer } from "../support/spawned.ts";
import { chromiumPath, launch, signIn, visit, type Watched } from "./test-browser.ts";

export const chromium = chromiumPath();
if (!chromium) console.warn("test/console: skipped, because there is no Chromium. Install it, or set MJFLOW_CHROMIUM.");

export interface OpenOptions {
  width?: number;
  height?: number;
  /** Key that signs in. Default: the operator key. */
  key?: string;
  /** It is called before the page is loaded, so it can change the first request. */
  before?(page: Page): Promise<unknown>;
}

export interface ConsoleTests {
  readonly server: SpawnedServer;
  readonly browser: Browser;
  /** Opens a page of the console as a new visitor who is signed in. */
  opened(hash: string, options?: OpenOptions): Promise<Watched>;
  /** Shows another page of the console in a page that is signed in. */
  show(page: Page, hash: string): Promise<unknown>;
}

/**
 * Starts a server and a browser before the tests of a `describe`, and stops them after it.
 *
 * @param options how the server is started. A function is called first: it can write the data of the server.
 */
export function useConsole(options: SpawnOptions | (() => Promise<SpawnOptions>) = {}): ConsoleTests {
  let server: SpawnedServer;
  let browser: Browser;
  beforeAll(async () => {
    const started = typeof options === "function" ? await options() : options;
    [server, browser] = await Promise.all([spawnServer(started), launch(chromium!)]);
    // The first visit builds the console. A test that watches a flow of seconds must not wait for it.
    await fetch(`${server.url}/console/`);
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });
  const show = (page: Page, hash: string) => page.goto(`${server.url}/console/${hash}`);
  return {
    server: later(() => server),
    browser: later(() => browser),
    async opened(hash, { key = API_KEY, before, ...size } = {}) {
      const visitor = await visit(browser, size);
      await before?.(visitor.page);
      await signIn(visitor.page, server.url, key);
      await show(visitor.page, hash);
      return visitor;
    },
    show,
  };
}

/** An object that exists only when the tests run, for a variable that the tests are written with. */
function later<T extends object>(get: () => T): T {
  return new Proxy({} as T, {
    get(_, name) {
      const value = Reflect.get(get(), name);
      // A class with private fields knows only itself.
      return typeof value === "function" ? value.bind(get()) : value;
    },
  });
}
