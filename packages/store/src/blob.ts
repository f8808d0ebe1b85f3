/**
 * Images of a request until they are submitted, as one JSON object per flow or press. They are too large for the table and
 * needed only once. The bucket's lifecycle rule deletes them.
 */
import type { S3Client } from "@aws-sdk/client-s3";
import { MjflowError } from "@mjflow/core/error";
import type { Inputs } from "@mjflow/core/flow";
import type { Blobs } from "@mjflow/core/port";

export function inputsKey(ref: string): string {
  return `inputs/${ref}.json`;
}

/**
 * Stores the images in S3. The client and S3's code are loaded at the first use, because most flows have no images and
 * loading them would slow down every cold start.
 *
 * The role needs s3:ListBucket in addition to Get and Put. Without it S3 answers 403 for a missing object, and `getInputs`
 * throws instead of returning undefined.
 */
export function createS3Blobs({ client, bucket }: { client: () => Promise<S3Client>; bucket: string }): Blobs {
  return {
    async putInputs(ref, inputs) {
      const [s3, { PutObjectCommand }] = await Promise.all([client(), import("@aws-sdk/client-s3")]);
      const Body = JSON.stringify(inputs);
      await s3
        .send(new PutObjectCommand({ Bucket: bucket, Key: inputsKey(ref), Body, ContentType: "application/json" }))
        .catch((error: unknown) => {
          throw isServerFault(error) ? new MjflowError("overloaded", { cause: error }) : error;
        });
    },
    async getInputs(ref) {
      const [s3, { GetObjectCommand }] = await Promise.all([client(), import("@aws-sdk/client-s3")]);
      try {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: inputsKey(ref) }));
        return JSON.parse((await Body?.transformToString()) ?? "") as Inputs;
      } catch (error) {
        if (error instanceof Error && error.name === "NoSuchKey") return undefined;
        throw error;
      }
    },
  };
}

/** True for a response with a status of 500 or above: S3 asks to slow down, or the disk of the local server is full. */
function isServerFault(error: unknown): boolean {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  return ($metadata?.httpStatusCode ?? 0) >= 500;
}
