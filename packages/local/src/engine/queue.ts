/**
 * Queues and bucket on one machine: fauxqs 2.4.1 in this process, put together from its own parts instead of by its
 * `startFauxqs`, because that one
 * - listens on 0.0.0.0, hard-coded: an open door to whoever shares the network. Here the address is ours;
 * - names queues after `sqs.<region>.localhost`, a host that need not resolve. Here URLs carry 127.0.0.1 and the port.
 *
 * Three more of its faults, and what answers them:
 * - making a message visible again writes NULL where its table forbids it, which loses the message until a restart. Here
 *   that one statement is replaced; nobody in mjflow sends ChangeMessageVisibility(0) either;
 * - a long poll whose client went away swallows the next message until its visibility ends: pollers wait 1-2 s at most
 *   and are stopped before the engine;
 * - DelaySeconds above 900 is accepted, retention and FIFO deduplication are not kept over a restart: `queue/delay.ts`
 *   holds the limit, and nothing relies on the other two.
 *
 * The parts are internal to fauxqs: its version is pinned exactly, and `test/conformance` proves that they still fit.
 */
import { LOOPBACK } from "./port.ts";

export interface QueueEngineOptions {
  /** Kept in `fauxqs.db` here; without it, in memory. */
  dataDir?: string;
  /** A free one when not given. */
  port?: number;
}

export interface QueueEngine {
  /** SQS and S3, both. */
  endpoint: string;
  stop(): Promise<void>;
}

export async function startQueueEngine({ dataDir, port = 0 }: QueueEngineOptions = {}): Promise<QueueEngine> {
  const { buildApp } = await import("fauxqs");
  const stores = await makeStores();
  const persistence = dataDir === undefined ? undefined : await persist(stores, dataDir);
  // An empty host makes queue URLs after the Host header of the request that created them.
  stores.sqsStore.host = "";
  const app = buildApp({ logger: false, stores: stores as never });
  if (persistence) app.addHook("onClose", async () => persistence.close());
  try {
    await app.listen({ port, host: LOOPBACK });
  } catch (error) {
    await app.close();
    throw error;
  }
  const address = app.server.address();
  if (address === null || typeof address === "string") throw new Error("the queue engine has no address");
  return { endpoint: `http://${LOOPBACK}:${address.port}`, stop: () => app.close().then(() => undefined) };
}

// ── fauxqs from within ─────────────────────────────────────────────────────────────────────────────────────────────

interface Persistence {
  db: { prepare(sql: string): { run(...values: string[]): unknown } };
  load(sqs: Stores["sqsStore"], sns: Stores["snsStore"], s3: Stores["s3Store"]): void;
  updateMessageReady(messageId: string): void;
  close(): void;
}

interface Stores {
  sqsStore: { host: string; persistence?: Persistence; allQueues(): Iterable<{ persistence?: Persistence }> };
  snsStore: { persistence?: Persistence };
  s3Store: { persistence?: Persistence };
}

async function makeStores(): Promise<Stores> {
  const [sqs, sns, s3] = await Promise.all([
    part("sqs/sqsStore.js", "SqsStore"),
    part("sns/snsStore.js", "SnsStore"),
    part("s3/s3Store.js", "S3Store"),
  ]);
  return { sqsStore: new sqs(), snsStore: new sns(), s3Store: new s3() } as Stores;
}

async function persist(stores: Stores, dataDir: string): Promise<Persistence> {
  const PersistenceManager = await part("persistence.js", "PersistenceManager");
  const persistence = new PersistenceManager(dataDir) as Persistence;
  const ready = persistence.db.prepare(
    "UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL WHERE message_id = ?",
  );
  persistence.updateMessageReady = (messageId) => void ready.run(messageId);
  const { sqsStore, snsStore, s3Store } = stores;
  // Loaded before the stores know of it, or loading would write every row again and cascade deletes.
  persistence.load(sqsStore, snsStore, s3Store);
  sqsStore.persistence = snsStore.persistence = s3Store.persistence = persistence;
  for (const queue of sqsStore.allQueues()) queue.persistence = persistence;
  return persistence;
}

async function part(file: string, name: string): Promise<new (...options: string[]) => unknown> {
  const url = new URL(file, import.meta.resolve("fauxqs")).href;
  const found = ((await import(url)) as Record<string, unknown>)[name];
  if (typeof found !== "function") throw new Error(`fauxqs has no ${name} in ${file}: is it still version 2.4.1?`);
  return found as new (
    ...options: string[]
  ) => unknown;
}
