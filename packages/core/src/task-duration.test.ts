import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NOW, second, taskIn } from "../test/sample.ts";
import { addHours } from "./account-hours.ts";
import {
  addDurations,
  type DurationSample,
  durationSampleOf,
  expectedMs,
  type TaskDurations,
} from "./task-duration.ts";

const sample = (ms: number, more: Partial<DurationSample> = {}): DurationSample => ({
  pace: "fast",
  action: "IMAGINE",
  ms,
  ...more,
});
const after = (...samples: DurationSample[]) => addDurations(undefined, samples, NOW);

describe("the sample of a task", () => {
  test("a success counts from its acceptance to its end, and not how long it waited for a busy vendor", () => {
    const task = taskIn("SUCCESS", { submittedAt: NOW + 900 * second, endedAt: NOW + 942 * second });
    expect(durationSampleOf(task)).toEqual(sample(42 * second));
  });

  test("a success without a time of its end has none", () => {
    expect(durationSampleOf(taskIn("SUCCESS"))).toBeUndefined();
  });

  test("a success whose acceptance is unknown counts from its creation", () => {
    expect(durationSampleOf(taskIn("SUCCESS", { endedAt: NOW + 42 * second }))).toEqual(sample(42 * second));
  });

  test("after a modal the time of the last answer counts, and not how long a person thought about it", () => {
    const task = taskIn("SUCCESS", { modals: 1, submittedAt: NOW + 600 * second, endedAt: NOW + 630 * second });
    expect(durationSampleOf(task)).toEqual(sample(30 * second));
  });

  test.each(["PENDING", "IN_PROGRESS", "FAILURE", "CANCEL", "EXPIRED"] as const)(
    "a task in %s does not count",
    (status) => {
      expect(durationSampleOf(taskIn(status, { endedAt: NOW }))).toBeUndefined();
    },
  );
});

describe("the expected duration", () => {
  test.each([
    ["turbo", "IMAGINE", 30],
    ["fast", "IMAGINE", 60],
    ["relax", "IMAGINE", 600],
    ["video", "VIDEO", 240],
    ["relax", "UPSCALE", 15],
    ["fast", "TILE", 5],
  ] as const)("without data a %s %s is expected to take %i s", (pace, action, s) => {
    expect(expectedMs(undefined, pace, action)).toBe(s * second);
    expect(expectedMs({ at: NOW, counts: {} }, pace, action)).toBe(s * second);
  });

  test("4 tasks are too few for a percentile, 5 are enough", () => {
    const four = after(...Array.from({ length: 4 }, () => sample(3 * second)));
    expect(expectedMs(four, "fast", "IMAGINE")).toBe(60 * second);
    expect(expectedMs(addDurations(four, [sample(3 * second)], NOW), "fast", "IMAGINE")).toBeLessThan(4 * second);
  });

  test("a slow fifth of the tasks does not change the 80th percentile, and more than a fifth does", () => {
    const fast = Array.from({ length: 8 }, () => sample(30 * second));
    const [two, three] = [2, 3].map((n) => Array.from({ length: n }, () => sample(300 * second)));
    expect(expectedMs(after(...fast, ...two!), "fast", "IMAGINE")).toBeLessThan(41 * second);
    expect(expectedMs(after(...fast, ...three!), "fast", "IMAGINE")).toBeGreaterThan(290 * second);
  });

  test("each pace and each action of an account has its own duration", () => {
    const many = (more: Partial<DurationSample>) => Array.from({ length: 5 }, () => sample(90 * second, more));
    const known = after(...many({ pace: "turbo" }), ...many({ action: "UPSCALE" }));
    expect(expectedMs(known, "fast", "IMAGINE")).toBe(60 * second);
    expect(expectedMs(known, "turbo", "IMAGINE")).toBeGreaterThan(89 * second);
    expect(expectedMs(known, "fast", "UPSCALE")).toBeGreaterThan(89 * second);
  });

  test("an account that has become slow is seen after 80 tasks, however many were fast", () => {
    let known = after(...Array.from({ length: 10_000 }, () => sample(20 * second)));
    known = addDurations(
      known,
      Array.from({ length: 80 }, () => sample(200 * second)),
      NOW,
    );
    expect(expectedMs(known, "fast", "IMAGINE")).toBeGreaterThan(190 * second);
  });

  test("for all samples at least 80 % of them are within the expected duration, and it is at most 35 % too long", () => {
    const drawn = fc.array(fc.integer({ min: 0, max: 6_000 * second }), { minLength: 5, maxLength: 35 });
    fc.assert(
      fc.property(drawn, (all) => {
        const expected = expectedMs(after(...all.map((ms) => sample(ms))), "fast", "IMAGINE");
        const sorted = all.toSorted((a, b) => a - b);
        const exact = sorted[Math.ceil(0.8 * all.length) - 1]!;
        expect(expected).toBeGreaterThanOrEqual(exact);
        expect(expected).toBeLessThanOrEqual(Math.max(second, exact * 1.351));
      }),
    );
  });
});

describe("the stored histograms", () => {
  const KB = 1_024;

  const fullDay = Array.from({ length: 24 }, (_, back) => ({
    ...{ at: NOW - back * 3_600 * second, succeeded: 46_655, failed: 1_295, meanMs: 1_295 * second },
  }));

  test("for all samples, also with actions that a vendor invented, the stored form with its hours stays below one KB", () => {
    const action = fc.oneof(
      fc.constantFrom("IMAGINE", "UPSCALE", "VARIATION"),
      fc.string(),
      fc.stringMatching(/^[A-Z_]+$/),
    );
    const pace = fc.constantFrom("fast", "turbo", "relax", "video");
    const drawn = fc.array(fc.record({ pace, action, ms: fc.nat() }), { maxLength: 300 });
    fc.assert(
      fc.property(drawn, (samples) => {
        const known: TaskDurations = after(...samples);
        const hours = addHours(undefined, fullDay, NOW);
        expect(JSON.stringify({ ...known, hours }).length).toBeLessThan(KB);
        for (const text of Object.values(known.counts)) expect(text).toMatch(/^[0-9a-z]{30}$/);
      }),
    );
  });

  test("the histograms with most tasks are kept when there are too many", () => {
    const common = Array.from({ length: 9 }, () => sample(40 * second));
    const rare = Array.from({ length: 40 }, (_, i) =>
      sample(second, { action: `RARE_${"ABCDEFGH"[i % 8]}${"ABCDE"[i % 5]}` }),
    );
    expect(Object.keys(after(...common, ...rare).counts)).toHaveLength(12);
    expect(expectedMs(after(...common, ...rare), "fast", "IMAGINE")).toBeGreaterThan(39 * second);
  });

  test("the common actions are kept, in whatever order they came first", () => {
    const rare = Array.from({ length: 20 }, (_, i) => sample(second, { action: `RARE_${"ABCDEFGHIJKLMNOPQRST"[i]}` }));
    const common = Array.from({ length: 9 }, () => sample(40 * second));
    expect(Object.keys(after(...rare, ...common).counts)).toContain("fast/IMAGINE");
  });

  test("a sample counts in the first bucket whose bound it does not pass, and the 36th halves all counts", () => {
    const counts = (n: number) => after(...Array.from({ length: n }, () => sample(second))).counts["fast/IMAGINE"];
    expect(counts(1)).toBe(`1${"0".repeat(29)}`);
    expect(counts(35)).toBe(`z${"0".repeat(29)}`);
    expect(counts(36)).toBe(`i${"0".repeat(29)}`);
  });

  test.each(["a name with blanks", "xIMAGINE", "IMAGINEx", "A".repeat(21)])(
    "the action %j is counted as OTHER",
    (action) => {
      expect(Object.keys(after(sample(second, { action })).counts)).toEqual(["fast/OTHER"]);
    },
  );

  test("a damaged histogram counts as one without data", () => {
    expect(expectedMs({ at: NOW, counts: { "fast/IMAGINE": "?!" } }, "fast", "IMAGINE")).toBe(60 * second);
  });
});
