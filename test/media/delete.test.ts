/** Deletion of the objects of a flow: all below its keys, and no other. */
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { deleteAll } from "@mjflow/media/bucket";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BUCKET, createMediaHarness, type MediaHarness, s3Error, sha256 } from "./harness.ts";

let harness: MediaHarness;
beforeAll(async () => {
  harness = await createMediaHarness();
});
afterAll(() => harness?.stop());

const BODY = Buffer.from("x");
const store = (Key: string) =>
  harness.client.send(
    new PutObjectCommand({ Bucket: BUCKET, Key, Body: BODY, ChecksumSHA256: sha256(BODY, "base64") }),
  );

test("all objects whose keys begin with the text are deleted, and no other", async () => {
  for (const key of ["media/flow_1/0/0", "media/flow_1/0-1/0", "media/flow_10/0/0", "inputs/flow_1.json"])
    await store(key);
  await deleteAll(harness.bucket, "media/flow_1/");
  expect(harness.keys()).toEqual(["inputs/flow_1.json", "media/flow_10/0/0"]);
  await deleteAll(harness.bucket, "media/flow_1/");
});

test("while S3 fails the deletion is unavailable and can be repeated", async () => {
  harness.before = () => {
    throw s3Error(503, "SlowDown");
  };
  await expect(deleteAll(harness.bucket, "media/")).rejects.toMatchObject({ code: "unavailable", retry: "later" });
  harness.before = () => {};
});
