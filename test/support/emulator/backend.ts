/**
 * A backend of the local server from emulators of AWS's protocols: the functions use the SDK, as on AWS. Its data does not
 * survive what the local server's own backend survives.
 */
import { loadOrCreateSecret } from "@mjflow/local/data-folder";
import type { LocalBackend } from "@mjflow/local/engine/backend";
import { bucketClient, createBucket } from "@mjflow/local/engine/client";
import { startQueueEngine } from "@mjflow/local/engine/queue";
import { queueClient, tableClient } from "./client.ts";
import { createQueues, createTable } from "./provision.ts";
import { createSqsSource } from "./sqs-source.ts";
import { startTableEngine, type TableEngineName } from "./table.ts";

/** @param engine dynoxide reports the capacity units that a request would use at AWS */
export async function startEmulatorBackend(
  dataDir: string,
  engine: TableEngineName = "dynoxide",
): Promise<LocalBackend> {
  const table = await startTableEngine({ dataDir, engine });
  try {
    const queue = await startQueueEngine({ dataDir });
    await createTable(tableClient(table.endpoint));
    const client = queueClient(queue.endpoint);
    const queueUrls = await createQueues(client);
    await createBucket(bucketClient(queue.endpoint));
    // The emulators check no signature. Signed URLs of clients are checked by the local server.
    const secret = loadOrCreateSecret(dataDir, "bucket.key");
    return {
      bucket: { client: async () => bucketClient(queue.endpoint), secret },
      endpoints: {
        AWS_SECRET_ACCESS_KEY: secret,
        AWS_ENDPOINT_URL_DYNAMODB: table.endpoint,
        AWS_ENDPOINT_URL_SQS: queue.endpoint,
        AWS_ENDPOINT_URL_S3: queue.endpoint,
      },
      queueUrls,
      source: (name) => createSqsSource(client, queueUrls[name]),
      onCrash: table.onCrash,
      async stop() {
        await queue.stop();
        await table.stop();
      },
    };
  } catch (error) {
    await table.stop();
    throw error;
  }
}
