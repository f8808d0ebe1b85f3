/**
 * An independent auditor of the credit (E). It observes every write of a counter, of a flow and of a task. From them it
 * computes itself what must be held, what each settlement should have been, and that nothing is counted twice.
 */
import type { Limits } from "@mjflow/core/app";
import {
  type CreditChange,
  type CreditCounter,
  counterIdOf,
  heldMicro,
  limitsOfCounter,
  parseCounterId,
} from "@mjflow/core/credit";
import { parseEntryName, parseEntryValue } from "@mjflow/core/credit-entry";
import type { Flow } from "@mjflow/core/flow";
import type { Store } from "@mjflow/core/port";
import { costMicroUsd } from "@mjflow/core/price";
import type { Task } from "@mjflow/core/task";
import { observeStore } from "./observe.ts";

/** Sums of an app's counter, and everything that was ever reserved, micro-USD. */
export interface AppCredit {
  appId: string;
  counter: CreditCounter;
  reserved: number;
}

export interface Ledger {
  observe(store: Store): Store;
  credits: Map<string, AppCredit>;
}

/** Longest time between the read of a settlement and its write: a few write conflicts of a few calls each. */
const READ_BEFORE_MS = 10_000;

/** Longest time between the start of a process, which reads the limits, and its change of the counter. */
const LIMITS_AGE_MS = 120_000;
const MINUTE_MS = 60_000;

/** @param skewMs by how much the clocks of processes may differ */
export function createLedger(
  broken: string[],
  now: () => number,
  limitsAt: (at: number) => Limits | undefined,
  skewMs = 0,
): Ledger {
  /** Times of the changes that admitted new flows under a rate limit, by their own clocks, by app. */
  const admitted = new Map<string, number[]>();
  const credits = new Map<string, AppCredit>();
  /** All states of the tasks of each flow, oldest first. */
  const history = new Map<string, { at: number; task: Task }[]>();
  const flows = new Map<string, Flow>();
  /** Settlements that were applied, by flow and number. */
  const settled = new Set<string>();

  function recordTask(task: Task): void {
    const states = history.get(task.flowId) ?? [];
    states.push({ at: now(), task });
    history.set(task.flowId, states);
  }

  /** Returns the cost of the flow at each moment at which a settlement may have read its tasks before it was fixed. */
  function costsOf(flowId: string, fixedAt: number): number[] {
    const states = history.get(flowId) ?? [];
    const times = states.map(({ at }) => at).filter((at) => at >= fixedAt - READ_BEFORE_MS && at <= fixedAt);
    return [...new Set([fixedAt, ...times])]
      .flatMap((moment) => [moment, moment - 1])
      .map((moment) => {
        const latest = new Map(states.filter(({ at }) => at <= moment).map(({ task }) => [task.path, task]));
        return costMicroUsd([...latest.values()]);
      });
  }

  /** Returns what must be held and how many flows must run: what flows have, and what no flow has yet. */
  function expectedOf({ appId: counterId, entries }: CreditCounter): { held: number; running: number } {
    let [held, running] = [0, 0];
    for (const flow of flows.values()) {
      const { credit } = flow;
      if (!credit || counterIdOf(flow.appId, credit.counter) !== counterId) continue;
      held += credit.held;
      running += credit.runs;
      // The counter has the settlement already, and the row of the flow does not.
      const isApplied = credit.settling && settled.has(`${flow.id} ${credit.settlements}`);
      if (isApplied) {
        held -= credit.settling!.held;
        running -= credit.settling!.runs;
      }
    }
    for (const [name, value] of Object.entries(entries)) {
      const ref = parseEntryName(name);
      const { micro, mark, runs } = parseEntryValue(value);
      if (ref?.kind === "hold" && flows.get(ref.flowId)?.credit?.mark !== mark) {
        held += micro;
        running += 1;
      }
      const own = ref?.kind === "press" ? flows.get(ref.flowId)?.credit : undefined;
      const isCopy =
        ref?.kind === "press" &&
        own?.settling?.paths.includes(ref.path) &&
        settled.has(`${ref.flowId} ${own.settlements}`);
      if (ref?.kind === "press" && (isCopy || own?.awaits[ref.path]?.mark !== mark)) {
        held += micro;
        running += runs ? 1 : 0;
      }
    }
    return { held, running };
  }

  /** The task is there already: its vendor has charged a late success, so no limit refuses it. */
  function isAdoption(entry: string): boolean {
    const ref = parseEntryName(entry);
    return ref?.kind === "press" && (history.get(ref.flowId) ?? []).some(({ task }) => task.path === ref.path);
  }

  /**
   * K6, K11: no hold exceeds a limit, and new flows come no faster than the quota. A process whose clock is behind may have read
   * newer limits.
   */
  function checkLimits(name: string, next: CreditCounter, { enter = {}, add = {}, fullAtUs, at }: CreditChange): void {
    const entered = Object.keys(enter);
    const { no } = parseCounterId(next.appId);
    const limits = [at + skewMs, at, at - LIMITS_AGE_MS].map((time) => limitsOfCounter(limitsAt(time) ?? {}, no));
    const most = (key: keyof Limits) => Math.max(...limits.map((each) => each[key] ?? Infinity));
    const isHold = entered.some((entry) => /^[hx]/.test(entry) && !isAdoption(entry)) && (add.used ?? 0) > 0;
    if (isHold && next.used > most("creditsUsd") * 1e6)
      broken.push(`${name}: a hold of ${add.used} uses ${next.used} of a limit of ${most("creditsUsd")} USD`);
    const isNew = entered.some((entry) => entry.startsWith("h")) && (add.running ?? 0) > 0;
    if (isNew && next.running > most("runningFlows"))
      broken.push(`${name}: ${next.running} flows run, above the limit of ${most("runningFlows")}`);
    if (!isNew || !fullAtUs) return;
    const times = [...(admitted.get(next.appId) ?? []), at];
    admitted.set(next.appId, times);
    const last = times.filter((time) => time > at - MINUTE_MS && time <= at).length;
    if (last > most("flowsPerMinute") * (2 + skewMs / MINUTE_MS))
      broken.push(`${name}: ${last} new flows in a minute, at a quota of ${most("flowsPerMinute")}`);
  }

  function audit(before: AppCredit | undefined, next: CreditCounter, change: CreditChange): number {
    const name = `E ${next.appId} rev ${next.rev}`;
    const add = change.add ?? {};
    const amounts = [next.settled, next.refunded, heldMicro(next), next.running];
    if (!amounts.every((micro) => Number.isSafeInteger(micro) && micro >= 0)) {
      broken.push(`${name}: the amounts ${amounts.join(", ")} are not valid`);
    }
    checkLimits(name, next, change);
    for (const entry of Object.keys(change.enter ?? {})) {
      const ref = parseEntryName(entry);
      if (ref?.kind !== "settlement") continue;
      const key = `${ref.flowId} ${ref.no}`;
      if (settled.has(key)) broken.push(`${name}: settlement ${key} was applied twice`);
      settled.add(key);
      const { credit } = flows.get(ref.flowId) ?? {};
      if (!credit?.settling || credit.settlements !== ref.no) {
        broken.push(`${name}: settlement ${key} is not in the row of its flow`);
        continue;
      }
      const { settling } = credit;
      if (add.settled !== settling.micro || next.settled !== (before?.counter.settled ?? 0) + settling.micro)
        broken.push(`${name}: settled ${add.settled} for ${key}, but the row says ${settling.micro}`);
    }
    const { held, running } = expectedOf(next);
    if (heldMicro(next) !== held) broken.push(`${name}: holds ${heldMicro(next)}, but flows and entries hold ${held}`);
    if (next.running !== running)
      broken.push(`${name}: ${next.running} flows run, but flows and entries say ${running}`);
    // A settlement above its hold reserves the excess too.
    const reserved = (before?.reserved ?? 0) + Math.max(0, add.used ?? 0);
    if (reserved !== next.settled + next.refunded + heldMicro(next))
      broken.push(
        `${name}: reserved ${reserved}, but settled ${next.settled}, refunded ${next.refunded}, held ${heldMicro(next)}`,
      );
    return reserved;
  }

  /** Checks the amount when it is fixed: it is the cost of the tasks minus what was settled before. */
  function recordFlow(flow: Flow): void {
    const before = flows.get(flow.id)?.credit;
    flows.set(flow.id, flow);
    const { settling, before: charged } = flow.credit ?? {};
    if (!settling || before?.settling) return;
    const costs = costsOf(flow.id, now()).map((cost) => Math.max(0, cost - charged!));
    if (!costs.includes(settling.micro))
      broken.push(`E ${flow.id}: ${settling.micro} is to be settled, but the cost was ${costs.join(" or ")}`);
  }

  return {
    credits,
    observe: (store) => ({
      ...observeStore(store, { task: recordTask, flow: recordFlow }),
      async changeCredit(appId, change) {
        const result = await store.changeCredit(appId, change);
        if (result.ok) {
          const { counter } = result;
          const before = credits.get(appId);
          credits.set(appId, { appId, counter, reserved: audit(before, counter, change) });
        }
        return result;
      },
    }),
  };
}
