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
import { inheritedByRestart, requestFieldsOf } from "@mjflow/core/inherit";
import { outgoingNotification } from "@mjflow/core/message";
import { findLostTask } from "@mjflow/core/restart";
import type { AccountRef } from "@mjflow/core/state";
import { newTask, type Task } from "@mjflow/core/task";
import { type AccountSelectionDeps, selectFailoverAccount } from "../account/account-selection.ts";
import { type StartFlowDeps, startFlow } from "../create/start-flow.ts";
import { MANY_WRITERS_OF_FLOW } from "../step/update-flow.ts";
import { startWith, updateWithRetry } from "../step/update-with-retry.ts";

type RestartDeps = Omit<StartFlowDeps, "limits"> & AccountSelectionDeps;

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
  // `accountFilter` names accounts inside one vendor. It is removed when the vendor changes.
  const accountFilter = to.provider === old.provider ? old.accountFilter : undefined;
  const createdAt = clock.now();
  const own = { id, rev: 0, status: "running", restartOf: old.id, createdAt } as const;
  return { ...requestFieldsOf(old), accountFilter, ...to, ...own };
}

/** The input images and the masks of the plan stay where the old flow stored them. */
function newRoot(
  { clock, timings }: RestartDeps,
  root: Task,
  flowId: string,
  to: AccountRef,
  { appId, eventMask, archive }: Flow,
): Task {
  const now = clock.now();
  const due = now + timings.quietMs[root.pace];
  const own = { appId, eventMask, archive, flowId, path: ROOT_PATH, flowDue: due };
  return newTask({ ...inheritedByRestart(root), ...to, ...own }, now, due);
}

/** VL3. The notification of the flow end follows this write, so that it contains `restartedAs`. */
async function recordRestart(deps: RestartDeps, flow: Flow, restartedAs: string | undefined): Promise<void> {
  const { row } = await updateWithRetry<Flow, Flow>({
    read: startWith(flow),
    to(current) {
      const remaining = current.pendingEffects?.filter((effect) => effect !== "restart");
      const dueOfNotification = deps.clock.now() + deps.timings.effectsMs;
      const otherDue = current.status === "running" ? current.due : undefined;
      const due = remaining?.includes("tell") ? dueOfNotification : otherDue;
      const link = restartedAs === undefined ? {} : { restartedAs };
      return { ...current, ...link, pendingEffects: remaining?.length ? remaining : undefined, due };
    },
    save: (next) => deps.store.saveFlow(next),
    ...MANY_WRITERS_OF_FLOW,
  });
  if (row?.pendingEffects?.includes("tell"))
    await deps.queue.send([outgoingNotification({ flowId: flow.id, appId: flow.appId }, FLOW_SUBJECT)]);
}
