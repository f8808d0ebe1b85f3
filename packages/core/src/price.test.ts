import { expect, it } from "vitest";
import { estimateUsd } from "./price.ts";

it.each([
  ["relax", 0.015],
  ["fast", 0.04],
  ["turbo", 0.108],
  ["video", 0.108],
] as const)("a picture at the pace %s is worth %d USD", (pace, usd) => {
  expect(estimateUsd({ action: "IMAGINE", pace })).toBe(usd);
  expect(estimateUsd({ action: "VARIATION", pace })).toBe(usd);
});

it.each(["UPSCALE", "DESCRIBE", "SHORTEN", "SWAP_FACE"])("%s is small work, at any pace", (action) => {
  for (const pace of ["relax", "fast", "turbo", "video"] as const) expect(estimateUsd({ action, pace })).toBe(0.01);
});

it("a tile, cut by us, is worth nothing, whatever its plan's pace", () => {
  expect(estimateUsd({ action: "TILE", pace: "turbo" })).toBe(0);
});
