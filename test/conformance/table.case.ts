/**
 * Conformance suite of the DynamoDB table under network faults. No engine throttles, loses responses or leaves keys
 * unprocessed by itself, so SDK middleware causes these faults. Every test checks that its fault occurred.
 */
import { slotNameOf } from "@mjflow/core/concurrency-limiter";
import { TIMINGS } from "@mjflow/core/timing";
import { createConcurrencyLimiter } from "@mjflow/engine/concurrency-limiter";
import type { DynamoStoreDeps } from "@mjflow/store/dynamo";
import { createDynamoStore } from "@mjflow/store/dynamo";
import { createMeter } from "@mjflow/store/meter";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NOW, newAppId, newFlow, taskIn } from "./factory.ts";
import { type Fault, intercept, leaveUnprocessed, loseResponses } from "./fault.ts";
import { runFlow } from "./flow.run.ts";
import { TABLE, type TableMaker } from "./table.maker.ts";

export function tableCase(title: string, make: () => Promise<TableMaker>, skip: Record<string, string> = {}): void {
  describe(`table: ${title}`, () => {
    let maker: TableMaker;
    beforeAll(async () => {
      maker = await make();
    });
    afterAll(() => maker?.stop());

    const conformanceTest = (name: string, run: () => Promise<void>) => {
      const reason = skip[name];
      if (reason === undefined) test(name, run);
      else test.skip(`${name} (${reason})`);
    };

    /** Returns a store whose requests to `command` pass `fault`, and the count of these requests with the SDK's retries. */
    function faulty(command: string, fault: Fault, more: Partial<DynamoStoreDeps> & { maxAttempts?: number } = {}) {
      const { maxAttempts, ...deps } = more;
      const client = maker.client({ maxAttempts });
      const fired = { times: 0 };
      intercept(client, command, (next, input) => {
        fired.times++;
        return fault(next, input);
      });
      const sleep = () => Promise.resolve();
      return { store: createDynamoStore({ client, table: TABLE, now: () => NOW, sleep, ...deps }), fired };
    }

    test("a list has as many rows as asked for, although a response ends after 1 MB", async () => {
      const pages = { count: 0 };
      const { store } = faulty("QueryCommand", (next) => {
        pages.count++;
        return next();
      });
      const body = "x".repeat(300_000);
      for (let i = 0; i < 6; i++) {
        const letter = { id: `00000${i}_large-${title}`, rev: 0, state: "kept" as const, body, why: "unknown version" };
        await store.saveNewDeadLetter({ ...letter, receives: 5, createdAt: NOW });
      }
      const listed = await store.listDeadLetters(5);
      expect(listed.map(({ body }) => body.length)).toEqual(Array(5).fill(300_000));
      expect(pages.count).toBeGreaterThan(1);
    });

    describe("writes whose response was lost", () => {
      conformanceTest("a lost write that the SDK repeats is recognized as our own", async () => {
        const { store, fired } = faulty("PutItemCommand", loseResponses(1));
        const task = taskIn(newFlow().id);
        expect(await store.createTask(task)).toEqual({ ok: true, item: { ...task, rev: 1 } });
        expect(fired.times).toBe(2);
        expect((await store.getTask(task))!.rev).toBe(1);
      });

      conformanceTest("a lost write that replaced an item is recognized as our own", async () => {
        const task = taskIn(newFlow().id);
        await maker.open({ now: () => NOW }).createTask(task);
        const { store, fired } = faulty("PutItemCommand", loseResponses(1));
        const saved = await store.saveTask({ ...task, rev: 1, status: "SUBMITTING", attempt: 1 });
        expect(saved).toMatchObject({ ok: true, item: { rev: 2, attempt: 1 } });
        expect(fired.times).toBe(2);
      });

      conformanceTest("a flow whose write lost its response is created once and reported as created", async () => {
        const { store, fired } = faulty("PutItemCommand", loseResponses(1), { maxAttempts: 1 });
        const flow = newFlow();
        expect(await store.createFlow(flow, taskIn(flow.id))).toBe("created");
        expect(fired.times).toBe(2);
      });

      conformanceTest("a lost write is found by a read when the SDK does not repeat it", async () => {
        const { store, fired } = faulty("PutItemCommand", loseResponses(1), { maxAttempts: 1 });
        const task = taskIn(newFlow().id);
        expect(await store.createTask(task)).toMatchObject({ ok: true });
        expect(fired.times).toBe(1);
      });

      conformanceTest("an equal item of another writer is not recognized as our own write", async () => {
        const task = taskIn(newFlow().id);
        await maker.open({ now: () => NOW }).createTask(task);
        const { store } = faulty("PutItemCommand", loseResponses(1));
        expect(await store.createTask(task)).toEqual({ ok: false, current: { ...task, rev: 1 } });
      });
    });

    conformanceTest("a write that never reached the table is an error", async () => {
      const broken = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
      const { store, fired } = faulty("PutItemCommand", () => Promise.reject(broken), { maxAttempts: 1 });
      const task = taskIn(newFlow().id);
      await expect(store.createTask(task)).rejects.toBe(broken);
      expect(fired.times).toBe(1);
      expect(await store.getTask(task)).toBeUndefined();
    });

    conformanceTest("a crash between root and flow leaves no flow, and the next try completes the flow", async () => {
      let writes = 0;
      const { store, fired } = faulty(
        "PutItemCommand",
        (next) => (++writes === 2 ? Promise.reject(new Error("the process died")) : next()),
        { maxAttempts: 1 },
      );
      const flow = newFlow();
      const root = taskIn(flow.id);
      await expect(store.createFlow(flow, root)).rejects.toThrow("the process died");
      expect(fired.times).toBe(2);
      expect(await store.load(flow.id, ["0"])).toEqual({ flow: undefined, tasks: [{ ...root, rev: 1 }] });
      expect((await store.listFlows(flow.appId, 10)).flows).toEqual([]);
      expect(await store.createFlow(flow, root)).toBe("created");
    });

    conformanceTest(
      "the loser of a write conflict reads the winner's item if the engine does not return it",
      async () => {
        const task = taskIn(newFlow().id);
        const { store, fired } = faulty("PutItemCommand", (next) =>
          next().catch((error: { Item?: unknown }) => {
            error.Item = undefined;
            throw error;
          }),
        );
        await store.createTask(task);
        expect(await store.createTask(task)).toEqual({ ok: false, current: { ...task, rev: 1 } });
        expect(fired.times).toBe(2);
      },
    );

    describe("throttling of the table", () => {
      const throttled = (name: string): Fault => {
        const error = Object.assign(new Error(name), { name, $metadata: { httpStatusCode: 400 } });
        return () => Promise.reject(error);
      };
      const overloaded = { name: "MjflowError", code: "overloaded", retry: { afterMs: 1_000 } };

      for (const name of ["ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"]) {
        conformanceTest(`${name} becomes the error overloaded with a retry time`, async () => {
          const write = faulty("PutItemCommand", throttled(name), { maxAttempts: 1 });
          await expect(write.store.createTask(taskIn(newFlow().id))).rejects.toMatchObject(overloaded);
          const read = faulty("GetItemCommand", throttled(name), { maxAttempts: 1 });
          await expect(read.store.getTask(taskIn(newFlow().id))).rejects.toMatchObject(overloaded);
          expect([write.fired.times, read.fired.times]).toEqual([1, 1]);
        });
      }

      conformanceTest("keys that a batch read left unprocessed are read again, with growing pauses", async () => {
        const pauses: number[] = [];
        const { store, fired } = faulty("BatchGetItemCommand", leaveUnprocessed(2), {
          sleep: async (ms) => void pauses.push(ms),
        });
        const flow = newFlow();
        await store.createFlow(flow, taskIn(flow.id));
        await Promise.all(["0-1", "0-2", "0-3", "0-4"].map((path) => store.createTask(taskIn(flow.id, path))));
        const tasks = await store.getTasks(
          ["0", "0-1", "0-2", "0-3", "0-4"].map((path) => ({ flowId: flow.id, path })),
        );
        expect(tasks.map((task) => task.path)).toEqual(["0", "0-1", "0-2", "0-3", "0-4"]);
        expect(fired.times).toBe(3);
        expect(pauses).toEqual([25, 50]);
      });

      conformanceTest("a batch read that always leaves keys unprocessed is overloaded after 7 requests", async () => {
        const { store, fired } = faulty("BatchGetItemCommand", leaveUnprocessed(0));
        const { id: flowId } = newFlow();
        const refs = ["0", "0-1"].map((path) => ({ flowId, path }));
        await expect(store.getTasks(refs)).rejects.toMatchObject(overloaded);
        expect(fired.times).toBe(7);
      });
    });

    conformanceTest(
      "reads in the same turn of the event loop share one request, and each gets its own rows",
      async () => {
        const { store, fired } = faulty("BatchGetItemCommand", (next) => next());
        const [flow, other] = [newFlow(), newFlow()];
        for (const { id } of [flow, other]) await store.createTask(taskIn(id));
        await store.createTask(taskIn(flow.id, "0-1"));
        const read = (flowId: string, paths: readonly string[]) =>
          store.getTasks(paths.map((path) => ({ flowId, path })));
        const lists = await Promise.all([
          read(flow.id, ["0-1", "0"]),
          read(flow.id, ["0"]),
          read(other.id, ["0"]),
          read(newFlow().id, ["0"]),
        ]);
        const found = lists.map((tasks) => tasks.map(({ flowId, path }) => `${flowId} ${path}`));
        expect(found).toEqual([[`${flow.id} 0-1`, `${flow.id} 0`], [`${flow.id} 0`], [`${other.id} 0`], []]);
        expect(fired.times).toBe(1);
        await read(flow.id, ["0"]);
        expect(fired.times, "a later turn").toBe(2);
      },
    );

    conformanceTest("all reads that share a failed request fail", async () => {
      const error = Object.assign(new Error("no"), { name: "ThrottlingException", $metadata: { httpStatusCode: 400 } });
      const { store, fired } = faulty("BatchGetItemCommand", () => Promise.reject(error), { maxAttempts: 1 });
      const read = () => store.getTasks([{ flowId: newFlow().id, path: "0" }]);
      const reads = await Promise.allSettled([read(), read()]);
      expect(reads.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
      expect(fired.times).toBe(1);
    });

    conformanceTest(
      "a flow and its tasks are read as one range, which is one read unit for rows of 4 KB together",
      async () => {
        const meter = createMeter();
        const store = createDynamoStore({ client: maker.client(), table: TABLE, now: () => NOW, meter });
        const flow = newFlow();
        await store.createFlow(flow, taskIn(flow.id));
        const paths = ["0-0", "0-1", "0-2", "0-3"];
        for (const path of paths) await store.createTask(taskIn(flow.id, path));
        for (const wanted of [["0"], [...paths, "0"]]) {
          const before = meter.readUnits;
          expect((await store.load(flow.id, wanted)).tasks.map(({ path }) => path)).toEqual(wanted);
          expect(meter.readUnits - before).toBe(1);
        }
      },
    );

    conformanceTest("a flow of one imagine and four upscales stays within its cost limits", async () => {
      const meter = createMeter();
      const store = createDynamoStore({ client: maker.client(), table: TABLE, now: () => NOW, meter });
      await runFlow(store);
      console.log(title, meter);
      expect(meter.requests).toBeLessThanOrEqual(62);
      expect(meter.writeUnits).toBeLessThanOrEqual(30);
    });

    // One write for the root, one for its four children, and one at the end of each task.
    conformanceTest("the slots of such a flow at an account with a concurrency limit cost 7 write units", async () => {
      const meter = createMeter();
      const store = createDynamoStore({ client: maker.client(), table: TABLE, now: () => NOW, meter });
      const account = { provider: "p", account: newAppId() };
      const log = { info() {}, warn() {}, error() {}, count() {} };
      const limiter = createConcurrencyLimiter({ store, clock: { now: () => NOW }, log, timings: TIMINGS });
      const run = async (flowId: string, ...paths: string[]) => {
        const tasks = paths.map((path) => ({ flowId, path }));
        const slots = await Promise.all(tasks.map((task) => limiter.acquire(account, task, 12)));
        for (const [i, slot] of slots.entries()) {
          const { ok } = await store.releaseSlot(
            { ...account, kind: "tasks", row: slot!.row },
            slotNameOf(tasks[i]!),
            slot!.at,
          );
          expect(ok).toBe(true);
        }
      };
      // The first slot of an account creates the row.
      await run(newFlow().id, "0");
      const before = { ...meter };
      const { id } = newFlow();
      await run(id, "0");
      await run(id, "0-0", "0-1", "0-2", "0-3");
      expect(meter.writeUnits - before.writeUnits).toBe(7);
      expect(meter.readUnits - before.readUnits).toBeLessThanOrEqual(2);
      expect(meter.requests - before.requests).toBe(9);
    });
  });
}
