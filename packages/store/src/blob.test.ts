import type { S3Client } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { createS3Blobs } from "./blob.ts";

/** Blobs of an S3 that answers each request with the status. */
function failing(httpStatusCode: number) {
  const error = Object.assign(new Error("failed"), { $metadata: { httpStatusCode } });
  const client = { send: () => Promise.reject(error) } as unknown as S3Client;
  return { error, blobs: createS3Blobs({ client: async () => client, bucket: "b" }) };
}

test.each([500, 503])(
  "images that S3 rejects with %i are overloaded, so the app can send the request again",
  async (status) => {
    const { error, blobs } = failing(status);
    await expect(blobs.putInputs("ref", {})).rejects.toMatchObject({ code: "overloaded", status: 503, cause: error });
  },
);

test("an error that a repetition does not solve is thrown unchanged", async () => {
  const { error, blobs } = failing(403);
  await expect(blobs.putInputs("ref", {})).rejects.toBe(error);
});
