/**
 * An auditor beside the table (E): sees every write of credit, knows every state a task has been in, and adds up for
 * itself what each settlement should have been.
 */
import { type Credit, heldMicro, ledgerImbalanceMicro } from "@mjflow/core/credit";
import type { Store } from "@mjflow/core/port";
import { costMicroUsd } from "@mjflow/core/price";
import type { Task } from "@mjflow/core/task";
import { observePort } from "./observe.ts";

export interface Ledger {
  observe(store: Store): Store;
  /** As last written, by app. */
  credits: Map<string, Credit>;
}

/** Between a settlement's reading of its tasks and its write lie lost races, each a few calls long. */
const READ_BEFORE_MS = 10_000;

export function createLedger(broken: string[], now: () => number): Ledger {
  const credits = new Map<string, Credit>();
  /** By flow, each state of each task, oldest first. */
  const history = new Map<string, { at: number; task: Task }[]>();

  function recordTask(task: Task): void {
    const states = history.get(task.flowId) ?? [];
    states.push({ at: now(), task });
    history.set(task.flowId, states);
  }

  /** What the flow had cost as of any moment at which a settlement can have read it. */
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
    if (off !== 0) broken.push(`${name}: ${off} micro-USD are neither settled, refunded nor held`);
    const amounts = [next.reserved, next.settled, next.refunded, heldMicro(next)];
    if (!amounts.every((micro) => Number.isSafeInteger(micro) && micro >= 0)) {
      broken.push(`${name}: ${amounts.join(", ")} are no amounts`);
    }
    const gone = Object.keys(before?.holds ?? {}).filter((flowId) => !next.holds[flowId]);
    const spent = next.settled - (before?.settled ?? 0);
    // Several at once: one that was settled, and others whose flows were never written and cost nothing.
    const expected = gone.map((flowId) =>
      costsOf(flowId).map((cost) => Math.max(0, cost - before!.holds[flowId]!.before)),
    );
    const sums = expected.reduce((all, costs) => all.flatMap((sum) => costs.map((cost) => sum + cost)), [0]);
    if (!sums.includes(spent))
      broken.push(`${name}: ${spent} settled for ${gone.join(", ")}, which cost ${sums.join(" or ")}`);
  }

  return {
    credits,
    observe: (store) => ({
      ...observePort(store, { task: recordTask }),
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
