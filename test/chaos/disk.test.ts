/** A full disk below the data folder: a small tmpfs, which only root can mount. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type SpawnedServer, spawnServer, until } from "../support/spawned.ts";
import { isAlive } from "./site.ts";

const SIZE = "26m";
const PNG =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkqGcAAAGCAIHG6IGvAAAAAElFTkSuQmCC";
const STATE = "x".repeat(16_000);

let folder: string;
let isMounted = false;
let server: SpawnedServer | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mjflow-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE}`, "tmpfs", folder], { stdio: "ignore" });
    isMounted = true;
  } catch {
    isMounted = false;
  }
});
afterEach(async () => {
  await server?.kill();
  server = undefined;
  if (isMounted) execFileSync("umount", [folder]);
  rmSync(folder, { recursive: true, force: true });
});

/** Fills the disk with one file and returns its path. */
function fill(): string {
  const path = join(folder, "balloon");
  const file = openSync(path, "w");
  for (const bytes of [1_000_000, 4_096]) {
    const block = Buffer.alloc(bytes);
    try {
      for (;;) if (writeSync(file, block) < bytes) break;
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe("ENOSPC");
    }
  }
  closeSync(file);
  return path;
}

test("on a full disk the server rejects flows with 503, says so in the health check, loses nothing, and recovers", async ({
  skip,
}) => {
  if (!isMounted) skip("a tmpfs cannot be mounted here");
  server = await spawnServer({ dataDir: join(folder, "data") });
  const { call, pid } = server;
  const acknowledged: string[] = [];
  const create = async (images: object = {}) => {
    const { status, body, headers } = await call("POST", "/v1/flows", {
      ...images,
      provider: "simulator",
      prompt: "a boat",
      state: STATE,
    });
    if (status === 202) acknowledged.push(body.id);
    else {
      expect([status, body.code], JSON.stringify(body)).toEqual([503, "overloaded"]);
      expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
    }
    return status;
  };
  await create();
  const balloon = fill();
  // The log and the database have some free space of their own, so the first flows are still accepted.
  const health = await until(
    async () => {
      const statuses = await Promise.all(Array.from({ length: 8 }, () => create()));
      const { status, body } = await call("GET", "/healthz");
      return { statuses, status, body };
    },
    ({ status }) => status === 503,
  );
  expect(health.body).toMatchObject({ code: "overloaded", status: 503 });
  // The images of a flow are stored in another database, which is full as well.
  expect(await create({ base64Array: [PNG] })).toBe(503);
  expect(isAlive(pid)).toBe(true);
  rmSync(balloon);
  await until(
    () => call("GET", "/healthz"),
    ({ status }) => status === 200,
  );
  expect(await create()).toBe(202);
  for (const id of acknowledged) expect((await server.ended(id)).status, id).toBe("completed");
  const { counts } = await server.sim("GET", "/ledger");
  expect(counts).toMatchObject({ tasks: acknowledged.length });
});
