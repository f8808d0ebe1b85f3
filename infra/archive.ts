/** Consumes the archive queue. It is the only function that downloads images. */
import { FUNCTION_TIMEOUT_S, QUEUE } from "../packages/core/src/limit.ts";
import { blobs, mediaWrite } from "./bucket.ts";
import { nodejs } from "./bundle-option.ts";
import { archiveQueue, consume, deliverQueue, limitRecursion, queueConsume, queueSend, submitQueue } from "./queue.ts";
import { environment } from "./setting.ts";
import { reservedFor, stage } from "./stage.ts";
import { table, tableAccess } from "./table.ts";

export const archive = new sst.aws.Function("Archive", {
  handler: "functions/archive.handler",
  timeout: `${FUNCTION_TIMEOUT_S.archive} seconds`,
  // A grid needs about 200 MB, encoded and decoded. The rest is for CPU time, which Lambda assigns by memory.
  memory: "1536 MB",
  ...reservedFor(stage.archiveConcurrency),
  // An image of at most 200 MB is complete on this disk before the upload starts, one at a time. The rest is a reserve.
  storage: "1 GB",
  // sharp is native code. SST installs it for arm64 when it packs the function, in the version of package.json.
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
limitRecursion("Archive", archive);
