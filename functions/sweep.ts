/**
 * The sweeper: handles every row whose due time has passed. Each minute the schedule invokes it as the dispatcher, which
 * makes jobs; the sweep queues invoke it as a worker. The local server has no such queues: there one run does everything.
 */
import { parseSweepJob } from "@mjflow/core/sweep-job";
import { type SweepResult, sweep } from "@mjflow/engine/sweep";
import { dispatchSweep, handleSweepJob } from "@mjflow/engine/sweep-job";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { composeSweep } from "./composition/sweep.ts";

/** What a schedule passes: any event without records. */
type ScheduleEvent = Partial<Pick<SQSEvent, "Records">>;

export async function handler(event: ScheduleEvent): Promise<SweepResult | SQSBatchResponse | { jobs: number }> {
  const deps = composeSweep();
  try {
    if (event.Records) {
      for (const { body } of event.Records) await work(body);
      return { batchItemFailures: [] };
    }
    if (!deps.hasSweepQueues) return log(await sweep(deps));
    return await dispatchSweep(deps);
  } finally {
    deps.log.flush();
  }

  async function work(body: string): Promise<void> {
    const job = parseSweepJob(body);
    // A job of another version: the next minute has a job that this version knows.
    if (job) log(await handleSweepJob(deps, job), job.partition);
  }

  function log(result: SweepResult, partition?: string): SweepResult {
    if (result.overdue > 0) deps.log.info("swept", { ...(partition !== undefined && { partition }), ...result });
    return result;
  }
}
