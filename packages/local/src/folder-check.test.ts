/** Data folders that are damaged, emptied or copied in part. */
import { hash } from "node:crypto";
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createVault } from "@mjflow/engine/vault";
import { expect, test } from "vitest";
import { cleanUp, createTempFolder } from "../test/test-folder.ts";
import { ConfigError } from "./config-error.ts";
import { type DataFile, openDataFile } from "./engine/data-file.ts";
import { createFileTable } from "./engine/file-table.ts";
import { readMark } from "./engine/mark.ts";
import { checkFolder } from "./folder-check.ts";

const VAULT_KEY = "k".repeat(40);
const OTHER_VAULT_KEY = "o".repeat(40);

const add = (file: DataFile, body: string) =>
  file.write(() => file.sql("INSERT INTO messages (queue, body, sentAt, visibleAt) VALUES ('q', ?, 0, 0)").run(body));
const bodies = (file: DataFile) =>
  file
    .sql("SELECT body FROM messages ORDER BY id")
    .all()
    .map(({ body }) => body);

/** Starts a server's database in the folder, as a start does. */
async function open(dataDir: string, acceptLoss?: string): Promise<DataFile> {
  checkFolder(dataDir, { acceptLoss });
  const file = openDataFile({ dataDir });
  writeFileSync(join(dataDir, "hook.key"), "key", { flag: "a" });
  return file;
}

/** Creates the files of a server that was killed with three acknowledged writes in its log. */
async function killedFolder(): Promise<string> {
  const [running, dataDir] = [createTempFolder(), createTempFolder()];
  const file = await open(running);
  cleanUp.push(() => file.close());
  for (const body of ["a", "b", "c"]) await add(file, body);
  for (const name of readdirSync(running)) copyFileSync(join(running, name), join(dataDir, name));
  return dataDir;
}

/** Creates the files of a server that was stopped. */
async function stoppedFolder(): Promise<string> {
  const dataDir = createTempFolder();
  const file = await open(dataDir);
  for (const body of ["a", "b", "c"]) await add(file, body);
  await file.close();
  return dataDir;
}

const hashes = (dataDir: string) =>
  Object.fromEntries(readdirSync(dataDir).map((name) => [name, hash("sha256", readFileSync(join(dataDir, name)))]));

/** Returns the message of the refusal. The check must leave every file as it is. */
function refusal(dataDir: string): string {
  const before = hashes(dataDir);
  let message = "";
  try {
    checkFolder(dataDir);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    ({ message } = error as Error);
  }
  expect(hashes(dataDir)).toEqual(before);
  expect(message).not.toBe("");
  return message;
}

test("a new folder, a stopped folder and a killed folder start with all acknowledged writes", async () => {
  await (await open(createTempFolder())).close();
  for (const dataDir of [await stoppedFolder(), await killedFolder()]) {
    const file = await open(dataDir);
    expect(bodies(file)).toEqual(["a", "b", "c"]);
    await file.close();
  }
});

const WAL = "mjflow.db-wal";
const cut = (dataDir: string) => truncateSync(join(dataDir, WAL), 32 + 4_120);
const zero = (name: string) => (dataDir: string) =>
  writeFileSync(join(dataDir, name), Buffer.alloc(statSync(join(dataDir, name)).size));

test.each([
  ["is missing", (dataDir: string) => rmSync(join(dataDir, WAL))],
  ["is empty", (dataDir: string) => truncateSync(join(dataDir, WAL))],
  ["contains only zeros", zero(WAL)],
  ["is cut", cut],
])("a folder whose log %s is refused, and the accepted loss is accepted once", async (_, damage) => {
  const dataDir = await killedFolder();
  damage(dataDir);
  const { epoch, commits } = readMark(dataDir)!;
  const message = refusal(dataDir);
  expect(message).toMatch(
    /lacks its last \d of \d acknowledged writes, because mjflow\.db-wal is missing, damaged or older/,
  );
  expect(message).toContain(`MJFLOW_ACCEPT_LOSS=${epoch} to continue with what is left`);
  expect(() => checkFolder(dataDir, { acceptLoss: "1" })).toThrow(ConfigError);
  const file = await open(dataDir, epoch);
  expect(bodies(file).length).toBeLessThan(3);
  await add(file, "d");
  await file.close();
  const accepted = readMark(dataDir)!;
  expect(accepted.epoch).not.toBe(epoch);
  expect(accepted.commits).toBeLessThan(commits + 2);
  // The accepted folder starts without the setting, and the old value accepts nothing more.
  await (await open(dataDir)).close();
  truncateSync(join(dataDir, "mjflow.db"));
  expect(() => checkFolder(dataDir, { acceptLoss: epoch })).toThrow("mjflow.db is missing or empty");
});

test.each([
  ["is missing", (dataDir: string) => rmSync(join(dataDir, "mjflow.db"))],
  ["is empty", (dataDir: string) => truncateSync(join(dataDir, "mjflow.db"))],
])("a folder whose database %s is refused, with and without the other files", async (_, damage) => {
  for (const alsoLost of [[], [WAL], [WAL, "hook.key"], [WAL, "mjflow.mark"], ["mjflow.mark", "hook.key"]]) {
    const dataDir = await killedFolder();
    damage(dataDir);
    for (const name of alsoLost) rmSync(join(dataDir, name), { force: true });
    expect(refusal(dataDir)).toContain("held data of mjflow, but mjflow.db is missing or empty");
    const file = await open(dataDir, readMark(dataDir)?.epoch ?? "all");
    expect(bodies(file)).toEqual([]);
    await file.close();
  }
});

test.each([
  ["contains only zeros", zero("mjflow.db")],
  [
    "has damaged pages",
    (dataDir: string) => {
      const path = join(dataDir, "mjflow.db");
      const bytes = readFileSync(path);
      bytes.fill(0x5a, 4_096, 11 * 4_096);
      writeFileSync(path, bytes);
    },
  ],
  [
    "is cut",
    (dataDir: string) => {
      const path = join(dataDir, "mjflow.db");
      truncateSync(path, statSync(path).size - 8_192);
    },
  ],
])("a folder whose database %s is refused as damaged", async (_, damage) => {
  const dataDir = await stoppedFolder();
  damage(dataDir);
  const message = refusal(dataDir);
  expect(message).toMatch(/^mjflow\.db in .* is damaged \(.*\)\. To continue, restore a backup/);
  expect(message).not.toContain("MJFLOW_ACCEPT_LOSS");
});

test("an older copy of the database and a database of another folder are refused", async () => {
  const dataDir = await stoppedFolder();
  const old = readFileSync(join(dataDir, "mjflow.db"));
  const file = await open(dataDir);
  await add(file, "d");
  await file.close();
  writeFileSync(join(dataDir, "mjflow.db"), old);
  expect(refusal(dataDir)).toContain("lacks its last 1 of");
  copyFileSync(join(await stoppedFolder(), "mjflow.db"), join(dataDir, "mjflow.db"));
  expect(refusal(dataDir)).toContain("do not belong together");
});

test("a folder of a version without marks starts and gets a mark", async () => {
  const dataDir = await stoppedFolder();
  rmSync(join(dataDir, "mjflow.mark"));
  const file = openDataFile({ dataDir });
  await file.write(() => file.sql("DROP TABLE commits").run()).catch(() => {});
  await file.close().catch(() => {});
  rmSync(join(dataDir, "mjflow.mark"));
  const again = await open(dataDir);
  expect(bodies(again)).toEqual(["a", "b", "c"]);
  await again.close();
  expect(readMark(dataDir)).toMatchObject({ epoch: expect.stringMatching(/^[0-9a-f]{8}$/) });
});

async function folderWithSecrets(key: string): Promise<string> {
  const dataDir = await stoppedFolder();
  const file = await open(dataDir);
  const table = createFileTable(file);
  const vault = createVault([key]);
  const row = (pk: string, sk: string, se: string) => ({
    pk: { S: pk },
    sk: { S: sk },
    rev: { N: "1" },
    se: { S: se },
  });
  await table.put(row("vendors", "cometapi#main", vault.seal("sk-1", "a")), undefined);
  const secrets = [{ sealed: vault.seal("whsec_1", "b") }, { sealed: vault.seal("whsec_2", "b"), until: 1 }];
  await table.put(row("endpoints#app_1", "we_1", JSON.stringify(secrets)), undefined);
  await file.close();
  return dataDir;
}

test("a missing vault key is refused while secrets are stored, and accepted once", async () => {
  const dataDir = await folderWithSecrets(VAULT_KEY);
  const { epoch } = readMark(dataDir)!;
  expect(refusal(dataDir)).toBe(
    `vault.key is missing in ${dataDir}. Without it mjflow cannot decrypt 3 stored secrets of webhook endpoints and vendor accounts. Put the file back from a backup. If that is impossible, restore a backup as docs/local-server.md describes, or start once with MJFLOW_ACCEPT_LOSS=${epoch} with a new key; then rotate each endpoint's secret and set each account's key again.`,
  );
  writeFileSync(join(dataDir, "vault.key"), "");
  expect(refusal(dataDir)).toContain("vault.key is missing");
  await (await open(dataDir, epoch)).close();
  expect(() => checkFolder(dataDir, { acceptLoss: epoch })).toThrow("vault.key is missing");
});

test("without stored secrets a missing vault key is no reason to refuse", async () => {
  await (await open(await stoppedFolder())).close();
});

test("a vault key that does not decrypt the secrets, and a missing callback token key, are reported", async () => {
  const dataDir = await folderWithSecrets(VAULT_KEY);
  const warnings = () => {
    const events: string[] = [];
    checkFolder(dataDir, { warn: (event) => events.push(event) });
    return events;
  };
  writeFileSync(join(dataDir, "vault.key"), `${VAULT_KEY}\n`);
  expect(warnings()).toEqual([]);
  writeFileSync(join(dataDir, "vault.key"), `${OTHER_VAULT_KEY}\n`);
  rmSync(join(dataDir, "hook.key"));
  expect(warnings()).toEqual(["folder.secrets-not-readable", "folder.callback-key-missing"]);
});

test("a folder that another process has open is refused with a sentence", async () => {
  const dataDir = createTempFolder();
  mkdirSync(dataDir, { recursive: true });
  const file = await open(dataDir);
  cleanUp.push(() => file.close());
  await add(file, "a");
  expect(() => checkFolder(dataDir)).toThrow(`Another process uses ${join(dataDir, "mjflow.db")}`);
});
