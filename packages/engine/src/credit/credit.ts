/**
 * Applies the limits of apps: admits new flows, holds credit for presses of apps, and adds credit. Each step changes the app's
 * counter first and the flow's row second. `credit-settle.ts` settles ended flows, `credit-repair.ts` repairs what a crash
 * leaves.
 */

import type { App, Limits } from "@mjflow/core/app";
import {
  type AdmissionRequest,
  admission,
  assertAdmissible,
  assertAffordable,
  type CreditChange,
  type CreditCounter,
  counterIdOf,
  counterOfFlow,
  type Grant,
  isLimited,
  limitsOfCounter,
  microUsd,
  oldEntries,
  pressHold,
  type RateState,
  rateStateOf,
  refund,
  renewal,
  usesHolds,
} from "@mjflow/core/credit";
import { holdEntryName, parseEntryValue, pressEntryName } from "@mjflow/core/credit-entry";
import { MjflowError } from "@mjflow/core/error";
import { type Flow, nextFlowDue } from "@mjflow/core/flow";
import { addPress, type FlowCredit, isHeld, NO_FLOW_CREDIT } from "@mjflow/core/flow-credit";
import { asSettled } from "@mjflow/core/price";
import type { Task } from "@mjflow/core/task";
import type { EngineDeps } from "../deps.ts";
import { newShortId } from "../short-id.ts";
import { MANY_WRITERS_OF_FLOW } from "../step/update-flow.ts";
import { updateWithRetry } from "../step/update-with-retry.ts";
import {
  addToCounters,
  assertRoomForEntry,
  assertTimely,
  type CreditDeps,
  changeCredit,
  confirmEntry,
  flowCreditOf,
  lastSeenCounter,
  type OwnEntry,
  preferredCounter,
} from "./credit-counter.ts";
import { repairCredit } from "./credit-repair.ts";

/** Limits of the calling app; undefined for an app without limits. */
export interface AppLimits {
  limits: Limits | undefined;
}

type ReserveDeps = CreditDeps & AppLimits & Pick<EngineDeps, "random">;

/** Number of times that a change of the counter is computed again. The counter must have changed between two of them. */
const MAX_TRIES = 8;
const MAX_CONFLICT_RETRIES = 40;
/** An entry that is older is renewed when another process continues with it. */
const RENEW_AFTER_MS = 60_000;

/** Bytes of the mark that tells an entry of the counter from a later one of the same name. */
const MARK_BYTES = 3;

// ── reserve ────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Admission {
  /** Credit of the flow. The caller stores it in the flow's row. Unset: nothing is held. */
  credit?: FlowCredit;
  rate?: RateState;
  /** The entry of the hold in the counter. Unset: nothing is held, or an earlier try has set the entry. */
  entry?: OwnEntry;
  /** Time of the admission, epoch ms. */
  at: number;
}

/**
 * Reserves the cost of a flow before the first write of the flow. Nothing is written for an app without limits, or if the
 * flow is not admitted.
 *
 * @throws MjflowError `rate_limited`, `too_many_flows` or `out_of_credit` if a limit is reached; `overloaded`
 */
export async function reserveCredit(
  deps: ReserveDeps,
  appId: string,
  flow: { flowId: string; micro: number; resumed: boolean },
): Promise<Admission> {
  const { limits, clock } = deps;
  const nothing = { at: clock.now() };
  if (!limits || !isLimited(limits)) return nothing;
  const { counters = 1 } = limits;
  let refusal: unknown;
  for (const no of await countersToTry(deps, appId, limits, flow)) {
    try {
      return await reserveAt(deps, appId, no, limits, flow);
    } catch (error) {
      const isRefused = error instanceof MjflowError && isLimitRefusal(error);
      if (!isRefused || counters === 1) throw error;
      refusal = withParts(error, counters);
    }
  }
  throw refusal;
}

/** Number of counters that a new flow is tried at. Each refusal costs a write, and a busy app may be refused often. */
const COUNTERS_TRIED = 2;

/**
 * Returns the counters to try. A process prefers one counter, so that few processes set entries in each. An earlier try of the
 * same flow may have set its entry in any counter.
 */
async function countersToTry(
  deps: ReserveDeps,
  appId: string,
  { counters = 1 }: Limits,
  { flowId, resumed }: { flowId: string; resumed: boolean },
): Promise<number[]> {
  if (counters === 1) return [0];
  if (resumed) {
    const all = await Promise.all(
      Array.from({ length: counters }, (_, no) => deps.store.creditCounter(counterIdOf(appId, no))),
    );
    const no = all.findIndex((counter) => counter?.entries[holdEntryName(flowId)] !== undefined);
    if (no >= 0) return [no];
  }
  const preferred = preferredCounter(deps) % counters;
  const other = (preferred + 1 + counterOfFlow(flowId, { counters: counters - 1 })) % counters;
  return [preferred, other].slice(0, COUNTERS_TRIED);
}

function isLimitRefusal({ code }: MjflowError): boolean {
  return code === "rate_limited" || code === "too_many_flows" || code === "out_of_credit" || code === "overloaded";
}

function withParts(error: MjflowError, counters: number): MjflowError {
  const { code, message, retry, extra } = error;
  const detail = `${message} The limits of the app are divided over ${counters} counters.`;
  return new MjflowError(code, { detail, retry, ...(extra && { extra }) });
}

async function reserveAt(
  deps: ReserveDeps,
  appId: string,
  no: number,
  limits: Limits,
  flow: Omit<AdmissionRequest, "mark">,
): Promise<Admission> {
  // Each counter gets another mark: a late copy of a change that the first counter refused is then not taken for the flow's hold.
  const request = { ...flow, mark: newShortId(deps, MARK_BYTES) };
  const counterId = counterIdOf(appId, no);
  const part = limitsOfCounter(limits, no);
  if (usesHolds(limits)) await assertRoomForEntry(deps, counterId, "hold");
  const name = holdEntryName(request.flowId);
  const held = await hold(deps, counterId, name, {
    changeAt: (now) => admission(lastSeenCounter(deps, counterId), part, request, now),
    assertAllowed: (counter, now) => assertAdmissible(counter, part, request, now),
  });
  if (!held) return { at: deps.clock.now() };
  const { counter, value, isNew, sentOnce, at } = held;
  const rate = isNew && !request.resumed ? rateOfApp(rateStateOf(counter, part, at), limits) : undefined;
  if (value === undefined) return { ...(rate && { rate }), at };
  const { micro, mark = "" } = parseEntryValue(value);
  const credit = { ...NO_FLOW_CREDIT, held: micro, runs: 1, mark, ...(no > 0 && { counter: no }) };
  return { credit, ...(rate && { rate }), ...(isNew && { entry: { name, value, sentOnce } }), at };
}

/** The flows that may start now, as far as one of several counters tells it. */
function rateOfApp(rate: RateState | undefined, { counters = 1, flowsPerMinute }: Limits): RateState | undefined {
  if (!rate || counters === 1 || flowsPerMinute === undefined) return rate;
  return { ...rate, quota: flowsPerMinute, remaining: Math.min(flowsPerMinute, rate.remaining * counters) };
}

interface Held {
  /** The counter that has the entry. */
  counter: CreditCounter;
  /** Value of the entry. Unset: the change sets none. */
  value: string | undefined;
  /** False if an earlier try has set the entry. */
  isNew: boolean;
  /** True if no copy of any request of this hold can arrive later. */
  sentOnce: boolean;
  /** Time of the change or of its recognition, epoch ms. */
  at: number;
}

interface Hold {
  /** Returns the change at this time; undefined: there is nothing to hold. */
  changeAt(now: number): CreditChange | undefined;
  /** Throws the limit that has refused the change. If it throws none, the counter has changed and the hold is tried again. */
  assertAllowed(counter: CreditCounter, now: number): void;
}

/**
 * Sets an entry that holds credit, once. A refused change is computed again: the counter must have changed between two tries.
 *
 * @returns undefined: there is nothing to hold
 * @throws MjflowError of `assertAllowed`; `overloaded`
 */
async function hold(deps: CreditDeps, counterId: string, name: string, wanted: Hold): Promise<Held | undefined> {
  let isRepaired = false;
  // A copy of a refused try could be applied when the entry of a later try is gone.
  let sentOnce = true;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const at = deps.clock.now();
    const change = wanted.changeAt(at);
    if (!change) return undefined;
    const result = await changeCredit(deps, counterId, change);
    sentOnce &&= result.sentOnce;
    if (result.ok) return { counter: result.counter, value: change.enter?.[name], isNew: true, sentOnce, at };
    const { current: counter } = result;
    const value = counter.entries[name];
    if (value !== undefined) {
      if (!(await continueWith(deps, counterId, name, value))) continue;
      return { counter, value, isNew: false, sentOnce: false, at };
    }
    // Holds of crashed processes may be the reason for the refusal.
    if (!isRepaired && oldEntries(counter, at).old.length > 0) {
      isRepaired = true;
      await repairCredit(deps, counterId);
      continue;
    }
    try {
      wanted.assertAllowed(counter, at);
    } catch (error) {
      deps.log.count("CreditRefused");
      throw error;
    }
  }
  throw new MjflowError("overloaded", { detail: "Other requests changed the app's credit at the same time." });
}

/**
 * An earlier try made the change, but its response was lost or its process crashed.
 * @returns false if the entry was removed meanwhile; then the change must be made again
 */
async function continueWith(deps: CreditDeps, counterId: string, name: string, entry: string): Promise<boolean> {
  deps.log.count("CreditRecognized");
  const now = deps.clock.now();
  if (now - parseEntryValue(entry).at < RENEW_AFTER_MS) return true;
  return (await changeCredit(deps, counterId, renewal(name, entry, now))).ok;
}

/** Records that the flow's row has the admission, so that its entry can be removed. */
export async function confirmAdmission(deps: CreditDeps, appId: string, { entry, credit }: Admission): Promise<void> {
  if (entry) await confirmEntry(deps, counterIdOf(appId, credit?.counter), entry, "hold");
}

/** The flow exists already, created by another request with the same id. Gives back a hold that is not the flow's. */
export async function undoAdmission(deps: CreditDeps, { appId, id, credit }: Flow): Promise<void> {
  if (!credit) return;
  const { flow } = await deps.store.load(id, []);
  if (flow?.credit?.mark === credit.mark) return;
  await giveBack(deps, counterIdOf(appId, credit.counter), holdEntryName(id), credit.mark);
}

async function giveBack(deps: CreditDeps, counterId: string, name: string, mark: string | undefined): Promise<void> {
  const entry = (await deps.store.creditCounter(counterId))?.entries[name];
  if (entry === undefined || parseEntryValue(entry).mark !== mark) return;
  await changeCredit(deps, counterId, refund(name, entry, deps.clock.now()));
}

/**
 * Extends the hold of a flow before the child of a press or retry is written. It also sets the due time of the flow: if all
 * processes crash before the child has ended and the hold is settled, the sweeper settles it.
 *
 * @param path path of the child that will be written, or of the task whose late success is adopted
 * @param isAdoption true: the next settlement charges late successes that the previous one did not know
 * @throws MjflowError `out_of_credit`; `too_many_presses`; `overloaded`
 */
export async function extendHold(
  deps: ReserveDeps & Pick<EngineDeps, "timings">,
  flow: Flow,
  { path, micro, isAdoption = false }: { path: string; micro: number; isAdoption?: boolean },
): Promise<void> {
  const limits = deps.limits ?? {};
  if (!flow.hasCreditHold && !usesHolds(limits)) return;
  const { flow: stored } = await deps.store.load(flow.id, []);
  if (!stored) return;
  // A press that began before the deletion would hold credit that no end of the flow settles.
  if (stored.deletedAt !== undefined) throw new MjflowError("not_found");
  const credit = await flowCreditOf(deps, stored);
  if (credit.awaits[path] === undefined) {
    const counter = stored.credit ? stored.credit.counter : counterOfFlow(flow.id, limits);
    const counterId = counterIdOf(flow.appId, counter);
    // The vendor has charged a late success already, so its hold is never refused.
    if (!isAdoption) await assertRoomForEntry(deps, counterId, "press");
    const wanted = { path, micro, runs: !isHeld(credit), counter: counter ?? 0 };
    const press = await holdPress(deps, limits, stored, wanted);
    if (!(await recordPress(deps, flow.id, press, isAdoption))) await giveBack(deps, counterId, press.name, press.mark);
  } else await recordPress(deps, flow.id, undefined);
}

interface HeldPress {
  name: string;
  path: string;
  micro: number;
  mark: string;
  runs: boolean;
  /** Number of the counter that has the hold. */
  counter: number;
  at: number;
}

async function holdPress(
  deps: ReserveDeps,
  limits: Limits,
  { id: flowId, appId }: Flow,
  wanted: { path: string; micro: number; runs: boolean; counter: number },
): Promise<HeldPress> {
  const { counter } = wanted;
  const part = limitsOfCounter(limits, counter);
  const press = { ...wanted, mark: newShortId(deps, MARK_BYTES) };
  const name = pressEntryName(flowId, press.path);
  const held = await hold(deps, counterIdOf(appId, counter), name, {
    changeAt: (now) => pressHold(part, { flowId, ...press }, now),
    assertAllowed: (current) => assertAffordable(current, part, press.micro),
  });
  const { value, at } = held!;
  const { micro, mark = "", runs = false } = parseEntryValue(value!);
  return { name, path: press.path, micro, mark, runs, counter, at };
}

/**
 * Records the hold of a press in the flow's row and keeps the flow in the due index until the hold is settled.
 *
 * @param press unset: the row has the press already
 * @returns false if the hold is not needed: the flow is gone, or another request has recorded the same press
 */
async function recordPress(
  deps: CreditDeps & Pick<EngineDeps, "timings">,
  flowId: string,
  press: HeldPress | undefined,
  isAdoption = false,
): Promise<boolean> {
  const { store, clock, timings } = deps;
  let isNeeded = false;
  await updateWithRetry({
    read: () => store.loadFlow(flowId),
    async to({ flow, tasks }): Promise<Flow | undefined> {
      isNeeded = false;
      if (!flow) return undefined;
      const credit = await flowCreditOf(deps, flow);
      const awaited = press && credit.awaits[press.path];
      if (awaited && awaited.mark !== press.mark) return undefined;
      isNeeded = true;
      const isSettled = press && credit.past?.[press.path]?.mark === press.mark;
      const isNew = press !== undefined && awaited === undefined && !isSettled;
      if (isNew) assertTimely(deps, press.at);
      const reopened = flow.status === "running" ? undefined : (true as const);
      if (!isNew && flow.hasCreditHold && flow.reopened === reopened && flow.due !== undefined) return undefined;
      const due = flow.due ?? nextFlowDue(flow, [], clock.now(), timings);
      const asKnown = (task: Task) => asSettled(task, flow.endedAt);
      const { counter = 0 } = press ?? {};
      const chosen = flow.credit || counter === 0 ? credit : { ...credit, counter };
      const next = isNew ? addPress(chosen, press, isAdoption ? tasks.map(asKnown) : tasks) : credit;
      return { ...flow, hasCreditHold: true, credit: next, reopened, due };
    },
    save: (flow) => store.saveFlow(flow),
    ...MANY_WRITERS_OF_FLOW,
    maxRetries: MAX_CONFLICT_RETRIES,
  });
  return isNeeded;
}

// ── grants ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Adds credit to an app, once per `reference`. The grant's own row is written first (`pending`) and last (`done`). In
 * between the counter has an entry of the grant, so a retry after a crash does not add it twice.
 *
 * @throws MjflowError `idempotency_mismatch` if the reference was used with another amount
 */
export async function addCredit(
  deps: CreditDeps,
  { id: appId, limits }: Pick<App, "id" | "limits">,
  usd: number,
  reference: string,
): Promise<Grant> {
  const { counters } = limits ?? {};
  const requested: Grant = {
    appId,
    reference,
    rev: 0,
    micro: microUsd(usd),
    state: "pending",
    ...(counters !== undefined && { counters }),
    createdAt: deps.clock.now(),
  };
  const saved = await deps.store.saveGrant(requested);
  const grant = saved.ok ? saved.item : saved.current;
  if (!grant) throw new MjflowError("overloaded");
  if (grant.micro !== requested.micro) {
    throw new MjflowError("idempotency_mismatch", {
      field: "reference",
      detail: "The reference was used with another amount.",
    });
  }
  if (grant.state === "done") return grant;
  // Another request for the same reference may be at this point too. So only the sweeper removes the entries.
  assertTimely(deps, requested.createdAt);
  await addToCounters(deps, grant);
  const done = await deps.store.saveGrant({ ...grant, state: "done" });
  deps.log.info("app.credit-added", { app: appId, reference, micro: grant.micro });
  return done.ok ? done.item : (done.current ?? grant);
}
