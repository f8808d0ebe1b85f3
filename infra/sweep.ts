/** Runs each minute and handles overdue rows: missing callbacks and lost messages. */
import { FUNCTION_TIMEOUT_S } from "../packages/core/src/limit.ts";
import { archiveQueue, deliverQueue, queueSend, submitQueue } from "./queue.ts";
import { previousVaultKey, providers, vaultKey } from "./secret.ts";
import { indexAccess, table, tableAccess, tableDelete } from "./table.ts";

export const sweep = new sst.aws.Function("Sweep", {
  handler: "functions/sweep.handler",
  timeout: `${FUNCTION_TIMEOUT_S.sweep} seconds`,
  memory: "256 MB",
  // The run of the next minute is the retry. Lambda's own two retries would run at the same time as that run.
  retries: 0,
  link: [table, submitQueue, deliverQueue, archiveQueue, vaultKey, previousVaultKey, providers],
  permissions: [tableAccess, tableDelete, indexAccess("due"), queueSend(submitQueue, deliverQueue, archiveQueue)],
});

new sst.aws.CronV2("SweepSchedule", { function: sweep.arn, schedule: "rate(1 minute)" });
