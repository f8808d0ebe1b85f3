/**
 * The submit worker: one message, at most one vendor call. The message is only a hint; the row decides (P5).
 *
 * Order is what keeps money safe: the press is resolved before the claim, so that a hopeless task burns no attempt; the
 * claim (attempt and lease) is stored before the vendor hears of it (P1); the answer is stored after, and where that
 * fails, or no clear answer came, the task is in doubt and is not sent again before its grace has passed (P3).
 */

import type { Button } from "@mjflow/core/button";
import { resolvePress } from "@mjflow/core/button";
import { type Failure, failure, isVendorLoss } from "@mjflow/core/error";
import type { Flow } from "@mjflow/core/flow";
import { parentPath } from "@mjflow/core/id";
import { type AcceptedMessage, type Message, MessageError, submitMessage } from "@mjflow/core/message";
import type { CallContext, SubmitOutcome, TaskRef } from "@mjflow/core/port";
import type { AccountRef, CallbackExpectation, Signal } from "@mjflow/core/state";
import type { Task } from "@mjflow/core/task";
import type { Accounts, CallOutcome } from "./account.ts";
import { type AccountHandle, findAccountOfTask, findFailoverAccount, findFreeAccount } from "./account-selection.ts";
import { type AppliedSignal, applySignal, effectsOf } from "./apply-signal.ts";
import type { EngineDeps } from "./deps.ts";
import type { ImageSemaphore } from "./image-semaphore.ts";
import { runEffects } from "./run-effects.ts";

interface SubmitDeps extends EngineDeps {
  accounts: Accounts;
  /** Absent: room for all. */
  imageSemaphore?: ImageSemaphore;
}

/** A call ready to be made, the claim still to be taken. */
type Ready = { kind: "ready"; customId?: string; call(context: CallContext): Promise<SubmitOutcome> };
type CannotSubmit = { kind: "hopeless"; failure: Failure };
/** The vendor must be asked first and did not answer; nothing was claimed. */
type RetryLater = { kind: "later"; afterMs: number };
type CallbackHealth = Awaited<ReturnType<Accounts["callbacks"]>>;

/** @throws MjflowError overloaded, or whatever the table threw: the queue brings the message again. */
export async function submit(deps: SubmitDeps, { flowId, path }: TaskRef): Promise<void> {
  const parentAt = parentPath(path);
  const { flow, tasks } = await deps.store.load(flowId, parentAt === undefined ? [path] : [path, parentAt]);
  const task = tasks.find((t) => t.path === path);
  if (!flow || !task) return deps.log.warn("submit.no-such-task", { flow: flowId, path });
  if (!isWaiting(task)) {
    // Also how a crashed worker's lease is noticed: the claim is refused, and an expired lease becomes a doubt.
    await applySignal(deps, task, { kind: "claim", call: task.phase });
    return;
  }
  if (flow.canceledAt !== undefined) return runEffects(deps, await applySignal(deps, task, { kind: "cancel" }));
  const parent = tasks.find((t) => t.path === parentAt);
  if (!hasImages(task)) return send(deps, flow, task, parent);
  if (deps.imageSemaphore?.tryAcquire() === false) return requeueTask(deps, task, deps.timings.busyMs);
  try {
    await send(deps, flow, task, parent);
  } finally {
    deps.imageSemaphore?.release();
  }
}

function hasImages({ inputsRef, modal }: Task): boolean {
  return inputsRef !== undefined || modal?.mask !== undefined;
}

function requeueTask({ queue }: SubmitDeps, { flowId, path }: Task, delayMs: number): Promise<void> {
  return queue.send([{ message: submitMessage(flowId, path), delayMs }]);
}

async function send(deps: SubmitDeps, flow: Flow, task: Task, parent: Task | undefined): Promise<void> {
  const at = await findAccountOfTask(deps.providers, task);
  const ready = at ? await prepare(deps, at, flow, task, parent) : cannotSubmit(failure("provider_missing"));
  if (ready.kind === "hopeless") {
    const { failure } = ready;
    const to = isVendorLoss(failure) ? await findFailoverAccount(deps, flow, task) : undefined;
    return runEffects(deps, await applySignal(deps, task, { kind: "abandon", failure, to }));
  }
  if (ready.kind === "later") return requeueTask(deps, task, ready.afterMs);
  if (!(await hasFreeSlot(deps, at!, task))) return runEffects(deps, await waitForSlot(deps, flow, task));
  // Read before the claim: nothing that can fail may stand between the claim and the call.
  const health = await deps.accounts.callbacks(task.provider, task.account);
  const intended = task.status === "MODAL" ? "modal" : "submit";
  const claimed = await applySignal(deps, task, { kind: "claim", call: intended, customId: ready.customId });
  if (!effectsOf(claimed.decision).some((effect) => effect.kind === "call")) return;
  await runEffects(deps, await callVendor(deps, at!, flow, claimed.task, ready, health));
}

/** All that the submit queue carries. @throws MessageError for what belongs to another queue */
export async function handleSubmitMessage(deps: SubmitDeps, message: Message): Promise<void> {
  if (message.type === "submit") return submit(deps, message);
  if (message.type === "taken") return applyAcceptedMessage(deps, message);
  throw new MessageError(`a ${message.type} message on the submit queue`);
}

/** Consumes what `keep` saved: the answer of a paid call that the table would not take at the time. */
export async function applyAcceptedMessage(deps: SubmitDeps, message: AcceptedMessage): Promise<void> {
  const task = await deps.store.getTask(message);
  if (!task) return;
  const { attempt, vendorTaskId } = message;
  const signal: Signal = message.window
    ? { kind: "modalOpened", attempt, vendorTaskId }
    : { kind: "accepted", attempt, vendorTaskId, expect: "unknown" };
  await runEffects(deps, await applySignal(deps, task, signal));
}

function isWaiting(task: Task): boolean {
  return task.status === "PENDING" || (task.status === "MODAL" && task.modal !== undefined);
}

async function callVendor(
  deps: SubmitDeps,
  at: AccountHandle,
  flow: Flow,
  task: Task,
  ready: Ready,
  health: CallbackHealth,
): Promise<AppliedSignal> {
  const answer = await ready
    .call({
      account: at.config,
      notifyHook: deps.callbackTokens.url(callbackClaimsOf(deps, flow, task, health.fresh)),
      state: vendorStateOf(task, task.attempt),
      mode: flow.mode,
      botType: flow.botType,
      // Which of a vendor's accounts may take it is that vendor's own affair.
      accountFilter: task.provider === flow.provider ? flow.accountFilter : undefined,
    })
    // A provider answers, it does not throw. Should it all the same, the call may have gone out: in doubt, unclear.
    .catch((error: unknown): SubmitOutcome => ({ kind: "unclear", reason: String(error) }));
  logOutcome(deps, task, answer);
  const to = await findNextAccount(deps, flow, task, answer);
  const instant = at.provider.capabilities.instantActions.includes(task.action);
  const expect: CallbackExpectation = health.callbacks === "silent" ? "silent" : instant ? "instant" : health.callbacks;
  const signal = signalOf(answer, task, expect, deps.random.chance(), to);
  const applied = await applySignal(deps, task, signal).catch((error: unknown) =>
    enqueueAcceptedAnswer(deps, task, signal, error),
  );
  await recordOutcome(deps, task, callOutcomeOf(answer));
  return applied;
}

// ── accounts: whether there is room, what an answer says of one, and where a root goes that it did not take ────────

async function hasFreeSlot({ accounts }: SubmitDeps, { maxRunning }: AccountHandle, task: Task): Promise<boolean> {
  return maxRunning === undefined || accounts.acquireSlot(task.provider, task.account, task, maxRunning);
}

/** As a vendor's "busy" is waited out, with nothing asked. */
async function waitForSlot(deps: SubmitDeps, flow: Flow, task: Task): Promise<AppliedSignal> {
  const to = await findFreeAccount(deps, flow, task);
  const applied = await applySignal(deps, task, { kind: "accountFull", chance: deps.random.chance(), to });
  await recordOutcome(deps, task, { fault: "full" });
  return applied;
}

/** Only an answer that says for certain that nothing was taken lets a root go (P3). */
async function findNextAccount(
  deps: SubmitDeps,
  flow: Flow,
  task: Task,
  answer: SubmitOutcome,
): Promise<AccountRef | undefined> {
  if (answer.kind === "busy") return findFreeAccount(deps, flow, task);
  return answer.kind === "refused" && isVendorLoss(answer.failure) ? findFailoverAccount(deps, flow, task) : undefined;
}

function callOutcomeOf(answer: SubmitOutcome): CallOutcome | undefined {
  switch (answer.kind) {
    case "accepted":
    case "modal":
      return "worked";
    case "busy":
      return { fault: "busy", ...(answer.afterMs !== undefined && { afterMs: answer.afterMs }) };
    case "unclear":
      return { fault: "unclear" };
    case "refused":
      if (answer.failure.code === "vendor_unauthorized") return { fault: "unauthorized" };
      return answer.failure.code === "vendor_out_of_money" ? { fault: "out_of_money" } : undefined;
  }
}

/** Learning is worth a try; the answer is stored by now, and nothing of it must fail for this. */
async function recordOutcome(
  { accounts, log }: SubmitDeps,
  { provider, account }: Task,
  verdict: CallOutcome | undefined,
): Promise<void> {
  if (!verdict) return;
  await accounts.recordOutcome(provider, account, verdict).catch((error: unknown) => {
    log.warn("account.unlearned", { provider, account, error: String(error) });
  });
}

// ── the answer ─────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * The vendor has the task, we have its id, and the table will not take it: forgetting it now would mean paying again
 * after the grace. The queue is another system and keeps it for days.
 */
async function enqueueAcceptedAnswer(deps: SubmitDeps, task: Task, signal: Signal, cause: unknown): Promise<never> {
  if (signal.kind === "accepted" || signal.kind === "modalOpened") {
    const { attempt, vendorTaskId } = signal;
    const { flowId, path } = task;
    const window = signal.kind === "modalOpened";
    const message: AcceptedMessage = { v: 1, type: "taken", flowId, path, attempt, vendorTaskId, window };
    await deps.queue.send([{ message }]).catch((error: unknown) => {
      deps.log.error("submit.answer-unkept", { flow: flowId, path, vendorTaskId, error: String(error) });
    });
  }
  throw cause;
}

function callbackClaimsOf({ clock, timings }: SubmitDeps, flow: Flow, task: Task, calling: boolean) {
  const { flowId, path, attempt, provider, account } = task;
  const expiresAt = clock.now() + timings.deadlineMs[task.pace] + timings.modalMs + timings.hookMs;
  return { flowId, path, attempt, provider, account, expiresAt, progress: flow.progress, calling };
}

function signalOf(
  answer: SubmitOutcome,
  { attempt, phase: call }: Task,
  expect: CallbackExpectation,
  chance: number,
  to: AccountRef | undefined,
): Signal {
  switch (answer.kind) {
    case "accepted": {
      const { vendorTaskId, siblings, existing } = answer;
      return { kind: "accepted", attempt, call, vendorTaskId, siblings, expect: existing ? "silent" : expect };
    }
    case "modal":
      return { kind: "modalOpened", attempt, call, vendorTaskId: answer.vendorTaskId };
    case "refused":
      return { kind: "refused", attempt, call, failure: answer.failure, to };
    case "busy":
      return { kind: "busy", attempt, call, afterMs: answer.afterMs, chance, to };
    case "unclear":
      return { kind: "unclear", attempt, call };
  }
}

function logOutcome({ log }: SubmitDeps, task: Task, answer: SubmitOutcome): void {
  const at = { flow: task.flowId, path: task.path, provider: task.provider, attempt: task.attempt };
  log.count("Submissions");
  if (answer.kind === "busy") log.count("Busy");
  if (answer.kind === "unclear") log.count("Unclear");
  if (answer.kind === "refused") log.count("Refused");
  const why = answer.kind === "refused" ? answer.failure.code : "reason" in answer ? answer.reason : undefined;
  log.info("submit.answer", { ...at, phase: task.phase, answer: answer.kind, why });
}

// ── what to send ───────────────────────────────────────────────────────────────────────────────────────────────────

async function prepare(
  deps: SubmitDeps,
  at: AccountHandle,
  flow: Flow,
  task: Task,
  parent: Task | undefined,
): Promise<Ready | CannotSubmit | RetryLater> {
  if (task.status === "MODAL") return prepareModal(deps, at, task);
  if (parentPath(task.path) === undefined) return prepareRoot(deps, at, flow, task);
  if (parent?.status !== "SUCCESS") return cannotSubmit(failure("parent_failed"));
  return preparePress(deps, at, task, parent);
}

async function prepareRoot(
  { blobs }: SubmitDeps,
  { provider }: AccountHandle,
  flow: Flow,
  task: Task,
): Promise<Ready | CannotSubmit> {
  const inputs = task.inputsRef ? await blobs.getInputs(task.inputsRef) : {};
  if (!inputs) return cannotSubmit(failure("input_missing"));
  const { action, prompt, dimensions } = flow;
  return { kind: "ready", call: (context) => provider.submit({ action, prompt, dimensions, inputs }, context) };
}

async function preparePress(
  deps: SubmitDeps,
  at: AccountHandle,
  task: Task,
  parent: Task,
): Promise<Ready | CannotSubmit | RetryLater> {
  const buttons = parent.result?.buttons ?? (await lookUpButtons(deps, at, parent));
  if (!buttons) return { kind: "later", afterMs: deps.timings.lookupMs };
  const resolved = resolvePress(task.press ?? "", buttons);
  if (!resolved.ok) return cannotSubmit(failure(resolved.code, { offered: resolved.offered }));
  const { customId } = resolved.button;
  if (isPressedTwice(task, parent, customId, buttons)) return cannotSubmit(failure("press_doubled"));
  const { vendorTaskId } = parent;
  if (vendorTaskId === undefined) return onParentWithoutId(deps, parent);
  return { kind: "ready", customId, call: (context) => at.provider.press({ vendorTaskId, customId }, context) };
}

/** A callback without an id overtook the submit answer, which has it; or no answer ever came, and nothing can be pressed. */
function onParentWithoutId({ clock, timings }: SubmitDeps, parent: Task): RetryLater | CannotSubmit {
  const answered = (parent.endedAt ?? 0) + timings.leaseMs < clock.now();
  return answered ? cannotSubmit(failure("parent_unnamed")) : { kind: "later", afterMs: timings.busyMs };
}

/** P4, for two spellings of one button that only the real buttons could tell to be one: the first in the plan wins. */
function isPressedTwice(task: Task, parent: Task, customId: string, buttons: readonly Button[]): boolean {
  const index = Number(task.path.slice(parent.path.length + 1));
  return (parent.then ?? []).slice(0, Number.isNaN(index) ? 0 : index).some((earlier) => {
    const other = resolvePress(earlier.press, buttons);
    return other.ok && other.button.customId === customId;
  });
}

/** Some callbacks carry no buttons (Crazyrouter's): then, and only then, the finished parent is read once. */
async function lookUpButtons(
  deps: SubmitDeps,
  at: AccountHandle,
  parent: Task,
): Promise<readonly Button[] | undefined> {
  if (!parent.vendorTaskId) return [];
  deps.log.count("Lookups");
  const answer = await at.provider
    .lookup([parent.vendorTaskId], at.config)
    .catch((error: unknown) => deps.log.warn("submit.buttons-unread", { flow: parent.flowId, error: String(error) }));
  if (!answer) return undefined;
  const buttons = answer.reports[0]?.result.buttons ?? [];
  // Kept for its siblings; a lost race only means that another of them kept it.
  await deps.store.saveTask({ ...parent, lookups: parent.lookups + 1, result: { ...parent.result, buttons } });
  return buttons;
}

async function prepareModal(
  { blobs }: SubmitDeps,
  { provider }: AccountHandle,
  task: Task,
): Promise<Ready | CannotSubmit> {
  const { prompt, mask } = task.modal!;
  const maskBase64 = mask && (await blobs.getInputs(mask.ref))?.masks?.[mask.index];
  if (mask && maskBase64 === undefined) return cannotSubmit(failure("input_missing"));
  const vendorTaskId = task.vendorTaskId ?? "";
  return { kind: "ready", call: (context) => provider.modal({ vendorTaskId, prompt, maskBase64 }, context) };
}

function cannotSubmit(failure: Failure): CannotSubmit {
  return { kind: "hopeless", failure };
}

/** What the vendor gets as `state`: ours, short and plain. The app's own never leaves the table (T5). */
export function vendorStateOf(task: TaskRef, attempt: number): string {
  return `${task.flowId.slice("flow_".length)}_${task.path}_${attempt}`;
}
