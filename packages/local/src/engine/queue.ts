/**
 * Queues and object store on one machine: fauxqs 2.4.1 in this process. It is assembled from fauxqs's own parts instead
 * of by its `startFauxqs`, because `startFauxqs`
 * - always listens on 0.0.0.0, so every machine of the network could connect. Here the address is ours;
 * - names queues after `sqs.<region>.localhost`, a host that may not resolve. Here URLs contain 127.0.0.1 and the port.
 *
 * Three more faults of fauxqs and how mjflow handles them:
 * - Making a message visible again writes NULL into a NOT NULL column, which loses the message until a restart. Here
 *   that statement is replaced. mjflow also never sends ChangeMessageVisibility(0).
 * - A long poll whose client has disconnected takes the next message, which stays invisible until its visibility
 *   timeout. Here pollers wait only 1-2 s and are stopped before the queue engine.
 * - DelaySeconds above 900 is accepted, and message retention and FIFO deduplication are lost at a restart.
 *   `queue/delay.ts` limits the delay, and nothing in mjflow relies on the other two.
 *
 * The parts are internal to fauxqs. Its version is therefore pinned exactly, and `test/conformance` verifies that the
 * parts still work.
 */
import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { LOOPBACK } from "./port.ts";
import { isSigned } from "./signature.ts";

export interface QueueEngineOptions {
  /** Folder of `fauxqs.db`; unset: in memory. */
  dataDir?: string;
  /** TCP port; unset: a free port. */
  port?: number;
  /** Secret that signs every request; only S3 requests are accepted then. Unset: no signature is checked. */
  secret?: string;
}

export interface QueueEngine {
  /** URL of the SQS and the S3 API. */
  endpoint: string;
  stop(): Promise<void>;
}

export async function startQueueEngine({ dataDir, port = 0, secret }: QueueEngineOptions = {}): Promise<QueueEngine> {
  const { buildApp } = await import("fauxqs");
  const stores = await makeStores();
  const persistence = dataDir === undefined ? undefined : await persist(stores, dataDir);
  // With an empty host, queue URLs use the Host header of the request that created the queue.
  stores.sqsStore.host = "";
  const app = buildApp({ logger: false, stores: stores as never });
  if (secret !== undefined) {
    app.addHook("onRequest", async ({ raw }: { raw: IncomingMessage }, reply: Reply) => {
      const { method = "", url = "", headers } = raw;
      if (isSigned({ method, url, headers }, secret, Date.now())) return;
      await reply.code(403).type("application/xml").send("<Error><Code>AccessDenied</Code></Error>");
    });
  }
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

// ── internals of fauxqs ─────────────────────────────────────────────────────────────────────────────────────────────

interface Reply {
  code(status: number): Reply;
  type(contentType: string): Reply;
  send(body: string): Promise<unknown>;
}

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
  // The file contains images of apps, so only its owner may read it. SQLite gives its log the same permissions.
  mkdirSync(dataDir, { recursive: true });
  const file = join(dataDir, "fauxqs.db");
  closeSync(openSync(file, "a", 0o600));
  chmodSync(file, 0o600);
  const PersistenceManager = await part("persistence.js", "PersistenceManager");
  const persistence = new PersistenceManager(dataDir) as Persistence;
  const ready = persistence.db.prepare(
    "UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL WHERE message_id = ?",
  );
  persistence.updateMessageReady = (messageId) => void ready.run(messageId);
  const { sqsStore, snsStore, s3Store } = stores;
  // The data is loaded before the stores get `persistence`. Otherwise loading would write every row again and cascade
  // deletes.
  persistence.load(sqsStore, snsStore, s3Store);
  sqsStore.persistence = snsStore.persistence = s3Store.persistence = persistence;
  for (const queue of sqsStore.allQueues()) queue.persistence = persistence;
  return persistence;
}

async function part(file: string, name: string): Promise<new (...options: string[]) => unknown> {
  const url = new URL(file, import.meta.resolve("fauxqs")).href;
  const found = ((await import(url)) as Record<string, unknown>)[name];
  if (typeof found !== "function") throw new Error(`fauxqs has no ${name} in ${file}. Install fauxqs 2.4.1.`);
  return found as new (
    ...options: string[]
  ) => unknown;
}
