/**
 * Handles overdue rows: missing callbacks and lost messages. The schedule invokes the function each minute as the
 * dispatcher. It sends a job for each part of the due index with overdue rows, and the function handles these jobs as
 * workers.
 */
import { FUNCTION_TIMEOUT_S, QUEUE } from "../packages/core/src/limit.ts";
import {
  archiveQueue,
  consume,
  deliverQueue,
  queueConsume,
  queueCount,
  queueSend,
  repairQueue,
  submitQueue,
  sweepQueue,
} from "./queue.ts";
import { previousVaultKey, providers, vaultKey } from "./secret.ts";
import { repairWorkersOf } from "./size.ts";
import { reservedFor, stage } from "./stage.ts";
import { indexAccess, table, tableAccess, tableDelete } from "./table.ts";

export const sweep = new sst.aws.Function("Sweep", {
  handler: "functions/sweep.handler",
  timeout: `${FUNCTION_TIMEOUT_S.sweep} seconds`,
  // A worker handles 16 rows at the same time, so it needs more of a processor than functions that mostly wait.
  memory: "512 MB",
  // One more than the workers: the dispatcher.
  ...reservedFor(stage.sweepConcurrency + 1),
  // The run of the next minute is the retry. Lambda's own two retries would run at the same time as that run.
  retries: 0,
  link: [
    table,
    submitQueue,
    deliverQueue,
    archiveQueue,
    sweepQueue,
    repairQueue,
    vaultKey,
    previousVaultKey,
    providers,
  ],
  permissions: [
    tableAccess,
    tableDelete,
    indexAccess("due"),
    queueSend(submitQueue, deliverQueue, archiveQueue, sweepQueue, repairQueue),
    queueConsume(sweepQueue),
    queueConsume(repairQueue),
    queueCount(submitQueue),
  ],
});

const repairWorkers = repairWorkersOf(stage);
consume(sweepQueue, sweep, QUEUE.sweep.batchSize, stage.sweepConcurrency - repairWorkers);
consume(repairQueue, sweep, QUEUE.sweep.batchSize, repairWorkers);

new sst.aws.CronV2("SweepSchedule", { function: sweep.arn, schedule: "rate(1 minute)" });
