/**
 * Adopts a late success: a task that ended without a result becomes SUCCESS, its follow-ups run and its flow ends again
 * (docs/decisions/0020). The picture is paid, so nothing is submitted again for it.
 */

import type { Limits } from "@mjflow/core/app";
import { usesHolds } from "@mjflow/core/credit";
import { MjflowError } from "@mjflow/core/error";
import { type Flow, isSuperseded, nextFlowDue } from "@mjflow/core/flow";
import { acceptedSubmissionCount, asSettled, estimateMicroUsd, planMicroUsd } from "@mjflow/core/price";
import { hasAdoptableResult } from "@mjflow/core/state";
import type { Task } from "@mjflow/core/task";
import { extendHold } from "../credit/credit.ts";
import type { EngineDeps } from "../deps.ts";
import { type AppliedSignal, applySignal } from "../step/apply-signal.ts";
import { type FlowWithTasks, updateFlow } from "../step/update-flow.ts";

export type AdoptDeps = Pick<EngineDeps, "store" | "queue" | "clock" | "random" | "timings" | "log">;

/**
 * Handles the effect `adopt`. It adopts nothing if the app canceled the flow or a restarted flow has taken its place. The
 * same holds if the flow ended long ago or the credit does not cover the follow-ups. Then a resume or retry adopts it.
 *
 * @returns the decision to run the effects of
 */
export async function adoptLateSuccess(deps: AdoptDeps, task: Task): Promise<AppliedSignal> {
  const { flow, tasks } = await deps.store.loadFlow(task.flowId);
  if (task.status === "SUCCESS") return completeAdoption(deps, flow, task);
  const why = flow ? reasonToDecline(deps, flow, task, tasks) : "no-flow";
  if (flow && why === undefined) {
    try {
      const limits = flow.hasCreditHold ? (await deps.store.app(flow.appId))?.limits : undefined;
      return await adopt(deps, limits, flow, task);
    } catch (error) {
      if (!(error instanceof MjflowError && error.code === "out_of_credit")) throw error;
    }
  }
  deps.log.info("task.late-success-kept", { flow: task.flowId, path: task.path, why: why ?? "out-of-credit" });
  return applySignal(deps, task, { kind: "adoptionDone" });
}

/**
 * A process adopted the success and crashed before it had reopened the flow. If the flow's recorded end is later than the
 * adoption, only the completion was lost.
 */
async function completeAdoption(deps: AdoptDeps, flow: Flow | undefined, task: Task): Promise<AppliedSignal> {
  const hasEndedSince = flow?.status !== "running" && (flow?.endedAt ?? 0) > (task.endedAt ?? 0);
  if (flow && !hasEndedSince && flow.canceledAt === undefined) await reopen(deps, flow.id);
  return applySignal(deps, task, { kind: "adoptionDone" });
}

function reasonToDecline(
  { clock, timings }: AdoptDeps,
  flow: Flow,
  task: Task,
  tasks: readonly Task[],
): string | undefined {
  if (flow.canceledAt !== undefined) return "canceled";
  if (flow.restartedAs !== undefined || flow.pendingEffects?.includes("restart")) return "restarted";
  if (isSuperseded(task, tasks)) return "retried";
  // Follow-ups are paid. After this time the app no longer expects them.
  if (flow.endedAt !== undefined && clock.now() - flow.endedAt > timings.pendingMs.fast) return "too-late";
  return undefined;
}

/**
 * Adopts the stored late success of a task: reserves the credit of its follow-ups and of what was not settled, changes the task, then reopens the
 * flow. The effect `adopt` stays pending until then, so a crash in between is completed by the sweeper.
 *
 * @throws MjflowError `out_of_credit`; `overloaded`
 */
export async function adopt(
  deps: AdoptDeps,
  limits: Limits | undefined,
  flow: Flow,
  task: Task,
): Promise<AppliedSignal> {
  if (hasAdoptableResult(task) && needsCredit(flow, limits)) {
    // A task that counted as never accepted was not settled. The app gets its picture now, so it is charged.
    const settled = acceptedSubmissionCount(asSettled(task, flow.endedAt)) > 0 ? estimateMicroUsd(task) : 0;
    const micro = planMicroUsd(task, task.then) - settled;
    await extendHold({ ...deps, limits }, flow, { path: task.path, micro, isAdoption: true });
  }
  const applied = await applySignal(deps, task, { kind: "adopt" });
  if (applied.decision.kind !== "move") return applied;
  await reopen(deps, flow.id);
  deps.log.info("task.late-success-adopted", { flow: flow.id, path: task.path, before: task.status });
  const done = await applySignal(deps, applied.task, { kind: "adoptionDone" });
  return { task: done.task, decision: applied.decision };
}

/** The hold of a flow that has never ended covers its whole plan. */
function needsCredit({ hasCreditHold, status, endCount }: Flow, limits: Limits | undefined): boolean {
  const hasEnded = status !== "running" || endCount !== undefined;
  return hasEnded && (hasCreditHold === true || usesHolds(limits));
}

/** The row may have expired meanwhile: the flow is then not reopened, and the adopted task stays as it is. */
async function reopen(deps: AdoptDeps, flowId: string): Promise<void> {
  const read = async () => {
    const { flow, tasks } = await deps.store.loadFlow(flowId);
    return flow && { flow, tasks };
  };
  await updateFlow(deps.store, read, (whole) => reopenedFlow(deps, whole));
}

/**
 * Returns the flow as running again, with a due time, so that the sweeper records its next end if necessary; undefined
 * if the flow runs already.
 */
export function reopenedFlow(
  { clock, timings }: Pick<EngineDeps, "clock" | "timings">,
  { flow, tasks }: FlowWithTasks,
): Flow | undefined {
  if (flow.status === "running" && flow.canceledAt === undefined) return undefined;
  const endCount = flow.status === "running" ? flow.endCount : (flow.endCount ?? 0) + 1;
  const running = { status: "running" as const, endedAt: undefined, canceledAt: undefined };
  const cleared = { pendingEffects: undefined, reopened: undefined };
  return { ...flow, ...running, ...cleared, endCount, due: nextFlowDue(flow, tasks, clock.now(), timings) };
}
