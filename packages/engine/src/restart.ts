/**
 * Restarts a flow after a vendor loss (core/restart.ts): creates one new flow from the same request at another account
 * and links both. The sweeper does this, because it knows the vendors and needs no message that could be lost. After a
 * crash at any point the restart is still pending, and the next run finds and completes the new flow under the same id.
 */
import { createHash } from "node:crypto";
import { MjflowError } from "@mjflow/core/error";
import { FLOW_SUBJECT } from "@mjflow/core/event";
import { type Flow, rootOf } from "@mjflow/core/flow";
import { flowIdOf, ROOT_PATH } from "@mjflow/core/id";
import { outgoingNotification } from "@mjflow/core/message";
import { findLostTask } from "@mjflow/core/restart";
import type { AccountRef } from "@mjflow/core/state";
import { newTask, type Task } from "@mjflow/core/task";
import { type AccountSelectionDeps, selectFailoverAccount } from "./account-selection.ts";
import { type StartFlowDeps, startFlow } from "./start-flow.ts";

type RestartDeps = Omit<StartFlowDeps, "limits"> & AccountSelectionDeps;

const MAX_CONFLICT_RETRIES = 20;

/**
 * @returns true if a restart was pending
 * @throws MjflowError `overloaded`; the restart then stays pending
 */
export async function restartLostFlow(deps: RestartDeps, flowId: string): Promise<boolean> {
  const { flow, tasks } = await deps.store.loadFlow(flowId);
  if (!flow?.pendingEffects?.includes("restart")) return false;
  const root = rootOf(tasks);
  const lost = findLostTask(
    tasks,
    ({ provider, account }) => deps.providers.get(provider)?.account(account) !== undefined,
  );
  const to = root && lost && !isTooLate(deps, flow) ? await selectFailoverAccount(deps, flow, lost, root) : undefined;
  const restartedAs = to && (await startReplacement(deps, flow, root!, to));
  if (!restartedAs) deps.log.warn("flow.not-restarted", { flow: flowId, lost: lost?.failure?.code });
  await recordRestart(deps, flow, restartedAs);
  return true;
}

/** A restart that is too late is skipped, so that the app does not pay for an image that it no longer expects. */
function isTooLate({ clock, timings }: RestartDeps, { endedAt = 0 }: Flow): boolean {
  return clock.now() - endedAt > timings.pendingMs.fast;
}

/** @returns the id of the new flow; undefined if the app was deleted or its credit does not cover the flow */
async function startReplacement(deps: RestartDeps, old: Flow, root: Task, to: AccountRef): Promise<string | undefined> {
  const app = await deps.store.app(old.appId);
  if (app?.deletedAt !== undefined) return undefined;
  // The limits on new flows per minute and running flows apply only to flows that the app creates itself.
  const { creditsUsd, counters } = app?.limits ?? {};
  const limits = creditsUsd === undefined ? undefined : { creditsUsd, ...(counters !== undefined && { counters }) };
  const id = restartIdOf(old);
  try {
    await startFlow({ ...deps, limits }, newFlow(deps, old, id, to), newRoot(deps, root, id, to, old), {
      resumed: true,
    });
  } catch (error) {
    if (error instanceof MjflowError && error.code === "out_of_credit") return undefined;
    throw error;
  }
  deps.log.info("flow.restarted", { flow: old.id, as: id, provider: to.provider });
  return id;
}

/** VL2: every call for the same flow returns the same id. */
export function restartIdOf({ id, createdAt }: Pick<Flow, "id" | "createdAt">): string {
  return flowIdOf(createdAt, createHash("sha256").update(`restart of ${id}`).digest().subarray(0, 10));
}

/** Builds the new flow from the same request. */
function newFlow({ clock }: RestartDeps, old: Flow, id: string, to: AccountRef): Flow {
  const { appId, action, anyProvider, onVendorLoss, prompt, dimensions, video, mode, botType, state, template } = old;
  const { notifyHook, events, eventMask, archive, progress } = old;
  const copied = {
    appId,
    action,
    anyProvider,
    onVendorLoss,
    prompt,
    dimensions,
    video,
    mode,
    botType,
    state,
    template,
  };
  // `accountFilter` names accounts inside one vendor. It is removed when the vendor changes.
  const accountFilter = to.provider === old.provider ? old.accountFilter : undefined;
  const delivery = { notifyHook, events, eventMask, archive, progress };
  const createdAt = clock.now();
  return { ...copied, accountFilter, ...delivery, ...to, id, rev: 0, status: "running", restartOf: old.id, createdAt };
}

/** The input images and the masks of the plan stay where the old flow stored them. */
function newRoot(
  { clock, timings }: RestartDeps,
  root: Task,
  flowId: string,
  to: AccountRef,
  { appId, eventMask, archive }: Flow,
): Task {
  const { action, pace, inputsRef, linkField, optionalFields, then, resubmit, taskCount } = root;
  const now = clock.now();
  const due = now + timings.quietMs[pace];
  const inputs = { inputsRef, linkField, optionalFields };
  const copied = { action, pace, ...inputs, then, resubmit, taskCount, archive, eventMask, appId };
  return newTask({ ...copied, ...to, flowId, path: ROOT_PATH, flowDue: due }, now, due);
}

/** VL3. The notification of the flow end follows this write, so that it contains `restartedAs`. */
async function recordRestart(deps: RestartDeps, flow: Flow, restartedAs: string | undefined): Promise<void> {
  let current: Flow | undefined = flow;
  for (let retry = 0; retry < MAX_CONFLICT_RETRIES && current; retry++) {
    const remaining = current.pendingEffects?.filter((effect) => effect !== "restart");
    const mustNotify = remaining?.includes("tell") ?? false;
    const due = mustNotify
      ? deps.clock.now() + deps.timings.effectsMs
      : current.status === "running"
        ? current.due
        : undefined;
    const link = restartedAs === undefined ? {} : { restartedAs };
    const next: Flow = { ...current, ...link, pendingEffects: remaining?.length ? remaining : undefined, due };
    const saved = await deps.store.saveFlow(next);
    if (saved.ok) {
      if (mustNotify)
        await deps.queue.send([outgoingNotification({ flowId: flow.id, appId: flow.appId }, FLOW_SUBJECT)]);
      return;
    }
    current = saved.current;
  }
}
