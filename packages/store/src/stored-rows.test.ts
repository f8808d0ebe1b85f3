/**
 * The stored form of every kind of row with a revision. Two versions of mjflow read and write the same rows during a deployment, so a
 * row must not change by accident. `Required` makes the compiler ask for every new field.
 */
import { expect, test } from "vitest";
import { type Item, keyOf } from "./codec.ts";
import { keyText } from "./keys.ts";
import {
  account,
  app,
  appId,
  at,
  credit,
  deadLetter,
  delivery,
  endpoint,
  flow,
  flowId,
  folder,
  grant,
  health,
  idempotency,
  key,
  listener,
  mark,
  pointer,
  replay,
  slots,
  storeAll,
  task,
  template,
  token,
  waitList,
} from "./stored-rows.fixture.ts";

/** One line for each attribute, sorted, so that a difference names the row and the attribute. */
function linesOf(items: readonly Item[]): string {
  const rows = items.map((item): [string, Item] => [keyText(keyOf(item)), item]).sort(([a], [b]) => (a < b ? -1 : 1));
  return rows
    .map(([name, item]) => {
      const attributes = Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1));
      return [name, ...attributes.map(([attribute, value]) => `  ${attribute} ${JSON.stringify(value)}`), ""].join(
        "\n",
      );
    })
    .join("\n");
}

test("every row is stored in the form that earlier versions read", async () => {
  const { items } = await storeAll(16);
  await expect(linesOf(items)).toMatchFileSnapshot("./stored-rows.snap");
});

test("in a small deployment every row is due and listed where earlier versions look", async () => {
  const { items } = await storeAll(1);
  const places = items.map(({ pk, sk, dueShard, dueAt, appId: partition, listedAt }) =>
    Object.fromEntries(
      Object.entries({ pk, sk, dueShard, dueAt, appId: partition, listedAt }).filter(([, set]) => set),
    ),
  );
  await expect(linesOf(places as Item[])).toMatchFileSnapshot("./stored-places.snap");
});

test("every field of every entity is read as it was written", async () => {
  const { store, webhooks, vendors, mj, marks } = await storeAll(16);
  const stored = <T extends { rev: number }>(value: T) => ({ ...value, rev: 1 });
  const { flow: readFlow, tasks } = await store.load(flowId, ["0-1"]);
  expect(readFlow).toEqual(stored(flow));
  expect(tasks).toEqual([stored(task)]);
  expect(await store.health("trueai-org", "default")).toEqual(stored(health));
  expect(await store.getDeadLetter("d1")).toEqual(stored(deadLetter));
  expect(await store.appWithKey(appId, "k1")).toEqual({ app: stored(app), key: stored(key) });
  expect(await store.template(appId, "four")).toEqual(stored(template));
  expect(await marks.folder(appId, folder.id)).toEqual(stored(folder));
  expect(await marks.marksOfFlows(appId, flowId, flowId)).toEqual([stored(mark)]);
  expect(await store.accessToken(flowId, "7QK2M9XA")).toEqual(stored(token));
  expect(await store.saveIdempotency(idempotency)).toEqual({ ok: false, current: stored(idempotency) });
  expect(await store.waitList("trueai-org", "default")).toEqual(stored(waitList));
  expect(await store.creditRow(appId)).toEqual(stored(credit));
  expect(await store.grant(appId, "bill#1")).toEqual(stored(grant));
  expect(await webhooks.endpoint(appId, listener)).toEqual(stored(endpoint));
  expect(await webhooks.deliveriesOf(flowId)).toContainEqual(stored(delivery));
  expect(await webhooks.replay(appId, "rp_1")).toEqual(stored(replay));
  expect(await vendors.storedAccount("trueai-org", "two")).toEqual(stored(account));
  expect(await vendors.bannedList()).toEqual({ rev: 1, words: ["x"], updatedAt: at });
  expect(await vendors.slots("trueai-org", "default")).toEqual(stored(slots));
  expect(await mj.get(appId, pointer.id)).toEqual(pointer);
});
