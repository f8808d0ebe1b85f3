/**
 * What the table's adapter promises when the wire fails: no engine throttles, loses answers or leaves work undone by
 * itself, so SDK middleware does it. Every fault says that it fired, or a test would pass by missing its target.
 */
import type { DynamoStoreDeps } from "@mjflow/store/dynamo";
import { createDynamoStore } from "@mjflow/store/dynamo";
import { createMeter } from "@mjflow/store/meter";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NOW, newFlow, taskIn } from "./factory.ts";
import { type Fault, intercept, loseRequest, loseResponse } from "./fault.ts";
import { runFlow } from "./flow.run.ts";
import { TABLE, type TableMaker } from "./table.maker.ts";

export function tableCase(title: string, make: () => Promise<TableMaker>, skip: Record<string, string> = {}): void {
  describe(`table: ${title}`, () => {
    let maker: TableMaker;
    beforeAll(async () => {
      maker = await make();
    });
    afterAll(() => maker?.stop());

    const promise = (name: string, run: () => Promise<void>) => {
      const reason = skip[name];
      if (reason === undefined) test(name, run);
      else test.skip(`${name} (${reason})`);
    };

    /** A store whose requests to `command` go through `fault`; counts those requests, the SDK's repetitions included. */
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

    describe("a write whose answer was lost", () => {
      promise("and that the SDK repeats is known for our own", async () => {
        const { store, fired } = faulty("PutItemCommand", loseRequest(1));
        const task = taskIn(newFlow().id);
        expect(await store.createTask(task)).toEqual({ ok: true, item: { ...task, rev: 1 } });
        expect(fired.times).toBe(2);
        expect((await store.getTask(task))!.rev).toBe(1);
      });

      promise("is known for our own when it replaced an item, too", async () => {
        const task = taskIn(newFlow().id);
        await maker.open({ now: () => NOW }).createTask(task);
        const { store, fired } = faulty("PutItemCommand", loseRequest(1));
        const saved = await store.saveTask({ ...task, rev: 1, status: "SUBMITTING", attempt: 1 });
        expect(saved).toMatchObject({ ok: true, item: { rev: 2, attempt: 1 } });
        expect(fired.times).toBe(2);
      });

      promise("creates a flow once, and says so", async () => {
        const { store, fired } = faulty("PutItemCommand", loseRequest(1), { maxAttempts: 1 });
        const flow = newFlow();
        expect(await store.createFlow(flow, taskIn(flow.id))).toBe("created");
        expect(fired.times).toBe(2);
      });

      promise("is found by reading when the SDK gives up", async () => {
        const { store, fired } = faulty("PutItemCommand", loseRequest(1), { maxAttempts: 1 });
        const task = taskIn(newFlow().id);
        expect(await store.createTask(task)).toMatchObject({ ok: true });
        expect(fired.times).toBe(1);
      });

      promise("is not mistaken for a rival's write of the very same item", async () => {
        const task = taskIn(newFlow().id);
        await maker.open({ now: () => NOW }).createTask(task);
        const { store } = faulty("PutItemCommand", loseRequest(1));
        expect(await store.createTask(task)).toEqual({ ok: false, current: { ...task, rev: 1 } });
      });
    });

    promise("a write that never arrived is an error, not a success", async () => {
      const broken = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
      const { store, fired } = faulty("PutItemCommand", () => Promise.reject(broken), { maxAttempts: 1 });
      const task = taskIn(newFlow().id);
      await expect(store.createTask(task)).rejects.toBe(broken);
      expect(fired.times).toBe(1);
      expect(await store.getTask(task)).toBeUndefined();
    });

    promise("a crash between root and flow leaves no flow, and the next try completes it", async () => {
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

    promise("a loser learns the winner's item from engines that do not send it along", async () => {
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
    });

    describe("throttling", () => {
      const throttled = (name: string): Fault => {
        const error = Object.assign(new Error(name), { name, $metadata: { httpStatusCode: 400 } });
        return () => Promise.reject(error);
      };
      const overloaded = { name: "MjflowError", code: "overloaded", retry: { afterMs: 1_000 } };

      for (const name of ["ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"]) {
        promise(`${name} is "overloaded", come again`, async () => {
          const write = faulty("PutItemCommand", throttled(name), { maxAttempts: 1 });
          await expect(write.store.createTask(taskIn(newFlow().id))).rejects.toMatchObject(overloaded);
          const read = faulty("GetItemCommand", throttled(name), { maxAttempts: 1 });
          await expect(read.store.getTask(taskIn(newFlow().id))).rejects.toMatchObject(overloaded);
          expect([write.fired.times, read.fired.times]).toEqual([1, 1]);
        });
      }

      promise("what a batch leaves undone is asked for again, with growing pauses", async () => {
        const pauses: number[] = [];
        const { store, fired } = faulty("BatchGetItemCommand", loseResponse(2), {
          sleep: async (ms) => void pauses.push(ms),
        });
        const flow = newFlow();
        await store.createFlow(flow, taskIn(flow.id));
        await Promise.all(["0-1", "0-2", "0-3"].map((path) => store.createTask(taskIn(flow.id, path))));
        const { tasks } = await store.load(flow.id, ["0", "0-1", "0-2", "0-3"]);
        expect(tasks.map((task) => task.path)).toEqual(["0", "0-1", "0-2", "0-3"]);
        expect(fired.times).toBe(3);
        expect(pauses).toEqual([25, 50]);
      });

      promise("a batch that is never finished is overloaded, after a bounded number of tries", async () => {
        const { store, fired } = faulty("BatchGetItemCommand", loseResponse(0));
        await expect(store.load(newFlow().id, ["0", "0-1"])).rejects.toMatchObject(overloaded);
        expect(fired.times).toBe(7);
      });
    });

    promise("reads asked for in one breath are one request, and each gets its own", async () => {
      const { store, fired } = faulty("BatchGetItemCommand", (next) => next());
      const [flow, other] = [newFlow(), newFlow()];
      for (const { id } of [flow, other]) await store.createTask(taskIn(id));
      await store.createTask(taskIn(flow.id, "0-1"));
      const [one, two, foreign, none] = await Promise.all([
        store.load(flow.id, ["0-1", "0"]),
        store.load(flow.id, ["0"]),
        store.load(other.id, ["0"]),
        store.load(newFlow().id, ["0"]),
      ]);
      const found = [one, two, foreign, none].map(({ tasks }) => tasks.map(({ flowId, path }) => `${flowId} ${path}`));
      expect(found).toEqual([[`${flow.id} 0-1`, `${flow.id} 0`], [`${flow.id} 0`], [`${other.id} 0`], []]);
      expect(fired.times).toBe(1);
      await store.load(flow.id, ["0"]);
      expect(fired.times, "another breath").toBe(2);
    });

    promise("of reads that share a request and fail, each fails", async () => {
      const error = Object.assign(new Error("no"), { name: "ThrottlingException", $metadata: { httpStatusCode: 400 } });
      const { store, fired } = faulty("BatchGetItemCommand", () => Promise.reject(error), { maxAttempts: 1 });
      const reads = await Promise.allSettled([store.load(newFlow().id, ["0"]), store.load(newFlow().id, ["0"])]);
      expect(reads.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
      expect(fired.times).toBe(1);
    });

    promise("a flow of one imagine and four upscales stays within its price", async () => {
      const meter = createMeter();
      const store = createDynamoStore({ client: maker.client(), table: TABLE, now: () => NOW, meter });
      await runFlow(store);
      console.log(title, meter);
      expect(meter.requests).toBeLessThanOrEqual(62);
      expect(meter.writeUnits).toBeLessThanOrEqual(30);
    });
  });
}
