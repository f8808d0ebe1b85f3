/** References of any size on a running local server: upload, use at vendors with and without links, and what is refused. */
import { createHash, randomFillSync } from "node:crypto";
import { Mjflow } from "@mjflow/client";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API_KEY, type SpawnedServer, spawnServer } from "../support/spawned.ts";

const MB = 1024 * 1024;
const ORIGIN = "https://pages.example.com";

let server: SpawnedServer;
let mjflow: Mjflow;
beforeAll(async () => {
  server = await spawnServer({ env: { MJFLOW_CORS_ORIGINS: ORIGIN } });
  mjflow = new Mjflow({ baseUrl: server.url, apiKey: API_KEY });
});
afterAll(() => server?.stop());

/** A photo as a camera makes it: 3700 by 3700 pixels of noise, which no encoder makes smaller. */
async function photo(): Promise<Uint8Array> {
  const side = 3_700;
  const raw = { width: side, height: side, channels: 3 } as const;
  return sharp(randomFillSync(new Uint8Array(side * side * 3)), { raw })
    .png({ compressionLevel: 0 })
    .toBuffer();
}

/** A file that begins like a PNG, with bytes that differ everywhere. */
function png(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i += 4) bytes.set([i & 255, (i >> 8) & 255, (i >> 16) & 255, 7].slice(0, size - i), i);
  bytes.set(Buffer.from("89504e470d0a1a0a0000000d49484452", "hex"));
  return bytes;
}
const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

async function put(url: string, body: Uint8Array, headers: Record<string, string> = {}): Promise<number> {
  const answer = await fetch(url, { method: "PUT", body: body as Uint8Array<ArrayBuffer>, headers });
  await answer.arrayBuffer();
  return answer.status;
}

/** The images of all submissions: links, or the size of a data URI. */
async function imagesAtVendor(): Promise<string[]> {
  const { submissions } = (await server.sim("GET", "/ledger")) as { submissions: { images: string[] }[] };
  return submissions.flatMap(({ images }) => images);
}

describe("a reference of 40 MB", () => {
  const image = png(40 * MB);

  test("is used by a vendor that takes links, and its link returns every byte", async () => {
    const flow = await mjflow.flows
      .create({ provider: "simulator", prompt: "a boat", base64Array: [image] })
      .wait({ timeoutMs: 60_000 });
    expect(flow.status).toBe("completed");
    const link = (await imagesAtVendor()).at(-1)!;
    const bytes = new Uint8Array(await (await fetch(link)).arrayBuffer());
    expect(digest(bytes)).toBe(digest(image));
  }, 90_000);

  test("is scaled down once for a vendor that takes no links, and the flow says so", async () => {
    const whole = await photo();
    expect(whole.length).toBeGreaterThan(40_000_000);
    const { id } = await mjflow.uploads.send(whole);
    for (let n = 1; n <= 2; n++) {
      const flow = await mjflow.flows
        .create({ provider: "midjourney-proxy", prompt: "a boat", base64Array: [id] })
        .wait({ timeoutMs: 120_000 });
      expect(flow.status).toBe("completed");
      const [reduced, ...others] = flow.reducedImages!;
      expect(others).toEqual([]);
      expect(reduced).toMatchObject({
        field: "base64Array[0]",
        contentType: "image/jpeg",
        originalBytes: whole.length,
        originalWidth: 3_700,
        originalHeight: 3_700,
      });
      expect(reduced!.width).toBeGreaterThanOrEqual(512);
      expect(await imagesAtVendor()).toContain(`data:image/jpeg;base64,${reduced!.bytes} bytes`);
    }
  }, 240_000);

  test("that cannot be decoded is refused by a vendor that takes no links, before anything is paid", async () => {
    const { id } = await mjflow.uploads.send(image);
    const before = (await server.sim("GET", "/ledger")).submissions.length;
    const request = { provider: "midjourney-proxy", prompt: "a boat", base64Array: [id] };
    for (let n = 1; n <= 2; n++) {
      const { status, body } = await server.call("POST", "/v1/flows", request);
      expect(status).toBe(422);
      expect(body).toMatchObject({ code: "image_rejected", reason: "broken", field: "base64Array[0]", retry: "never" });
    }
    expect((await server.sim("GET", "/ledger")).submissions.length).toBe(before);
  }, 120_000);

  test("is stored once: the presigned URL takes exactly the announced type and size", async () => {
    const { url, headers } = await mjflow.uploads.create({ contentType: "image/png", bytes: image.length });
    expect(await put(url, image.subarray(1), headers)).toBe(403);
    expect(await put(url, image, { "Content-Type": "text/html" })).toBe(403);
    expect(await put(url.replace(/uploads\/app_\w+/, "uploads/app_other"), image, headers)).toBe(403);
    expect(await put(url.replace("X-Amz-Expires=900", "X-Amz-Expires=90000"), image, headers)).toBe(403);
    expect(await put(url, image, headers)).toBe(200);
  }, 60_000);
});

test("a vendor that takes no links gets 5 MB as a data URI, and the flow completes", async () => {
  const flow = await mjflow.flows
    .create({ provider: "midjourney-proxy", prompt: "a boat", base64Array: [png(5 * MB)] })
    .wait({ timeoutMs: 60_000 });
  expect(flow.status).toBe("completed");
  expect(await imagesAtVendor()).toContain(`data:image/png;base64,${5 * MB} bytes`);
}, 90_000);

test("the link that a vendor gets returns the bytes and the type of the image", async () => {
  const image = png(12 * MB);
  const { id } = await mjflow.uploads.send(image);
  const flow = await mjflow.flows.create({ provider: "simulator", action: "describe", base64Array: [id] });
  expect((await server.ended(flow.id)).status).toBe("completed");
  const link = (await imagesAtVendor()).find((each) => each.includes(id))!;
  expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/uploads\/app_default\/upload_\w+\/[\w-]+\.png$/);
  const answer = await fetch(link);
  expect(answer.headers.get("content-type")).toBe("image/png");
  expect(digest(new Uint8Array(await answer.arrayBuffer()))).toBe(digest(image));
}, 60_000);

test("a page of an allowed origin may send an upload", async () => {
  const { url } = await mjflow.uploads.create({ contentType: "image/png", bytes: 100 });
  const headers = { origin: ORIGIN, "access-control-request-method": "PUT" };
  const allowed = await fetch(url, { method: "OPTIONS", headers });
  expect(allowed.headers.get("access-control-allow-origin")).toBe(ORIGIN);
  const refused = await fetch(url, { method: "OPTIONS", headers: { ...headers, origin: "https://other.test" } });
  expect(refused.headers.get("access-control-allow-origin")).toBeNull();
});

test("a large mask of a press is uploaded, too", async () => {
  const flow = await mjflow.flows
    .create({
      provider: "simulator",
      prompt: "a boat",
      then: [{ press: "U1", then: [{ press: "vary:region", modal: { prompt: "a sail", maskBase64: png(2 * MB) } }] }],
    })
    .wait({ timeoutMs: 60_000 });
  expect(flow.status).toBe("completed");
  expect(flow.tasks).toHaveLength(3);
}, 90_000);
