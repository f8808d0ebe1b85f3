import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { consoleSite } from "./console.ts";

let dist: string;
let server: Server | undefined;

beforeEach(() => {
  dist = mkdtempSync(join(tmpdir(), "mjflow-console-"));
});
afterEach(() => {
  server?.close();
  rmSync(dist, { recursive: true, force: true });
});

async function get(site: ReturnType<typeof consoleSite>): Promise<[status: number, text: string]> {
  server = createServer((request, response) => void site(request, response));
  await new Promise<void>((ready) => server!.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/console/`);
  return [response.status, await response.text()];
}

test("a console that was prepared is built once, before the first visit", async () => {
  let builds = 0;
  const build = async () => {
    builds++;
    writeFileSync(join(dist, "index.html"), "home");
  };
  const site = consoleSite({ dist, stale: () => true, build });
  await site.prepare();
  expect(builds).toBe(1);
  expect(await get(site)).toEqual([200, "home"]);
  expect(builds).toBe(1);
});

test("after a failed preparation the next visit builds again", async () => {
  let builds = 0;
  const build = async () => {
    if (++builds === 1) throw new Error("no disk space");
    writeFileSync(join(dist, "index.html"), "home");
  };
  const site = consoleSite({ dist, stale: () => true, build });
  await site.prepare();
  expect(await get(site)).toEqual([200, "home"]);
  expect(builds).toBe(2);
});
