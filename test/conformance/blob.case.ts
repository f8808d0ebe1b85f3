/** Conformance suite of the port `Blobs` (core/port.ts). */
import { randomBytes } from "node:crypto";
import type { Blobs } from "@mjflow/core/port";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AWKWARD, newFlow } from "./factory.ts";

export interface BlobMaker {
  blobs: Blobs;
  stop(): Promise<void>;
}

export function blobCase(title: string, make: () => Promise<BlobMaker>): void {
  describe(`blobs: ${title}`, () => {
    let maker: BlobMaker;
    beforeAll(async () => {
      maker = await make();
    });
    afterAll(() => maker?.stop());

    test("images of several megabytes are read unchanged", async () => {
      const { id } = newFlow();
      const image = `data:image/png;base64,${randomBytes(3_000_000).toString("base64")}`;
      const inputs = { base64Array: [image, AWKWARD], masks: ["m"] };
      await maker.blobs.putInputs(id, inputs);
      expect(await maker.blobs.getInputs(id)).toEqual(inputs);
    });

    test("inputs that were never stored are undefined", async () => {
      expect(await maker.blobs.getInputs(newFlow().id)).toBeUndefined();
    });

    test("a second write replaces the first", async () => {
      const { id } = newFlow();
      await maker.blobs.putInputs(id, { masks: ["a"] });
      await maker.blobs.putInputs(id, { masks: ["b"] });
      expect(await maker.blobs.getInputs(id)).toEqual({ masks: ["b"] });
    });
  });
}
