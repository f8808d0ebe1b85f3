/**
 * What each method of the stores asks of the table, whole: keys, conditions, changed fields, pages, bounds, due entries and times of
 * expiry; and what it returns. `stored-rows.snap` has the whole rows.
 */
import type { CreditChange, CreditCounter } from "@mjflow/core/credit";
import type { Delivery } from "@mjflow/core/delivery";
import type { Flow } from "@mjflow/core/flow";
import { expect, test } from "vitest";
import { createMemoryTable, type MemoryTable } from "../../../test/support/memory/table.ts";
import { type Item, keyOf } from "./codec.ts";
import { createDynamoStore, createStore } from "./dynamo.ts";
import { ATTRIBUTE } from "./keys.ts";
import { createMjTaskIdStore } from "./mj-task-id.ts";
import { tableDefinition } from "./schema.ts";
import * as rows from "./stored-rows.fixture.ts";
import { createStreamSlots } from "./stream-slots.ts";
import { createSweepLeases } from "./sweep-lease.ts";
import type { Table } from "./table.ts";
import { createUploadCounts } from "./upload-count.ts";
import { createWebhookStore } from "./webhook.ts";

const { at, appId, flowId, listener } = rows;
const DAY = 24 * 3_600_000;

const PLACES: readonly string[] = Object.values(ATTRIBUTE);
const placesOf = (item: Item) => Object.fromEntries(Object.entries(item).filter(([name]) => PLACES.includes(name)));

/** JSON with the entries of maps, and "unset" for undefined. */
function shown(value: unknown): string {
  const text = JSON.stringify(value, (_, each: unknown) => (each instanceof Map ? [...each] : each)) ?? "unset";
  const named = text.replaceAll(flowId, "<flow>").replaceAll(appId, "<app>").replaceAll(listener, "<endpoint>");
  return named.length > 600 ? `${named.slice(0, 600)}… of ${named.length}` : named;
}

/** A table that notes its requests. `refuse` makes the next writes lose against another writer. */
function watching() {
  const asked: string[] = [];
  const state = { lose: 0, before: async () => {} };
  const watch = (memory: MemoryTable): Table => {
    const noted =
      <A extends unknown[], R>(
        name: string,
        call: (...args: A) => Promise<R>,
        show: (args: A) => unknown = (args) => args,
      ) =>
      (...args: A) => {
        asked.push(`${name} ${shown(show(args))}`);
        return call(...args);
      };
    return {
      put: noted("put", memory.put, ([item, rev]) => ({ ...placesOf(item), rev })),
      update: noted("update", async (key, update) => {
        await state.before();
        if (state.lose-- > 0) return { ok: false, current: await memory.get(key), sentOnce: true };
        return memory.update(key, update);
      }),
      delete: noted("delete", memory.delete),
      get: noted("get", memory.get),
      getAll: noted("getAll", memory.getAll),
      partition: noted("partition", memory.partition),
      list: noted("list", memory.list),
    };
  };
  return { watch, asked, state };
}

type Stores = Awaited<ReturnType<typeof open>>;
async function open() {
  const watched = watching();
  const made = await rows.storeAll(16, watched.watch);
  watched.asked.length = 0;
  const { table, memory } = made;
  return {
    ...made,
    ...watched,
    memory,
    streams: createStreamSlots(table),
    leases: createSweepLeases(table),
    uploads: createUploadCounts(table),
  };
}

const counter: CreditCounter = {
  ...{ appId, rev: 1, added: 9, settled: 1, refunded: 2, used: 5, running: 1, fullAtUs: 7, entries: { e1: "1" } },
  ...{ days: { "2026-11-30": { flows: 1, settled: 2 } }, dueAt: at + 9 },
};
const change: CreditChange = { when: [], repetition: { harmless: "a test" }, at };
const slots = { provider: "p", account: "a", kind: "tasks" as const, row: 3 };
const entry = { appId, createdAt: at, flowId, path: "0" };
const event = {
  subject: "0-1",
  name: "completed",
  happenedAt: at,
  recordedAt: at + 40,
  outcomes: new Map<string, number | "row" | "parked">([
    [listener, 200],
    ["notifyHook", "row"],
  ]),
};
const log = (more: object = {}) => ({ records: [event, { ...event, name: "failed" }], ...more });
const outcome = { subject: "0-1", name: "completed", listener, from: 200, to: "parked" } as const;
const job = { partition: "due#0" } as Parameters<ReturnType<typeof createSweepLeases>["take"]>[0];
const deliveries = { appId, listeners: [listener, "notifyHook"], limit: 2 };
const credit = async ({ store }: Stores, ...changes: CreditChange[]) => {
  await store.createCreditCounter(counter);
  const results = [];
  for (const each of changes) results.push(await store.changeCredit(appId, each));
  return results;
};

const CALLS: [name: string, call: (stores: Stores) => Promise<unknown>][] = [
  ["flow: create again", ({ store }) => store.createFlow(rows.flow, { ...rows.task, path: "0" })],
  ["flow: save", ({ store }) => store.saveFlow({ ...rows.flow, rev: 1 } as Flow)],
  ["flow: save of an old revision", async ({ store }) => (await store.saveFlow({ ...rows.flow, rev: 7 } as Flow)).ok],
  ["task: create again", async ({ store }) => (await store.createTask(rows.task)).ok],
  ["task: save", async ({ store }) => (await store.saveTask({ ...rows.task, rev: 1 })).ok],
  ["task: delete", ({ store }) => store.deleteTask({ ...rows.task, rev: 1 })],
  ["tasks: delete all of a flow", ({ store }) => store.deleteTasks(flowId)],
  ["flow: load alone", async ({ store }) => Object.keys(await store.load(flowId, []))],
  ["flow: load with a task", async ({ store }) => (await store.load(flowId, ["0-1"])).tasks.length],
  [
    "flow: load with tasks, each once",
    async ({ store }) => (await store.load(flowId, ["0-2", "0-1", "0-2", "0-9"])).tasks.map(({ path }) => path),
  ],
  ["task: get", async ({ store }) => (await store.getTask({ flowId, path: "0-1" }))?.path],
  [
    "tasks: get",
    async ({ store }) =>
      (
        await store.getTasks([
          { flowId, path: "0-2" },
          { flowId, path: "0-9" },
        ])
      ).map(({ path }) => path),
  ],
  ["flow: load whole", async ({ store }) => (await store.loadFlow(flowId)).tasks.map(({ path }) => path)],
  ["flows: list", async ({ store }) => (await store.listFlows(appId, 1)).flows.map(({ id }) => id)],
  [
    "flows: list oldest first",
    async ({ store }) =>
      (await store.listFlows(appId, 1, undefined, { oldestFirst: true, since: at - 1, until: at + 1 })).flows.length,
  ],
  [
    "due: the partitions that have an entry, and their pages",
    async ({ store, asked }) => {
      const partitions = await store.duePartitions(at + 4);
      const all = asked.splice(0).length;
      const pages = [];
      for (const [before, limit] of [
        [at + 4, 1],
        [at + 4, 2],
        [at + 3, 1],
      ] as const) {
        const page = await store.due(partitions[0]!.name, before, limit);
        pages.push(page, page.next && (await store.due(partitions[0]!.name, before, limit, page.next)));
      }
      return [partitions.map(({ name }) => name), all, pages];
    },
  ],
  ["health: get", async ({ store }) => (await store.health("trueai-org", "default"))?.rev],
  [
    "healths: get",
    async ({ store }) =>
      (
        await store.healths([
          { provider: "trueai-org", account: "default" },
          { provider: "x", account: "y" },
        ])
      ).length,
  ],
  ["health: save", ({ store }) => store.saveHealth({ ...rows.health, rev: 1 })],
  ["health: save of an old revision", ({ store }) => store.saveHealth({ ...rows.health, rev: 3 })],
  [
    "dead letter: save",
    async ({ store }) => (await store.saveDeadLetter({ ...rows.deadLetter, state: "redriven" as never })).ok,
  ],
  ["dead letter: get", async ({ store }) => (await store.getDeadLetter("d1"))?.id],
  [
    "dead letters: list those that are kept",
    async ({ store }) => {
      for (const [id, state] of [
        ["d2", "kept"],
        ["d3", "discarded"],
        ["d4", "kept"],
      ] as const)
        await store.saveNewDeadLetter({ ...rows.deadLetter, id, state: state as never, rev: 9 });
      return [
        (await store.listDeadLetters(2)).map(({ id, rev }) => [id, rev]),
        (await store.listDeadLetters(9)).length,
      ];
    },
  ],
  ["app: get", async ({ store }) => (await store.app(appId))?.id],
  ["apps: list", async ({ store }) => (await store.listApps(1)).apps.map(({ id }) => id)],
  [
    "apps: list page by page",
    async ({ store }) => {
      for (const [n, id] of ["app_01K9ZC7T3R8M2V5X0Q4B6N1JHF", "app_01K9ZC7T3R8M2V5X0Q4B6N1JHG"].entries())
        await store.saveApp({ ...rows.app, id, createdAt: at + n + 1, deletedAt: undefined } as never);
      const first = await store.listApps(2);
      const next = await store.listApps(2, first.cursor);
      return [first, next].map(({ apps, cursor }) => [apps.map(({ id }) => id), cursor]);
    },
  ],
  ...["", "x", `2026-11-21T00:00:00.000Z#${appId}x`, `x2026-11-21T00:00:00.000Z#${appId}`, "2026#app_1"].map(
    (text): (typeof CALLS)[number] => [
      `apps: a cursor of "${text}"`,
      ({ store }) => store.listApps(2, Buffer.from(text).toString("base64url")),
    ],
  ),
  ["apps: list none", ({ store }) => store.listApps(0)],
  [
    "apps: list, although the index still has a deleted one",
    async ({ store, memory }) => {
      const key = { pk: "app#app_01K9ZC7T3R8M2V5X0Q4B6N1JHE", sk: "app" };
      const item = (await memory.get(key))!;
      await memory.put({ ...item, de: { N: "1" }, rev: { N: "2" } }, 1);
      return store.listApps(5);
    },
  ],
  [
    "app: with a key",
    async ({ store }) =>
      Object.values(await store.appWithKey(appId, "k2")).map((each) => (each as { id?: string })?.id),
  ],
  ["keys: list", async ({ store }) => (await store.appKeys(appId)).map(({ id }) => id)],
  [
    "key: save",
    async ({ store }) =>
      (await store.saveAppKey({ ...rows.key, rev: 1, revokedAt: undefined, expiresAt: at + 5 } as never)).ok,
  ],
  [
    "templates: list, get, delete",
    async ({ store }) => [
      (await store.templates(appId)).length,
      (await store.template(appId, "four"))?.rev,
      await store.deleteTemplate({ ...rows.template, rev: 1 }),
    ],
  ],
  [
    "folders: list, get, rename, delete",
    async ({ marks }) => [
      (await marks.folders(appId)).length,
      (await marks.folder(appId, rows.folder.id))?.rev,
      (await marks.saveFolder({ ...rows.folder, rev: 1, name: "x" })).ok,
      await marks.deleteFolder({ ...rows.folder, rev: 2 }),
      await marks.folders(appId),
    ],
  ],
  [
    "marks: add again, read, remove, remove again",
    async ({ marks }) => [
      await marks.addMark(rows.mark),
      await marks.addMark({ ...rows.mark, list: "favorite" }),
      (await marks.marksOfFlows(appId, flowId, flowId)).map(({ list }) => list),
      (await marks.marksOfPicture(appId, rows.mark)).length,
      (await marks.marksOfPicture(appId, { ...rows.mark, number: 30 })).length,
      await marks.removeMark(rows.mark),
      await marks.removeMark(rows.mark),
      (await marks.marksOfFlows(appId, flowId, flowId)).length,
    ],
  ],
  [
    "marks: the pages of a list",
    async ({ marks, asked }) => {
      const list = "favorite";
      for (const path of ["0", "0-1", "0-1-2"]) await marks.addMark({ ...rows.mark, path, list });
      await marks.addMark({ ...rows.mark, path: "0-1", number: 4, list });
      await marks.addMark({ ...rows.mark, path: "0-2", endedAt: at + 9, list });
      asked.length = 0;
      const shownOf = async (range: object) =>
        (await marks.listMarks(appId, list, { limit: 9, ...range })).map(({ path, number }) => `${path}.${number}`);
      const after = (path: string, endedAt = at + 4) => ({ after: { ...rows.mark, path, endedAt } });
      return [
        await marks.listMarks(appId, list, { limit: 1 }),
        await shownOf({}),
        await shownOf(after("0-2", at + 9)),
        await shownOf(after("0-1-2")),
        await shownOf(after("0-1")),
        await shownOf(after("0")),
        await shownOf({ since: at, until: at }),
        await shownOf({ since: at + 1 }),
        await shownOf({ until: at - 1, ...after("0-1") }),
      ];
    },
  ],
  [
    "marks: delete those of a list and of a flow",
    async ({ marks, memory }) => {
      for (const number of [1, 2]) await marks.addMark({ ...rows.mark, number, list: "favorite" });
      await marks.deleteMarksOfList(appId, rows.folder.id, 10);
      const left = () => memory.dump().filter(({ pk }) => pk?.S?.startsWith("marks#")).length;
      const before = left();
      await marks.deleteMarksOfFlow(appId, flowId);
      return [before, left()];
    },
  ],
  [
    "tokens: list, get, delete",
    async ({ store }) => [
      (await store.accessTokens(flowId)).length,
      (await store.accessToken(flowId, "7QK2M9XA"))?.rev,
      await store.deleteAccessToken({ ...rows.token, rev: 1 }),
      await store.accessTokens(flowId),
    ],
  ],
  [
    "tokens: those that have ended are not listed, and are deleted with the others",
    async ({ store }) => {
      for (const [n, id] of ["a", "b", "c"].entries())
        await store.saveAccessToken({ ...rows.token, id, rev: 0, expiresAt: at + n - 1 });
      return [
        (await store.accessTokens(flowId)).map(({ id }) => id),
        await store.deleteAccessTokens(flowId),
        await store.accessTokens(flowId),
      ];
    },
  ],
  ["idempotency: save", async ({ store }) => (await store.saveIdempotency({ ...rows.idempotency, rev: 1 })).ok],
  ["account: state", async ({ store }) => Object.keys(await store.accountState("trueai-org", "default"))],
  [
    "slots: acquire, renew, release",
    async ({ store }) => [
      await store.acquireSlots(slots, ["x", "y"], 3, at),
      await store.acquireSlots(slots, ["z"], 2, at, ["x", "never"]),
      await store.acquireSlots(slots, ["z"], 3, at + 1, ["x"]),
      await store.renewSlot(slots, "z", at + 1, at + 2),
      await store.renewSlot(slots, "z", at + 1, at + 3),
      await store.releaseSlot(slots, "z", at + 1),
      await store.releaseSlot(slots, "z", at + 2),
      (await store.accountState("p", "a")).slots,
    ],
  ],
  ["slots: no names", ({ store }) => store.acquireSlots(slots, [], 3, at)],
  ["slots: more names than slots", ({ store }) => store.acquireSlots(slots, ["x", "y"], 1, at)],
  ["slots: as many names as slots", async ({ store }) => (await store.acquireSlots(slots, ["x", "y"], 2, at)).ok],
  [
    "slots: the response of the write was lost",
    async ({ store, state }) => {
      await store.acquireSlots(slots, ["x", "y"], 3, at);
      state.lose = 2;
      return [
        (await store.acquireSlots(slots, ["x", "y"], 3, at)).ok,
        (await store.acquireSlots(slots, ["x", "z"], 3, at)).ok,
      ];
    },
  ],
  [
    "wait list: get and save",
    async ({ store }) => [
      (await store.waitList("trueai-org", "two"))?.rev,
      (await store.waitLists([{ provider: "trueai-org", account: "default" }])).length,
      (await store.saveWaitList({ ...rows.waitList, rev: 1, due: undefined } as never)).ok,
    ],
  ],
  [
    "waiting tasks: add twice, look, list, remove",
    async ({ store }) => {
      await store.addWaiting("p", "a", entry);
      await store.addWaiting("p", "a", { ...entry, path: "0-1" });
      await store.addWaiting("p", "a", entry);
      const before = [
        await store.isWaiting("p", "a", entry),
        await store.isWaiting("p", "b", entry),
        await store.listWaiting("p", "a", { limit: 5 }),
      ];
      await store.removeWaiting("p", "a", entry);
      return [
        ...before,
        await store.isWaiting("p", "a", entry),
        await store.listWaiting("p", "a", { limit: 1, from: "app" }),
      ];
    },
  ],
  [
    "credit: a counter that does not exist",
    async ({ store }) => [await store.creditCounter(appId), await store.changeCredit(appId, change)],
  ],
  [
    "credit: create twice",
    async (stores) => [
      await credit(stores),
      await stores.store.createCreditCounter({ ...counter, added: 0 }),
      await stores.store.creditCounter(appId),
    ],
  ],
  [
    "credit: a counter without anything",
    async ({ store }) => {
      await store.createCreditCounter({
        ...{ appId, rev: 1, added: 0, settled: 0, refunded: 0, used: 0, running: 0 },
        entries: {},
        days: {},
      });
      return [await store.creditCounter(appId), await store.changeCredit(appId, { ...change, enter: { a: "1" } })];
    },
  ],
  ["credit: add", (stores) => credit(stores, { ...change, add: { added: 1, used: -2 } })],
  [
    "credit: the rate limit",
    (stores) => credit(stores, { ...change, fullAtUs: { set: 5 } }, { ...change, fullAtUs: { add: 3 } }),
  ],
  [
    "credit: entries",
    (stores) =>
      credit(
        stores,
        { ...change, enter: { e2: "2" }, leave: ["e1"] },
        { ...change, enter: { e3: "3" }, dueAt: at + 3 },
      ),
  ],
  [
    "credit: days",
    (stores) =>
      credit(
        stores,
        { ...change, day: { date: "2026-12-01", flows: 1, settled: 5 } },
        { ...change, removeDay: "2026-11-30" },
      ),
  ],
  [
    "credit: due times",
    (stores) =>
      credit(stores, { ...change, dueAt: at + 4 }, { ...change, dueAt: null }, { ...change, enter: { e4: "4" } }),
  ],
  [
    "credit: each condition that is true, and that is false",
    (stores) =>
      credit(
        stores,
        ...(
          [
            { entry: "e1", is: "present" },
            { entry: "e1", is: "absent" },
            { entry: "e1", equals: "1" },
            { entry: "e1", equals: "2" },
            { at: "used", atMost: 5 },
            { at: "used", atMost: 4 },
            { at: "running", below: 2 },
            { at: "running", below: 1 },
            { at: "fullAtUs", above: 6 },
            { at: "fullAtUs", above: 7 },
            { at: "fullAtUs", equals: 7 },
            { at: "fullAtUs", absentOrAtMost: 7 },
            { at: "fullAtUs", absentOrAtMost: 6 },
            { at: "dueAt", equals: at + 9 },
            { day: "2026-11-30", equals: { flows: 1, settled: 2 } },
            { day: "2026-11-30", equals: { flows: 1, settled: 3 } },
            { day: "2026-11-30", equals: { flows: 2, settled: 2 } },
          ] as CreditChange["when"]
        ).map((each) => ({ ...change, when: [each] })),
      ),
  ],
  [
    "credit: once",
    (stores) =>
      credit(
        stores,
        ...[1, 2].map(() => ({
          ...change,
          enter: { e5: "5" },
          repetition: { once: { entry: "e5", is: "absent" as const } },
        })),
      ),
  ],
  [
    "credit: days of their own",
    async ({ store }) => [
      await store.saveCreditDay(appId, "2026-11-29", { flows: 1, settled: 2 }),
      await store.saveCreditDay(appId, "2026-11-29", { flows: 1, settled: 2 }),
      await store.saveCreditDay(appId, "2026-11-29", { flows: 2, settled: 2 }),
      await store.saveCreditDay(appId, "2026-11-29", { flows: 1, settled: 3 }),
      await store.saveCreditDay(appId, "2026-11-28", { flows: 0, settled: 0 }),
      await store.creditDays(appId, 1),
      await store.creditDays(appId, 5),
    ],
  ],
  [
    "credit: the row of earlier versions",
    async ({ store }) => [
      (await store.creditRow(appId))?.frozen,
      (await store.saveCreditRow({ ...rows.credit, rev: 1 })).ok,
      (await store.creditRow("app_01K9ZC7T3R8M2V5X0Q4B6N1JHE"))?.rev,
    ],
  ],
  [
    "credit: grants",
    async ({ store }) => [await store.grant(appId, "none"), (await store.saveGrant({ ...rows.grant, rev: 1 })).ok],
  ],
  [
    "endpoints",
    async ({ webhooks }) => [
      (await webhooks.endpoints(appId)).map(({ id }) => id),
      (await webhooks.saveEndpoint({ ...rows.endpoint, rev: 1 })).ok,
      await webhooks.deleteEndpoint({ ...rows.endpoint, rev: 2 }),
      await webhooks.endpoint(appId, listener),
    ],
  ],
  [
    "deliveries: of a flow, of a task, by id",
    async ({ webhooks }) => [
      (await webhooks.deliveriesOf(flowId)).length,
      (await webhooks.deliveriesOf(flowId, "flow")).length,
      (await webhooks.deliveriesOf(flowId, "0")).length,
      await webhooks.delivery("odd"),
    ],
  ],
  [
    "deliveries: save and delete all of a flow",
    async ({ webhooks }) => [
      (await webhooks.saveDelivery({ ...rows.delivery, rev: 1 })).ok,
      await webhooks.saveDeliveryRecords(flowId, 0, log()),
      await webhooks.deleteDeliveries(flowId),
      await webhooks.deliveriesOf(flowId),
      await webhooks.deliveryLog(flowId, 0),
    ],
  ],
  ["delivery log: nothing", ({ webhooks }) => webhooks.deliveryLog(flowId, 5)],
  [
    "delivery log: records, again, and with an end",
    async ({ webhooks }) => [
      await webhooks.saveDeliveryRecords(flowId, 1, log()),
      await webhooks.saveDeliveryRecords(flowId, 1, log()),
      await webhooks.saveDeliveryRecords(flowId, 1, log({ isFlowEnded: true })),
      await webhooks.deliveryLog(flowId, 1),
    ],
  ],
  [
    "delivery log: the mark alone",
    async ({ webhooks }) => [
      await webhooks.saveDeliveryRecords(flowId, 1, { isFlowEnded: true }),
      await webhooks.saveDeliveryRecords(flowId, 1, {}),
    ],
  ],
  [
    "delivery log: records of another writer",
    async ({ webhooks }) => {
      await webhooks.saveDeliveryRecords(flowId, 1, { records: [{ ...event, recordedAt: at + 1 }] });
      return [
        await webhooks.saveDeliveryRecords(flowId, 1, log({ isFlowEnded: true })),
        await webhooks.saveDeliveryRecords(flowId, 1, { records: [event], isFlowEnded: true }),
        await webhooks.saveDeliveryRecords(flowId, 1, { records: [event] }),
      ];
    },
  ],
  [
    "delivery log: an outcome that changes, that is another, that is unknown",
    async ({ webhooks }) => {
      await webhooks.saveDeliveryRecords(flowId, 1, log());
      const results = [
        await webhooks.changeOutcome(flowId, 1, outcome),
        await webhooks.changeOutcome(flowId, 1, outcome),
        await webhooks.changeOutcome(flowId, 1, { ...outcome, name: "odd" }),
        await webhooks.changeOutcome(flowId, 9, outcome),
      ];
      return [...results, await webhooks.deliveryLog(flowId, 1)];
    },
  ],
  [
    "delivery log: an outcome that other writers change meanwhile",
    async ({ webhooks, state }) => {
      await webhooks.saveDeliveryRecords(flowId, 1, log());
      state.lose = 4;
      const last = await webhooks.changeOutcome(flowId, 1, outcome);
      state.lose = 5;
      return [last, await webhooks.changeOutcome(flowId, 1, { ...outcome, from: "parked", to: 200 })];
    },
  ],
  [
    "delivery log: an outcome whose row is deleted meanwhile",
    async ({ webhooks, memory, state }) => {
      await webhooks.saveDeliveryRecords(flowId, 1, log());
      state.lose = 1;
      state.before = () => memory.delete({ pk: `flow#${flowId}`, sk: "log#1" }, 1);
      return webhooks.changeOutcome(flowId, 1, outcome);
    },
  ],
  [
    "delivery log: progress",
    async ({ webhooks }) => [
      await webhooks.claimProgress(flowId, 1, "0", at, 50),
      await webhooks.claimProgress(flowId, 1, "0", at + 49, 50),
      await webhooks.claimProgress(flowId, 1, "0", at + 50, 50),
      await webhooks.claimProgress(flowId, 1, "0-1", at, 50),
    ],
  ],
  [
    "replays",
    async ({ webhooks }) => [
      (await webhooks.replays(appId)).length,
      (await webhooks.saveReplay({ ...rows.replay, rev: 1, due: undefined } as never)).ok,
    ],
  ],
  ...(
    [
      {},
      { oldestFirst: true },
      { since: at },
      { until: at - 1 },
      { since: at - 1, until: at + 1, oldestFirst: true },
    ] as const
  ).map((more): (typeof CALLS)[number] => [
    `deliveries: list with ${shown(more)}`,
    async ({ webhooks }) => {
      for (const [n, name] of ["a", "b", "c"].entries())
        await webhooks.saveDelivery({ ...rows.delivery, name, createdAt: at + n } as Delivery);
      const first = await webhooks.listDeliveries({ ...deliveries, ...more });
      const next =
        first.cursor === undefined
          ? undefined
          : await webhooks.listDeliveries({ ...deliveries, ...more, cursor: first.cursor });
      return [first, next].map((page) => page && [page.deliveries.map(({ name }) => name), page.cursor]);
    },
  ]),
  ...[["app_other", "x#dlv_1"], [appId], [appId, 7], [appId, "x"], "text"].map((value): (typeof CALLS)[number] => [
    `deliveries: a cursor of ${shown(value)}`,
    ({ webhooks }) =>
      webhooks.listDeliveries({ ...deliveries, cursor: Buffer.from(JSON.stringify(value)).toString("base64url") }),
  ]),
  [
    "vendor accounts",
    async ({ vendors }) => [
      (await vendors.storedAccounts()).length,
      (await vendors.saveStoredAccount({ ...rows.account, rev: 1 })).ok,
      await vendors.deleteStoredAccount({ ...rows.account, rev: 2 }),
      await vendors.storedAccount("trueai-org", "two"),
    ],
  ],
  [
    "banned words",
    async ({ vendors }) => [
      (await vendors.bannedList())?.rev,
      await vendors.bannedRevision(),
      (await vendors.saveBannedList({ rev: 1, words: [], updatedAt: at })).ok,
      await vendors.bannedRevision(),
    ],
  ],
  [
    "slots of earlier versions",
    async ({ vendors }) => [
      (await vendors.saveSlots({ ...rows.slots, rev: 1 })).ok,
      (await vendors.slots("x", "y"))?.held,
    ],
  ],
  [
    "compat ids: create again, get, get many, delete",
    async ({ mj }) => [
      mj.isSpread,
      await mj.create(rows.pointer),
      (await mj.getMany(appId, [rows.pointer.id, "1763700000123457", rows.pointer.id])).length,
      await mj.delete(rows.pointer),
      await mj.get(appId, rows.pointer.id),
    ],
  ],
  [
    "compat ids: the latest",
    async ({ mj, asked }) => {
      for (let n = 0; n < 30; n++) await mj.create({ ...rows.pointer, id: String(1_763_700_000_123_500 + n), rev: 0 });
      asked.length = 0;
      return [(await mj.latest(appId, 3)).map(({ id }) => id), (await mj.latest(appId, 40)).length];
    },
  ],
  [
    "streams",
    async ({ streams }) => {
      const acquire = (id: string, max: number, now: number) => streams.acquire(appId, id, max, now, now - 10);
      const results = [];
      for (const [id, max, now] of [
        ["a", 0, 0],
        ["a", 2, 100],
        ["a", 2, 101],
        ["b", 2, 101],
        ["c", 2, 102],
        ["c", 2, 111],
        ["d", 3, 112],
      ] as const)
        results.push(await acquire(id, max, now));
      await streams.release(appId, "b");
      await streams.release(appId, "b");
      results.push(await acquire("e", 2, 113), await acquire("f", 1, 500));
      return results;
    },
  ],
  [
    "streams: many that are stale",
    async ({ streams, asked }) => {
      for (let n = 0; n < 25; n++) await streams.acquire(appId, `s${n}`, 25, n, 0);
      asked.length = 0;
      return [
        await streams.acquire(appId, "x", 25, 1_000_500, 1_000_000),
        await streams.acquire(appId, "y", 2, 1_000_500, 1_000_000),
      ];
    },
  ],
  [
    "streams: another writer is first",
    async ({ streams, state }) => {
      await streams.acquire(appId, "a", 1, 100, 0);
      state.lose = 2;
      return [await streams.acquire(appId, "b", 1, 500, 200), await streams.acquire(appId, "a", 1, 500, 200)];
    },
  ],
  [
    "sweep leases",
    async ({ leases }) => {
      const first = (await leases.take(job, at, at + 5))!;
      const results = [first, await leases.take(job, at + 4, at + 9)];
      await leases.end(first);
      const second = await leases.take({ ...job, slice: 2 }, at, at + 5);
      const third = (await leases.take(job, at + 4, at + 9))!;
      results.push(second!, third, await leases.take(job, at + 9, at + 20));
      await leases.end(third);
      return [...results, await leases.take(job, at + 19, at + 30)];
    },
  ],
  [
    "uploads",
    async ({ uploads }) => {
      const most = { bytes: 100, uploads: 2 };
      const results = [];
      for (const [hour, bytes] of [
        [at, 101],
        [at, 60],
        [at, 41],
        [at, 40],
        [at, 0],
        [at + 3_600_000, 100],
      ] as const)
        results.push(await uploads.add(appId, hour, bytes, most));
      return results;
    },
  ],
];

test("each method of the stores asks what is recorded", async () => {
  const lines: string[] = [];
  for (const [name, call] of CALLS) {
    const stores = await open();
    const result = await call(stores).catch(({ name, code, message }) => ({ name, code, message }));
    lines.push(`${name}: ${shown(result)}`, ...stores.asked.map((each) => `    ${each}`));
  }
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("requests/stores.snap");
});

test("without a clock and a number of shards a store has those of a large deployment", async () => {
  const { watch, asked } = watching();
  const table = watch(createMemoryTable());
  const now = Date.now();
  const flow = { ...rows.flow, createdAt: now, deletedAt: undefined, due: now } as never;
  await createStore({ table }).createFlow(flow, { ...rows.task, path: "0", createdAt: now });
  await createMjTaskIdStore(table).create({ ...rows.pointer, rev: 0, createdAt: now });
  await createWebhookStore({ table }).saveDelivery({ ...rows.delivery, createdAt: now });
  expect((await createStore({ table }).loadFlow(flowId)).flow?.id).toBe(flowId);
  expect(await createStore({ table, now: () => now + 36 * DAY }).loadFlow(flowId)).toEqual({
    flow: undefined,
    tasks: [],
  });
  expect(await createMjTaskIdStore(table).get(appId, rows.pointer.id)).toBeDefined();
  expect(await createMjTaskIdStore(table, { now: () => now + 36 * DAY }).get(appId, rows.pointer.id)).toBeUndefined();
  expect(await createWebhookStore({ table }).deliveriesOf(flowId)).toHaveLength(1);
  const shards = asked.flatMap((each) => /"dueShard":\{"S":"([^"]+)"/.exec(each)?.[1] ?? []);
  expect(new Set(shards).size).toBeGreaterThan(0);
  expect(
    shards.every((shard) => /^due#\w+#\d+$/.test(shard)),
    String(shards),
  ).toBe(true);
});

test("the store on DynamoDB passes its clock and its shards on", async () => {
  const sent: { input: { Item?: Item } }[] = [];
  const send = async (command: (typeof sent)[number]) => {
    sent.push(command);
    return {};
  };
  const client = { send } as never;
  await createDynamoStore({ client, table: "T", dueShards: 1 }).createFlow(
    { ...rows.flow, deletedAt: undefined } as never,
    rows.task,
  );
  expect(sent.map(({ input }) => keyOf(input.Item!).pk)).toEqual([`flow#${flowId}`, `flow#${flowId}`]);
  expect(sent.at(-1)!.input.Item!["dueShard"]).toEqual({ S: "due#flow#0" });
});

test("the table and its indexes are made as recorded", () => {
  const keys = (hash: string, range: string) => [
    { AttributeName: hash, KeyType: "HASH" },
    { AttributeName: range, KeyType: "RANGE" },
  ];
  const text = (AttributeName: string) => ({ AttributeName, AttributeType: "S" });
  expect(tableDefinition("T")).toEqual({
    TableName: "T",
    BillingMode: "PAY_PER_REQUEST",
    KeySchema: keys("pk", "sk"),
    AttributeDefinitions: [
      text("pk"),
      text("sk"),
      text("dueShard"),
      { AttributeName: "dueAt", AttributeType: "N" },
      text("appId"),
      text("listedAt"),
    ],
    GlobalSecondaryIndexes: [
      { IndexName: "due", KeySchema: keys("dueShard", "dueAt"), Projection: { ProjectionType: "KEYS_ONLY" } },
      { IndexName: "app", KeySchema: keys("appId", "listedAt"), Projection: { ProjectionType: "KEYS_ONLY" } },
    ],
  });
});
