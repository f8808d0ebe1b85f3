import type { Flow, PlanStep, Task } from "@mjflow/client";
import { describe, expect, test } from "vitest";
import { costOf, nodesOf, priceOfPress, priceOfRetries, progressOf } from "./flow-plan.ts";

const id = (path: string) => `task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_${path}`;
const task = (path: string, rest: Partial<Task> = {}) =>
  ({
    id: id(path),
    parentId: path === "0" ? null : id(path.slice(0, path.lastIndexOf("-"))),
    retryOf: null,
    action: path === "0" ? "IMAGINE" : "UPSCALE",
    status: "SUCCESS",
    submittedAt: "2026-01-01T00:00:00Z",
    endedAt: "2026-01-01T00:00:10Z",
    failure: null,
    orphans: [],
    ...rest,
  }) as Task;
const step = (path: string, status: PlanStep["status"] = "planned", press = "upscale:1"): PlanStep => ({
  taskId: id(path),
  parentId: id(path.slice(0, path.lastIndexOf("-"))),
  press,
  prompt: null,
  hasMask: false,
  status,
});
const flow = (tasks: Task[], plan: PlanStep[]): Pick<Flow, "tasks" | "plan" | "mode"> => ({ tasks, plan, mode: null });
const pathsOf = (nodes: readonly { id: string }[]) => nodes.map((node) => node.id.slice(node.id.lastIndexOf("_") + 1));

describe("nodes of a flow", () => {
  test("steps without a task are nodes, in the order of the plan, and a press of the app comes last", () => {
    const nodes = nodesOf(
      flow(
        [task("0"), task("0-mX7"), task("0-10"), task("0-2")],
        [step("0-2"), step("0-10"), step("0-3"), step("0-2-0")],
      ),
    );
    expect(pathsOf(nodes)).toEqual(["0", "0-2", "0-2-0", "0-3", "0-10", "0-mX7"]);
    expect(nodes.filter((node) => node.step).map((node) => node.step!.status)).toEqual(["planned", "planned"]);
  });

  test("a step keeps its place when its task starts", () => {
    const plan = [step("0-0"), step("0-1"), step("0-2")];
    const before = pathsOf(nodesOf(flow([task("0")], plan)));
    expect(pathsOf(nodesOf(flow([task("0"), task("0-1")], plan)))).toEqual(before);
  });

  test("a flow of a server without plans has only its tasks", () => {
    expect(nodesOf({ tasks: [task("0")], mode: null })).toHaveLength(1);
  });
});

describe("progress of a flow", () => {
  test("a new flow of nine steps has 0 of 9 done", () => {
    const root = task("0", { status: "IN_PROGRESS", endedAt: null });
    const plan = Array.from({ length: 8 }, (_, i) => step(`0-${i}`));
    expect(progressOf(flow([root], plan))).toEqual({ done: 0, running: 1, failed: 0, planned: 8, total: 9 });
  });

  test("steps below a failed task do not count, and a retried task counts as its retry", () => {
    const failed = task("0-0", { status: "FAILURE" });
    const retry = task("0-mr0", { retryOf: failed.id });
    expect(progressOf(flow([task("0"), failed], [step("0-0", "failed"), step("0-0-0", "skipped")]))).toMatchObject({
      done: 1,
      failed: 1,
      total: 2,
    });
    expect(progressOf(flow([task("0"), failed, retry], []))).toMatchObject({ done: 2, failed: 0, total: 2 });
  });
});

describe("cost of a flow", () => {
  test("what was accepted counts, what is planned counts only at most, and skipped steps do not count", () => {
    const { soFar, atMost } = costOf(
      flow(
        [task("0"), task("0-0", { submittedAt: null, endedAt: null, status: "PENDING" })],
        [step("0-1", "planned", "vary:subtle"), step("0-2", "skipped")],
      ),
    );
    expect(soFar).toBeCloseTo(0.04);
    expect(atMost).toBeCloseTo(0.04 + 0.01 + 0.04);
  });

  test("a rejected task costs nothing, a lost one does, and so does an earlier accepted submission", () => {
    const rejected = task("0", { status: "FAILURE", failure: { code: "banned_prompt", message: "" } });
    const lost = task("0", { status: "EXPIRED", failure: { code: "vendor_lost", message: "" } });
    const orphaned = task("0", { orphans: [{ attempt: 1, at: "", estimatedUsd: 0.04 }] });
    expect(costOf(flow([rejected], [])).soFar).toBe(0);
    expect(costOf(flow([lost], [])).soFar).toBeCloseTo(0.04);
    expect(costOf(flow([orphaned], [])).soFar).toBeCloseTo(0.08);
  });

  test("a press costs as much as its action at the pace of the flow", () => {
    expect(priceOfPress("U2", null)).toBeCloseTo(0.01);
    expect(priceOfPress("vary:strong", "turbo")).toBeCloseTo(0.108);
    expect(priceOfPress("animate:high", "fast")).toBeCloseTo(0.6);
    expect(priceOfPress("tile:1", null)).toBe(0);
  });
});

test("retries cost the failed tasks and the steps below them, but not the steps of other tasks", () => {
  const failed = task("0-0", { status: "FAILURE" });
  const plan = [step("0-0"), step("0-0-0", "skipped"), step("0-0-0-0", "skipped"), step("0-1-0", "skipped")];
  const price = priceOfRetries(flow([task("0"), failed, task("0-1")], plan), [failed]);
  expect(price).toBeCloseTo(3 * priceOfPress("upscale:1", null));
});
