/**
 * Every request that the table sends to DynamoDB, whole, and what each answer means to the caller. The engines of the conformance
 * suite ignore some fields of a request, and never answer some of these errors. The files in `requests/` show everything.
 */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { type Item, NONCE_ATTRIBUTE } from "./codec.ts";
import { createMeter } from "./meter.ts";
import { createTable, type Table } from "./table.ts";
import type { Update } from "./update.ts";

const KEY = { pk: "flow#1", sk: "task#0" };
const NONCE = "nonce-1";
const itemAt = (rev: number, more: Item = {}): Item => ({
  pk: { S: KEY.pk },
  sk: { S: KEY.sk },
  v: { N: "1" },
  rev: { N: String(rev) },
  ...more,
});
const own = (item: Item): Item => ({ ...item, [NONCE_ATTRIBUTE]: { S: NONCE } });

type Answer = object | Error;

/** The answer to a request for which a test has none. */
const PAID = { ConsumedCapacity: { CapacityUnits: 1 } };

/** A client that gives one answer after another; the last one again and again. */
function clientWith(answers: readonly Answer[]) {
  const sent: { name: string; input: unknown }[] = [];
  const client = {
    async send({ constructor: { name }, input }: { constructor: { name: string }; input: unknown }) {
      sent.push({ name: name.replace("Command", ""), input });
      const answer = answers[Math.min(sent.length, answers.length) - 1] ?? PAID;
      if (answer instanceof Error) throw answer;
      return answer;
    },
  } as unknown as DynamoDBClient;
  return { client, sent };
}

function tableWith(...answers: Answer[]) {
  const { client, sent } = clientWith(answers);
  const pauses: number[] = [];
  const sleep = async (ms: number) => void pauses.push(ms);
  const meter = createMeter();
  return { table: createTable({ client, table: "T", random: () => NONCE, sleep, meter }), sent, pauses, meter };
}

/** JSON without the fields that are undefined, with the message of an error. */
function shown(value: unknown): string {
  return (
    JSON.stringify(value, (_, each: unknown) =>
      each instanceof Error ? { ...each, error: each.name, message: each.message } : each,
    ) ?? "nothing"
  );
}

const UPDATES: [name: string, update: Update][] = [
  ["adds to a number", { add: [["n", 2]], repeatable: "-" }],
  ["adds to an entry", { add: [[["m", "a"], 2]], repeatable: "-" }],
  [
    "sets each type of value",
    {
      set: [
        ["n", 1],
        ["s", "text"],
        ["b", false],
      ],
      repeatable: "-",
    },
  ],
  ["sets once", { setOnce: [["n", 7]], repeatable: "-" }],
  ["removes a value and an entry", { remove: ["n", ["m", "a.b"]], repeatable: "-" }],
  ["adds and removes texts", { include: [["in", ["x", "y"]]], exclude: [["out", ["z"]]], repeatable: "-" }],
  [
    "a new row with entries",
    {
      add: [[["m", "a"], 1]],
      set: [
        [["m", "b"], "x"],
        ["n", 3],
        ["map", 5],
      ],
      setOnce: [
        [["k", "c"], true],
        ["o", 4],
      ],
      remove: [["m", "d"], "p"],
      isNewRow: true,
      repeatable: "-",
    },
  ],
  ["only once", { set: [["n", 1]], once: { at: "n", is: "absent" } }],
  [
    "every condition",
    {
      set: [["x", 1]],
      repeatable: "-",
      when: [
        { row: "absent" },
        { row: "present" },
        { at: ["m", "a"], is: "absent" },
        { at: "n", is: "present" },
        { at: "n", equals: 1 },
        { at: "n", equals: "text" },
        { at: "n", equals: true },
        { at: "n", below: 2 },
        { at: "n", atMost: { at: "o" } },
        { at: "n", atLeast: { at: ["m", "a"] } },
        { at: "n", above: 5 },
        { at: "m", sizeAtMost: 6 },
        { at: "s", includes: "x" },
        { at: "s", excludes: "y" },
        {
          anyOf: [
            { at: "n", is: "absent" },
            { at: "n", equals: 0 },
          ],
        },
      ],
    },
  ],
];

const after = itemAt(1, { dueShard: { S: "due#0" }, dueAt: { N: "5" } });
const REQUESTS: [name: string, call: (table: Table) => Promise<unknown>, ...answers: Answer[]][] = [
  ["put of a new item", (table) => table.put(itemAt(1), undefined)],
  ["put over revision 0", (table) => table.put(itemAt(1), 0)],
  ["put over revision 3", (table) => table.put(itemAt(4), 3)],
  ["delete of revision 3", (table) => table.delete(KEY, 3)],
  ["get of an item", (table) => table.get(KEY), { Item: itemAt(1), ConsumedCapacity: { CapacityUnits: 0.5 } }],
  ["get of nothing", (table) => table.get(KEY)],
  ["get of no keys", (table) => table.getAll([])],
  [
    "get of several keys in their order, each read once, without the missing one",
    (table) => table.getAll([{ pk: "b", sk: "2" }, KEY, { pk: "c", sk: "3" }, KEY]),
    { Responses: { T: [itemAt(1), { pk: { S: "b" }, sk: { S: "2" } }] }, ConsumedCapacity: [{ CapacityUnits: 1 }, {}] },
  ],
  ["a batch without a response", (table) => table.getAll([KEY])],
  [
    "a batch with unprocessed keys",
    (table) => table.getAll([KEY, { pk: "b", sk: "2" }]),
    { Responses: { T: [itemAt(1)] }, UnprocessedKeys: { T: { Keys: [{ pk: { S: "b" }, sk: { S: "2" } }] } } },
    { Responses: { T: [{ pk: { S: "b" }, sk: { S: "2" } }] }, UnprocessedKeys: {} },
  ],
  [
    "a batch that is never processed",
    (table) => table.getAll([KEY]),
    { UnprocessedKeys: { T: { Keys: [{ pk: { S: KEY.pk }, sk: { S: KEY.sk } }] } } },
  ],
  ["a partition", (table) => table.partition("flow#1"), { Items: [itemAt(1)] }],
  [
    "a partition of two responses",
    (table) => table.partition("flow#1"),
    { Items: [itemAt(1)], LastEvaluatedKey: { pk: { S: "flow#1" } } },
    { Items: [itemAt(2)] },
  ],
  ["a partition without items", (table) => table.partition("flow#1")],
  ["a list", (table) => table.list({ partition: "flow#1", limit: 5 }), { Items: [itemAt(1)] }],
  ["a list without items", (table) => table.list({ partition: "flow#1", limit: 5 })],
  ["a list from a key", (table) => table.list({ partition: "flow#1", limit: 5, from: "a" })],
  ["a list to a key, descending", (table) => table.list({ partition: "flow#1", limit: 5, to: "a", descending: true })],
  ["a list between two keys", (table) => table.list({ partition: "flow#1", limit: 5, from: "a", to: "b" })],
  ["a list of one key", (table) => table.list({ partition: "flow#1", limit: 5, from: "a", to: "a" })],
  ["a list between keys in the wrong order", (table) => table.list({ partition: "p", limit: 5, from: "b", to: "a" })],
  [
    "a list of the due index after an item",
    (table) => table.list({ partition: "due#0", index: "due", limit: 5, to: 9, after }),
  ],
  ["a list of the app index", (table) => table.list({ partition: "app_1", index: "app", limit: 5, from: "2026" })],
  [
    "a list of two responses",
    (table) => table.list({ partition: "p", limit: 3 }),
    { Items: [itemAt(1)], LastEvaluatedKey: { pk: { S: "p" }, sk: { S: "1" } } },
    { Items: [itemAt(2)] },
  ],
  [
    "a list that is full before the end of the partition",
    (table) => table.list({ partition: "p", limit: 1 }),
    { Items: [itemAt(1)], LastEvaluatedKey: { pk: { S: "p" }, sk: { S: "1" } } },
  ],
  ...UPDATES.map(([name, update]): (typeof REQUESTS)[number] => [
    `an update that ${name}`,
    (table) => table.update(KEY, update),
    { Attributes: itemAt(2, { n: { N: "1" } }), $metadata: { attempts: 1 }, ConsumedCapacity: { CapacityUnits: 1 } },
  ]),
];

test("every request is sent as recorded", async () => {
  const lines: string[] = [];
  for (const [name, call, ...answers] of REQUESTS) {
    const { table, sent, pauses, meter } = tableWith(...answers);
    const result = await call(table).catch((error: unknown) => error);
    lines.push(`${name}: ${shown(result)}`, ...sent.map((each) => `    ${each.name} ${shown(each.input)}`));
    lines.push(`    ${shown({ pauses, ...meter })}`);
  }
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("requests/all.snap");
});

test("without a meter no request asks for its cost", async () => {
  const { client, sent } = clientWith([{ Attributes: itemAt(2) }]);
  const table = createTable({ client, table: "T" });
  await table.put(itemAt(1), undefined);
  await table.update(KEY, UPDATES[0]![1]);
  await table.delete(KEY, 1);
  await table.get(KEY);
  await table.getAll([KEY]);
  await table.partition("p");
  expect(sent.map(({ input }) => (input as { ReturnConsumedCapacity?: string }).ReturnConsumedCapacity)).toEqual(
    Array(6).fill(undefined),
  );
});

test("every write has a nonce of its own", async () => {
  const { client, sent } = clientWith([{}]);
  const table = createTable({ client, table: "T" });
  await table.put(itemAt(1), undefined);
  await table.put(itemAt(1), undefined);
  const nonces = sent.map(({ input }) => (input as { Item: Item }).Item[NONCE_ATTRIBUTE]!.S!);
  expect(nonces[0]).toMatch(/^[\da-f]{8}$/);
  expect(nonces[0]).not.toBe(nonces[1]);
});

test("a read of 201 keys has three requests of at most 100 keys", async () => {
  const { table, sent } = tableWith();
  const keys = Array.from({ length: 201 }, (_, i) => ({ pk: "p", sk: String(i) }));
  await Promise.all([table.getAll(keys.slice(0, 150)), table.getAll(keys.slice(100))]);
  const sizes = sent.map(({ input }) => (input as { RequestItems: { T: { Keys: [] } } }).RequestItems.T.Keys.length);
  expect(sizes).toEqual([100, 100, 1]);
});

/** @param status HTTP status of the response; unset: no response came */
function failed(name: string, status?: number, more: object = {}): Error {
  const $metadata = { ...(status !== undefined && { httpStatusCode: status }), attempts: 1 };
  return Object.assign(new Error(`${name} happened`), { name, $metadata, ...more });
}
const refused = (Item?: Item, attempts = 1) =>
  failed("ConditionalCheckFailedException", 400, { Item, $metadata: { httpStatusCode: 400, attempts } });
const absentMap = () =>
  Object.assign(failed("ValidationException", 400), {
    message: "The document path provided in the update expression is invalid for update",
  });

const THROTTLED = [
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "ThrottlingException",
  "ThrottledException",
  "TooManyRequestsException",
  "TransactionConflictException",
  "TransactionInProgressException",
  "ReplicatedWriteConflictException",
];
const big = { text: { S: "x".repeat(2_000) } };
const ANSWERS: [name: string, ...answers: Answer[]][] = [
  ["is refused with the item of another writer", refused(itemAt(5, big))],
  ["is refused with the item of another writer, after a repetition of the SDK", refused(itemAt(5), 2)],
  ["is refused with an item that has the value", refused(itemAt(5, { n: { N: "1" } }))],
  ["is refused with our own item", refused(own(itemAt(5, { n: { N: "1" } })))],
  ["is refused without an item, and a read finds another's", refused(), { Item: itemAt(5) }],
  ["is refused without an item, and a read finds our own", refused(), { Item: own(itemAt(5, { n: { N: "1" } })) }],
  ["is refused without an item, and a read finds none", refused(), {}],
  ["is refused without an item, and the read fails", refused(), failed("InternalServerError", 500)],
  ["is refused with an item that newer code wrote", refused(itemAt(5, { v: { N: "2" } }))],
  [
    "has no response, and a read finds our own item",
    failed("TimeoutError"),
    { Item: own(itemAt(5, { n: { N: "1" } })) },
  ],
  ["has no response, and a read finds another's", failed("TimeoutError"), { Item: itemAt(5) }],
  [
    "has no response, and a read finds one with the value",
    failed("TimeoutError"),
    { Item: itemAt(5, { n: { N: "1" } }) },
  ],
  ["has no response, and a read finds none", failed("TimeoutError"), {}],
  ["has no response, and the read fails", failed("TimeoutError"), failed("Broken", 400)],
  [
    "fails with status 500, and a read finds our own item",
    failed("InternalServerError", 500),
    { Item: own(itemAt(5, { n: { N: "1" } })) },
  ],
  ["fails with status 500, and a read finds another's", failed("InternalServerError", 500), { Item: itemAt(5) }],
  ["fails with status 499", failed("Odd", 499)],
  ["names an entry of an absent map, and a read finds none", absentMap(), {}],
  [
    "names an entry of an absent map once",
    absentMap(),
    { Item: itemAt(5) },
    { Attributes: itemAt(6, { n: { N: "1" } }) },
  ],
  ["has another error about a document path", Object.assign(failed("OddException", 400), { message: "document path" })],
  ["is wrong", Object.assign(failed("ValidationException", 400), { message: "The expression is wrong" })],
  ...THROTTLED.map((name): (typeof ANSWERS)[number] => [`is throttled with ${name}`, failed(name, 400)]),
];
const entry: Update = { set: [[["m", "a"], 1]], repeatable: "-" };
const WRITES: [name: string, call: (table: Table) => Promise<unknown>][] = [
  ["a put of a new item", (table) => table.put(itemAt(1), undefined)],
  ["a delete", (table) => table.delete(KEY, 3)],
  ["an update that may be repeated", (table) => table.update(KEY, UPDATES[0]![1])],
  ["an update of an entry", (table) => table.update(KEY, entry)],
  ["an update that is made once", (table) => table.update(KEY, { set: [["n", 1]], once: { at: "n", is: "absent" } })],
  ["an update with a condition", (table) => table.update(KEY, { ...entry, when: [{ at: "rev", equals: 5 }] })],
];

test.each(WRITES)("what each answer to %s means is recorded", async (title, call) => {
  const lines: string[] = [];
  for (const [name, ...answers] of ANSWERS) {
    const { table, sent, meter } = tableWith(...answers);
    const result = await call(table).catch((error: unknown) => error);
    lines.push(`${name}: ${shown(result)}`, `    ${sent.map((each) => each.name).join(", ")} ${shown(meter)}`);
  }
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot(`requests/${title.replaceAll(" ", "-")}.snap`);
});

test("an update that keeps its condition `once` true is an error of its caller", async () => {
  const { table } = tableWith({ Attributes: itemAt(2) });
  const update: Update = { set: [["x", 1]], once: { at: "n", is: "absent" } };
  await expect(table.update(KEY, update)).rejects.toThrow("an update does not make its condition `once` false");
});

test("a request is repeated with the maps that the item lacks, and at most four times", async () => {
  const { table, sent } = tableWith(...Array.from({ length: 9 }, () => [absentMap(), { Item: itemAt(5) }]).flat());
  await expect(table.update(KEY, entry)).rejects.toMatchObject({
    code: "overloaded",
    message: "Other writers of the row were first each time.",
  });
  const updates = sent.filter(({ name }) => name === "UpdateItem");
  expect(updates).toHaveLength(5);
  const sets = updates.map(({ input }) => (input as { UpdateExpression: string }).UpdateExpression);
  expect(new Set(sets.slice(1)).size).toBe(1);
  expect(sets[0]).not.toBe(sets[1]);
});
