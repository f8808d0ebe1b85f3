import { PNG } from "pngjs";
import { expect, test } from "vitest";
import { createGallery, ratioOf, renderPng } from "./image.ts";

const grid = { scenes: ["boat/1/1", "boat/1/2", "boat/1/3", "boat/1/4"], percent: 100 };

test("the same scene names give the same bytes, and other names give other bytes", () => {
  expect(renderPng(grid).equals(renderPng(grid))).toBe(true);
  expect(
    renderPng({ scenes: ["boat/2/1"], percent: 100 }).equals(renderPng({ scenes: ["boat/1/1"], percent: 100 })),
  ).toBe(false);
});

test("a grid is a PNG of 512 by 512 pixels with four different tiles", () => {
  const png = PNG.sync.read(renderPng(grid));
  expect([png.width, png.height]).toEqual([512, 512]);
  const corners = [0, 256 * 4, 256 * 512 * 4, 256 * 512 * 4 + 256 * 4].map((at) =>
    png.data.subarray(at, at + 3).join(),
  );
  expect(new Set(corners).size).toBe(4);
});

test("an image has the aspect ratio that its prompt asks for, within limits", () => {
  const sizeFor = (prompt: string | null, scenes = ["boat/1/1"]) => {
    const { width, height } = PNG.sync.read(renderPng({ scenes, percent: 100, ratio: ratioOf(prompt) }));
    return `${width}x${height}`;
  };
  expect(sizeFor("a boat --ar 3:2 --v 7")).toBe("768x512");
  expect(sizeFor("a boat --aspect 9:16", grid.scenes)).toBe("512x910");
  expect(sizeFor("a boat --ar 2000:1")).toBe("1536x512");
  for (const prompt of [null, "a boat", "a boat --ar 0:0", "a boat --ar wide", "a boat --array 3:2"])
    expect(sizeFor(prompt)).toBe("512x512");
});

test("a preview has fewer bytes than the finished image", () => {
  expect(renderPng({ ...grid, percent: 31 }).length).toBeLessThan(renderPng(grid).length / 2);
});

test("the gallery renders an image once and stays within its size limit", () => {
  const gallery = createGallery(1);
  const first = gallery({ scenes: ["a"], percent: 10 });
  expect(gallery({ scenes: ["a"], percent: 10 })).toBe(first);
  gallery({ scenes: ["b"], percent: 10 });
  expect(gallery({ scenes: ["a"], percent: 10 })).not.toBe(first);
});
