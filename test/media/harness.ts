/**
 * A bucket of the embedded S3 that tells what it was asked and can be told to fail, and a server of pictures. What the
 * bucket holds is read from its own database, beside the code under test.
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
  /** `HeadObject`, `UploadPart` … */
  name: string;
  input: Record<string, unknown>;
}

export interface MediaHarness {
  endpoint: string;
  bucket: Bucket;
  client: S3Client;
  /** Since the start, or since it was emptied. */
  calls: S3Call[];
  /** Runs before each call reaches the bucket; what it throws, the caller gets. */
  before: (call: S3Call) => void | Promise<void>;
  /** Multipart uploads neither completed nor aborted. */
  openUploads(): number;
  keys(): string[];
  stop(): Promise<void>;
}

export async function createMediaHarness(): Promise<MediaHarness> {
  const dataDir = mkdtempSync(join(tmpdir(), "mjflow-media-"));
  const engine = await startQueueEngine({ dataDir });
  const client = bucketClient(engine.endpoint);
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  const kept = new DatabaseSync(join(dataDir, "fauxqs.db"), { readOnly: true });
  const harness: MediaHarness = {
    endpoint: engine.endpoint,
    bucket: { client: async () => client, name: BUCKET },
    client,
    calls: [],
    before: () => {},
    openUploads: () => kept.prepare("SELECT upload_id FROM s3_multipart_uploads").all().length,
    keys: () =>
      kept
        .prepare("SELECT key FROM s3_objects ORDER BY key")
        .all()
        .map(({ key }) => String(key)),
    async stop() {
      kept.close();
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

/** Also holds every call to its own checksum, as S3 would and the embedded engine does not. */
export function watch(client: S3Client, before: (call: S3Call) => void | Promise<void>): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const input = args.input as Record<string, unknown>;
      const { Body, ChecksumSHA256 } = input;
      if (Body !== undefined && sha256(Body as Uint8Array, "base64") !== ChecksumSHA256) {
        throw new Error("a body without its checksum");
      }
      await before({ name: String(context.commandName).replace(/Command$/, ""), input });
      return next(args);
    },
    { step: "initialize" },
  );
}

/** As the SDK throws what S3 answered. */
export function s3Error(status: number, name: string): Error {
  return Object.assign(new Error(name), { name, $metadata: { httpStatusCode: status } });
}

export function sha256(bytes: Uint8Array, encoding: "hex" | "base64" = "hex"): string {
  return createHash("sha256").update(bytes).digest(encoding);
}

// ── the server of pictures, and the way to it ──────────────────────────────────────────────────────────────────────

export interface Server {
  url: string;
  requests: number;
  /** Answers of which the last byte was not taken. */
  left: number;
  stop(): Promise<void>;
}

export async function serve(answer: (res: ServerResponse, req: IncomingMessage) => void): Promise<Server> {
  const server = http((req, res) => {
    counted.requests++;
    res.on("close", () => {
      if (!res.writableFinished) counted.left++;
    });
    answer(res, req);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const counted: Server = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/picture.png`,
    requests: 0,
    left: 0,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return counted;
}

/** Without a guard: what the guard refuses is tested where it lives. */
export const outbound: Outbound = {
  post: () => Promise.reject(new Error("nobody posts here")),
  get: (url) =>
    new Promise<Fetched>((resolve, reject) => {
      get(url, { agent: false }, (res) => {
        const length = res.headers["content-length"];
        resolve({
          status: res.statusCode!,
          ...(length !== undefined && { contentLength: Number(length) }),
          body: bodyOf(res),
        });
      }).on("error", () => reject(new OutboundError("unreachable", "no answer")));
    }),
};

async function* bodyOf(res: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    yield* res;
  } catch {
    throw new OutboundError("unreachable", "no whole answer");
  }
}

/** What a test wants fetched, said in one line. */
export function serveResponse(fetched: Partial<Fetched> & { chunks?: Uint8Array[] }): Outbound {
  return {
    ...outbound,
    get: async () => ({ status: 200, body: chunksOf(fetched.chunks ?? []), ...fetched }),
  };
}

async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

// ── pictures ───────────────────────────────────────────────────────────────────────────────────────────────────────

const PNG_HEAD = Buffer.from("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "latin1");

/** Begins as a PNG does, and is of any size; the rest is always the same noise. */
export function pictureOf(bytes: number): Buffer {
  const picture = Buffer.alloc(bytes, createHash("shake256", { outputLength: 65_537 }).update("noise").digest());
  PNG_HEAD.copy(picture);
  return picture;
}
