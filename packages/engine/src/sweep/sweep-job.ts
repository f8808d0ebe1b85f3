/**
 * The sweeper of a deployment. Each minute the dispatcher makes a job for every partition of the due index in which
 * something is due. Workers handle the jobs side by side, page by page, until nothing is due or their time is over.
 *
 * Nothing depends on a single job: a lost one is made again in the next minute, and a second copy finds the lease taken.
 */
import { duePartition, sliceOf } from "@mjflow/core/due";
import type { SweepJobs, SweepLeases } from "@mjflow/core/port";
import { SWEEP_JOB_LIFE_MS, SWEEP_SLICES, type SweepJob } from "@mjflow/core/sweep-job";
import { openUsedLists } from "../submit/wait-list.ts";
import { measureOldestWait, type WaitMeterDeps } from "../submit/wait-place.ts";
import { lookUpCollected, type SweepDeps, type SweepResult, startRun, sweepPartitions } from "./sweep.ts";

export type SweepJobDeps = SweepDeps & { sweepJobs: SweepJobs; sweepLeases: SweepLeases };

/** A worker begins no page after this time; look-ups may take the rest of the function's time, ms. */
const PAGES_MS = 40_000;
/** Longest time of a worker. Then another worker may take its part, ms. */
const LEASE_MS = 55_000;

/** Makes the jobs of one minute. @returns number of jobs */
export async function dispatchSweep(
  deps: WaitMeterDeps & Pick<SweepJobDeps, "store" | "sweepJobs" | "queue">,
): Promise<{ jobs: number }> {
  const at = deps.clock.now();
  const partitions = await deps.store.duePartitions(at);
  // The heartbeat metric. If the sweeper has stopped, the metric is missing and an alarm fires.
  deps.log.count("Sweeps");
  const jobs = partitions.map(({ name }): SweepJob => ({ v: 1, type: "sweep", partition: name, at }));
  if (jobs.length > 0) await deps.sweepJobs.send(jobs);
  await openUsedLists(deps);
  await measureOldestWait(deps);
  return { jobs: jobs.length };
}

/**
 * Handles one part of the due index. If the partition has more than two pages, or if the worker before has crashed in it,
 * other workers get slices of it. So a row that crashes every worker stops only its own slice, and there it is met in no
 * order (sweep.ts).
 */
export async function handleSweepJob(deps: SweepJobDeps, job: SweepJob): Promise<SweepResult> {
  const run = startRun(deps);
  const partition = duePartition(job.partition);
  const now = run.startedAt;
  if (!partition || now - job.at > SWEEP_JOB_LIFE_MS) return run.swept;
  const lease = await deps.sweepLeases.take(job, now, now + LEASE_MS);
  if (!lease) return run.swept;
  await deps.providers.refresh?.("force");

  let slice = job.slice;
  async function split(): Promise<void> {
    if (slice !== undefined) return;
    slice = 0;
    const others = Array.from({ length: SWEEP_SLICES - 1 }, (_, i) => ({ ...job, slice: i + 1 }));
    await deps.sweepJobs.send(others);
  }
  if (lease.crashed) await split();
  await sweepPartitions(deps, run, [partition], {
    until: now + PAGES_MS,
    selects: (due) => slice === undefined || sliceOf(due, SWEEP_SLICES) === slice,
    onFullPage: async (page) => (page > 0 ? split() : undefined),
  });
  await lookUpCollected(deps, run);
  await deps.sweepLeases.end(lease);
  return run.swept;
}
