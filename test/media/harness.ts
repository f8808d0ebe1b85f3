/**
 * A bucket of the embedded S3 that records its calls and can be made to fail, and a server of images. The content of the
 * bucket is read from the database of the embedded S3, independent of the code under test.
 */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { get, createServer as http, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { CreateBucketCommand, type S3Client } from "@aws-sdk/client-s3";
import { type Fetched, type Outbound, OutboundError } from "@mjflow/core/port";
import { bucketClient } from "@mjflow/local/engine/client";
import { startQueueEngine } from "@mjflow/local/engine/queue";
import type { Bucket } from "@mjflow/media/bucket";

export const BUCKET = "mjflow-media";

export interface S3Call {
  /** Name of the operation, for example `HeadObject`. */
  name: string;
  input: Record<string, unknown>;
}

export interface MediaHarness {
  endpoint: string;
  bucket: Bucket;
  client: S3Client;
  /** Calls since the start or since the test emptied the list. */
  calls: S3Call[];
  /** Runs before each call reaches the bucket. If it throws, the caller gets the error. */
  before: (call: S3Call) => void | Promise<void>;
  /** Number of multipart uploads that are neither completed nor aborted. */
  openUploads(): number;
  keys(): string[];
  stop(): Promise<void>;
}

export async function createMediaHarness(): Promise<MediaHarness> {
  const dataDir = mkdtempSync(join(tmpdir(), "mjflow-media-"));
  const engine = await startQueueEngine({ dataDir });
  const client = bucketClient(engine.endpoint);
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  const database = new DatabaseSync(join(dataDir, "fauxqs.db"), { readOnly: true });
  const harness: MediaHarness = {
    endpoint: engine.endpoint,
    bucket: { client: async () => client, name: BUCKET },
    client,
    calls: [],
    before: () => {},
    openUploads: () => database.prepare("SELECT upload_id FROM s3_multipart_uploads").all().length,
    keys: () =>
      database
        .prepare("SELECT key FROM s3_objects ORDER BY key")
        .all()
        .map(({ key }) => String(key)),
    async stop() {
      database.close();
      client.destroy();
      await engine.stop();
      rmSync(dataDir, { recursive: true });
    },
  };
  watch(client, (call) => {
    harness.calls.push(call);
    return harness.before(call);
  });
  return harness;
}

/** Calls `before` for each S3 call and checks its body checksum. S3 checks it too; the embedded S3 does not. */
export function watch(client: S3Client, before: (call: S3Call) => void | Promise<void>): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const input = args.input as Record<string, unknown>;
      const { Body, ChecksumSHA256 } = input;
      if (Body !== undefined && sha256(Body as Uint8Array, "base64") !== ChecksumSHA256) {
        throw new Error("the checksum does not match the body");
      }
      await before({ name: String(context.commandName).replace(/Command$/, ""), input });
      return next(args);
    },
    { step: "initialize" },
  );
}

/** Creates an error like the SDK for an S3 error response. */
export function s3Error(status: number, name: string): Error {
  return Object.assign(new Error(name), { name, $metadata: { httpStatusCode: status } });
}

export function sha256(bytes: Uint8Array, encoding: "hex" | "base64" = "hex"): string {
  return createHash("sha256").update(bytes).digest(encoding);
}

// ── image server and outbound client ───────────────────────────────────────────────────────────────────────────────

export interface Server {
  url: string;
  requests: number;
  /** Number of responses that the client closed before the last byte. */
  abandoned: number;
  stop(): Promise<void>;
}

export async function serve(respond: (res: ServerResponse, req: IncomingMessage) => void): Promise<Server> {
  const server = http((req, res) => {
    counted.requests++;
    res.on("close", () => {
      if (!res.writableFinished) counted.abandoned++;
    });
    respond(res, req);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const counted: Server = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/image.png`,
    requests: 0,
    abandoned: 0,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return counted;
}

/** An outbound client without URL guard. packages/webhooks tests the guard. */
export const outbound: Outbound = {
  post: () => Promise.reject(new Error("these tests send no POST")),
  get: (url) =>
    new Promise<Fetched>((resolve, reject) => {
      get(url, { agent: false }, (res) => {
        const length = res.headers["content-length"];
        resolve({
          status: res.statusCode!,
          ...(length !== undefined && { contentLength: Number(length) }),
          body: bodyOf(res),
        });
      }).on("error", () => reject(new OutboundError("unreachable", "no response")));
    }),
};

async function* bodyOf(res: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    yield* res;
  } catch {
    throw new OutboundError("unreachable", "no complete response");
  }
}

/** Creates an outbound client that returns this response. */
export function serveResponse(fetched: Partial<Fetched> & { chunks?: Uint8Array[] }): Outbound {
  return {
    ...outbound,
    get: async () => ({ status: 200, body: chunksOf(fetched.chunks ?? []), ...fetched }),
  };
}

async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

// ── images ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const PNG_HEAD = Buffer.from("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "latin1");

/** Returns data of this size with a PNG header. The rest is deterministic noise. */
export function imageOf(bytes: number): Buffer {
  const image = Buffer.alloc(bytes, createHash("shake256", { outputLength: 65_537 }).update("noise").digest());
  PNG_HEAD.copy(image);
  PNG_END.copy(image, bytes - PNG_END.length);
  return image;
}

/** The last chunk of a PNG: its length, its name and its checksum. */
export const PNG_END = Buffer.from("0000000049454e44ae426082", "hex");
