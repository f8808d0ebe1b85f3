import { S3Client } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { signedUrl } from "./sign.ts";

const credentials = { accessKeyId: "id", secretAccessKey: "secret" };
const client = new S3Client({ region: "eu-west-1", credentials });
const bucket = { client: async () => client, name: "images" };
const key = "media/flow_1/0 ü?#";
const HOUR = 3_600_000;

test("a signed link points to the key, has the requested expiry and contains no secret", async () => {
  const now = () => 10 * HOUR;
  const url = new URL(await signedUrl({ bucket, now }, { key, expiresS: 7_200 }));
  expect(url.origin).toBe("https://images.s3.eu-west-1.amazonaws.com");
  expect(decodeURIComponent(url.pathname)).toBe(`/${key}`);
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    "X-Amz-Date": "19700101T100000Z",
    "X-Amz-Expires": "7200",
  });
  expect(url.href).not.toContain("secret");
});

test("the same link is returned within each half of the validity, so every link is valid for at least half of it", async () => {
  const at = (ms: number) => signedUrl({ bucket, now: () => ms }, { key, expiresS: 7_200 });
  const first = await at(10 * HOUR);
  expect(await at(11 * HOUR - 1)).toBe(first);
  expect(await at(11 * HOUR)).not.toBe(first);
});

test.each(["https://img.example.com/a", "https://img.example.com/a/"])(
  "a link with a CDN is the address and the escaped key, without expiry (%s)",
  async (cdnBaseUrl) => {
    const url = await signedUrl({ bucket, cdnBaseUrl }, { key, expiresS: 60 });
    expect(url).toBe("https://img.example.com/a/media/flow_1/0%20%C3%BC%3F%23");
  },
);

test.each([0, 1, -5, 1.5, Number.NaN, 604_801])("a validity of %s seconds throws RangeError", async (expiresS) => {
  await expect(signedUrl({ bucket }, { key, expiresS })).rejects.toThrow(RangeError);
});
