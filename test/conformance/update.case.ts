/**
 * Conformance suite of `Table.update` (W6) in `store/update.ts` on every kind of table. Each test uses a row of its own. Tests with
 * network faults and costs run only on engines with DynamoDB's protocol.
 */
import { randomBytes } from "node:crypto";
import { FAVORITE } from "@mjflow/core/mark";
import { UPLOAD } from "@mjflow/core/upload";
import { type Item, ItemError, itemBytes } from "@mjflow/store/codec";
import { ATTRIBUTE, type Key } from "@mjflow/store/keys";
import { createMarkStore } from "@mjflow/store/mark";
import { createMeter, type Meter } from "@mjflow/store/meter";
import { createPlainRows, type PlainFields } from "@mjflow/store/plain-row";
import { createTable, type Table } from "@mjflow/store/table";
import type { Condition, Update } from "@mjflow/store/update";
import { createUploadCounts } from "@mjflow/store/upload-count";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Fault, intercept, loseResponses } from "./fault.ts";
import { TABLE, type TableMaker } from "./table.maker.ts";

export interface UpdateMaker {
  table: Table;
  /** Maker of clients to which faults are added; unset: the table has no network. */
  client?: TableMaker["client"];
  stop(): Promise<void>;
}

/** An update that may be repeated, because each test reads the result. */
const freely = (update: Omit<Update, "once" | "repeatable">): Update => ({ ...update, repeatable: "a test" });
const entryIsAbsent = (name: string): Condition => ({ at: ["e", name], is: "absent" });

export function updateCase(title: string, make: () => Promise<UpdateMaker>): void {
  describe(`update: ${title}`, () => {
    let made: UpdateMaker;
    let table: Table;
    beforeAll(async () => {
      made = await make();
      table = made.table;
    });
    afterAll(() => made?.stop());

    const newKey = (): Key => ({ pk: `test#${randomBytes(8).toString("hex")}`, sk: "counter" });
    /** Returns the attributes that a test wrote: all without those of the table itself. */
    const ownOf = (item: Item | undefined) => {
      const { pk: _pk, sk: _sk, rev: _rev, v: _v, w: _w, ...own } = item ?? {};
      return own;
    };
    const stored = async (fields: Item = {}, key = newKey()): Promise<Key> => {
      const item = { pk: { S: key.pk }, sk: { S: key.sk }, rev: { N: "1" }, v: { N: "1" }, ...fields };
      expect(await table.put(item, undefined)).toEqual({ ok: true });
      return key;
    };

    describe("changes", () => {
      test("an update adds, sets, sets once and removes, and returns the row after it", async () => {
        const key = await stored({ free: { N: "10" }, kind: { S: "old" }, gone: { S: "x" }, first: { N: "1" } });
        const result = await table.update(
          key,
          freely({
            add: [
              ["free", -3],
              ["used", 3],
            ],
            set: [
              ["kind", "new"],
              ["on", true],
            ],
            setOnce: [
              ["first", 2],
              ["second", 2],
            ],
            remove: ["gone", "never"],
          }),
        );
        const own = { free: { N: "7" }, used: { N: "3" }, kind: { S: "new" }, on: { BOOL: true } };
        const once = { first: { N: "1" }, second: { N: "2" } };
        expect(result.ok && ownOf(result.item)).toEqual({ ...own, ...once });
        expect(ownOf(await table.get(key))).toEqual({ ...own, ...once });
      });

      test("an update of an absent row creates it with revision 1 and a schema version", async () => {
        const key = newKey();
        const result = await table.update(key, freely({ add: [["n", 2]], setOnce: [["kind", "counter"]] }));
        expect(result).toMatchObject({ ok: true, item: { pk: { S: key.pk }, rev: { N: "1" }, v: { N: "1" } } });
        expect(ownOf(await table.get(key))).toEqual({ n: { N: "2" }, kind: { S: "counter" } });
      });

      test("an update that needs a row does not create one", async () => {
        const key = newKey();
        const update = freely({ add: [["n", 1]], when: [{ row: "present" }] });
        expect(await table.update(key, update)).toMatchObject({ ok: false, current: undefined });
        expect(await table.get(key)).toBeUndefined();
        expect(await table.update(key, freely({ add: [["n", 1]], when: [{ row: "absent" }] }))).toMatchObject({
          ok: true,
        });
        const again = await table.update(key, freely({ add: [["n", 1]], when: [{ row: "absent" }] }));
        expect(again.ok ? undefined : ownOf(again.current)).toEqual({ n: { N: "1" } });
      });

      test("a set gets and loses texts, and an emptied set is absent", async () => {
        const key = newKey();
        await table.update(key, freely({ include: [["bands", ["b", "a"]]] }));
        await table.update(key, freely({ include: [["bands", ["c", "a"]]] }));
        expect((await table.get(key))!["bands"]!.SS!.toSorted()).toEqual(["a", "b", "c"]);
        await table.update(key, freely({ exclude: [["bands", ["a", "b", "x"]]] }));
        expect((await table.get(key))!["bands"]).toEqual({ SS: ["c"] });
        const has = freely({ exclude: [["bands", ["c"]]], when: [{ at: "bands", includes: "c" }] });
        expect(await table.update(key, has)).toMatchObject({ ok: true });
        expect((await table.get(key))!["bands"]).toBeUndefined();
        expect(await table.update(key, has)).toMatchObject({ ok: false });
        const lacks = freely({ include: [["bands", ["c"]]], when: [{ at: "bands", excludes: "c" }] });
        expect(await table.update(key, lacks)).toMatchObject({ ok: true });
        expect(await table.update(key, lacks)).toMatchObject({ ok: false });
      });

      test("an update increases the revision, so a put by the older revision is refused", async () => {
        const key = await stored({ n: { N: "1" } });
        const read = (await table.get(key))!;
        await table.update(key, freely({ add: [["n", 1]] }));
        const put = await table.put({ ...read, n: { N: "9" }, rev: { N: "2" } }, 1);
        expect(put.ok ? undefined : put.current).toMatchObject({ n: { N: "2" }, rev: { N: "2" } });
        expect((await table.put({ ...read, n: { N: "9" }, rev: { N: "3" } }, 2)).ok).toBe(true);
        await table.update(key, freely({ add: [["n", 1]] }));
        expect(await table.get(key)).toMatchObject({ n: { N: "10" }, rev: { N: "4" } });
      });

      test("index keys and expiry that an update sets and removes are found and not found in the index", async () => {
        const key = newKey();
        const partition = `due#${key.pk}`;
        const listed = async () =>
          (await table.list({ index: "due", partition, limit: 9 })).map((item) => [
            item["pk"]!.S,
            Number(item["dueAt"]!.N),
          ]);
        const setDue = (at: number) =>
          freely({
            set: [
              [ATTRIBUTE.dueShard, partition],
              [ATTRIBUTE.dueAt, at],
              [ATTRIBUTE.expiresAt, 9_000_000_000],
            ],
          });
        await table.update(key, setDue(500));
        expect(await listed()).toEqual([[key.pk, 500]]);
        await table.update(key, setDue(700));
        expect(await listed()).toEqual([[key.pk, 700]]);
        expect((await table.get(key))![ATTRIBUTE.expiresAt]).toEqual({ N: "9000000000" });
        await table.update(key, freely({ remove: [ATTRIBUTE.dueShard, ATTRIBUTE.dueAt] }));
        expect(await listed()).toEqual([]);
        await table.update(
          key,
          freely({
            set: [
              [ATTRIBUTE.appId, partition],
              [ATTRIBUTE.listedAt, "2026"],
            ],
          }),
        );
        expect((await table.list({ index: "app", partition, limit: 9 })).map((item) => item["listedAt"]!.S)).toEqual([
          "2026",
        ]);
      });
    });

    describe("conditions", () => {
      const row: Item = { n: { N: "5" }, max: { N: "5" }, kind: { S: "a" }, on: { BOOL: true } };
      const full: Item = { ...row, m: { M: { "a.b": { N: "1" }, c: { S: "x" } } }, bands: { SS: ["x", "y"] } };
      const cases: [string, boolean, Condition][] = [
        ["a present attribute is present", true, { at: "n", is: "present" }],
        ["a present attribute is not absent", false, { at: "n", is: "absent" }],
        ["an entry with a dot in its name is present", true, { at: ["m", "a.b"], is: "present" }],
        ["an absent entry is absent", true, { at: ["m", "a"], is: "absent" }],
        ["an entry of an absent map is absent", true, { at: ["none", "a"], is: "absent" }],
        ["a number equals a number", true, { at: "n", equals: 5 }],
        ["a number does not equal another number", false, { at: "n", equals: 6 }],
        ["a text equals a text", true, { at: ["m", "c"], equals: "x" }],
        ["a number does not equal its text", false, { at: "n", equals: "5" }],
        ["a flag equals a flag", true, { at: "on", equals: true }],
        ["an absent attribute equals nothing", false, { at: "none", equals: 0 }],
        ["5 is at least 5", true, { at: "n", atLeast: 5 }],
        ["5 is not above 5", false, { at: "n", above: 5 }],
        ["5 is above -5", true, { at: "n", above: -5 }],
        ["5 is at most 5", true, { at: "n", atMost: 5 }],
        ["5 is not below 5", false, { at: "n", below: 5 }],
        ["5 is below 6", true, { at: "n", below: 6 }],
        ["an attribute is compared with another attribute", true, { at: "n", atMost: { at: "max" } }],
        ["an attribute is not below an equal attribute", false, { at: "n", below: { at: "max" } }],
        ["an absent attribute is not at least 0", false, { at: "none", atLeast: 0 }],
        ["an absent attribute is not below 1", false, { at: "none", below: 1 }],
        ["nothing is below an absent attribute", false, { at: "n", below: { at: "none" } }],
        ["a map of 2 entries has at most 2", true, { at: "m", sizeAtMost: 2 }],
        ["a map of 2 entries does not have at most 1", false, { at: "m", sizeAtMost: 1 }],
        ["an absent map has at most 0 entries", true, { at: "none", sizeAtMost: 0 }],
        ["a set of 2 texts has at most 2", true, { at: "bands", sizeAtMost: 2 }],
        ["a set includes its text", true, { at: "bands", includes: "x" }],
        ["a set does not exclude its text", false, { at: "bands", excludes: "x" }],
        ["an absent set excludes each text", true, { at: "none", excludes: "x" }],
        [
          "one of two conditions is enough",
          true,
          {
            anyOf: [
              { at: "none", is: "present" },
              { at: "n", equals: 5 },
            ],
          },
        ],
        ["one of two false conditions is false", false, { anyOf: [{ row: "absent" }, { at: "n", equals: 6 }] }],
      ];

      test.each(cases)("%s: %s", async (_, isTrue, condition) => {
        const key = await stored(full);
        const result = await table.update(key, freely({ set: [["done", 1]], when: [condition] }));
        expect(result.ok).toBe(isTrue);
        expect((await table.get(key))!["done"]).toEqual(isTrue ? { N: "1" } : undefined);
        if (!result.ok) expect(ownOf(result.current)).toEqual(full);
      });

      test("a refused update changes nothing and returns the current row", async () => {
        const key = await stored({ free: { N: "2" } });
        const update = freely({ add: [["free", -3]], when: [{ at: "free", atLeast: 3 }] });
        const result = await table.update(key, update);
        expect(result).toMatchObject({ ok: false, current: { free: { N: "2" }, rev: { N: "1" } } });
        expect(await table.get(key)).toMatchObject({ free: { N: "2" }, rev: { N: "1" } });
      });

      test("a row of a newer schema version is an error and stays unchanged", async () => {
        const key = await stored({ n: { N: "1" }, v: { N: "99" } });
        await expect(table.update(key, freely({ add: [["n", 1]] }))).rejects.toThrow(ItemError);
        expect(await table.get(key)).toMatchObject({ n: { N: "1" }, rev: { N: "1" } });
      });
    });

    describe("maps", () => {
      test("entries of an absent map of an absent row are set, also with dots in their names", async () => {
        for (const isNewRow of [true, false]) {
          const key = newKey();
          const update = freely({ set: [[["e", "01A.0-1"], 5]], add: [[["count", "x"], 2]], isNewRow });
          expect(await table.update(key, update)).toMatchObject({ ok: true });
          expect(ownOf(await table.get(key))).toEqual({
            e: { M: { "01A.0-1": { N: "5" } } },
            count: { M: { x: { N: "2" } } },
          });
        }
      });

      test("entries are added to an existing map, also if the caller takes the row for absent", async () => {
        const key = await stored({ e: { M: { a: { N: "1" } } } });
        await table.update(key, freely({ set: [[["e", "b"], 2]], isNewRow: true }));
        await table.update(key, freely({ set: [[["e", "c"], 3]], add: [[["e", "a"], 10]] }));
        expect(ownOf(await table.get(key))).toEqual({ e: { M: { a: { N: "11" }, b: { N: "2" }, c: { N: "3" } } } });
      });

      test("one update changes entries of a map that exists and of one that does not", async () => {
        const key = await stored({ old: { M: {} } });
        const update = freely({ set: [[["old", "a"], 1]], setOnce: [[["new", "b"], "t"]], remove: [["third", "c"]] });
        expect(await table.update(key, update)).toMatchObject({ ok: true });
        expect(ownOf(await table.get(key))).toEqual({
          old: { M: { a: { N: "1" } } },
          new: { M: { b: { S: "t" } } },
          third: { M: {} },
        });
      });

      test("a removed entry leaves the other entries, and the last one leaves an empty map", async () => {
        const key = await stored({ e: { M: { a: { N: "1" }, b: { N: "2" } } } });
        await table.update(key, freely({ remove: [["e", "a"]] }));
        expect(ownOf(await table.get(key))).toEqual({ e: { M: { b: { N: "2" } } } });
        await table.update(
          key,
          freely({
            remove: [
              ["e", "b"],
              ["e", "none"],
            ],
          }),
        );
        expect(ownOf(await table.get(key))).toEqual({ e: { M: {} } });
        const first = freely({ set: [[["e", "c"], 1]], when: [{ at: "e", sizeAtMost: 0 }] });
        expect((await table.update(key, first)).ok).toBe(true);
        expect((await table.update(key, { ...first, set: [[["e", "d"], 1]] })).ok).toBe(false);
      });

      test("of 50 parallel updates for 20 slots, 20 succeed and each has its entry", async () => {
        const key = newKey();
        const results = await Promise.all(
          Array.from({ length: 50 }, (_, n) =>
            table.update(key, {
              set: [[["e", `t${n}`], n]],
              once: entryIsAbsent(`t${n}`),
              when: [{ at: "e", sizeAtMost: 19 }],
              isNewRow: n === 0,
            }),
          ),
        );
        const winners = results.flatMap(({ ok }, n) => (ok ? [`t${n}`] : []));
        expect(winners).toHaveLength(20);
        expect(Object.keys((await table.get(key))!["e"]!.M!).sort()).toEqual(winners.sort());
      });
    });

    test("50 parallel updates are all applied, each once", async () => {
      const key = await stored({ free: { N: "1000" } });
      const results = await Promise.all(
        Array.from({ length: 50 }, () =>
          table.update(key, freely({ add: [["free", -7]], when: [{ at: "free", atLeast: 7 }] })),
        ),
      );
      expect(results.filter(({ ok }) => ok)).toHaveLength(50);
      const left = results.map((result) => (result.ok ? Number(result.item["free"]!.N) : NaN)).sort((a, b) => a - b);
      expect(left).toEqual(Array.from({ length: 50 }, (_, n) => 650 + 7 * n));
      expect(await table.get(key)).toMatchObject({ free: { N: "650" }, rev: { N: "51" } });
    });

    test("of 50 parallel updates that fit 10 times, 10 are applied", async () => {
      const key = await stored({ free: { N: "70" } });
      const take = freely({ add: [["free", -7]], when: [{ at: "free", atLeast: 7 }] });
      const results = await Promise.all(Array.from({ length: 50 }, () => table.update(key, take)));
      expect(results.filter(({ ok }) => ok)).toHaveLength(10);
      expect(await table.get(key)).toMatchObject({ free: { N: "0" }, rev: { N: "11" } });
    });

    describe("wrong updates", () => {
      const wrong: [string, Omit<Update, "once" | "repeatable">, unknown][] = [
        ["adds a fraction", { add: [["n", 0.5]] }, RangeError],
        ["sets NaN", { set: [["n", Number.NaN]] }, RangeError],
        ["adds more than a safe integer", { add: [["n", 2 ** 53]] }, RangeError],
        ["compares with a fraction", { add: [["n", 1]], when: [{ at: "n", below: 1.5 }] }, RangeError],
        ["changes a path twice", { add: [["n", 1]], set: [["n", 1]] }, TypeError],
        ["changes a map and its entry", { set: [[["m", "a"], 1]], remove: ["m"] }, TypeError],
        ["changes the revision", { add: [["rev", 1]] }, TypeError],
        ["changes the key", { set: [["sk", "other"]] }, TypeError],
        ["has an empty entry name", { set: [[["m", ""], 1]] }, TypeError],
      ];
      test.each(wrong)("an update that %s is rejected without a write", async (_, update, error) => {
        const key = await stored({ n: { N: "1" } });
        await expect(table.update(key, freely(update))).rejects.toThrow(error as typeof RangeError);
        expect(await table.get(key)).toMatchObject({ n: { N: "1" }, rev: { N: "1" } });
      });

      test("an update whose condition once stays true is an error", async () => {
        const key = newKey();
        const update: Update = { add: [["n", 1]], once: { at: ["e", "a"], is: "absent" } };
        await expect(table.update(key, update)).rejects.toThrow("once");
      });
    });

    describe("rows with named fields", () => {
      const FIELDS = {
        free: ["fr", "integer"],
        kind: ["ki", "text"],
        on: ["on", "flag"],
        held: ["h", "map of integer"],
        names: ["na", "map of text"],
        facts: ["f.", "spread of text"],
        bands: ["ba", "set"],
        dueShard: [ATTRIBUTE.dueShard, "text"],
        dueAt: [ATTRIBUTE.dueAt, "integer"],
      } as const satisfies PlainFields;

      test("fields of every kind are changed, read and tested by their names", async () => {
        const rows = createPlainRows(table, FIELDS);
        const key = newKey();
        const first = await rows.update(key, {
          add: { free: 5, held: { t1: 1 } },
          set: { kind: "x", held: { t2: 2 }, names: { n: "name" }, facts: { "0.completed": "200" } },
          setOnce: { on: false },
          include: { bands: ["b", "a"] },
          once: { at: ["facts", "0.completed"], is: "absent" },
          isNewRow: true,
        });
        const expected = {
          ...{ rev: 1, free: 5, kind: "x", on: false, held: { t1: 1, t2: 2 }, names: { n: "name" } },
          ...{ facts: { "0.completed": "200" }, bands: ["a", "b"] },
        };
        expect(first).toMatchObject({ ok: true, row: expected });
        expect(await rows.get(key)).toEqual(expected);
        const refused = await rows.update(key, {
          set: { facts: { "0.completed": "500" } },
          once: { at: ["facts", "0.completed"], is: "absent" },
        });
        expect(refused).toMatchObject({ ok: false, current: expected });
        const second = await rows.update(key, {
          remove: { kind: true, held: ["t1"], facts: ["0.completed"] },
          exclude: { bands: ["a", "b"] },
          once: { at: ["held", "t1"], is: "present" },
          when: [
            { at: "held", sizeAtMost: 2 },
            { at: "free", above: { at: ["held", "t2"] } },
            { at: "bands", includes: "a" },
          ],
        });
        const { kind: _, ...rest } = expected;
        expect(second).toMatchObject({ ok: true, row: { ...rest, rev: 2, held: { t2: 2 }, facts: {}, bands: [] } });
      });

      test("a row is created once, with its index keys", async () => {
        const rows = createPlainRows(table, FIELDS);
        const key = newKey();
        const fields = { free: 3, held: {}, bands: ["x"], facts: { a: "1" }, dueShard: `due#${key.pk}`, dueAt: 10 };
        const row = { rev: 1, names: {}, ...fields };
        expect(await rows.create(key, fields)).toMatchObject({ ok: true, row });
        expect(await rows.create(key, { free: 4 })).toMatchObject({ ok: false, current: row });
        expect(await table.list({ index: "due", partition: `due#${key.pk}`, limit: 5 })).toHaveLength(1);
      });

      test("two fields that share an attribute are a TypeError", () => {
        expect(() => createPlainRows(table, { a: ["x.", "spread of text"], b: ["x.y", "integer"] })).toThrow(TypeError);
      });
    });

    describe("the uploads of an hour", () => {
      test("are counted up to both limits, each one once, also if they are announced at the same time", async () => {
        const counts = createUploadCounts(table);
        const app = newKey().pk;
        const add = (bytes: number, most: { bytes: number; uploads: number }, hour = 0) =>
          counts.add(app, hour * UPLOAD.hourMs, bytes, most);
        const added = await Promise.all(Array.from({ length: 25 }, () => add(3, { bytes: 30, uploads: 20 })));
        expect(added.filter((isCounted) => isCounted)).toHaveLength(10);
        expect(await add(1, { bytes: 30, uploads: 20 })).toBe(false);
        expect(await add(1, { bytes: 31, uploads: 10 })).toBe(false);
        expect(await add(1, { bytes: 31, uploads: 11 })).toBe(true);
        expect(await add(30, { bytes: 30, uploads: 1 }, 1)).toBe(true);
      });
    });

    describe("the marks of pictures", () => {
      const FLOW = "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD";
      const now = Date.now();
      const place = { flowId: FLOW, path: "0", number: 1, list: FAVORITE };
      const markOf = (appId: string) => ({ appId, ...place, rev: 0, flowCreatedAt: now, endedAt: now });

      test("are in their list by time, are added once, are removed once, and each app has its own", async () => {
        const store = createMarkStore(table);
        const [appId, other] = [newKey().pk, newKey().pk];
        const mark = markOf(appId);
        const later = { ...mark, path: "0-1", endedAt: now + 1 };
        for (const each of [mark, later, mark, { ...later, number: 2 }, { ...mark, list: "folder_1" }])
          await store.addMark(each);
        const listed = async (list: string, range: object = {}, app = appId) =>
          (await store.listMarks(app, list, { limit: 9, ...range })).map(({ path, number }) => `${path}.${number}`);
        expect(await listed(FAVORITE)).toEqual(["0-1.2", "0-1.1", "0.1"]);
        expect(await listed(FAVORITE, { after: later })).toEqual(["0.1"]);
        expect(await listed(FAVORITE, { since: now + 1 })).toEqual([]);
        expect(await listed("folder_1")).toEqual(["0.1"]);
        expect(await listed(FAVORITE, {}, other)).toEqual([]);
        expect(await store.marksOfPicture(appId, mark)).toHaveLength(2);
        await store.removeMark(mark);
        await store.removeMark(mark);
        expect(await store.marksOfFlows(appId, FLOW, FLOW)).toHaveLength(3);
        expect(await store.marksOfFlows(other, FLOW, FLOW)).toEqual([]);
        await store.deleteMarksOfList(appId, "folder_1", 10);
        await store.deleteMarksOfFlow(appId, FLOW);
        expect(await listed(FAVORITE)).toEqual([]);
        expect(await store.marksOfFlows(appId, FLOW, FLOW)).toEqual([]);
      });

      test("cost two write units to add and two to remove, and a repeated one costs one", async (context) => {
        if (!made.client) context.skip("the table bills nothing");
        if (title === "dynalite") context.skip("the engine bills no index");
        const meter = createMeter();
        const store = createMarkStore(createTable({ client: made.client!({ maxAttempts: 1 }), table: TABLE, meter }));
        const mark = markOf(newKey().pk);
        const cost = async (work: () => Promise<void>) => {
          const before = { ...meter };
          await work();
          return { requests: meter.requests - before.requests, writes: meter.writeUnits - before.writeUnits };
        };
        expect(await cost(() => store.addMark(mark))).toEqual({ requests: 1, writes: 2 });
        expect(await cost(() => store.addMark(mark))).toMatchObject({ requests: 1 });
        expect(await cost(() => store.removeMark(mark))).toEqual({ requests: 1, writes: 2 });
        expect(await cost(() => store.removeMark(mark))).toMatchObject({ requests: 1 });
      });
    });

    describe("faults of the network", () => {
      /** A table whose requests to UpdateItem pass `fault`. Runs the test only if the engine has a network. */
      const networkTest = (name: string, run: () => Promise<void>) =>
        test(name, async (context) => {
          if (!made.client) context.skip("the table has no network");
          await run();
        });
      function faulty(fault: Fault, maxAttempts = 1, meter?: Meter) {
        const client = made.client!({ maxAttempts });
        const fired = { times: 0 };
        intercept(client, "UpdateItemCommand", (next, input) => {
          fired.times++;
          return fault(next, input);
        });
        return { table: createTable({ client, table: TABLE, meter }), fired };
      }
      const hold = (micro: number): Update => ({
        add: [["free", -micro]],
        set: [[["e", "h1"], `${micro} n1`]],
        once: entryIsAbsent("h1"),
        when: [{ at: "free", atLeast: micro }],
      });

      networkTest("a lost update that the SDK repeats is applied once and reported as applied", async () => {
        const key = await stored({ free: { N: "10" }, e: { M: {} } });
        const { table: lossy, fired } = faulty(loseResponses(1), 3);
        const result = await lossy.update(key, hold(4));
        expect(result).toMatchObject({ ok: true, item: { free: { N: "6" }, rev: { N: "2" } } });
        expect(fired.times).toBe(2);
        expect(await table.get(key)).toMatchObject({ free: { N: "6" }, rev: { N: "2" } });
      });

      networkTest("a lost update without a repetition is found by a read", async () => {
        const key = await stored({ free: { N: "10" }, e: { M: {} } });
        const { table: lossy, fired } = faulty(loseResponses(1));
        expect(await lossy.update(key, hold(4))).toMatchObject({ ok: true, item: { free: { N: "6" } } });
        expect(fired.times).toBe(1);
      });

      networkTest(
        "a lost update is refused if another writer was next, and the returned row shows its entry",
        async () => {
          for (const maxAttempts of [1, 3]) {
            const key = await stored({ free: { N: "10" }, e: { M: {} } });
            let lost = 1;
            const { table: lossy } = faulty(async (next) => {
              const response = await next();
              if (lost-- > 0) {
                await table.update(key, freely({ add: [["free", 1]] }));
                throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
              }
              return response;
            }, maxAttempts);
            const result = await lossy.update(key, hold(4));
            expect(result).toMatchObject({ ok: false, current: { free: { N: "7" }, e: { M: { h1: { S: "4 n1" } } } } });
          }
        },
      );

      networkTest("an update that never reached the table is an error and can be sent again", async () => {
        const key = await stored({ free: { N: "10" }, e: { M: {} } });
        const broken = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
        const { table: dead } = faulty(() => Promise.reject(broken));
        await expect(dead.update(key, hold(4))).rejects.toBe(broken);
        expect(await table.get(key)).toMatchObject({ free: { N: "10" }, rev: { N: "1" } });
        expect(await table.update(key, hold(4))).toMatchObject({ ok: true });
      });

      networkTest(
        "an update without response and without a condition once is an error if the row is not its own",
        async () => {
          const key = await stored({ n: { N: "1" } });
          const broken = Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
          const { table: lossy } = faulty(() => Promise.reject(broken));
          await expect(lossy.update(key, freely({ add: [["n", 1]] }))).rejects.toBe(broken);
        },
      );

      networkTest("a throttled update is overloaded", async () => {
        const name = "ProvisionedThroughputExceededException";
        const throttled = Object.assign(new Error(name), { name, $metadata: { httpStatusCode: 400 } });
        const { table: busy } = faulty(() => Promise.reject(throttled));
        await expect(busy.update(newKey(), hold(4))).rejects.toMatchObject({ code: "overloaded" });
      });

      networkTest("a refusal without the row reads the row", async () => {
        const key = await stored({ free: { N: "3" }, e: { M: {} } });
        const { table: silent, fired } = faulty((next) =>
          next().catch((error: { Item?: unknown }) => {
            error.Item = undefined;
            throw error;
          }),
        );
        expect(await silent.update(key, hold(4))).toMatchObject({ ok: false, current: { free: { N: "3" } } });
        expect(fired.times).toBe(1);
      });

      networkTest("an update of a row with its maps is one request, and of an absent map two", async () => {
        const { table: counted, fired } = faulty((next) => next());
        const requests = async (run: () => Promise<unknown>) => {
          const before = fired.times;
          await run();
          return fired.times - before;
        };
        const [absent, bare, full] = [newKey(), await stored(), await stored({ e: { M: {} } })];
        const update = freely({ set: [[["e", "a"], 1]] });
        expect(await requests(() => counted.update(full, update))).toBe(1);
        expect(await requests(() => counted.update(bare, update))).toBe(2);
        expect(await requests(() => counted.update(absent, { ...update, isNewRow: true }))).toBe(1);
        expect(await requests(() => counted.update(full, { ...update, isNewRow: true }))).toBe(2);
      });

      networkTest("an update of a row of 1,024 bytes costs 1 write unit, one of 1,025 bytes costs 2", async () => {
        const meter = createMeter();
        const { table: metered } = faulty((next) => next(), 1, meter);
        const unitsOf = async (run: () => Promise<unknown>) => {
          const before = meter.writeUnits;
          await run();
          return meter.writeUnits - before;
        };
        for (const [bytes, units] of [
          [1_024, 1],
          [1_025, 2],
        ] as const) {
          const key = await stored({ n: { N: "1" }, e: { M: {} }, fill: { S: "" } });
          const update = freely({ add: [["n", 1]] });
          const first = await metered.update(key, update);
          const fill = bytes - itemBytes(first.ok ? first.item : {});
          await table.update(key, freely({ set: [["fill", "x".repeat(fill)]] }));
          expect(itemBytes((await table.get(key))!)).toBe(bytes);
          expect(await unitsOf(() => metered.update(key, update)), `${bytes} bytes`).toBe(units);
          const refused = freely({ add: [["n", 1]], when: [{ at: "n", below: 0 }] });
          expect(await unitsOf(() => metered.update(key, refused)), `${bytes} bytes, refused`).toBe(units);
        }
      });
    });
  });
}
