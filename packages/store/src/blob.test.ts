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

test("an error of the network, which has no status, is thrown unchanged", async () => {
  const error = new Error("socket hang up");
  const client = { send: () => Promise.reject(error) } as unknown as S3Client;
  const blobs = createS3Blobs({ client: async () => client, bucket: "b" });
  await expect(blobs.putInputs("ref", {})).rejects.toBe(error);
  await expect(blobs.getInputs("ref")).rejects.toBe(error);
});

test("the images of a request are one JSON object of the bucket, and a missing object is none", async () => {
  const sent: unknown[] = [];
  const client = {
    async send({ input }: { input: { Key: string; Body?: string } }) {
      sent.push(input);
      if (input.Key === "inputs/none.json") throw Object.assign(new Error("none"), { name: "NoSuchKey" });
      return { Body: { transformToString: async () => '{"maskBase64":"bWFzaw=="}' } };
    },
  } as unknown as S3Client;
  const blobs = createS3Blobs({ client: async () => client, bucket: "b" });
  await blobs.putInputs("flow_1/0", { maskBase64: "bWFzaw==" } as never);
  expect(await blobs.getInputs("flow_1/0")).toEqual({ maskBase64: "bWFzaw==" });
  expect(await blobs.getInputs("none")).toBeUndefined();
  expect(sent).toEqual([
    { Bucket: "b", Key: "inputs/flow_1/0.json", Body: '{"maskBase64":"bWFzaw=="}', ContentType: "application/json" },
    { Bucket: "b", Key: "inputs/flow_1/0.json" },
    { Bucket: "b", Key: "inputs/none.json" },
  ]);
});
