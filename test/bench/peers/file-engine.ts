/**
 * The lower bound of a durable system: all state in memory, and an append-only file that is synced before an answer. There
 * is no queue. A record of a flow, or of its root's end, says that the next submissions are about to be made. They follow
 * when the record is on the disk. After a crash these tasks are unclear: the vendor may have been paid, so they are not
 * submitted again.
 *
 * A flow makes six synced writes: its request and five ends. Writes at the same time share one sync.
 */
import { join } from "node:path";
import { type AppendLog, openAppendLog } from "./append-log.ts";
import { type Engine, followUpsOf, type Plan, type Report, ROOT, type TaskRef } from "./engine.ts";
import type { VendorClient } from "./vendor-client.ts";

interface Flow extends Plan {
  /** Ends by path. Each promise resolves when its end is durable. */
  ended: Map<string, { isSuccess: boolean; stored: Promise<void> }>;
}

type Line = { flowId: string; plan: Plan } | { flowId: string; path: string; report: Report };

export function createFileEngine(
  dataDir: string,
  vendor: VendorClient,
  callbackUrl: (task: TaskRef) => string,
): Engine & Pick<AppendLog, "count" | "close"> {
  const flows = new Map<string, Flow>();
  const log = openAppendLog(join(dataDir, "flows.log"), (record) => {
    const line = record as Line;
    if ("plan" in line) flows.set(line.flowId, { ...line.plan, ended: new Map() });
    else {
      const { isSuccess } = line.report;
      flows.get(line.flowId)!.ended.set(line.path, { isSuccess, stored: Promise.resolve() });
    }
  });
  const append = (line: Line) => log.append(line);

  async function submit(task: TaskRef, call: (notifyHook: string) => ReturnType<VendorClient["imagine"]>) {
    const { kind } = await call(callbackUrl(task));
    if (kind === "refused") await engine.ended(task, { vendorTaskId: "", isSuccess: false, buttons: [] });
  }

  const engine: Engine = {
    async create(flowId, plan) {
      flows.set(flowId, { ...plan, ended: new Map() });
      await append({ flowId, plan });
      void submit({ flowId, path: ROOT }, (hook) => vendor.imagine(plan.prompt, hook));
    },
    async ended({ flowId, path }, report) {
      const flow = flows.get(flowId);
      if (!flow) throw new Error("Unknown flow");
      const known = flow.ended.get(path);
      if (known) return known.stored;
      const stored = append({ flowId, path, report });
      flow.ended.set(path, { isSuccess: report.isSuccess, stored });
      await stored;
      if (path !== ROOT || !report.isSuccess) return;
      for (const { customId, ...task } of followUpsOf(flowId, flow.presses, report.buttons)) {
        void submit(task, (hook) => vendor.press(report.vendorTaskId, customId, hook));
      }
    },
    async status(flowId) {
      const flow = flows.get(flowId);
      const root = flow?.ended.get(ROOT);
      if (!flow || !root) return flow && "running";
      if (!root.isSuccess) return "failed";
      return flow.ended.size === 1 + flow.presses.length ? "completed" : "running";
    },
  };
  return { ...engine, count: log.count, close: log.close };
}
