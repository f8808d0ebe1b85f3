/**
 * An independent auditor of the credit (E). It observes every write of a credit row and every state of a task, and computes
 * itself what each settlement should have been.
 */
import { type Credit, heldMicro, ledgerImbalanceMicro } from "@mjflow/core/credit";
import type { Store } from "@mjflow/core/port";
import { costMicroUsd } from "@mjflow/core/price";
import type { Task } from "@mjflow/core/task";
import { observeStore } from "./observe.ts";

export interface Ledger {
  observe(store: Store): Store;
  /** Last written credit row of each app. */
  credits: Map<string, Credit>;
}

/** Longest time between the read of a settlement and its write: a few write conflicts of a few calls each. */
const READ_BEFORE_MS = 10_000;

export function createLedger(broken: string[], now: () => number): Ledger {
  const credits = new Map<string, Credit>();
  /** All states of the tasks of each flow, oldest first. */
  const history = new Map<string, { at: number; task: Task }[]>();

  function recordTask(task: Task): void {
    const states = history.get(task.flowId) ?? [];
    states.push({ at: now(), task });
    history.set(task.flowId, states);
  }

  /** Returns the cost of the flow at each moment at which a settlement may have read its tasks. */
  function costsOf(flowId: string): number[] {
    const states = history.get(flowId) ?? [];
    const moments = new Set([now(), ...states.map(({ at }) => at).filter((at) => at >= now() - READ_BEFORE_MS)]);
    return [...moments]
      .flatMap((moment) => [moment, moment - 1])
      .map((moment) => {
        const latest = new Map(states.filter(({ at }) => at <= moment).map(({ task }) => [task.path, task]));
        return costMicroUsd([...latest.values()]);
      });
  }

  function audit(before: Credit | undefined, next: Credit): void {
    const name = `E ${next.appId} rev ${next.rev}`;
    const off = ledgerImbalanceMicro(next);
    if (off !== 0) broken.push(`${name}: ${off} micro-USD are neither settled nor refunded nor held`);
    const amounts = [next.reserved, next.settled, next.refunded, heldMicro(next)];
    if (!amounts.every((micro) => Number.isSafeInteger(micro) && micro >= 0)) {
      broken.push(`${name}: the amounts ${amounts.join(", ")} are not valid`);
    }
    const closedHolds = Object.keys(before?.holds ?? {}).filter((flowId) => !next.holds[flowId]);
    const spent = next.settled - (before?.settled ?? 0);
    // One write can remove several holds: one that was settled, and others whose flows were never written and cost nothing.
    const expected = closedHolds.map((flowId) =>
      costsOf(flowId).map((cost) => Math.max(0, cost - before!.holds[flowId]!.before)),
    );
    const sums = expected.reduce((all, costs) => all.flatMap((sum) => costs.map((cost) => sum + cost)), [0]);
    if (!sums.includes(spent))
      broken.push(`${name}: settled ${spent} for ${closedHolds.join(", ")}, but the cost was ${sums.join(" or ")}`);
  }

  return {
    credits,
    observe: (store) => ({
      ...observeStore(store, { task: recordTask }),
      async saveCredit(credit) {
        const saved = await store.saveCredit(credit);
        if (saved.ok) {
          audit(credits.get(credit.appId), saved.item);
          credits.set(credit.appId, saved.item);
        }
        return saved;
      },
    }),
  };
}
