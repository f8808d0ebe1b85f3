/**
 * The floor: the same work with no queue and no store, all of it lost with the process. What is left is HTTP, JSON and the
 * vendor; no system that keeps anything can be faster on this machine.
 */
import { answer } from "../child.ts";
import type { SystemOptions } from "../flows/system.ts";
import {
  type Answer,
  buttonOf,
  childrenOf,
  createQueueEngineClient,
  type Engine,
  imagine,
  press,
  type TaskRef,
} from "./queue-engine-client.ts";

interface Flow {
  presses: string[];
  ended: Set<string>;
  status: "running" | "completed" | "failed";
}

await answer(async ({ vendorUrl }: SystemOptions) => {
  const flows = new Map<string, Flow>();
  const api = await createQueueEngineClient(() => engine);
  const start = (task: TaskRef, submission: (hook: string) => Promise<Answer>) => void submission(api.hookUrl(task));
  const engine: Engine = {
    async create(flowId, { prompt, presses }) {
      flows.set(flowId, { presses, ended: new Set(), status: "running" });
      start({ flowId, path: "0" }, (hook) => imagine(vendorUrl, prompt, hook));
    },
    async ended({ flowId, path }, { vendorTaskId, isSuccess, buttons }) {
      const flow = flows.get(flowId);
      if (!flow) return "unknown";
      if (flow.ended.has(path)) return "duplicate";
      flow.ended.add(path);
      if (path === "0" && isSuccess) {
        for (const child of childrenOf(flow.presses)) {
          const customId = buttonOf(child.press, buttons)!;
          start({ flowId, path: child.path }, (hook) => press(vendorUrl, vendorTaskId, customId, hook));
        }
      }
      if (path === "0" && !isSuccess) flow.status = "failed";
      else if (flow.ended.size === 1 + flow.presses.length) flow.status = "completed";
      return "recorded";
    },
    status: async (flowId) => flows.get(flowId)?.status,
  };
  return { ready: { url: api.url, key: api.key }, stop: api.stop };
});
