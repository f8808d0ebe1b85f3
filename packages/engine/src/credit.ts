/**
 * Applies the limits of apps: admits new flows, extends the hold for presses of apps, settles ended flows and adds
 * credit.
 */
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
import { asSettled, costMicroUsd } from "@mjflow/core/price";
import type { Task } from "@mjflow/core/task";
import type { EngineDeps } from "./deps.ts";

type CreditDeps = Pick<EngineDeps, "store" | "clock" | "log">;

/** Limits of the calling app; undefined for an app without limits. */
export interface AppLimits {
  limits: Limits | undefined;
}

/**
 * The start and the end of every flow of an app write to one row. More write conflicts in a row mean that the row is
 * overloaded.
 */
const MAX_CONFLICT_RETRIES = 40;
/**
 * Number of due holds that are checked together with one write. Only holds of crashed processes and of long flows are
 * due.
 */
const HOLDS_CHECKED_PER_WRITE = 5;

// ── reserve ────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Admission {
  /**
   * True if a hold exists for the flow. The caller must store this on the flow, otherwise the hold is never settled.
   */
  held: boolean;
  rate?: RateState;
}

/**
 * Reserves the cost of a flow before the first write of the flow. Nothing is written for an app without limits, or if
 * the flow is not admitted.
 *
 * @throws MjflowError `rate_limited`, `too_many_flows` or `out_of_credit` if a limit is reached; `overloaded`
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
 * Extends the hold of a flow before the child of a press or retry is written. It also sets the due time of the flow: if
 * all processes crash before the child has ended and the hold is settled, the sweeper settles it.
 *
 * @param path path of the child that will be written, or of the task whose late success is adopted
 * @param isAdoption true: the next settlement charges late successes that the previous one did not know
 * @throws MjflowError `out_of_credit`; `overloaded`
 */
export async function extendHold(
  deps: CreditDeps & AppLimits & Pick<EngineDeps, "timings">,
  flow: Flow,
  { path, micro, isAdoption = false }: { path: string; micro: number; isAdoption?: boolean },
): Promise<void> {
  const limits = deps.limits ?? {};
  if (!flow.hasCreditHold && !usesHolds(limits)) return;
  await updateCreditWithRetry(deps, flow.appId, async (credit) => {
    const isHeld = credit.holds[flow.id] !== undefined;
    const tasks = isHeld ? [] : (await deps.store.loadFlow(flow.id)).tasks;
    const spent = costMicroUsd(isAdoption ? tasks.map((task) => asSettled(task, flow.endedAt)) : tasks);
    return reserveForPress(credit, limits, { flowId: flow.id, path, micro, spent }, deps.clock.now());
  });
  await keepFlowDue(deps, flow.id);
}

/** Keeps a flow with a hold in the due index until the hold is settled. */
async function keepFlowDue(
  { store, clock, timings }: CreditDeps & Pick<EngineDeps, "timings">,
  flowId: string,
): Promise<void> {
  for (let retry = 0; retry < MAX_CONFLICT_RETRIES; retry++) {
    const { flow } = await store.load(flowId, []);
    if (!flow) return;
    const reopened = flow.status === "running" ? undefined : true;
    if (flow.hasCreditHold && flow.reopened === reopened && flow.due !== undefined) return;
    const due = flow.due ?? nextFlowDue(flow, [], clock.now(), timings);
    if ((await store.saveFlow({ ...flow, hasCreditHold: true, reopened, due })).ok) return;
  }
  throw new MjflowError("overloaded", { detail: "Other requests changed the flow at the same time." });
}

// ── settle ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Settles the hold after all tasks of the flow have ended: their cost is spent and the rest is refunded. A second call
 * has no effect.
 *
 * @param tasks all tasks of the flow, as they were read
 * @returns false while a press of the app is paid but its child is not written yet; the flow has then not ended
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

/**
 * Refunds orphaned holds of crashed processes (E5), a limited number per call.
 * @returns the row after the change
 */
export async function creditOf(deps: CreditDeps, appId: string): Promise<Credit | undefined> {
  return updateCreditWithRetry(deps, appId, async (credit) => {
    const reconciled = await reconcileHolds(deps, credit);
    return reconciled === credit ? undefined : reconciled;
  });
}

/**
 * @param to returns the new row, or undefined if nothing changes
 * @returns the stored row after the change; undefined if there is none
 */
async function updateCreditWithRetry(
  deps: CreditDeps,
  appId: string,
  to: (credit: Credit) => Credit | undefined | Promise<Credit | undefined>,
): Promise<Credit | undefined> {
  for (let retry = 0; retry < MAX_CONFLICT_RETRIES; retry++) {
    const stored = await deps.store.credit(appId);
    const next = await to(stored ?? newCredit(appId, deps.clock.now()));
    if (!next) return stored;
    const saved = await deps.store.saveCredit(next);
    if (saved.ok) return saved.item;
  }
  throw new MjflowError("overloaded", { detail: "Other requests changed the app's credit at the same time." });
}

/**
 * Refunds holds whose flow was never written (E5), and settles flows that an earlier version without credit has ended.
 * This does not run together with a settlement: if many flows end at the same time, each would check all the others.
 */
async function reconcileHolds(deps: CreditDeps, credit: Credit): Promise<Credit> {
  let reconciled = credit;
  for (const flowId of holdsDueForCheck(credit, deps.clock.now(), HOLDS_CHECKED_PER_WRITE)) {
    const { flow, tasks } = await deps.store.loadFlow(flowId);
    if (!flow) {
      deps.log.warn("credit.dangling", { app: credit.appId, flow: flowId });
      reconciled = releaseOrphanedHold(reconciled, flowId);
      continue;
    }
    const now = deps.clock.now();
    const ended = flow.status !== "running" && flowStatus(tasks) !== "running";
    const settled = ended ? settleHold(reconciled, flowId, tasks, now, dayOf(deps)) : undefined;
    reconciled = settled?.kind === "settled" ? settled.next : markHoldChecked(reconciled, flowId, now);
  }
  return reconciled;
}

function dayOf({ clock }: Pick<EngineDeps, "clock">): string {
  return new Date(clock.now()).toISOString().slice(0, 10);
}

// ── grants ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Adds credit to an app, once per `reference`. The grant's own row is written first (`pending`) and last (`done`).
 * Between these writes the credit row lists the reference in `applying`, so a retry after a crash does not add it
 * twice.
 *
 * @throws MjflowError `idempotency_mismatch` if the reference was used with another amount
 */
export async function addCredit(deps: CreditDeps, appId: string, usd: number, reference: string): Promise<Grant> {
  const requested: Grant = {
    appId,
    reference,
    rev: 0,
    micro: microUsd(usd),
    state: "pending",
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
  await updateCreditWithRetry(deps, appId, async (credit) => {
    // We read the grants after the credit row. If another process removed a reference from `applying` before that read,
    // its grant is `done` and we see it here.
    const [current, ...others] = await Promise.all(
      [reference, ...credit.applying].map((name) => deps.store.grant(appId, name)),
    );
    if (current?.state === "done" || credit.applying.includes(reference)) return undefined;
    const stillPending = others.filter((other) => other?.state === "pending").map((other) => other!.reference);
    return { ...credit, added: credit.added + grant.micro, applying: [...stillPending, reference] };
  });
  const done = await deps.store.saveGrant({ ...grant, state: "done" });
  deps.log.info("app.credit-added", { app: appId, reference, micro: grant.micro });
  return done.ok ? done.item : (done.current ?? grant);
}
