/**
 * What the house stands on: rows, messages and objects of one data folder. By default a file of its own behind the same
 * ports that AWS's services are behind; or engines that speak AWS's protocols, over HTTP and with the SDK, as deployed.
 */
import { QUEUE } from "@mjflow/core/limit";
import type { Queue, QueueDepth, QueueDepths } from "@mjflow/core/port";
import type { Table } from "@mjflow/store/table";
import type { MessageSource } from "../event-source-mapping.ts";
import { createBucket, createQueues, createTable, VISIBILITY_S } from "../provision.ts";
import { bucketClient, queueClient, tableClient } from "./client.ts";
import { openDataFile } from "./data-file.ts";
import { createFileQueues } from "./file-queue.ts";
import { createFileTable } from "./file-table.ts";
import { detectEngine, type EngineName, engineMismatchError } from "./name.ts";
import { type QueueEngine, startQueueEngine } from "./queue.ts";
import { createSqsSource } from "./sqs-source.ts";
import { startTableEngine, type TableEngineName } from "./table.ts";

export interface LocalBackend {
  engine: EngineName;
  /** In place of AWS's services (functions/composition/base.ts); absent where the functions reach these by their protocols. */
  ports?: { table: Table; queue: Queue; queueDepths: QueueDepths; bucketEndpoint(): Promise<string> };
  /** Where the SDK finds the services that are reached by their protocols. */
  endpoints: Record<string, string>;
  queueUrls: Record<QueueDepth["name"], string>;
  source(name: QueueDepth["name"]): MessageSource;
  /** Calls back when it has died: the house can then only be started again. */
  onCrash(tell: (why: string) => void): void;
  stop(): Promise<void>;
}

export interface LocalBackendOptions {
  dataDir: string;
  /** When not given: the one whose data the folder holds, else sqlite. */
  engine?: EngineName | undefined;
}

const CLEANUP_INTERVAL_MS = 3_600_000;

/** @throws Error in words when the folder holds another engine's data, or that engine does not run here */
export async function startLocalBackend({ dataDir, engine }: LocalBackendOptions): Promise<LocalBackend> {
  const held = detectEngine(dataDir);
  const name = engine ?? held ?? "sqlite";
  if (held !== undefined && held !== name) throw engineMismatchError(dataDir, held, name);
  return name === "sqlite" ? startSqliteBackend(dataDir) : startEmulatorBackend(dataDir, name);
}

async function startSqliteBackend(dataDir: string): Promise<LocalBackend> {
  const file = openDataFile({ dataDir });
  /** Most houses hold no pictures: the bucket's engine is loaded with the first. */
  let bucket: Promise<QueueEngine> | undefined;
  async function startBucket(): Promise<QueueEngine> {
    const engine = await startQueueEngine({ dataDir });
    await createBucket(bucketClient(engine.endpoint));
    return engine;
  }
  const queues = createFileQueues({
    file,
    visibilityMs: VISIBILITY_S * 1_000,
    maxReceiveCount: (name) => QUEUE[name].maxReceiveCount,
  });
  const table = createFileTable(file);
  const forget = () =>
    table
      .deleteExpired(Date.now())
      .catch((error: unknown) => console.error(`Old rows are still there: ${String(error)}`));
  void forget();
  const forgetting = setInterval(forget, CLEANUP_INTERVAL_MS);
  return {
    engine: "sqlite",
    ports: {
      table,
      queue: queues.queue,
      queueDepths: queues.depths,
      async bucketEndpoint() {
        bucket ??= startBucket().catch((error: unknown) => {
          bucket = undefined;
          throw error;
        });
        return (await bucket).endpoint;
      },
    },
    endpoints: {},
    // Nobody sends there: messages go through the port.
    queueUrls: { submit: "", deliver: "", archive: "", "dead-letters": "" },
    source: queues.source,
    onCrash: file.onCrash,
    async stop() {
      clearInterval(forgetting);
      await bucket?.then((engine) => engine.stop());
      await file.close();
    },
  };
}

async function startEmulatorBackend(dataDir: string, engine: TableEngineName): Promise<LocalBackend> {
  const table = await startTableEngine({ dataDir, engine });
  try {
    const queue = await startQueueEngine({ dataDir });
    await createTable(tableClient(table.endpoint));
    const client = queueClient(queue.endpoint);
    const queueUrls = await createQueues(client);
    await createBucket(bucketClient(queue.endpoint));
    return {
      engine,
      endpoints: {
        AWS_ENDPOINT_URL_DYNAMODB: table.endpoint,
        AWS_ENDPOINT_URL_SQS: queue.endpoint,
        AWS_ENDPOINT_URL_S3: queue.endpoint,
      },
      queueUrls,
      source: (name) => createSqsSource(client, queueUrls[name]),
      onCrash: table.onDeath,
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
