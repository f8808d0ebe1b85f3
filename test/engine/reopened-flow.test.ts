/** A flow that runs again after its end, and what is left of the end. */
import { type Flow, nextFlowDue } from "@mjflow/core/flow";
import type { Task } from "@mjflow/core/task";
import { TIMINGS } from "@mjflow/core/timing";
import { reopenedFlow } from "@mjflow/engine/callback/adopt";
import { expect, test } from "vitest";

const NOW = Date.UTC(2026, 10, 21);
const deps = { clock: { now: () => NOW }, timings: TIMINGS };
const FLOW = {
  ...{ id: "flow_1", appId: "app_a", rev: 3, status: "completed", endedAt: NOW - 1, createdAt: NOW - 9, state: "7" },
  ...{ pendingEffects: ["tell"], reopened: true, mode: "fast" },
} as unknown as Flow;
const TASK = { flowId: "flow_1", path: "0", status: "SUBMITTED", due: NOW + 5_000, pace: "fast" } as Task;

const reopen = (over: Partial<Flow>) => reopenedFlow(deps, { flow: { ...FLOW, ...over }, tasks: [TASK] });

test("a flow that runs and was not canceled is not written", () => {
  expect(reopen({ status: "running" })).toBeUndefined();
});

test.each([
  ["an ended flow counts its first end", { endCount: undefined }, 1],
  ["an ended flow counts another end", { endCount: 1 }, 2],
  ["a canceled flow counts its end", { status: "canceled", canceledAt: NOW - 1, endCount: undefined }, 1],
  [
    "a flow that is canceled and still runs has not ended again",
    { status: "running", canceledAt: NOW - 1, endCount: 1 },
    1,
  ],
] as [string, Partial<Flow>, number][])("%s, and has a due time and nothing of the end", (_, over, endCount) => {
  const flow = { ...FLOW, ...over } as Flow;
  expect(reopen(over)).toEqual({
    ...flow,
    ...{ status: "running", endedAt: undefined, canceledAt: undefined, pendingEffects: undefined, reopened: undefined },
    endCount,
    due: nextFlowDue(flow, [TASK], NOW, TIMINGS),
  });
});
