/** The objects of a bucket, as an export reads and an import writes them. */
import type { S3Client } from "@aws-sdk/client-s3";
import type { ExportedObject } from "./folder.ts";

export type ObjectHeaders = Pick<ExportedObject, "contentType" | "contentDisposition" | "cacheControl" | "metadata">;

export interface ObjectStore {
  keys(): AsyncIterable<string>;
  /** Undefined if the object was deleted meanwhile. */
  get(key: string): Promise<{ body: Uint8Array; headers: ObjectHeaders } | undefined>;
  has(key: string): Promise<boolean>;
  put(key: string, body: Uint8Array, headers: ObjectHeaders): Promise<void>;
}

export async function createObjectStore(client: S3Client, Bucket: string): Promise<ObjectStore> {
  const { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand } = await import(
    "@aws-sdk/client-s3"
  );
  return {
    async *keys() {
      let ContinuationToken: string | undefined;
      do {
        const page: { Contents?: { Key?: string }[]; NextContinuationToken?: string } = await client.send(
          new ListObjectsV2Command({ Bucket, ContinuationToken }),
        );
        for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key;
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
    },
    async get(Key) {
      try {
        const object = await client.send(new GetObjectCommand({ Bucket, Key }));
        const { ContentType, ContentDisposition, CacheControl, Metadata } = object;
        return {
          body: (await object.Body?.transformToByteArray()) ?? new Uint8Array(),
          headers: {
            contentType: ContentType,
            contentDisposition: ContentDisposition,
            cacheControl: CacheControl,
            metadata: Metadata,
          },
        };
      } catch (error) {
        if (error instanceof Error && error.name === "NoSuchKey") return undefined;
        throw error;
      }
    },
    async has(Key) {
      try {
        await client.send(new HeadObjectCommand({ Bucket, Key }));
        return true;
      } catch (error) {
        if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 404) return false;
        throw error;
      }
    },
    async put(Key, Body, { contentType, contentDisposition, cacheControl, metadata }) {
      await client.send(
        new PutObjectCommand({
          Bucket,
          Key,
          Body,
          ContentType: contentType,
          ContentDisposition: contentDisposition,
          CacheControl: cacheControl,
          Metadata: metadata,
        }),
      );
    },
  };
}
