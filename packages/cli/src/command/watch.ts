/** `mjflow watch`: follows a flow until it ends. */
import { type FlowEvent, MjflowError, WaitTimeoutError } from "@mjflow/client";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import { FlowStillRunningError } from "../error.ts";
import { EXIT } from "../exit.ts";
import { parseTimeout, WAIT_OPTIONS } from "../option.ts";
import { waitForFlow } from "../wait.ts";

export const watch = command({
  name: "watch",
  summary: "follow a flow until it ends; --json prints one event per line",
  usage: ["<flow>"],
  argCount: [1, 1],
  options: {
    timeout: WAIT_OPTIONS.timeout,
    strict: { type: "boolean", help: "exit code 1 also if only a branch failed" },
  },
  async run(context, { values, positionals: [id] }) {
    if (context.json) return emitEvents(context, id!, parseTimeout(values.timeout), values.strict === true);
    return waitForFlow(context, id!, values);
  },
});

async function emitEvents(context: Context, flowId: string, timeoutMs: number | undefined, isStrict: boolean) {
  const timer = AbortSignal.timeout(timeoutMs ?? 2 ** 31 - 1);
  const signal = AbortSignal.any([context.signal, timer]);
  let [hasFailed, last]: [boolean, FlowEvent | undefined] = [false, undefined];
  try {
    for await (const event of context.mjflow.flows.events(flowId, { signal, follow: "auto" })) {
      context.emit(event);
      hasFailed ||= event.type === "task.failed";
      last = event;
    }
  } catch (error) {
    if (!(error instanceof MjflowError) || error.code !== "aborted") throw error;
    const isLate = timer.aborted && !context.signal.aborted;
    throw new FlowStillRunningError(flowId, isLate ? new WaitTimeoutError(timeoutMs!, undefined) : error);
  }
  return last?.type === "flow.failed" || (isStrict && hasFailed) ? EXIT.failed : EXIT.ok;
}
