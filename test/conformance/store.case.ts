/**
 * Conformance suite of the port `Store` (core/port.ts). Every implementation passes it: the table on each engine, and memory.
 * A gap of an engine is an entry in `skip`, with its reason, in the test file of that engine.
 */

import { randomBytes } from "node:crypto";
import { newHealth } from "@mjflow/core/account-health";
import { type DeadLetter, deadLetterIdOf } from "@mjflow/core/dead-letter";
import type { Flow } from "@mjflow/core/flow";
import type { Due, DueRef, FlowFilter, Store } from "@mjflow/core/port";
import type { Task } from "@mjflow/core/task";
import { afterApp, newWaitList } from "@mjflow/core/wait-list";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dueEntries } from "../support/due.ts";
import { AWKWARD, NOW, newAppId, newFlow, taskIn } from "./factory.ts";

export interface StoreMaker {
  /** Opens a store over the one table of the maker. */
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

    const conformanceTest = (name: string, run: () => Promise<void>) => {
      const reason = skip[name];
      if (reason === undefined) test(name, run);
      else test.skip(`${name} (${reason})`);
    };

    describe("slots", () => {
      const slotRow = () => ({ provider: "p", account: newAppId(), kind: "tasks" as const, row: 0 });
      const heldOf = async ({ provider, account }: { provider: string; account: string }) =>
        (await store.accountState(provider, account)).slots;

      conformanceTest(
        "of 20 workers that acquire a slot at one time, exactly as many get one as the row has",
        async () => {
          const ref = slotRow();
          const names = Array.from({ length: 20 }, (_, i) => `flow.${i}`);
          const written = await Promise.all(names.map((name) => store.acquireSlots(ref, [name], 12, NOW)));
          expect(written.filter(({ ok }) => ok)).toHaveLength(12);
          const [row] = await heldOf(ref);
          expect(row).toMatchObject({ kind: "tasks", row: 0 });
          expect(Object.keys(row!.held)).toHaveLength(12);
          for (const { ok, held } of written) if (!ok) expect(Object.keys(held)).toHaveLength(12);
        },
      );

      conformanceTest("several names are added together or not at all", async () => {
        const ref = slotRow();
        expect(await store.acquireSlots(ref, ["a.0", "a.1"], 3, NOW)).toEqual({
          ok: true,
          held: { "a.0": NOW, "a.1": NOW },
        });
        expect((await store.acquireSlots(ref, ["b.0", "b.1"], 3, NOW)).ok).toBe(false);
        expect((await store.acquireSlots(ref, ["b.0"], 3, NOW + 1)).held).toEqual({
          "a.0": NOW,
          "a.1": NOW,
          "b.0": NOW + 1,
        });
      });

      conformanceTest("one write adds an entry and removes finished ones, which count until then", async () => {
        const ref = { ...slotRow(), kind: "calls" as const };
        const first = await store.acquireSlots(ref, ["a"], 2, NOW, ["never-added"]);
        expect(first).toEqual({ ok: true, held: { a: NOW } });
        const second = await store.acquireSlots(ref, ["b"], 2, NOW + 1, ["a", "removed-by-another"]);
        expect(second).toEqual({ ok: true, held: { b: NOW + 1 } });
        await store.acquireSlots(ref, ["c"], 2, NOW + 2);
        const full = await store.acquireSlots(ref, ["d"], 2, NOW + 3, ["b"]);
        expect(full).toEqual({ ok: false, held: { b: NOW + 1, c: NOW + 2 } });
      });

      conformanceTest("a name that has a slot gets no second one, and the row shows the first", async () => {
        const ref = slotRow();
        await store.acquireSlots(ref, ["a.0"], 3, NOW);
        expect(await store.acquireSlots(ref, ["a.0"], 3, NOW + 1)).toEqual({ ok: false, held: { "a.0": NOW } });
      });

      conformanceTest("a slot is released or renewed only by the time at which it was acquired", async () => {
        const ref = slotRow();
        await store.acquireSlots(ref, ["a.0"], 1, NOW);
        expect((await store.releaseSlot(ref, "a.0", NOW + 1)).ok).toBe(false);
        expect((await store.renewSlot(ref, "a.0", NOW + 1, NOW + 2)).ok).toBe(false);
        expect(await store.renewSlot(ref, "a.0", NOW, NOW + 2)).toEqual({ ok: true, held: { "a.0": NOW + 2 } });
        expect(await store.releaseSlot(ref, "a.0", NOW + 2)).toEqual({ ok: true, held: {} });
        expect((await store.releaseSlot(ref, "a.0", NOW + 2)).ok).toBe(false);
        expect((await store.acquireSlots(ref, ["b.0"], 1, NOW)).ok).toBe(true);
      });

      conformanceTest("the health of many accounts is read together, without accounts that have none", async () => {
        const names = Array.from({ length: 120 }, (_, i) => `many-${i}`);
        const refs = names.map((account) => ({ provider: "many", account }));
        await Promise.all(names.slice(0, 110).map((account) => store.saveHealth(newHealth("many", account, NOW))));
        const found = await store.healths(refs);
        expect(found.map(({ account }) => account).sort()).toEqual(names.slice(0, 110).sort());
        expect(await store.healths([])).toEqual([]);
      });

      conformanceTest(
        "the state of an account has its health and its rows of slots, and nothing of other accounts",
        async () => {
          const ref = slotRow();
          const { provider, account } = ref;
          expect(await store.accountState(provider, account)).toEqual({ slots: [] });
          await store.saveHealth(newHealth(provider, account, NOW));
          await store.acquireSlots({ ...ref, row: 11 }, ["a.0"], 1, NOW);
          await store.acquireSlots({ ...ref, kind: "calls", row: 2 }, ["x"], 1, NOW);
          const state = await store.accountState(provider, account);
          expect(state.health).toMatchObject({ provider, account, rev: 1 });
          expect(state.slots).toContainEqual({ kind: "tasks", row: 11, held: { "a.0": NOW } });
          expect(state.slots).toContainEqual({ kind: "calls", row: 2, held: { x: NOW } });
          expect(state.slots).toHaveLength(2);
        },
      );
    });

    describe("wait lists", () => {
      const entry = (appId: string, createdAt: number, path = "0") => ({
        appId,
        createdAt,
        flowId: newFlow().id,
        path,
      });

      conformanceTest("waiting tasks are listed by app and then by their time, within the bounds", async () => {
        const account = newAppId();
        const [b, a2, a1] = [entry("app_b", NOW), entry("app_a", NOW + 1), entry("app_a", NOW - 1_000_000_000_000)];
        for (const each of [b, a2, a1]) await store.addWaiting("p", account, each);
        expect(await store.listWaiting("p", account, { limit: 9 })).toEqual([a1, a2, b]);
        expect(await store.listWaiting("p", account, { limit: 1 })).toEqual([a1]);
        expect(await store.listWaiting("p", account, { from: afterApp("app_a"), limit: 9 })).toEqual([b]);
        expect(await store.listWaiting("p", account, { to: afterApp("app_a"), limit: 9 })).toEqual([a1, a2]);
        expect(await store.listWaiting("other", account, { limit: 9 })).toEqual([]);
      });

      conformanceTest("a task that is added twice is listed once, until it is removed", async () => {
        const account = newAppId();
        const one = entry("app_a", NOW);
        for (let i = 0; i < 2; i++) await store.addWaiting("p", account, one);
        expect(await store.listWaiting("p", account, { limit: 9 })).toEqual([one]);
        expect(await store.isWaiting("p", account, one)).toBe(true);
        for (let i = 0; i < 2; i++) await store.removeWaiting("p", account, one);
        expect(await store.isWaiting("p", account, one)).toBe(false);
      });

      conformanceTest(
        "the state of a list is due as an entry of its account; the loser of two writes gets the winner's row",
        async () => {
          const account = newAppId();
          const list = {
            ...newWaitList("p", account),
            since: NOW,
            due: NOW + 1,
            turn: "app_a",
            parallel: 4,
            parallelAt: NOW,
          };
          const both = await Promise.all([store.saveWaitList(list), store.saveWaitList({ ...list, turn: "app_b" })]);
          const won = both.find(({ ok }) => ok);
          const stored = won?.ok ? won.item : undefined;
          expect(both.filter(({ ok }) => !ok)).toEqual([{ ok: false, current: stored }]);
          expect(await store.waitList("p", account)).toEqual(stored);
          expect((await store.accountState("p", account)).waitList).toEqual(stored);
          const accounts = [newAppId(), account].map((each) => ({ provider: "p", account: each }));
          expect(await store.waitLists(accounts)).toEqual([stored]);
          const dueLists = async () => {
            const pages = await Promise.all(
              (await store.duePartitions(NOW + 1)).map(({ name }) => store.due(name, NOW + 1, 1_000)),
            );
            return pages
              .flatMap(({ due }) => due)
              .filter((each) => each.kind === "waitList" && each.account === account);
          };
          expect(await dueLists()).toEqual([{ kind: "waitList", provider: "p", account, dueAt: NOW + 1 }]);
          await store.saveWaitList({ ...stored!, since: undefined, due: undefined });
          expect(await dueLists()).toEqual([]);
        },
      );
    });

    async function stored(flow: Flow = newFlow(), root: Task = taskIn(flow.id)): Promise<{ flow: Flow; root: Task }> {
      expect(await store.createFlow(flow, root)).toBe("created");
      return { flow: { ...flow, rev: 1 }, root: { ...root, rev: 1 } };
    }

    /** Returns the due entries of one flow from all partitions; other tests share the table. */
    async function dueOf(flowId: string, before: number): Promise<DueRef[]> {
      const due = await dueEntries(store, before);
      return due.filter((ref) => "flowId" in ref && ref.flowId === flowId).map(({ dueAt: _, ...ref }) => ref as DueRef);
    }

    describe("flows in the store", () => {
      conformanceTest("a flow is stored with its root, both at revision 1", async () => {
        const { flow, root } = await stored();
        expect(await store.loadFlow(flow.id)).toEqual({ flow, tasks: [root] });
      });

      conformanceTest("creating an existing flow changes nothing", async () => {
        const { flow, root } = await stored();
        const other = { ...flow, rev: 0, prompt: "another" };
        expect(await store.createFlow(other, { ...root, rev: 0, action: "BLEND" })).toBe("exists");
        expect(await store.loadFlow(flow.id)).toEqual({ flow, tasks: [root] });
      });

      conformanceTest("a root without a flow, left by a crash, is completed by the next try", async () => {
        const flow = newFlow();
        const root = taskIn(flow.id);
        await store.createTask(root);
        expect((await store.loadFlow(flow.id)).flow).toBeUndefined();
        expect(await store.createFlow(flow, root)).toBe("created");
        expect((await store.loadFlow(flow.id)).tasks).toHaveLength(1);
      });

      conformanceTest("only one of 20 concurrent creators of a flow gets the result created", async () => {
        const flow = newFlow();
        const results = await Promise.all(Array.from({ length: 20 }, () => store.createFlow(flow, taskIn(flow.id))));
        expect(results.filter((result) => result === "created")).toHaveLength(1);
      });

      conformanceTest("state and prompt are read byte for byte", async () => {
        const { flow } = await stored(newFlow({ state: AWKWARD, prompt: AWKWARD }));
        const read = (await store.load(flow.id, [])).flow!;
        expect(Buffer.byteLength(AWKWARD)).toBeGreaterThan(3_900);
        expect(Buffer.from(read.state!)).toEqual(Buffer.from(AWKWARD));
        expect(Buffer.from(read.prompt!)).toEqual(Buffer.from(AWKWARD));
      });

      conformanceTest("an empty state is read as empty and not as missing", async () => {
        const { flow } = await stored(newFlow({ state: "" }));
        expect((await store.load(flow.id, [])).flow!.state).toBe("");
      });

      conformanceTest(
        "a saved flow gets the next revision, and a writer with an older revision gets the stored flow",
        async () => {
          const { flow } = await stored();
          const ended: Flow = { ...flow, status: "completed", endedAt: NOW + 5 };
          expect(await store.saveFlow(ended)).toEqual({ ok: true, item: { ...ended, rev: 2 } });
          expect(await store.saveFlow({ ...flow, due: 7 })).toEqual({ ok: false, current: { ...ended, rev: 2 } });
        },
      );
    });

    describe("tasks in the store", () => {
      conformanceTest("a new task is stored at revision 1 and read unchanged, without undefined fields", async () => {
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

      conformanceTest("creating an existing task changes nothing and returns the stored task", async () => {
        const task = taskIn(newFlow().id, "0-1");
        await store.createTask(task);
        await store.saveTask({ ...task, rev: 1, status: "SUBMITTING" });
        expect(await store.createTask(task)).toEqual({
          ok: false,
          current: { ...task, rev: 2, status: "SUBMITTING" },
        });
      });

      conformanceTest("one of 50 writers at one revision wins, and the others get its item", async () => {
        const { flow, root } = await stored();
        const saves = await Promise.all(
          Array.from({ length: 50 }, (_, i) => store.saveTask({ ...root, vendorTaskId: `writer-${i}` })),
        );
        const winners = saves.flatMap((saved) => (saved.ok ? [saved.item] : []));
        expect(winners).toHaveLength(1);
        const received = saves.flatMap((saved) => (saved.ok ? [] : [saved.current]));
        expect(received).toEqual(Array.from({ length: 49 }, () => winners[0]));
        expect(await store.getTask({ flowId: flow.id, path: "0" })).toEqual(winners[0]);
      });

      conformanceTest("one of 50 concurrent creators of a task wins, and the others get its item", async () => {
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

      conformanceTest("20 increments by concurrent writers add up to 20", async () => {
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

      conformanceTest(
        "tasks of many flows are read together in the order of the request, without missing ones",
        async () => {
          const tasks = Array.from({ length: 120 }, () => taskIn(newFlow().id));
          await Promise.all(tasks.map((task) => store.createTask(task)));
          const found = await store.getTasks([tasks[1]!, taskIn(newFlow().id), tasks[0]!, ...tasks.slice(2)]);
          expect(found.map(({ flowId }) => flowId)).toEqual(
            [tasks[1]!, tasks[0]!, ...tasks.slice(2)].map(({ flowId }) => flowId),
          );
          expect(await store.getTasks([])).toEqual([]);
        },
      );

      conformanceTest("saving a missing task stores nothing", async () => {
        const task = taskIn(newFlow().id, "0", { rev: 3 });
        expect(await store.saveTask(task)).toEqual({ ok: false, current: undefined });
        expect(await store.getTask(task)).toBeUndefined();
      });

      conformanceTest("later changes of a caller to its object are not stored", async () => {
        const task = taskIn(newFlow().id, "0", { then: [{ press: "upscale:1" }] });
        await store.createTask(task);
        task.then!.push({ press: "upscale:2" });
        const read = (await store.getTask(task))!;
        // A store may return frozen objects.
        if (!Object.isFrozen(read.then)) read.then!.push({ press: "upscale:3" });
        expect((await store.getTask(task))!.then).toEqual([{ press: "upscale:1" }]);
      });

      conformanceTest("a task is deleted only with its current revision", async () => {
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

    describe("deleted flows (D13)", () => {
      conformanceTest("the tasks of a flow are deleted, with their due entries, and those of others stay", async () => {
        const [{ id }, other] = [newFlow(), newFlow()];
        for (const path of ["0", "0-1", "0-10"]) await store.createTask(taskIn(id, path));
        await store.createTask(taskIn(other.id));
        await store.deleteTasks(id);
        expect((await store.loadFlow(id)).tasks).toEqual([]);
        expect((await store.loadFlow(other.id)).tasks).toHaveLength(1);
        expect(await dueOf(id, Number.MAX_SAFE_INTEGER)).toEqual([]);
        await store.deleteTasks(id);
      });

      conformanceTest("a deleted flow is in no listing, and its row can still be read", async () => {
        const { flow } = await stored();
        const saved = await store.saveFlow({ ...flow, rev: 1, deletedAt: 7, prompt: undefined });
        expect(saved.ok).toBe(true);
        const listed = await store.listFlows(flow.appId, 100);
        expect(listed.flows.map(({ id }) => id)).not.toContain(flow.id);
        expect((await store.load(flow.id, [])).flow).toMatchObject({ deletedAt: 7 });
      });
    });

    describe("loading flows", () => {
      conformanceTest("load returns the named tasks in the order of the request, without missing ones", async () => {
        const { flow, root } = await stored();
        await store.createTask(taskIn(flow.id, "0-1"));
        const { tasks } = await store.load(flow.id, ["0-1", "0-9", "0", "0-1"]);
        expect(tasks.map((task) => task.path)).toEqual(["0-1", "0"]);
        expect(await store.load(newFlow().id, ["0"])).toEqual({ flow: undefined, tasks: [] });
        expect((await store.load(flow.id, [])).flow).toEqual(flow);
        expect(tasks[1]).toEqual(root);
      });

      conformanceTest("siblings are loaded without their descendants, also if these are many", async () => {
        const { flow } = await stored();
        const siblings = ["0-0", "0-1", "0-2", "0-10"];
        const descendants = Array.from({ length: 30 }, (_, i) => `0-0-${i}`);
        const create = (path: string) => store.createTask(taskIn(flow.id, path));
        for (const path of siblings) await create(path);
        const paths = ["0-2", "0", "0-9", "0-10", "0-0", "0-1"];
        const loaded = async () => (await store.load(flow.id, paths)).tasks.map(({ path }) => path);
        const present = paths.filter((path) => path !== "0-9");
        expect(await loaded()).toEqual(present);
        await Promise.all(descendants.map(create));
        expect(await loaded()).toEqual(present);
        expect((await store.load(flow.id, siblings)).flow).toEqual(flow);
      });

      conformanceTest("a flow with more than a hundred tasks is loaded completely", async () => {
        const { flow } = await stored();
        const paths = Array.from({ length: 130 }, (_, i) => `0-${i}`);
        await Promise.all(paths.map((path) => store.createTask(taskIn(flow.id, path))));
        const named = await store.load(flow.id, paths);
        expect(named.flow).toEqual(flow);
        expect(named.tasks.map((task) => task.path)).toEqual(paths);
        expect((await store.loadFlow(flow.id)).tasks.map((task) => task.path).sort()).toEqual(["0", ...paths].sort());
      });

      conformanceTest("a flow of more than a megabyte is loaded completely", async () => {
        const { flow } = await stored();
        const raw = randomBytes(150_000).toString("base64");
        const paths = Array.from({ length: 9 }, (_, i) => `0-${i}`);
        await Promise.all(paths.map((path) => store.createTask(taskIn(flow.id, path, { result: { raw } }))));
        const { tasks } = await store.loadFlow(flow.id);
        expect(tasks).toHaveLength(10);
        expect(tasks.filter((task) => task.result?.raw === raw)).toHaveLength(9);
      });

      conformanceTest("rows older than 35 days are left out, even if they are not deleted", async () => {
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

    describe("the due index", () => {
      conformanceTest("an entry appears, moves and disappears with the due time of its row", async () => {
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

      conformanceTest(
        "a task has no entry while its flow's due time covers it, and has one when its due time differs",
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

      conformanceTest("the due index contains flows and tasks, and repairs come first", async () => {
        const { flow } = await stored(newFlow({ due: NOW + 5 }));
        expect(await dueOf(flow.id, NOW + 60_000)).toEqual([
          { kind: "task", flowId: flow.id, path: "0" },
          { kind: "flow", flowId: flow.id },
        ]);
      });

      conformanceTest("due entries are returned earliest first, up to the limit", async () => {
        const { id } = newFlow();
        const times = [-30, -10, -50, -20, -40].map((ms) => NOW * 0.5 + ms);
        await Promise.all(times.map((due, i) => store.createTask(taskIn(id, `0-${i}`, { due }))));
        const before = NOW * 0.5;
        const partitions = await store.duePartitions(before);
        expect(partitions.map(({ dueClass }) => dueClass)).toEqual(["repair"]);
        const { name } = partitions[0]!;
        const pathsOf = (due: readonly Due[]) => due.map((ref) => (ref.kind === "task" ? ref.path : ""));
        const first = await store.due(name, before, 3);
        expect(pathsOf(first.due)).toEqual(["0-2", "0-4", "0-0"]);
        expect(first.due.map(({ dueAt }) => dueAt)).toEqual([-50, -40, -30].map((ms) => NOW * 0.5 + ms));
        const second = await store.due(name, before, 3, first.next);
        expect(pathsOf(second.due)).toEqual(["0-3", "0-1"]);
        expect(second.next).toBeUndefined();
      });

      conformanceTest("pages of the due index lose no entry, also if entries have one due time", async () => {
        const { id } = newFlow();
        const at = NOW * 0.25;
        await Promise.all(Array.from({ length: 7 }, (_, i) => store.createTask(taskIn(id, `0-${i}`, { due: at }))));
        const [partition] = await store.duePartitions(at);
        const found: Due[] = [];
        for (let page = await store.due(partition!.name, at, 2); ; ) {
          found.push(...page.due);
          if (!page.next) break;
          page = await store.due(partition!.name, at, 2, page.next);
        }
        expect(found.map((ref) => (ref.kind === "task" ? ref.path : "")).sort()).toEqual(
          Array.from({ length: 7 }, (_, i) => `0-${i}`),
        );
      });

      conformanceTest(
        "a task whose vendor is asked is with the tasks of its account, not with those to repair",
        async () => {
          const flow = newFlow();
          const classes = async (before: number) =>
            (await store.duePartitions(before)).map(({ name, dueClass }) => [name, dueClass] as const);
          const at = NOW * 0.125;
          await store.createTask(taskIn(flow.id, "0-1", { due: at, status: "SUBMITTED" }));
          expect((await classes(at)).map(([, dueClass]) => dueClass)).toEqual(["poll"]);
          const saved = await store.getTask({ flowId: flow.id, path: "0-1" });
          await store.saveTask({ ...saved!, status: "UNCLEAR" });
          expect((await classes(at)).map(([, dueClass]) => dueClass)).toEqual(["repair"]);
        },
      );
    });

    describe("listing flows", () => {
      conformanceTest("an app's flows are listed newest first, page by page, without an empty last page", async () => {
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

      conformanceTest("the same flows are listed oldest first, page by page and within a time range", async () => {
        const appId = newAppId();
        const flows = Array.from({ length: 7 }, (_, i) => newFlow({ appId, createdAt: NOW + i * 1_000 }));
        await Promise.all([...flows, newFlow()].map((flow) => stored(flow)));
        const range = { since: NOW + 1_000, until: NOW + 5_000 };
        for (const [filter, wanted] of [
          [{}, flows],
          [range, flows.slice(1, 6)],
        ] as const) {
          const seen: string[] = [];
          let cursor: string | undefined;
          do {
            const page = await store.listFlows(appId, 3, cursor, { ...filter, oldestFirst: true });
            seen.push(...page.flows.map((flow) => flow.id));
            cursor = page.cursor;
          } while (cursor !== undefined);
          expect(seen).toEqual(wanted.map((flow) => flow.id));
        }
      });

      conformanceTest(
        "a filter selects flows by time, both ends included, and by condition, whatever the page size",
        async () => {
          const appId = newAppId();
          // Two flows at each moment, one second apart.
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
        },
      );

      conformanceTest("a cursor that is broken or of another app is rejected", async () => {
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

    describe("account health in the store", () => {
      conformanceTest("the health of an account is stored, and a write conflict is no error", async () => {
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

    describe("dead-letter messages in the store", () => {
      const deadLetter = (id: string, body = "{"): DeadLetter => {
        return { id, rev: 0, state: "kept", body, why: "not JSON", receives: 5, createdAt: NOW };
      };

      conformanceTest("a message is stored once, is listed until a decision, and stays as a record", async () => {
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
