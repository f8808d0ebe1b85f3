/**
 * Compares the vendor's ledger with what mjflow knew at each time. If a press is paid again although the first was
 * known to be accepted, money is lost: the submission counts as doubled. The policy "after-grace" sends a press again
 * after its grace period if there was no report of the first. Such a submission counts as resent and is shown on its
 * task.
 */
import type { CallbackPost, Ledger, Submission } from "@mjflow/simulator/ledger";
import type { SpawnedServer } from "./spawned.ts";

export interface Bill {
  /** One sentence for each image that was paid without need. */
  doubled: string[];
  resent: ResentSubmission[];
}

export interface ResentSubmission {
  taskId: string;
  attempt: number;
  isPress: boolean;
  /** True if a callback had reported progress of an earlier submission, which mjflow does not store (D2). */
  afterProgress: boolean;
}

export interface Evidence {
  /** Grace period, ms: shortest allowed time between two attempts. */
  graceMs: number;
  /** Vendor task ids that our own API has shown, each with the number of the ledger's last submission at that time. */
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
  const bill: Bill = { doubled: sharedButtons(paid), resent: [] };
  for (const attempts of Map.groupBy(paid, ({ taskId }) => taskId).values()) {
    for (const [i, later] of attempts.entries()) {
      const why = attempts.slice(0, i).flatMap((earlier) => violation(earlier, later) ?? []);
      if (why.length > 0) bill.doubled.push(`${later.taskId} attempt ${later.attempt}: ${why.join(", ")}`);
      else if (i > 0) {
        const { taskId, attempt, row } = later;
        const afterProgress = attempts.slice(0, i).some((earlier) => callbackBefore(later, earlier) !== undefined);
        bill.resent.push({ taskId, attempt, isPress: row.parentId !== null, afterProgress });
      }
    }
  }
  return bill;

  /** Returns a callback about `earlier` that had been delivered before `later` was sent. */
  function callbackBefore(later: Paid, { row: { taskId } }: Paid, matches = (_: CallbackPost) => true) {
    return callbacks.find(
      (post) => post.taskId === taskId && post.outcome === "delivered" && matches(post) && post.seq < later.row.seq,
    );
  }

  /** Returns the reason why `later` must not have been sent; undefined if it was allowed. */
  function violation(earlier: Paid, later: Paid): string | undefined {
    const { taskId, seq, at } = earlier.row;
    const shown = evidence.known.get(taskId!);
    const reported = callbackBefore(later, earlier, isStored);
    if (later.attempt <= earlier.attempt) return `after attempt ${earlier.attempt}`;
    if (shown !== undefined && shown < later.row.seq) return `${taskId} was known`;
    if (reported) return `a callback had reported ${reported.status} of ${taskId}`;
    if (later.row.at - at < evidence.graceMs) return `${later.row.at - at} ms after submission ${seq}`;
    return undefined;
  }
}

/** True for a callback that mjflow stores. Progress that no app requested gets its response without a write (D2). */
function isStored({ status }: CallbackPost): boolean {
  return status === "SUCCESS" || status === "FAILURE" || status === "CANCEL" || status === "MODAL";
}

/** Finds buttons of one task that two of our tasks have pressed; neither press is a resubmission of the other. */
function sharedButtons(paid: readonly Paid[]): string[] {
  const presses = paid.filter(({ row }) => row.parentId !== null);
  const byButton = Map.groupBy(presses, ({ row }) => `${row.customId} of ${row.parentId} at ${row.provider}`);
  return [...byButton].flatMap(([button, pressed]) => {
    const tasks = new Set(pressed.map(({ taskId }) => taskId));
    return tasks.size > 1 ? [`${button} was pressed for ${[...tasks].join(" and ")}`] : [];
  });
}

/** Returns true if the vendor charges the submission. A modal answer continues a task that is already paid. */
function isPaid({ taskId, outcome, verb }: Submission): boolean {
  return taskId !== null && outcome !== "existing" && verb !== "modal" && verb !== "cancel";
}

/** Reads task and attempt from the `state` that we sent. */
function paidOf(row: Submission): Paid {
  const [, task, attempt] = /^(.+)_(\d+)$/.exec(row.state ?? "") ?? [];
  if (task === undefined) throw new Error(`A submission without our state: ${JSON.stringify(row)}`);
  return { row, taskId: `task_${task}`, attempt: Number(attempt) };
}

const ledgerOf = (server: SpawnedServer): Promise<Ledger> => server.sim("GET", "/ledger");

/**
 * Reads our own API and records when it first showed each vendor task id.
 *
 * @param readLedger returns the ledger of the vendor; default: of the vendors inside the server
 */
export function createWitness(readLedger: (server: SpawnedServer) => Promise<Ledger> = ledgerOf) {
  const known = new Map<string, number>();
  return {
    known: known as ReadonlyMap<string, number>,
    /**
     * Records the ids that the API shows now. Directly after a start these are the ids that the last server had stored,
     * because no task is sent again so early.
     */
    async observe(server: SpawnedServer, flowIds: readonly string[]): Promise<void> {
      const flows = await Promise.all(flowIds.map((id) => server.flow(id)));
      const { submissions } = await readLedger(server);
      const ids = flows.flatMap((flow) => flow.tasks as { providerTaskId: string | null }[]);
      for (const { providerTaskId } of ids) {
        if (providerTaskId !== null && !known.has(providerTaskId))
          known.set(providerTaskId, submissions.at(-1)?.seq ?? 0);
      }
    },
  };
}
