/**
 * The lower bound: the same work without a queue and a store, so all data is lost with the process. Only HTTP, JSON and
 * the vendor remain. No system that stores anything can be faster on this machine.
 */
import { answer } from "../child.ts";
import type { SystemOptions } from "../flows/system.ts";
import {
  buttonOf,
  childrenOf,
  createQueueEngineClient,
  type Engine,
  imagine,
  type Outcome,
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
  const start = (task: TaskRef, submission: (callbackUrl: string) => Promise<Outcome>) =>
    void submission(api.callbackUrl(task));
  const engine: Engine = {
    async create(flowId, { prompt, presses }) {
      flows.set(flowId, { presses, ended: new Set(), status: "running" });
      start({ flowId, path: "0" }, (callbackUrl) => imagine(vendorUrl, prompt, callbackUrl));
    },
    async ended({ flowId, path }, { vendorTaskId, isSuccess, buttons }) {
      const flow = flows.get(flowId);
      if (!flow) return "unknown";
      if (flow.ended.has(path)) return "duplicate";
      flow.ended.add(path);
      if (path === "0" && isSuccess) {
        for (const child of childrenOf(flow.presses)) {
          const customId = buttonOf(child.press, buttons)!;
          start({ flowId, path: child.path }, (callbackUrl) => press(vendorUrl, vendorTaskId, customId, callbackUrl));
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
