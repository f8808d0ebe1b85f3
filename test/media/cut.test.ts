/** Tiles of a stored grid: cut once, from our copy, within limits. */
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { copyToBucket } from "@mjflow/media/copy";
import { cutToBucket } from "@mjflow/media/cut";
import { renderPng } from "@mjflow/simulator/image";
import { PNG } from "pngjs";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { BUCKET, createMediaHarness, imageOf, type MediaHarness, serveResponse } from "./harness.ts";

const scenes = ["boat/1/1", "boat/1/2", "boat/1/3", "boat/1/4"];
const grid = renderPng({ scenes, percent: 100 });
const from = "media/flow_1/0";
const maxBytes = 1_000_000;

let harness: MediaHarness;
beforeAll(async () => {
  harness = await createMediaHarness();
  const outbound = serveResponse({ chunks: [grid] });
  await copyToBucket({ outbound, bucket: harness.bucket }, { url: "", key: from, maxBytes, timeoutMs: 1_000 });
});
afterAll(() => harness?.stop());
beforeEach(() => {
  harness.calls.length = 0;
});

test("the four tiles of the simulator's grid equal its quarters pixel for pixel", async () => {
  const whole = PNG.sync.read(grid);
  for (const n of [1, 2, 3, 4] as const) {
    const key = `${from}/tile-${n}`;
    const stored = await cutToBucket({ bucket: harness.bucket }, { from, key, n, maxBytes });
    expect(stored).toMatchObject({ key, contentType: "image/png" });
    const { Body } = await harness.client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
    const tile = PNG.sync.read(Buffer.from(await Body!.transformToByteArray()));
    const expected = new PNG({ width: 256, height: 256 });
    PNG.bitblt(whole, expected, n % 2 === 1 ? 0 : 256, n <= 2 ? 0 : 256, 256, 256, 0, 0);
    expect(tile.data.equals(expected.data)).toBe(true);
  }
});

test("a repeated cut reads the grid once and returns the same result", async () => {
  const request = { from, key: `${from}/twice`, n: 2, maxBytes } as const;
  const first = await cutToBucket({ bucket: harness.bucket }, request);
  expect(await cutToBucket({ bucket: harness.bucket }, request)).toEqual(first);
  expect(harness.calls.map(({ name }) => name)).toEqual(["HeadObject", "GetObject", "PutObject", "HeadObject"]);
});

test("a missing grid gives gone, a grid above the limit is rejected unread, and neither stores a tile", async () => {
  const key = `${from}/none`;
  const absent = cutToBucket({ bucket: harness.bucket }, { from: "media/none", key, n: 1, maxBytes });
  await expect(absent).rejects.toMatchObject({ code: "gone", retry: "never" });
  const large = cutToBucket({ bucket: harness.bucket }, { from, key, n: 1, maxBytes: grid.length - 1 });
  await expect(large).rejects.toMatchObject({ code: "too_large", retry: "never" });
  expect(harness.keys()).not.toContain(key);
});

test("the decoder rejects data that only starts like an image", async () => {
  const outbound = serveResponse({ chunks: [imageOf(5_000)] });
  const broken = { url: "", key: "media/broken", maxBytes, timeoutMs: 1_000 };
  await copyToBucket({ outbound, bucket: harness.bucket }, broken);
  const cut = cutToBucket({ bucket: harness.bucket }, { from: broken.key, key: "media/broken/1", n: 1, maxBytes });
  await expect(cut).rejects.toMatchObject({ code: "not_media", retry: "never" });
});
