/**
 * What `Store` promises (core/port.ts), as one suite that every maker passes: the table on each engine, and memory.
 * A gap of an engine is an entry in `skip`, with its reason, in that engine's own file.
 */

import { randomBytes } from "node:crypto";
import { newHealth } from "@mjflow/core/account-health";
import { type DeadLetter, deadLetterIdOf } from "@mjflow/core/dead-letter";
import type { Flow } from "@mjflow/core/flow";
import { DUE_SHARDS } from "@mjflow/core/limit";
import type { DueRef, FlowFilter, Store } from "@mjflow/core/port";
import type { Task } from "@mjflow/core/task";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AWKWARD, NOW, newAppId, newFlow, taskIn } from "./factory.ts";

export interface StoreMaker {
  /** A store over the maker's one table. */
  open(options: { now: () => number }): Store;
  stop(): Promise<void>;
}

export function storeCase(title: string, make: () => Promise<StoreMaker>, skip: Record<string, string> = {}): void {
  describe(`store: ${title}`, () => {
    let maker: StoreMaker;
    let store: Store;
    let now = NOW;

    beforeAll(async () => {
      maker = await make();
      store = maker.open({ now: () => now });
    });
    afterAll(() => maker?.stop());

    const promise = (name: string, run: () => Promise<void>) => {
      const reason = skip[name];
      if (reason === undefined) test(name, run);
      else test.skip(`${name} (${reason})`);
    };

    async function stored(flow: Flow = newFlow(), root: Task = taskIn(flow.id)): Promise<{ flow: Flow; root: Task }> {
      expect(await store.createFlow(flow, root)).toBe("created");
      return { flow: { ...flow, rev: 1 }, root: { ...root, rev: 1 } };
    }

    /** What every shard has that is due, of one flow only: the table is shared. */
    async function dueOf(flowId: string, before: number): Promise<DueRef[]> {
      const shards = Array.from({ length: DUE_SHARDS }, (_, shard) => store.due(shard, before, 1_000));
      const due = (await Promise.all(shards)).flat();
      return due
        .filter((ref) => ref.kind !== "delivery" && ref.flowId === flowId)
        .map(({ dueAt: _, ...ref }) => ref as DueRef);
    }

    describe("flows", () => {
      promise("a flow is stored with its root, both at revision 1", async () => {
        const { flow, root } = await stored();
        expect(await store.loadFlow(flow.id)).toEqual({ flow, tasks: [root] });
      });

      promise("a flow that exists is left as it is", async () => {
        const { flow, root } = await stored();
        const other = { ...flow, rev: 0, prompt: "another" };
        expect(await store.createFlow(other, { ...root, rev: 0, action: "BLEND" })).toBe("exists");
        expect(await store.loadFlow(flow.id)).toEqual({ flow, tasks: [root] });
      });

      promise("a root left behind by a try that died is completed by the next", async () => {
        const flow = newFlow();
        const root = taskIn(flow.id);
        await store.createTask(root);
        expect((await store.loadFlow(flow.id)).flow).toBeUndefined();
        expect(await store.createFlow(flow, root)).toBe("created");
        expect((await store.loadFlow(flow.id)).tasks).toHaveLength(1);
      });

      promise("of 20 creators of one flow, one is told that it did", async () => {
        const flow = newFlow();
        const answers = await Promise.all(Array.from({ length: 20 }, () => store.createFlow(flow, taskIn(flow.id))));
        expect(answers.filter((answer) => answer === "created")).toHaveLength(1);
      });

      promise("state and prompt come back byte for byte", async () => {
        const { flow } = await stored(newFlow({ state: AWKWARD, prompt: AWKWARD }));
        const read = (await store.load(flow.id, [])).flow!;
        expect(Buffer.byteLength(AWKWARD)).toBeGreaterThan(3_900);
        expect(Buffer.from(read.state!)).toEqual(Buffer.from(AWKWARD));
        expect(Buffer.from(read.prompt!)).toEqual(Buffer.from(AWKWARD));
      });

      promise("an empty state is not an absent one", async () => {
        const { flow } = await stored(newFlow({ state: "" }));
        expect((await store.load(flow.id, [])).flow!.state).toBe("");
      });

      promise("a saved flow has the next revision, and an older writer learns of it", async () => {
        const { flow } = await stored();
        const ended: Flow = { ...flow, status: "completed", endedAt: NOW + 5 };
        expect(await store.saveFlow(ended)).toEqual({ ok: true, item: { ...ended, rev: 2 } });
        expect(await store.saveFlow({ ...flow, due: 7 })).toEqual({ ok: false, current: { ...ended, rev: 2 } });
      });
    });

    describe("tasks", () => {
      promise("a new task is stored at revision 1 and read as it was, without what was undefined", async () => {
        const task = taskIn(newFlow().id, "0-1", {
          press: "upscale:2",
          failure: undefined,
          then: [{ press: "zoom:2", modal: { prompt: AWKWARD } }],
          result: { imageUrl: "https://cdn.example/a.png", buttons: [], raw: AWKWARD },
        });
        const saved = await store.createTask(task);
        const { failure: _, ...defined } = task;
        expect(saved).toEqual({ ok: true, item: { ...defined, rev: 1 } });
        expect(await store.getTask(task)).toStrictEqual({ ...defined, rev: 1 });
      });

      promise("a task that is there is left as it is, and shown to who would create it", async () => {
        const task = taskIn(newFlow().id, "0-1");
        await store.createTask(task);
        await store.saveTask({ ...task, rev: 1, status: "SUBMITTING" });
        expect(await store.createTask(task)).toEqual({
          ok: false,
          current: { ...task, rev: 2, status: "SUBMITTING" },
        });
      });

      promise("of 50 writers at one revision one wins, and all others learn its item", async () => {
        const { flow, root } = await stored();
        const saves = await Promise.all(
          Array.from({ length: 50 }, (_, i) => store.saveTask({ ...root, vendorTaskId: `writer-${i}` })),
        );
        const winners = saves.flatMap((saved) => (saved.ok ? [saved.item] : []));
        expect(winners).toHaveLength(1);
        const learnt = saves.flatMap((saved) => (saved.ok ? [] : [saved.current]));
        expect(learnt).toEqual(Array.from({ length: 49 }, () => winners[0]));
        expect(await store.getTask({ flowId: flow.id, path: "0" })).toEqual(winners[0]);
      });

      promise("of 50 creators one wins, and all others learn its item", async () => {
        const task = taskIn(newFlow().id, "0-1");
        const saves = await Promise.all(
          Array.from({ length: 50 }, (_, i) => store.createTask({ ...task, vendorTaskId: `writer-${i}` })),
        );
        const winners = saves.flatMap((saved) => (saved.ok ? [saved.item] : []));
        expect(winners).toHaveLength(1);
        expect(saves.flatMap((saved) => (saved.ok ? [] : [saved.current]))).toEqual(
          Array.from({ length: 49 }, () => winners[0]),
        );
      });

      promise("twenty increments by racing writers are twenty increments", async () => {
        const { root } = await stored();
        const increment = async () => {
          for (let task = root; ; ) {
            const saved = await store.saveTask({ ...task, callbacks: task.callbacks + 1 });
            if (saved.ok) return;
            task = saved.current!;
          }
        };
        await Promise.all(Array.from({ length: 20 }, increment));
        expect(await store.getTask({ flowId: root.flowId, path: "0" })).toMatchObject({ callbacks: 20, rev: 21 });
      });

      promise("tasks of many flows are read together, in the order asked for, absent ones left out", async () => {
        const tasks = Array.from({ length: 120 }, () => taskIn(newFlow().id));
        await Promise.all(tasks.map((task) => store.createTask(task)));
        const found = await store.getTasks([tasks[1]!, taskIn(newFlow().id), tasks[0]!, ...tasks.slice(2)]);
        expect(found.map(({ flowId }) => flowId)).toEqual(
          [tasks[1]!, tasks[0]!, ...tasks.slice(2)].map(({ flowId }) => flowId),
        );
        expect(await store.getTasks([])).toEqual([]);
      });

      promise("saving a task that is not there stores nothing", async () => {
        const task = taskIn(newFlow().id, "0", { rev: 3 });
        expect(await store.saveTask(task)).toEqual({ ok: false, current: undefined });
        expect(await store.getTask(task)).toBeUndefined();
      });

      promise("what a caller changes afterwards is not stored", async () => {
        const task = taskIn(newFlow().id, "0", { then: [{ press: "upscale:1" }] });
        await store.createTask(task);
        task.then!.push({ press: "upscale:2" });
        const read = (await store.getTask(task))!;
        // A store may hand out what cannot be changed at all.
        if (!Object.isFrozen(read.then)) read.then!.push({ press: "upscale:3" });
        expect((await store.getTask(task))!.then).toEqual([{ press: "upscale:1" }]);
      });

      promise("a task is removed at its revision, and not at another", async () => {
        const task = taskIn(newFlow().id);
        await store.createTask(task);
        await store.deleteTask({ ...task, rev: 0 });
        expect(await store.getTask(task)).toBeDefined();
        await store.deleteTask({ ...task, rev: 1 });
        await store.deleteTask({ ...task, rev: 1 });
        expect(await store.getTask(task)).toBeUndefined();
        expect(await dueOf(task.flowId, Number.MAX_SAFE_INTEGER)).toEqual([]);
      });
    });

    describe("loading", () => {
      promise("names the tasks asked for, in that order, and leaves out what is not there", async () => {
        const { flow, root } = await stored();
        await store.createTask(taskIn(flow.id, "0-1"));
        const { tasks } = await store.load(flow.id, ["0-1", "0-9", "0", "0-1"]);
        expect(tasks.map((task) => task.path)).toEqual(["0-1", "0"]);
        expect(await store.load(newFlow().id, ["0"])).toEqual({ flow: undefined, tasks: [] });
        expect((await store.load(flow.id, [])).flow).toEqual(flow);
        expect(tasks[1]).toEqual(root);
      });

      promise("a flow of more than a hundred tasks is loaded whole", async () => {
        const { flow } = await stored();
        const paths = Array.from({ length: 130 }, (_, i) => `0-${i}`);
        await Promise.all(paths.map((path) => store.createTask(taskIn(flow.id, path))));
        const named = await store.load(flow.id, paths);
        expect(named.flow).toEqual(flow);
        expect(named.tasks.map((task) => task.path)).toEqual(paths);
        expect((await store.loadFlow(flow.id)).tasks.map((task) => task.path).sort()).toEqual(["0", ...paths].sort());
      });

      promise("a flow of more than a megabyte is loaded whole", async () => {
        const { flow } = await stored();
        const raw = randomBytes(150_000).toString("base64");
        const paths = Array.from({ length: 9 }, (_, i) => `0-${i}`);
        await Promise.all(paths.map((path) => store.createTask(taskIn(flow.id, path, { result: { raw } }))));
        const { tasks } = await store.loadFlow(flow.id);
        expect(tasks).toHaveLength(10);
        expect(tasks.filter((task) => task.result?.raw === raw)).toHaveLength(9);
      });

      promise("rows past their 90 days are not shown, deleted or not", async () => {
        const { flow } = await stored();
        now = NOW + 91 * 24 * 3_600_000;
        try {
          expect(await store.load(flow.id, ["0"])).toEqual({ flow: undefined, tasks: [] });
          expect(await store.loadFlow(flow.id)).toEqual({ flow: undefined, tasks: [] });
          expect(await store.getTask({ flowId: flow.id, path: "0" })).toBeUndefined();
          expect((await store.listFlows(flow.appId, 10)).flows).toEqual([]);
        } finally {
          now = NOW;
        }
      });
    });

    describe("what is due", () => {
      promise("appears, moves and disappears with the row's due time", async () => {
        const flow = newFlow();
        const task = taskIn(flow.id, "0-1", { due: NOW + 10 });
        const ref: DueRef = { kind: "task", flowId: flow.id, path: "0-1" };
        await store.createTask(task);
        expect(await dueOf(flow.id, NOW + 9)).toEqual([]);
        expect(await dueOf(flow.id, NOW + 10)).toEqual([ref]);
        await store.saveTask({ ...task, rev: 1, due: NOW + 20 });
        expect(await dueOf(flow.id, NOW + 19)).toEqual([]);
        expect(await dueOf(flow.id, NOW + 20)).toEqual([ref]);
        await store.saveTask({ ...task, rev: 2, due: undefined });
        expect(await dueOf(flow.id, Number.MAX_SAFE_INTEGER)).toEqual([]);
      });

      promise(
        "does not name a task while its flow's due time stands for its own, and does from when it moves",
        async () => {
          const flow = newFlow();
          const task = taskIn(flow.id, "0-1", { due: NOW + 10, flowDue: NOW + 10 });
          const ref: DueRef = { kind: "task", flowId: flow.id, path: "0-1" };
          await store.createTask(task);
          expect(await dueOf(flow.id, Number.MAX_SAFE_INTEGER)).toEqual([]);
          expect(await store.getTask(ref)).toEqual({ ...task, rev: 1 });
          await store.saveTask({ ...task, rev: 1, due: NOW + 5 });
          expect(await dueOf(flow.id, NOW + 5)).toEqual([ref]);
          await store.saveTask({ ...task, rev: 2 });
          expect(await dueOf(flow.id, Number.MAX_SAFE_INTEGER)).toEqual([]);
        },
      );

      promise("holds flows as well as tasks, each in one shard", async () => {
        const { flow } = await stored(newFlow({ due: NOW + 5 }));
        expect(await dueOf(flow.id, NOW + 60_000)).toEqual([
          { kind: "flow", flowId: flow.id },
          { kind: "task", flowId: flow.id, path: "0" },
        ]);
      });

      promise("comes earliest first, and not more than asked for", async () => {
        const { id } = newFlow();
        const times = [-30, -10, -50, -20, -40].map((ms) => NOW * 0.5 + ms);
        await Promise.all(times.map((due, i) => store.createTask(taskIn(id, `0-${i}`, { due }))));
        const shards = await Promise.all(
          Array.from({ length: DUE_SHARDS }, (_, shard) => store.due(shard, NOW * 0.5, 3)),
        );
        const paths = shards.flat().map((ref) => (ref.kind === "task" ? ref.path : ""));
        expect(paths).toEqual(["0-2", "0-4", "0-0"]);
        expect(shards.flat().map(({ dueAt }) => dueAt)).toEqual([-50, -40, -30].map((ms) => NOW * 0.5 + ms));
      });
    });

    describe("listing", () => {
      promise("shows an app's flows newest first, page by page, and ends with no empty page", async () => {
        const appId = newAppId();
        const flows = Array.from({ length: 7 }, (_, i) => newFlow({ appId, createdAt: NOW + i * 1_000 }));
        await Promise.all([...flows, newFlow()].map((flow) => stored(flow)));
        const newest = flows.map((flow) => flow.id).reverse();
        for (const limit of [1, 3, 7, 10]) {
          const seen: string[] = [];
          let pages = 0;
          let cursor: string | undefined;
          do {
            const page = await store.listFlows(appId, limit, cursor);
            seen.push(...page.flows.map((flow) => flow.id));
            cursor = page.cursor;
            pages++;
          } while (cursor !== undefined);
          expect(seen).toEqual(newest);
          expect(pages).toBe(Math.ceil(7 / limit));
        }
        expect(await store.listFlows(newAppId(), 5)).toEqual({ flows: [] });
      });

      promise("shows those of a time, both ends included, and those that fit, wherever a page ends", async () => {
        const appId = newAppId();
        // Two at each moment, a second apart.
        const flows = Array.from({ length: 8 }, (_, i) =>
          newFlow({ appId, createdAt: NOW + Math.floor(i / 2) * 1_000, state: i % 2 === 0 ? "even" : "odd" }),
        );
        await Promise.all(flows.map((flow) => stored(flow)));
        const even = ({ state }: Flow) => state === "even";
        const cases: [FlowFilter, Flow[]][] = [
          [{ since: NOW + 1_000 }, flows.slice(2)],
          [{ until: NOW + 1_000 }, flows.slice(0, 4)],
          [{ since: NOW + 1_000, until: NOW + 2_000 }, flows.slice(2, 6)],
          [{ since: NOW + 1_001, until: NOW + 1_999 }, []],
          [{ since: NOW + 2_000, until: NOW + 1_000 }, []],
          [{ matches: even }, flows.filter(even)],
          [{ since: NOW + 1_000, matches: even }, flows.slice(2).filter(even)],
        ];
        for (const [filter, wanted] of cases) {
          for (const limit of [1, 3, 20]) {
            const seen: string[] = [];
            let cursor: string | undefined;
            do {
              const page = await store.listFlows(appId, limit, cursor, filter);
              seen.push(...page.flows.map((flow) => flow.id));
              cursor = page.cursor;
            } while (cursor !== undefined);
            expect(seen.toSorted()).toEqual(wanted.map((flow) => flow.id).toSorted());
          }
        }
      });

      promise("refuses a cursor that is broken or of another app's listing", async () => {
        const appId = newAppId();
        await Promise.all([1, 2].map((i) => stored(newFlow({ appId, createdAt: NOW + i }))));
        const { cursor } = await store.listFlows(appId, 1);
        const refusal = { code: "invalid_request", field: "cursor" };
        await expect(store.listFlows(newAppId(), 1, cursor)).rejects.toMatchObject(refusal);
        for (const broken of ["", "%%%", "bm8", cursor!.slice(0, -4), Buffer.from("[1,2]").toString("base64url")]) {
          await expect(store.listFlows(appId, 1, broken)).rejects.toMatchObject(refusal);
        }
      });
    });

    describe("an account's health", () => {
      promise("is kept, and a lost race is no error", async () => {
        const account = newAppId();
        expect(await store.health("p", account)).toBeUndefined();
        const fresh = newHealth("p", account, NOW);
        await store.saveHealth(fresh);
        expect(await store.health("p", account)).toEqual({ ...fresh, rev: 1 });
        await store.saveHealth({ ...fresh, misses: 9 });
        expect(await store.health("p", account)).toEqual({ ...fresh, rev: 1 });
        await store.saveHealth({ ...fresh, rev: 1, misses: 1, heardAt: NOW });
        expect(await store.health("p", account)).toEqual({ ...fresh, rev: 2, misses: 1, heardAt: NOW });
        await store.saveHealth({ ...fresh, rev: 1, misses: 5 });
        expect((await store.health("p", account))!.misses).toBe(1);
      });
    });

    describe("dead letters", () => {
      const deadLetter = (id: string, body = "{"): DeadLetter => {
        return { id, rev: 0, state: "kept", body, why: "not JSON", receives: 5, createdAt: NOW };
      };

      promise("are kept once, listed newest first until decided on, and stay on record", async () => {
        const [older, newer] = [deadLetterIdOf(NOW - 5_000, newAppId()), deadLetterIdOf(NOW, newAppId())];
        await store.saveNewDeadLetter(deadLetter(older, 'odd \u0001 "body" 🛶'));
        await store.saveNewDeadLetter(deadLetter(newer));
        await store.saveNewDeadLetter(deadLetter(newer, "another"));
        const ids = (await store.listDeadLetters(500)).map(({ id }) => id);
        expect(ids.indexOf(newer)).toBeLessThan(ids.indexOf(older));
        expect(await store.getDeadLetter(older)).toMatchObject({ rev: 1, body: 'odd \u0001 "body" 🛶' });
        const saved = await store.saveDeadLetter({ ...deadLetter(newer), rev: 1, state: "dropped" });
        expect(saved).toMatchObject({ ok: true, item: { rev: 2 } });
        expect(await store.saveDeadLetter({ ...deadLetter(newer), rev: 1, state: "redriven" })).toMatchObject({
          ok: false,
        });
        expect((await store.listDeadLetters(500)).map(({ id }) => id)).not.toContain(newer);
        expect(await store.getDeadLetter(newer)).toMatchObject({ state: "dropped", body: "{" });
        expect(await store.getDeadLetter("2026_nobody")).toBeUndefined();
      });
    });
  });
}
