/** `mjflow backup` of a running and of a stopped local server, and the restore. */
import { execFile } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type SpawnedServer, spawnServer } from "../support/spawned.ts";

const PNG =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const PLAN = [{ press: ["U1", "U2"] }];

let folder: string;
const servers: SpawnedServer[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mjflow-backup-"));
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.kill();
  rmSync(folder, { recursive: true, force: true });
});

const path = (...names: string[]) => join(folder, ...names);

async function start(name: string): Promise<SpawnedServer> {
  const server = await spawnServer({ dataDir: path(name) });
  servers.push(server);
  return server;
}

function backUp(data: string, target: string): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const args = ["bin/mjflow.mjs", "backup", path(target), "--data", path(data), "--json"];
    const child = execFile(process.execPath, args, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
  });
}

test("a backup under load has every flow that was acknowledged before it, and a server on it completes these flows", async () => {
  const server = await start("data");
  let isLoaded = true;
  const acknowledged: string[] = [];
  const client = async (n: number) => {
    for (let i = 0; isLoaded; i++) {
      const images = (i + n) % 3 === 0 ? { base64Array: [PNG] } : {};
      acknowledged.push(await server.start({ prompt: `boat ${n} ${i}`, then: PLAN, ...images }));
    }
  };
  const clients = [0, 1, 2].map(client);
  const enough = async () => {
    while (acknowledged.length < 12) await new Promise((resolve) => setImmediate(resolve));
  };
  // A client that fails ends the test.
  await Promise.race([enough(), Promise.all(clients)]);
  const before = [...acknowledged];
  const { code, output } = await backUp("data", "backup");
  isLoaded = false;
  await Promise.all(clients);
  expect(code, output).toBe(0);
  const summary = JSON.parse(output);
  expect(summary).toMatchObject({ folder: path("backup"), running: true });
  expect(Object.keys(summary.files)).toEqual(
    expect.arrayContaining([
      "fauxqs.db",
      "hook.key",
      "mjflow.db",
      "mjflow.mark",
      "simulator/simulator.db",
      "vault.key",
    ]),
  );
  expect(output).not.toMatch(/mjk_|secret/);
  for (const name of readdirSync(path("backup"))) {
    if (name !== "simulator") expect(statSync(path("backup", name)).mode & 0o077, name).toBe(0);
  }
  // The original is lost.
  await server.kill();
  rmSync(path("data"), { recursive: true });

  cpSync(path("backup"), path("restored"), { recursive: true });
  const restored = await start("restored");
  for (const id of before) expect((await restored.ended(id)).status, id).toBe("completed");
  expect(before.length).toBeLessThan(acknowledged.length);
});

test("without a running server the command copies the folder itself, and files of both folders cannot be mixed", async () => {
  const server = await start("data");
  const id = await server.start({});
  await server.ended(id);
  await server.kill();
  const { code, output } = await backUp("data", "backup");
  expect([code, JSON.parse(output).running]).toEqual([0, false]);
  expect(existsSync(path("data", "house.lock"))).toBe(false);
  const restored = await start("backup");
  expect((await restored.flow(id)).status).toBe("completed");
  await restored.stop();
  copyFileSync(path("data", "mjflow.mark"), path("backup", "mjflow.mark"));
  await expect(start("backup")).rejects.toThrow("do not belong together");
});

test("a backup is refused for a folder without data, into a folder with files, and of a damaged folder", async () => {
  const none = await backUp("nothing", "backup");
  expect([none.code, JSON.parse(none.output).error]).toEqual([
    2,
    {
      code: "usage",
      detail: `${path("nothing")} has no data of mjflow. Name the data folder with --data or MJFLOW_DATA_DIR.`,
    },
  ]);
  const server = await start("data");
  const intoItself = await backUp("data", "data");
  expect([intoItself.code, intoItself.output]).toEqual([2, expect.stringContaining("is not an empty folder")]);
  const { url } = server;
  for (const authorization of ["", "Bearer mjk_for_e2e_tests_only"]) {
    const body = JSON.stringify({ folder: path("stolen") });
    expect((await fetch(`${url}/_local/backup`, { method: "POST", headers: { authorization }, body })).status).toBe(
      404,
    );
  }
  expect(existsSync(path("stolen"))).toBe(false);
  await server.stop();
  expect(existsSync(path("data", "server.json"))).toBe(false);
  writeFileSync(path("data", "mjflow.db"), Buffer.alloc(50_000, 0x5a));
  const damaged = await backUp("data", "backup");
  expect([damaged.code, damaged.output]).toEqual([2, expect.stringContaining("is damaged")]);
  expect(readdirSync(path("backup"))).toEqual([]);
});
