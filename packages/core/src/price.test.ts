import { expect, it } from "vitest";
import { NOW, taskIn } from "../test/sample.ts";
import { acceptedSubmissionCount, asSettled, estimateUsd, planMicroUsd } from "./price.ts";

it.each([
  ["relax", 0.015],
  ["fast", 0.04],
  ["turbo", 0.108],
] as const)("an image at pace %s is estimated at %d USD", (pace, usd) => {
  expect(estimateUsd({ action: "IMAGINE", pace })).toBe(usd);
  expect(estimateUsd({ action: "VARIATION", pace })).toBe(usd);
});

it.each(["VIDEO", "REROLL"])("%s at the pace of a video is estimated at the price of a video request", (action) => {
  expect(estimateUsd({ action, pace: "video" })).toBe(0.6);
});

it.each(["EDIT", "EDITS", "RETEXTURE"])("%s costs as much as an image of the same pace", (action) => {
  for (const pace of ["relax", "fast", "turbo"] as const) {
    expect(estimateUsd({ action, pace })).toBe(estimateUsd({ action: "IMAGINE", pace }));
  }
});

it("a video that is made again costs another video, and its selection the small price", () => {
  const animated = (then: { press: string }[]) =>
    planMicroUsd({ action: "UPSCALE", pace: "fast" }, [{ press: "animate:low", then }]);
  expect(animated([{ press: "reroll" }])).toBe(1_210_000);
  expect(animated([{ press: "extend:low" }])).toBe(1_210_000);
  expect(animated([{ press: "U2" }])).toBe(620_000);
});

it.each(["UPSCALE", "DESCRIBE", "SHORTEN", "SWAP_FACE"])("%s costs the small price at every pace", (action) => {
  for (const pace of ["relax", "fast", "turbo", "video"] as const) expect(estimateUsd({ action, pace })).toBe(0.01);
});

it("a settlement did not see a success that was reported after it", () => {
  const task = taskIn("FAILURE", { late: { status: "SUCCESS", at: NOW, result: {} } });
  expect(asSettled(task, NOW - 1)).toEqual({ ...task, late: undefined });
  expect([acceptedSubmissionCount(task), acceptedSubmissionCount(asSettled(task, NOW - 1))]).toEqual([1, 0]);
  for (const settledAt of [NOW, NOW + 1, undefined]) expect(asSettled(task, settledAt)).toBe(task);
  const without = taskIn("FAILURE");
  expect(asSettled(without, NOW)).toBe(without);
});

it("a tile is free at every pace, because mjflow cuts it", () => {
  expect(estimateUsd({ action: "TILE", pace: "turbo" })).toBe(0);
});

it("a prompt that makes several tasks costs each of them, and its follow-ups are pressed once", () => {
  expect(estimateUsd({ action: "IMAGINE", pace: "turbo", taskCount: 3 })).toBeCloseTo(0.324);
  expect(planMicroUsd({ action: "IMAGINE", pace: "fast", taskCount: 40 }, [{ press: "U1" }])).toBe(1_610_000);
});

it("an animation costs the same by its name, its label and its customId", () => {
  for (const press of ["animate:high", "Animate (High motion)", "MJ::JOB::animate_high::1::0-0::SOLO"]) {
    expect(planMicroUsd({ action: "IMAGINE", pace: "fast" }, [{ press }]), press).toBe(640_000);
  }
});
