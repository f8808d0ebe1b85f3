/**
 * The local backend: rows, messages and objects of one data folder. By default rows and messages are in an SQLite file
 * behind the same ports as AWS's services. Alternatively emulators implement AWS's protocols over HTTP, and the
 * functions use the SDK as on AWS.
 */
import type { S3Client } from "@aws-sdk/client-s3";
import { QUEUE } from "@mjflow/core/limit";
import type { Queue, QueueDepth, QueueDepths } from "@mjflow/core/port";
import type { Table } from "@mjflow/store/table";
import { copyDataFolder } from "../backup.ts";
import { loadOrCreateSecret } from "../data-folder.ts";
import type { MessageSource } from "../event-source-mapping.ts";
import { assertNotExported } from "../exported.ts";
import { checkFolder } from "../folder-check.ts";
import { createBucket, createQueues, createTable, VISIBILITY_S } from "../provision.ts";
import { bucketClient, queueClient, tableClient } from "./client.ts";
import { openDataFile } from "./data-file.ts";
import { createFileQueues } from "./file-queue.ts";
import { createFileTable } from "./file-table.ts";
import { detectEngine, type EngineName, engineMismatchError } from "./name.ts";
import { type QueueEngine, startQueueEngine } from "./queue.ts";
import { asOverloaded } from "./sqlite-error.ts";
import { createSqsSource } from "./sqs-source.ts";
import { startTableEngine, type TableEngineName } from "./table.ts";

export interface LocalBackend {
  engine: EngineName;
  /**
   * Ports that replace AWS's services (functions/composition/base.ts); unset if the functions reach emulators with the
   * SDK.
   */
  ports?: { table: Table; queue: Queue; queueDepths: QueueDepths; bucketEndpoint(): Promise<string> };
  /** Client of the object store, and the secret that signs its URLs. The first call starts the store. */
  bucket: { client(): Promise<S3Client>; secret: string };
  /** Copies the data folder while the backend runs; unset if the engine cannot. The target is an empty folder. */
  backup?(target: string): Promise<void>;
  /** Environment variables of the SDK: the endpoints of the emulators, and the secret of the bucket. */
  endpoints: Record<string, string>;
  queueUrls: Record<QueueDepth["name"], string>;
  source(name: QueueDepth["name"]): MessageSource;
  /** Registers a callback for a crash of the backend. After a crash the local server can only be restarted. */
  onCrash(callback: (why: string) => void): void;
  stop(): Promise<void>;
}

export interface LocalBackendOptions {
  dataDir: string;
  /** Engine; unset: the engine that wrote the folder, otherwise sqlite. */
  engine?: EngineName | undefined;
  /** Accepts one loss of data that the start reports, see folder-check.ts. */
  acceptLoss?: string | undefined;
}

const CLEANUP_INTERVAL_MS = 3_600_000;

/**
 * @throws ConfigError with advice if another engine wrote the folder, or if the folder is damaged or was exported; Error if
 *   the engine is not available on this platform
 */
export async function startLocalBackend({ dataDir, engine, acceptLoss }: LocalBackendOptions): Promise<LocalBackend> {
  assertNotExported(dataDir);
  const found = detectEngine(dataDir);
  const name = engine ?? found ?? "sqlite";
  if (found !== undefined && found !== name) throw engineMismatchError(dataDir, found, name);
  if (name !== "sqlite") return startEmulatorBackend(dataDir, name);
  checkFolder(dataDir, { acceptLoss });
  return startSqliteBackend(dataDir);
}

async function startSqliteBackend(dataDir: string): Promise<LocalBackend> {
  const file = openDataFile({ dataDir });
  const secret = loadOrCreateSecret(dataDir, "bucket.key");
  /** The object store is started at its first use, because most local servers store no images. */
  let bucket: Promise<QueueEngine> | undefined;
  async function startBucket(): Promise<QueueEngine> {
    const engine = await startQueueEngine({ dataDir, secret });
    await createBucket(bucketClient(engine.endpoint, secret));
    return engine;
  }
  async function bucketEndpoint(): Promise<string> {
    bucket ??= startBucket().catch((error: unknown) => {
      bucket = undefined;
      throw asOverloaded(error);
    });
    return (await bucket).endpoint;
  }
  const queues = createFileQueues({
    file,
    visibilityMs: VISIBILITY_S * 1_000,
    maxReceiveCount: (name) => QUEUE[name].maxReceiveCount,
  });
  const table = createFileTable(file);
  const deleteExpired = () =>
    table
      .deleteExpired(Date.now())
      .catch((error: unknown) => console.error(`Expired rows could not be deleted: ${String(error)}`));
  void deleteExpired();
  const cleanupTimer = setInterval(deleteExpired, CLEANUP_INTERVAL_MS);
  return {
    engine: "sqlite",
    ports: {
      table,
      queue: queues.queue,
      queueDepths: queues.depths,
      bucketEndpoint,
    },
    bucket: { client: async () => bucketClient(await bucketEndpoint(), secret), secret },
    endpoints: { AWS_SECRET_ACCESS_KEY: secret },
    // Not used: messages are sent through the port.
    queueUrls: { submit: "", deliver: "", archive: "", "dead-letters": "" },
    source: queues.source,
    backup: (target) => copyDataFolder(dataDir, target, file),
    onCrash: file.onCrash,
    async stop() {
      clearInterval(cleanupTimer);
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
    // The emulators check no signature. Signed URLs of clients are checked by the local server.
    const secret = loadOrCreateSecret(dataDir, "bucket.key");
    return {
      engine,
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
