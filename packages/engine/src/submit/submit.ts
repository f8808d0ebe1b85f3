/**
 * The submit worker handles one message and makes at most one vendor call. The message is only a hint; the row decides
 * (P5).
 *
 * The order of the steps prevents a second payment:
 * 1. The worker resolves the press before the claim, so a task that cannot succeed uses no attempt.
 * 2. The worker stores the claim (attempt and lease) before it calls the vendor (P1). A follow-up gets its row by this write.
 * 3. The worker stores the outcome after the call. If no clear response came, the task becomes UNCLEAR at once. If the
 *    write fails, the task becomes UNCLEAR when its lease has expired. An UNCLEAR task is not submitted again before
 *    its grace period is over (P3).
 */

import type { Button } from "@mjflow/core/button";
import { resolvePress } from "@mjflow/core/button";
import { freeSlots, isSlotAged, occupiesSlot, type Slot } from "@mjflow/core/concurrency-limiter";
import { type Failure, failure, isVendorLoss } from "@mjflow/core/error";
import type { Flow } from "@mjflow/core/flow";
import { parentPath } from "@mjflow/core/id";
import {
  type AcceptedMessage,
  accountGroup,
  type Message,
  MessageError,
  outgoingWake,
  outgoingWork,
  pathsOf,
  type SubmitMessage,
} from "@mjflow/core/message";
import type { AccountState, CallContext, SubmitOutcome, TaskRef } from "@mjflow/core/port";
import { isSameAccount } from "@mjflow/core/relocation";
import { isFinal } from "@mjflow/core/report";
import type { AccountRef, CallbackExpectation, CallKind, Signal } from "@mjflow/core/state";
import type { Task } from "@mjflow/core/task";
import { backoffMs } from "@mjflow/core/timing";
import { admission, isInWaitList, mostParallel, pauseEnd, type WaitReason } from "@mjflow/core/wait-list";
import type { Accounts, CallOutcome, Pause } from "../account/account.ts";
import {
  type AccountHandle,
  findAccountOfTask,
  findFailoverAccount,
  findFreeAccount,
} from "../account/account-selection.ts";
import type { EngineDeps } from "../deps.ts";
import { holdNotifications } from "../event/notification-batch.ts";
import { type AppliedSignal, applySignal, effectsOf } from "../step/apply-signal.ts";
import { continueChain, isChainOver } from "../step/chain.ts";
import { unstoredFollowUp } from "../step/follow-ups.ts";
import { releaseSlot, runEffects } from "../step/run-effects.ts";
import { type CallLimit, type CallSlots, createCallSlots } from "./call-slots.ts";
import type { ConcurrencyLimiter } from "./concurrency-limiter.ts";
import type { ImageSemaphore } from "./image-semaphore.ts";
import { type DispatchOutcome, dispatchWaitList, ensureInWaitList } from "./wait-list.ts";
import { waitEntryOfTask } from "./wait-place.ts";

interface SubmitDeps extends EngineDeps {
  accounts: Accounts;
  limiter: ConcurrencyLimiter;
  /** Limits the workers that wait for one account. Unset: no limit. */
  callLimit?: CallLimit | undefined;
  /** The slots of this invocation (call-slots.ts). Unset: no limit. */
  calls?: CallSlots | undefined;
  /** Resolves after a time. Unset: notifications of several tasks are held back until all of their calls have ended. */
  wait?(ms: number): Promise<void>;
  /** When the invocation began, epoch ms. Unset: now. */
  startedAt?: number;
  /** Paths of the tasks that this message has submitted, by the rest of their log line. Unset: each task has a line of its own. */
  accepted?: Map<string, string[]> | undefined;
  /** Limits how many tasks with images are submitted in parallel; unset: no limit. */
  imageSemaphore?: ImageSemaphore;
}

/** A prepared call. The claim is not made yet. */
type Ready = {
  kind: "ready";
  customId?: string;
  /** Until when a press waits for a vendor that does not yet show the parent as finished, epoch ms. Unset for a root. */
  parentUntil?: number;
  /** Vendor task id of the parent of a press. Unset for a root. */
  parentId?: string;
  call(context: CallContext): Promise<SubmitOutcome>;
};
type CannotSubmit = { kind: "hopeless"; failure: Failure };
/**
 * The parent's buttons or vendor id are not available yet. Nothing was claimed; the message comes again after
 * `afterMs`.
 */
type RetryLater = { kind: "later"; afterMs: number };
type CallbackHealth = Awaited<ReturnType<Accounts["callbacks"]>>;

/**
 * @param wake account whose wait list is to be dispatched; unset: none
 * @param known the rows, if they are read for several tasks together
 * @throws MjflowError `overloaded`, or another error of the table. The queue then delivers the message again.
 */
export async function submit(
  deps: SubmitDeps,
  { flowId, path, wake }: TaskRef & { wake?: AccountRef },
  known?: Promise<Rows>,
): Promise<void> {
  const { flow, task: row, parent } = rowsOf(await (known ?? load(deps, { flowId, paths: [path] })), path);
  const task = row ?? unstoredFollowUp(deps, parent, path);
  if (!flow || !task) {
    deps.log.warn("submit.no-such-task", { flow: flowId, path });
    return wake && dispatchAccount(deps, wake);
  }
  if (isRepeatable(deps, flow, task)) {
    const attempted = await attempt(deps, flow, task, parent, { admit: false, isRepeat: true });
    // Whatever else prevents the call now: the sweeper sends another message.
    if (attempted.kind === "called") await runEffects(deps, attempted.applied);
  } else if (!isWaiting(task)) {
    // The claim is ignored unless the task is SUBMITTING with an expired lease: its worker has crashed, so it becomes
    // UNCLEAR.
    await applySignal(deps, task, { kind: "claim", call: task.phase });
  } else if (flow.canceledAt !== undefined) {
    await runEffects(deps, await applySignal(deps, task, { kind: "cancel" }));
  } else if (!isInWaitList(task)) {
    const attempted = await attempt(deps, flow, task, parent, { admit: true });
    if (attempted.kind === "later") await requeueTask(deps, task, attempted.afterMs);
    if (attempted.kind === "wait") await wait(deps, flow, task, attempted.why);
    if (attempted.kind === "called") await runEffects(deps, attempted.applied);
    // A task that has just entered looks whether there is room by now (WL4).
    if (attempted.kind === "wait" || isBusy(attempted)) await dispatchAccount(deps, task);
  } else {
    await ensureInWaitList(deps, task);
    await dispatchAccount(deps, task);
  }
  if (wake && !(isInWaitList(task) && isSameAccount(task, wake))) await dispatchAccount(deps, wake);
}

type Rows = Awaited<ReturnType<EngineDeps["store"]["load"]>>;

/** Reads tasks of a flow with their parents. */
function load({ store }: SubmitDeps, { flowId, paths }: { flowId: string; paths: readonly string[] }): Promise<Rows> {
  return store.load(flowId, [...paths, ...paths.flatMap((path) => parentPath(path) ?? [])]);
}

function rowsOf({ flow, tasks }: Rows, path: string) {
  const find = (at: string | undefined) => tasks.find((task) => task.path === at);
  return { flow, task: find(path), parent: find(parentPath(path)) };
}

function hasImages({ inputsRef, modal }: Task): boolean {
  return inputsRef !== undefined || modal?.mask !== undefined;
}

/** Starts the work again after a pause. A stored row stays unchanged as long as a message can do it. */
async function requeueTask(deps: SubmitDeps, task: Task, delayMs: number): Promise<void> {
  // An app sees a follow-up that waits. If another worker has stored it, nothing changes.
  if (task.rev === 0) await deps.store.createTask(task);
  if (isChainOver(deps, "submit")) await applySignal(deps, task, { kind: "postponed", byMs: delayMs });
  else await deps.queue.send([outgoingWork(task, delayMs)]);
}

/**
 * The result of an attempt to submit a task. `wait`: no call was made, the task must wait for its account. `later`: no call
 * was made for a reason of the task itself. `called`: the effects of `applied` are not run yet. `ended`: nothing is left to do.
 */
type Attempted =
  | { kind: "wait"; why: WaitReason }
  | { kind: "later"; afterMs: number }
  | { kind: "called"; outcome: SubmitOutcome; applied: AppliedSignal }
  | { kind: "ended" };

interface AttemptOptions {
  /** True: the task waits if other tasks wait for the account. False: the dispatcher has taken it out of the wait list. */
  admit: boolean;
  /** True if the account has accepted tasks since its last pause. Then its next pause is short. */
  isRecovering?: boolean;
  /** True: the call is unclear, and the vendor gets it again with its idempotency key. The task has its slot already. */
  isRepeat?: boolean;
}

async function attempt(
  deps: SubmitDeps,
  flow: Flow,
  task: Task,
  parent: Task | undefined,
  options: AttemptOptions,
): Promise<Attempted> {
  if (!hasImages(task)) return send(deps, flow, task, parent, options);
  if (deps.imageSemaphore?.tryAcquire() === false) {
    // The pause doubles along the chain, so that a large burst of images does not use up its messages within seconds.
    const { busyMs, busyMaxMs } = deps.timings;
    return { kind: "later", afterMs: backoffMs(busyMs, (deps.chain?.hops ?? 1) - 1, busyMaxMs) };
  }
  try {
    return await send(deps, flow, task, parent, options);
  } finally {
    deps.imageSemaphore?.release();
  }
}

async function send(
  deps: SubmitDeps,
  flow: Flow,
  task: Task,
  parent: Task | undefined,
  { admit, isRecovering = false, isRepeat = false }: AttemptOptions,
): Promise<Attempted> {
  const handle = await findAccountOfTask(deps.providers, task);
  const ready = handle ? await prepare(deps, handle, flow, task, parent) : cannotSubmit(failure("provider_missing"));
  // Nothing is known about the earlier call, so this is no reason to end the task.
  if (ready.kind === "hopeless" && isRepeat) return { kind: "ended" };
  if (ready.kind === "hopeless") {
    const { failure } = ready;
    const to = isVendorLoss(failure) ? await findFailoverAccount(deps, flow, task) : undefined;
    await runEffects(deps, await applySignal(deps, task, { kind: "abandon", failure, at: accountOf(task), to }));
    return { kind: "ended" };
  }
  if (ready.kind === "later") return ready;
  // The dispatcher has read the account for all its tasks.
  const state = admit ? await readAccount(deps, task) : undefined;
  const why = state && whyWait(deps, task, state);
  if (why) return { kind: "wait", why };
  if (deps.calls && !(await deps.calls.acquire(task, state))) return { kind: "wait", why: "calls" };
  let slot = isRepeat ? undefined : await acquireSlot(deps, handle!, task, state);
  if (slot === "full") return { kind: "wait", why: "full" };
  // We read the account health before the claim. A failure between claim and call would leave the task UNCLEAR although
  // nothing was sent.
  const health = await deps.accounts.callbacks(task.provider, task.account);
  const intended = callOf(task);
  const vendorOrigin = URL.parse(handle!.config.baseUrl)?.origin;
  const { customId } = ready;
  // The worker may have been suspended. After `slotMs` another task may have the slot.
  if (slot && isSlotAged(slot, deps.timings, deps.clock.now())) slot = await acquireSlot(deps, handle!, task);
  if (slot === "full") return { kind: "wait", why: "full" };
  const claimed = await applySignal(deps, task, {
    kind: "claim",
    call: intended,
    at: accountOf(task),
    customId,
    vendorOrigin,
    slot,
    repeat: isRepeat,
  });
  if (!effectsOf(claimed.decision).some((effect) => effect.kind === "call")) {
    await releaseUnusedSlot(deps, task, claimed.task, slot);
    return { kind: "ended" };
  }
  return { kind: "called", ...(await callVendor(deps, handle!, flow, claimed.task, ready, health, isRecovering)) };
}

// ── the wait list ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Returns why the task must wait although it could be submitted; undefined: it need not wait. */
function whyWait({ clock, calls }: SubmitDeps, task: Task, state: AccountState): WaitReason | undefined {
  const why = admission(state.waitList, state.health, clock.now());
  // The tasks of the list wait for the responses too. A root may find another account.
  return why === "order" && calls?.hasRoom(task, state) === false ? "calls" : why;
}

function accountOf({ provider, account }: Task): AccountRef {
  return { provider, account };
}

/** Reads whether tasks wait for the account, its pause and its slots, in one request. */
function readAccount({ store }: SubmitDeps, { provider, account }: AccountRef): Promise<AccountState> {
  // The tasks of one message ask at the same moment. They share one read.
  const ofStore = accountReads.get(store) ?? new Map<string, Promise<AccountState>>();
  accountReads.set(store, ofStore);
  const key = `${provider}/${account}`;
  const pending = ofStore.get(key) ?? store.accountState(provider, account).finally(() => ofStore.delete(key));
  ofStore.set(key, pending);
  return pending;
}

/** The reads of accounts that are under way in this process. */
const accountReads = new WeakMap<object, Map<string, Promise<AccountState>>>();

/** Makes the task wait without a vendor call: at another account that is free, or in the wait list of its own. */
async function wait(deps: SubmitDeps, flow: Flow, task: Task, why: WaitReason): Promise<void> {
  const to = await findAccountWithRoom(deps, flow, task, why);
  await runEffects(deps, await applySignal(deps, task, { kind: "wait", why, at: accountOf(task), to }));
  if (why === "full") await recordOutcome(deps, task, { fault: "full" }, undefined);
}

function isBusy(attempted: Attempted): boolean {
  if (attempted.kind !== "called") return false;
  return attempted.outcome.kind === "busy" && attempted.outcome.about !== "parent";
}

/** Dispatches the wait list of the task's account, if nothing else does. */
async function dispatchAccount(deps: SubmitDeps, { provider, account }: AccountRef): Promise<void> {
  const ref = { provider, account };
  // If the account was removed, the dispatcher ends the tasks that wait there.
  const maxRunning = (await findAccountOfTask(deps.providers, ref))?.maxRunning;
  await dispatchWaitList(deps, ref, {
    startedAt: deps.startedAt ?? deps.clock.now(),
    maxRunning,
    countFree: () => deps.limiter.countFree(ref, maxRunning!),
    mostParallel: mostParallel(deps.calls?.workersOf(ref)),
    hasRoom: (state) => deps.calls?.hasAnotherRoom(ref, state) ?? true,
    // The dispatcher runs for many seconds, so each of its tasks has a line of its own at once.
    run: (entry, { hasAccepted }) => submitWaiting({ ...deps, accepted: undefined }, ref, entry, hasAccepted),
  });
}

/** Submits a task that the dispatcher has taken out of the wait list. */
async function submitWaiting(
  deps: SubmitDeps,
  account: AccountRef,
  entry: TaskRef,
  isRecovering: boolean,
): Promise<DispatchOutcome> {
  const { flow, task, parent } = rowsOf(await load(deps, { flowId: entry.flowId, paths: [entry.path] }), entry.path);
  // The entry is outdated: the task has ended, was submitted or has moved to another account.
  if (!flow || !task || !isInWaitList(task) || !isSameAccount(task, account)) return "other";
  if (flow.canceledAt !== undefined) {
    await runEffects(deps, await applySignal(deps, task, { kind: "cancel" }));
    return "other";
  }
  const attempted = await attempt(deps, flow, task, parent, { admit: false, isRecovering });
  if (attempted.kind === "later") return "later";
  if (attempted.kind === "wait") {
    // The account may never respond. A root then goes to an account that has room by now.
    const to = attempted.why === "calls" ? await findAccountWithRoom(deps, flow, task, "calls") : undefined;
    if (!to) return "full";
    await runEffects(deps, await applySignal(deps, task, { kind: "wait", why: "calls", at: account, to }));
    return "other";
  }
  if (attempted.kind === "ended") return "other";
  const { applied, outcome } = attempted;
  await runEffects(deps, isInWaitList(applied.task) ? withoutEntering(applied) : applied);
  // A worker that was to submit the task, too, may have removed its entry.
  if (isInWaitList(applied.task)) await ensureInWaitList(deps, applied.task);
  // A root may have moved to another account, or the parent is not ready. Then it is not in this list any more.
  if (outcome.kind === "busy") return isInWaitList(applied.task) ? "busy" : "other";
  return outcome.kind === "accepted" || outcome.kind === "modal" ? "accepted" : "other";
}

/**
 * Submits a task that a dispatcher has handed over to this worker. Its entry is removed first, so a list whose tasks are all on their way
 * is empty. After a crash the message comes again, and if the message is lost, the entry is still there.
 */
async function submitHandedOver(
  deps: SubmitDeps,
  account: AccountRef,
  ref: TaskRef,
  known: Promise<Rows>,
): Promise<void> {
  const { flow, task, parent } = rowsOf(await known, ref.path);
  const waits = task !== undefined && isInWaitList(task) && isSameAccount(task, account);
  if (!flow || !waits || flow.canceledAt !== undefined) return submit(deps, ref, known);
  const state = await readAccount(deps, task);
  if (pauseEnd(state.health, deps.clock.now()) === undefined) {
    await deps.store.removeWaiting(task.provider, task.account, waitEntryOfTask(task));
    const attempted = await attempt(deps, flow, task, parent, { admit: false, isRecovering: true });
    if (attempted.kind === "ended") return;
    if (attempted.kind === "called") {
      await runEffects(deps, attempted.applied);
      if (!isBusy(attempted)) return;
    }
    if (attempted.kind !== "called") await ensureInWaitList(deps, task);
  }
  // The account may have room again by now (WL4).
  await dispatchAccount(deps, task);
}

/** The task was in the list before, so its entry is still there. */
function withoutEntering({ task, decision }: AppliedSignal): AppliedSignal {
  if (decision.kind === "ignore") return { task, decision };
  return { task, decision: { ...decision, effects: decision.effects.filter(({ kind }) => kind !== "wait") } };
}

/**
 * Handles every message type of the submit queue.
 * @throws MessageError if the message belongs to another queue
 */
export async function handleSubmitMessage(deps: SubmitDeps, message: Message): Promise<void> {
  if (message.type === "submit") return withCallSlots(continueChain(deps, message), message);
  if (message.type === "taken") return applyAcceptedMessage(continueChain(deps, message), message);
  throw new MessageError(`a ${message.type} message on the submit queue`);
}

/** Handles a message with at most one slot for each account that it calls. */
async function withCallSlots(deps: SubmitDeps, message: SubmitMessage): Promise<void> {
  const startedAt = deps.clock.now();
  if (!deps.callLimit) return submitAll({ ...deps, startedAt }, message);
  const calls = createCallSlots(deps, deps.callLimit);
  try {
    await submitAll({ ...deps, startedAt, calls }, message);
  } finally {
    await calls.release();
  }
}

/**
 * Submits all tasks of a message at the same time, independently of each other. If one of them fails, the message comes
 * again for all of them, and a task that was submitted then does nothing (P5).
 */
async function submitAll(deps: SubmitDeps, message: SubmitMessage): Promise<void> {
  const { flowId, wake } = message;
  const refs = pathsOf(message).map((path, i) => ({ flowId, path, ...(i === 0 && wake && { wake }) }));
  // Siblings are accepted at about the same time, and one message notifies of all of them.
  const batch = refs.length > 1 ? holdNotifications(deps, deps.wait) : undefined;
  const rows = load(deps, { flowId, paths: refs.map(({ path }) => path) });
  const accepted = new Map<string, string[]>();
  const each = { ...(batch?.deps ?? deps), accepted };
  const { handedOver } = message;
  const results = await Promise.allSettled(
    refs.map((ref) => (handedOver ? submitHandedOver(each, handedOver, ref, rows) : submit(each, ref, rows))),
  );
  for (const [line, paths] of accepted) deps.log.info("submit.answer", { ...JSON.parse(line), path: paths.join(" ") });
  await batch?.send();
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}

/**
 * Applies a fallback message of `enqueueAcceptance`: the vendor accepted a paid call, but the table rejected the write.
 */
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

/** True if the call is unclear, and the vendor's idempotency keys make it harmless to send it again. */
function isRepeatable({ providers }: SubmitDeps, { canceledAt }: Flow, { status, provider }: Task): boolean {
  if (status !== "UNCLEAR" || canceledAt !== undefined) return false;
  return providers.get(provider)?.provider.capabilities.idempotencyKey === true;
}

/** The call that the task waits for, or whose outcome is unclear. */
function callOf({ status, phase }: Task): CallKind {
  return status === "MODAL" || (status === "UNCLEAR" && phase === "modal") ? "modal" : "submit";
}

async function callVendor(
  deps: SubmitDeps,
  handle: AccountHandle,
  flow: Flow,
  task: Task,
  ready: Ready,
  health: CallbackHealth,
  isRecovering: boolean,
): Promise<{ outcome: SubmitOutcome; applied: AppliedSignal }> {
  const answer = await ready
    .call({
      account: handle.config,
      notifyHook: deps.callbackTokens.url(callbackClaimsOf(deps, flow, task, health.recentlyCalled)),
      state: vendorStateOf(task, task.attempt),
      ...(handle.provider.capabilities.idempotencyKey && { idempotencyKey: idempotencyKeyOf(task) }),
      mode: modeOf(flow, task),
      botType: flow.botType,
      // `accountFilter` names accounts inside one vendor. It is not sent to another vendor.
      accountFilter: task.provider === flow.provider ? flow.accountFilter : undefined,
    })
    // A provider reports every failure as an outcome and does not throw. If it throws nevertheless, the call may have
    // reached the vendor, so the outcome is unclear.
    .catch((error: unknown): SubmitOutcome => ({ kind: "unclear", reason: String(error) }));
  logOutcome(deps, task, answer);
  const isOldKey = await usedOldKey(deps, handle, task, answer);
  const outcome: SubmitOutcome = isOldKey ? { kind: "busy", reason: "the account has a new key" } : answer;
  const to = isOldKey ? undefined : await findNextAccount(deps, flow, task, outcome);
  const expect = expectationOf(handle, flow, task, health);
  const canRepeat = handle.provider.capabilities.idempotencyKey === true && flow.canceledAt === undefined;
  const signal = signalOf(outcome, task, { expect, chance: deps.random.chance(), to, ready, canRepeat });
  const applied = await applySignal(deps, task, signal).catch((error: unknown) =>
    enqueueAcceptance(deps, task, signal, error),
  );
  const said = isOldKey ? undefined : callOutcomeOf(outcome);
  // An account that accepts some of the tasks is asked again soon.
  const afterMs = isRecovering && outcome.kind === "busy" ? deps.timings.busyMs : undefined;
  const recorded = typeof said === "object" && afterMs !== undefined ? { afterMs, ...said } : said;
  const pause = await recordOutcome(deps, task, recorded, knownTaskIdOf(outcome) ?? ready.parentId);
  // Only the worker that has stored the pause sends the message for its end.
  const wakeMs = pause?.isNew ? pause.until - deps.clock.now() : isOldKey ? deps.timings.busyMs : undefined;
  if (wakeMs !== undefined) await deps.queue.send([outgoingWake(task, task, wakeMs)]);
  return { outcome, applied };
}

/** A flow that wants progress gets it from look-ups if the vendor's callbacks tell none. Its tasks are then looked up as at a silent account. */
function expectationOf(
  { provider: { capabilities } }: AccountHandle,
  { progress }: Flow,
  { action }: Task,
  { callbacks }: CallbackHealth,
): CallbackExpectation {
  const { instantActions, endOnly, lookupProgress } = capabilities;
  if (callbacks === "silent" || (progress && endOnly && lookupProgress)) return "silent";
  if (instantActions.includes(action)) return "instant";
  return callbacks === "unknown" && endOnly ? "unknown-until-end" : callbacks;
}

/** Midjourney makes no videos in turbo mode. So an animation in a turbo flow is submitted in the next fastest mode. */
function modeOf({ mode }: Flow, { pace }: Task): Flow["mode"] {
  return mode === "turbo" && pace === "video" ? "fast" : mode;
}

/**
 * True if the vendor refused a key that the operator has replaced meanwhile: this process had cached the old one. Then the
 * task is not failed, because the new key may be valid, and the account is not blamed.
 */
async function usedOldKey(
  { providers, log }: SubmitDeps,
  { config }: AccountHandle,
  task: Task,
  outcome: SubmitOutcome,
): Promise<boolean> {
  if (outcome.kind !== "refused" || !isVendorLoss(outcome.failure)) return false;
  try {
    await providers.refresh?.("force");
  } catch (error) {
    log.warn("vendor.unread", { error: String(error) });
    return false;
  }
  const now = providers.get(task.provider)?.account(task.account);
  return now !== undefined && (now.apiKey !== config.apiKey || now.baseUrl !== config.baseUrl);
}

// ── accounts: free slots, failover of rejected roots, account health ───────────────────────────────────────────────

/**
 * @param state what was just read of the account; unset: nothing
 * @returns undefined if the account has no concurrency limit
 */
async function acquireSlot(
  { limiter }: SubmitDeps,
  { maxRunning }: AccountHandle,
  task: Task,
  state?: AccountState,
): Promise<Slot | "full" | undefined> {
  if (maxRunning === undefined) return undefined;
  return (await limiter.acquire(task, task, maxRunning, state)) ?? "full";
}

/** The claim was ignored. The slot is released, except if another worker has claimed the task with the same slot. */
async function releaseUnusedSlot(deps: SubmitDeps, task: Task, current: Task, slot: Slot | undefined): Promise<void> {
  if (slot && !occupiesSlot(current, task, false)) await releaseSlot(deps, task, task, slot);
}

/**
 * Returns another account with room for the root. Its health does not say that tasks wait there, or that all its slots are
 * used. Two such accounts would send the root to each other, each time for two writes.
 */
function findAccountWithRoom(
  deps: SubmitDeps,
  flow: Flow,
  task: Task,
  why: WaitReason,
): Promise<AccountRef | undefined> {
  return findFreeAccount(deps, flow, task, async (account, maxRunning) => {
    const state = await readAccount(deps, account);
    const hasSlot = maxRunning === undefined || freeSlots("tasks", maxRunning, state.slots) > 0;
    if (!hasSlot || deps.calls?.hasRoom(account, state) === false) return false;
    const reason = admission(state.waitList, state.health, deps.clock.now());
    if (reason === undefined || reason === "busy") return reason === undefined;
    // A list that moves on is better than an account that may never respond, but only once.
    const wasThere = task.previousLocations?.some((location) => isSameAccount(location, account));
    return why === "busy" || (why === "calls" && !wasThere);
  });
}

/** A root may change its account only after an outcome that proves that the vendor did not accept the task (P3). */
async function findNextAccount(
  deps: SubmitDeps,
  flow: Flow,
  task: Task,
  outcome: SubmitOutcome,
): Promise<AccountRef | undefined> {
  if (outcome.kind === "busy") return findAccountWithRoom(deps, flow, task, "busy");
  return outcome.kind === "refused" && isVendorLoss(outcome.failure)
    ? findFailoverAccount(deps, flow, task)
    : undefined;
}

function callOutcomeOf(outcome: SubmitOutcome): CallOutcome | undefined {
  switch (outcome.kind) {
    case "accepted":
    case "modal":
      return "worked";
    case "busy": {
      // The vendor said something about the parent, and nothing about the account.
      if (outcome.about === "parent") return undefined;
      const fault = outcome.about === "connection" ? "unreachable" : "busy";
      return { fault, ...(outcome.afterMs !== undefined && { afterMs: outcome.afterMs }) };
    }
    case "unclear":
      return { fault: "unclear" };
    case "refused":
      if (outcome.failure.code === "vendor_unauthorized") return { fault: "unauthorized" };
      return outcome.failure.code === "vendor_out_of_money" ? { fault: "out_of_money" } : undefined;
  }
}

function knownTaskIdOf(outcome: SubmitOutcome): string | undefined {
  return outcome.kind === "accepted" || outcome.kind === "modal" ? outcome.vendorTaskId : undefined;
}

/**
 * Updates the account health. The outcome of the call is already stored, so a failure of this update is only logged.
 */
async function recordOutcome(
  { accounts, log }: SubmitDeps,
  { provider, account }: Task,
  outcome: CallOutcome | undefined,
  vendorTaskId: string | undefined,
): Promise<Pause | undefined> {
  if (!outcome) return undefined;
  return accounts.recordOutcome(provider, account, outcome, vendorTaskId).catch((error: unknown) => {
    log.warn("account.health-not-saved", { provider, account, error: String(error) });
    return undefined;
  });
}

// ── the outcome ────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * The vendor accepted the task, but the table rejects the write. If we lost the vendor's task id, we would submit and
 * pay again after the grace period. Therefore we put the id on the queue, which is independent of the table and keeps
 * messages for days.
 */
async function enqueueAcceptance(deps: SubmitDeps, task: Task, signal: Signal, cause: unknown): Promise<never> {
  const vendorTaskId = signal.kind === "report" ? signal.report.vendorTaskId : acceptedIdOf(signal);
  if (vendorTaskId !== undefined && "attempt" in signal) {
    const { attempt } = signal;
    const { flowId, path } = task;
    const window = signal.kind === "modalOpened";
    const message: AcceptedMessage = { v: 1, type: "taken", flowId, path, attempt, vendorTaskId, window };
    await deps.queue.send([{ message, group: accountGroup(task) }]).catch((error: unknown) => {
      deps.log.error("submit.answer-not-saved", { flow: flowId, path, vendorTaskId, error: String(error) });
    });
  }
  throw cause;
}

function acceptedIdOf(signal: Signal): string | undefined {
  return signal.kind === "accepted" || signal.kind === "modalOpened" ? signal.vendorTaskId : undefined;
}

function callbackClaimsOf({ clock, timings }: SubmitDeps, flow: Flow, task: Task, calling: boolean) {
  const { flowId, path, attempt, provider, account } = task;
  const expiresAt = clock.now() + timings.deadlineMs[task.pace] + timings.modalMs + timings.hookMs;
  return { flowId, path, attempt, provider, account, expiresAt, progress: flow.progress, calling };
}

function signalOf(
  outcome: SubmitOutcome,
  { attempt, phase: call }: Task,
  {
    expect,
    chance,
    to,
    ready: { parentUntil },
    canRepeat,
  }: {
    expect: CallbackExpectation;
    chance: number;
    to: AccountRef | undefined;
    ready: Ready;
    canRepeat: boolean;
  },
): Signal {
  switch (outcome.kind) {
    case "accepted": {
      const { vendorTaskId, siblings, existing, report } = outcome;
      // The response shows the end, so acceptance and end are one write.
      if (report && isFinal(report.status) && call === "submit")
        return { kind: "report", attempt, from: "lookup", report: { ...report, vendorTaskId } };
      return { kind: "accepted", attempt, call, vendorTaskId, siblings, expect: existing ? "silent" : expect };
    }
    case "modal":
      return {
        kind: "modalOpened",
        attempt,
        call,
        vendorTaskId: outcome.vendorTaskId,
        ...(outcome.finalPrompt !== undefined && { finalPrompt: outcome.finalPrompt }),
      };
    case "refused":
      return { kind: "refused", attempt, call, failure: outcome.failure, to };
    case "busy":
      return {
        kind: "busy",
        attempt,
        call,
        afterMs: outcome.afterMs,
        chance,
        to,
        about: outcome.about,
        until: outcome.about === "parent" ? parentUntil : undefined,
      };
    case "unclear":
      return { kind: "unclear", attempt, call, canRepeat };
  }
}

/** Siblings that were accepted have one line. Their rows have the same facts, so a crash before the line loses none. */
function logOutcome({ log, accepted }: SubmitDeps, task: Task, outcome: SubmitOutcome): void {
  const at = { flow: task.flowId, path: task.path, provider: task.provider, attempt: task.attempt };
  log.count("Submissions");
  if (outcome.kind === "busy") log.count("Busy");
  if (outcome.kind === "unclear") log.count("Unclear");
  if (outcome.kind === "refused") log.count("Refused");
  const why = outcome.kind === "refused" ? outcome.failure.code : "reason" in outcome ? outcome.reason : undefined;
  const line = { ...at, phase: task.phase, answer: outcome.kind, why };
  // Waiting cannot be expected to help: the address, the certificate or the key is wrong, or the vendor is down.
  if (outcome.kind === "busy" && outcome.about === "connection") {
    log.count("Unreachable");
    log.warn("submit.unreachable", line);
  } else if (outcome.kind === "accepted" && accepted) {
    const { path, ...rest } = line;
    const key = JSON.stringify(rest);
    accepted.set(key, [...(accepted.get(key) ?? []), path]);
  } else log.info("submit.answer", line);
}

// ── what to send ───────────────────────────────────────────────────────────────────────────────────────────────────

async function prepare(
  deps: SubmitDeps,
  handle: AccountHandle,
  flow: Flow,
  task: Task,
  parent: Task | undefined,
): Promise<Ready | CannotSubmit | RetryLater> {
  if (callOf(task) === "modal") return prepareModal(deps, handle, task);
  if (parentPath(task.path) === undefined) return prepareRoot(deps, handle, flow, task);
  if (parent?.status !== "SUCCESS") return cannotSubmit(failure("parent_failed"));
  return preparePress(deps, handle, flow, task, parent);
}

async function prepareRoot(
  { blobs }: SubmitDeps,
  { provider }: AccountHandle,
  flow: Flow,
  task: Task,
): Promise<Ready | CannotSubmit> {
  const inputs = task.inputsRef ? await blobs.getInputs(task.inputsRef) : {};
  if (!inputs) return cannotSubmit(failure("input_missing"));
  const { action, prompt, dimensions, video } = flow;
  return { kind: "ready", call: (context) => provider.submit({ action, prompt, dimensions, video, inputs }, context) };
}

async function preparePress(
  deps: SubmitDeps,
  handle: AccountHandle,
  flow: Flow,
  task: Task,
  parent: Task,
): Promise<Ready | CannotSubmit | RetryLater> {
  const parentUntil = Math.max(parent.endedAt ?? 0, task.createdAt) + deps.timings.parentMs;
  const known = parent.result?.buttons ?? [];
  if (known.length === 0 && parent.vendorTaskId === undefined) return onParentWithoutId(deps, parent);
  const buttons = known.length > 0 ? known : await lookUpButtons(deps, handle, parent);
  if (!buttons) {
    const isOverdue = deps.clock.now() >= parentUntil;
    return isOverdue ? cannotSubmit(failure("buttons_unknown")) : { kind: "later", afterMs: deps.timings.lookupMs };
  }
  const resolved = resolvePress(task.press ?? "", buttons);
  if (!resolved.ok) return cannotSubmit(failure(resolved.code, { offered: resolved.offered }));
  const { customId } = resolved.button;
  if (isPressedTwice(task, parent, customId, buttons)) return cannotSubmit(failure("press_doubled"));
  const { vendorTaskId } = parent;
  if (vendorTaskId === undefined) return onParentWithoutId(deps, parent);
  const { imageUrl, promptEn, prompt } = parent.result ?? {};
  const parentPrompt = promptEn ?? prompt ?? flow.prompt;
  const press = { vendorTaskId, customId, imageUrl, prompt: task.modal?.prompt, parentPrompt };
  return {
    kind: "ready",
    customId,
    parentUntil,
    parentId: vendorTaskId,
    call: (context) => handle.provider.press(press, context),
  };
}

/**
 * Handles a parent that has succeeded but has no vendor id. A callback without an id may have arrived before the submit
 * response, which contains the id; the worker then waits. If no response came within the lease time after the end of
 * the parent, its buttons cannot be pressed.
 */
function onParentWithoutId({ clock, timings }: SubmitDeps, parent: Task): RetryLater | CannotSubmit {
  const isResponseOverdue = (parent.endedAt ?? 0) + timings.leaseMs < clock.now();
  return isResponseOverdue ? cannotSubmit(failure("parent_unnamed")) : { kind: "later", afterMs: timings.busyMs };
}

/**
 * P4 for two different texts that only the real buttons show to be the same button. The first press in the plan wins.
 */
function isPressedTwice(task: Task, parent: Task, customId: string, buttons: readonly Button[]): boolean {
  const index = Number(task.path.slice(parent.path.length + 1));
  return (parent.then ?? []).slice(0, Number.isNaN(index) ? 0 : index).some((earlier) => {
    const other = resolvePress(earlier.press, buttons);
    return other.ok && other.button.customId === customId;
  });
}

/**
 * Looks up the buttons of a finished parent, because callbacks of some vendors (Crazyrouter) contain none. Only a report
 * that shows the task as finished and has the field says which buttons there are. A relay may show an older state, an
 * error or nothing.
 *
 * @returns undefined if the vendor did not say it
 */
function lookUpButtons(deps: SubmitDeps, handle: AccountHandle, parent: Task): Promise<readonly Button[] | undefined> {
  // The children of one parent are often submitted at the same moment. They share one look-up.
  const ofStore = buttonLookups.get(deps.store) ?? new Map<string, Promise<readonly Button[] | undefined>>();
  buttonLookups.set(deps.store, ofStore);
  const key = `${parent.flowId} ${parent.path}`;
  const pending = ofStore.get(key) ?? requestButtons(deps, handle, parent).finally(() => ofStore.delete(key));
  ofStore.set(key, pending);
  return pending;
}

/** The look-ups for buttons that are under way in this process. */
const buttonLookups = new WeakMap<object, Map<string, Promise<readonly Button[] | undefined>>>();

async function requestButtons(
  deps: SubmitDeps,
  handle: AccountHandle,
  parent: Task,
): Promise<readonly Button[] | undefined> {
  const vendorTaskId = parent.vendorTaskId!;
  deps.log.count("Lookups");
  const result = await handle.provider
    .lookup([vendorTaskId], handle.config)
    .catch((error: unknown) => deps.log.warn("submit.buttons-unread", { flow: parent.flowId, error: String(error) }));
  const report = result?.reports.find((each) => each.vendorTaskId === vendorTaskId && each.status === "SUCCESS");
  if (report?.result.buttons === undefined) return undefined;
  // The report is stored for the other children of this parent, with all that the callback left out.
  const attempt = parent.endedBy ?? parent.attempt;
  const applied = await applySignal(deps, parent, { kind: "report", attempt, from: "lookup", report });
  await runEffects(deps, applied);
  return report.result.buttons;
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

/**
 * Returns the `state` that the vendor receives: a short text of our own, [A-Za-z0-9_-]. The app's `state` is never sent
 * to a vendor (T5).
 */
export function vendorStateOf(task: TaskRef, attempt: number): string {
  return `${task.flowId.slice("flow_".length)}_${task.path}_${attempt}`;
}

/** The submission and each modal answer of an attempt are calls of their own. */
function idempotencyKeyOf(task: Task): string {
  const state = vendorStateOf(task, task.attempt);
  return task.phase === "modal" ? `${state}_modal-${task.modals}` : state;
}
