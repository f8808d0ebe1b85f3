/** The same counters for every system, taken from the vendor's ledger if possible. */
import type { PlanInput } from "@mjflow/core/request";
import { checkInvariants } from "../sim/invariant.ts";
import type { SimulationRun } from "../sim/simulation.ts";
import type { Vendor, VendorTask } from "../sim/vendor.ts";
import type { Outcome, Row } from "./environment.ts";

export interface Counters {
  flows: number;
  /** Images paid although an accepted callback had already shown that the vendor had a task of the same press. */
  paidAgainKnown: number;
  /** Images paid although the vendor had a task of the same press, but no accepted callback had shown it yet. */
  paidAgainUnknown: number;
  /** Accepted flows with a task that has not ended and never will. */
  unfinished: number;
  /** Presses that the vendor finished and charged, but that the app sees as failed, open or not at all. */
  paidUnseen: number;
  forgedAccepted: number;
  requests: number;
  images: number;
  /** Times from the end of a task at the vendor until the vendor accepts its follow-up, ms. */
  delays: number[];
}

export function countOurs(run: SimulationRun): Counters {
  const { counts } = checkInvariants(run);
  const seen = new Set<string>();
  for (const { flow, tasks } of run.flows.values()) {
    for (const task of tasks) if (task.status === "SUCCESS") seen.add(`${flow.id.slice("flow_".length)} ${task.path}`);
  }
  return {
    ...ledger(run.vendor, seen),
    flows: counts.flows,
    unfinished: counts.unfinished,
    forgedAccepted: counts.unauthenticated,
  };
}

export function countTheirs({ accepted, rows, vendor, forgedAccepted }: Outcome): Counters {
  const byTask = Map.groupBy(rows, (row) => `${row.flow} ${row.path}`);
  const seen = new Set([...byTask].filter(([, own]) => own.some((row) => row.status === "done")).map(([key]) => key));
  return {
    ...ledger(vendor, seen),
    flows: accepted.length,
    unfinished: accepted.filter((flow) => !hasEnded(byTask, flow, "0")).length,
    forgedAccepted,
  };
}

/** Returns true if the task and its follow-ups have ended. If a task has several rows, the best row counts. */
function hasEnded(byTask: ReadonlyMap<string, Row[]>, flow: string, path: string): boolean {
  const rows = byTask.get(`${flow} ${path}`) ?? [];
  const done = rows.find((row) => row.status === "done");
  if (done) return done.then.every((_: PlanInput, i) => hasEnded(byTask, flow, `${path}-${i}`));
  return rows.length > 0 && rows.every((row) => row.status === "failed");
}

function ledger({ accepted, counts }: Vendor, seen: ReadonlySet<string>) {
  let paidAgainKnown = 0;
  let paidAgainUnknown = 0;
  let paidUnseen = 0;
  const delays: number[] = [];
  const byId = new Map(accepted.map((task) => [task.id, task]));
  for (const [task, submissions] of Map.groupBy(accepted, taskKeyOf)) {
    const byTime = submissions.toSorted((a, b) => a.at - b.at);
    byTime.slice(1).forEach((later, i) => {
      const known = byTime
        .slice(0, i + 1)
        .some(({ confirmedAt }) => confirmedAt !== undefined && confirmedAt < later.at);
      if (known) paidAgainKnown++;
      else paidAgainUnknown++;
    });
    if (!seen.has(task) && submissions.some(({ status }) => status === "SUCCESS")) paidUnseen++;
    const parent = byId.get(byTime[0]!.parentId ?? "");
    if (parent) delays.push(byTime[0]!.at - parent.endsAt);
  }
  const requests = counts.submissions + counts.lookups;
  return { paidAgainKnown, paidAgainUnknown, paidUnseen, delays, requests, images: accepted.length };
}

function taskKeyOf({ flowPart, path }: VendorTask): string {
  return `${flowPart} ${path}`;
}

export function add(sum: Counters | undefined, more: Counters): Counters {
  if (!sum) return { ...more, delays: [...more.delays] };
  for (const key of Object.keys(sum) as (keyof Counters)[]) if (key !== "delays") sum[key] += more[key];
  for (const delay of more.delays) sum.delays.push(delay);
  return sum;
}

export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
