/**
 * Images on their way to a vendor, as one JSON object for each flow or press: too large for the table, needed once. The
 * bucket's own lifecycle rule removes them.
 */
import type { S3Client } from "@aws-sdk/client-s3";
import type { Inputs } from "@mjflow/core/flow";
import type { Blobs } from "@mjflow/core/port";

export function inputsKey(ref: string): string {
  return `inputs/${ref}.json`;
}

/**
 * `client` is asked for on first use, and S3's code loaded with it: most flows have no images, and no function should
 * start later because some do.
 *
 * The role needs s3:ListBucket besides Get and Put: without it S3 answers 403 for what is absent, which is thrown here.
 */
export function createS3Blobs({ client, bucket }: { client: () => Promise<S3Client>; bucket: string }): Blobs {
  return {
    async putInputs(ref, inputs) {
      const [s3, { PutObjectCommand }] = await Promise.all([client(), import("@aws-sdk/client-s3")]);
      const Body = JSON.stringify(inputs);
      await s3.send(
        new PutObjectCommand({ Bucket: bucket, Key: inputsKey(ref), Body, ContentType: "application/json" }),
      );
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

export function createMemoryBlobs(): Blobs {
  const objects = new Map<string, string>();
  return {
    async putInputs(ref, inputs) {
      objects.set(inputsKey(ref), JSON.stringify(inputs));
    },
    async getInputs(ref) {
      const json = objects.get(inputsKey(ref));
      return json === undefined ? undefined : (JSON.parse(json) as Inputs);
    },
  };
}
