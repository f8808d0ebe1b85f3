import { describe, expect, it } from "vitest";
import { isUploadId, uploadIdOf, uploadKeyOf } from "./upload.ts";

const RANDOM = new Uint8Array(10).fill(7);

describe("ids of uploads", () => {
  it("an id sorts by its time and is recognized", () => {
    const [first, second] = [uploadIdOf(1_000, RANDOM), uploadIdOf(2_000, RANDOM)];
    expect(first < second).toBe(true);
    expect(isUploadId(first)).toBe(true);
  });

  it.each([
    "upload_",
    "upload_../../media/x",
    "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD",
    "upload_01k9zc7t3r8m2v5x0q4b6n1jhd",
    "",
  ])("%j is no id of an upload", (text) => expect(isUploadId(text)).toBe(false));

  it("the key contains the app, so another app has another key for the same id", () => {
    const id = uploadIdOf(0, RANDOM);
    expect(uploadKeyOf("app_a", id)).not.toBe(uploadKeyOf("app_b", id));
  });
});
