/** The facade's numbers, on the table in memory and on the engine of the local house. */
import type { MjTaskPointer } from "@mjflow/core/mj-task";
import { startTableEngine } from "@mjflow/local/engine/table";
import { RETENTION_MS } from "@mjflow/store/keys";
import { createMemoryTable } from "@mjflow/store/memory-table";
import { createMjTaskIdStore } from "@mjflow/store/mj-task-id";
import { createTable, type Table } from "@mjflow/store/table";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AWKWARD, NOW, newAppId, newFlow } from "../conformance/factory.ts";
import { makeTable, TABLE } from "../conformance/table.maker.ts";

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

describe.each(Object.entries(makers))("numbers: %s", (_, make) => {
  let made: Made;
  let now = NOW;
  const store = () => createMjTaskIdStore(made.table, { now: () => now });
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

  test("a number holds all that the request said, byte for byte", async () => {
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

  test("a taken number is refused and stays what it was; another app's is another number", async () => {
    const [a, b] = [newAppId(), newAppId()];
    const first = pointerOf(a, "1765432109876123");
    expect(await store().create(first)).toBe(true);
    expect(await store().create(pointerOf(a, first.id))).toBe(false);
    expect(await store().get(a, first.id)).toMatchObject({ flowId: first.flowId });
    expect(await store().get(b, first.id)).toBeUndefined();
    expect(await store().create(pointerOf(b, first.id))).toBe(true);
  });

  test("of many at once, one gets it", async () => {
    const app = newAppId();
    const tried = await Promise.all(
      Array.from({ length: 8 }, () => store().create(pointerOf(app, "1765432109876123"))),
    );
    expect(tried.filter(Boolean)).toHaveLength(1);
  });

  test("one taken back is free again", async () => {
    const pointer = pointerOf(newAppId(), "1765432109876123");
    await store().create(pointer);
    await store().delete(pointer);
    expect(await store().get(pointer.appId, pointer.id)).toBeUndefined();
    expect(await store().create(pointer)).toBe(true);
  });

  test("many are read at once: those that are there, each once; more than one request holds", async () => {
    const app = newAppId();
    const ids = Array.from({ length: 120 }, (_, i) => String(1_765_432_109_876_000 + i));
    await Promise.all(ids.map((id) => store().create(pointerOf(app, id))));
    const found = await store().getMany(app, [...ids, ids[0]!, "1"]);
    expect(found.map(({ id }) => id).toSorted()).toEqual(ids);
    expect(await store().getMany(app, [])).toEqual([]);
  });

  test("the newest come first, and only the app's own", async () => {
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

  test("past its 90 days a number is gone, deleted yet or not", async () => {
    const pointer = pointerOf(newAppId(), "1765432109876123");
    await store().create(pointer);
    now = NOW + RETENTION_MS + 1_000;
    expect(await store().get(pointer.appId, pointer.id)).toBeUndefined();
    expect(await store().getMany(pointer.appId, [pointer.id])).toEqual([]);
    expect(await store().latest(pointer.appId, 1)).toEqual([]);
    now = NOW;
  });
});
