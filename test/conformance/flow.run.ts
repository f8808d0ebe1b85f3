/**
 * Makes the same table requests as the engine for one healthy flow of an imagine and four upscales on a calling account
 * (engine: create, submit, handle-callback, follow-ups, record-flow-end). The cost of a flow is measured with it.
 */
import type { Store } from "@mjflow/core/port";
import { decide, type Signal } from "@mjflow/core/state";
import type { Task } from "@mjflow/core/task";
import { TIMINGS } from "@mjflow/core/timing";
import { upscaleResult } from "@mjflow/store/item.fixture";
import { NOW, newFlow, taskIn } from "./factory.ts";

export async function runFlow(store: Store): Promise<void> {
  const due = NOW + TIMINGS.quietMs.fast;
  const flow = newFlow({ due, state: "order-4711" });
  const presses = [1, 2, 3, 4].map((n) => ({ press: `upscale:${n}` }));
  await store.createFlow(flow, taskIn(flow.id, "0", { then: presses, due, flowDue: due }));
  const root = await runTask(store, flow.id, "0");
  const children = presses.map((press, i) => taskIn(flow.id, `0-${i}`, { ...press, due, flowDue: due }));
  await Promise.all(children.map((child) => store.createTask(child)));
  await step(store, root, { kind: "followUpsStarted" }, 9_100);
  for (const { path } of children) {
    await runTask(store, flow.id, path);
    await store.loadFlow(flow.id);
  }
  await store.saveFlow({ ...flow, rev: 1, status: "completed", endedAt: NOW + 60_000, due: undefined });
}

/** Submission: one read, claim, acceptance. Callback: one read, one write. A parent is due until its follow-ups exist. */
async function runTask(store: Store, flowId: string, path: string): Promise<Task> {
  const { tasks } = await store.load(flowId, path === "0" ? [path] : [path, "0"]);
  const vendorTaskId = "1763700000123456";
  const claimed = await step(
    store,
    tasks[0]!,
    { kind: "claim", call: "submit", customId: "MJ::JOB::upsample::2::0d9ab5a1" },
    500,
  );
  await step(store, claimed, { kind: "accepted", attempt: 1, vendorTaskId, expect: "calling" }, 900);
  const submitted = (await store.getTask({ flowId, path }))!;
  const report = { vendorTaskId, status: "SUCCESS", progress: 100, result: upscaleResult(NOW) } as const;
  return step(store, submitted, { kind: "report", attempt: 1, from: "callback", report }, 9_000);
}

async function step(store: Store, task: Task, signal: Signal, afterMs: number): Promise<Task> {
  const decision = decide(task, signal, { now: NOW + afterMs, timings: TIMINGS });
  if (decision.kind === "ignore") throw new Error(`${signal.kind} was ignored: ${decision.why}`);
  return save(store, decision.next);
}

async function save(store: Store, task: Task): Promise<Task> {
  const saved = await store.saveTask(task);
  if (!saved.ok) throw new Error(`unexpected write conflict: ${task.path}`);
  return saved.item;
}
