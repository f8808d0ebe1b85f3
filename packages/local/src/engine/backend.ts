/**
 * The local backend: rows, messages and objects of one data folder. Rows and messages are in an SQLite file behind the same
 * ports as AWS's services.
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
import { VISIBILITY_S } from "../provision.ts";
import { openDataFile } from "./data-file.ts";
import { createFileQueues } from "./file-queue.ts";
import { createFileTable } from "./file-table.ts";
import { type QueueEngine, startQueueEngine } from "./queue.ts";
import { asOverloaded } from "./sqlite-error.ts";

export interface LocalBackend {
  /**
   * Ports that replace AWS's services (functions/composition/base.ts); unset if the functions reach emulators of AWS with the
   * SDK, as in tests.
   */
  ports?: {
    table: Table;
    queue: Queue;
    queueDepths: QueueDepths;
    bucketEndpoint(): Promise<string>;
    /** Runs work whose writes share a sync of the disk (`DataFile.together`). */
    together<T>(work: () => Promise<T> | T): Promise<T>;
  };
  /** Client of the object store, and the secret that signs its URLs. The first call starts the store. */
  bucket: { client(): Promise<S3Client>; secret: string };
  /** Copies the data folder while the backend runs; unset if the backend cannot. The target is an empty folder. */
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
  /** Accepts one loss of data that the start reports, see folder-check.ts. */
  acceptLoss?: string | undefined;
}

const CLEANUP_INTERVAL_MS = 3_600_000;

/** @throws ConfigError with advice if the folder is damaged or was exported */
export async function startLocalBackend({ dataDir, acceptLoss }: LocalBackendOptions): Promise<LocalBackend> {
  assertNotExported(dataDir);
  checkFolder(dataDir, { acceptLoss });
  const file = openDataFile({ dataDir });
  const secret = loadOrCreateSecret(dataDir, "bucket.key");
  /** The object store is started at its first use, because most local servers store no images. */
  let bucket: Promise<QueueEngine> | undefined;
  async function startBucket(): Promise<QueueEngine> {
    const engine = await startQueueEngine({ dataDir, secret });
    const { bucketClient, createBucket } = await import("./client.ts");
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
    ports: {
      table,
      queue: queues.queue,
      queueDepths: queues.depths,
      bucketEndpoint,
      together: file.together,
    },
    bucket: {
      async client() {
        const { bucketClient } = await import("./client.ts");
        return bucketClient(await bucketEndpoint(), secret);
      },
      secret,
    },
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
