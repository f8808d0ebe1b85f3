/** Each minute looks for what is overdue: callbacks that never came, messages that were lost. */
import { FUNCTION_TIMEOUT_S } from "../packages/core/src/limit.ts";
import { archiveQueue, deliverQueue, queueSend, submitQueue } from "./queue.ts";
import { previousVaultKey, providers, vaultKey } from "./secret.ts";
import { indexAccess, table, tableAccess, tableDelete } from "./table.ts";

export const sweep = new sst.aws.Function("Sweep", {
  handler: "functions/sweep.handler",
  timeout: `${FUNCTION_TIMEOUT_S.sweep} seconds`,
  memory: "256 MB",
  // The next minute is the retry; Lambda's own two would run beside it.
  retries: 0,
  link: [table, submitQueue, deliverQueue, archiveQueue, vaultKey, previousVaultKey, providers],
  permissions: [tableAccess, tableDelete, indexAccess("due"), queueSend(submitQueue, deliverQueue, archiveQueue)],
});

new sst.aws.CronV2("SweepSchedule", { function: sweep.arn, schedule: "rate(1 minute)" });
