import type { IncomingHttpHeaders } from "node:http";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { beforeEach, expect, test } from "vitest";
import { cleanUp, createTempFolder } from "../../test/test-folder.ts";
import { startLocalBackend } from "./backend.ts";
import { bucketClient, createBucket } from "./client.ts";
import { isSigned, type SignedRequest } from "./signature.ts";

const KEY = "in/ä b+c(1)*'!~.png";
const BUCKET = "mjflow-blobs";
const SECRET = "secret of the test";

let endpoint: string;
let client: S3Client;
beforeEach(async () => {
  const backend = await startLocalBackend({ dataDir: createTempFolder() });
  cleanUp.push(() => backend.stop());
  endpoint = await backend.ports!.bucketEndpoint();
  client = bucketClient(endpoint, backend.endpoints["AWS_SECRET_ACCESS_KEY"]);
  cleanUp.push(() => client.destroy());
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: KEY, Body: "image" }));
});

test("the bucket accepts the requests of the SDK that are signed with its secret", async () => {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: KEY }));
  expect(await Body?.transformToString()).toBe("image");
  const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: "in/ä b" }));
  expect(Contents?.map((object) => object.Key)).toEqual([KEY]);
});

test("a signed URL works without further headers, for its own object only", async () => {
  const url = await getSignedUrl(client, new GetObjectCommand({ Bucket: BUCKET, Key: KEY }), { expiresIn: 60 });
  expect(await (await fetch(url)).text()).toBe("image");
  expect((await fetch(url, { method: "DELETE" })).status).toBe(403);
  expect((await fetch(url.replace("/in/", "/out/"))).status).toBe(403);
  expect((await fetch(url.replace("Expires=60", "Expires=600"))).status).toBe(403);
});

test("a request without a signature, or with the secret of another server, is rejected", async () => {
  const list = `${endpoint}/${BUCKET}?list-type=2`;
  for (const method of ["GET", "DELETE", "PUT", "POST", "OPTIONS"])
    expect((await fetch(list, { method })).status).toBe(403);
  expect((await fetch(`${endpoint}/`, { method: "POST", body: "Action=ListQueues" })).status).toBe(403);
  for (const secret of ["local", ""]) {
    const stranger = bucketClient(endpoint, secret);
    cleanUp.push(() => stranger.destroy());
    await expect(stranger.send(new ListObjectsV2Command({ Bucket: BUCKET }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    });
  }
  await createBucket(client);
});

/** Returns the request that the client would send. */
async function captured(send: (client: S3Client) => Promise<unknown>): Promise<SignedRequest> {
  const signing = bucketClient("http://127.0.0.1:9", SECRET);
  const { promise, resolve } = Promise.withResolvers<SignedRequest>();
  signing.middlewareStack.add(
    () => async (args) => {
      const { method, path, query, headers } = args.request as {
        method: string;
        path: string;
        query: Record<string, string>;
        headers: Record<string, string>;
      };
      const pairs = Object.entries(query).map((pair) => pair.map(encodeURIComponent).join("="));
      const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
      resolve({ method, url: pairs.length > 0 ? `${path}?${pairs.join("&")}` : path, headers: lower });
      return { output: { $metadata: {} }, response: {} };
    },
    { step: "finalizeRequest", priority: "low", name: "capture" },
  );
  await send(signing).catch(() => {});
  return promise;
}

test("every part of a signed request, and its time, is checked", async () => {
  const signed = await captured((signing) => signing.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: "a b" })));
  const now = Date.now();
  expect(isSigned(signed, SECRET, now)).toBe(true);
  const changed = (headers: IncomingHttpHeaders) => ({ ...signed, headers: { ...signed.headers, ...headers } });
  const { authorization = "" } = signed.headers;
  const wrong: [SignedRequest, string, number][] = [
    [signed, "another secret", now],
    [signed, SECRET, now + 16 * 60_000],
    [signed, SECRET, now - 16 * 60_000],
    [{ ...signed, method: "PUT" }, SECRET, now],
    [{ ...signed, url: signed.url.replace("a%20b", "a%20c") }, SECRET, now],
    [{ ...signed, url: `${signed.url}&x=1` }, SECRET, now],
    [changed({ host: "elsewhere:1" }), SECRET, now],
    [changed({ "x-amz-content-sha256": "UNSIGNED-PAYLOAD" }), SECRET, now],
    [changed({ "x-amz-date": "20200101T000000Z" }), SECRET, now],
    [changed({ "x-amz-date": "never" }), SECRET, now],
    [changed({ authorization: authorization.replace(/host;?/, "") }), SECRET, now],
    [changed({ authorization: authorization.replace(/.$/, (last) => (last === "0" ? "1" : "0")) }), SECRET, now],
    [changed({ authorization: "" }), SECRET, now],
    [changed({ authorization: "Bearer x" }), SECRET, now],
  ];
  for (const [request, secret, at] of wrong) expect(isSigned(request, secret, at), JSON.stringify(request)).toBe(false);
});

test("a signed URL is valid only for its time", async () => {
  const signing = bucketClient("http://127.0.0.1:9", SECRET);
  const url = new URL(
    await getSignedUrl(signing, new GetObjectCommand({ Bucket: BUCKET, Key: KEY }), { expiresIn: 60 }),
  );
  const signed = { method: "GET", url: url.pathname + url.search, headers: { host: url.host } };
  const now = Date.now();
  expect(isSigned(signed, SECRET, now)).toBe(true);
  expect(isSigned(signed, SECRET, now + 62_000)).toBe(false);
  expect(isSigned({ ...signed, url: `${signed.url}%` }, SECRET, now)).toBe(false);
  expect(isSigned({ ...signed, url: url.pathname }, SECRET, now)).toBe(false);
});
