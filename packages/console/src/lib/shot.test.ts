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

describe("the file of a shot", () => {
  const nameOf = (rest: Partial<ShotSource>, n = 0) => fileNameOf(shotsOf(result(rest))[n]!);

  test("is named by prompt, press and seed, with the type of its copy", () => {
    const copies = [copyOf("a.png", "image/jpeg")];
    const prompt = "A paper boat, Zürich! --ar 3:2";
    expect(nameOf({ prompt, press: "upscale:2", copies, seed: "2918340417" })).toBe(
      "a-paper-boat-zurich_u2_2918340417.jpg",
    );
  });

  test.each([null, undefined, ""])("has no part for a seed that is %j", (seed) => {
    expect(nameOf({ press: "upscale:2", seed } as Partial<ShotSource>)).toBe("a-boat_u2.png");
  });

  test("has no part for a prompt that is null, or that has only parameters", () => {
    expect(nameOf({ prompt: null, press: "upscale:2" })).toBe("u2.png");
    expect(nameOf({ prompt: "--ar 3:2", press: "upscale:2" })).toBe("u2.png");
  });

  test("has the number of an image that is a file of its own, and none for a quarter of the whole file", () => {
    const images = ["1", "2", "3", "4"].map((name) => ({ url: url(name) }));
    expect(nameOf({ images, seed: "7" }, 2)).toBe("a-boat_imagine_3_7.png");
    expect(nameOf({ seed: "7" }, 2)).toBe("a-boat_imagine_7.png");
  });

  test("has nothing of a prompt or a vendor that could be a path or a part of its own", () => {
    expect(nameOf({ prompt: "../a_b\\c: d", press: "upscale:2", seed: "../_1" })).toBe("a-b-c-d_u2_1.png");
  });

  test("ends a long prompt at a word", () => {
    const prompt = `${"a".repeat(59)} boat`;
    expect(nameOf({ prompt, press: "upscale:2" })).toBe(`${"a".repeat(59)}_u2.png`);
  });
});
