import { describe, expect, it } from "vitest";
import { parseSweepJob, SWEEP_SLICES, type SweepJob, sliceName } from "./sweep-job.ts";

const JOB: SweepJob = { v: 1, type: "sweep", partition: "due#poll#3", at: 1_765_000_000_000 };
const parsed = (body: unknown) => parseSweepJob(JSON.stringify(body));

describe("the message of a sweep job", () => {
  it("is read with and without a slice; unknown fields are left out", () => {
    expect(parsed(JOB)).toStrictEqual(JOB);
    for (let slice = 0; slice < SWEEP_SLICES; slice++) {
      expect(parsed({ ...JOB, slice, later: true })).toStrictEqual({ ...JOB, slice });
    }
  });

  it.each<[string, unknown]>([
    ["another version", { ...JOB, v: 2 }],
    ["another type", { ...JOB, type: "submit" }],
    ["no time", { ...JOB, at: undefined }],
    ["a time as text", { ...JOB, at: "now" }],
    ["an unknown partition", { ...JOB, partition: "due#poll#32" }],
    ["no partition", { ...JOB, partition: undefined }],
    ["a negative slice", { ...JOB, slice: -1 }],
    ["a slice that does not exist", { ...JOB, slice: SWEEP_SLICES }],
    ["half a slice", { ...JOB, slice: 0.5 }],
    ["a slice as text", { ...JOB, slice: "1" }],
    ["null as slice", { ...JOB, slice: null }],
    ["null as body", null],
  ])("is not known with %s", (_, body) => {
    expect(parsed(body)).toBeUndefined();
  });

  it("is not known if it is no JSON", () => {
    expect(parseSweepJob("{")).toBeUndefined();
  });
});

it("the name of a slice is its number, or all for the whole partition", () => {
  expect([sliceName({}), sliceName({ slice: 0 }), sliceName({ slice: 3 })]).toEqual(["all", "0", "3"]);
});
