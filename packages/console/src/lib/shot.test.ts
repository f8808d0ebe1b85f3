import type { Copy } from "@mjflow/client";
import { describe, expect, test } from "vitest";
import { fileNameOf, ratioOf, type ShotSource, shotsOf } from "./shot.ts";

const url = (name: string) => `https://cdn.example.com/${name}`;
const copyOf = (source: string, contentType = "image/png"): Copy => ({
  url: url(`copy-of-${source}`),
  bytes: 1,
  sha256: "",
  contentType,
  source: url(source),
});
const result = (rest: Partial<ShotSource> = {}): ShotSource => ({
  taskId: "task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0",
  flowId: "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD",
  press: null,
  action: "IMAGINE",
  provider: "p",
  imageUrl: url("a.png"),
  images: [],
  videos: [],
  copies: [],
  prompt: "a boat --ar 3:2",
  endedAt: null,
  ...rest,
});

describe("shots of a result", () => {
  test("a grid that the vendor gave as one picture is four shots, each a quarter of it", () => {
    const shots = shotsOf(result());
    expect(shots.map(({ id, quarter, number, of }) => [id.slice(-2), quarter, number, of])).toEqual([
      [".1", 1, 1, 4],
      [".2", 2, 2, 4],
      [".3", 3, 3, 4],
      [".4", 4, 4, 4],
    ]);
    expect(shots[2]).toMatchObject({ sources: [url("a.png")], label: "imagine 3", ratio: 1.5 });
  });

  test("a grid with four pictures has each as a whole, and each prefers its own copy", () => {
    const images = ["1", "2", "3", "4"].map((name) => ({ url: url(name) }));
    const shots = shotsOf(result({ images, copies: [copyOf("2"), copyOf("1")] }));
    expect(shots.map(({ quarter }) => quarter)).toEqual([undefined, undefined, undefined, undefined]);
    expect(shots[0]!.sources).toEqual([url("copy-of-1"), url("1")]);
    expect(shots[1]!.sources).toEqual([url("copy-of-2"), url("2")]);
  });

  test.each([
    ["upscale:1", "UPSCALE", 1],
    ["tile:2", "TILE", 1],
    ["vary:subtle", "VARIATION", 4],
    ["zoom:2", "OUTPAINT", 4],
    [null, "SWAP_FACE", 1],
    [null, "BLEND", 4],
  ])("the result of %s (%s) has %i shots", (press, action, count) => {
    expect(shotsOf(result({ press, action }))).toHaveLength(count);
  });

  test("four videos are four shots with their still as picture", () => {
    const videos = [1, 2, 3, 4].map((n) => ({ url: url(`${n}.mp4`), thumbnail: url(`${n}.jpg`) }));
    const shots = shotsOf(result({ press: "animate:low", action: "VIDEO", videos }));
    expect(shots.map(({ video }) => video)).toEqual(videos.map((video) => video.url));
    expect(shots[3]!.sources).toEqual([url("4.jpg"), url("a.png")]);
  });

  test("a result without a safe address has no shots", () => {
    expect(shotsOf(result({ imageUrl: "javascript:alert(1)" }))).toEqual([]);
    expect(shotsOf(result({ imageUrl: null }))).toEqual([]);
  });
});

test("the ratio is the one of the prompt, and a square if the prompt has none or nonsense", () => {
  expect(ratioOf("a boat --ar 16:9")).toBeCloseTo(16 / 9);
  expect([null, "a boat", "a boat --ar x", "a boat --ar 3:0", "a boat --ar 3"].map(ratioOf)).toEqual([1, 1, 1, 1, 1]);
  expect(ratioOf("a boat --ar 100:1")).toBe(4);
});

test("the file of a shot is named by prompt, press and number, with the type of its copy", () => {
  const [shot] = shotsOf(
    result({ prompt: "A paper boat, Zürich! --ar 3:2", press: "upscale:2", copies: [copyOf("a.png", "image/jpeg")] }),
  );
  expect(fileNameOf(shot!)).toBe("a-paper-boat-zu-rich_u2_6N1JHD0_1.jpg");
  expect(fileNameOf(shotsOf(result({ prompt: null }))[1]!)).toMatch(/^imagine-2_\w+_2\.png$/);
});
