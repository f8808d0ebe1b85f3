/** Uploads in the bucket and links of apps (D5): what is signed, found and read, and what is refused. */
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { createInputImages } from "@mjflow/media/input";
import { presignedPut } from "@mjflow/media/sign";
import { createOutbound } from "@mjflow/webhooks/outbound";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUCKET, createMediaHarness, type MediaHarness, outbound, s3Error, serve } from "./harness.ts";

let harness: MediaHarness;
beforeAll(async () => {
  harness = await createMediaHarness();
});
afterAll(() => harness?.stop());

const PNG = Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), Buffer.alloc(10_000, 7)]);
const refuse = async () => {
  throw new Error("nothing is scaled down here");
};
const imagesOf = (from = outbound) => createInputImages({ bucket: harness.bucket, outbound: from, reduce: refuse });

async function store(key: string, Body: Uint8Array, ContentType = "image/png"): Promise<void> {
  // Like a client with a presigned URL: not through the calls that the harness checks.
  const client = new S3Client({
    endpoint: harness.endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body, ContentType }));
}

describe("a presigned URL", () => {
  test("signs type and size, has no checksum, and sends nothing", async () => {
    const credentials = { accessKeyId: "id", secretAccessKey: "secret" };
    const client = new S3Client({ region: "eu-west-1", credentials, requestChecksumCalculation: "WHEN_REQUIRED" });
    const bucket = { client: async () => client, name: "images" };
    const upload = { key: "uploads/app_a/upload_1", contentType: "image/png", bytes: 41_943_040, expiresS: 900 };
    const { searchParams, search } = new URL(await presignedPut({ bucket }, upload));
    expect(searchParams.get("X-Amz-SignedHeaders")).toBe("content-length;content-type;host");
    expect(searchParams.get("X-Amz-Expires")).toBe("900");
    expect(search).not.toMatch(/checksum|secret/);
  });
});

describe("an upload", () => {
  test("is found with its size, announced type and first bytes, and read whole", async () => {
    await store("uploads/a/1", PNG);
    const found = await imagesOf().findUpload("uploads/a/1");
    expect(found).toMatchObject({ bytes: PNG.length, contentType: "image/png" });
    expect(Buffer.from(found!.head)).toEqual(PNG.subarray(0, 64));
    expect(Math.abs(Date.now() - found!.storedAt)).toBeLessThan(60_000);
    expect(Buffer.from(await imagesOf().readUpload("uploads/a/1", PNG.length))).toEqual(PNG);
  });

  test("that was never sent is not found", async () => {
    expect(await imagesOf().findUpload("uploads/a/none")).toBeUndefined();
    await expect(imagesOf().readUpload("uploads/a/none", 10)).rejects.toMatchObject({ code: "gone" });
  });

  test("of a few bytes is found, too", async () => {
    await store("uploads/a/2", Buffer.from("x"));
    expect(await imagesOf().findUpload("uploads/a/2")).toMatchObject({ bytes: 1 });
  });

  test("above the limit is not read", async () => {
    await store("uploads/a/3", PNG);
    await expect(imagesOf().readUpload("uploads/a/3", PNG.length - 1)).rejects.toMatchObject({ code: "too_large" });
  });

  test("is unavailable while S3 fails", async () => {
    harness.before = () => {
      throw s3Error(503, "SlowDown");
    };
    await expect(imagesOf().findUpload("uploads/a/1")).rejects.toMatchObject({ code: "unavailable", retry: "later" });
    harness.before = () => {};
  });
});

describe("a link", () => {
  test("is read up to the limit", async () => {
    const server = await serve((response) => response.end(PNG));
    expect(Buffer.from(await imagesOf().readLink(server.url, PNG.length))).toEqual(PNG);
    await expect(imagesOf().readLink(server.url, PNG.length - 1)).rejects.toMatchObject({ code: "too_large" });
    await server.stop();
  });

  test("without a length is cut off at the limit", async () => {
    const server = await serve((response) => {
      response.write(PNG);
      response.write(PNG);
      response.end();
    });
    await expect(imagesOf().readLink(server.url, PNG.length)).rejects.toMatchObject({ code: "too_large" });
    await server.stop();
  });

  test.each([
    [404, "gone"],
    [403, "gone"],
    [429, "unavailable"],
    [500, "unavailable"],
  ])("with status %i is %s", async (status, code) => {
    const server = await serve((response) => response.writeHead(status).end());
    await expect(imagesOf().readLink(server.url, 10)).rejects.toMatchObject({ code });
    await server.stop();
  });

  test.each([
    "http://169.254.169.254/latest/meta-data",
    "https://127.0.0.1/a.png",
    "https://10.0.0.1/a.png",
    "https://[::1]/a.png",
    "http://x.test/a.png",
    "https://localhost/a.png",
    "https://x.test:8080/a.png",
  ])("to %s is forbidden before anything is sent", async (url) => {
    const guarded = createOutbound({ resolve: async () => Promise.reject(new Error("a name was resolved")) });
    await expect(imagesOf(guarded).readLink(url, 10)).rejects.toMatchObject({ code: "forbidden" });
  });

  test("to a name with an inner address is forbidden", async () => {
    const guarded = createOutbound({ resolve: async () => ["10.0.0.7"] });
    await expect(imagesOf(guarded).readLink("https://x.test/a.png", 10)).rejects.toMatchObject({ code: "forbidden" });
  });

  test("at most eight are read at one time", async () => {
    let [open, most] = [0, 0];
    const server = await serve(async (response) => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setImmediate(resolve));
      open--;
      response.end(PNG);
    });
    const images = imagesOf();
    const read = await Promise.all(Array.from({ length: 30 }, () => images.readLink(server.url, PNG.length)));
    expect(read.every((bytes) => bytes.length === PNG.length)).toBe(true);
    expect(most).toBeLessThanOrEqual(8);
    await server.stop();
  });
});
