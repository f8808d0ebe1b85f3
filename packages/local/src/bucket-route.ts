/**
 * Passes signed requests of clients on to the object store, which listens on this machine alone: uploads of apps, and downloads of
 * their images. On AWS clients reach S3 itself. Only GET and PUT of one object with a signature in the query are served.
 */
import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { S3Client } from "@aws-sdk/client-s3";
import { withoutEndSlashes } from "@mjflow/core/end-slash";
import { UPLOAD } from "@mjflow/core/upload";
import { putStored } from "@mjflow/media/bucket";
import type { ContentType } from "@mjflow/media/sniff";
import { sourceOf } from "@mjflow/media/temp-file";
import { createBodyReader } from "./body-budget.ts";
import { isSigned } from "./engine/signature.ts";
import { originForm } from "./lambda.ts";
import { BUCKET } from "./provision.ts";

/** Path of the objects: the path-style address of the bucket, which is part of each signature. */
export const BUCKET_PATH = `/${BUCKET}/`;
/** Images that are held at one time while they are received. */
const BUDGET_BYTES = 3 * UPLOAD.bytes;

export interface BucketRoute {
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

export function createBucketRoute({
  client,
  secret,
  publicUrl,
  corsOrigins,
}: {
  client: () => Promise<S3Client>;
  secret: string;
  /** Base URL that is signed. A proxy in front may change the host and the start of the path. */
  publicUrl: string;
  /** Origins whose pages may send uploads. */
  corsOrigins: readonly string[];
}): BucketRoute {
  const { host, pathname } = new URL(publicUrl);
  const signedAt = (url: string) => `${withoutEndSlashes(pathname)}${url}`;
  const bodies = createBodyReader({ maxBytes: UPLOAD.bytes, budgetBytes: BUDGET_BYTES });

  async function put(request: IncomingMessage, response: ServerResponse, key: string): Promise<void> {
    await bodies.read(request, response, async (body) => {
      // The signature covers the type, and the API signs only types of images.
      const contentType = request.headers["content-type"] as ContentType;
      // The object store takes at most 11 MB in one request, so a larger image is sent in parts.
      await putStored({ client, name: BUCKET }, key, contentType, sourceOf(body));
      response.writeHead(200, { etag: `"${createHash("md5").update(body).digest("hex")}"` }).end();
    });
  }

  async function get(request: IncomingMessage, response: ServerResponse, key: string): Promise<void> {
    const { range } = request.headers;
    const [s3, { GetObjectCommand }] = await Promise.all([client(), import("@aws-sdk/client-s3")]);
    const object = await s3.send(
      new GetObjectCommand({ Bucket: BUCKET, Key: key, ...(range !== undefined && { Range: range }) }),
    );
    const headers = {
      "content-type": object.ContentType,
      "content-length": object.ContentLength,
      "content-range": object.ContentRange,
      "content-disposition": object.ContentDisposition,
      "cache-control": object.CacheControl,
      etag: object.ETag,
    };
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
    response.writeHead(object.ContentRange === undefined ? 200 : 206);
    const body = object.Body as AsyncIterable<Uint8Array> | undefined;
    for await (const chunk of body ?? []) {
      if (!response.write(chunk))
        await new Promise<void>((resume) => response.once("drain", resume).once("close", resume));
      if (response.destroyed) return;
    }
    response.end();
  }

  return {
    async serve(request, response) {
      const { method = "", headers } = request;
      const url = originForm(request.url);
      allowOrigin(request, response, corsOrigins);
      if (method === "OPTIONS") return void response.writeHead(204).end();
      const key = keyOf(url);
      const isServed = (method === "GET" || method === "PUT") && headers.authorization === undefined;
      if (
        key === undefined ||
        !isServed ||
        !isSigned({ method, url: signedAt(url), headers: { ...headers, host } }, secret, Date.now())
      ) {
        return refuse(request, response, 403, "AccessDenied");
      }
      try {
        await (method === "PUT" ? put(request, response, key) : get(request, response, key));
      } catch (error) {
        if (response.headersSent) response.destroy();
        else if ((error as Error).name === "NoSuchKey") refuse(request, response, 404, "NoSuchKey");
        else refuse(request, response, 503, "SlowDown");
      }
    },
  };
}

function keyOf(url: string): string | undefined {
  const [path = ""] = url.split("?");
  try {
    return path.startsWith(BUCKET_PATH) ? decodeURIComponent(path.slice(BUCKET_PATH.length)) || undefined : undefined;
  } catch {
    return undefined;
  }
}

/** Answers in the form of S3, because clients of presigned URLs expect it. */
function refuse(request: IncomingMessage, response: ServerResponse, status: number, code: string): void {
  request.resume();
  response.writeHead(status, { "content-type": "application/xml" }).end(`<Error><Code>${code}</Code></Error>`);
}

function allowOrigin({ method, headers }: IncomingMessage, response: ServerResponse, origins: readonly string[]): void {
  const { origin } = headers;
  if (origin === undefined) return;
  // A browser that comes here by the redirect of the API hides the origin of its page. The signature is the right to read.
  if (method === "GET") return void response.setHeader("access-control-allow-origin", "*");
  if (!(origins.includes("*") || origins.includes(origin))) return;
  response.setHeader("access-control-allow-origin", origin);
  response.setHeader("access-control-allow-methods", "GET, PUT");
  response.setHeader("access-control-allow-headers", "content-type");
  response.setHeader("vary", "origin");
}
