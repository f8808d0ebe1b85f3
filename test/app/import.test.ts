/**
 * Export of a self-hosted server and import into a deployment: from the SQLite file of the local server to a table with
 * DynamoDB's protocol. The deployment has new keys of its own and the keys of the server as previous keys.
 */
import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCallbackTokens } from "@mjflow/engine/callback-token";
import { createVault } from "@mjflow/engine/vault";
import { openDataFile } from "@mjflow/local/engine/data-file";
import { createFileQueues } from "@mjflow/local/engine/file-queue";
import { createFileTable } from "@mjflow/local/engine/file-table";
import { exportFolder } from "@mjflow/local/transfer/export";
import { readRows } from "@mjflow/local/transfer/folder";
import { importFolder } from "@mjflow/local/transfer/import";
import type { ObjectStore } from "@mjflow/local/transfer/objects";
import { type Item, keyOf } from "@mjflow/store/codec";
import { createStore } from "@mjflow/store/dynamo";
import { importRows } from "@mjflow/store/import-rows";
import { TASK } from "@mjflow/store/item";
import { IMPORT_KEY, keyText, refOf } from "@mjflow/store/keys";
import { createTable, type Table } from "@mjflow/store/table";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeTable, TABLE, type TableMaker } from "../conformance/table.maker.ts";
import { startTableEngine } from "../support/emulator/table.ts";
import { HARNESS_START, TOKEN_KEY, tokenOf } from "../support/harness.ts";
import { createMemoryTable } from "../support/memory/table.ts";
import { createApiClient, FLOW, OPERATOR } from "./api-client.ts";

const VAULT_KEY = "a vault key for tests, long enough to be accepted";
const NEW_TOKEN_KEY = "the callback token key of the deployment, 32 or more";
const NEW_VAULT_KEY = "the vault key of the deployment, 32 or more characters";
const WEBHOOK = { url: "https://shop.test/hook", events: ["flow.completed"] };
const ACCOUNT = { baseUrl: "https://vendor.test", apiKey: "sk-of-the-second-account" };
const NOW = HARNESS_START;
/** Characters at which readers of lines split, and others that formats of files change. */
const STATE = "ördér 7 \u2028 \u2029 \r\n \u0000 \ud83d\ude00";

const root = mkdtempSync(join(tmpdir(), "mjflow-import-"));
const path = (...names: string[]) => join(root, ...names);
let target: TableMaker;
beforeAll(async () => {
  target = await makeTable(await startTableEngine({ engine: "dynoxide" }));
});
afterAll(async () => {
  await target?.stop();
  rmSync(root, { recursive: true, force: true });
});

/** The API over any table, with the clock, the vendor and the receiver of a harness. */
function apiOver(table: Table, seed: number) {
  const api = createApiClient(
    {},
    { table: { ...table, dump: () => [] }, store: createStore({ table, now: () => NOW }), seed },
  );
  return api;
}

/** A server with everything that can be stored, stopped in the middle of its work. */
async function stoppedServer(name: string) {
  const dataDir = path(name);
  const file = openDataFile({ dataDir });
  writeFileSync(join(dataDir, "hook.key"), TOKEN_KEY, { mode: 0o600 });
  writeFileSync(join(dataDir, "vault.key"), VAULT_KEY, { mode: 0o600 });
  const api = apiOver(createFileTable(file), 0);
  const { harness, call } = api;
  const shop = await api.join("shop", { creditsUsd: 5, flowsPerMinute: 100 });
  await call(shop.key, "POST", "/v1/endpoints", WEBHOOK);
  await call(OPERATOR, "POST", "/v1/providers/fake/accounts/second", ACCOUNT);
  await call(OPERATOR, "PUT", "/v1/banned-words", { words: ["gore"] });
  const create = async (body: object, headers = {}) =>
    (await call(shop.key, "POST", "/v1/flows", { ...FLOW, ...body }, headers)).body.id as string;
  const ended = await create({ prompt: "ended", then: [{ press: "U1" }], state: STATE }, { "idempotency-key": "k1" });
  await harness.finishAll();
  const running = await create({ prompt: "running", then: [{ press: "U1" }] });
  await harness.drain();
  const [atVendor] = harness.vendor.calls.slice(-1);
  // The messages of the next two flows are lost with the server: of a press that follows a success, and of a root.
  const pressed = await create({ prompt: "pressed", then: [{ press: "U1" }] });
  await harness.drain();
  const [succeeded] = harness.vendor.calls.slice(-1);
  await harness.post(succeeded!, "SUCCESS");
  const pending = await create({ prompt: "pending" });
  const views = Object.fromEntries(
    await Promise.all(
      [ended, running, pressed, pending].map(
        async (id) => [id, (await call(shop.key, "GET", `/v1/flows/${id}`)).body] as const,
      ),
    ),
  );
  const app = (await call(OPERATOR, "GET", `/v1/apps/${shop.id}`)).body;
  const share = (await call(shop.key, "POST", `/v1/flows/${ended}/shares`, {})).body.token as string;
  const session = (await call(shop.key, "POST", "/v1/sessions", {})).body.token as string;
  await file.close();
  return {
    dataDir,
    shop,
    share,
    session,
    ended,
    running,
    pressed,
    pending,
    atVendor: atVendor!,
    views,
    app,
    posted: harness.receiver.posts.length,
  };
}

/** Without objects: test/e2e/move.test.ts has them. */
const noObjects: ObjectStore = {
  async *keys() {},
  get: async () => undefined,
  has: async () => true,
  put: async () => {},
};

const into = (table: Table) => ({ table, objects: noObjects });
const rowsIn = async (folder: string) => {
  const rows: Item[] = [];
  for await (const row of readRows(folder)) rows.push(row);
  return rows;
};

test("after an import all flows, keys, secrets and credit are those of the server, and running flows continue", async () => {
  const server = await stoppedServer("server");
  const { contents } = await exportFolder(server.dataDir, path("export"), NOW);
  expect(contents).toMatchObject({
    apps: 1,
    flows: 4,
    running: 3,
    tasks: 5,
    unfinished: { "fake/default": 1, "fake/second": 1 },
  });
  const tasks = (await rowsIn(path("export"))).filter((row) => refOf(keyOf(row))?.kind === "task");
  expect(tasks, "the rows are as small as a deployment stores them").toEqual(tasks.map(TASK.compact));
  const table = createTable({ client: target.client(), table: TABLE });
  expect((await importFolder(path("export"), into(table), { dryRun: true })).rows).toMatchObject({ state: "checked" });
  expect(await table.get(IMPORT_KEY), "a dry run writes nothing").toBeUndefined();
  const { rows } = await importFolder(path("export"), into(table));
  expect(rows).toMatchObject({ state: "done", found: 0, newer: 0, kept: 0 });
  expect(rows.written).toBe(rows.rows);
  expect((await importFolder(path("export"), into(table))).rows).toMatchObject({ state: "before", written: 0 });

  const stage = apiOver(table, 100);
  const { harness, deps } = stage;
  const rotate = (tokenKeys: string[], vaultKeys: string[]) => {
    const callbackTokens = createCallbackTokens({ keys: tokenKeys, callbackUrl: "https://stage.test" });
    const vault = createVault(vaultKeys);
    for (const parts of [deps, harness.deps]) Object.assign(parts, { callbackTokens, vault });
    return stage.container();
  };
  const both = rotate([NEW_TOKEN_KEY, TOKEN_KEY], [NEW_VAULT_KEY, VAULT_KEY]);
  const call = (key: string, method: string, route: string, body?: unknown, headers = {}) =>
    stage.call(key, method, route, body, headers, both);

  for (const [id, view] of Object.entries(server.views)) {
    expect((await call(server.shop.key, "GET", `/v1/flows/${id}`)).body).toEqual(view);
  }
  const listed = (await call(server.shop.key, "GET", "/v1/flows")).body.data.map(({ id }: { id: string }) => id);
  expect(listed.toSorted()).toEqual([server.ended, server.running, server.pressed, server.pending].toSorted());
  expect((await call(OPERATOR, "GET", `/v1/apps/${server.shop.id}`)).body).toEqual(server.app);
  expect((await call(OPERATOR, "GET", "/v1/banned-words")).body.words).toEqual(["gore"]);
  expect((await call(server.share, "GET", "/v1/shared")).body).toMatchObject({ status: "completed", prompt: "ended" });
  expect((await call(server.session, "GET", "/v1/flows")).status, "a session belongs to the former server").toBe(401);
  const again = { ...FLOW, prompt: "ended", then: [{ press: "U1" }], state: STATE };
  const repeated = await call(server.shop.key, "POST", "/v1/flows", again, { "idempotency-key": "k1" });
  expect(repeated.body.id, "a repeated request creates no second flow").toBe(server.ended);

  // The vendor's callback has the token of the server and arrives through its former address.
  const report = {
    vendorTaskId: server.atVendor.id,
    status: "SUCCESS",
    result: {
      imageUrl: "https://img.test/a.png",
      buttons: [{ customId: "MJ::JOB::upsample::1::x", label: "U1", emoji: "" }],
    },
  };
  expect(await harness.postRaw(tokenOf(server.atVendor), JSON.stringify(report))).toMatchObject({ moved: true });
  await harness.finishAll();
  // The sweeper repeats the message that was lost with the server.
  harness.advance(5 * 60_000);
  await harness.sweep();
  await harness.finishAll();
  for (const id of [server.running, server.pressed, server.pending]) {
    const { body } = await call(server.shop.key, "GET", `/v1/flows/${id}`);
    expect(body.status, id).toBe("completed");
  }
  expect(harness.vendor.calls.map(({ kind }) => kind).toSorted(), "no task is submitted twice").toEqual([
    "press",
    "press",
    "submit",
  ]);
  expect(harness.receiver.posts.map(({ body }) => body.type)).toEqual(Array(3).fill("flow.completed"));
  const { body: app } = await call(OPERATOR, "GET", `/v1/apps/${server.shop.id}`);
  expect(app.credit?.heldUsd ?? 0).toBe(0);

  const reseal = await stage.call(OPERATOR, "POST", "/v1/vault/reseal", undefined, {}, both);
  expect(reseal.body).toMatchObject({ looked: 2, resealed: 2, lost: 0 });
  const alone = rotate([NEW_TOKEN_KEY], [NEW_VAULT_KEY]);
  await stage.call(server.shop.key, "POST", "/v1/flows", FLOW, {}, alone);
  await harness.finishAll();
  expect(harness.receiver.posts.length, "webhooks are signed without the vault key of the server").toBe(4);
});

describe("an export", () => {
  let server: Awaited<ReturnType<typeof stoppedServer>>;
  beforeAll(async () => {
    server = await stoppedServer("second");
    await exportFolder(server.dataDir, path("second-export"), NOW);
  });

  test("has no secret and no key in the clear, and only its owner may read it", async () => {
    const files = readdirSync(path("second-export"));
    const text = files.map((name) => readFileSync(path("second-export", name), "utf8")).join("\n");
    for (const secret of [
      server.shop.key,
      ACCOUNT.apiKey,
      VAULT_KEY,
      TOKEN_KEY,
      "whsec_",
      server.shop.key.split("_").at(-1)!,
    ]) {
      expect(text.includes(secret), secret.slice(0, 6)).toBe(false);
    }
    for (const name of files) expect(statSync(path("second-export", name)).mode & 0o077, name).toBe(0);
    expect(statSync(path("second-export")).mode & 0o077).toBe(0);
  });

  test("is refused with a queue message whose work is stored nowhere else, and leaves nothing behind", async () => {
    const other = await stoppedServer("third");
    const file = openDataFile({ dataDir: other.dataDir });
    const { queue } = createFileQueues({ file, visibilityMs: 1_000, maxReceiveCount: () => 5 });
    const accepted = {
      v: 1,
      type: "taken",
      flowId: other.pending,
      path: "0",
      attempt: 1,
      vendorTaskId: "7",
      window: false,
    } as const;
    await queue.send([{ message: accepted }]);
    await file.close();
    await expect(exportFolder(other.dataDir, path("third-export"))).rejects.toThrow(
      "1 queue message has work that is stored nowhere else",
    );
    expect(readdirSync(path("third-export"))).toEqual([]);
    expect(readdirSync(other.dataDir)).not.toContain("exported.json");
  });

  test("is refused by the import if a file was cut, changed or left out", async () => {
    const table = createMemoryTable();
    const spoil: [string, (folder: string) => void, string][] = [
      ["cut", (folder) => truncateSync(join(folder, "rows.jsonl"), 500), "rows.jsonl is not as it was exported"],
      [
        "changed",
        (folder) => writeFileSync(join(folder, "objects.jsonl"), "{}\n"),
        "objects.jsonl is not as it was exported",
      ],
      ["left out", (folder) => rmSync(join(folder, "manifest.json")), "has no complete export"],
    ];
    for (const [name, change, message] of spoil) {
      cpSync(path("second-export"), path(name), { recursive: true });
      change(path(name));
      await expect(importFolder(path(name), into(table)), name).rejects.toThrow(message);
    }
    expect(table.dump()).toEqual([]);
  });
});

describe("an import", () => {
  const folder = path("fourth-export");
  let rows: Item[];
  beforeAll(async () => {
    await exportFolder((await stoppedServer("fourth")).dataDir, folder, NOW);
    rows = await rowsIn(folder);
  });
  const source = () => readRows(folder);
  const withoutMark = (table: ReturnType<typeof createMemoryTable>) =>
    table
      .dump()
      .filter((item) => keyText(keyOf(item)) !== keyText(IMPORT_KEY))
      .map((item) => JSON.stringify(Object.entries(item).sort()))
      .sort();

  test("that stops before or after any of its writes is completed by the next run, and shows the sweeper no half of a flow", async () => {
    const whole = createMemoryTable();
    await importRows({ table: whole }, "e1", source);
    expect(withoutMark(whole)).toHaveLength(rows.length);
    let writes = 0;
    const counting = createMemoryTable();
    const put: Table["put"] = (item, rev) => {
      writes++;
      return counting.put(item, rev);
    };
    await importRows({ table: { ...counting, put } }, "e1", source);
    const due = rows.filter((row) => row["dueShard"]);
    expect(due.length).toBeGreaterThan(3);
    for (let stopAt = 1; stopAt <= writes; stopAt++) {
      for (const when of ["before", "after"] as const) {
        const table = createMemoryTable();
        let n = 0;
        const failing: Table = {
          ...table,
          async put(item, rev) {
            const isLast = ++n === stopAt;
            if (isLast && when === "before") throw new Error("stop");
            const result = await table.put(item, rev);
            if (isLast && when === "after") throw new Error("stop");
            return result;
          },
        };
        await expect(importRows({ table: failing }, "e1", source), `${when} ${stopAt} of ${writes}`).rejects.toThrow(
          "stop",
        );
        const hasAll = withoutMark(table).length >= rows.length - 1;
        const listed = await createStore({ table, now: () => NOW }).duePartitions(Number.MAX_SAFE_INTEGER);
        if (!hasAll) expect(listed, `${when} ${stopAt}`).toEqual([]);
        await importRows({ table }, "e1", source);
        expect(withoutMark(table), `${when} ${stopAt}`).toEqual(withoutMark(whole));
      }
    }
  });

  test("changes nothing in a table with other data under one of its keys", async () => {
    const table = createMemoryTable();
    const flow = rows.find((row) => row["sk"]?.S === "flow")!;
    await table.put({ ...flow, prompt: { S: "a flow of the deployment" } }, undefined);
    const before = table.dump();
    await expect(importFolder(folder, into(table))).rejects.toThrow(`other rows with the keys ${flow["pk"]!.S} / flow`);
    expect(table.dump()).toEqual(before);
  });

  test("is refused while another export is half imported", async () => {
    const table = createMemoryTable();
    let left = 5;
    const failing: Table = {
      ...table,
      put: async (item, rev) => (left-- > 0 ? table.put(item, rev) : Promise.reject(new Error("stop"))),
    };
    await expect(importRows({ table: failing }, "e1", source)).rejects.toThrow("stop");
    await expect(importRows({ table }, "e2", source)).rejects.toThrow(
      "The import of export e1 into this table is not finished",
    );
  });

  test("keeps what the deployment has changed since an interrupted run", async () => {
    const table = createMemoryTable();
    let left = rows.length + 1;
    const failing: Table = {
      ...table,
      put: async (item, rev) => (left-- > 0 ? table.put(item, rev) : Promise.reject(new Error("stop"))),
    };
    await expect(importRows({ table: failing }, "e1", source)).rejects.toThrow("stop");
    const task = rows.find((row) => row["sk"]?.S?.startsWith("task#") && row["dueShard"])!;
    const changed = { ...task, rev: { N: String(Number(task["rev"]!.N) + 1) }, pg: { N: "40" } };
    await table.put(changed, Number(task["rev"]!.N));
    await importRows({ table }, "e1", source);
    expect(await table.get(keyOf(task))).toEqual(changed);
  });
});

test("a server does not start with an exported folder, and a copy of the folder is no way around it", async () => {
  const { startLocalBackend } = await import("@mjflow/local/engine/backend");
  const { dataDir } = await stoppedServer("fifth");
  await exportFolder(dataDir, path("fifth-export"), NOW);
  await expect(startLocalBackend({ dataDir })).rejects.toThrow("was exported at 2026-11-21");
  cpSync(dataDir, path("fifth-copy"), { recursive: true });
  await expect(startLocalBackend({ dataDir: path("fifth-copy") })).rejects.toThrow("pay for their tasks again");
  copyFileSync(join(dataDir, "exported.json"), path("kept.json"));
  await exportFolder(dataDir, path("fifth-again"), NOW);
});
