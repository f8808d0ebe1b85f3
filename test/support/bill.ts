/**
 * The vendor's ledger, held against what we knew when. A press paid again although the first was known to be taken is
 * money lost, and nothing excuses it. A press sent again after its grace, with nothing heard of the first, is policy
 * ("after-grace"): counted apart, and shown on its task.
 */
import type { Ledger, Submission } from "@mjflow/simulator/ledger";
import type { SpawnedServer } from "./spawned.ts";

export interface Bill {
  /** Sentences, one for each picture too many. */
  doubled: string[];
  resent: ResentSubmission[];
}

export interface ResentSubmission {
  taskId: string;
  attempt: number;
  isPress: boolean;
}

export interface Evidence {
  /** No attempt follows another within it. */
  graceMs: number;
  /** The vendor's ids that our own API has shown, with the ledger's last submission by then. */
  known: ReadonlyMap<string, number>;
}

interface Paid {
  row: Submission;
  taskId: string;
  attempt: number;
}

export function billOf(
  { submissions, callbacks }: Pick<Ledger, "submissions" | "callbacks">,
  evidence: Evidence,
): Bill {
  const paid = submissions.filter(isPaid).map(paidOf);
  const bill: Bill = { doubled: strangers(paid), resent: [] };
  for (const attempts of Map.groupBy(paid, ({ taskId }) => taskId).values()) {
    for (const [i, later] of attempts.entries()) {
      const why = attempts.slice(0, i).flatMap((earlier) => blame(earlier, later) ?? []);
      if (why.length > 0) bill.doubled.push(`${later.taskId} attempt ${later.attempt}: ${why.join(", ")}`);
      else if (i > 0)
        bill.resent.push({ taskId: later.taskId, attempt: later.attempt, isPress: later.row.parentId !== null });
    }
  }
  return bill;

  /** Why `later` should never have been sent. */
  function blame(earlier: Paid, later: Paid): string | undefined {
    const { taskId, seq, at } = earlier.row;
    const shown = evidence.known.get(taskId!);
    const told = callbacks.find(
      (post) => post.taskId === taskId && post.outcome === "delivered" && post.seq < later.row.seq,
    );
    if (later.attempt <= earlier.attempt) return `after attempt ${earlier.attempt}`;
    if (shown !== undefined && shown < later.row.seq) return `${taskId} was known`;
    if (told) return `a callback had told of ${taskId}`;
    if (later.row.at - at < evidence.graceMs) return `${later.row.at - at} ms after submission ${seq}`;
    return undefined;
  }
}

/** One button of one task, pressed by two tasks of ours: neither is the other sent again. */
function strangers(paid: readonly Paid[]): string[] {
  const presses = paid.filter(({ row }) => row.parentId !== null);
  const byButton = Map.groupBy(presses, ({ row }) => `${row.customId} of ${row.parentId} at ${row.provider}`);
  return [...byButton].flatMap(([button, pressed]) => {
    const tasks = new Set(pressed.map(({ taskId }) => taskId));
    return tasks.size > 1 ? [`${button} was pressed for ${[...tasks].join(" and ")}`] : [];
  });
}

/** An answer to a window moves a task that is paid already. */
function isPaid({ taskId, outcome, verb }: Submission): boolean {
  return taskId !== null && outcome !== "existing" && verb !== "modal" && verb !== "cancel";
}

/** Our mark names the task and the attempt. */
function paidOf(row: Submission): Paid {
  const [, task, attempt] = /^(.+)_(\d+)$/.exec(row.state ?? "") ?? [];
  if (task === undefined) throw new Error(`A submission without our mark: ${JSON.stringify(row)}`);
  return { row, taskId: `task_${task}`, attempt: Number(attempt) };
}

/** Looks at what our own API shows, and remembers when it first showed which of the vendor's ids. */
export function createWitness() {
  const known = new Map<string, number>();
  return {
    known: known as ReadonlyMap<string, number>,
    /** Right after a start this is what had been stored at the end before: nothing is sent again so soon. */
    async look(server: SpawnedServer, flowIds: readonly string[]): Promise<void> {
      const flows = await Promise.all(flowIds.map((id) => server.flow(id)));
      const { submissions } = (await server.sim("GET", "/ledger")) as Ledger;
      const ids = flows.flatMap((flow) => flow.tasks as { providerTaskId: string | null }[]);
      for (const { providerTaskId } of ids) {
        if (providerTaskId !== null && !known.has(providerTaskId))
          known.set(providerTaskId, submissions.at(-1)?.seq ?? 0);
      }
    },
  };
}
