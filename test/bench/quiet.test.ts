import { expect, test } from "vitest";
import { disturbances, OTHERS_LIMIT, type Quiet, SPEED_LIMIT } from "./quiet.ts";

const QUIET: Quiet = { othersCpus: OTHERS_LIMIT / 2, calibrationMs: [50, 51] };

test("a machine with little other work and a steady CPU is quiet", () => {
  expect(disturbances([QUIET, QUIET])).toEqual([]);
});

test("other processes in one round disturb the whole result", () => {
  expect(disturbances([QUIET, { ...QUIET, othersCpus: 1.234 }])).toEqual(["other processes used 1.23 CPUs"]);
});

test("a CPU that is slower in one round than in another disturbs the result", () => {
  const slow = { ...QUIET, calibrationMs: [50 * SPEED_LIMIT, 50 * SPEED_LIMIT * 1.1] };
  expect(disturbances([QUIET, slow])).toEqual(["the speed of the CPU changed by a factor of 1.26"]);
  expect(disturbances([slow])).toEqual([]);
});
