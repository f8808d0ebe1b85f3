/** Tests of the file table beyond the common table tests (test/conformance). */
import { serialize } from "node:v8";
import type { Item } from "@mjflow/store/codec";
import { expect, test } from "vitest";
import { cleanUp, createTempFolder } from "../../test/test-folder.ts";
import { openDataFile } from "./data-file.ts";
import { createFileTable } from "./file-table.ts";
import { itemOf } from "./stored-item.ts";

const KEY = { pk: "flow#a", sk: "flow" };
const item = (rev: number, text = ""): Item => ({
  pk: { S: KEY.pk },
  sk: { S: KEY.sk },
  rev: { N: String(rev) },
  text: { S: text },
  bytes: { B: Uint8Array.of(0, 255, 7) },
  yes: { BOOL: true },
});

function open(dataDir?: string) {
  const file = openDataFile({ dataDir });
  cleanUp.push(() => file.close().catch(() => {}));
  return { file, table: createFileTable(file) };
}

test("a row with all its types is read back unchanged from memory and from the disk", async () => {
  const dataDir = createTempFolder();
  const first = open(dataDir);
  await first.table.put(item(1, "é\0🛶"), undefined);
  expect(await first.table.get(KEY)).toEqual(item(1, "é\0🛶"));
  await first.file.close();
  const again = open(dataDir).table;
  expect(await again.get(KEY)).toEqual(item(1, "é\0🛶"));
  expect(await again.put(item(2), 1)).toEqual({ ok: true });
});

test("a row without bytes is JSON text in the file, and a row of an earlier version is read and replaced", async () => {
  const { file, table } = open();
  const { bytes: _, ...text } = item(2, "é\0🛶\ud800");
  const stored = () => file.sql("SELECT item FROM items").get()!["item"];
  const INSERT_EARLIER = "INSERT INTO items (pk, sk, rev, item) VALUES (?, ?, 1, ?)";
  file.sql(INSERT_EARLIER).run(KEY.pk, KEY.sk, serialize(item(1, "earlier")));
  expect(await table.get(KEY)).toEqual(item(1, "earlier"));
  expect(await table.put(text, 1)).toEqual({ ok: true });
  expect(stored()).toBe(JSON.stringify(text));
  expect(itemOf(stored() as string)).toEqual(text);
  file.sql("UPDATE items SET item = ?").run(JSON.stringify({ ...text, re: { S: "a long text ".repeat(100) } }));
  expect(itemOf(stored() as string)).toEqual({ ...text, re: { S: "a long text ".repeat(100) } });
  expect(await table.put(item(3, "with bytes"), 2)).toEqual({ ok: true });
  expect(itemOf(stored() as Uint8Array)).toEqual(item(3, "with bytes"));
});

const QUOTES = `{"raw":${JSON.stringify('"é🛶'.repeat(80))}}`;
test.each([
  ["one", { re: { S: QUOTES } }],
  ["several, between short ones", { re: { S: QUOTES }, st: { S: "x" }, la: { S: QUOTES.repeat(3) }, n: { N: "7" } }],
  ["one that looks like the JSON of a row", { re: { S: JSON.stringify({ S: { S: "x".repeat(300) } }) } }],
  ["one beside a map", { re: { S: QUOTES }, ma: { M: { a: { S: QUOTES } } } }],
] as [string, Item][])("long texts of a row follow its JSON without an escape: %s", async (_, more) => {
  const dataDir = createTempFolder();
  const first = open(dataDir);
  const { bytes: __, ...row } = { ...item(1, "é"), ...more };
  await first.table.put(row, undefined);
  const stored = String(first.file.sql("SELECT item FROM items").get()!["item"]);
  expect(stored).toContain(row["re"]!.S);
  expect(stored.length).toBeLessThan(JSON.stringify(row).length);
  await first.file.close();
  expect(await open(dataDir).table.get(KEY)).toEqual(row);
});

test.each(["\0", "\ud800", "\udc00"])(
  "a long text with %j stays inside of the JSON and is read unchanged",
  async (half) => {
    const dataDir = createTempFolder();
    const first = open(dataDir);
    const { bytes: _, ...row } = item(1, `${half}${"x".repeat(500)}`);
    await first.table.put(row, undefined);
    await first.file.close();
    expect(await open(dataDir).table.get(KEY)).toEqual(row);
  },
);

test("a row whose transaction was undone has its previous value", async () => {
  const { file, table } = open();
  await table.put(item(1, "before"), undefined);
  const written = table.put(item(2, "undone"), 1);
  const broken = file.write(() => file.sql("INSERT INTO items (pk) VALUES ('no sort key')").run());
  await expect(Promise.all([written, broken])).rejects.toThrow("NOT NULL");
  await expect(written).rejects.toThrow();
  expect(await table.get(KEY)).toEqual(item(1, "before"));
  expect(await table.put(item(2, "after"), 1)).toEqual({ ok: true });
});

test("an index has each row as its last write left it, whichever columns a write changes", async () => {
  const { file, table } = open();
  const row = (rev: number, due?: { shard?: string; at: number }): Item => ({
    ...item(rev, `write ${rev}`),
    ...(due && { dueAt: { N: String(due.at) } }),
    ...(due?.shard && { dueShard: { S: due.shard } }),
  });
  const dueTimes = async (partition: string) =>
    (await table.list({ index: "due", partition, limit: 9 })).map(({ dueAt }) => Number(dueAt?.N));
  const steps: [write: Item, shard1: number[], shard2: number[]][] = [
    [row(1, { shard: "due#1", at: 5 }), [5], []],
    [row(2, { shard: "due#1", at: 5 }), [5], []],
    [row(3, { shard: "due#1", at: 7 }), [7], []],
    [row(4, { shard: "due#2", at: 7 }), [], [7]],
    [row(5, { at: 8 }), [], []],
    [row(6, { at: 9 }), [], []],
    [row(7, { shard: "due#2", at: 9 }), [], [9]],
  ];
  for (const [write, shard1, shard2] of steps) {
    const rev = Number(write["rev"]!.N);
    expect(await table.put(write, rev === 1 ? undefined : rev - 1)).toEqual({ ok: true });
    expect([await dueTimes("due#1"), await dueTimes("due#2")], `after write ${rev}`).toEqual([shard1, shard2]);
  }
  expect(await table.put(row(7), 3)).toEqual({ ok: false, current: row(7, { shard: "due#2", at: 9 }) });
  expect(file.sql("SELECT rev FROM items").all()).toEqual([{ rev: 7 }]);
});

test("rows that are no longer in the cache are read from the file", async () => {
  const { table } = open();
  const keys = Array.from({ length: 5_000 }, (_, i) => ({ pk: `flow#${i}`, sk: "flow" }));
  await Promise.all(
    keys.map(({ pk }, i) => table.put({ ...item(1), pk: { S: pk }, text: { S: String(i) } }, undefined)),
  );
  const found = await table.getAll([keys[0]!, keys[4_999]!]);
  expect(found.map(({ text }) => text)).toEqual([{ S: "0" }, { S: "4999" }]);
  for (const { pk } of [keys[1]!, keys[4_998]!]) {
    expect(await table.put({ ...item(2), pk: { S: pk } }, 1)).toEqual({ ok: true });
    expect((await table.get({ pk, sk: KEY.sk }))?.["rev"]).toEqual({ N: "2" });
  }
});

test("deleteExpired deletes only rows whose expiry time has passed", async () => {
  const { file, table } = open();
  const NOW_S = 1_800_000_000;
  const put = (pk: string, expiresAt?: number) =>
    table.put({ ...item(1), pk: { S: pk }, ...(expiresAt && { expiresAt: { N: String(expiresAt) } }) }, undefined);
  await Promise.all([
    ...Array.from({ length: 450 }, (_, i) => put(`old#${i}`, NOW_S - i)),
    put("later", NOW_S + 1),
    put("never"),
  ]);
  expect(await table.deleteExpired(NOW_S * 1_000)).toBe(450);
  expect(file.sql("SELECT pk FROM items ORDER BY pk").all()).toEqual([{ pk: "later" }, { pk: "never" }]);
  expect(await table.getAll([{ pk: "old#3", sk: KEY.sk }])).toEqual([]);
  expect(await table.deleteExpired(NOW_S * 1_000)).toBe(0);
});
