/**
 * Carries out what a flow's end owes where its vendor was lost (core, restart.ts): one new flow from the same request,
 * elsewhere, linked both ways. Done by the sweeper, which knows the vendors and has no message that could be lost: a crash
 * at any point leaves the flow owing, and what was begun is found and completed under the same id.
 */
import { createHash } from "node:crypto";
import { MjflowError } from "@mjflow/core/error";
import { FLOW_SUBJECT } from "@mjflow/core/event";
import { type Flow, rootOf } from "@mjflow/core/flow";
import { flowIdOf, ROOT_PATH } from "@mjflow/core/id";
import { notifyMessage } from "@mjflow/core/message";
import { findLostTask } from "@mjflow/core/restart";
import type { AccountRef } from "@mjflow/core/state";
import { newTask, type Task } from "@mjflow/core/task";
import { type AccountSelectionDeps, selectFailoverAccount } from "./account-selection.ts";
import { type StartFlowDeps, startFlow } from "./start-flow.ts";

type RestartDeps = Omit<StartFlowDeps, "limits"> & AccountSelectionDeps;

const MAX_CONFLICT_RETRIES = 20;

/** @returns whether there was anything to do @throws MjflowError overloaded: it stays owed */
export async function restartLostFlow(deps: RestartDeps, flowId: string): Promise<boolean> {
  const { flow, tasks } = await deps.store.loadFlow(flowId);
  if (!flow?.pendingEffects?.includes("restart")) return false;
  const root = rootOf(tasks);
  const lost = findLostTask(
    tasks,
    ({ provider, account }) => deps.providers.get(provider)?.account(account) !== undefined,
  );
  const to = root && lost && !isTooLate(deps, flow) ? await selectFailoverAccount(deps, flow, lost) : undefined;
  const again = to && (await startReplacement(deps, flow, root!, to));
  if (!again) deps.log.warn("flow.not-restarted", { flow: flowId, lost: lost?.failure?.code });
  await recordRestart(deps, flow, again);
  return true;
}

/** Nothing is drawn on an app's behalf that it has long given up. */
function isTooLate({ clock, timings }: RestartDeps, { endedAt = 0 }: Flow): boolean {
  return clock.now() - endedAt > timings.pendingMs.fast;
}

/** @returns its id; undefined when its app may not spend it, or is gone */
async function startReplacement(deps: RestartDeps, old: Flow, root: Task, to: AccountRef): Promise<string | undefined> {
  const app = await deps.store.app(old.appId);
  if (app?.deletedAt !== undefined) return undefined;
  // How often and how many at a time is for what the app itself begins.
  const { creditsUsd } = app?.limits ?? {};
  const limits = creditsUsd === undefined ? undefined : { creditsUsd };
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

/** V2: whoever asks, and however often, names the same flow. */
export function restartIdOf({ id, createdAt }: Pick<Flow, "id" | "createdAt">): string {
  return flowIdOf(createdAt, createHash("sha256").update(`restart of ${id}`).digest().subarray(0, 10));
}

/** The same request, of which nothing is done yet. */
function newFlow({ clock }: RestartDeps, old: Flow, id: string, to: AccountRef): Flow {
  const { appId, action, anyProvider, onVendorLoss, prompt, dimensions, mode, botType, state } = old;
  const { notifyHook, events, eventMask, archive, progress } = old;
  const asked = { appId, action, anyProvider, onVendorLoss, prompt, dimensions, mode, botType, state };
  // Which of a vendor's accounts may take it is that vendor's own affair.
  const accountFilter = to.provider === old.provider ? old.accountFilter : undefined;
  const heard = { notifyHook, events, eventMask, archive, progress };
  const createdAt = clock.now();
  return { ...asked, accountFilter, ...heard, ...to, id, rev: 0, status: "running", restartOf: old.id, createdAt };
}

/** Its images, and the masks of its plan, are where the old one's are. */
function newRoot(
  { clock, timings }: RestartDeps,
  root: Task,
  flowId: string,
  to: AccountRef,
  { eventMask, archive }: Flow,
): Task {
  const { action, pace, inputsRef, then, resubmit } = root;
  const now = clock.now();
  const due = now + timings.quietMs[pace];
  const asked = { action, pace, inputsRef, then, resubmit, archive, eventMask };
  return newTask({ ...asked, ...to, flowId, path: ROOT_PATH, flowDue: due }, now, due);
}

/** V3. The end is told after this, so that who hears of it hears of what takes its place. */
async function recordRestart(deps: RestartDeps, flow: Flow, restartedAs: string | undefined): Promise<void> {
  let current: Flow | undefined = flow;
  for (let race = 0; race < MAX_CONFLICT_RETRIES && current; race++) {
    const owes = current.pendingEffects?.filter((owed) => owed !== "restart");
    const tells = owes?.includes("tell") ?? false;
    const due = tells
      ? deps.clock.now() + deps.timings.effectsMs
      : current.status === "running"
        ? current.due
        : undefined;
    const link = restartedAs === undefined ? {} : { restartedAs };
    const next: Flow = { ...current, ...link, pendingEffects: owes?.length ? owes : undefined, due };
    const saved = await deps.store.saveFlow(next);
    if (saved.ok) {
      if (tells) await deps.queue.send([{ message: notifyMessage(flow.id, FLOW_SUBJECT) }]);
      return;
    }
    current = saved.current;
  }
}
