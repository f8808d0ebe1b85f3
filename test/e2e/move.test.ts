/**
 * A server moves while its vendor works: `mjflow export`, `mjflow import` into a table with DynamoDB's protocol and a
 * bucket with S3's, and a second server on them at the former address.
 */
import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bucketClient, createBucket } from "@mjflow/local/engine/client";
import { freePort } from "@mjflow/local/engine/port";
import { startQueueEngine } from "@mjflow/local/engine/queue";
import { BUCKET, TABLE } from "@mjflow/local/provision";
import type { Ledger } from "@mjflow/simulator/ledger";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tableClient } from "../support/emulator/client.ts";
import { createTable } from "../support/emulator/provision.ts";
import { startTableEngine } from "../support/emulator/table.ts";
import { type SpawnedServer, type SpawnedVendors, spawnServer, spawnVendors, until } from "../support/spawned.ts";

const PNG =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const PLAN = [{ press: ["U1", "U2"] }];
const TASKS = 3;
const FLOWS = 6;

const root = mkdtempSync(join(tmpdir(), "mjflow-move-"));
const path = (...names: string[]) => join(root, ...names);
const ledger = (): Promise<Ledger> => vendors.sim("GET", "/ledger");
let vendors: SpawnedVendors;
let server: SpawnedServer | undefined;
let port: number;

beforeAll(async () => {
  port = await freePort();
  vendors = await spawnVendors(await freePort());
});
afterAll(async () => {
  await server?.stop();
  await vendors?.stop();
  rmSync(root, { recursive: true, force: true });
});

function start(dataDir: string, program?: string): Promise<SpawnedServer> {
  const vendor = { MJFLOW_TRUEAI_BASE_URL: `${vendors.url}/trueai`, MJFLOW_TRUEAI_KEY: "a-key-for-tests" };
  const pace = { turbo: 3_000, fast: 3_000, relax: 3_000, video: 3_000 };
  const timings = { base: "local", quietMs: pace, unknownMs: 3_000, lookupMs: 500, lookupMaxMs: 2_000 };
  const archive = { MJFLOW_ARCHIVE: "on", MJFLOW_OUTBOUND_ALLOW: "127.0.0.1:*" };
  const env = { ...vendor, ...archive, MJFLOW_TIMINGS: JSON.stringify(timings) };
  return spawnServer({ dataDir, port, env, program });
}

function mjflow(args: readonly string[], env: Record<string, string> = {}): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ["bin/mjflow.mjs", ...args, "--json"],
      { env: { ...process.env, ...env } },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
  });
}

test("flows, input images and copies of a server move in the middle of their work, and no task is paid twice", async () => {
  const source = await start(path("data"));
  server = source;
  const first = await source.start({ provider: "trueai", then: PLAN });
  const before = await source.ended(first);
  const ids = [first];
  for (let i = 1; i < FLOWS; i++) {
    const images = i % 2 === 0 ? { base64Array: [PNG] } : {};
    ids.push(await source.start({ provider: "trueai", prompt: `boat ${i}`, then: PLAN, ...images }));
  }
  await until(ledger, ({ counts }) => counts.tasks >= TASKS + FLOWS);
  const running = await mjflow(["export", path("too-early"), "--data", path("data")]);
  expect([running.code, running.output]).toEqual([2, expect.stringContaining("Stop it")]);
  await source.stop();

  const exported = await mjflow(["export", path("export"), "--data", path("data")]);
  expect(exported.code, exported.output).toBe(0);
  expect(JSON.parse(exported.output).contents).toMatchObject({ flows: FLOWS });
  expect(JSON.parse(exported.output).contents.objects).toBeGreaterThan(2);
  expect(existsSync(path("too-early"))).toBe(false);
  await expect(start(path("data"))).rejects.toThrow("was exported at");

  // The deployment: a table and a bucket, and the keys of the server, so that former callback URLs are valid.
  mkdirSync(path("stage"));
  for (const key of ["hook.key", "vault.key"]) copyFileSync(path("data", key), path("stage", key));
  const [tables, objects] = [
    await startTableEngine({ dataDir: path("stage"), engine: "dynoxide" }),
    await startQueueEngine({ dataDir: path("stage") }),
  ];
  const clients = [tableClient(tables.endpoint), bucketClient(objects.endpoint)] as const;
  await createTable(clients[0]);
  await createBucket(clients[1]);
  const aws = {
    AWS_ENDPOINT_URL_DYNAMODB: tables.endpoint,
    AWS_ENDPOINT_URL_S3: objects.endpoint,
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_REGION: "us-east-1",
  };
  const names = ["--table", TABLE, "--bucket", BUCKET];
  const dry = await mjflow(["import", path("export"), ...names, "--dry-run"], aws);
  expect([dry.code, JSON.parse(dry.output).rows.state], dry.output).toEqual([0, "checked"]);
  const imported = await mjflow(["import", path("export"), ...names], aws);
  expect([imported.code, JSON.parse(imported.output).rows.state], imported.output).toEqual([0, "done"]);
  expect(JSON.parse(imported.output).objectsWritten).toBe(JSON.parse(exported.output).contents.objects);
  const again = await mjflow(["import", path("export"), ...names], aws);
  expect([again.code, JSON.parse(again.output).rows.state]).toEqual([0, "before"]);
  const elsewhere = await mjflow(["import", path("export"), "--table", "nobody", "--bucket", BUCKET], aws);
  expect([elsewhere.code, elsewhere.output]).toEqual([2, expect.stringContaining("There is no such table")]);
  for (const client of clients) client.destroy();
  await tables.stop();
  await objects.stop();

  server = await start(path("stage"), "test/support/emulator/start.ts");
  const stage = server;
  for (const id of ids) expect((await stage.ended(id)).status, id).toBe("completed");
  const moved = await stage.flow(first);
  expect(moved.tasks.map(({ id, status }: { id: string; status: string }) => [id, status])).toEqual(
    before.tasks.map(({ id, status }: { id: string; status: string }) => [id, status]),
  );
  const { copies } = moved.tasks[0];
  const copy = await fetch(copies[0].url);
  expect([copy.status, (await copy.arrayBuffer()).byteLength > 0]).toEqual([200, true]);
  const { counts } = await ledger();
  expect(counts.tasks, "tasks at the vendor").toBe(FLOWS * TASKS);
  expect(readFileSync(path("export", "rows.jsonl"), "utf8")).not.toContain("a-key-for-tests");
});

test("an import without the name of the table says what is missing", async () => {
  const { code, output } = await mjflow(["import", path("export"), "--bucket", "b"], { AWS_REGION: "us-east-1" });
  expect([code, JSON.parse(output).error]).toEqual([2, { code: "usage", detail: "--table is missing" }]);
});
