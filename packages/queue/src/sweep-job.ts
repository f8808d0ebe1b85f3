/** Sends jobs to the sweep workers. Repairs have their own queue and workers, so they never wait behind other classes. */
import type { SQSClient } from "@aws-sdk/client-sqs";
import { duePartition } from "@mjflow/core/due";
import { MjflowError } from "@mjflow/core/error";
import type { SweepJobs } from "@mjflow/core/port";
import type { SweepJob } from "@mjflow/core/sweep-job";

export interface SweepQueueUrls {
  repair: () => string;
  other: () => string;
}

/** SQS's limit of messages per request. */
const BATCH = 10;

export function createSqsSweepJobs({
  client,
  urls,
}: {
  client: () => Promise<SQSClient>;
  urls: SweepQueueUrls;
}): SweepJobs {
  async function sendBatch(QueueUrl: string, jobs: readonly SweepJob[]): Promise<number> {
    const [sqs, { SendMessageBatchCommand }] = await Promise.all([client(), import("@aws-sdk/client-sqs")]);
    const Entries = jobs.map((job, i) => ({ Id: String(i), MessageBody: JSON.stringify(job) }));
    const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    return Failed.length;
  }

  return {
    async send(jobs) {
      const byQueue = Map.groupBy(jobs, ({ partition }) =>
        duePartition(partition)?.dueClass === "repair" ? ("repair" as const) : ("other" as const),
      );
      // Repairs are sent first, so that they are not lost if the process ends between the two.
      let rejected = 0;
      for (const name of ["repair", "other"] as const) {
        const all = byQueue.get(name) ?? [];
        const batches = Array.from({ length: Math.ceil(all.length / BATCH) }, (_, i) =>
          all.slice(i * BATCH, (i + 1) * BATCH),
        );
        const failed = await Promise.all(batches.map((batch) => sendBatch(urls[name](), batch)));
        rejected += failed.reduce((sum, count) => sum + count, 0);
      }
      if (rejected > 0) throw new MjflowError("overloaded", { detail: `The queue rejected ${rejected} sweep jobs.` });
    },
  };
}
