/** The key of every kind of row, and what the code tells from a key. */
import { expect, test } from "vitest";
import * as keys from "./keys.ts";

const APP = "app_01K9ZC7T3R8M2V5X0Q4B6N1JHD";
const FLOW = "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD";
const ENDPOINT = "ep_01K9ZC7T3R8M2V5X0Q4B6N1JHD";
const delivery = { flowId: FLOW, subject: "0-1", name: "completed", listener: ENDPOINT };
const account = { provider: "fake", account: "main" };

type Is = "process" | "health" | "app" | undefined;
const ROWS: [name: string, key: keys.Key, pk: string, sk: string, is: Is, ref?: object][] = [
  ["flow", keys.flowKey(FLOW), `flow#${FLOW}`, "flow", undefined, { kind: "flow", flowId: FLOW }],
  [
    "task",
    keys.taskKey(FLOW, "0-1"),
    `flow#${FLOW}`,
    "task#0-1",
    undefined,
    { kind: "task", flowId: FLOW, path: "0-1" },
  ],
  ["delivery log", keys.deliveryLogKey(FLOW, 2), `flow#${FLOW}`, "log#2", undefined],
  ["account health", keys.healthKey("fake", "main"), "account#fake#main", "health", "health"],
  ["slots of earlier versions", keys.slotsKey("fake", "main"), "account#fake#main", "slots", undefined],
  ["slots of tasks", keys.slotRowKey({ ...account, kind: "tasks", row: 1 }), "account#fake#main", "tasks#1", undefined],
  ["slots of calls", keys.slotRowKey({ ...account, kind: "calls", row: 1 }), "account#fake#main", "calls#1", "process"],
  [
    "wait list",
    keys.waitListKey(account),
    "account#fake#main",
    "wait-list",
    undefined,
    { kind: "waitList", ...account },
  ],
  ["upload count", keys.uploadCountKey(APP, 3_600_000), `uploads#${APP}`, "3600000", undefined],
  ["open streams", keys.streamSlotsKey(APP), `streams#${APP}`, "slots", "process"],
  ["sweep lease", keys.sweepLeaseKey("due#0", "1"), "sweep#due#0", "1", "process"],
  ["stored account", keys.storedAccountKey("fake", "main"), "vendors", "fake#main", undefined],
  ["banned words", keys.BANNED_KEY, "stage", "banned", undefined],
  ["health check", keys.HEALTH_CHECK_KEY, "stage", "health", "process"],
  ["import", keys.IMPORT_KEY, "stage", "import", "process"],
  ["app", keys.appKey(APP), `app#${APP}`, "app", "app"],
  ["key of an app", keys.appKeyKey(APP, "key_1"), `app#${APP}`, "key#key_1", undefined],
  ["credit of earlier versions", keys.creditKey(APP), `app#${APP}`, "credit", undefined],
  ["grant", keys.grantKey(APP, "invoice 7"), `app#${APP}`, "grant#invoice 7", undefined],
  ["counter", keys.counterKey(APP), `credit#${APP}#0`, "counter", undefined, { kind: "credit", appId: APP }],
  ["day of a counter", keys.creditDayKey(APP, "2026-11-21"), `credit#${APP}#0`, "day#2026-11-21", undefined],
  ["idempotency key", keys.idempotencyKey(APP, "order 7"), `idem#${APP}#order 7`, "idem", undefined],
  ["dead letter", keys.deadLetterKey("000001_letter"), "dead", "000001_letter", undefined],
  [
    "endpoint",
    keys.endpointKey(APP, ENDPOINT),
    `endpoints#${APP}`,
    ENDPOINT,
    undefined,
    { kind: "endpoint", appId: APP, endpointId: ENDPOINT },
  ],
  ["template", keys.templateKey(APP, "plan"), `templates#${APP}`, "plan", undefined],
  ["folder", keys.folderKey(APP, "folder_1"), `folders#${APP}`, "folder_1", undefined],
  [
    "mark",
    keys.markKey(APP, { flowId: FLOW, path: "0-1", number: 3 }, "favorite"),
    `marks#${APP}`,
    `${FLOW}#0-1#3#favorite`,
    undefined,
  ],
  ["session", keys.accessTokenKey(APP, "tok_1"), `tokens#${APP}`, "tok_1", "process"],
  ["share link", keys.accessTokenKey(FLOW, "tok_1"), `tokens#${FLOW}`, "tok_1", undefined],
  [
    "replay",
    keys.replayKey(APP, "replay_1"),
    `replays#${APP}`,
    "replay_1",
    undefined,
    { kind: "replay", appId: APP, replayId: "replay_1" },
  ],
  [
    "delivery",
    keys.deliveryKey(delivery),
    `deliveries#${FLOW}`,
    `0-1#completed#${ENDPOINT}`,
    undefined,
    { kind: "delivery", deliveryId: expect.stringContaining(ENDPOINT) },
  ],
];

test.each(ROWS)("the key of %s has its partition and its sort key", (_, key, pk, sk) => {
  expect(key).toEqual({ pk, sk });
  expect(keys.keyText(key)).toBe(`${pk} ${sk}`);
});

test.each(ROWS)("the key of %s says what kind of row it is", (_, key, _pk, _sk, is) => {
  const found = { process: keys.isOfProcesses(key), health: keys.isHealth(key), app: keys.isApp(key) };
  expect(found).toEqual({ process: is === "process", health: is === "health", app: is === "app" });
});

test.each(ROWS)("the key of %s says what its due entry is about", (_, key, _pk, _sk, _is, ref) => {
  expect(keys.refOf(key)).toEqual(ref);
});

test.each([
  [{ pk: "account#fake", sk: "wait-list" }],
  [{ pk: "account#fake#main#more", sk: "wait-list" }],
  [{ pk: "xaccount#fake#main", sk: "wait-list" }],
  [{ pk: "flow#flow_1", sk: "flow" }],
  [{ pk: FLOW, sk: "flow" }],
  [{ pk: `deliveries#${FLOW}`, sk: "0-1" }],
  [{ pk: "deliveries#", sk: "0-1#completed#ep" }],
  [{ pk: `app#${APP}`, sk: "counter" }],
])("the key %j has no due entry", (key) => {
  expect(keys.refOf(key)).toBeUndefined();
});

const PICTURE = { flowId: FLOW, path: "0-1", number: 3 };
const mark = (other: Partial<typeof PICTURE>) => keys.markKey(APP, { ...PICTURE, ...other }, "favorite");

test("a mark is read back from its key", () => {
  expect(keys.markOfKey(mark({}))).toEqual({ appId: APP, ...PICTURE, list: "favorite" });
});

test("an account and an app are read back from their keys", () => {
  expect(keys.accountOfPk("waiting#fake#main")).toEqual({ provider: "fake", account: "main" });
  expect(keys.accountOfPk("x")).toEqual({ provider: "", account: "" });
  expect(keys.appIdOfMjTaskId({ pk: keys.mjTaskIdPk(APP), sk: "1" })).toBe(APP);
  expect(keys.appIdOfMjTaskId({ pk: keys.mjTaskIdPk(APP, 7), sk: "1" })).toBe(APP);
  expect(keys.mjTaskIdPk(APP, 7)).toBe(`mj#${APP}#7`);
});

test("the bounds of a range of sort keys hold the keys of its kind and no others", () => {
  const holds = ({ from, to }: { from: string; to: string }, { sk }: keys.Key) => from <= sk && sk <= to;
  const cases = [
    [keys.APP_KEYS, keys.appKeyKey(APP, "key_zzz"), keys.grantKey(APP, "a")],
    [keys.CREDIT_DAYS, keys.creditDayKey(APP, "2099-12-31"), keys.counterKey(APP)],
    [keys.marksOfFlows(FLOW, FLOW), mark({ path: "0-mX7" }), mark({ flowId: `${FLOW}0` })],
    [keys.marksOfPicture(PICTURE), mark({}), mark({ number: 30 })],
    [keys.marksOfPicture(PICTURE), mark({}), mark({ path: "0-1-2" })],
    [keys.DELIVERY_LOGS, keys.deliveryLogKey(FLOW, 99), keys.taskKey(FLOW, "0")],
  ] as const;
  for (const [bounds, inside, outside] of cases) {
    expect([holds(bounds, inside), holds(bounds, outside)]).toEqual([true, false]);
  }
});

test("an entry of a listing has its time and its flow", () => {
  const at = Date.UTC(2026, 10, 21);
  expect(keys.listedAt(at, FLOW)).toBe(`2026-11-21T00:00:00.000Z#${FLOW}`);
  expect(keys.flowIdOfListed(keys.listedAt(at, FLOW))).toBe(FLOW);
  for (const broken of [FLOW, `#${FLOW}`, "2026-11-21T00:00:00.000Z#flow_1", ""]) {
    expect(keys.flowIdOfListed(broken)).toBeUndefined();
  }
});

test("a row expires 35 days after its creation, in whole seconds rounded up", () => {
  expect(keys.expiresAt(0)).toBe(3_024_000);
  expect(keys.expiresAt(1)).toBe(3_024_001);
});
