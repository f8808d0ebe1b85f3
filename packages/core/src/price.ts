/**
 * What a picture costs, roughly: for telling what a doubled submission was worth, never for a bill. Vendors differ;
 * these are xfusionai's published prices (apifox.com/apidoc/shared/b575efe8-…, price list), in USD.
 */
import type { Pace } from "./timing.ts";

const PICTURE_USD: Record<Pace, number> = { relax: 0.015, fast: 0.04, turbo: 0.108, video: 0.108 };
const SMALL_USD = 0.01;
const SMALL: ReadonlySet<string> = new Set(["UPSCALE", "DESCRIBE", "SHORTEN", "SWAP_FACE"]);

export function estimateUsd({ action, pace }: { action: string; pace: Pace }): number {
  return SMALL.has(action) ? SMALL_USD : PICTURE_USD[pace];
}
