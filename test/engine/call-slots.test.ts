/** Slots of the workers that wait for a vendor account: what they cost, and what finished calls leave behind. */
import { newHealth } from "@mjflow/core/account-health";
import { FUNCTION_TIMEOUT_S } from "@mjflow/core/limit";
import type { AccountState, Provider, Providers, SlotRowRef, Store, Vendor } from "@mjflow/core/port";
import { TIMINGS } from "@mjflow/core/timing";
import { createCallLimit, createCallSlots } from "@mjflow/engine/call-slots";
import { expect, test } from "vitest";
import { createMemoryStore } from "../support/memory/store.ts";
import { createMemoryTable } from "../support/memory/table.ts";

const ACCOUNT = { provider: "sim", account: "a" };
/** Half of 10 workers: five calls at one time. A calm account has a row of three and a row of two. */
const WORKERS = 10;
const MAX = 5;
const OUTDATED_MS = (30 + FUNCTION_TIMEOUT_S.submit + 10) * 1_000;

/** @param accounts URL of each account */
function providersAt(accounts: Record<string, string>): Providers {
  const vendor: Vendor = {
    provider: {} as Provider,
    account: (name) => ({ baseUrl: accounts[name]!, apiKey: "key" }),
    accounts: () => Object.keys(accounts).map((name) => ({ name, weight: 1 })),
  };
  return { ids: () => [ACCOUNT.provider], get: () => vendor };
}

function createScene() {
  let now = Date.UTC(2026, 0, 1);
  let next = 0;
  const health = newHealth(ACCOUNT.provider, ACCOUNT.account, now);
  const stored = createMemoryStore({ table: createMemoryTable() });
  const writes: string[] = [];
  const woken: string[] = [];
  const store: Store = {
    ...stored,
    acquireSlots: (...args) => {
      writes.push("acquire");
      return stored.acquireSlots(...args);
    },
    releaseSlot: (...args) => {
      writes.push("release");
      return stored.releaseSlot(...args);
    },
    waitList: async (provider, account) => {
      woken.push(account);
      return stored.waitList(provider, account);
    },
  };
  const deps = {
    store,
    queue: { send: async () => {}, resend: async () => {} },
    clock: { now: () => now },
    timings: TIMINGS,
    log: { debug() {}, info() {}, warn() {}, error() {}, count() {} },
    random: { bytes: (n: number) => Uint8Array.from({ length: n }, (_, i) => (i === 0 ? next++ : 0)), chance: () => 0 },
    accounts: { health: async () => health },
    providers: providersAt({ a: "https://x.test", b: "https://y.test" }),
  };
  return {
    deps,
    stored,
    writes,
    woken,
    health,
    advance: (ms: number) => (now += ms),
    now: () => now,
    /** A process that was just started. `call` begins a call; its result ends it, and is undefined without a slot. */
    newProcess() {
      const limit = createCallLimit(WORKERS);
      return async (state?: Pick<AccountState, "health" | "slots">) => {
        const slots = createCallSlots(deps, limit);
        return (await slots.acquire(ACCOUNT, state)) ? slots.release : undefined;
      };
    },
    async count() {
      const { slots } = await stored.accountState(ACCOUNT.provider, ACCOUNT.account);
      return slots.reduce((sum, { held }) => sum + Object.keys(held).length, 0);
    },
  };
}

test("at a calm account a process writes once in half a minute, however many calls it makes", async () => {
  const scene = createScene();
  const call = scene.newProcess();
  for (let i = 0; i < 30; i++) {
    const end = await call();
    scene.advance(1_000);
    await end!();
  }
  expect(scene.writes).toEqual(["acquire"]);
  const end = await call();
  await end!();
  expect(scene.writes).toEqual(["acquire", "acquire"]);
  // The second write has removed the entry of the first.
  expect(await scene.count()).toBe(1);
});

test("no more calls are in flight than the limit, and after them at most half of the room is taken", async () => {
  const scene = createScene();
  const ends = [];
  for (let i = 0; i < 8; i++) ends.push(await scene.newProcess()());
  expect(ends.filter(Boolean)).toHaveLength(MAX);
  expect(await scene.count()).toBe(MAX);
  for (const end of ends) await end?.();
  expect(await scene.count()).toBeLessThanOrEqual(MAX / 2);
});

test("processes that went idle leave room for the others, and all of it once their entries are outdated", async () => {
  const scene = createScene();
  for (let i = 0; i < 10; i++) await (await scene.newProcess()())!();
  const left = await scene.count();
  expect(left).toBeGreaterThan(0);
  const during = await Promise.all(Array.from({ length: MAX }, () => scene.newProcess()()));
  expect(during.filter(Boolean)).toHaveLength(MAX - left);
  for (const end of during) await end?.();
  scene.advance(OUTDATED_MS);
  const after = [];
  for (let i = 0; i < MAX; i++) after.push(await scene.newProcess()());
  expect(after.filter(Boolean)).toHaveLength(MAX);
});

test("while the breaker is half-open two calls are allowed, whatever finished calls have left", async () => {
  const scene = createScene();
  for (let i = 0; i < 10; i++) await (await scene.newProcess()())!();
  Object.assign(scene.health, { faults: 3, fault: "unclear", faultAt: scene.now(), openUntil: scene.now() });
  const ends = [await scene.newProcess()(), await scene.newProcess()(), await scene.newProcess()()];
  expect(ends.map(Boolean)).toEqual([true, true, false]);
  await ends[0]!();
  expect(await scene.newProcess()()).toBeDefined();
});

test("the only account of a deployment needs no slot and writes nothing", async () => {
  const scene = createScene();
  scene.deps.providers = providersAt({ a: "https://x.test" });
  const ends = [];
  for (let i = 0; i < 2 * WORKERS; i++) ends.push(await scene.newProcess()());
  expect(ends.every(Boolean)).toBe(true);
  for (const end of ends) await end!();
  expect(scene.writes).toEqual([]);
});

test("a row that the worker has just seen full is not written, and the state it saw decides about trouble", async () => {
  const scene = createScene();
  for (let i = 0; i < MAX; i++) await scene.newProcess()();
  const state = await scene.stored.accountState(ACCOUNT.provider, ACCOUNT.account);
  scene.writes.length = 0;
  expect(await scene.newProcess()(state)).toBeUndefined();
  expect(scene.writes).toEqual([]);
  // The cached health says closed. The state is newer.
  const open = { ...newHealth(ACCOUNT.provider, ACCOUNT.account, scene.now()), openUntil: scene.now() + 1 };
  const other = createScene();
  const first = await other.newProcess()({ slots: [], health: open });
  expect([first, await other.newProcess()({ slots: [], health: open })].map(Boolean)).toEqual([true, false]);
});

test("entries that are outdated do not make a row count as full", async () => {
  const scene = createScene();
  for (let i = 0; i < MAX; i++) await scene.newProcess()();
  scene.advance(OUTDATED_MS);
  const state = await scene.stored.accountState(ACCOUNT.provider, ACCOUNT.account);
  expect(await scene.newProcess()(state)).toBeDefined();
});

test("in a full row some call is released at once and looks whether a task waits, in any order of their ends", async () => {
  for (let first = 0; first < MAX; first++) {
    const scene = createScene();
    const ends = [];
    for (let i = 0; i < MAX; i++) ends.push((await scene.newProcess()())!);
    const order = [...ends.slice(first), ...ends.slice(0, first)];
    for (const end of order) await end();
    expect(scene.woken.length).toBeGreaterThan(0);
  }
});

test("an entry that a process would use again is not removed by another one while its call may be running", async () => {
  const scene = createScene();
  const call = scene.newProcess();
  await (await call())!();
  scene.advance(29_000);
  const end = await call();
  // The longest invocation that may use it.
  scene.advance(FUNCTION_TIMEOUT_S.submit * 1_000);
  const others = [];
  for (let i = 0; i < MAX; i++) others.push(await scene.newProcess()());
  expect(others.filter(Boolean)).toHaveLength(MAX - 1);
  await end!();
});

test("a table that fails after the write costs the process no slot for long: its next write removes the entry", async () => {
  const scene = createScene();
  const call = scene.newProcess();
  const { acquireSlots } = scene.stored;
  scene.stored.acquireSlots = async (...args) => {
    await acquireSlots(...args);
    throw new Error("the response is lost");
  };
  await expect(call()).rejects.toThrow("lost");
  scene.stored.acquireSlots = acquireSlots;
  await (await call())!();
  expect(await scene.count()).toBe(1);
});

test("after a write whose response was lost, no call uses an entry that this write has removed", async () => {
  const scene = createScene();
  const call = scene.newProcess();
  // An entry that stays, and is too old for the second call.
  await (await call())!();
  scene.advance(29_999);
  const { acquireSlots } = scene.stored;
  scene.stored.acquireSlots = async (...args) => {
    await acquireSlots(...args);
    throw new Error("the response is lost");
  };
  scene.advance(1);
  await expect(call()).rejects.toThrow("lost");
  scene.stored.acquireSlots = acquireSlots;
  // The clock of the function went back by a second.
  scene.advance(-1_000);
  await call();
  // The call under way has an entry of its own, and it has removed the one of the lost response.
  const { slots } = await scene.stored.accountState(ACCOUNT.provider, ACCOUNT.account);
  expect(slots.flatMap(({ held }) => Object.values(held))).toEqual([scene.now()]);
});

test("a version that releases every entry at once works beside: neither removes an entry of the other", async () => {
  const scene = createScene();
  const ref: SlotRowRef = { ...ACCOUNT, kind: "calls", row: 0 };
  const call = scene.newProcess();
  const end = await call();
  const at = scene.now();
  expect((await scene.stored.acquireSlots(ref, ["other"], MAX, at)).ok).toBe(true);
  await end!();
  scene.advance(31_000);
  await (await call())!();
  const { slots } = await scene.stored.accountState(ACCOUNT.provider, ACCOUNT.account);
  expect(slots.find(({ row }) => row === 0)!.held).toEqual({ other: at });
  expect((await scene.stored.releaseSlot(ref, "other", at)).ok).toBe(true);
  expect(await scene.count()).toBe(1);
});
