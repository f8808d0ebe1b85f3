/** Limits of an app at work: new flows let in, presses by hand paid for, ended flows settled, money put in. */
import type { Limits } from "@mjflow/core/app";
import {
  type Credit,
  type Grant,
  holdsDueForCheck,
  isLimited,
  markHoldChecked,
  microUsd,
  newCredit,
  type RateState,
  releaseOrphanedHold,
  reserveForFlow,
  reserveForPress,
  settleHold,
  usesHolds,
} from "@mjflow/core/credit";
import { MjflowError } from "@mjflow/core/error";
import { type Flow, flowStatus, nextFlowDue } from "@mjflow/core/flow";
import { costMicroUsd } from "@mjflow/core/price";
import type { Task } from "@mjflow/core/task";
import type { EngineDeps } from "./deps.ts";

type CreditDeps = Pick<EngineDeps, "store" | "clock" | "log">;

/** What the app that asks may do; undefined for one without limits. */
export interface AppLimits {
  limits: Limits | undefined;
}

/** All of an app's flows begin and end in one row; more lost races than this in a row mean that it is too busy for it. */
const MAX_CONFLICT_RETRIES = 40;
/** Holds looked at beside a write: those of processes that died are few. */
const HOLDS_CHECKED_PER_WRITE = 5;

// ── letting in ─────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Admission {
  /** Its cost is held: to be written on the flow, or nobody would settle it. */
  held: boolean;
  rate?: RateState;
}

/**
 * Before a flow's first write. Nothing is written for an app without limits, nor for one that is not let in.
 *
 * @throws MjflowError rate_limited, too_many_flows, out_of_credit; overloaded
 */
export async function reserveCredit(
  deps: CreditDeps & AppLimits,
  appId: string,
  flow: { flowId: string; micro: number; resumed: boolean },
): Promise<Admission> {
  const { limits } = deps;
  if (!limits || !isLimited(limits)) return { held: false };
  let rate: RateState | undefined;
  await updateCreditWithRetry(deps, appId, async (credit) => {
    const { next, rate: counted } = reserveForFlow(await reconcileHolds(deps, credit), limits, flow, deps.clock.now());
    rate = counted;
    return next;
  });
  return { held: usesHolds(limits), ...(rate && { rate }) };
}

/**
 * Before a press by hand is written. The flow's due time is set with it: should all go down before the press has ended and
 * been settled, the sweeper comes.
 *
 * @param path of the task to be written
 * @throws MjflowError out_of_credit; overloaded
 */
export async function extendHold(
  deps: CreditDeps & AppLimits & Pick<EngineDeps, "timings">,
  flow: Flow,
  { path, micro }: { path: string; micro: number },
): Promise<void> {
  const limits = deps.limits ?? {};
  if (!flow.hasCreditHold && !usesHolds(limits)) return;
  await updateCreditWithRetry(deps, flow.appId, async (credit) => {
    const isHeld = credit.holds[flow.id] !== undefined;
    const spent = isHeld ? 0 : costMicroUsd((await deps.store.loadFlow(flow.id)).tasks);
    return reserveForPress(credit, limits, { flowId: flow.id, path, micro, spent }, deps.clock.now());
  });
  await keepFlowDue(deps, flow.id);
}

/** A flow that holds something is looked at until that is settled. */
async function keepFlowDue(
  { store, clock, timings }: CreditDeps & Pick<EngineDeps, "timings">,
  flowId: string,
): Promise<void> {
  for (let race = 0; race < MAX_CONFLICT_RETRIES; race++) {
    const { flow } = await store.load(flowId, []);
    if (!flow) return;
    const reopened = flow.status === "running" ? undefined : true;
    if (flow.hasCreditHold && flow.reopened === reopened && flow.due !== undefined) return;
    const due = flow.due ?? nextFlowDue(flow, [], clock.now(), timings);
    if ((await store.saveFlow({ ...flow, hasCreditHold: true, reopened, due })).ok) return;
  }
  throw new MjflowError("overloaded", { detail: "Too many writers on one flow." });
}

// ── letting go ─────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * All tasks of the flow have ended, as they were read: what it cost is spent, the rest is given back. Done twice it is
 * done once.
 *
 * @returns false while a press by hand is paid for and not written: the flow has not ended
 */
export async function settleCredit(deps: CreditDeps, flow: Flow, tasks: readonly Task[]): Promise<boolean> {
  let awaits = false;
  await updateCreditWithRetry(deps, flow.appId, (credit) => {
    const settled = settleHold(credit, flow.id, tasks, deps.clock.now(), dayOf(deps));
    awaits = settled.kind === "awaits";
    return settled.kind === "settled" ? settled.next : undefined;
  });
  return !awaits;
}

/** Gives back what dead processes hold (E5), as far as one call goes. @returns the row as it then is */
export async function creditOf(deps: CreditDeps, appId: string): Promise<Credit | undefined> {
  return updateCreditWithRetry(deps, appId, async (credit) => {
    const tended = await reconcileHolds(deps, credit);
    return tended === credit ? undefined : tended;
  });
}

/** @param to undefined: nothing is to be changed. @returns the row as it then is; undefined where there is none */
async function updateCreditWithRetry(
  deps: CreditDeps,
  appId: string,
  to: (credit: Credit) => Credit | undefined | Promise<Credit | undefined>,
): Promise<Credit | undefined> {
  for (let race = 0; race < MAX_CONFLICT_RETRIES; race++) {
    const stored = await deps.store.credit(appId);
    const next = await to(stored ?? newCredit(appId, deps.clock.now()));
    if (!next) return stored;
    const saved = await deps.store.saveCredit(next);
    if (saved.ok) return saved.item;
  }
  throw new MjflowError("overloaded", { detail: "Too many flows of one app begin and end at once." });
}

/**
 * E5; and what code without credit ended is settled. Not beside a settlement: many flows that end at once would each look
 * at all the others before any of them is settled.
 */
async function reconcileHolds(deps: CreditDeps, credit: Credit): Promise<Credit> {
  let tended = credit;
  for (const flowId of holdsDueForCheck(credit, deps.clock.now(), HOLDS_CHECKED_PER_WRITE)) {
    const { flow, tasks } = await deps.store.loadFlow(flowId);
    if (!flow) {
      deps.log.warn("credit.dangling", { app: credit.appId, flow: flowId });
      tended = releaseOrphanedHold(tended, flowId);
      continue;
    }
    const now = deps.clock.now();
    const ended = flow.status !== "running" && flowStatus(tasks) !== "running";
    const settled = ended ? settleHold(tended, flowId, tasks, now, dayOf(deps)) : undefined;
    tended = settled?.kind === "settled" ? settled.next : markHoldChecked(tended, flowId, now);
  }
  return tended;
}

function dayOf({ clock }: Pick<EngineDeps, "clock">): string {
  return new Date(clock.now()).toISOString().slice(0, 10);
}

// ── putting in ─────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Adds to what an app may spend, once for each reference. The grant's own row comes first and last; between, the credit's
 * row remembers which it has taken in, until the grant says so itself.
 *
 * @throws MjflowError idempotency_mismatch for a reference of another amount
 */
export async function addCredit(deps: CreditDeps, appId: string, usd: number, reference: string): Promise<Grant> {
  const fresh: Grant = {
    appId,
    reference,
    rev: 0,
    micro: microUsd(usd),
    state: "pending",
    createdAt: deps.clock.now(),
  };
  const saved = await deps.store.saveGrant(fresh);
  const grant = saved.ok ? saved.item : saved.current;
  if (!grant) throw new MjflowError("overloaded");
  if (grant.micro !== fresh.micro) {
    throw new MjflowError("idempotency_mismatch", { field: "reference", detail: "The reference is another amount's." });
  }
  if (grant.state === "done") return grant;
  await updateCreditWithRetry(deps, appId, async (credit) => {
    // Read after the credit's row: whatever was taken out of `applying` before that reading says that it is done.
    const [current, ...others] = await Promise.all(
      [reference, ...credit.applying].map((name) => deps.store.grant(appId, name)),
    );
    if (current?.state === "done" || credit.applying.includes(reference)) return undefined;
    const open = others.filter((other) => other?.state === "pending").map((other) => other!.reference);
    return { ...credit, added: credit.added + grant.micro, applying: [...open, reference] };
  });
  const done = await deps.store.saveGrant({ ...grant, state: "done" });
  deps.log.info("app.credit-added", { app: appId, reference, micro: grant.micro });
  return done.ok ? done.item : (done.current ?? grant);
}
