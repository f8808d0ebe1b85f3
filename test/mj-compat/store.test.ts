/** The store of compat task ids, on the in-memory table and on dynoxide. */
import { type MjTaskPointer, mjIdShardOf, mjTaskIdOf } from "@mjflow/core/mj-task";
import { RETENTION_MS } from "@mjflow/store/keys";
import { createMjTaskIdStore } from "@mjflow/store/mj-task-id";
import { createTable, type Table } from "@mjflow/store/table";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AWKWARD, NOW, newAppId, newFlow } from "../conformance/factory.ts";
import { makeTable, TABLE } from "../conformance/table.maker.ts";
import { startTableEngine } from "../support/emulator/table.ts";
import { createMemoryTable } from "../support/memory/table.ts";

interface Made {
  table: Table;
  stop(): Promise<void>;
}

const makers: Record<string, () => Promise<Made>> = {
  memory: async () => ({ table: createMemoryTable(), stop: async () => {} }),
  dynoxide: async () => {
    const maker = await makeTable(await startTableEngine({ engine: "dynoxide" }));
    return { table: createTable({ client: maker.client(), table: TABLE }), stop: maker.stop };
  },
};

describe.each(Object.entries(makers))("compat task ids: %s", (_, make) => {
  let made: Made;
  let now = NOW;
  const store = (dueShards = 4) => createMjTaskIdStore(made.table, { now: () => now, dueShards });
  beforeAll(async () => {
    made = await make();
  });
  afterAll(() => made?.stop());

  const pointerOf = (appId: string, id: string, more: Partial<MjTaskPointer> = {}): MjTaskPointer => ({
    appId,
    id,
    rev: 0,
    flowId: newFlow().id,
    path: "0",
    action: "IMAGINE",
    createdAt: NOW,
    ...more,
  });

  test("a pointer stores every field of the request byte for byte", async () => {
    const full = pointerOf(newAppId(), "1765432109876123", {
      prompt: AWKWARD,
      state: AWKWARD,
      description: "/up 1 U1",
      botType: "NIJI_JOURNEY",
      awaitsModalAnswer: true,
      notifyHook: "https://app.test/hook",
    });
    expect(await store().create(full)).toBe(true);
    expect(await store().get(full.appId, full.id)).toEqual({ ...full, rev: 1 });
    const bare = pointerOf(full.appId, "1765432109876124", { state: "" });
    await store().create(bare);
    expect(await store().get(full.appId, bare.id)).toEqual({ ...bare, rev: 1 });
  });

  test("a second pointer with the same id is rejected, but another app can use the same id", async () => {
    const [a, b] = [newAppId(), newAppId()];
    const first = pointerOf(a, "1765432109876123");
    expect(await store().create(first)).toBe(true);
    expect(await store().create(pointerOf(a, first.id))).toBe(false);
    expect(await store().get(a, first.id)).toMatchObject({ flowId: first.flowId });
    expect(await store().get(b, first.id)).toBeUndefined();
    expect(await store().create(pointerOf(b, first.id))).toBe(true);
  });

  test("exactly one of eight concurrent creations of the same id succeeds", async () => {
    const app = newAppId();
    const created = await Promise.all(
      Array.from({ length: 8 }, () => store().create(pointerOf(app, "1765432109876123"))),
    );
    expect(created.filter(Boolean)).toHaveLength(1);
  });

  test("a deleted id can be created again", async () => {
    const pointer = pointerOf(newAppId(), "1765432109876123");
    await store().create(pointer);
    await store().delete(pointer);
    expect(await store().get(pointer.appId, pointer.id)).toBeUndefined();
    expect(await store().create(pointer)).toBe(true);
  });

  test("getMany returns each existing pointer once, also for more ids than one request can hold", async () => {
    const app = newAppId();
    const ids = Array.from({ length: 120 }, (_, i) => String(1_765_432_109_876_000 + i));
    await Promise.all(ids.map((id) => store().create(pointerOf(app, id))));
    const found = await store().getMany(app, [...ids, ids[0]!, "1"]);
    expect(found.map(({ id }) => id).toSorted()).toEqual(ids);
    expect(await store().getMany(app, [])).toEqual([]);
  });

  test("latest returns the app's own pointers, newest first", async () => {
    const [app, other] = [newAppId(), newAppId()];
    for (const id of ["1765432109876002", "1765432109877001", "1765432109876001"]) {
      await store().create(pointerOf(app, id));
      await store().create(pointerOf(other, id));
    }
    const listed = (await store().latest(app, 2)).map(({ appId, id }) => [appId, id]);
    expect(listed).toEqual([
      [app, "1765432109877001"],
      [app, "1765432109876002"],
    ]);
    expect(await store().latest(newAppId(), 2)).toEqual([]);
  });

  test("ids are spread over eight partitions from 8 due shards on, and stores of both kinds read all ids", async () => {
    expect([4, 7, 8, 32].map((shards) => store(shards).isSpread)).toEqual([false, false, true, true]);
    const app = newAppId();
    const ids = Array.from({ length: 60 }, (_, i) => mjTaskIdOf(NOW + i, (i * 37) % 1_000, i % 2 === 1));
    // Ids of one partition only, so that one list has all of the newest ids.
    const newest = Array.from({ length: 30 }, (_, i) => mjTaskIdOf(NOW + 100 + i, 8 * i, true));
    const all = [...ids, ...newest];
    for (const id of all) await store(mjIdShardOf(id) === undefined ? 4 : 8).create(pointerOf(app, id));
    for (const reader of [store(4), store(8)]) {
      for (const limit of [1, 20, 70, 1_000]) {
        const listed = (await reader.latest(app, limit)).map(({ id }) => id);
        expect(listed).toEqual(all.toReversed().slice(0, limit));
      }
      expect((await reader.getMany(app, all)).map(({ id }) => id).sort()).toEqual(all.toSorted());
      expect(await reader.get(app, newest[3]!)).toMatchObject({ appId: app, id: newest[3] });
      expect(await reader.get(newAppId(), newest[3]!)).toBeUndefined();
    }
    await store(8).delete({ ...pointerOf(app, newest[3]!), rev: 1 });
    expect(await store(4).get(app, newest[3]!)).toBeUndefined();
  });

  test("a pointer cannot be read after 35 days, even if its row still exists", async () => {
    const pointer = pointerOf(newAppId(), "1765432109876123");
    await store().create(pointer);
    now = NOW + RETENTION_MS + 1_000;
    expect(await store().get(pointer.appId, pointer.id)).toBeUndefined();
    expect(await store().getMany(pointer.appId, [pointer.id])).toEqual([]);
    expect(await store().latest(pointer.appId, 1)).toEqual([]);
    now = NOW;
  });
});
