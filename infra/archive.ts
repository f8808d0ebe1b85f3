/** Consumes the archive queue: the only function that fetches pictures, and that has an image library. */
import { FUNCTION_TIMEOUT_S, QUEUE } from "../packages/core/src/limit.ts";
import { blobs, mediaWrite } from "./bucket.ts";
import { nodejs } from "./defaults.ts";
import { archiveQueue, consume, deliverQueue, queueConsume, queueSend, submitQueue } from "./queue.ts";
import { environment } from "./setting.ts";
import { stage } from "./stage.ts";
import { table, tableAccess } from "./table.ts";

export const archive = new sst.aws.Function("Archive", {
  handler: "functions/archive.handler",
  timeout: `${FUNCTION_TIMEOUT_S.archive} seconds`,
  // A grid as it arrives and decoded are some 200 MB; the rest is for the processor that comes with memory.
  memory: "1536 MB",
  // A picture is whole on this disk before the bucket hears of it: at most 200 MB, one at a time, and room to spare.
  storage: "1 GB",
  // Native code: fetched for arm64 as the function is packed, in the version that package.json names.
  nodejs: { ...nodejs, install: ["sharp"] },
  environment: environment.archive,
  link: [table, submitQueue, deliverQueue, archiveQueue, blobs],
  permissions: [
    tableAccess,
    queueSend(submitQueue, deliverQueue, archiveQueue),
    queueConsume(archiveQueue),
    ...mediaWrite,
  ],
});

consume(archiveQueue, archive, QUEUE.archive.batchSize, stage.archiveConcurrency);
