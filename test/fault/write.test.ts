/**
 * Fault 20: the table refuses, is busy with somebody's transaction, or does the work and says that it failed. Tried on
 * each kind of write there is, and then on each single write of a whole flow.
 */

import { newHealth } from "@mjflow/core/account-health";
import { deadLetterIdOf } from "@mjflow/core/dead-letter";
import { newDelivery } from "@mjflow/core/delivery";
import type { Flow } from "@mjflow/core/flow";
import type { Task } from "@mjflow/core/task";
import { startTableEngine } from "@mjflow/local/engine/table";
import { createDynamoStore } from "@mjflow/store/dynamo";
import { createTable } from "@mjflow/store/table";
import { createWebhookStore } from "@mjflow/store/webhook";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NOW, newAppId, newFlow, taskIn } from "../conformance/factory.ts";
import { type Fault, intercept, loseResponses } from "../conformance/fault.ts";
import { makeTable, TABLE, type TableMaker } from "../conformance/table.maker.ts";
import { createRelay } from "./version/relay.ts";
import { type Release, today } from "./version/versions.ts";

type Stores = ReturnType<typeof storesOver>;
/** One write of a kind, the row it is over already there. */
interface Write {
  /** Says what became of it. */
  run(stores: Stores): Promise<unknown>;
  /** What a write that went well says. */
  says: unknown;
  /** The row's revision, 0 where there is none. */
  rev(): Promise<number>;
  /** The revision before, and after. */
  revs: [number, number];
}

let maker: TableMaker;
let stores: Stores;
beforeAll(async () => {
  maker = await makeTable(await startTableEngine());
  stores = storesOver();
});
afterAll(() => maker?.stop());

/** @param faults of the first, second … request of a command; the others go through */
function storesOver({ command = "", faults = [] as Fault[], maxAttempts = 1 } = {}) {
  const client = maker.client({ maxAttempts });
  let request = 0;
  if (command !== "") intercept(client, command, (next, input) => (faults[request++] ?? ((go) => go()))(next, input));
  const deps = { client, table: TABLE, now: () => NOW };
  return {
    ...createWebhookStore({ table: createTable(deps), now: () => NOW }),
    ...createDynamoStore(deps),
    requests: () => request,
  };
}

// ── the kinds ──────────────────────────────────────────────────────────────────────────────────────────────────────

async function storedFlow() {
  const flow = newFlow();
  const root = taskIn(flow.id);
  await stores.createFlow(flow, root);
  return { flow: { ...flow, rev: 1 }, root: { ...root, rev: 1 } };
}

const kinds: Record<string, () => Promise<Write>> = {
  async "a new flow"() {
    const flow = newFlow();
    return {
      run: (to) => to.createFlow(flow, taskIn(flow.id)),
      says: "created",
      rev: async () => (await stores.load(flow.id, [])).flow?.rev ?? 0,
      revs: [0, 1],
    };
  },
  async "a new task"() {
    const task = taskIn(newFlow().id);
    return {
      run: (to) => to.createTask(task),
      says: { ok: true, item: { ...task, rev: 1 } },
      rev: async () => (await stores.getTask(task))?.rev ?? 0,
      revs: [0, 1],
    };
  },
  async "a task again"() {
    const { root } = await storedFlow();
    const next = { ...root, status: "SUBMITTING", attempt: 1 } as const;
    return {
      run: (to) => to.saveTask(next),
      says: { ok: true, item: { ...next, rev: 2 } },
      rev: async () => (await stores.getTask(root))!.rev,
      revs: [1, 2],
    };
  },
  async "a flow again"() {
    const { flow } = await storedFlow();
    const next: Flow = { ...flow, status: "completed", endedAt: NOW };
    return {
      run: (to) => to.saveFlow(next),
      says: { ok: true, item: { ...next, rev: 2 } },
      rev: async () => (await stores.load(flow.id, [])).flow!.rev,
      revs: [1, 2],
    };
  },
  async "an account's health"() {
    const health = newHealth("p", newAppId(), NOW);
    return {
      run: (to) => to.saveHealth(health),
      says: true,
      rev: async () => (await stores.health("p", health.account))?.rev ?? 0,
      revs: [0, 1],
    };
  },
  async "an account's health again"() {
    const health = newHealth("p", newAppId(), NOW);
    await stores.saveHealth(health);
    return {
      run: (to) => to.saveHealth({ ...health, rev: 1, misses: 2 }),
      says: true,
      rev: async () => (await stores.health("p", health.account))!.rev,
      revs: [1, 2],
    };
  },
  async "a dead letter"() {
    const deadLetter = letterOf(newAppId());
    return {
      run: (to) => to.saveNewDeadLetter(deadLetter),
      says: undefined,
      rev: async () => (await stores.getDeadLetter(deadLetter.id))?.rev ?? 0,
      revs: [0, 1],
    };
  },
  async "a dead letter again"() {
    const deadLetter = letterOf(newAppId());
    await stores.saveNewDeadLetter(deadLetter);
    const next = { ...deadLetter, rev: 1, state: "dropped" } as const;
    return {
      run: (to) => to.saveDeadLetter(next),
      says: { ok: true, item: { ...next, rev: 2 } },
      rev: async () => (await stores.getDeadLetter(deadLetter.id))!.rev,
      revs: [1, 2],
    };
  },
  async "an endpoint"() {
    const endpoint = { appId: newAppId(), id: "ep_1", rev: 0, scheme: "v1", secrets: [], createdAt: NOW } as const;
    return {
      run: (to) => to.saveEndpoint({ ...endpoint, secrets: [] }),
      says: { ok: true, item: { ...endpoint, rev: 1 } },
      rev: async () => (await stores.endpoint(endpoint.appId, "ep_1"))?.rev ?? 0,
      revs: [0, 1],
    };
  },
  async "a delivery"() {
    const { id: flowId, appId } = newFlow();
    const at = { flowId, subject: "0", name: "completed", listener: "hook", appId } as const;
    const delivery = newDelivery({ ...at, type: "task.completed", happenedAt: NOW }, NOW);
    return {
      run: (to) => to.saveDelivery(delivery),
      says: { ok: true, item: { ...delivery, rev: 1 } },
      rev: async () => (await stores.deliveriesOf(flowId))[0]?.rev ?? 0,
      revs: [0, 1],
    };
  },
};

function letterOf(name: string) {
  const id = deadLetterIdOf(NOW, name);
  return { id, rev: 0, state: "kept", body: "{}", why: "not JSON", receives: 5, createdAt: NOW } as const;
}

// ── what can go wrong with one ─────────────────────────────────────────────────────────────────────────────────────

const errorOf = (name: string, httpStatusCode: number) =>
  Object.assign(new Error(name), { name, $metadata: { httpStatusCode } });

/** It is done, unless it was done before, and reported as this. */
const after =
  (error: Error): Fault =>
  async (next) => {
    await next().catch(() => {});
    throw error;
  };
/** It is not done, and reported as this. */
const instead =
  (error: Error): Fault =>
  () =>
    Promise.reject(error);

const reset = () => Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });

/** How often the client asks, and what comes of each time. */
const lies: Record<string, [number, () => Fault[]]> = {
  "a reset, and the client does not ask again": [1, () => [loseResponses(1)]],
  "a reset, and the client asks again": [3, () => [loseResponses(1)]],
  "a reset, three times": [3, () => [after(reset()), after(reset()), after(reset())]],
  "500": [1, () => [after(errorOf("InternalServerError", 500))]],
  "503, and then 500": [
    2,
    () => [after(errorOf("ServiceUnavailable", 503)), after(errorOf("InternalServerError", 500))],
  ],
};

const denials: Record<string, [Error, object]> = {
  "a transaction's conflict": [errorOf("TransactionConflictException", 400), { code: "overloaded" }],
  "a transaction under way": [errorOf("TransactionInProgressException", 400), { code: "overloaded" }],
  "another region's write": [errorOf("ReplicatedWriteConflictException", 400), { code: "overloaded" }],
  throttling: [errorOf("ProvisionedThroughputExceededException", 400), { code: "overloaded" }],
  "500": [errorOf("InternalServerError", 500), { name: "InternalServerError" }],
  "no connection": [Object.assign(new Error("connect"), { code: "ECONNREFUSED" }), { code: "ECONNREFUSED" }],
};

describe.each(Object.entries(kinds))("%s", (_, begin) => {
  test.each(Object.entries(lies))(
    "done, and reported as %s: known to be done, once",
    async (_lie, [maxAttempts, faults]) => {
      const write = await begin();
      expect(await write.rev()).toBe(write.revs[0]);
      const lying = storesOver({ command: "PutItemCommand", faults: faults(), maxAttempts });
      expect(await write.run(lying)).toEqual(write.says);
      expect(lying.requests()).toBeGreaterThanOrEqual(faults().length);
      expect(await write.rev()).toBe(write.revs[1]);
    },
  );

  test.each(Object.entries(denials))(
    "refused with %s: an error, nothing is stored, and the next try does it",
    async (_denial, [error, seen]) => {
      const write = await begin();
      const denying = storesOver({ command: "PutItemCommand", faults: [instead(error)] });
      await expect(write.run(denying)).rejects.toMatchObject(seen);
      expect(denying.requests()).toBe(1);
      expect(await write.rev()).toBe(write.revs[0]);
      expect(await write.run(denying)).toEqual(write.says);
      expect(await write.rev()).toBe(write.revs[1]);
    },
  );
});

describe("a task that is removed", () => {
  test("and the table says it failed: it is gone, and removing it again is no error", async () => {
    const task = taskIn(newFlow().id);
    await stores.createTask(task);
    const lying = storesOver({ command: "DeleteItemCommand", faults: [after(reset())] });
    await expect(lying.deleteTask({ ...task, rev: 1 })).rejects.toThrow();
    expect(await stores.getTask(task)).toBeUndefined();
    await lying.deleteTask({ ...task, rev: 1 });
  });

  test("and the client's repetition finds it gone: no error", async () => {
    const task = taskIn(newFlow().id);
    await stores.createTask(task);
    const lying = storesOver({ command: "DeleteItemCommand", faults: [loseResponses(1)], maxAttempts: 3 });
    await lying.deleteTask({ ...task, rev: 1 });
    expect(lying.requests()).toBe(2);
    expect(await stores.getTask(task)).toBeUndefined();
  });

  test("in a transaction's way: overloaded, and still there", async () => {
    const task = taskIn(newFlow().id);
    await stores.createTask(task);
    const error = errorOf("TransactionConflictException", 400);
    const denying = storesOver({ command: "DeleteItemCommand", faults: [instead(error)] });
    await expect(denying.deleteTask({ ...task, rev: 1 })).rejects.toMatchObject({ code: "overloaded" });
    expect(await stores.getTask(task)).toBeDefined();
  });
});

// ── a whole flow ───────────────────────────────────────────────────────────────────────────────────────────────────

describe("each write of a whole flow in turn", () => {
  const PLAN = [{ press: "U1" }, { press: "V2", then: [{ press: "reroll" }] }];
  const PICTURES = 4;
  const MINUTE = 60_000;

  interface Spoiled {
    writes: number;
    fired: number;
  }

  /** Today's code, whose n-th write, counted from 0, goes wrong. */
  function spoiled(at: number, fault: Fault, seen: Spoiled): Release {
    const open: Release["open"] = (deps) => {
      const send = deps.client.send as unknown as (command: object) => Promise<object>;
      const client = {
        send(command: object) {
          const go = () => send(command);
          if (command.constructor.name !== "PutItemCommand" || seen.writes++ !== at) return go();
          seen.fired++;
          return fault(go, {});
        },
      };
      return today.open({ ...deps, client: client as unknown as typeof deps.client });
    };
    return { ...today, open };
  }

  /** An app that asks again after an error, a vendor that posts once, and sweeps for two hours. */
  async function runSpoiled(at: number, fault: Fault) {
    const seen: Spoiled = { writes: 0, fired: 0 };
    const relay = createRelay();
    const server = relay.runner(spoiled(at, fault, seen));
    await server.start({ then: PLAN }).catch(() => server.start({ then: PLAN }));
    for (let minutes = 0; minutes < 120; minutes++) {
      await server.drain();
      for (const call of relay.vendor.calls.filter(({ id }) => !relay.vendor.finished.has(id))) {
        relay.vendor.finished.add(call.id);
        relay.vendor.holds(call, "SUCCESS");
        await server.post(call, "SUCCESS").catch(() => {});
      }
      await server.drain();
      relay.advance(MINUTE);
      await server.sweep();
    }
    const { flows, tasks } = relay.rows();
    // A root whose flow was not stored is nobody's: never sent, never shown, and gone when it expires.
    const isShown = ({ flowId }: Task) => flows.some(({ id }) => id === flowId);
    const left = tasks.filter((task) => !isShown(task));
    expect(left.every(({ path, attempt }) => path === "0" && attempt === 0)).toBe(true);
    return { relay, seen, flows, tasks: tasks.filter(isShown) };
  }

  const faults: [string, Fault][] = [
    ["is in a transaction's way", instead(errorOf("TransactionConflictException", 400))],
    ["is not done: 500", instead(errorOf("InternalServerError", 500))],
    ["is done, and said to have failed", after(errorOf("InternalServerError", 500))],
  ];

  test.each(faults)("%s: the flow completes, and each picture is paid once", async (_, fault) => {
    const calm = await runSpoiled(-1, fault);
    const { seen } = calm;
    expect(seen).toMatchObject({ fired: 0 });
    expect(seen.writes).toBeGreaterThan(15);
    expect(calm.tasks).toHaveLength(PICTURES);
    for (let at = 0; at < seen.writes; at++) {
      const outcome = await runSpoiled(at, fault);
      expect(outcome.seen.fired, `write ${at}`).toBe(1);
      expect(
        outcome.flows.map(({ status }) => status),
        `write ${at}`,
      ).toEqual(["completed"]);
      expect(
        outcome.tasks.filter(({ status }) => status !== "SUCCESS"),
        `write ${at}`,
      ).toEqual([]);
      expect(outcome.relay.vendor.calls, `write ${at}`).toHaveLength(PICTURES);
      expect([...outcome.flows, ...outcome.tasks].filter(({ due }) => due !== undefined)).toEqual([]);
      expect(outcome.relay.queue.deadLetters).toEqual([]);
    }
    console.log(`${seen.writes} writes`);
  });
});
