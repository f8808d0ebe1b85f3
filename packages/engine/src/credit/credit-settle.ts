/** Settles the credit of ended flows. The amount is fixed in the flow's row, then the counter gets it, then the flow ends. */

import { counterIdOf, settlementChange } from "@mjflow/core/credit";
import { settlementEntryName } from "@mjflow/core/credit-entry";
import type { Flow } from "@mjflow/core/flow";
import {
  awaitsPress,
  type FlowCredit,
  finishSettlement,
  needsSettlement,
  SETTLING_LEASE_MS,
  startSettlement,
  takeOverSettlement,
} from "@mjflow/core/flow-credit";
import type { Task } from "@mjflow/core/task";
import { dateOf } from "../date.ts";
import {
  assertTimely,
  type CreditDeps,
  changeCredit,
  confirmEntry,
  finishedSettlements,
  flowCreditOf,
  isInCounter,
  type OwnEntry,
} from "./credit-counter.ts";

/** A settlement that the counter has and that a write of the flow's row must finish. */
export interface OpenSettlement {
  no: number;
  /** Time of the right to settle; it tells the owner from a process that took over. */
  at: number;
  entry: OwnEntry;
}

export interface Settled {
  /** The flow with its finished credit, at the revision that was read. The caller writes it and calls `confirmSettlement`. */
  flow: Flow;
  /** Unset: nothing was held. */
  open?: OpenSettlement;
}

/**
 * Settles the hold after all tasks of the flow have ended: their cost is spent and the rest is refunded.
 *
 * @param tasks all tasks of the flow, as they were read together with the flow
 * @param own a settlement of the caller whose last write lost a write conflict
 * @returns `wait`: the flow cannot end now, because a press is paid but its child is not written yet, or another process
 *   settles. `conflict`: another process has changed the flow, or a press came meanwhile and needs a settlement of its own
 */
export async function settleCredit(
  deps: CreditDeps,
  flow: Flow,
  tasks: readonly Task[],
  own?: OpenSettlement,
): Promise<Settled | "wait" | "conflict"> {
  const credit = await flowCreditOf(deps, flow);
  const { settling } = credit;
  const isOwn = settling && isSame(credit, own);
  if (!settling && !needsSettlement(credit)) return { flow };
  const now = deps.clock.now();
  const mustWait = settling ? !isOwn && now < settling.at + SETTLING_LEASE_MS : awaitsPress(credit, tasks, now);
  if (mustWait) return "wait";
  let [open, fixed, current] = [own!, credit, flow];
  if (!isOwn) {
    fixed = settling ? takeOverSettlement(credit, now) : startSettlement(credit, tasks, now);
    // An ended flow has no due time. If this process crashes, the sweeper must find the settlement.
    const due = flow.due ?? now + SETTLING_LEASE_MS;
    const saved = await deps.store.saveFlow({ ...flow, credit: fixed, due });
    if (!saved.ok) return "conflict";
    current = saved.item;
    open = await applySettlement(deps, current);
  }
  const credited = { ...finishSettlement(fixed), ...(open.entry.sentOnce && { settledOnce: open.no }) };
  const settled = { flow: { ...current, credit: credited }, open };
  if (!needsSettlement(credited)) return settled;
  // A press was held after the amount had been fixed. It gets a settlement of its own, from tasks that are read after it.
  if ((await deps.store.saveFlow(settled.flow)).ok) await confirmSettlement(deps, settled);
  return "conflict";
}

/** Finishes a settlement of the caller in a flow that runs again. If it fails, the repair of the counter finishes it. */
export async function finishInRunningFlow(deps: CreditDeps, flow: Flow, own: OpenSettlement): Promise<void> {
  if (!flow.credit || !isSame(flow.credit, own)) return;
  const settled = { flow: { ...flow, credit: finishSettlement(flow.credit) }, open: own };
  if ((await deps.store.saveFlow(settled.flow)).ok) await confirmSettlement(deps, settled);
}

function isSame({ settling, settlements }: FlowCredit, own: OpenSettlement | undefined): boolean {
  return own !== undefined && settlements === own.no && settling?.at === own.at;
}

/** Applies the fixed settlement of a flow to the counter, once. */
async function applySettlement(deps: CreditDeps, { id: flowId, appId, credit }: Flow): Promise<OpenSettlement> {
  const { settling, settlements: no, mark, counter } = credit!;
  const counterId = counterIdOf(appId, counter);
  const now = deps.clock.now();
  assertTimely(deps, settling!.at);
  const name = settlementEntryName(flowId, no);
  const isFirst = no === 0 && mark !== undefined;
  const change = settlementChange({ flowId, no, settling: settling!, isFirst }, dateOf(now), now);
  const own = { name, value: change.enter![name]! };
  if (settling!.shared && (await isInCounter(deps, counterId, name))) {
    deps.log.count("CreditRecognized");
    return { no, at: settling!.at, entry: { ...own, sentOnce: false } };
  }
  const leave = [...(change.leave ?? []), ...(await finishedSettlements(deps, counterId, flowId))];
  const result = await changeCredit(deps, counterId, { ...change, leave });
  if (!result.ok) deps.log.count("CreditRecognized");
  // The entry of a shared settlement stays for the process that may still be applying it.
  const sentOnce = result.ok && result.sentOnce && !settling!.shared;
  return { no, at: settling!.at, entry: { ...own, sentOnce } };
}

/** Records that the flow's row has the settlement, so that its entry can be removed. */
export async function confirmSettlement(deps: CreditDeps, { flow, open }: Settled): Promise<void> {
  if (open) await confirmEntry(deps, counterIdOf(flow.appId, flow.credit?.counter), open.entry, "settlement");
}
