/**
 * Fault 20: the table rejects a write, is busy with a transaction, or does the write and reports a failure. The faults
 * are tested on each kind of write, and then on each single write of a whole flow.
 */

import { newHealth } from "@mjflow/core/account-health";
import { deadLetterIdOf } from "@mjflow/core/dead-letter";
import { newDelivery } from "@mjflow/core/delivery";
import type { Flow } from "@mjflow/core/flow";
import type { Task } from "@mjflow/core/task";
import { hasOwnDueEntry } from "@mjflow/core/task";
import { createDynamoStore } from "@mjflow/store/dynamo";
import { createTable } from "@mjflow/store/table";
import { createWebhookStore } from "@mjflow/store/webhook";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NOW, newAppId, newFlow, taskIn } from "../conformance/factory.ts";
import { type Fault, intercept, loseResponses } from "../conformance/fault.ts";
import { makeTable, TABLE, type TableMaker } from "../conformance/table.maker.ts";
import { startTableEngine } from "../support/emulator/table.ts";
import { createRelay } from "./version/relay.ts";
import { type Release, today } from "./version/versions.ts";

type Stores = ReturnType<typeof storesOver>;
/** One write of a kind. If it changes a row, the row is already stored. */
interface Write {
  /** Makes the write and returns its result. */
  run(stores: Stores): Promise<unknown>;
  /** Result of a successful write. */
  expected: unknown;
  /** Revision of the row; 0 if there is no row. */
  rev(): Promise<number>;
  /** Revision before and after the write. */
  revs: [number, number];
}

let maker: TableMaker;
let stores: Stores;
beforeAll(async () => {
  maker = await makeTable(await startTableEngine());
  stores = storesOver();
});
afterAll(() => maker?.stop());

/** @param faults faults of the first requests of a command; later requests succeed */
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

// ── kinds of writes ────────────────────────────────────────────────────────────────────────────────────────────────

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
      expected: "created",
      rev: async () => (await stores.load(flow.id, [])).flow?.rev ?? 0,
      revs: [0, 1],
    };
  },
  async "a new task"() {
    const task = taskIn(newFlow().id);
    return {
      run: (to) => to.createTask(task),
      expected: { ok: true, item: { ...task, rev: 1 } },
      rev: async () => (await stores.getTask(task))?.rev ?? 0,
      revs: [0, 1],
    };
  },
  async "an existing task"() {
    const { root } = await storedFlow();
    const next = { ...root, status: "SUBMITTING", attempt: 1 } as const;
    return {
      run: (to) => to.saveTask(next),
      expected: { ok: true, item: { ...next, rev: 2 } },
      rev: async () => (await stores.getTask(root))!.rev,
      revs: [1, 2],
    };
  },
  async "an existing flow"() {
    const { flow } = await storedFlow();
    const next: Flow = { ...flow, status: "completed", endedAt: NOW };
    return {
      run: (to) => to.saveFlow(next),
      expected: { ok: true, item: { ...next, rev: 2 } },
      rev: async () => (await stores.load(flow.id, [])).flow!.rev,
      revs: [1, 2],
    };
  },
  async "a new account health"() {
    const health = newHealth("p", newAppId(), NOW);
    return {
      run: (to) => to.saveHealth(health),
      expected: true,
      rev: async () => (await stores.health("p", health.account))?.rev ?? 0,
      revs: [0, 1],
    };
  },
  async "an existing account health"() {
    const health = newHealth("p", newAppId(), NOW);
    await stores.saveHealth(health);
    return {
      run: (to) => to.saveHealth({ ...health, rev: 1, misses: 2 }),
      expected: true,
      rev: async () => (await stores.health("p", health.account))!.rev,
      revs: [1, 2],
    };
  },
  async "a new dead-letter message"() {
    const deadLetter = deadLetterOf(newAppId());
    return {
      run: (to) => to.saveNewDeadLetter(deadLetter),
      expected: undefined,
      rev: async () => (await stores.getDeadLetter(deadLetter.id))?.rev ?? 0,
      revs: [0, 1],
    };
  },
  async "an existing dead-letter message"() {
    const deadLetter = deadLetterOf(newAppId());
    await stores.saveNewDeadLetter(deadLetter);
    const next = { ...deadLetter, rev: 1, state: "dropped" } as const;
    return {
      run: (to) => to.saveDeadLetter(next),
      expected: { ok: true, item: { ...next, rev: 2 } },
      rev: async () => (await stores.getDeadLetter(deadLetter.id))!.rev,
      revs: [1, 2],
    };
  },
  async "a new endpoint"() {
    const endpoint = { appId: newAppId(), id: "ep_1", rev: 0, scheme: "v1", secrets: [], createdAt: NOW } as const;
    return {
      run: (to) => to.saveEndpoint({ ...endpoint, secrets: [] }),
      expected: { ok: true, item: { ...endpoint, rev: 1 } },
      rev: async () => (await stores.endpoint(endpoint.appId, "ep_1"))?.rev ?? 0,
      revs: [0, 1],
    };
  },
  async "a new delivery"() {
    const { id: flowId, appId } = newFlow();
    const key = { flowId, subject: "0", name: "completed", listener: "hook", appId } as const;
    const delivery = newDelivery({ ...key, type: "task.completed", happenedAt: NOW }, NOW);
    return {
      run: (to) => to.saveDelivery(delivery),
      expected: { ok: true, item: { ...delivery, rev: 1 } },
      rev: async () => (await stores.deliveriesOf(flowId))[0]?.rev ?? 0,
      revs: [0, 1],
    };
  },
};

function deadLetterOf(name: string) {
  const id = deadLetterIdOf(NOW, name);
  return { id, rev: 0, state: "kept", body: "{}", why: "not JSON", receives: 5, createdAt: NOW } as const;
}

// ── faults of one write ────────────────────────────────────────────────────────────────────────────────────────────

const errorOf = (name: string, httpStatusCode: number) =>
  Object.assign(new Error(name), { name, $metadata: { httpStatusCode } });

/** Makes the write and then reports this error. A failure of a repeated write is ignored. */
const after =
  (error: Error): Fault =>
  async (next) => {
    await next().catch(() => {});
    throw error;
  };
/** Does not make the write and reports this error. */
const instead =
  (error: Error): Fault =>
  () =>
    Promise.reject(error);

const reset = () => Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });

/** Attempts of the client, and the fault of each attempt. */
const falseErrors: Record<string, [number, () => Fault[]]> = {
  "a reset without a retry of the client": [1, () => [loseResponses(1)]],
  "a reset with a retry of the client": [3, () => [loseResponses(1)]],
  "three resets": [3, () => [after(reset()), after(reset()), after(reset())]],
  "the status 500": [1, () => [after(errorOf("InternalServerError", 500))]],
  "the status 503 and then 500": [
    2,
    () => [after(errorOf("ServiceUnavailable", 503)), after(errorOf("InternalServerError", 500))],
  ],
};

const rejections: Record<string, [Error, object]> = {
  "a conflict with a transaction": [errorOf("TransactionConflictException", 400), { code: "overloaded" }],
  "a running transaction": [errorOf("TransactionInProgressException", 400), { code: "overloaded" }],
  "a write of another region": [errorOf("ReplicatedWriteConflictException", 400), { code: "overloaded" }],
  throttling: [errorOf("ProvisionedThroughputExceededException", 400), { code: "overloaded" }],
  "the status 500": [errorOf("InternalServerError", 500), { name: "InternalServerError" }],
  "a refused connection": [Object.assign(new Error("connect"), { code: "ECONNREFUSED" }), { code: "ECONNREFUSED" }],
};

describe.each(Object.entries(kinds))("a write of %s", (kind, start) => {
  test.each(Object.entries(falseErrors))(
    `the write of ${kind} succeeds once if the table makes it but the client gets %s`,
    async (_falseError, [maxAttempts, faults]) => {
      const write = await start();
      expect(await write.rev()).toBe(write.revs[0]);
      const faulty = storesOver({ command: "PutItemCommand", faults: faults(), maxAttempts });
      expect(await write.run(faulty)).toEqual(write.expected);
      expect(faulty.requests()).toBeGreaterThanOrEqual(faults().length);
      expect(await write.rev()).toBe(write.revs[1]);
    },
  );

  test.each(Object.entries(rejections))(
    `the write of ${kind} fails without effect on %s and succeeds at the next attempt`,
    async (_rejection, [error, seen]) => {
      const write = await start();
      const rejecting = storesOver({ command: "PutItemCommand", faults: [instead(error)] });
      await expect(write.run(rejecting)).rejects.toMatchObject(seen);
      expect(rejecting.requests()).toBe(1);
      expect(await write.rev()).toBe(write.revs[0]);
      expect(await write.run(rejecting)).toEqual(write.expected);
      expect(await write.rev()).toBe(write.revs[1]);
    },
  );
});

describe("deleting a task", () => {
  test("if the table deletes a task but reports a failure, a second deletion succeeds", async () => {
    const task = taskIn(newFlow().id);
    await stores.createTask(task);
    const faulty = storesOver({ command: "DeleteItemCommand", faults: [after(reset())] });
    await expect(faulty.deleteTask({ ...task, rev: 1 })).rejects.toThrow();
    expect(await stores.getTask(task)).toBeUndefined();
    await faulty.deleteTask({ ...task, rev: 1 });
  });

  test("a retry of the client that finds the task deleted is no error", async () => {
    const task = taskIn(newFlow().id);
    await stores.createTask(task);
    const faulty = storesOver({ command: "DeleteItemCommand", faults: [loseResponses(1)], maxAttempts: 3 });
    await faulty.deleteTask({ ...task, rev: 1 });
    expect(faulty.requests()).toBe(2);
    expect(await stores.getTask(task)).toBeUndefined();
  });

  test("on a conflict with a transaction deleteTask fails as overloaded and the task stays", async () => {
    const task = taskIn(newFlow().id);
    await stores.createTask(task);
    const error = errorOf("TransactionConflictException", 400);
    const rejecting = storesOver({ command: "DeleteItemCommand", faults: [instead(error)] });
    await expect(rejecting.deleteTask({ ...task, rev: 1 })).rejects.toMatchObject({ code: "overloaded" });
    expect(await stores.getTask(task)).toBeDefined();
  });
});

// ── a whole flow ───────────────────────────────────────────────────────────────────────────────────────────────────

describe("each write of a whole flow", () => {
  const PLAN = [{ press: "U1" }, { press: "V2", then: [{ press: "reroll" }] }];
  const IMAGES = 4;
  const MINUTE = 60_000;

  interface WriteCounts {
    writes: number;
    fired: number;
  }

  /** The current version with a fault in the n-th write, counted from 0. */
  function withFault(n: number, fault: Fault, seen: WriteCounts): Release {
    const open: Release["open"] = (deps) => {
      const send = deps.client.send as unknown as (command: object) => Promise<object>;
      const client = {
        send(command: object) {
          const go = () => send(command);
          if (command.constructor.name !== "PutItemCommand" || seen.writes++ !== n) return go();
          seen.fired++;
          return fault(go, {});
        },
      };
      return today.open({ ...deps, client: client as unknown as typeof deps.client });
    };
    return { ...today, open };
  }

  /**
   * Runs a flow for two hours with sweeps. The app repeats its request after an error; the vendor sends each callback
   * once.
   */
  async function runWithFault(n: number, fault: Fault) {
    const seen: WriteCounts = { writes: 0, fired: 0 };
    const relay = createRelay();
    const runner = relay.runner(withFault(n, fault, seen));
    await runner.start({ then: PLAN }).catch(() => runner.start({ then: PLAN }));
    for (let minutes = 0; minutes < 120; minutes++) {
      await runner.drain();
      for (const call of relay.vendor.calls.filter(({ id }) => !relay.vendor.finished.has(id))) {
        relay.vendor.finished.add(call.id);
        relay.vendor.holds(call, "SUCCESS");
        await runner.post(call, "SUCCESS").catch(() => {});
      }
      await runner.drain();
      relay.advance(MINUTE);
      await runner.sweep();
    }
    const { flows, tasks } = relay.rows();
    // A root whose flow was not stored is never submitted or shown, and is deleted when it expires.
    const isShown = ({ flowId }: Task) => flows.some(({ id }) => id === flowId);
    const orphanedRoots = tasks.filter((task) => !isShown(task));
    expect(orphanedRoots.every(({ path, attempt }) => path === "0" && attempt === 0)).toBe(true);
    return { relay, seen, flows, tasks: tasks.filter(isShown) };
  }

  const faults: [string, Fault][] = [
    ["conflicts with a transaction", instead(errorOf("TransactionConflictException", 400))],
    ["fails with 500", instead(errorOf("InternalServerError", 500))],
    ["is made but reported as failed", after(errorOf("InternalServerError", 500))],
  ];

  test.each(faults)("if any single write %s, the flow completes and each image is paid once", async (_, fault) => {
    const healthy = await runWithFault(-1, fault);
    const { seen } = healthy;
    expect(seen).toMatchObject({ fired: 0 });
    expect(seen.writes).toBeGreaterThan(15);
    expect(healthy.tasks).toHaveLength(IMAGES);
    for (let n = 0; n < seen.writes; n++) {
      const outcome = await runWithFault(n, fault);
      expect(outcome.seen.fired, `write ${n}`).toBe(1);
      expect(
        outcome.flows.map(({ status }) => status),
        `write ${n}`,
      ).toEqual(["completed"]);
      expect(
        outcome.tasks.filter(({ status }) => status !== "SUCCESS"),
        `write ${n}`,
      ).toEqual([]);
      expect(outcome.relay.vendor.calls, `write ${n}`).toHaveLength(IMAGES);
      expect([...outcome.flows, ...outcome.tasks].filter(hasOwnDueEntry)).toEqual([]);
      expect(outcome.relay.queue.deadLetters).toEqual([]);
    }
    console.log(`${seen.writes} writes`);
  });
});
